//! What callers of the API are told, and whether it is so:
//!
//! * W1: what a request came to is what it is answered with. A repeat has the status of the first final answer and names the
//!   same thing, for good; and once everything is at rest, nobody is told to wait any more ([`Told::open`]).
//! * W2: every answer was true at some moment of its request: the status that it tells is one that the payment had here
//!   meanwhile, and what a confirm is answered with is what its attempt came to at the vendor.
//! * W3: it is valid by infra/openapi.yaml.

use std::collections::{BTreeMap, BTreeSet};

use sandbox::RecordedCall;
use sandbox::stripe::Moment;
use serde_json::Value;

use crate::Change;
use crate::invariants::text;
use crate::universe::Response;

/// How long the answer to a request is kept: later a repeat is told how the thing is by then.
const ANSWER_KEPT_MS: i64 = 24 * 3_600_000;
/// Problems that say what became of a request. Others (409 of another payment, 422 of another body) are about how things
/// were when it came, and leave nothing behind.
const FINAL_PROBLEMS: [&str; 5] =
    ["payment_refused", "payment_method_unusable", "payment_canceled", "refund_refused", "customer_refused"];

/// Stripe's clock shows whole seconds.
pub(crate) const VENDOR_SECOND_MS: i64 = 1_000;

/// How a payment or a refund stands whose caller has to wait.
const OPEN: [&str; 3] = ["processing", "deferred", "manual"];

/// What is answered 202 for good: a worker sends it, and how it went is read.
const HANDED_ON: [&str; 2] = ["/messages", "/campaigns"];

/// A request of a caller's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// `POST`
    pub method: String,
    /// As it was called.
    pub path: String,
    /// Its Idempotency-Key.
    pub key: Option<String>,
    /// Its body.
    pub body: Option<String>,
}

/// What happened at Stripe.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct There<'a> {
    /// How each payment stood, and since when.
    pub(crate) moments: &'a [Moment],
    /// What was asked there.
    pub(crate) calls: &'a [RecordedCall],
}

impl There<'_> {
    /// When this confirm was sent, each time.
    fn attempts(&self, vendor_id: &str, asked: &Asked) -> impl Iterator<Item = i64> {
        let path = format!("/v1/payment_intents/{vendor_id}/confirm");
        let body = asked.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok()).unwrap_or_default();
        // Ids have nothing that a form would write otherwise.
        let field = format!("payment_method={}", text(&body, "payment_method").unwrap_or_default());
        let is_it = move |call: &&RecordedCall| {
            call.path_and_query == path && call.body.split(|byte| *byte == b'&').any(|part| part == field.as_bytes())
        };
        self.calls.iter().filter(is_it).map(|call| call.at_ms)
    }
}

/// A final answer.
#[derive(Clone, Debug)]
struct Final {
    at_ms: i64,
    status: u16,
    thing: Option<String>,
}

/// All that was told in a run.
#[derive(Debug, Default)]
pub struct Told {
    finals: BTreeMap<Asked, Final>,
    /// Whose latest answer is that it is under way.
    waiting: BTreeMap<Asked, Value>,
    /// When each confirm was first asked for that has no answer yet.
    confirms: BTreeMap<Asked, i64>,
    /// Statuses that each payment had here, and since when.
    stood: BTreeMap<String, Vec<(i64, String)>>,
    vendor_ids: BTreeMap<String, String>,
    /// Payments of which a cancel has waited for a person.
    not_canceled: BTreeSet<String>,
    /// From when until when somebody asked for a cancel of each payment, and heard that it came too late, or nothing.
    too_late: BTreeMap<String, Vec<(i64, i64)>>,
    pub(crate) violations: Vec<String>,
}

