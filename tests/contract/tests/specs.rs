//! The check against the vendors' specs itself: what is right passes, and each kind of mistake is found. With a small
//! spec of our own always, with the vendors' when they are there.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "a skipped check says so; tests fail by panicking")]

use contract::specs::{SKIPPED, STRIPE_DIFFERENCES, STRIPE_SPEC_VERSION, Specs};
use serde_json::{Value, json};

const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const JSON: Option<&str> = Some("application/json");

/// The vendors' specs, or a line that says why not.
fn vendors() -> Option<Specs> {
    let specs = Specs::from_env();
    if specs.is_none() {
        eprintln!("{SKIPPED}");
    }
    specs
}

#[track_caller]
fn passes(specs: &Specs, vendor: &str, method: &str, path: &str, content_type: Option<&str>, body: &str) {
    assert_eq!(specs.check(vendor, method, path, content_type, body.as_bytes()), Ok(()), "{path} {body}");
}

/// Fails, and for the reason that one of the messages names.
#[track_caller]
fn fails(specs: &Specs, vendor: &str, method: &str, path: &str, content_type: Option<&str>, body: &str, why: &str) {
    let wrong = specs.check(vendor, method, path, content_type, body.as_bytes()).unwrap_err();
    assert!(wrong.iter().any(|what| what.contains(why)), "{path} {body}: {wrong:?} does not say {why:?}");
}

const CREATE: &str = "amount=1099&currency=eur&payment_method_types[]=card&capture_method=automatic&confirm=true&off_session=true\
    &payment_method=pm_card_visa&return_url=https%3A%2F%2Fshop.example%2Freturn&description=Order+o-1\
    &metadata[crossdock_stack]=123456789012%2Feu-north-1%2Fcrossdock&metadata[crossdock_order]=o-1\
    &metadata[crossdock_intent]=int_1";

#[test]
fn stripe_calls_as_we_make_them_pass() {
    let Some(specs) = vendors() else { return };
    passes(&specs, "stripe", "POST", "/v1/payment_intents", FORM, CREATE);
    passes(&specs, "stripe", "POST", "/v1/payment_intents", FORM, "amount=1&currency=jpy&capture_method=automatic");
    let confirm = "payment_method=pm_card_visa&return_url=https%3A%2F%2Fshop.example";
    passes(&specs, "stripe", "POST", "/v1/payment_intents/pi_1/confirm", FORM, confirm);
    passes(&specs, "stripe", "POST", "/v1/payment_intents/pi_1/confirm", FORM, "");
    passes(&specs, "stripe", "POST", "/v1/payment_intents/pi_1/cancel", FORM, "cancellation_reason=abandoned");
    passes(&specs, "stripe", "POST", "/v1/payment_intents/pi_1/cancel", None, "");
    passes(&specs, "stripe", "GET", "/v1/payment_intents/pi_1", None, "");
    let list = "/v1/payment_intents?created[gte]=1746093600&created%5Blte%5D=1746093700&limit=100&starting_after=pi_1";
    passes(&specs, "stripe", "GET", list, None, "");
}

#[test]
fn what_has_changed_since_the_file_was_written_is_listed_up_to_the_version_that_we_speak() {
    let versions: Vec<&str> = STRIPE_DIFFERENCES.iter().map(|difference| difference.version).collect();
    assert!(versions.is_sorted(), "{versions:?}");
    assert!(versions.first().is_some_and(|first| *first > STRIPE_SPEC_VERSION));
    assert_eq!(versions.last(), Some(&crossdock::vendors::stripe::API_VERSION));
    let Some(specs) = vendors() else { return };
    assert_eq!(specs.stripe_version(), STRIPE_SPEC_VERSION);
    let unnamed = "amount=1099&currency=eur";
    fails(&specs, "stripe", "POST", "/v1/payment_intents", FORM, unnamed, "the default of capture_method has changed");
}

