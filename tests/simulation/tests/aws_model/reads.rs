//! Reads are answered from what the table was followed to, and as the database itself would.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulation::universe::Universe;

/// An order with everything that belongs to it, and something due.
async fn with_items() -> Universe {
    let mut universe = Universe::new(1);
    let body = simulation::shop::confirmed_payment("o-1", "pm_card_visa");
    assert_eq!(universe.call("POST", "/payments", Some("k-1"), Some(&body)).await.status(), 201);
    universe
}

/// The same lists in another order are the same.
fn sorted(mut answer: Value) -> Value {
    if let Some(found) = answer.pointer_mut("/Responses/crossdock").and_then(Value::as_array_mut) {
        found.sort_by_key(Value::to_string);
    }
    answer
}

#[tokio::test(start_paused = true)]
async fn every_read_is_answered_as_the_database_would() {
    let universe = with_items().await;
    let table = universe.aws().table();
    let items = table.items();
    let key = |item: &Value| json!({ "pk": { "S": item["pk"] }, "sk": { "S": item["sk"] } });
    let mut asked = 0;
    let mut ask = |operation: &str, request: &Value| {
        let (ours, theirs) = table.both_answers(operation, request.to_string().as_bytes());
        assert_eq!(ours.map(sorted), Some(sorted(theirs)), "{operation} {request}");
        asked += 1;
    };
    for item in &items {
        ask("GetItem", &json!({ "TableName": "crossdock", "Key": key(item), "ConsistentRead": true }));
        let prefix = &item["sk"].as_str().unwrap()[..1];
        let values = json!({ ":pk": { "S": item["pk"] }, ":prefix": { "S": prefix } });
        ask(
            "Query",
            &json!({
                "TableName": "crossdock",
                "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
                "ExpressionAttributeValues": values,
                "ConsistentRead": true,
                "Limit": 500,
            }),
        );
    }
    let orders: BTreeSet<&str> = items.iter().filter_map(|item| item["order_pk"].as_str()).collect();
    for order in orders.into_iter().chain(["ORDER#nobody"]) {
        ask(
            "Query",
            &json!({
                "TableName": "crossdock",
                "IndexName": "by-order",
                "KeyConditionExpression": "order_pk = :pk",
                "ExpressionAttributeValues": { ":pk": { "S": order } },
                "Limit": 500,
            }),
        );
    }
    let nobody = json!({ "pk": "NOBODY", "sk": "NOBODY" });
    ask("GetItem", &json!({ "TableName": "crossdock", "Key": key(&nobody), "ConsistentRead": true }));
    let keys: Vec<Value> = items.iter().chain([&nobody]).map(key).collect();
    ask("BatchGetItem", &json!({ "RequestItems": { "crossdock": { "Keys": keys, "ConsistentRead": true } } }));
    for until in [0, universe.now_ms() - 1, universe.now_ms(), universe.now_ms() + 86_400_000] {
        for shard in 0..16 {
            let values = json!({ ":pk": { "S": format!("DUE#{shard}") }, ":until": { "N": until.to_string() } });
            ask(
                "Query",
                &json!({
                    "TableName": "crossdock",
                    "IndexName": "by-due",
                    "KeyConditionExpression": "due_pk = :pk AND due <= :until",
                    "ExpressionAttributeValues": values,
                    "Limit": 100,
                }),
            );
        }
    }
    assert!(asked > 80, "{asked}");
}

#[test]
fn every_write_of_every_flow_comes_to_what_the_database_makes_of_it() {
    use simulation::shop::Flow;
    for flow in [Flow::PaidInTheBrowser, Flow::Commanded, Flow::SavedCard, Flow::RefundedInParts, Flow::MailAnswerLost]
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut universe = Universe::new(1);
            // From here on a difference panics.
            universe.aws().table().compare();
            flow.run(&mut universe).await;
            assert!(universe.aws().table().writes() > 10, "{flow:?}");
        });
    }
}
