//! The catalog of domain events: its files are what the types say, and what is published is what its file says.
//!
//! `UPDATE_CATALOG=1 cargo test -p contract --test catalog` writes the files anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::large_futures,
    reason = "tests fail by panicking, may read UPDATE_CATALOG, and hold the whole system on their stack"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crossdock::domain::event::catalog;
use serde_json::Value;
use simulation::shop::Flow;
use simulation::universe::Universe;

fn folder() -> PathBuf {
    contract::workspace_root().join("events/catalog")
}

/// Each event type's file, as it has to be.
fn files() -> BTreeMap<String, String> {
    let pretty = |schema| serde_json::to_string_pretty(&schema).unwrap() + "\n";
    catalog().into_iter().map(|(name, schema)| (format!("{name}.json"), pretty(schema))).collect()
}

#[test]
fn the_catalog_s_files_are_the_schemas_of_the_event_types_and_there_are_no_others() {
    let update = std::env::var("UPDATE_CATALOG").is_ok_and(|value| !value.is_empty() && value != "0");
    if update {
        std::fs::create_dir_all(folder()).unwrap();
        for (name, text) in files() {
            std::fs::write(folder().join(name), text).unwrap();
        }
    }
    // Beside the schemas there is a page for people.
    let there: BTreeMap<String, String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap())
        })
        .filter(|(name, text)| {
            if name == "README.md" {
                let told = files().keys().all(|schema| text.contains(schema.as_str()));
                assert!(told, "events/catalog/README.md does not tell of every event");
            }
            name != "README.md"
        })
        .collect();
    let help =
        "UPDATE_CATALOG=1 cargo test -p contract --test catalog writes them anew; a file too many is deleted by hand";
    assert_eq!(there.keys().collect::<Vec<_>>(), files().keys().collect::<Vec<_>>(), "{help}");
    for (name, text) in files() {
        assert_eq!(there[&name], text, "{name}: {help}");
    }
}

/// What the flows publish.
async fn published() -> Vec<Value> {
    let mut events = Vec::new();
    for flow in Flow::ALL {
        let mut universe = Universe::new(1);
        flow.run(&mut universe).await;
        let messages = universe.aws().sqs().messages("domain-events");
        events.extend(messages.iter().map(|message| serde_json::from_str::<Value>(&message.body).unwrap()));
    }
    events
}

fn validators() -> BTreeMap<String, jsonschema::Validator> {
    let validator = |(name, text): (String, String)| {
        let schema: Value = serde_json::from_str(&text).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{name} is no JSON Schema");
        (name.trim_end_matches(".json").to_owned(), jsonschema::validator_for(&schema).unwrap())
    };
    // The test above holds the files to the same texts.
    files().into_iter().map(validator).collect()
}

#[tokio::test(start_paused = true)]
async fn every_event_that_is_published_is_valid_by_its_file_in_the_catalog_and_every_file_is_used() {
    let (validators, events) = (validators(), published().await);
    let mut seen = BTreeSet::new();
    for event in &events {
        let kind = event["type"].as_str().unwrap();
        let validator = validators.get(kind).unwrap_or_else(|| panic!("{kind} is not in the catalog"));
        let wrong: Vec<String> = validator.iter_errors(event).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{event}: {}", wrong.join("\n"));
        seen.insert(kind.to_owned());
    }
    assert_eq!(seen, validators.keys().cloned().collect());
}

#[tokio::test(start_paused = true)]
async fn what_is_published_are_cloud_events_of_version_1() {
    for event in published().await {
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["datacontenttype"], "application/json");
        assert_eq!(event["source"], "crossdock/sim");
        for name in event.as_object().unwrap().keys() {
            let allowed = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
            assert!(allowed, "{name} is no name of a CloudEvents attribute");
        }
        for needed in ["id", "type", "subject", "time", "correlationid"] {
            assert!(event[needed].as_str().is_some_and(|text| !text.is_empty()), "{needed}: {event}");
        }
    }
}

/// A schema that lets everything pass would pass the test above too.
#[tokio::test(start_paused = true)]
async fn an_event_without_one_of_its_members_or_with_another_s_type_is_not_valid() {
    let validators = validators();
    for event in published().await {
        let validator = &validators[event["type"].as_str().unwrap()];
        let members = event.as_object().unwrap().keys().map(|name| (String::new(), name.clone()));
        let data = event["data"].as_object().unwrap().keys().map(|name| ("/data".to_owned(), name.clone()));
        for (parent, name) in members.chain(data) {
            let mut without = event.clone();
            without.pointer_mut(&parent).unwrap().as_object_mut().unwrap().remove(&name);
            assert!(!validator.is_valid(&without), "{}: valid without {parent}/{name}", event["type"]);
        }
        let mut other = event.clone();
        other["type"] = "crossdock.payment.lost.v1".into();
        assert!(!validator.is_valid(&other), "{}: valid with another type", event["type"]);
        let mut more = event.clone();
        more["data"]["email"] = "ada@example.com".into();
        assert!(!validator.is_valid(&more), "{}: valid with a member that it does not have", event["type"]);
    }
}
