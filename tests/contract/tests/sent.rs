//! Everything that the flows send to a vendor, against the vendor's own specification.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::large_futures,
    reason = "a skipped check says so; tests fail by panicking, and hold the whole system on their stack"
)]

use std::collections::BTreeSet;

use contract::specs::{SKIPPED, Specs};
use serde_json::json;
use simulation::Probe;
use simulation::shop::{Flow, create, payment};
use simulation::universe::{Function, Universe};

/// A request as it left.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sent {
    vendor: &'static str,
    method: String,
    path_and_query: String,
    content_type: Option<String>,
    body: Vec<u8>,
}

fn sent(universe: &Universe) -> Vec<Sent> {
    let sandbox = universe.sandbox();
    let calls = sandbox.calls().iter().map(|call| Sent {
        vendor: call.vendor.name(),
        method: call.method.to_string(),
        path_and_query: call.path_and_query.clone(),
        content_type: call.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned()),
        body: call.body.to_vec(),
    });
    calls.collect()
}

/// A payment with every field that we pass on.
async fn everything_we_pass_on(universe: &mut Universe) {
    let mut body = payment("o.1_A:~-");
    body["description"] = json!("Order o-1 & co. = 100 % Zoë 💳");
    body["metadata"] = json!({ "basket": "b-1", "note.2": "a&b=c [d]", "empty": "" });
    body["payment_method"] = json!("pm_card_threeDSecure2Required");
    body["confirm"] = json!(true);
    body["return_url"] = json!("https://shop.example/return?order=o-1&x=%20");
    let created = create(universe, &body).await;
    let payment_id = created.body()["payment_id"].as_str().unwrap().to_owned();
    let confirm = json!({ "payment_method": "pm_card_visa", "return_url": "https://shop.example/return" });
    universe.call("POST", &format!("/payments/{payment_id}/confirm"), None, Some(&confirm)).await;
    universe.run_until_quiet(3_600_000).await;
}

/// What operators and schedules ask for, and a mail by a template.
async fn what_is_not_an_intent(universe: &mut Universe) {
    universe.report().await;
    let system = universe.system(Function::EmailSender, &Probe::new());
    system.sendgrid_library().unwrap().push(&system.work_list().unwrap()).await.unwrap();
    let body = json!({ "channel": "email", "kind": "welcome", "to": "ada@example.com", "data": {} });
    universe.call("POST", "/messages", Some("m-1"), Some(&body)).await;
    universe.run_until_quiet(3_600_000).await;
}

#[tokio::test(start_paused = true)]
async fn every_request_that_the_flows_send_is_one_that_its_vendor_s_specification_allows() {
    let mut all: BTreeSet<Sent> = BTreeSet::new();
    for flow in Flow::ALL {
        let mut universe = Universe::new(1);
        flow.run(&mut universe).await;
        all.extend(sent(&universe));
    }
    let mut universe = Universe::new(1);
    everything_we_pass_on(&mut universe).await;
    what_is_not_an_intent(&mut universe).await;
    all.extend(sent(&universe));

    for (vendor, method, path) in [
        ("stripe", "POST", "/v1/payment_intents"),
        ("stripe", "POST", "/confirm"),
        ("stripe", "POST", "/cancel"),
        ("stripe", "GET", "/v1/payment_intents?"),
        ("stripe", "GET", "expand[]=latest_charge.balance_transaction"),
        ("stripe", "POST", "/v1/refunds"),
        ("stripe", "GET", "/v1/refunds?"),
        ("stripe", "POST", "/v1/customers"),
        ("stripe", "GET", "/v1/payment_methods?"),
        ("sendgrid", "POST", "/v3/mail/send"),
        ("sendgrid", "POST", "/v3/mail/batch"),
        ("sendgrid", "POST", "/v3/user/scheduled_sends"),
        ("sendgrid", "GET", "/v3/templates?"),
        ("sendgrid", "POST", "/v3/templates"),
        ("sendgrid", "POST", "/versions"),
        ("sendgrid", "GET", "/v3/stats?"),
        ("twilio", "GET", "/Messages/SM"),
    ] {
        let found = all.iter().any(|s| s.vendor == vendor && s.method == method && s.path_and_query.contains(path));
        assert!(found, "no flow sent {method} {path}");
    }
    let Some(specs) = Specs::from_env() else {
        eprintln!("{SKIPPED}");
        return;
    };
    let wrong: Vec<String> = all
        .iter()
        .filter_map(|sent| {
            let content_type = sent.content_type.as_deref();
            specs.check(sent.vendor, &sent.method, &sent.path_and_query, content_type, &sent.body).err()
        })
        .flatten()
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
