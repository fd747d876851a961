//! The vendors' own OpenAPI files, against which the answers and events in these tests are held. The files are the
//! vendors' and are not checked in; `CROSSDOCK_SPECS` names the folder that has them (a relative path counts from the
//! workspace's root). Without the variable nothing is held against them.

use crate::caller::Answer;
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The schemas of everything that the simulated Stripe answers with, by the word in the member `object`.
const KINDS: [&str; 7] =
    ["balance_transaction", "charge", "customer", "event", "payment_intent", "payment_method", "refund"];

/// Stripe's.
struct Spec {
    validators: BTreeMap<&'static str, Validator>,
    error: Validator,
}

fn spec() -> Option<&'static Spec> {
    static SPEC: OnceLock<Option<Spec>> = OnceLock::new();
    SPEC.get_or_init(|| {
        let document = read("stripe_spec3_subset.json")?;
        let schemas = converted(&document["components"]["schemas"], true);
        let validator = |name: &str| {
            let whole = json!({
                "$ref": format!("#/components/schemas/{name}"),
                "components": { "schemas": only_reachable(&schemas, name) },
            });
            jsonschema::options().with_draft(Draft::Draft202012).build(&whole).unwrap()
        };
        Some(Spec {
            validators: KINDS.iter().map(|kind| (*kind, validator(kind))).collect(),
            error: validator("error"),
        })
    })
    .as_ref()
}

/// One file of the folder; none when there is no folder.
fn read(file: &str) -> Option<Value> {
    let folder = std::env::var("CROSSDOCK_SPECS").ok().filter(|folder| !folder.is_empty())?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder).join(file);
    let text = std::fs::read(&path).unwrap_or_else(|e| panic!("CROSSDOCK_SPECS: {}: {e}", path.display()));
    let is_yaml = Path::new(file).extension().is_some_and(|extension| extension == "yaml");
    Some(if is_yaml { serde_yaml_ng::from_slice(&text).unwrap() } else { serde_json::from_slice(&text).unwrap() })
}

/// One file of the folder, read once.
fn document(file: &'static str) -> Option<Arc<Value>> {
    static READ: Mutex<BTreeMap<&str, Arc<Value>>> = Mutex::new(BTreeMap::new());
    // Whoever fails while it is held has not changed it.
    let mut read_files = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if !read_files.contains_key(file) {
        read_files.insert(file, Arc::new(read(file)?));
    }
    read_files.get(file).cloned()
}

/// Fails the test when an answer is not as the operation of a vendor's file says that its status is answered. A status
/// that the file does not name is not held against anything.
pub(crate) fn check_answer(file: &'static str, path: &str, method: &str, answer: &Answer) {
    let Some(document) = document(file) else { return };
    let operation = &document["paths"][path][method];
    assert!(operation.is_object(), "{file} has no {method} {path}");
    let mut named = &operation["responses"][answer.status.to_string()];
    if let Some(reference) = named["$ref"].as_str() {
        named = document.pointer(reference.trim_start_matches('#')).unwrap();
    }
    let schema = &named["content"]["application/json"]["schema"];
    if schema.is_object() {
        hold_against(&document, &without_lengths(file, schema.clone()), file, &answer.json);
    } else {
        assert_ne!(answer.status, 200, "{file} has no answer to {method} {path}");
    }
}

/// In the files of UPS the lengths are not meant as such: the longest that a field can be stands there as the shortest
/// too.
fn without_lengths(file: &str, mut schema: Value) -> Value {
    fn strip(schema: &mut Value) {
        match schema {
            Value::Array(items) => items.iter_mut().for_each(strip),
            Value::Object(fields) => {
                let numbers = ["minLength", "maxLength", "maximum", "minimum"];
                fields.retain(|word, value| !(numbers.contains(&word.as_str()) && value.is_number()));
                fields.values_mut().for_each(strip);
            }
            _ => {}
        }
    }
    if file.starts_with("ups_") {
        strip(&mut schema);
    }
    schema
}

/// Fails the test when something is not as the schema says that stands at `pointer` in a vendor's file.
pub(crate) fn check_at(file: &'static str, pointer: &str, json: &Value) {
    let Some(document) = document(file) else { return };
    let schema = document.pointer(pointer).unwrap_or_else(|| panic!("{file} has nothing at {pointer}"));
    hold_against(&document, &without_lengths(file, schema.clone()), file, json);
}

