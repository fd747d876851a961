//! What an answer to a call means for the work list.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::classify::is_replay;
use super::customer::is_missing;
use super::wire::{Customer, ErrorResponse, Object, PaymentIntent, Refund};
use crate::domain::Timestamp;
use crate::domain::payment::PaymentStatus;
use crate::effects::intent::Kind;
use crate::effects::observation::Observation;
use crate::effects::{Outcome, Reason, Verdict};
use crate::gateway::{Class, Reply, said_at};
use crate::world::HttpResponse;

/// After an unknown outcome, how soon the same key is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// What is true after this reply to a call of this kind.
pub(super) fn outcome(kind: Kind, reply: &Reply, now: Timestamp) -> Outcome {
    if let Some(turned_away) = Outcome::turned_away(reply) {
        return turned_away;
    }
    let unknown = |ask_the_list| Outcome::of(Verdict::Unknown { look_at: now.plus(ASK_AGAIN), ask_the_list });
    match (reply.class, &reply.response) {
        (Class::Done, Some(response)) => object(kind, response, now).map_or_else(|| unknown(false), Outcome::done),
        (Class::Refused, Some(response)) => refused(kind, response, now),
        // A stored 500 stays one under this key; only the objects can tell.
        (Class::Unknown, Some(response)) => unknown(is_replay(response.headers()) || response.status() == 400),
        _ => unknown(false),
    }
}

/// The object that an answer to a call of this kind holds.
fn object(kind: Kind, response: &HttpResponse, now: Timestamp) -> Option<Observation> {
    match kind {
        Kind::RefundCreate => parse::<Refund>(response).map(|object| said(object, response, now)),
        Kind::CustomerCreate => parse::<Customer>(response).map(|object| said(object, response, now)),
        _ => parse::<PaymentIntent>(response).map(|object| said(object, response, now)),
    }
}

/// The observation in an answer: as of the answer's Date, or, when it repeats an earlier one, of the creation.
fn said(object: impl Object, response: &HttpResponse, now: Timestamp) -> Observation {
    let at = if is_replay(response.headers()) { object.created() } else { said_at(response, now) };
    object.observation(at)
}

/// A refusal. One that holds an object is news of the object: a declined create has made one.
fn refused(kind: Kind, response: &HttpResponse, now: Timestamp) -> Outcome {
    let error = parse::<ErrorResponse>(response).map(|answer| answer.error);
    let declined = response.status() == 402;
    if kind == Kind::PaymentCreate && error.as_ref().is_some_and(is_missing) {
        // Refused before it was carried out. It is not sent again as it is: another customer comes first.
        return Outcome::not_done(Reason::CustomerMissing, Some(ASK_AGAIN), true);
    }
    let about_the_method = error.as_ref().and_then(|error| error.param.as_deref()) == Some("payment_method");
    let object = error.and_then(|error| error.payment_intent);
    let status = object.as_ref().map(|object| object.status());
    let observed = object.map(|object| said(*object, response, now));
    let verdict = match (kind, declined, observed.is_some()) {
        (Kind::PaymentCancel, ..) => not_canceled(status),
        // The call did its work: the attempt was made, and declined.
        (Kind::PaymentCreate | Kind::PaymentConfirm, true, true) => Verdict::Done,
        (Kind::PaymentCreate | Kind::PaymentConfirm, true, false) => Verdict::Refused { reason: Reason::CardDeclined },
        (Kind::PaymentCreate | Kind::PaymentConfirm, false, _) if about_the_method => {
            Verdict::Refused { reason: Reason::PaymentMethodUnusable }
        }
        (Kind::RefundCreate, _, _) => Verdict::Refused { reason: Reason::RefundRefused },
        _ => Verdict::Refused { reason: Reason::VendorRefused },
    };
    Outcome { verdict, observed }
}

/// What it means for a cancel that it was refused, or never happened, while the payment stands like this.
pub(super) fn not_canceled(status: Option<PaymentStatus>) -> Verdict {
    match status {
        Some(PaymentStatus::Canceled) => Verdict::Done,
        Some(PaymentStatus::Succeeded) => Verdict::Refused { reason: Reason::PaymentAlreadySucceeded },
        // The bank is at it ("in rare cases" Stripe cancels that, too), or somebody was faster: it is open, so later it may be
        // possible. Stripe keeps this refusal under the key.
        Some(_) => Verdict::NotDone { reason: Reason::TooEarly, after: None, answered: true },
        None => Verdict::GivenUp { reason: Reason::CancelRefused },
    }
}

/// What becomes of a confirm that nobody wants any more, of a payment that stands like this.
pub(super) const fn called_off(status: PaymentStatus) -> Verdict {
    match status {
        PaymentStatus::Succeeded | PaymentStatus::Processing => Verdict::Done,
        _ => Verdict::Refused { reason: Reason::Canceled },
    }
}

/// Reads an answer's body; `None`, and a line in the log, when it has another shape.
pub(super) fn parse<T: DeserializeOwned>(response: &HttpResponse) -> Option<T> {
    serde_json::from_slice(response.body())
        .inspect_err(|e| {
            tracing::error!(line = e.line(), column = e.column(), "an answer of Stripe's has an unknown shape");
        })
        .ok()
}
