//! infra/openapi.yaml, the contract with the storefront: its routes are the template's, its examples fit its schemas
//! and are taken by the parsers, and its codes are those that the sources have.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;

use contract::workspace_root;
use crossdock::domain::Timestamp;
use crossdock::domain::input::{
    ConfirmPayment, CreateCampaign, CreateCustomer, CreateMessage, CreatePayment, CreateRefund, Preferences,
};
use serde_json::{Value, json};

/// Methods in a path item of OpenAPI; its other members are no operations.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// A file of infra/ or of the root, as JSON. CloudFormation's tags (`!Ref`) are dropped: no route has one.
fn yaml(path: &str) -> Value {
    fn untagged(value: serde_yaml_ng::Value) -> Value {
        use serde_yaml_ng::Value as Yaml;
        match value {
            Yaml::Tagged(tagged) => untagged(tagged.value),
            Yaml::Mapping(map) => map.into_iter().map(|(k, v)| (text_of(&k), untagged(v))).collect(),
            Yaml::Sequence(list) => list.into_iter().map(untagged).collect(),
            other => serde_json::to_value(other).unwrap(),
        }
    }
    fn text_of(key: &serde_yaml_ng::Value) -> String {
        key.as_str().map_or_else(|| serde_yaml_ng::to_string(key).unwrap().trim().to_owned(), str::to_owned)
    }
    let text = fs::read_to_string(workspace_root().join(path)).unwrap();
    untagged(serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn contract() -> Value {
    yaml("infra/openapi.yaml")
}

/// Every operation: method in upper case, path, operation.
fn operations(contract: &Value) -> Vec<(String, &str, &Value)> {
    let paths = contract["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter().filter(|(name, _)| METHODS.contains(&name.as_str()));
        operations.map(move |(method, operation)| (method.to_uppercase(), path.as_str(), operation))
    });
    all.collect()
}

/// The schema at a place of the document, with the components beside it for its references.
fn validator(contract: &Value, pointer: &str) -> jsonschema::Validator {
    let schema = contract.pointer(pointer).unwrap_or_else(|| panic!("there is no {pointer}"));
    let schema = json!({ "allOf": [schema], "components": contract["components"] });
    jsonschema::draft202012::options().build(&schema).unwrap_or_else(|error| panic!("{pointer}: {error}"))
}

/// A part of a JSON pointer.
fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

#[test]
fn the_contract_s_routes_are_those_of_the_template() {
    let contract = contract();
    let described: BTreeSet<(String, String)> =
        operations(&contract).into_iter().map(|(method, path, _)| (method, path.to_owned())).collect();
    let template = yaml("template.yaml");
    let functions = template["Resources"].as_object().unwrap().values();
    let events = functions.filter_map(|resource| resource["Properties"]["Events"].as_object()).flatten();
    let routes = events.filter(|(_, event)| event["Type"] == "Api").map(|(_, event)| {
        let text = |name: &str| event["Properties"][name].as_str().unwrap().to_owned();
        (text("Method").to_uppercase(), text("Path"))
    });
    assert_eq!(described, routes.collect());
}

#[test]
fn every_path_parameter_is_described_and_every_operation_has_a_name_of_its_own() {
    let contract = contract();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&contract) {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path} has another's name");
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
            let Some(reference) = parameter["$ref"].as_str() else { return parameter };
            contract.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("there is no {reference}"))
        });
        let described: BTreeSet<&str> =
            parameters.filter(|p| p["in"] == "path").map(|p| p["name"].as_str().unwrap()).collect();
        let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        assert_eq!(described, in_path.collect(), "{method} {path}");
    }
}

