//! What a storefront is told.

use crossdock::aws::Write;
use crossdock::domain::Timestamp;
use crossdock::domain::payment::{DeclineCode, PaymentStatus};
use crossdock::effects::intake::Request;
use crossdock::effects::payment::Payment;
use crossdock::effects::{Subject, Verdict, Worked};
use crossdock::error::{Error, Result};
use crossdock::lambda::http::Answer;
use serde_json::Value;

/// The answer to a create that was carried out.
pub(crate) fn to_create(worked: Worked) -> Result<Answer> {
    match worked {
        Worked::Settled(Subject::Payment(payment), Verdict::Done) => declined_or(201, &payment),
        Worked::Settled(Subject::Payment(payment), Verdict::Refused { code }) => Err(refused(&payment, code)),
        Worked::Settled(_, Verdict::NotDone { code: "vendor_credentials", .. }) => {
            Err(Error::misconfigured("vendor_credentials", "the payment provider does not accept our key"))
        }
        // The outcome of the call is open; an event may have told of it meanwhile.
        Worked::Settled(Subject::Payment(payment), _) if payment.vendor_at.is_some() => declined_or(201, &payment),
        Worked::Settled(Subject::Payment(payment), _) => Ok(Answer::new(202, payment.view(true))),
        Worked::Fenced | Worked::Nothing(_) | Worked::Missing | Worked::Settled(..) => {
            Err(Error::uncertain("outcome_unknown", "somebody else settles this payment"))
        }
    }
}

/// The answer to a confirm that was carried out.
pub(crate) fn to_confirm(subject: Subject, verdict: &Verdict) -> Result<Answer> {
    match (subject, verdict) {
        (Subject::Payment(payment), Verdict::Done) => declined_or(200, &payment),
        (Subject::Payment(payment), Verdict::Refused { code }) => match payment.status {
            PaymentStatus::Succeeded => Ok(Answer::new(200, payment.view(true))),
            _ => Err(refused(&payment, code)),
        },
        (Subject::Payment(payment), _) => Ok(Answer::new(202, payment.view(true))),
        _ => Err(Error::bug("answer", "a confirm is about a payment")),
    }
}

/// The payment as it is, for a repeat whose first request is not answered yet.
pub(crate) fn as_it_is(payment: &Payment) -> Answer {
    let pending = matches!(payment.status, PaymentStatus::Deferred | PaymentStatus::Manual)
        || (payment.status == PaymentStatus::Processing && payment.vendor_at.is_none());
    Answer::new(if pending { 202 } else { 201 }, payment.view(true))
}

/// The final answer to keep for repeats; none while the outcome is open.
pub(crate) fn stored(subject: &Subject, verdict: &Verdict, route: &str, now: Timestamp) -> Result<Option<Write>> {
    let (Subject::Payment(payment), Verdict::Done) = (subject, verdict) else { return Ok(None) };
    match declined_or(201, payment) {
        Ok(answer) => {
            let (key, hash) = (&payment.request_key, &payment.request_hash);
            let answer = (answer.status, answer.body);
            Request::answered(route, key, hash, payment.payment_id.as_str(), answer, now).map(Some)
        }
        // A decline is not kept: the payment itself tells of it, and a repeat shows how it stands by then.
        Err(_) => Ok(None),
    }
}

fn declined_or(status: u16, payment: &Payment) -> Result<Answer> {
    match (payment.status, payment.decline) {
        (PaymentStatus::RequiresPaymentMethod, Some(decline)) => {
            let mut error = Error::rejected(402, decline.as_str(), "The payment was declined.")
                .with("payment_id", payment.payment_id.as_str())
                .with("user_message", decline.user_message());
            if let Some(secret) = &payment.client_secret {
                error = error.with("client_secret", Value::String(secret.expose().clone()));
            }
            Err(error)
        }
        _ => Ok(Answer::new(status, payment.view(true))),
    }
}

fn refused(payment: &Payment, code: &'static str) -> Error {
    match code {
        "canceled" => Error::rejected(409, "payment_canceled", "The payment was canceled."),
        "card_declined" => Error::rejected(402, "card_declined", "The payment was declined.")
            .with("user_message", DeclineCode::CardDeclined.user_message()),
        "payment_method_unusable" => {
            Error::rejected(422, "payment_method_unusable", "This payment method cannot be used here.")
        }
        _ => Error::rejected(422, "payment_refused", "The payment provider does not accept this request."),
    }
    .with("payment_id", payment.payment_id.as_str())
}
