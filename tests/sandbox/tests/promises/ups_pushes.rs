//! What UPS pushes (Track Alert): who is told, of what, and with which credential.

use sandbox::{Sandbox, Scan, Settings, Vendor, WebhookFault};
use serde_json::{Value, json};

use crate::caller::{Answer, START_MS};
use crate::carriers::{Caller, DAY_MS, HOUR_MS, sandbox};
use crate::spec::{check_answer, check_at};
use crate::ups::code;

const SPEC: &str = "ups_UPSTrackAlert.yaml";

fn check(answer: &Answer) {
    check_answer(SPEC, "/subscription/{type}/package", "post", answer);
}

fn subscribe(caller: &Caller, sandbox: &mut Sandbox, version: &str, kind: &str, more: &Value) -> Answer {
    let mut body = json!({ "locale": "en_US", "countryCode": "US" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/api/track/{version}/subscription/{kind}/package");
    caller.call(sandbox, START_MS, "POST", &path, &body)
}

#[test]
fn a_subscription_takes_the_numbers_that_are_some_and_refuses_with_the_published_codes() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    let some = subscribe(&caller, &mut sandbox, "v2", "standard", &json!({ "trackingNumberList": [number, "1Z$"] }));
    check(&some);
    assert_eq!(some.json, json!({ "validTrackingNumbers": [number], "invalidTrackingNumbers": ["1Z$"] }));
    let subscription = &sandbox.ups().subscriptions()[0];
    assert_eq!((subscription.until_ms - subscription.since_ms, &subscription.url), (14 * DAY_MS, &None));
    let numbers = json!({ "trackingNumberList": [number] });
    let destination = |destination: Value| json!({ "trackingNumberList": [number], "destination": destination });
    for (version, kind, more, expected) in [
        ("v2", "premium", numbers.clone(), "VSS930"),
        ("v2", "standard", json!({}), "VSS200"),
        ("v2", "standard", json!({ "trackingNumberList": ["1Z$"] }), "VSS210"),
        ("v2", "standard", json!({ "trackingNumberList": vec!["1Z$"; 101] }), "VSS220"),
        ("v2", "standard", json!({ "trackingNumberList": [number], "locale": "english" }), "VSS310"),
        ("v2", "standard", json!({ "trackingNumberList": [number], "countryCode": "usa" }), "VSS400"),
        ("v1", "standard", numbers.clone(), "VSS500"),
        ("v1", "standard", destination(json!({})), "VSS600"),
        ("v1", "standard", destination(json!({ "url": "https://shop.example/" })), "VSS700"),
        ("v1", "standard", destination(json!({ "url": "https://shop.example/", "credential": "c" })), "VSS800"),
    ] {
        let refused = subscribe(&caller, &mut sandbox, version, kind, &more);
        assert_eq!((refused.status, code(&refused)), (400, expected));
        check(&refused);
    }
}

/// The pushes that are due: the header that says who sends, and the code of what is told.
fn pushes(sandbox: &mut Sandbox, at_ms: i64, header: &str) -> Vec<(String, String)> {
    let due = sandbox.take_due(at_ms);
    due.into_iter()
        .filter(|delivery| delivery.vendor == Vendor::Ups)
        .map(|delivery| {
            let headers = delivery.request.headers();
            assert_eq!(headers["user-agent"], "UPSPubSubTrackingService");
            let who = headers.get(header).map_or("", |value| value.to_str().unwrap()).to_owned();
            sandbox.delivered(delivery.id, Some(200), at_ms);
            let mut event: Value = serde_json::from_slice(delivery.request.body()).unwrap();
            let code = event["activityStatus"]["code"].as_str().unwrap().to_owned();
            // It stands in the vendor's own examples, but not in its schema.
            event["activityStatus"].as_object_mut().unwrap().remove("descriptionCode");
            check_at(SPEC, "/components/schemas/TrackingEventRequest", &event);
            (who, code)
        })
        .collect()
}

#[test]
fn what_happens_after_a_subscription_is_pushed_one_event_at_a_time_for_two_weeks() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    assert_eq!(sandbox.next_delivery_at(), None, "nobody listens");
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number);
    subscribe(&caller, &mut sandbox, "v2", "standard", &json!({ "trackingNumberList": [number] }));
    assert_eq!(sandbox.next_delivery_at(), Some(START_MS + 6 * HOUR_MS));
    sandbox.parcel_moves(Vendor::Ups, START_MS + 1000, &number);
    let credential = "ups-sandbox-credential".to_owned();
    assert_eq!(pushes(&mut sandbox, START_MS + 1000, "credential"), [(credential.clone(), "AR".to_owned())]);
    let told = pushes(&mut sandbox, START_MS + 5 * DAY_MS, "credential");
    assert_eq!(told, ["OT", "FS"].map(|code| (credential.clone(), code.to_owned())));
    sandbox.parcel_is_scanned(Vendor::Ups, START_MS + 14 * DAY_MS, &number, Scan::Exception);
    assert!(pushes(&mut sandbox, START_MS + 15 * DAY_MS, "credential").is_empty());
}

