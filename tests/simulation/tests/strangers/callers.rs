//! Who asked: what moves money, buys a label or changes what somebody agreed to keeps the identity that signed for it.

use serde_json::{Value, json};
use simulation::invariants::{of_type, text};
use simulation::shop::{confirmed_payment, payment, shipping};
use simulation::universe::{Function, SENDER, Universe};

use crate::A_WHILE_MS;

const CLERK: &str = "arn:aws:sts::123456789012:assumed-role/clerk/ada";

/// A request as API Gateway hands it over, with the identity that its signature is of.
async fn asks(universe: &mut Universe, function: Function, method: &str, path: &str, body: &Value) -> Value {
    let key = format!("k-{}", universe.invocations.len());
    let headers = json!({ "content-type": "application/json", "idempotency-key": key });
    let event = json!({
        "resource": path, "path": path, "httpMethod": method, "headers": headers, "multiValueHeaders": {},
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": null, "stageVariables": null,
        "requestContext": { "accountId": "1", "apiId": "a", "stage": "prod", "requestId": "r", "httpMethod": method,
            "resourcePath": path, "identity": { "userArn": CLERK, "sourceIp": "192.0.2.1" } },
        "body": body.to_string(), "isBase64Encoded": false,
    });
    let answer = universe.event(function, event.to_string().into_bytes()).await.unwrap();
    let status = answer["statusCode"].as_u64().unwrap();
    assert!((200..300).contains(&status), "{answer}");
    universe.run_until_quiet(A_WHILE_MS).await;
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

fn asked_by(universe: &Universe, kind: &str) -> Vec<Option<String>> {
    let items = universe.aws().table().items();
    let of_kind =
        of_type(&items, "intent").filter(|intent| text(intent, "kind").is_some_and(|name| name.contains(kind)));
    of_kind.map(|intent| text(intent, "asked_by").map(str::to_owned)).collect()
}

async fn rows(universe: &mut Universe, order: &str, event: &str) -> Vec<Value> {
    let shown = universe.call("GET", &format!("/orders/{order}"), None, None).await.body();
    let rows = shown["timeline"].as_array().unwrap_or_else(|| panic!("{shown}")).clone();
    rows.into_iter().filter(|row| row["event"] == event).map(|row| row["asked_by"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_refund_a_cancel_a_label_and_a_wish_say_who_asked() {
    let mut universe = Universe::new(1);
    let initiator = Function::PaymentInitiator;
    let paid = asks(&mut universe, initiator, "POST", "/payments", &confirmed_payment("o-1", "pm_card_visa")).await;
    let refunds = format!("/payments/{}/refunds", paid["payment_id"].as_str().unwrap());
    asks(&mut universe, initiator, "POST", &refunds, &json!({ "amount": { "value": 100, "currency": "EUR" } })).await;
    assert_eq!(asked_by(&universe, "refund"), [Some(CLERK.to_owned())]);
    assert_eq!(rows(&mut universe, "o-1", "refund.requested").await, [json!(CLERK)]);

    let open = asks(&mut universe, initiator, "POST", "/payments", &payment("o-2")).await;
    let cancel = format!("/payments/{}/cancel", open["payment_id"].as_str().unwrap());
    asks(&mut universe, initiator, "POST", &cancel, &json!({})).await;
    assert_eq!(asked_by(&universe, "payment.cancel"), [Some(CLERK.to_owned())]);
    assert_eq!(rows(&mut universe, "o-2", "payment.cancel_requested").await, [json!(CLERK)]);

    asks(&mut universe, Function::ShipmentInitiator, "POST", "/shipments", &shipping::shipment("o-3", "ups", "03"))
        .await;
    assert!(asked_by(&universe, "shipment.create").contains(&Some(CLERK.to_owned())), "{:?}", asked_by(&universe, ""));

    let wish = json!({ "channel": "email", "address": "ada@example.com", "marketing": true,
        "proof": { "source": "checkout", "at": "2024-04-01T00:00:00Z" } });
    asks(&mut universe, Function::MessageInitiator, "PUT", "/contacts/preferences", &wish).await;
    let items = universe.aws().table().items();
    let row = of_type(&items, "consent").next().unwrap();
    assert_eq!(text(row, "asked_by"), Some(CLERK));
}

#[tokio::test(start_paused = true)]
async fn a_command_says_who_sent_it() {
    let mut universe = Universe::new(1);
    let command = json!({ "v": 1, "id": "c-1", "kind": "payment.requested", "occurred_at": "2024-04-28T00:00:00Z",
        "data": confirmed_payment("o-1", "pm_card_visa") });
    universe.aws().sqs().send("payments", &command.to_string(), std::collections::BTreeMap::new(), 0);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(asked_by(&universe, "payment.create"), [Some(SENDER.to_owned())]);
    // What the command caused was asked for by nobody else.
    assert_eq!(rows(&mut universe, "o-1", "payment.requested").await, [json!(SENDER)]);
}