impl Told {
    /// Takes note of a change of the table.
    pub(crate) fn see(&mut self, change: &Change) {
        let Some(after) = change.after.as_deref() else { return };
        if (text(after, "kind"), text(after, "phase")) == (Some("payment.cancel"), Some("MANUAL")) {
            let of = after.pointer("/data/payment_id").and_then(Value::as_str).unwrap_or_default();
            self.not_canceled.insert(of.to_owned());
        }
        if text(after, "type") != Some("payment") {
            return;
        }
        let id = text(after, "payment_id").unwrap_or_default().to_owned();
        if let Some(vendor_id) = text(after, "vendor_id") {
            self.vendor_ids.entry(id.clone()).or_insert_with(|| vendor_id.to_owned());
        }
        self.stood.entry(id).or_default().push((change.at_ms, shown_status(after)));
    }

    /// Judges an answer: to what, between when and when, and what happened at the vendor.
    pub(crate) fn hear(&mut self, asked: &Asked, response: &Response, (from_ms, to_ms): (i64, i64), there: &There<'_>) {
        self.who_cancels(asked, response, (from_ms, to_ms));
        let is_confirm = asked.path.ends_with("/confirm");
        let first_ms = if is_confirm { *self.confirms.entry(asked.clone()).or_insert(from_ms) } else { from_ms };
        let Response::Answer { status, body, replayed, .. } = response else { return };
        if *status >= 500 || *status == 429 {
            return;
        }
        self.what_a_request_came_to(asked, *status, body, (from_ms, to_ms));
        if !replayed || *status == 202 {
            self.was_true_here(asked, *status, body, (from_ms, to_ms));
        }
        if is_confirm {
            self.was_true_there(asked, *status, body, (first_ms, to_ms), there);
            if *status != 202 {
                self.confirms.remove(asked);
            }
        }
    }

    fn what_a_request_came_to(&mut self, asked: &Asked, status: u16, body: &Value, (from_ms, now_ms): (i64, i64)) {
        let is_customer = asked.path == "/customers";
        let is_confirm = asked.path.ends_with("/confirm");
        let is_handed_on = HANDED_ON.contains(&asked.path.as_str());
        if asked.method != "POST" || is_confirm || is_handed_on || !(asked.key.is_some() || is_customer) {
            return;
        }
        if status == 202 {
            let is_money = asked.path == "/payments" || asked.path.ends_with("/refunds");
            // That a payment is heard of says nothing of a charge that was to be made with it.
            let is_open =
                |told: &str| OPEN.contains(&told) || told == "requires_payment_method" && charges_at_once(asked);
            if let Some(told) = text(body, "status").filter(|told| is_money && !is_open(told)) {
                self.violations.push(format!("W2: {} was told to wait for what is {told}", name(asked)));
            }
            self.waiting.insert(asked.clone(), body.clone());
            // Who asked before the other was answered may have looked earlier: it was so then.
            let is_repeat = |first: &&Final| first.at_ms <= from_ms && now_ms - first.at_ms < ANSWER_KEPT_MS;
            if let Some(first) = self.finals.get(asked).filter(is_repeat) {
                self.violations.push(format!("W1: {} was answered {} and then 202", name(asked), first.status));
            }
            return;
        }
        self.waiting.remove(asked);
        let is_final = status < 300
            || status == 402
            || text(body, "code").is_some_and(|code| FINAL_PROBLEMS.contains(&code) && !foreign(asked, code));
        if !is_final {
            return;
        }
        let thing = ["refund_id", "payment_id", "shipment_id", "pickup_id", "customer_id"]
            .into_iter()
            .find_map(|id| text(body, id).map(str::to_owned));
        // A customer who is new is 201, one who was known 200.
        let status = if is_customer && status == 201 { 200 } else { status };
        let Some(first) = self.finals.get(asked) else {
            self.finals.insert(asked.clone(), Final { at_ms: now_ms, status, thing });
            return;
        };
        let is_kept = now_ms - first.at_ms < ANSWER_KEPT_MS;
        if is_kept && first.status != status {
            self.violations.push(format!("W1: {} was answered {} and then {status}", name(asked), first.status));
        }
        if let (Some(before), Some(now)) = (&first.thing, &thing)
            && before != now
        {
            self.violations.push(format!("W1: {} was answered with {before} and then with {now}", name(asked)));
        }
    }

