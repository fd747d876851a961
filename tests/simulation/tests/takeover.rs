//! One who took an intent and did not come back, and the one who takes it over.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::large_futures,
    reason = "tests fail by panicking, and hold the whole system on their stack"
)]

use std::time::Duration;

use crossdock::domain::{IntentId, MessageId, Timestamp};
use crossdock::effects::message::key;
use crossdock::effects::{Claim, Claimed, Lease, Outcome, Reason, Settled, Subject, Verdict, WorkList};
use crossdock::gateway::{Lane, Vendor};
use sandbox::WebhookFault;
use serde_json::Value;
use simulation::invariants::{of_type, text, violations};
use simulation::shop::confirmed_payment;
use simulation::universe::{Function, Universe};
use simulation::{Plan, Probe, When};

/// An order is paid, and its mail due.
async fn mail_due() -> Universe {
    let mut universe = Universe::new(1);
    let body = confirmed_payment("o-1", "pm_card_visa");
    assert_eq!(universe.call("POST", "/payments", Some("k-1"), Some(&body)).await.status(), 201);
    universe
}

fn mail_intent(universe: &Universe) -> Value {
    let items = universe.aws().table().items();
    let intent = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("mail.send"));
    intent.unwrap().clone()
}

fn mails(universe: &Universe) -> usize {
    universe.sandbox().sendgrid().mails().len()
}

/// One delivery of what the mail queue has.
async fn send_mails(universe: &mut Universe) {
    let messages = universe.aws().sqs().receive("email", 10);
    universe.work("email", Function::EmailSender, messages).await;
}

