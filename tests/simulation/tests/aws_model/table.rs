//! The table: conditions, transactions, indexes, time to live.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    CancellationReason, ConditionCheck, KeysAndAttributes, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem,
};
use serde_json::json;
use simulation::{Fault, Plan, TABLE_NAME};

use crate::instance::{Instance, START_MS, number, text};

fn put(pk: &str, value: i64) -> Put {
    Put::builder()
        .table_name(TABLE_NAME)
        .item("pk", text(pk))
        .item("sk", text("S"))
        .item("value", number(value))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .unwrap()
}

fn writes(put: Put) -> TransactWriteItem {
    TransactWriteItem::builder().put(put).build()
}

fn reasons(error: TransactWriteItemsError) -> Vec<CancellationReason> {
    let TransactWriteItemsError::TransactionCanceledException(canceled) = error else {
        panic!("not canceled: {error:?}")
    };
    canceled.cancellation_reasons.unwrap()
}

fn codes(reasons: &[CancellationReason]) -> Vec<&str> {
    reasons.iter().map(|reason| reason.code().unwrap_or("None")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_conditional_put_wins_once_and_the_loser_sees_the_winners_item() {
    let me = Instance::new(Plan::default());
    me.put_new("A").item("value", number(1)).send().await.unwrap();
    let second = me
        .put_new("A")
        .item("value", number(2))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(failed) = second else {
        panic!("{second:?}")
    };
    assert_eq!(failed.item.unwrap()["value"], number(1));
    assert_eq!(me.aws.table().items(), [json!({ "pk": "A", "sk": "S", "value": 1 })]);
    assert_eq!(me.aws.table().writes(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_conditional_update_returns_the_item_it_made() {
    let me = Instance::new(Plan::default());
    me.put("A").item("epoch", number(1)).send().await.unwrap();
    let update = || {
        me.dynamodb
            .update_item()
            .table_name(TABLE_NAME)
            .key("pk", text("A"))
            .key("sk", text("S"))
            .update_expression("SET epoch = epoch + :one REMOVE nothing")
            .condition_expression("epoch = :one")
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::AllNew)
            .send()
    };
    assert_eq!(update().await.unwrap().attributes.unwrap()["epoch"], number(2));
    assert!(update().await.unwrap_err().into_service_error().is_conditional_check_failed_exception());
    assert_eq!(me.aws.table().item("A", "S").unwrap()["epoch"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_transaction_writes_nothing_and_says_which_item_stood_in_the_way() {
    let me = Instance::new(Plan::default());
    me.put("B").item("value", number(9)).send().await.unwrap();
    let check = ConditionCheck::builder()
        .table_name(TABLE_NAME)
        .key("pk", text("C"))
        .key("sk", text("S"))
        .condition_expression("attribute_not_exists(pk)")
        .build()
        .unwrap();
    let error = me
        .dynamodb
        .transact_write_items()
        .transact_items(writes(put("A", 1)))
        .transact_items(writes(put("B", 2)))
        .transact_items(TransactWriteItem::builder().condition_check(check).build())
        .send()
        .await
        .unwrap_err();
    let reasons = reasons(error.into_service_error());
    assert_eq!(codes(&reasons), ["None", "ConditionalCheckFailed", "None"]);
    assert_eq!(reasons[1].item().unwrap()["value"], number(9));
    assert_eq!(me.items(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_with_a_known_token_is_not_done_again_for_ten_minutes() {
    let me = Instance::new(Plan::default());
    let send = |value| {
        me.dynamodb
            .transact_write_items()
            .client_request_token("token-1")
            .transact_items(writes(put("A", value)))
            .send()
    };
    send(1).await.unwrap();
    send(1).await.unwrap();
    assert!(send(2).await.unwrap_err().into_service_error().is_idempotent_parameter_mismatch_exception());
    me.clock.sleep_ms(600_000).await;
    let late = send(1).await.unwrap_err().into_service_error();
    assert_eq!(codes(&reasons(late)), ["ConditionalCheckFailed"]);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_whose_answer_is_lost_is_done_once_and_succeeds() {
    let me = Instance::new(Plan::fault(1, Fault::AnswerLost));
    me.dynamodb.transact_write_items().transact_items(writes(put("A", 1))).send().await.unwrap();
    assert_eq!(me.probe.count(), 2);
    assert_eq!(me.items(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_conflict_reaches_the_caller_as_a_reason_and_is_not_retried() {
    let me = Instance::new(Plan::fault(1, Fault::Conflict));
    let send = me.dynamodb.transact_write_items();
    let error = send.transact_items(writes(put("A", 1))).transact_items(writes(put("B", 1))).send().await.unwrap_err();
    assert_eq!(codes(&reasons(error.into_service_error())), ["TransactionConflict", "None"]);
    assert_eq!((me.probe.count(), me.items()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_due_index_lists_what_is_due_in_order_with_its_projection_only() {
    let me = Instance::new(Plan::default());
    for (pk, due) in [("A", 300), ("B", 100), ("C", 900)] {
        let put = me.put(pk).item("due_pk", text("DUE#0")).item("due", number(due)).item("data", text("not projected"));
        put.item("kind", text("charge")).item("intent_id", text(pk)).send().await.unwrap();
    }
    me.put("D").item("due", number(1)).send().await.unwrap();
    let due = me
        .dynamodb
        .query()
        .table_name(TABLE_NAME)
        .index_name("by-due")
        .key_condition_expression("due_pk = :shard AND due <= :now")
        .expression_attribute_values(":shard", text("DUE#0"))
        .expression_attribute_values(":now", number(500))
        .send()
        .await
        .unwrap();
    let ids: Vec<_> = due.items().iter().map(|item| item["intent_id"].as_s().unwrap().as_str()).collect();
    assert_eq!(ids, ["B", "A"]);
    assert_eq!(due.items()[0]["kind"], text("charge"));
    assert!(!due.items()[0].contains_key("data"));
}

#[tokio::test(start_paused = true)]
async fn an_index_that_lags_answers_with_nothing() {
    let me = Instance::new(Plan::fault(2, Fault::Partial));
    me.put("A").item("order_pk", text("O")).item("order_sk", text("1")).send().await.unwrap();
    let query = || {
        me.dynamodb
            .query()
            .table_name(TABLE_NAME)
            .index_name("by-order")
            .key_condition_expression("order_pk = :o")
            .expression_attribute_values(":o", text("O"))
            .send()
    };
    assert_eq!(query().await.unwrap().count, 0);
    assert_eq!(query().await.unwrap().count, 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_read_can_leave_keys_unprocessed() {
    let me = Instance::new(Plan::fault(3, Fault::Partial));
    me.put("A").send().await.unwrap();
    me.put("B").send().await.unwrap();
    let key = |pk| [("pk".to_owned(), text(pk)), ("sk".to_owned(), text("S"))].into();
    let keys = KeysAndAttributes::builder().keys(key("A")).keys(key("B")).build().unwrap();
    let first = me.dynamodb.batch_get_item().request_items(TABLE_NAME, keys).send().await.unwrap();
    assert_eq!(first.responses.unwrap()[TABLE_NAME].len(), 1);
    let rest = first.unprocessed_keys.unwrap();
    let second = me.dynamodb.batch_get_item().set_request_items(Some(rest)).send().await.unwrap();
    assert_eq!(second.responses.unwrap()[TABLE_NAME][0]["pk"], text("B"));
}

#[tokio::test(start_paused = true)]
async fn an_expired_item_stays_readable_until_it_is_deleted() {
    let me = Instance::new(Plan::default());
    me.put("A").item("expires", number(START_MS / 1000 + 60)).send().await.unwrap();
    me.clock.sleep_ms(3_600_000).await;
    let read = me.dynamodb.get_item().table_name(TABLE_NAME).key("pk", text("A")).key("sk", text("S")).send().await;
    assert!(read.unwrap().item.is_some());
    assert_eq!(me.aws.table().delete_expired(), 1);
    assert_eq!(me.items(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_unsound_request_is_a_validation_error() {
    let me = Instance::new(Plan::default());
    let error = me.put("A").condition_expression("no such syntax (").send().await.unwrap_err().into_service_error();
    assert_eq!(error.meta().code(), Some("ValidationException"));
}
