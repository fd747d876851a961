//! One OpenAPI document: finds the operation of a request and checks query and body with its schemas.

use serde_json::{Map, Value, json};

use super::{form, schema};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// One vendor's document, 3.0 or 3.1.
#[derive(Debug)]
pub(super) struct Document {
    root: Value,
}

/// An answer that a document gives as an example.
#[derive(Clone, Debug)]
pub struct Example {
    /// `POST`
    pub method: String,
    /// As the document writes it, with its parameters in braces.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// What the document calls it; empty where it is the only one.
    pub name: String,
    /// The answer.
    pub body: Value,
}

impl Document {
    pub(super) fn new(root: Value) -> Self {
        Self { root }
    }

    pub(super) fn check(
        &self,
        method: &str,
        path: &str,
        query: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), Vec<String>> {
        let item = self.path_item(path).ok_or_else(|| vec!["the spec has no such path".to_owned()])?;
        let operation = item
            .get(method.to_ascii_lowercase())
            .ok_or_else(|| vec!["the spec has this path, but not with this method".to_owned()])?;
        let mut wrong = self.check_query(item, operation, query);
        wrong.extend(self.check_body(operation, content_type, body));
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The version that it says it describes.
    pub(super) fn version(&self) -> &str {
        self.root["info"]["version"].as_str().unwrap_or_default()
    }

    /// Whether it has this path.
    pub(super) fn has_path(&self, path: &str) -> bool {
        self.path_item(path).is_some()
    }

    /// The answers that it gives as examples, in JSON.
    pub(super) fn examples(&self) -> Vec<Example> {
        let mut all = Vec::new();
        let paths = self.root["paths"].as_object().into_iter().flatten();
        for (path, method, operation) in paths.flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |(method, operation)| (path, method, operation))
        }) {
            for (status, answer) in operation.get("responses").and_then(Value::as_object).into_iter().flatten() {
                let Ok(status) = status.parse() else { continue };
                let content = &schema::followed(&self.root, answer)["content"][JSON];
                let named = content["examples"].as_object().into_iter().flatten();
                let named =
                    named.map(|(name, example)| (name.as_str(), &schema::followed(&self.root, example)["value"]));
                for (name, body) in content.get("example").map(|body| ("", body)).into_iter().chain(named) {
                    let (method, path) = (method.to_ascii_uppercase(), path.clone());
                    all.push(Example { method, path, status, name: name.to_owned(), body: body.clone() });
                }
            }
        }
        all
    }

    /// The item whose template fits; one without a parameter goes before one with, and UPS's of old versions not at all.
    fn path_item(&self, path: &str) -> Option<&Value> {
        let paths = self.root.get("paths")?.as_object()?;
        let fitting = |template: &str| !template.contains("{deprecatedVersion}") && fits(template, path);
        paths.get(path).or_else(|| paths.iter().find(|(template, _)| fitting(template)).map(|(_, item)| item))
    }

    fn check_query(&self, item: &Value, operation: &Value, query: &str) -> Vec<String> {
        let mut properties = Map::new();
        let mut required = Vec::new();
        let parameters = [item, operation].into_iter().filter_map(|of| of.get("parameters")?.as_array()).flatten();
        for parameter in parameters.map(|parameter| schema::followed(&self.root, parameter)) {
            if parameter["in"] != "query" {
                continue;
            }
            let name = parameter["name"].as_str().unwrap_or_default();
            properties.insert(name.to_owned(), parameter.get("schema").cloned().unwrap_or(json!({})));
            if parameter["required"] == true {
                required.push(name);
            }
        }
        let whole = json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        });
        self.check_pairs(&whole, query.as_bytes()).into_iter().map(|what| format!("query: {what}")).collect()
    }

    fn check_body(&self, operation: &Value, content_type: Option<&str>, body: &[u8]) -> Vec<String> {
        let description = operation.get("requestBody").map(|body| schema::followed(&self.root, body));
        let Some(description) = description else {
            return if body.is_empty() { Vec::new() } else { vec!["body: the spec has none here".to_owned()] };
        };
        if body.is_empty() {
            return self.check_no_body(description);
        }
        let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let Some(expected) = description["content"].get(&media).map(|content| &content["schema"]) else {
            let known = description["content"].as_object().map(|known| known.keys().cloned().collect::<Vec<_>>());
            return vec![format!("body: content type {content_type:?}, but the spec has {known:?}")];
        };
        match media.as_str() {
            FORM => self.check_form(expected, body),
            JSON => match serde_json::from_slice(body) {
                Ok(body) => self.check_value(expected, &body).into_iter().map(|what| format!("body: {what}")).collect(),
                Err(why) => vec![format!("body: no JSON: {why}")],
            },
            other => vec![format!("body: this check cannot read {other}")],
        }
    }

    /// No bytes are an empty form, which is right where nothing in it is required; and no JSON at all, which is wrong
    /// where something is, also where the spec forgets to say `required` (SendGrid's mail send).
    fn check_no_body(&self, description: &Value) -> Vec<String> {
        let content = &description["content"];
        if let Some(form) = content[FORM].get("schema") {
            return self.check_form(form, &[]);
        }
        let json = schema::followed(&self.root, &content[JSON]["schema"]);
        let wants_fields = json["required"].as_array().is_some_and(|required| !required.is_empty());
        let required = description["required"] == true || wants_fields;
        if required { vec!["body: the spec requires one".to_owned()] } else { Vec::new() }
    }

    fn check_form(&self, expected: &Value, body: &[u8]) -> Vec<String> {
        self.check_pairs(expected, body).into_iter().map(|what| format!("body: {what}")).collect()
    }

    /// Name and value pairs, bracketed names nested, against the schema of an object.
    fn check_pairs(&self, expected: &Value, pairs: &[u8]) -> Vec<String> {
        match form::parse(pairs) {
            Ok(form) => self.check_value(expected, &form.typed(&self.root, expected)),
            Err(why) => vec![why],
        }
    }

    fn check_value(&self, expected: &Value, value: &Value) -> Vec<String> {
        match schema::validator(&self.root, expected) {
            Ok(validator) => validator
                .iter_errors(value)
                .map(|error| match error.instance_path().as_str() {
                    "" => error.to_string(),
                    place => format!("at {place}: {error}"),
                })
                .collect(),
            Err(why) => vec![format!("the spec's own schema is broken: {why}")],
        }
    }
}

/// Whether a path is one of a template's: `{…}` stands for one segment that is not empty, `{…}.json` for one that ends so.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) => {
                let suffix = wanted.strip_prefix('{').and_then(|name| Some(name.split_once('}')?.1));
                let is_value = |suffix: &str| given.strip_suffix(suffix).is_some_and(|value| !value.is_empty());
                if !(wanted == given || suffix.is_some_and(is_value)) {
                    return false;
                }
            }
            _ => return false,
        }
    }
}
