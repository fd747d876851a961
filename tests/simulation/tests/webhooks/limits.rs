//! How much a receiver takes, and what it does when it cannot keep what it was given.

use lambda_http::Body;
use simulation::universe::{Response, Universe};
use simulation::{Fault, Plan};

use crate::signing::{SECRET, now_s, post_stripe, sendgrid_says, sendgrid_secret, v1};
use crate::{assert_refused, payment_status, pending_payment, queued, settle};

/// The largest event of Stripe's, in bytes, as text and as what has to travel in base64; the largest batch of SendGrid's.
const EVENT_MAX: usize = 900_000;
const EVENT_MAX_IN_BASE64: usize = 650_000;
const BATCH_MAX: usize = 4_500_000;

async fn signed(universe: &mut Universe, body: Vec<u8>) -> Response {
    let t = now_s(universe);
    let header = format!("t={t},v1={}", v1(SECRET, t, &body));
    post_stripe(universe, Some(&header), Body::Binary(body)).await
}

#[tokio::test(start_paused = true)]
async fn an_event_one_byte_over_the_limit_is_refused_with_413_and_one_at_the_limit_is_queued() {
    let mut universe = Universe::new(1);
    assert_refused(&signed(&mut universe, vec![b'x'; EVENT_MAX + 1]).await, 413, "body_too_large");
    assert_refused(&signed(&mut universe, vec![0xff; EVENT_MAX_IN_BASE64 + 1]).await, 413, "body_too_large");
    assert!(queued(&universe).is_empty());
    assert_eq!(signed(&mut universe, vec![b'x'; EVENT_MAX]).await.status(), 200);
    assert_eq!(signed(&mut universe, vec![0xff; EVENT_MAX_IN_BASE64]).await.status(), 200);
    assert_eq!(queued(&universe).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_oversized_body_is_refused_before_its_signature_is_looked_at() {
    let mut universe = Universe::new(1);
    let response = post_stripe(&mut universe, None, Body::Binary(vec![b'x'; EVENT_MAX + 1])).await;
    assert_refused(&response, 413, "body_too_large");
    assert_eq!(universe.invocations[0].requests, 0);
}

/// A batch of that many bytes, of elements of about this size.
fn batch(bytes: usize, element_bytes: usize) -> Vec<u8> {
    let element = |length: usize| format!(r#"{{"event":"open","x":"{}"}}"#, "x".repeat(length - 23));
    let mut body = String::from("[");
    while body.len() + 2 * element_bytes + 4 < bytes {
        body.push_str(&element(element_bytes));
        body.push(',');
    }
    let rest = bytes - body.len() - 1;
    body.push_str(&element(rest));
    body.push(']');
    assert_eq!(body.len(), bytes);
    body.into_bytes()
}

#[tokio::test(start_paused = true)]
async fn a_batch_one_byte_over_the_limit_is_refused_with_413_and_one_at_the_limit_is_queued_whole() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    assert_refused(&sendgrid_says(&mut universe, batch(BATCH_MAX + 1, 1_000)).await, 413, "body_too_large");
    assert!(queued(&universe).is_empty());
    assert_eq!(sendgrid_says(&mut universe, batch(BATCH_MAX, 1_000)).await.status(), 200);
    let bytes: usize = queued(&universe).iter().map(|message| message.body.len()).sum();
    assert!(bytes >= BATCH_MAX - 2, "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn large_elements_are_queued_too_however_many_come_at_once() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    assert_eq!(sendgrid_says(&mut universe, batch(2_000_000, 150_000)).await.status(), 200);
    let bytes: usize = queued(&universe).iter().map(|message| message.body.len()).sum();
    assert!(bytes >= 2_000_000 - 2, "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn an_empty_batch_is_acknowledged_and_queues_nothing() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    for body in ["[]", "[]\r\n", " [ ] "] {
        assert_eq!(sendgrid_says(&mut universe, body).await.status(), 200);
    }
    assert!(queued(&universe).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_signed_batch_that_is_no_list_is_refused() {
    let mut universe = Universe::new(1);
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    for body in ["", "{}", "null", "[", "[{}", "[{}] []"] {
        assert_refused(&sendgrid_says(&mut universe, body).await, 400, "malformed_json");
    }
    assert!(queued(&universe).is_empty());
}

/// Everything that leaves the next invocation fails, however often it is tried.
fn nothing_works(fault: Fault) -> Plan {
    Plan { faults: (1..100).map(|n| (n, fault)).collect(), ..Plan::default() }
}

#[tokio::test(start_paused = true)]
async fn while_the_queue_is_down_no_event_is_acknowledged_and_the_vendor_s_next_try_is_taken() {
    for fault in [Fault::ServerError, Fault::Throttled, Fault::RequestLost] {
        let mut universe = Universe::new(1);
        universe.keeps_instances = true;
        let (_, _, secret) = pending_payment(&mut universe).await;
        settle(&mut universe).await;
        let now_ms = universe.now_ms();
        universe.sandbox().shopper_confirms(now_ms, &secret, "pm_card_visa").unwrap();
        let before = universe.invocations.len();
        universe.plans.extend((before..before + 2).map(|number| (number, nothing_works(fault))));
        settle(&mut universe).await;
        let counts = universe.sandbox().deliveries(sandbox::Vendor::Stripe);
        assert_eq!(counts.tries, counts.accepted + 2, "{fault:?}");
        assert_eq!(payment_status(&universe), "succeeded", "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn while_the_queue_is_down_no_batch_of_mail_events_is_acknowledged() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    universe.aws().secrets().put("sendgrid-webhook", &sendgrid_secret());
    assert_eq!(sendgrid_says(&mut universe, "[]").await.status(), 200);
    for (n, fault) in [Fault::ServerError, Fault::Throttled, Fault::RequestLost].into_iter().enumerate() {
        universe.plans.insert(n + 1, nothing_works(fault));
        let elements: Vec<String> = (0..600).map(|n| format!(r#"{{"event":"open","n":{n}}}"#)).collect();
        let response = sendgrid_says(&mut universe, format!("[{}]", elements.join(","))).await;
        assert!((500..=599).contains(&response.status()), "{fault:?}: {response:?}");
    }
    // One of twelve messages fails: the whole batch comes again, and the seen marks sort it out.
    universe.plans.insert(4, nothing_works(Fault::Partial));
    let elements: Vec<String> = (0..600).map(|n| format!(r#"{{"event":"open","n":{n}}}"#)).collect();
    let response = sendgrid_says(&mut universe, format!("[{}]", elements.join(","))).await;
    assert!((500..=599).contains(&response.status()), "{response:?}");
}