#[tokio::test(start_paused = true)]
async fn a_mail_whose_sender_died_after_the_vendor_took_it_is_not_sent_again_while_its_events_are_late() {
    let mut universe = Universe::new(1);
    // It dies after its n-th request, which is the vendor's at some n.
    for n in 1..=8 {
        universe = mail_due().await;
        // Later than the lease by far, and within the time that is given to events.
        let late = WebhookFault::Late { ms: 8 * 60_000 };
        universe.sandbox().faults().every_webhook(sandbox::Vendor::SendGrid, late);
        universe.plans.insert(universe.invocations.len(), Plan::crash(n, When::After));
        send_mails(&mut universe).await;
        if mails(&universe) > 0 {
            break;
        }
    }
    assert_eq!((mails(&universe), text(&mail_intent(&universe), "phase")), (1, Some("CALLING")));
    universe.run_until_quiet(4 * 3_600_000).await;
    assert_eq!(mails(&universe), 1);
    assert_eq!(text(&mail_intent(&universe), "phase"), Some("DONE"));
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_nudge_that_comes_twice_after_the_mail_was_sent_sends_nothing() {
    let mut universe = mail_due().await;
    let nudge = universe.aws().sqs().messages("email")[0].body.clone();
    send_mails(&mut universe).await;
    for _ in 0..3 {
        universe.aws().sqs().send("email", &nudge, std::collections::BTreeMap::new(), 0);
        send_mails(&mut universe).await;
        universe.sleep_ms(60_000).await;
    }
    assert_eq!(mails(&universe), 1);
}

/// Takes the mail's intent by hand.
async fn claim(universe: &Universe, list: &WorkList, owner: &str) -> Claim {
    let id = IntentId::from_stored(text(&mail_intent(universe), "intent_id").unwrap());
    let call_by = Timestamp::from_ms(universe.now_ms()).plus(Duration::from_secs(10));
    list.claim(&id, &Lease { owner: owner.to_owned(), call_by, lane: Lane::Background, asked_by: None }).await.unwrap()
}

#[track_caller]
fn mine(claim: Claim) -> Claimed {
    match claim {
        Claim::Mine(claimed) => claimed,
        other => panic!("not claimed: {other:?}"),
    }
}

async fn settle_as_refused(universe: &Universe, list: &WorkList, claimed: &Claimed) -> Settled {
    let items = universe.aws().table().items();
    let id = text(of_type(&items, "message").next().unwrap(), "message_id").unwrap().to_owned();
    let item = list.table().get(&key(&MessageId::from_stored(id))).await.unwrap().unwrap();
    let subject = Subject::Message { message: Box::new(item.parse().unwrap()), contact: None };
    let refused = Outcome::of(Verdict::Refused { reason: Reason::VendorRefused });
    list.settle(claimed, Vendor::SendGrid, subject, refused, |_, _| Ok(None)).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn under_a_living_lease_nobody_else_gets_the_intent_and_afterwards_only_to_resolve_it() {
    let universe = mail_due().await;
    let list = universe.system(Function::EmailSender, &Probe::new()).work_list().unwrap();
    let first = mine(claim(&universe, &list, "first").await);
    assert_eq!(first.intent.phase.as_str(), "CALLING");
    assert!(matches!(claim(&universe, &list, "second").await, Claim::Nothing(_)));
    assert_eq!(mine(claim(&universe, &list, "first").await).intent.epoch, first.intent.epoch, "its own lost reply");
    universe.sleep_ms(16_000).await;
    let second = mine(claim(&universe, &list, "second").await);
    assert_eq!(second.intent.phase.as_str(), "RESOLVING");
    assert_eq!(second.intent.epoch, first.intent.epoch + 1);
}

#[tokio::test(start_paused = true)]
async fn who_was_taken_over_settles_nothing_not_even_under_the_same_name() {
    for successor in ["second", "first"] {
        let universe = mail_due().await;
        let list = universe.system(Function::EmailSender, &Probe::new()).work_list().unwrap();
        let first = mine(claim(&universe, &list, "first").await);
        universe.sleep_ms(16_000).await;
        let between = mine(claim(&universe, &list, "between").await);
        universe.sleep_ms(16_000).await;
        let last = mine(claim(&universe, &list, successor).await);
        let before = universe.aws().table().items();
        assert!(matches!(settle_as_refused(&universe, &list, &first).await, Settled::Fenced), "{successor}");
        assert!(matches!(settle_as_refused(&universe, &list, &between).await, Settled::Fenced), "{successor}");
        assert_eq!(universe.aws().table().items(), before, "{successor}");
        assert!(matches!(settle_as_refused(&universe, &list, &last).await, Settled::Written(..)), "{successor}");
        assert!(
            matches!(settle_as_refused(&universe, &list, &last).await, Settled::Fenced),
            "settled once: {successor}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_claimed_intent_stays_in_the_due_index_at_its_lease_s_end() {
    let universe = mail_due().await;
    let list = universe.system(Function::EmailSender, &Probe::new()).work_list().unwrap();
    let claimed = mine(claim(&universe, &list, "first").await);
    let intent = mail_intent(&universe);
    assert!(text(&intent, "due_pk").is_some());
    assert_eq!(intent["due"], intent["lease_until"]);
    assert_eq!(intent["due"].as_i64(), Some(claimed.lease.until().ms()));
}

#[tokio::test(start_paused = true)]
async fn an_intent_that_kills_whoever_takes_it_is_given_up_at_the_fifth_claim_before_anything_is_called() {
    let mut universe = mail_due().await;
    let list = universe.system(Function::EmailSender, &Probe::new()).work_list().unwrap();
    for n in 1..=4 {
        mine(claim(&universe, &list, &format!("owner-{n}")).await);
        universe.sleep_ms(16_000).await;
    }
    send_mails(&mut universe).await;
    assert_eq!((mails(&universe), text(&mail_intent(&universe), "phase")), (0, Some("MANUAL")));
    assert_eq!(text(&mail_intent(&universe), "refusal"), Some("claimed_too_often"));
    // Nobody is nudged for it any more; a person finds it.
    assert_eq!(text(&mail_intent(&universe), "due_pk"), Some("DUE#MANUAL"));
}
