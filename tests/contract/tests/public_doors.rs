//! What anybody on the internet can call: the receivers' one door, and the few routes of the API that need no signature.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use contract::template::{Template, named_in, plain};
use serde_yaml_ng::Value;

/// The routes of the API that nobody signs. Everything else is for AWS identities that may.
const UNSIGNED: [(&str, &str); 4] =
    [("/health", "GET"), ("/health/ready", "GET"), ("/unsubscribe/{link}", "GET"), ("/unsubscribe/{link}", "POST")];

fn receivers(template: &Template) -> BTreeMap<String, Value> {
    template.functions().into_iter().filter(|(name, _)| name.ends_with("Webhook")).collect()
}

#[test]
fn receivers_have_one_door_and_it_is_the_one_that_was_chosen() {
    let template = Template::read();
    let (at_url, at_api) = (template.hanging_on("HasUrlDoor"), template.hanging_on("HasApiDoor"));
    for (condition, door) in [("HasUrlDoor", "url"), ("HasApiDoor", "api")] {
        assert_eq!(named_in(&template.at("Conditions", condition)), ["ReceiverDoor", door]);
    }
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for (name, receiver) in receivers(&template) {
        let variables = &receiver["Properties"]["Environment"]["Variables"];
        assert_eq!(plain(&variables["RECEIVER_DOOR"]), "ReceiverDoor", "{name} does not know its door");
        assert!(
            receiver["Properties"]["FunctionUrlConfig"].is_null(),
            "{name} has its URL behind the other door as well"
        );
        wanted.extend(["Url", "UrlPublicPermissions", "URLInvokeAllowPublicAccess"].map(|end| format!("{name}{end}")));
        let permission = &template.resources()[&format!("{name}ApiPermission")];
        assert!(at_api.contains(&format!("{name}ApiPermission")), "{name} lets in an API that is not there");
        assert!(named_in(&permission["Properties"]["SourceArn"])[0].contains("${WebhookApi}/*/POST/"), "{name}");
    }
    assert_eq!(at_url, wanted);
}

#[test]
fn the_receivers_api_throttles_writes_down_and_hands_on_bytes() {
    let template = Template::read();
    let api = &template.resources()["WebhookApi"];
    assert_eq!(api["Condition"], "HasApiDoor");
    let settings = &api["Properties"]["MethodSettings"][0];
    assert_eq!((settings["ResourcePath"].as_str(), settings["HttpMethod"].as_str()), (Some("/*"), Some("*")));
    assert!(
        settings["ThrottlingRateLimit"].as_u64().unwrap() > 0 && settings["ThrottlingBurstLimit"].as_u64().unwrap() > 0
    );
    assert!(!api["Properties"]["AccessLogSetting"]["DestinationArn"].is_null());
    let body = &api["Properties"]["DefinitionBody"];
    assert_eq!(body["x-amazon-apigateway-binary-media-types"][0], "*/*", "a signature is over bytes");
    let mut called = BTreeSet::new();
    for (path, methods) in body["paths"].as_mapping().unwrap() {
        let uri = named_in(&methods["post"]["x-amazon-apigateway-integration"]["uri"]).remove(0);
        let function = uri.split("functions/${").nth(1).and_then(|rest| rest.strip_suffix(".Arn}:live/invocations"));
        called.insert(function.unwrap_or_else(|| panic!("{path:?} calls {uri}")).to_owned());
        assert_eq!(methods.as_mapping().unwrap().len(), 1, "{path:?}: vendors post");
    }
    assert_eq!(called, receivers(&template).into_keys().collect());
}

/// An access log is read by more people than the table: no query, no body, no address of the caller's, no raw path.
#[test]
fn access_logs_say_nothing_of_persons() {
    for (name, api) in Template::read().of_type("AWS::Serverless::Api") {
        let format = api["Properties"]["AccessLogSetting"]["Format"].as_str().unwrap().to_owned();
        for not in ["sourceIp", "userAgent", "querystring", "$context.path\"", "$input", "requestOverride"] {
            assert!(!format.contains(not), "{name} logs {not}");
        }
    }
}

#[test]
fn the_routes_that_nobody_signs_are_few_and_throttled() {
    let template = Template::read();
    let api = &template.resources()["Api"]["Properties"];
    assert_eq!(api["Auth"]["DefaultAuthorizer"], "AWS_IAM");
    let mut open = BTreeSet::new();
    for function in template.functions().values() {
        for event in function["Properties"]["Events"].as_mapping().cloned().unwrap_or_default().values() {
            let properties = &event["Properties"];
            if event["Type"] == "Api" && !properties["Auth"].is_null() {
                assert_eq!(properties["Auth"]["Authorizer"], "NONE");
                let text = |name: &str| properties[name].as_str().unwrap().to_owned();
                open.insert((text("Path"), text("Method")));
            }
        }
    }
    assert_eq!(open, UNSIGNED.map(|(path, method)| (path.to_owned(), method.to_owned())).into_iter().collect());
    for (path, method) in UNSIGNED {
        let key = format!("/{}", path.replace('/', "~1"));
        let is_it = |setting: &&Value| {
            let methods = [Some("*"), Some(method)];
            setting["ResourcePath"] == key.as_str() && methods.contains(&setting["HttpMethod"].as_str())
        };
        let setting = api["MethodSettings"].as_sequence().unwrap().iter().find(is_it);
        assert!(setting.is_some_and(|setting| setting["ThrottlingRateLimit"].as_u64().is_some()), "{method} {path}");
    }
}

#[test]
fn links_to_unsubscribe_begin_with_the_shops_own_name_where_there_is_one() {
    let template = Template::read();
    for name in ["EmailSender", "SmsSender"] {
        let url = &template.functions()[name]["Properties"]["Environment"]["Variables"]["UNSUBSCRIBE_URL"];
        assert_eq!(named_in(url), ["HasDomain", "https://${DomainName}", "UnsubscriberUrl.FunctionUrl"], "{name}");
    }
    let old = &template.functions()["Unsubscriber"]["Properties"]["FunctionUrlConfig"];
    assert_eq!(old["AuthType"], "NONE", "links in mails that are out no longer answer");
    assert_eq!(template.hanging_on("HasDomain"), ["ApiDomain", "ApiDomainMapping"].map(str::to_owned).into());
    let rule = template.at("Rules", "ADomainHasACertificate");
    assert!(named_in(&rule).contains(&"CertificateArn".to_owned()));
}