#[test]
fn every_example_fits_its_schema() {
    let contract = contract();
    let mut checked = 0;
    let mut check = |place: String, content: Option<&Value>| {
        for (media_type, content) in content.and_then(Value::as_object).into_iter().flatten() {
            let schema = validator(&contract, &format!("{place}/content/{}/schema", escaped(media_type)));
            let several = content["examples"].as_object().into_iter().flatten().map(|(_, example)| &example["value"]);
            for example in several.chain(content.get("example")) {
                let wrong: Vec<String> =
                    schema.iter_errors(example).map(|e| format!("{}: {e}", e.instance_path())).collect();
                assert!(wrong.is_empty(), "{place}: {}", wrong.join("; "));
                checked += 1;
            }
        }
    };
    for (method, path, operation) in operations(&contract) {
        let place = format!("/paths/{}/{}", escaped(path), method.to_lowercase());
        check(format!("{place}/requestBody"), operation["requestBody"].get("content"));
        for (status, response) in operation["responses"].as_object().unwrap() {
            check(format!("{place}/responses/{status}"), response.get("content"));
        }
    }
    for (name, response) in contract["components"]["responses"].as_object().unwrap() {
        check(format!("/components/responses/{name}"), response.get("content"));
    }
    assert!(checked > 5, "only {checked} examples were found");
}

#[test]
fn every_example_of_a_request_is_taken_by_its_parser() {
    let contract = contract();
    let now = Timestamp::from_seconds(1_800_000_000);
    let mut taken = 0;
    for (method, path, operation) in operations(&contract) {
        let Some(examples) = operation["requestBody"]["content"]["application/json"]["examples"].as_object() else {
            assert!(operation.get("requestBody").is_none(), "{method} {path} has no example of its body");
            continue;
        };
        for (name, example) in examples {
            let body = example["value"].to_string().into_bytes();
            let parsed = match path {
                "/payments" => CreatePayment::parse(&body).map(drop),
                "/payments/{payment_id}/confirm" => ConfirmPayment::parse(&body).map(drop),
                "/payments/{payment_id}/refunds" => CreateRefund::parse(&body).map(drop),
                "/customers" => CreateCustomer::parse(&body).map(drop),
                "/campaigns" => CreateCampaign::parse(&body, now).map(drop),
                "/messages" => CreateMessage::parse(&body, now).map(drop),
                "/contacts/preferences" => Preferences::parse(&body, now).map(drop),
                _ => panic!("{method} {path}: this test does not know its parser"),
            };
            parsed.unwrap_or_else(|error| panic!("{method} {path}, example {name}: {error} {:?}", error.fields));
            taken += 1;
        }
    }
    assert!(taken > 2);
}

