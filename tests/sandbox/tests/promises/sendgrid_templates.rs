//! SendGrid's templates.

use crate::caller::{Answer, START_MS, a_mail, send, sendgrid};
use crate::spec;
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn create(sandbox: &mut Sandbox, name: &str) -> Answer {
    let body = json!({ "name": name, "generation": "dynamic" });
    sendgrid(sandbox, START_MS, "POST", "/v3/templates", Some(&body))
}

fn add_version(sandbox: &mut Sandbox, id: &str, subject: &str, active: Option<u8>) -> Answer {
    let mut body = json!({ "name": "v", "subject": subject, "plain_content": "Hello {{ name }}, {{{order.id}}}." });
    if let Some(active) = active {
        body["active"] = active.into();
    }
    sendgrid(sandbox, START_MS, "POST", &format!("/v3/templates/{id}/versions"), Some(&body))
}

/// A template as the specification wants it: there an id is always a UUID, though those of dynamic ones are not.
fn hold(mut template: Value) {
    template["id"] = "33feeff2-5069-43fe-8853-428651e5be79".into();
    spec::check_at("sendgrid_templates_v3.json", "/components/schemas/TransactionalTemplate", &template);
}

fn with_template(id: &str) -> Value {
    json!({
        "personalizations": [{
            "to": [{ "email": "ada@example.com" }],
            "dynamic_template_data": { "name": "Ada", "order": { "id": "o-1" } },
        }],
        "from": { "email": "shop@example.com" },
        "template_id": id,
    })
}

#[test]
fn a_dynamic_template_with_a_version_is_filled_in_for_each_recipient() {
    let mut sandbox = sandbox();
    let made = create(&mut sandbox, "order-paid");
    assert_eq!((made.status, made.text("/generation")), (201, "dynamic"));
    hold(made.json.clone());
    let id = made.text("/id").to_owned();
    assert!(id.starts_with("d-") && id.len() == 34);
    let version = add_version(&mut sandbox, &id, "Order {{order.id}}{{missing}}", None);
    spec::check_at(
        "sendgrid_templates_v3.json",
        "/components/schemas/TransactionalTemplateVersionOutput",
        &version.json,
    );
    assert_eq!((version.status, &version.json["active"]), (201, &1.into()));
    assert_eq!(send(&mut sandbox, START_MS, &with_template(&id)).status, 202);
    let mail = &sandbox.sendgrid().mails()[0];
    assert_eq!((mail.subject.as_str(), mail.content[0].1.as_str()), ("Order o-1", "Hello Ada, o-1."));
    assert_eq!(mail.template_data["name"], "Ada");
}

#[test]
fn without_an_active_version_a_template_cannot_be_sent() {
    let mut sandbox = sandbox();
    let id = create(&mut sandbox, "order-paid").text("/id").to_owned();
    for template in [&*id, "d-0"] {
        let refused = send(&mut sandbox, START_MS, &with_template(template));
        assert_eq!((refused.status, refused.text("/errors/0/field")), (400, "template_id"));
    }
    add_version(&mut sandbox, &id, "s", Some(0)); // the first is active whatever it says
    assert_eq!(send(&mut sandbox, START_MS, &with_template(&id)).status, 202);
    let mut mail = with_template(&id);
    mail["personalizations"][0]["substitutions"] = json!({ "-name-": "Ada" });
    assert_eq!(send(&mut sandbox, START_MS, &mail).text("/errors/0/field"), "personalizations.0.substitutions");
}

#[test]
fn one_version_is_active_at_a_time() {
    let mut sandbox = sandbox();
    let id = create(&mut sandbox, "order-paid").text("/id").to_owned();
    for (subject, active, expected) in [("a", None, "a"), ("b", None, "a"), ("c", Some(1), "c")] {
        add_version(&mut sandbox, &id, subject, active);
        let template = &sandbox.sendgrid().templates()[0];
        let active: Vec<&str> = template.versions.iter().filter(|v| v.active).map(|v| v.subject.as_str()).collect();
        assert_eq!(active, [expected]);
    }
    let shown = sendgrid(&mut sandbox, START_MS, "GET", &format!("/v3/templates/{id}"), None);
    assert_eq!(shown.json["versions"].as_array().unwrap().len(), 3);
    hold(shown.json);
}

#[test]
fn templates_are_listed_by_generation_and_page_and_a_name_can_come_twice() {
    let mut sandbox = sandbox();
    for name in ["one", "two", "two"] {
        create(&mut sandbox, name);
    }
    sendgrid(&mut sandbox, START_MS, "POST", "/v3/templates", Some(&json!({ "name": "old" })));
    let mut names = |query: &str| -> (Vec<String>, bool) {
        let page = sendgrid(&mut sandbox, START_MS, "GET", &format!("/v3/templates?{query}"), None);
        assert_eq!(page.status, 200, "{}", page.json);
        page.json["result"].as_array().unwrap().iter().for_each(|template| hold(template.clone()));
        let names = page.json["result"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned());
        (names.collect(), page.json["_metadata"]["next"].is_string())
    };
    assert_eq!(names("generations=dynamic&page_size=200"), (vec!["two".into(), "two".into(), "one".into()], false));
    assert_eq!(names("generations=dynamic&page_size=2"), (vec!["two".into(), "two".into()], true));
    assert_eq!(names("generations=dynamic&page_size=2&page_token=2"), (vec!["one".into()], false));
    assert_eq!(names("page_size=5").0, ["old"]);
    assert_eq!(sendgrid(&mut sandbox, START_MS, "GET", "/v3/templates", None).text("/errors/0/field"), "page_size");
}

#[test]
fn what_makes_no_template_is_refused() {
    let mut sandbox = sandbox();
    let id = create(&mut sandbox, "order-paid").text("/id").to_owned();
    assert_eq!(create(&mut sandbox, "").text("/errors/0/field"), "name");
    assert_eq!(create(&mut sandbox, &"x".repeat(101)).text("/errors/0/field"), "name");
    assert_eq!(add_version(&mut sandbox, &id, "", None).text("/errors/0/field"), "subject");
    assert_eq!(add_version(&mut sandbox, "d-0", "s", None).status, 404);
    assert_eq!(send(&mut sandbox, START_MS, &a_mail("ada@example.com")).status, 202);
}
