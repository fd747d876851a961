//! OpenAPI's schemas as JSON Schema 2020-12.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// What a reference points to; anything else is itself. Only references into the same document exist in these specs.
pub(super) fn followed<'a>(root: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#')) {
        Some(pointer) => root.pointer(pointer).map_or(value, |target| followed(root, target)),
        None => value,
    }
}

/// A validator for a schema of the document.
pub(super) fn validator(root: &Value, schema: &Value) -> Result<Validator, String> {
    // References are into #/components, so the components travel along; without a reference they stay at home, for
    // Stripe's are a megabyte.
    let mut whole = json!({ "allOf": [converted(schema, Open::No)] });
    if has_reference(schema) {
        whole["components"] = json!({ "schemas": each(&root["components"]["schemas"], Open::No) });
    }
    jsonschema::options().with_draft(Draft::Draft202012).build(&whole).map_err(|e| e.to_string())
}

/// Whether an object that lists its properties may have others where its schema does not say.
#[derive(Clone, Copy)]
enum Open {
    No,
    /// Inside `allOf`, where each part sees the other parts' properties.
    Yes,
}

/// One schema: OpenAPI 3.0's own words (`nullable`, the boolean `exclusiveMinimum`) become JSON Schema's, and objects
/// with listed properties are closed.
fn converted(schema: &Value, open: Open) -> Value {
    let Some(fields) = schema.as_object() else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (word, value) in fields {
        let value = match word.as_str() {
            "properties" | "patternProperties" => each(value, Open::No),
            "items" | "additionalProperties" | "not" => converted(value, Open::No),
            "anyOf" | "oneOf" => listed(value, open),
            "allOf" => listed(value, Open::Yes),
            // A sibling that only says what is sent when nothing is, and may hold a `$ref` of its own.
            "default" | "example" | "examples" => continue,
            _ => value.clone(),
        };
        out.insert(word.clone(), value);
    }
    let lists_properties = fields.get("properties").and_then(Value::as_object).is_some_and(|listed| !listed.is_empty());
    if matches!(open, Open::No) && lists_properties && !fields.contains_key("allOf") {
        out.entry("additionalProperties").or_insert(Value::Bool(false));
        list_required(&mut out);
    }
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match out.get(exclusive).and_then(Value::as_bool) {
            Some(true) => {
                let limit = out.remove(bound).unwrap_or(Value::Null);
                out.insert(exclusive.to_owned(), limit);
            }
            Some(false) => drop(out.remove(exclusive)),
            None => {}
        }
    }
    if out.remove("nullable") == Some(Value::Bool(true)) {
        return json!({ "anyOf": [out, { "type": "null" }] });
    }
    Value::Object(out)
}

/// UPS's Rating requires a property that it does not list: any value will do.
fn list_required(closed: &mut Map<String, Value>) {
    let required: Vec<Value> = closed.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(listed) = closed.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for name in required.iter().filter_map(Value::as_str) {
        listed.entry(name).or_insert(Value::Bool(true));
    }
}

fn each(schemas: &Value, open: Open) -> Value {
    let schemas = schemas.as_object().into_iter().flatten();
    schemas.map(|(name, schema)| (name.clone(), converted(schema, open))).collect::<Map<_, _>>().into()
}

fn listed(schemas: &Value, open: Open) -> Value {
    schemas.as_array().into_iter().flatten().map(|schema| converted(schema, open)).collect()
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.contains_key("$ref") || fields.values().any(has_reference),
        Value::Array(values) => values.iter().any(has_reference),
        _ => false,
    }
}