#[test]
fn what_the_parsers_limit_the_contract_limits_alike() {
    let contract = contract();
    let schema = validator(&contract, "/components/schemas/CreatePayment");
    let valid = json!({
        "order_id": "o-1", "amount": { "value": 1, "currency": "eur" }, "customer": { "id": "c", "email": "a@b.co" },
    });
    let with = |path: &str, value: Value| {
        let mut body = valid.clone();
        let (parent, name) = path.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    };
    let charged_now = |more: &Value| {
        let mut body = valid.clone();
        for (name, value) in json!({ "payment_method": "pm", "confirm": true }).as_object().unwrap() {
            body[name] = value.clone();
        }
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    let pairs = |count: usize| (0..count).map(|n| (format!("k{n}"), json!(""))).collect::<Value>();
    for body in [
        valid.clone(),
        with("/order_id", json!("x".repeat(64))),
        with("/order_id", json!("x".repeat(65))),
        with("/order_id", json!("a b")),
        with("/order_id", json!("")),
        with("/amount/value", json!(99_999_999)),
        with("/amount/value", json!(100_000_000)),
        with("/amount/value", json!(0)),
        with("/amount/value", json!("1")),
        with("/amount/value", json!(1.5)),
        with("/amount/currency", json!("EURO")),
        with("/amount/unknown", json!(1)),
        with("/customer/id", json!("x".repeat(255))),
        with("/customer/id", json!("x".repeat(256))),
        with("/customer/id", json!("a b")),
        with("/customer/name", json!("ä".repeat(500))),
        with("/customer/name", json!("ä".repeat(501))),
        with("/customer/name", json!("a\u{85}b")),
        with("/customer/name", json!("a\tb")),
        with("/customer/name", json!(null)),
        with("/customer/phone", json!(null)),
        with("/customer/email", json!(null)),
        with("/description", json!(null)),
        with("/description", json!(7)),
        with("/metadata", json!(null)),
        with("/metadata", json!({ "a.b_c-1": "" })),
        with("/metadata", json!({ "crossdock_order": "o" })),
        with("/metadata", json!({ "a b": "" })),
        with("/metadata", json!({ "a": 1 })),
        with("/metadata", pairs(40)),
        with("/metadata", pairs(41)),
        with("/payment_method", json!(null)),
        with("/payment_method", json!("")),
        with("/confirm", json!(null)),
        with("/confirm", json!(false)),
        with("/confirm", json!(true)),
        with("/off_session", json!(true)),
        with("/off_session", json!(false)),
        with("/save_payment_method", json!(true)),
        with("/payment_method", json!("pm")),
        charged_now(&json!({})),
        charged_now(&json!({ "off_session": true })),
        charged_now(&json!({ "off_session": true, "save_payment_method": true })),
        charged_now(&json!({ "off_session": true, "payment_method": null })),
        with("/return_url", json!("https://shop.example/?a=b")),
        with("/return_url", json!("http://shop.example/")),
        with("/return_url", json!("https:///")),
        with("/return_url", json!("https://shop.example/".to_owned() + &"x".repeat(1980))),
        with("/unknown", json!({})),
        json!([]),
        json!(null),
    ] {
        let parsed = CreatePayment::parse(body.to_string().as_bytes());
        assert_eq!(schema.is_valid(&body), parsed.is_ok(), "{body}");
    }
}

/// The codes of `Error::rejected(status, "code", …)` in the sources below `folder`.
fn rejections(folder: &str) -> BTreeSet<String> {
    let files = walkdir::WalkDir::new(workspace_root().join(folder)).into_iter().map(Result::unwrap);
    let sources = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rs"));
    let codes = sources.flat_map(|file| {
        let text = fs::read_to_string(file.path()).unwrap();
        let calls = text.split("rejected(").skip(1).filter_map(|call| call.trim_start().strip_prefix('4'));
        let second = calls.filter_map(|call| call.split_once(',')?.1.trim_start().strip_prefix('"')?.split('"').next());
        second.map(str::to_owned).collect::<Vec<_>>()
    });
    codes.collect()
}

#[test]
fn every_code_that_a_function_of_the_api_refuses_with_is_in_the_contract() {
    let contract = contract();
    let codes = contract["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    let named: BTreeSet<&str> = codes.iter().map(|code| code.as_str().unwrap()).collect();
    // What the receivers of webhooks refuse with is told to vendors, not to the storefront.
    let receivers = ["invalid_signature", "invalid_credentials"];
    // What a person at the command line is told is not the storefront's either.
    let told_at_the_terminal = ["shared/src/effects/operate.rs", "shared/src/aws/deployment.rs"];
    let operators: BTreeSet<String> = told_at_the_terminal.into_iter().flat_map(rejections).collect();
    let functions = ["functions/payment-initiator", "functions/message-initiator"].into_iter().flat_map(rejections);
    for code in rejections("shared/src").union(&functions.collect()) {
        assert!(
            named.contains(code.as_str()) || receivers.contains(&code.as_str()) || operators.contains(code),
            "{code} is not in ProblemCode"
        );
    }
    let template = fs::read_to_string(workspace_root().join("template.yaml")).unwrap();
    let gateway = template.split("\"code\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    for code in gateway {
        assert!(named.contains(code), "API Gateway's {code} is not in ProblemCode");
    }
}