#[test]
fn a_wrong_field_a_wrong_type_and_a_wrong_path_of_stripes_fail() {
    let Some(specs) = vendors() else { return };
    let create = |body: &str, why: &str| {
        let body = format!("{body}&capture_method=automatic");
        fails(&specs, "stripe", "POST", "/v1/payment_intents", FORM, &body, why);
    };
    create("amount=1099&currency=eur&ammount=1", "ammount");
    create("amount=10.99&currency=eur", "\"10.99\" is not of type \"integer\"");
    create("amount=1099", "\"currency\" is a required property");
    create("amount=1099&currency=eur&confirm=yes", "boolean");
    create("amount=1099&currency=eur&payment_method_types=card", "array");
    let never = "amount=1099&currency=eur&capture_method=never";
    fails(&specs, "stripe", "POST", "/v1/payment_intents", FORM, never, "never");
    create("amount=1099&currency=eur&metadata=o-1", "metadata");
    create("amount=1099&currency=eur&metadata[a][b]=c", "metadata");
    create("amount=1099&currency=eur&shipping[name]=A&shipping[address][zip]=1", "zip");
    create("", "\"amount\" is a required property");
    fails(&specs, "stripe", "POST", "/v1/payment_intents", JSON, r#"{"amount":1}"#, "content type");
    fails(&specs, "stripe", "POST", "/v1/payment_intents", None, CREATE, "content type");
    fails(&specs, "stripe", "POST", "/v1/payment_intent", FORM, CREATE, "no such path");
    fails(&specs, "stripe", "POST", "/v1/payment_intents/", FORM, CREATE, "no such path");
    fails(&specs, "stripe", "POST", "/v1/payment_intents/pi_1/confirmed", FORM, "", "no such path");
    fails(&specs, "stripe", "PUT", "/v1/payment_intents", FORM, CREATE, "not with this method");
    let list = |query: &str, why: &str| {
        fails(&specs, "stripe", "GET", &format!("/v1/payment_intents?{query}"), None, "", why);
    };
    list("limit=many", "integer");
    list("created[from]=1", "created");
    list("created[gte]=yesterday", "created");
    list("metadata[a]=b", "metadata");
    list("limit=1&limit=2", "given twice");
    fails(&specs, "stripe", "POST", "/v1/payment_intents/pi_1/cancel?reason=x", FORM, "", "query");
}

fn mail() -> Value {
    json!({
        "personalizations": [{
            "to": [{"email": "ada@example.com", "name": "Ada"}],
            "custom_args": {"crossdock_stack": "s", "crossdock_order": "o-1", "crossdock_intent": "int_1"},
        }],
        "from": {"email": "shop@example.com", "name": "Shop"},
        "subject": "Order o-1",
        "content": [{"type": "text/plain", "value": "Thanks"}, {"type": "text/html", "value": "<p>Thanks</p>"}],
        "categories": ["order_confirmation"],
        "tracking_settings": {"click_tracking": {"enable": false}},
    })
}

fn with(pointer: &str, name: &str, value: Value) -> String {
    let mut mail = mail();
    mail.pointer_mut(pointer).unwrap()[name] = value;
    mail.to_string()
}

#[test]
fn a_mail_as_we_send_it_passes() {
    let Some(specs) = vendors() else { return };
    passes(&specs, "sendgrid", "POST", "/v3/mail/send", JSON, &mail().to_string());
    let charset = Some("application/json; charset=utf-8");
    passes(&specs, "sendgrid", "POST", "/v3/mail/send", charset, &mail().to_string());
}

#[test]
fn a_wrong_field_a_wrong_type_and_a_wrong_path_of_sendgrids_fail() {
    let Some(specs) = vendors() else { return };
    let send = |body: &str, why: &str| fails(&specs, "sendgrid", "POST", "/v3/mail/send", JSON, body, why);
    send(&with("", "templateId", json!("d-1")), "templateId");
    send(&with("/personalizations/0", "customArgs", json!({})), "customArgs");
    send(&with("/personalizations/0/to/0", "mail", json!("x")), "mail");
    send(&with("", "custom_args", json!({"a": "b"})), "custom_args");
    send(&with("", "subject", json!(7)), "/subject");
    send(&with("", "subject", json!("")), "/subject");
    send(&with("", "from", json!({"name": "Shop"})), "email");
    send(&with("", "send_at", json!("tomorrow")), "/send_at");
    send(&with("", "content", json!([{"type": "text/plain"}])), "value");
    send(r#"{"from":{"email":"shop@example.com"}}"#, "personalizations");
    send("{", "no JSON");
    send("", "requires one");
    fails(&specs, "sendgrid", "POST", "/v3/mail/send", FORM, "a=b", "content type");
    fails(&specs, "sendgrid", "POST", "/v3/mail/sends", JSON, &mail().to_string(), "no such path");
    fails(&specs, "sendgrid", "GET", "/v3/mail/send", None, "", "not with this method");
    fails(&specs, "sendgrid", "POST", "/v3/mail/send?dry=1", JSON, &mail().to_string(), "query");
    fails(&specs, "postmark", "POST", "/v3/mail/send", JSON, "{}", "no spec is known");
}

const MESSAGES: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000000/Messages";
const SMS: &str = "To=%2B4798765432&From=%2B15005550006&Body=Hi+%26+bye&ValidityPeriod=120\
    &StatusCallback=https%3A%2F%2Fx.example%2F%3Fstack%3D1%252F2%252F3%26intent%3Dint_1%23rc%3D3%26rp%3D5xx%2Crt%2Cct";

#[test]
fn twilio_calls_as_we_make_them_pass() {
    let Some(specs) = vendors() else { return };
    passes(&specs, "twilio", "POST", &format!("{MESSAGES}.json"), FORM, SMS);
    let by_service = SMS.replace("From=%2B15005550006", "MessagingServiceSid=MG00000000000000000000000000000000");
    passes(&specs, "twilio", "POST", &format!("{MESSAGES}.json"), FORM, &by_service);
    let list = format!("{MESSAGES}.json?To=%2B4798765432&From=%2B15005550006&PageSize=100");
    passes(&specs, "twilio", "GET", &list, None, "");
    let one = format!("{MESSAGES}/SM00000000000000000000000000000000.json");
    passes(&specs, "twilio", "GET", &one, None, "");
}

#[test]
fn a_wrong_field_a_wrong_type_and_a_wrong_path_of_twilios_fail() {
    let Some(specs) = vendors() else { return };
    let send = |body: &str, why: &str| fails(&specs, "twilio", "POST", &format!("{MESSAGES}.json"), FORM, body, why);
    send(&SMS.replace("Body", "body"), "body");
    send(&SMS.replace("ValidityPeriod=120", "ValidityPeriod=soon"), "integer");
    send("From=%2B15005550006&Body=Hi", "\"To\" is a required property");
    fails(&specs, "twilio", "POST", MESSAGES, FORM, SMS, "no such path");
    fails(&specs, "twilio", "GET", &format!("{MESSAGES}/.json"), None, "", "no such path");
    fails(&specs, "twilio", "GET", &format!("{MESSAGES}.json?PageSize=many"), None, "", "integer");
    fails(&specs, "twilio", "GET", &format!("{MESSAGES}.json?Recipient=x"), None, "", "Recipient");
}

/// A spec with the words that the vendors' request schemas leave out today.
fn small() -> Specs {
    let stripe = json!({
        "openapi": "3.0.0",
        "paths": {
            "/things/{id}": {
                "parameters": [{"in": "query", "name": "account", "required": true, "schema": {"type": "string"}}],
                "post": {"requestBody": {"$ref": "#/components/requestBodies/Thing"}},
                "get": {"parameters": [{"$ref": "#/components/parameters/Page"}]},
            },
            "/things/new": {"get": {}},
        },
        "components": {
            "parameters": {"Page": {"in": "query", "name": "page", "schema": {"type": "integer", "minimum": 1}}},
            "requestBodies": {"Thing": {"required": true, "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}
            }}},
            "schemas": {
                "Thing": {"type": "object", "properties": {
                    "rate": {"type": "number", "minimum": 0, "exclusiveMinimum": true},
                    "note": {"type": "string", "nullable": true},
                    "part": {"$ref": "#/components/schemas/Part"},
                    "both": {"allOf": [
                        {"type": "object", "properties": {"a": {"type": "string"}}},
                        {"type": "object", "properties": {"b": {"type": "string"}}},
                    ]},
                    "free": {"type": "object", "properties": {"a": {}}, "additionalProperties": true},
                }},
                "Part": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
            },
        },
    });
    let none = || json!({"paths": {}});
    Specs::of(stripe, none(), none())
}

#[test]
fn the_words_of_openapi_mean_what_they_say() {
    let specs = small();
    let post = |body: &str| passes(&specs, "stripe", "POST", "/things/1?account=a", JSON, body);
    post(r#"{"rate":0.5,"note":null,"part":{"size":1},"both":{"a":"x","b":"y"},"free":{"other":1}}"#);
    let wrong = |body: &str, why: &str| fails(&specs, "stripe", "POST", "/things/1?account=a", JSON, body, why);
    wrong(r#"{"rate":0}"#, "/rate");
    wrong(r#"{"note":7}"#, "/note");
    wrong(r#"{"part":{}}"#, "size");
    wrong(r#"{"part":{"size":1,"width":2}}"#, "width");
    wrong(r#"{"part":null}"#, "/part");
    wrong(r#"{"other":1}"#, "other");
    wrong(r#"{"both":{"a":1}}"#, "/both");
    passes(&specs, "stripe", "GET", "/things/1?account=a&page=2", None, "");
    fails(&specs, "stripe", "GET", "/things/1", None, "", "account");
    fails(&specs, "stripe", "GET", "/things/1?account=a&page=0", None, "", "minimum");
    fails(&specs, "stripe", "GET", "/things/1?account=a", JSON, "{}", "the spec has none here");
    passes(&specs, "stripe", "GET", "/things/new", None, "");
}
