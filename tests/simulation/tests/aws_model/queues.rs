//! The queues: sending through the SDK, receiving by the test.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName, SendMessageBatchRequestEntry};
use simulation::{Attribute, Fault, Plan, QueueSettings, Redrive, Sqs};

use crate::instance::{Instance, START_MS};

/// An instance in an account with the queue `jobs` (hidden for 30 s, 2 receives) and its dead-letter queue.
fn with_queues(plan: Plan) -> Instance {
    let me = Instance::new(plan);
    let sqs = me.aws.sqs();
    sqs.create("jobs-dlq", QueueSettings { visibility_timeout_s: 30, redrive: None });
    let redrive = Redrive { dlq: "jobs-dlq".to_owned(), max_receive_count: 2 };
    sqs.create("jobs", QueueSettings { visibility_timeout_s: 30, redrive: Some(redrive) });
    me
}

fn entry(id: &str, body: &str) -> SendMessageBatchRequestEntry {
    SendMessageBatchRequestEntry::builder().id(id).message_body(body).build().unwrap()
}

impl Instance {
    async fn refusal(&self, body: &str) -> Option<String> {
        let error = self.sqs.send_message().queue_url(Sqs::url("jobs")).message_body(body).send().await.err()?;
        Some(error.into_service_error().meta().code().unwrap().to_owned())
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_arrives_with_body_and_attributes() {
    let me = with_queues(Plan::default());
    let kind = MessageAttributeValue::builder().data_type("String").string_value("stripe").build().unwrap();
    let send = me.sqs.send_message().queue_url(Sqs::url("jobs")).message_body("{}").message_attributes("type", kind);
    let sent = send.send().await.unwrap();
    let got = me.aws.sqs().receive("jobs", 10);
    assert_eq!(got.len(), 1);
    assert_eq!(Some(got[0].id.as_str()), sent.message_id());
    assert_eq!(got[0].attributes, BTreeMap::from([("type".to_owned(), Attribute::string("stripe"))]));
    assert_eq!((got[0].body.as_str(), got[0].receive_count), ("{}", 1));
}

#[tokio::test(start_paused = true)]
async fn a_received_message_is_hidden_until_its_visibility_ends_and_gone_once_deleted() {
    let me = with_queues(Plan::default());
    let sqs = me.aws.sqs();
    sqs.send("jobs", "x", BTreeMap::new(), 0);
    let first = sqs.receive("jobs", 10).remove(0);
    assert_eq!((sqs.receive("jobs", 10).len(), sqs.in_flight("jobs")), (0, 1));
    me.clock.sleep_ms(30_000).await;
    let second = sqs.receive("jobs", 10).remove(0);
    assert_eq!((second.id.as_str(), second.receive_count), (first.id.as_str(), 2));
    assert!(!sqs.delete("jobs", &first.receipt_handle), "an old handle deletes nothing");
    assert!(sqs.delete("jobs", &second.receipt_handle));
    me.clock.sleep_ms(60_000).await;
    assert!(sqs.messages("jobs").is_empty());
    assert!(sqs.messages("jobs-dlq").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_received_too_often_moves_to_the_dead_letter_queue_unchanged() {
    let me = with_queues(Plan::default());
    let sqs = me.aws.sqs();
    let id = sqs.send("jobs", "poison", BTreeMap::new(), 0);
    for _ in 0..2 {
        let got = sqs.receive("jobs", 1).remove(0);
        assert!(sqs.change_visibility("jobs", &got.receipt_handle, 0));
    }
    assert!(sqs.receive("jobs", 1).is_empty());
    let dead = sqs.receive("jobs-dlq", 1).remove(0);
    assert_eq!((dead.id, dead.body.as_str(), dead.sent_at_ms), (id, "poison", START_MS));
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_comes_after_its_delay() {
    let me = with_queues(Plan::default());
    let send = me.sqs.send_message().queue_url(Sqs::url("jobs")).message_body("x");
    send.delay_seconds(20).send().await.unwrap();
    let sqs = me.aws.sqs();
    assert_eq!((sqs.visible("jobs"), sqs.delayed("jobs")), (0, 1));
    let at_ms = sqs.next_visible_at_ms("jobs").unwrap();
    me.clock.sleep_ms(u64::try_from(at_ms - me.clock.now_ms() - 1).unwrap()).await;
    assert!(sqs.receive("jobs", 1).is_empty());
    me.clock.sleep_ms(1).await;
    assert_eq!(sqs.receive("jobs", 1).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_batch_answers_for_each_entry() {
    let me = with_queues(Plan::fault(2, Fault::Partial));
    let batch = || me.sqs.send_message_batch().queue_url(Sqs::url("jobs"));
    let sent = batch().entries(entry("a", "1")).entries(entry("b", "\u{1}")).send().await.unwrap();
    assert_eq!((sent.successful()[0].id(), sent.failed()[0].id()), ("a", "b"));
    assert!(sent.failed()[0].sender_fault());
    let sent = batch().entries(entry("a", "2")).entries(entry("b", "3")).send().await.unwrap();
    assert_eq!((sent.successful().len(), sent.failed()[0].id()), (1, "b"));
    assert!(!sent.failed()[0].sender_fault());
    assert_eq!(me.aws.sqs().visible("jobs"), 2);
}

#[tokio::test(start_paused = true)]
async fn what_aws_would_refuse_is_refused() {
    let me = with_queues(Plan::default());
    let limit = 1 << 20;
    assert_eq!(me.refusal(&"x".repeat(limit)).await, None);
    assert_eq!(me.refusal(&"x".repeat(limit + 1)).await.as_deref(), Some("InvalidParameterValue"));
    assert_eq!(me.refusal("\u{ffff}").await.as_deref(), Some("InvalidMessageContents"));
    assert_eq!(me.refusal("\u{10348}\u{fffd}\t").await, None);
    assert_eq!(me.refusal("").await.as_deref(), Some("MissingParameter"));
    let elsewhere = me.sqs.send_message().queue_url(Sqs::url("none")).message_body("x").send().await.unwrap_err();
    assert!(elsewhere.into_service_error().is_queue_does_not_exist());
    let half = "x".repeat(limit / 2 + 1);
    let batch = me.sqs.send_message_batch().queue_url(Sqs::url("jobs")).entries(entry("a", &half));
    let too_long = batch.entries(entry("b", &half)).send().await.unwrap_err();
    assert!(too_long.into_service_error().is_batch_request_too_long());
}

#[tokio::test(start_paused = true)]
async fn a_queue_tells_how_much_it_holds() {
    let me = with_queues(Plan::default());
    for delay_s in [0, 0, 0, 60] {
        me.aws.sqs().send("jobs", "x", BTreeMap::new(), delay_s);
    }
    me.aws.sqs().receive("jobs", 1);
    let ask = me.sqs.get_queue_attributes().queue_url(Sqs::url("jobs")).attribute_names(QueueAttributeName::All);
    let told = ask.send().await.unwrap().attributes.unwrap();
    assert_eq!(told[&QueueAttributeName::ApproximateNumberOfMessages], "2");
    assert_eq!(told[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible], "1");
    assert_eq!(told[&QueueAttributeName::ApproximateNumberOfMessagesDelayed], "1");
}

#[tokio::test(start_paused = true)]
async fn messages_come_in_an_order_that_the_seed_decides() {
    let order = || {
        let me = with_queues(Plan::default());
        for i in 0..20 {
            me.aws.sqs().send("jobs", &i.to_string(), BTreeMap::new(), 0);
        }
        me.aws.sqs().receive("jobs", 20).into_iter().map(|message| message.body).collect::<Vec<_>>()
    };
    let sent: Vec<String> = (0..20).map(|i| i.to_string()).collect();
    assert_ne!(order(), sent);
    assert_eq!(order(), order());
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_the_same_message_with_another_receipt() {
    let me = with_queues(Plan::default());
    let sqs = me.aws.sqs();
    sqs.set_duplicate_probability(1.0);
    sqs.send("jobs", "x", BTreeMap::new(), 0);
    let deliveries = [sqs.receive("jobs", 1).remove(0), sqs.receive("jobs", 1).remove(0)];
    assert_eq!(deliveries[0].id, deliveries[1].id);
    let handles: BTreeSet<_> = deliveries.iter().map(|message| &message.receipt_handle).collect();
    assert_eq!(handles.len(), 2);
}
