//! infra/openapi.yaml, the contract with the storefront: its routes are the template's, its examples fit its schemas
//! and are taken by the parsers, and its codes are those that the sources have.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;

use contract::workspace_root;
use crossdock::domain::Timestamp;
use crossdock::domain::input::{
    ConfirmPayment, CreateCampaign, CreateCustomer, CreateMessage, CreatePayment, CreateRefund, CreateShipment, Lift,
    Lookup, Preferences, QuoteRates, ValidateAddress,
};
use crossdock::domain::shipping::PickupRequest;
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
                "/contacts/lookup" => Lookup::parse(&body).map(drop),
                "/contacts/lift" => Lift::parse(&body, now).map(drop),
                "/rates" => QuoteRates::parse(&body, now).map(drop),
                "/shipments" => CreateShipment::parse(&body, now).map(drop),
                "/addresses/validate" => ValidateAddress::parse(&body).map(drop),
                "/pickups" => PickupRequest::parse(&body, now).map(drop),
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
        with("/amount", json!({ "value": 999_999_999_999_i64, "currency": "IDR" })),
        with("/amount", json!({ "value": 999_999_999_999_i64, "currency": "idr" })),
        with("/amount", json!({ "value": 1_000_000_000_000_i64, "currency": "IDR" })),
        with("/amount", json!({ "value": 99_999_999, "currency": "JPY" })),
        with("/amount", json!({ "value": 100_000_000, "currency": "KWD" })),
        with("/customer/name", json!("ä".repeat(256))),
        with("/customer/name", json!("ä".repeat(257))),
        with("/customer/phone", json!("1".repeat(20))),
        with("/customer/phone", json!("1".repeat(21))),
        with("/description", json!("ä".repeat(1_000))),
        with("/description", json!("ä".repeat(1_001))),
        with("/metadata", json!({ "k".repeat(40): "v".repeat(500) })),
        with("/metadata", json!({ "k".repeat(41): "" })),
        with("/metadata", json!({ "k": "v".repeat(501) })),
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
        with("/metadata", pairs(47)),
        with("/metadata", pairs(48)),
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

/// Whether a parser takes a body at this time.
type Takes = fn(&[u8], Timestamp) -> bool;