    /// The status that is told is one that the payment had in the table meanwhile.
    fn was_true_here(&mut self, asked: &Asked, status: u16, body: &Value, (from_ms, to_ms): (i64, i64)) {
        let payment = if asked.path.starts_with("/orders/") { &body["payment"] } else { body };
        let (Some(id), Some(told)) = (text(payment, "payment_id"), text(payment, "status")) else { return };
        if status >= 400 || !payment["amount_refunded"].is_object() {
            return;
        }
        // A person has to look at its cancel, and not at the payment.
        if told == "manual" && status == 202 && asked.path.ends_with("/cancel") && self.not_canceled.contains(id) {
            return;
        }
        let stood = self.stood.get(id).map(Vec::as_slice).unwrap_or_default();
        if !meanwhile(stood, |(at_ms, _)| *at_ms, (from_ms, to_ms)).any(|(_, status)| status == told) {
            self.violations.push(format!("W2: {} was told that {id} is {told}, which it was not", name(asked)));
        }
    }

    /// What a confirm is answered with is what its attempt came to at the vendor.
    fn was_true_there(&mut self, asked: &Asked, status: u16, body: &Value, during: (i64, i64), there: &There<'_>) {
        if status != 200 && status != 402 {
            return;
        }
        let Some(vendor_id) = text(body, "payment_id").and_then(|id| self.vendor_ids.get(id)) else { return };
        let own: Vec<&Moment> = there.moments.iter().filter(|moment| moment.payment_intent == *vendor_id).collect();
        // From its own attempt on: how it stood before is no news of it. Where none was made, from when it was asked for.
        let attempted = there.attempts(vendor_id, asked).find(|at_ms| (during.0..=during.1).contains(at_ms));
        let during = (attempted.unwrap_or(during.0), during.1);
        let told = text(body, if status == 402 { "code" } else { "status" }).unwrap_or_default();
        let is_told = |moment: &Moment| match status {
            402 => moment.status == "requires_payment_method" && decline(moment) == Some(told),
            _ => told == in_our_words(&moment.status) || told.ends_with("refunded") && moment.status == "succeeded",
        };
        // An attempt that was turned away changes nothing: a payment that is under way is news of it, an earlier decline is none.
        let mut since: Vec<&&Moment> = meanwhile(&own, |moment| moment.at_ms, during).collect();
        if status == 402 && since.iter().any(|moment| moment.at_ms >= during.0) {
            since.retain(|moment| moment.at_ms >= during.0);
        }
        if !since.into_iter().any(|moment| is_told(moment)) {
            self.violations.push(format!("W2: {} was answered {status} {told}, which it was not", name(asked)));
        }
    }

    /// Takes note of whoever asks for a cancel and hears that it comes too late, or hears nothing and has to ask again.
    fn who_cancels(&mut self, asked: &Asked, response: &Response, during: (i64, i64)) {
        let Some(id) = asked.path.strip_prefix("/payments/").and_then(|path| path.strip_suffix("/cancel")) else {
            return;
        };
        let hears = match response {
            Response::Answer { status: 409, body, .. } => text(body, "code") == Some("payment_already_succeeded"),
            Response::Answer { status, .. } => *status >= 500 || *status == 429,
            Response::Died => true,
        };
        if hears {
            self.too_late.entry(id.to_owned()).or_default().push(during);
        }
    }

    /// Whether somebody was asking for a cancel of this payment at this time, and has heard, or will have to ask, what became of
    /// it. The vendor's clock shows whole seconds, and ours may be wrong.
    pub(crate) fn hears_of_charge(&self, payment_id: &str, charged_ms: i64, wrong_by_ms: i64) -> bool {
        let requests = self.too_late.get(payment_id).map(Vec::as_slice).unwrap_or_default();
        requests.iter().any(|(from_ms, to_ms)| {
            (from_ms - VENDOR_SECOND_MS - wrong_by_ms..=to_ms + wrong_by_ms).contains(&charged_ms)
        })
    }

    /// Requests whose latest answer is that they are under way, and not that a person has to look.
    pub fn open(&self) -> Vec<Asked> {
        let waits_for_a_person = |body: &Value| text(body, "status") == Some("manual");
        self.waiting.iter().filter(|(_, body)| !waits_for_a_person(body)).map(|(asked, _)| asked.clone()).collect()
    }

