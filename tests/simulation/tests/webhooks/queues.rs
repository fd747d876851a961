//! The two queues of event-processor: each is believed for its own kind of message. And what has died of them is kept.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;
use simulation::invariants::{of_type, text};
use simulation::shop::confirmed_payment;
use simulation::universe::Universe;
use simulation::{Attribute, Message};

use crate::signing::stripe_says;
use crate::{event, payment_status, pending_payment, queued, settle, silence};

/// Half an hour is ten receives; a sweeper's minute is within it.
const A_WHILE_MS: i64 = 3_600_000;

fn messages(universe: &Universe, queue: &str) -> Vec<Message> {
    universe.aws().sqs().messages(queue)
}

/// Takes everything out of a queue and puts it into another, as it is.
fn misdirect(universe: &Universe, from: &str, to: &str) -> usize {
    let sqs = universe.aws().sqs();
    let taken = sqs.receive(from, 100);
    for message in &taken {
        sqs.send(to, &message.body, message.attributes.clone(), 0);
        assert!(sqs.delete(from, &message.receipt_handle));
    }
    taken.len()
}

#[tokio::test(start_paused = true)]
async fn a_webhook_over_the_queue_of_ids_is_not_believed() {
    let mut universe = Universe::new(1);
    silence(&universe);
    pending_payment(&mut universe).await;
    let told = event(&universe, "evt_1", "payment_intent.succeeded", "succeeded", universe.now_ms() / 1_000);
    assert_eq!(stripe_says(&mut universe, &told).await.status(), 200);
    assert_eq!(misdirect(&universe, "inbound-events", "inbound-work"), 1);
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_ne!(payment_status(&universe), "succeeded");
    assert!(universe.aws().s3().objects().is_empty(), "what nobody vouches for is not archived as a webhook");
    assert_eq!(messages(&universe, "inbound-work-dlq").len(), 1);
}

/// As an earlier release did it. The queue that carries raw webhooks takes no ids, and the sweeper finds what they were about.
#[tokio::test(start_paused = true)]
async fn ids_over_the_queue_of_webhooks_are_refused_and_their_work_is_done_all_the_same() {
    let mut universe = Universe::new(1);
    silence(&universe);
    let body = confirmed_payment("o-1", "pm_card_visa");
    universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
    let misdirected = misdirect(&universe, "inbound-work", "inbound-events");
    assert!(misdirected > 0, "nothing was to be published");
    settle(&mut universe).await;
    assert_eq!(messages(&universe, "inbound-events-dlq").len(), misdirected);
    let items = universe.aws().table().items();
    let left = of_type(&items, "intent").filter(|intent| text(intent, "phase") != Some("DONE")).count();
    assert_eq!(left, 0, "{items:?}");
    assert!(!messages(&universe, "domain-events").is_empty());
}

/// What the archive holds, however often it was put there.
fn archived(universe: &Universe) -> BTreeMap<String, (Bytes, String)> {
    universe.aws().s3().objects().into_iter().map(|(key, object)| (key, (object.bytes, object.note))).collect()
}

/// Lets webhooks die of an archive that refuses them; gives what is dead.
async fn unarchived(universe: &mut Universe, ids: &[&str]) -> Vec<Message> {
    silence(universe);
    pending_payment(universe).await;
    universe.aws().s3().refuse(Some(("stripe/", 403)));
    for id in ids {
        let told = event(universe, id, "payment_intent.succeeded", "succeeded", universe.now_ms() / 1_000);
        assert_eq!(stripe_says(universe, &told).await.status(), 200);
    }
    universe.run_until_quiet(A_WHILE_MS).await;
    universe.aws().s3().refuse(None);
    assert!(queued(universe).is_empty() && universe.aws().s3().objects().is_empty());
    messages(universe, "inbound-events-dlq")
}

#[tokio::test(start_paused = true)]
async fn a_dead_webhook_is_copied_into_the_archive_and_stays_where_it_is() {
    let mut universe = Universe::new(1);
    let dead = unarchived(&mut universe, &["evt_1", "evt_2"]).await;
    assert_eq!(dead.len(), 2);
    universe.keep_dead_letters().await;
    let kept = archived(&universe);
    for (id, message) in [("evt_1", &dead[0]), ("evt_2", &dead[1])] {
        let (key, (bytes, _)) = kept.iter().find(|(key, _)| key.ends_with(id)).unwrap();
        assert!(key.starts_with("stripe/"), "a replay does not find {key}");
        assert_eq!(*bytes, message.body, "{key}");
    }
    assert_eq!(universe.aws().sqs().visible("inbound-events-dlq"), 2, "the alarm and operators do not see them");
    universe.keep_dead_letters().await;
    assert_eq!(archived(&universe), kept);
    // An operator sends them back when the archive works again: the same keys, and nothing is lost.
    assert_eq!(misdirect(&universe, "inbound-events-dlq", "inbound-events"), 2);
    settle(&mut universe).await;
    assert_eq!(archived(&universe), kept);
    assert_eq!(payment_status(&universe), "succeeded");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_cannot_be_read_or_kept_does_not_keep_the_others() {
    let mut universe = Universe::new(1);
    unarchived(&mut universe, &["evt_1", "evt_2"]).await;
    let send = |body: &str, kind: Option<&str>| {
        let attributes = kind.map(|kind| ("type".to_owned(), Attribute::string(kind)));
        universe.aws().sqs().send("inbound-events-dlq", body, BTreeMap::from_iter(attributes), 0)
    };
    let odd = [send("of tomorrow", Some("fax")), send("{}", Some("stripe")), send("{\"v\":1}", None)];
    universe.aws().s3().refuse(Some(("evt_1", 500)));
    universe.keep_dead_letters().await;
    let kept = universe.aws().s3().objects();
    assert_eq!(kept.len(), 4, "{:?}", kept.keys());
    assert!(kept.keys().any(|key| key.ends_with("evt_2")));
    for id in odd {
        let object = &kept[&format!("dead-letters/InboundEvents/{id}.json")];
        let whole: serde_json::Value = serde_json::from_slice(&object.bytes).unwrap();
        assert_eq!(whole["message_id"], json!(id));
    }
    universe.aws().s3().refuse(None);
    universe.keep_dead_letters().await;
    assert_eq!(universe.aws().s3().objects().len(), 5);
}