/// Holds something against a schema, and all that it refers to.
fn hold_against(document: &Value, schema: &Value, file: &str, json: &Value) {
    let mut reached = Map::new();
    let mut waiting = Vec::new();
    references(schema, &mut waiting);
    while let Some(name) = waiting.pop() {
        if !reached.contains_key(&name) {
            let referred = without_lengths(file, document["components"]["schemas"][&name].clone());
            references(&referred, &mut waiting);
            reached.insert(name, converted(&referred, false));
        }
    }
    let whole = json!({ "allOf": [converted(schema, false)], "components": { "schemas": reached } });
    hold(&jsonschema::options().with_draft(Draft::Draft202012).build(&whole).unwrap(), json);
}

/// OpenAPI 3.0 as JSON Schema: `nullable` becomes a choice, and what an object lists is all that it may have.
fn converted(schema: &Value, names: bool) -> Value {
    match schema {
        Value::Array(items) => items.iter().map(|item| converted(item, false)).collect(),
        Value::Object(fields) if names => {
            fields.iter().map(|(name, inner)| (name.clone(), converted(inner, false))).collect::<Map<_, _>>().into()
        }
        Value::Object(fields) => {
            let mut out: Map<String, Value> = fields
                .iter()
                .filter(|(word, _)| *word != "nullable" && !word.starts_with("x-") && *word != "description")
                .map(|(word, inner)| (word.clone(), converted(inner, word == "properties")))
                .collect();
            let listed = fields.get("properties").and_then(Value::as_object).is_some_and(|listed| !listed.is_empty());
            if listed {
                out.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            let nullable = fields.get("nullable") == Some(&Value::Bool(true));
            if nullable { json!({ "anyOf": [out, { "type": "null" }] }) } else { out.into() }
        }
        other => other.clone(),
    }
}

/// The schema of this name and all that it refers to: the whole document is a megabyte.
fn only_reachable(schemas: &Value, name: &str) -> Value {
    let mut reached = Map::new();
    let mut waiting = vec![name.to_owned()];
    while let Some(name) = waiting.pop() {
        if !reached.contains_key(&name) {
            references(&schemas[&name], &mut waiting);
            reached.insert(name.clone(), schemas[&name].clone());
        }
    }
    reached.into()
}

fn references(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                // A reference may go on into the schema that it names.
                let name = reference.trim_start_matches("#/components/schemas/").split('/').next();
                found.push(name.unwrap_or_default().to_owned());
            }
            fields.values().for_each(|inner| references(inner, found));
        }
        _ => {}
    }
}

/// Fails the test when an answer or event is not as Stripe's specification says.
pub(crate) fn check(json: &Value) {
    let Some(spec) = spec() else { return };
    if json.get("error").is_some() {
        return hold(&spec.error, json);
    }
    match json["object"].as_str() {
        Some("list") => {
            assert!(json["has_more"].is_boolean() && json["url"].is_string(), "{json:#}");
            json["data"].as_array().unwrap().iter().for_each(check);
        }
        Some("v2.core.event") => assert!(json.get("data").is_none(), "{json:#}"),
        Some(kind) => {
            hold(spec.validators.get(kind).unwrap_or_else(|| panic!("an unknown object: {json:#}")), json);
            if kind == "event" {
                check(&json["data"]["object"]);
            }
        }
        None => panic!("neither an object nor an error: {json:#}"),
    }
}

fn hold(validator: &Validator, json: &Value) {
    let wrong: Vec<String> =
        validator.iter_errors(json).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "not as in the specification: {wrong:#?} in {json:#}");
}

#[test]
fn what_is_not_as_in_the_specification_is_caught() {
    let right =
        json!({ "id": "re_1", "object": "refund", "amount": 5, "created": 1, "currency": "eur", "charge": null });
    check(&right);
    for (member, wrong) in [("amount", json!("5")), ("colour", json!("red")), ("charge", json!({ "id": "ch_1" }))] {
        let mut refund = right.clone();
        refund[member] = wrong;
        let caught = std::panic::catch_unwind(|| check(&refund)).is_err();
        assert_eq!(caught, spec().is_some(), "{refund}");
    }
}
