//! What a storefront is told.

use crossdock::aws::Write;
use crossdock::domain::Timestamp;
use crossdock::domain::payment::{DeclineCode, PaymentStatus};
use crossdock::effects::intake::Request;
use crossdock::effects::payment::Payment;
use crossdock::effects::{Intent, Phase, Reason, Subject, Verdict, Worked};
use crossdock::error::{Error, Result};
use crossdock::guard::{Guard, holds};
use crossdock::lambda::http::Answer;
use serde_json::Value;

/// The answer to a create that was carried out, and that was to charge at once or not.
pub(crate) fn to_create(worked: Worked, charged_at_once: bool) -> Result<Answer> {
    match worked {
        Worked::Settled(Subject::Payment(payment), Verdict::Done) => declined_or(201, &payment),
        Worked::Settled(Subject::Payment(payment), Verdict::Refused { reason }) => Err(refused(&payment, &reason)),
        Worked::Settled(_, Verdict::NotDone { reason: Reason::VendorCredentials, .. }) => {
            Err(Error::misconfigured("vendor_credentials", "the payment provider does not accept our key"))
        }
        // The outcome of the call is open; an event may have told of it meanwhile. That there is a payment says nothing of
        // its charge.
        Worked::Settled(Subject::Payment(payment), _)
            if payment.vendor_at.is_some() && !(charged_at_once && is_untried(&payment)) =>
        {
            declined_or(201, &payment)
        }
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
        // It is refused because of how the payment stands: that is the answer.
        (Subject::Payment(payment), Verdict::Refused { reason }) => match payment.status {
            PaymentStatus::Succeeded | PaymentStatus::Processing => Ok(Answer::new(200, payment.view(true))),
            PaymentStatus::Canceled => Err(refused(&payment, &Reason::Canceled)),
            _ => Err(refused(&payment, reason)),
        },
        (Subject::Payment(payment), _) => Ok(Answer::new(202, payment.view(true))),
        _ => Err(Error::bug("answer", "a confirm is about a payment")),
    }
}

/// The answer to a confirm that was asked for before, and at which there is nothing to do.
pub(crate) fn to_repeated_confirm(payment: &Payment, confirm: &Intent) -> Result<Answer> {
    match (confirm.phase, payment.status) {
        (Phase::Done, _) | (Phase::Refused, PaymentStatus::Succeeded | PaymentStatus::Processing) => {
            declined_or(200, payment)
        }
        (Phase::Refused, PaymentStatus::Canceled) => Err(refused(payment, &Reason::Canceled)),
        (Phase::Refused, _) => Err(refused(payment, confirm.refusal.as_ref().unwrap_or(&Reason::VendorRefused))),
        _ => Ok(Answer::new(202, payment.view(true))),
    }
}

/// A payment whose cancel is not done: as it is, or, where the provider does not cancel it, with a person.
pub(crate) fn to_be_canceled(payment: &Payment, cancel: &Worked) -> Value {
    let mut view = payment.view(false);
    let waits_for_a_person = match cancel {
        Worked::Settled(_, verdict) => matches!(verdict, Verdict::GivenUp { .. }),
        Worked::Nothing(intent) => intent.phase == Phase::Manual,
        Worked::Missing | Worked::Fenced => false,
    };
    if waits_for_a_person {
        view["status"] = Value::from(PaymentStatus::Manual.as_str());
        if let Some(view) = view.as_object_mut() {
            view.remove("next_action");
            view.remove("user_message");
        }
    }
    view
}

/// The payment as it is, for a repeat of the create that made it and whose first answer is not kept: not given yet, or a
/// day ago. It is of the class of the first answer: only a create that charged at once can have been declined.
pub(crate) fn as_it_is(payment: &Payment, refusal: Option<&Reason>, charged_at_once: bool) -> Result<Answer> {
    let is_open = matches!(payment.status, PaymentStatus::Deferred | PaymentStatus::Manual)
        || (payment.status == PaymentStatus::Processing && payment.vendor_at.is_none());
    let exists = payment.vendor_id.is_some();
    match payment.status {
        _ if is_open => Ok(Answer::new(202, payment.view(true))),
        // That there is a payment says nothing of its charge.
        _ if charged_at_once && is_untried(payment) => Ok(Answer::new(202, payment.view(true))),
        _ if !holds(Guard::FinalAnswer) => Ok(Answer::new(201, payment.view(true))),
        PaymentStatus::Canceled if !exists => Err(refused(payment, &Reason::Canceled)),
        PaymentStatus::Failed => Err(refused(payment, refusal.unwrap_or(&Reason::VendorRefused))),
        // Nobody can pay with its secret any more.
        PaymentStatus::Canceled => Ok(Answer::new(201, payment.view(false))),
        _ if charged_at_once => declined_or(201, payment),
        _ => Ok(Answer::new(201, payment.view(true))),
    }
}

/// The final answer to keep for repeats, refusals and declines too; none while the outcome is open.
pub(crate) fn stored(subject: &Subject, verdict: &Verdict, route: &str, now: Timestamp) -> Result<Option<Write>> {
    let Subject::Payment(payment) = subject else { return Ok(None) };
    let answer = match verdict {
        Verdict::Done => declined_or(201, payment),
        Verdict::Refused { reason } => Err(refused(payment, reason)),
        _ => return Ok(None),
    };
    if answer.is_err() && !holds(Guard::FinalAnswer) {
        return Ok(None);
    }
    kept(&answer).map(|answer| Request::payment_answered(route, payment, answer, now)).transpose()
}

/// An answer as it is kept for repeats; none that is not final.
pub(crate) fn kept(answer: &Result<Answer>) -> Option<(u16, Value)> {
    let answer = match answer {
        Ok(answer) if answer.status == 202 => return None,
        Ok(answer) => answer.clone(),
        Err(error) if error.is_rejected() => Answer::problem(error),
        Err(_) => return None,
    };
    Some((answer.status, answer.body))
}

/// Nobody has told of an attempt to charge it.
fn is_untried(payment: &Payment) -> bool {
    payment.status == PaymentStatus::RequiresPaymentMethod && payment.decline.is_none()
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

/// The refusal that a payment ended with.
fn refused(payment: &Payment, reason: &Reason) -> Error {
    match reason {
        Reason::Canceled => Error::rejected(409, "payment_canceled", "The payment was canceled."),
        Reason::CardDeclined => Error::rejected(402, "card_declined", "The payment was declined.")
            .with("user_message", DeclineCode::CardDeclined.user_message()),
        Reason::PaymentMethodUnusable => {
            Error::rejected(422, "payment_method_unusable", "This payment method cannot be used here.")
        }
        Reason::CustomerRefused => {
            Error::rejected(422, "customer_refused", "The payment provider does not accept this customer.")
        }
        _ => Error::rejected(422, "payment_refused", "The payment provider does not accept this request."),
    }
    .with("payment_id", payment.payment_id.as_str())
}
