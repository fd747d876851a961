//! What the API answers against infra/openapi.yaml: the operation, the status and the media type are described, and the body
//! is valid by its schema. Responses are closed there, so a member that nobody described is found too.

use std::collections::HashMap;
use std::fs;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::workspace_root;

/// The contract, read once a process, and what was compiled of it.
struct Contract {
    document: Value,
    schemas: Mutex<HashMap<String, Option<Arc<Validator>>>>,
}

/// An answer of the API, as its caller sees it.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// `POST`
    pub method: &'a str,
    /// As it was called, without stage and query.
    pub path: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The Content-Type; empty for none.
    pub media_type: &'a str,
    /// The body; null for none.
    pub body: &'a Value,
}

/// What is not as the contract says; nothing for a path that the contract does not have, which API Gateway answers itself.
pub fn differences(answer: &Answer<'_>) -> Vec<String> {
    let contract = contract();
    let Some((template, operation)) = contract.operation(answer.method, answer.path) else { return Vec::new() };
    let at = |what: &str| format!("{} {} answered {}: {what}", answer.method, answer.path, answer.status);
    let status = answer.status.to_string();
    let Some(response) = operation["responses"].get(&status) else {
        return vec![at("the contract has no such status")];
    };
    let response = contract.resolved(response);
    let media_type = answer.media_type.split(';').next().unwrap_or_default().trim();
    let Some(content) = response["content"].get(media_type) else {
        return vec![at(&format!("the contract has no {media_type:?} with it"))];
    };
    let place = format!("{} {template} {status} {media_type}", answer.method);
    let Some(schema) = contract.compiled(place, &content["schema"]) else {
        return vec![at("its schema cannot be compiled")];
    };
    schema.iter_errors(answer.body).map(|error| at(&format!("{}: {error}", error.instance_path()))).collect()
}

fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let path = workspace_root().join("infra/openapi.yaml");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let document = serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Contract { document, schemas: Mutex::default() }
    })
}

impl Contract {
    /// The operation behind a path that was called, and the path as the contract writes it.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let path = path.split('?').next().unwrap_or_default();
        let called: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            template.len() == called.len()
                && template.iter().zip(&called).all(|(part, is)| part.starts_with('{') || part == is)
        };
        let (template, item) = self.document["paths"].as_object()?.iter().find(|(template, _)| fits(template))?;
        Some((template, item.get(method.to_lowercase())?))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let reference = value["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
        reference.and_then(|pointer| self.document.pointer(pointer)).unwrap_or(value)
    }

    fn compiled(&self, place: String, schema: &Value) -> Option<Arc<Validator>> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            let whole = json!({ "allOf": [schema], "components": self.document["components"] });
            jsonschema::draft202012::options().build(&whole).ok().map(Arc::new)
        };
        schemas.entry(place).or_insert_with(compile).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences_of(status: u16, media_type: &str, body: &Value) -> Vec<String> {
        differences(&Answer { method: "GET", path: "/health", status, media_type, body })
    }

    #[test]
    fn what_the_contract_describes_is_valid_and_nothing_else_is() {
        let body = json!({ "status": "ok", "stage": "production", "version": "0.1.0" });
        assert_eq!(differences_of(200, "application/json", &body), Vec::<String>::new());
        let mut more = body.clone();
        more["more"] = json!(1);
        assert_eq!(differences_of(200, "application/json", &more).len(), 1);
        assert_eq!(differences_of(200, "text/html", &body).len(), 1);
        assert_eq!(differences_of(404, "application/json", &body).len(), 1);
        assert_eq!(differences_of(200, "application/json", &Value::Null).len(), 1);
    }

    #[test]
    fn a_path_is_found_by_its_template_and_an_unknown_one_is_nobody_s() {
        let answer = |path| Answer { method: "GET", path, status: 299, media_type: "", body: &Value::Null };
        assert_eq!(differences(&answer("/payments/pay_1?x=1")).len(), 1);
        assert_eq!(differences(&answer("/tracking/ups/1Z")).len(), 1);
        assert!(differences(&answer("/nothing")).is_empty());
    }
}