#[test]
fn what_is_said_of_parcels_the_contract_and_the_parsers_limit_alike() {
    let contract = contract();
    let now = Timestamp::from_seconds(1_800_000_000);
    let party = json!({
        "name": "Ada", "phone": "+4798765432",
        "address": { "street_lines": ["Storgata 1"], "city": "Oslo", "postal_code": "0155", "country": "NO" },
    });
    let label = json!({
        "order_id": "o-1", "carrier": "dhl", "service": "P", "shipper": party, "recipient": party,
        "packages": [{ "weight": { "value": 1, "unit": "g" }, "dimensions": null }],
        "customs": { "items": [{
            "description": "Pin", "quantity": 1, "unit_value": { "value": 1, "currency": "NOK" },
            // As light as anything can be: goods must not be heavier than the lightest parcel that is tried below.
            "unit_weight": { "value": 0.001, "unit": "g" }, "origin_country": "NO",
        }] },
    });
    let mut quote = label.clone();
    for name in ["carrier", "service"] {
        quote.as_object_mut().unwrap().remove(name);
    }
    let pickup = json!({
        "carrier": "ups", "address": party["address"], "contact": { "name": "Ada", "phone": "+4798765432" },
        "ready_at": "2027-01-15T14:00:00+01:00", "close_at": "2027-01-15T18:00:00+01:00", "packages": label["packages"],
    });
    let many = |count: usize| vec![label["packages"][0].clone(); count];
    let id = "quo_36C50M6EEE39KWHNWQWYHHGDVH";
    // What it is, where, and what else may or may not stand there.
    let tried = [
        ("order_id", vec![json!(null), json!("a b"), json!("x".repeat(64)), json!("x".repeat(65))]),
        ("parcel_ref", vec![json!(null), json!(""), json!("a_b.c-1"), json!("x".repeat(35)), json!("x".repeat(36))]),
        ("quote_id", vec![json!(null), json!(""), json!(id)]),
        ("carrier", vec![json!(null), json!("dpd"), json!("ups")]),
        ("service", vec![json!(null), json!(""), json!("a b"), json!("x".repeat(50)), json!("x".repeat(51))]),
        ("carriers", vec![json!(null), json!([]), json!(["ups"]), json!(["ups", "x"]), json!(vec!["ups"; 4])]),
        ("deadline_ms", vec![json!(null), json!(99), json!(100), json!(2_500), json!(2_501), json!("100")]),
        ("allow_fallback", vec![json!(null), json!(true), json!("true")]),
        ("ship_date", vec![json!(null), json!("2027-01-16"), json!("2027-1-16"), json!(""), json!(1)]),
        ("packages", vec![json!(null), json!([]), json!(many(20)), json!(many(21)), json!(many(99)), json!(many(100))]),
        ("packages/0/weight", vec![json!(null), json!({ "value": 1 }), json!({ "unit": "g" })]),
        (
            "packages/0/weight/value",
            vec![json!(0), json!(-1), json!(0.001), json!(0.0001), json!(69_999.999), json!(70_001), json!("1")],
        ),
        ("packages/0/weight/unit", vec![json!("kg"), json!("lb"), json!("oz"), json!("t"), json!(null)]),
        (
            "packages/0/dimensions",
            vec![
                json!({ "length": 3_000, "width": 0.5, "height": 1, "unit": "mm" }),
                json!({ "length": 3_001, "width": 1, "height": 1, "unit": "mm" }),
                json!({ "length": 1, "width": 0, "height": 1, "unit": "mm" }),
                json!({ "length": 1, "width": 1, "unit": "mm" }),
                json!({ "length": 1, "width": 1, "height": 1, "unit": "m" }),
            ],
        ),
        ("shipper/name", vec![json!(null), json!(""), json!("ä".repeat(35)), json!("ä".repeat(36)), json!("a\tb")]),
        ("shipper/company", vec![json!(null), json!(""), json!("ä".repeat(36)), json!("\n"), json!(7)]),
        ("shipper/phone", vec![json!(null), json!("")]),
        ("shipper/email", vec![json!(null), json!("ada@example.com"), json!(7)]),
        ("contact/name", vec![json!(null), json!(""), json!("ä".repeat(35)), json!("ä".repeat(36))]),
        ("contact/company", vec![json!(null), json!(""), json!("ä".repeat(36))]),
        ("contact/phone", vec![json!(null), json!("")]),
        ("destination_country", vec![json!(null), json!("US"), json!("us"), json!("USA"), json!("")]),
        ("ready_at", vec![json!(null), json!(0)]),
        ("customs", vec![json!(null), json!({}), json!({ "items": [] })]),
        ("customs/incoterm", vec![json!(null), json!("DDP"), json!("ddp")]),
        ("customs/invoice", vec![json!(null), json!("ä".repeat(35)), json!("ä".repeat(36))]),
        ("customs/items/0/description", vec![json!(null), json!("No"), json!("ä".repeat(70)), json!("ä".repeat(71))]),
        ("customs/items/0/quantity", vec![json!(0), json!(1_000_000), json!(-1), json!(1.5)]),
        ("customs/items/0/hs_code", vec![json!(null), json!("490199"), json!("12345"), json!("4901.99"), json!("")]),
        ("customs/items/0/origin_country", vec![json!(null), json!("no"), json!("NOR")]),
        ("customs/items/0/unit_value", vec![json!(null), json!({ "value": 0, "currency": "NOK" })]),
    ];
    let address = [
        ("street_lines", vec![json!(null), json!([]), json!(["a", "b", "c"]), json!(["a", "b", "c", "d"]), json!("a")]),
        ("street_lines/0", vec![json!(null), json!("ä".repeat(35)), json!("ä".repeat(36))]),
        ("city", vec![json!(null), json!(""), json!("ä".repeat(35)), json!("ä".repeat(36))]),
        ("state", vec![json!(null), json!(""), json!("03"), json!("VN-44"), json!("a b"), json!("123456")]),
        ("postal_code", vec![json!("1 - a"), json!("0155_"), json!("x".repeat(10)), json!("x".repeat(11))]),
        ("country", vec![json!(null), json!("no"), json!("N"), json!("NOR")]),
        ("residential", vec![json!(null), json!(true), json!("true")]),
    ];
    let in_address = |parent: &str| {
        let places = address.iter().map(|(name, values)| (format!("{parent}/{name}"), values.clone()));
        places.collect::<Vec<_>>()
    };
    let tried = tried.into_iter().map(|(path, values)| (path.to_owned(), values));
    let tried = tried.chain(in_address("shipper/address")).chain(in_address("recipient/address"));
    let tried: Vec<(String, Vec<Value>)> = tried.chain(in_address("address")).collect();
    let requests: [(&str, &Value, Takes); 3] = [
        ("QuoteRates", &quote, |body, now| QuoteRates::parse(body, now).is_ok()),
        ("CreateShipment", &label, |body, now| CreateShipment::parse(body, now).is_ok()),
        ("CreatePickup", &pickup, |body, now| PickupRequest::parse(body, now).is_ok()),
    ];
    let mut apart = Vec::new();
    for (name, valid, parses) in requests {
        let schema = validator(&contract, &format!("/components/schemas/{name}"));
        for (path, values) in &tried {
            let (parent, field) = path
                .rsplit_once('/')
                .map_or((String::new(), path.as_str()), |(parent, field)| (format!("/{parent}"), field));
            for value in values {
                let mut body = valid.clone();
                let Some(place) = body.pointer_mut(&parent) else { continue };
                match field.parse::<usize>() {
                    Ok(n) => place[n] = value.clone(),
                    Err(_) => place[field] = value.clone(),
                }
                let taken = parses(body.to_string().as_bytes(), now);
                if schema.is_valid(&body) != taken {
                    apart.push(format!("{name}: {path} = {value} is taken: {taken}"));
                }
            }
        }
    }
    assert!(apart.is_empty(), "contract and parser differ:\n{}", apart.join("\n"));
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
    let receivers = ["invalid_signature", "invalid_credentials", "method_not_allowed", "empty_body"];
    // What a person at the command line is told is not the storefront's either.
    let told_at_the_terminal = ["shared/src/effects/operate", "shared/src/aws/deployment.rs"];
    let operators: BTreeSet<String> = told_at_the_terminal.into_iter().flat_map(rejections).collect();
    let functions = [
        "functions/payment-initiator",
        "functions/message-initiator",
        "functions/rate-quoter",
        "functions/shipment-initiator",
    ]
    .into_iter()
    .flat_map(rejections);
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