    /// Takes note of whoever is still told to wait when everything is at rest.
    pub(crate) fn at_rest(&mut self) {
        for asked in self.open() {
            self.violations.push(format!("W1: {} is answered 202 though nothing is under way", name(&asked)));
        }
    }
}

impl Asked {
    /// What a request asks.
    pub(crate) fn of(request: &http::Request<lambda_http::Body>, path: &str) -> Self {
        let body = match request.body() {
            lambda_http::Body::Text(text) if !text.is_empty() => Some(text.clone()),
            lambda_http::Body::Binary(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        };
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
        Self { method: request.method().to_string(), path: path.to_owned(), key, body }
    }
}

/// A create that is to charge at once.
fn charges_at_once(asked: &Asked) -> bool {
    let body = asked.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
    asked.path == "/payments" && body.is_some_and(|body| body["confirm"] == true)
}

/// A refused customer stands in the way of a payment, and leaves nothing of it.
fn foreign(asked: &Asked, code: &str) -> bool {
    code == "customer_refused" && asked.path != "/customers"
}

/// What held at some moment between two times: what held at the first, and what came until the second.
fn meanwhile<'a, T>(
    all: &'a [T],
    at_ms: impl Fn(&T) -> i64 + 'a,
    (from_ms, to_ms): (i64, i64),
) -> impl Iterator<Item = &'a T> {
    let before = all.iter().take_while(|one| at_ms(one) <= from_ms).count().saturating_sub(1);
    // Of several of one millisecond each may be what was seen.
    let first = all.get(before).map_or(from_ms, &at_ms);
    let start = all.iter().position(|one| at_ms(one) >= first).unwrap_or(before);
    let end = all.iter().take_while(|one| at_ms(one) <= to_ms).count();
    all.get(start..end.max(start)).unwrap_or_default().iter()
}

/// The status as the API shows it, from the stored item.
fn shown_status(payment: &Value) -> String {
    let status = text(payment, "status").unwrap_or_default();
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let (back, amount) = (number(&payment["amount_refunded"]), number(&payment["amount"]["value"]));
    match status {
        "succeeded" if back >= amount => "refunded".to_owned(),
        "succeeded" if back > 0 => "partially_refunded".to_owned(),
        status => status.to_owned(),
    }
}

fn in_our_words(status: &str) -> &str {
    match status {
        "requires_confirmation" => "requires_payment_method",
        other => other,
    }
}

/// The last decline at the vendor by our code of it.
fn decline(moment: &Moment) -> Option<&'static str> {
    let (code, decline_code) = moment.error.as_ref()?;
    let either = |wanted: &str| code == wanted || decline_code == wanted;
    Some(match () {
        () if either("insufficient_funds") => "insufficient_funds",
        () if either("expired_card") => "expired_card",
        () if either("incorrect_cvc") || either("invalid_cvc") => "incorrect_cvc",
        () if either("processing_error") || either("try_again_later") => "processing_error",
        () if either("payment_intent_authentication_failure") || either("authentication_required") => {
            "authentication_required"
        }
        () => "card_declined",
    })
}