#[test]
fn a_subscription_of_the_first_version_names_its_receiver_and_its_credential() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    let destination =
        json!({ "url": "https://shop.example/ups?x=1", "credentialType": "Bearer", "credential": "of the shop" });
    let more = json!({ "trackingNumberList": [number], "destination": destination });
    assert_eq!(subscribe(&caller, &mut sandbox, "v1", "standard", &more).status, 200);
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number);
    let due = sandbox.take_due(START_MS);
    let [delivery] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(delivery.request.uri(), "https://shop.example/ups?x=1");
    assert_eq!(delivery.request.headers()["credential"], "of the shop");
    assert!(delivery.request.headers().get("authorization").is_none());
}

#[test]
fn pushes_of_the_second_version_carry_a_token_of_the_shops_own_service() {
    let mut sandbox = Sandbox::new(Settings {
        ups_webhook_token_url: "https://shop.example/oauth/token".to_owned(),
        ..Settings::default()
    });
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    subscribe(&caller, &mut sandbox, "v2", "standard", &json!({ "trackingNumberList": [number] }));
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number);
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number);
    let due = sandbox.take_due(START_MS);
    let [asked] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!(asked.request.uri(), "https://shop.example/oauth/token");
    assert_eq!(asked.request.headers()["authorization"], "Basic dXBzLWF0LXRoZS1zaG9wOnVwcy1hdC10aGUtc2hvcC1zZWNyZXQ=");
    assert_eq!(asked.request.body(), "grant_type=client_credentials");
    sandbox.answered(asked.id, Some(401), b"{}", START_MS);
    let again = START_MS + 60_000;
    let asked = sandbox.take_due(again).remove(0);
    assert_eq!(asked.attempt, 2);
    sandbox.answered(asked.id, Some(200), br#"{"access_token":"T","token_type":"Bearer","expires_in":"3600"}"#, again);
    let due = sandbox.take_due(again);
    assert_eq!(due.len(), 2);
    for delivery in due {
        assert_eq!(delivery.request.uri(), "https://shop.example/webhooks/ups");
        assert_eq!(delivery.request.headers()["authorization"], "Bearer T");
        assert_eq!(delivery.request.headers()["x-api-key"], "ups-at-the-shop");
        sandbox.delivered(delivery.id, Some(200), again);
    }
    sandbox.parcel_moves(Vendor::Ups, again, &number);
    assert_eq!(pushes(&mut sandbox, again, "authorization"), [("Bearer T".to_owned(), "OT".to_owned())]);
}

#[test]
fn pushes_come_twice_and_in_another_order_when_the_dial_says_so() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    subscribe(
        &caller,
        &mut sandbox,
        "v2",
        "enhanced",
        &json!({ "trackingNumberList": [number], "eventPreferences": ["I"] }),
    );
    sandbox.faults().next_webhooks(Vendor::Ups, 1, WebhookFault::Duplicate { copies: 1 });
    sandbox.faults().next_webhooks(Vendor::Ups, 1, WebhookFault::Reordered);
    let codes = |sandbox: &mut Sandbox, at_ms: i64| {
        pushes(sandbox, at_ms, "credential").into_iter().map(|(_, code)| code).collect::<Vec<_>>()
    };
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number);
    assert_eq!(codes(&mut sandbox, START_MS), ["PU", "PU"]);
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number);
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number);
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number);
    assert_eq!(codes(&mut sandbox, START_MS + 60_000), ["OT", "AR"], "a delivery was not asked for");
}
