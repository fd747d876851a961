//! What rotations of keys send to vendors, against the vendors' own specifications, and against what our pages say.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a skipped check says so; tests fail by panicking, and hold the whole system on their stack"
)]

use std::collections::BTreeSet;
use std::fs;

use contract::specs::{SKIPPED, Specs};
use contract::workspace_root;
use crossdock::vendors::stripe::{API_VERSION, EVENT_TYPES};
use serde_json::Value;
use simulation::universe::Universe;

const TOKEN: &str = "11111111-1111-4111-8111-111111111111";

async fn rotated(secret: &'static str) -> Universe {
    let mut universe = Universe::new(1);
    universe.rotates = secret;
    universe.aws().secrets().begin_rotation(secret, TOKEN);
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        assert_eq!(universe.rotate(step, TOKEN).await, Some(Ok(())), "{step}");
    }
    for _ in 0..2 {
        universe.sleep_ms((secret_rotator::NOBODY_HAS_IT_AFTER.as_secs() + 60) * 1_000).await;
        assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
    }
    universe
}

#[tokio::test(start_paused = true)]
async fn every_request_of_an_endpoint_s_rotation_is_one_that_stripe_s_specification_allows() {
    let universe = rotated("stripe-webhook").await;
    let sandbox = universe.sandbox();
    let sent: BTreeSet<(String, String)> =
        sandbox.calls().iter().map(|call| (call.method.to_string(), call.operation.to_owned())).collect();
    for operation in ["create_endpoint", "list_endpoints", "retrieve_endpoint", "update_endpoint"] {
        assert!(sent.iter().any(|(_, name)| name == operation), "{operation} was not sent");
    }
    let Some(specs) = Specs::from_env() else {
        eprintln!("{SKIPPED}");
        return;
    };
    for call in sandbox.calls() {
        let content_type = call.headers.get("content-type").map(|value| value.to_str().unwrap());
        // The specification at hand is of a version before ours, and lists the versions that there were.
        let body = String::from_utf8(call.body.to_vec()).unwrap().replace(API_VERSION, specs.stripe_version());
        let body = body.replace("refund.failed", "refund.updated"); // of a later version, too
        let wrong = specs.check("stripe", call.method.as_str(), &call.path_and_query, content_type, body.as_bytes());
        assert_eq!(wrong, Ok(()), "{} {}", call.method, call.path_and_query);
    }
}

/// By github.com/twilio/sendgrid-oai, spec/json/tsg_api_keys_v3.json: `name` is needed, and without `scopes` the key may do
/// everything.
#[tokio::test(start_paused = true)]
async fn every_key_that_is_made_at_sendgrid_has_a_name_and_a_list_of_what_it_may_do() {
    let universe = rotated("sendgrid").await;
    let sandbox = universe.sandbox();
    let made: Vec<Value> = sandbox
        .calls()
        .iter()
        .filter(|call| call.operation == "create_key")
        .map(|call| serde_json::from_slice(&call.body).unwrap())
        .collect();
    assert_eq!(made.len(), 2);
    for body in made {
        let fields: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["name", "scopes"]);
        assert!(!body["scopes"].as_array().unwrap().is_empty() && body["name"].as_str().unwrap().len() <= 100);
    }
}

#[test]
fn the_page_on_deploying_registers_the_events_that_a_new_endpoint_gets() {
    let page = fs::read_to_string(workspace_root().join("infra/docs/deploy.md")).unwrap();
    let said: BTreeSet<&str> =
        page.split("enabled_events[]=").skip(1).filter_map(|rest| rest.split('\'').next()).collect();
    assert_eq!(said, EVENT_TYPES.into_iter().collect());
    assert!(page.contains(&format!("api_version={API_VERSION}")));
}