fn name(asked: &Asked) -> String {
    format!("{} {} {}", asked.method, asked.path, asked.key.as_deref().unwrap_or("-"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use sandbox::RecordedCall;
    use sandbox::stripe::Moment;

    use super::{Asked, There, Told};
    use crate::universe::Response;

    const REFUNDS: &str = "/payments/pay_1/refunds";

    fn heard(path: &str, answers: &[(u16, &str, (i64, i64))]) -> usize {
        let key = Some("k-1".to_owned());
        let asked = Asked { method: "POST".to_owned(), path: path.to_owned(), key, body: None };
        let mut told = Told::default();
        for (status, word, during) in answers {
            let body = json!({ "refund_id": "ref_1", "payment_id": "pay_1", "status": word });
            told.hear(&asked, &answer(*status, body), *during, &There::default());
        }
        told.at_rest();
        told.violations.len()
    }

    fn answer(status: u16, body: Value) -> Response {
        Response::Answer { status, body, replayed: false, media_type: "application/json".to_owned() }
    }

    #[test]
    fn who_asked_before_the_other_was_answered_may_be_told_to_wait_and_who_asks_afterwards_may_not() {
        let (done, waits) = ((201, "succeeded", (100, 200)), |during| (202, "processing", during));
        let in_the_end = (201, "succeeded", (300, 400));
        assert_eq!(heard(REFUNDS, &[done, waits((150, 250)), in_the_end]), 0);
        assert_eq!(heard(REFUNDS, &[done, waits((200, 250)), in_the_end]), 1);
    }

    /// What a confirm with this card is told, that was asked for at 100, sent at 150 and answered at 200, of a payment that stood so
    /// and since then.
    fn confirmed(status: u16, word: &str, stood: &[(i64, &str, Option<&str>)]) -> usize {
        let moment = |(at_ms, status, declined): &(i64, &str, Option<&str>)| Moment {
            at_ms: *at_ms,
            payment_intent: "pi_1".to_owned(),
            status: (*status).to_owned(),
            error: declined.map(|code| (code.to_owned(), String::new())),
        };
        let moments: Vec<Moment> = stood.iter().map(moment).collect();
        let body = Some(r#"{"payment_method":"pm_1"}"#.to_owned());
        let path = "/payments/pay_1/confirm".to_owned();
        let asked = Asked { method: "POST".to_owned(), path, key: None, body };
        let calls = [RecordedCall {
            vendor: sandbox::Vendor::Stripe,
            operation: "confirm",
            at_ms: 150,
            method: http::Method::POST,
            path_and_query: "/v1/payment_intents/pi_1/confirm".to_owned(),
            headers: http::HeaderMap::new(),
            body: "payment_method=pm_1".into(),
            status: Some(200),
        }];
        let mut told = Told::default();
        told.vendor_ids.insert("pay_1".to_owned(), "pi_1".to_owned());
        let said = if status == 402 {
            json!({ "payment_id": "pay_1", "code": word })
        } else {
            json!({ "payment_id": "pay_1", "status": word })
        };
        told.hear(&asked, &answer(status, said), (100, 200), &There { moments: &moments, calls: &calls });
        told.violations.len()
    }

    #[test]
    fn a_confirm_is_told_how_its_own_attempt_went_and_not_how_the_payment_stood_before() {
        let before = (50, "requires_action", None);
        let declined = (50, "requires_payment_method", Some("expired_card"));
        for (status, word, earlier, its_own) in [
            (200, "requires_action", before, (150, "processing", None)),
            (402, "expired_card", declined, (150, "requires_payment_method", Some("insufficient_funds"))),
        ] {
            assert_eq!(confirmed(status, word, &[earlier, its_own]), 1, "{status}");
        }
        assert_eq!(confirmed(200, "processing", &[before, (150, "processing", None)]), 0);
        assert_eq!(confirmed(200, "processing", &[before, (150, "processing", None), (180, "succeeded", None)]), 0);
        // It was turned away, because of how the payment stands.
        assert_eq!(confirmed(200, "requires_action", &[before]), 0);
        assert_eq!(confirmed(200, "requires_action", &[before, (180, "succeeded", None)]), 0);
        assert_eq!(
            confirmed(
                402,
                "insufficient_funds",
                &[declined, (150, "requires_payment_method", Some("insufficient_funds"))]
            ),
            0
        );
    }

    #[test]
    fn nobody_is_told_to_wait_for_what_is_over_nor_for_ever() {
        let in_the_end = (201, "succeeded", (300, 400));
        assert_eq!(heard(REFUNDS, &[(202, "deferred", (100, 200)), in_the_end]), 0);
        assert_eq!(heard(REFUNDS, &[(202, "succeeded", (100, 200)), in_the_end]), 1);
        assert_eq!(heard(REFUNDS, &[(202, "processing", (100, 200))]), 1);
        assert_eq!(heard("/messages", &[(202, "queued", (100, 200))]), 0);
    }
}
