//! Stripe's events in our words.

use super::amount::from_stripe_units;
use super::wire::{AnyObject, Customer, Event as WireEvent, Object, PaymentIntent, PreviousCustomer, Refund};
use crate::domain::{IntentId, OrderId, Timestamp};
use crate::effects::inbound::Event;
use crate::effects::intent::VENDOR_KEY_PREFIX;
use crate::effects::observation::Observation;
use crate::error::{Error, Result};

/// Reads a verified event. Types that we do not act on, and v2 thin events, are read as far as recording them needs.
///
/// # Errors
/// `unknown_message` (a bug: to the DLQ after its receives) when the envelope has no id or type, or a payment event's
/// object no payment's shape: it was signed, so either Stripe changed or we did.
pub fn read_event(body: &[u8], received_at: Timestamp) -> Result<Event> {
    let unreadable = |what: &str, e: &serde_json::Error| {
        Error::bug("unknown_message", format!("stripe {what}: line {} column {}", e.line(), e.column()))
    };
    let envelope: WireEvent<'_> = serde_json::from_slice(body).map_err(|e| unreadable("event", &e))?;
    let created = envelope.created.as_ref().and_then(serde_json::Value::as_i64);
    let occurred_at = created.map_or(received_at, Timestamp::from_seconds);
    let mut event = Event {
        event_id: envelope.id,
        kind: envelope.kind,
        occurred_at,
        stack: None,
        intent_id: None,
        order_id: None,
        vendor_id: None,
        part_of: None,
        refunded: None,
        refunded_by_us: None,
        introduces: false,
        otherwise: None,
        observed: None,
        archive_key: None,
    };
    let Some(data) = envelope.data else { return Ok(event) };
    let Some(object) = data.object else { return Ok(event) };
    // An object of a type that we do not act on may have any shape; a payment's is read strictly below.
    let about: AnyObject = serde_json::from_str(object.get()).unwrap_or_default();
    let metadata = about.metadata.unwrap_or_default();
    event.stack = metadata.crossdock_stack;
    event.intent_id = metadata.crossdock_intent.map(IntentId::from_stored);
    event.order_id = metadata.crossdock_order.as_deref().and_then(OrderId::parse);
    // A charge belongs to its payment's history; the payment's own events say what it means.
    let names_charge = event.kind.starts_with("charge.") && event.kind != "charge.refund.updated";
    let is_charge = names_charge && about.payment_intent.is_some();
    event.vendor_id = if is_charge { about.payment_intent.clone() } else { about.id };
    event.part_of = about.payment_intent.filter(|_| !is_charge);
    // Before 2024-10-28.acacia this is all that is told of a refund of a charge (docs.stripe.com/changelog/acacia/2024-10-28).
    event.refunded = about.amount_refunded.filter(|_| is_charge && event.kind == "charge.refunded");
    let is_by_us = envelope.request.as_ref().and_then(|request| request.get("idempotency_key")?.as_str());
    event.refunded_by_us = event
        .refunded
        .filter(|_| is_by_us.is_some_and(|key| key.starts_with(VENDOR_KEY_PREFIX)))
        .zip(about.currency.as_deref())
        .and_then(|(refunded, currency)| from_stripe_units(refunded, currency));
    let json = object.get();
    event.introduces = matches!(event.kind.as_str(), "payment_intent.created" | "customer.created");
    event.observed = match event.kind.as_str() {
        "payment_intent.created"
        | "payment_intent.succeeded"
        | "payment_intent.payment_failed"
        | "payment_intent.processing"
        | "payment_intent.requires_action"
        | "payment_intent.canceled" => observed::<PaymentIntent>(json, occurred_at),
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            observed::<Refund>(json, occurred_at)
        }
        "customer.created" | "customer.updated" | "customer.deleted" => observed::<Customer>(json, occurred_at),
        _ => Ok(None),
    }
    .map_err(|e| unreadable("object", &e))?;
    match &mut event.observed {
        Some(Observation::Customer(observed)) => {
            observed.is_deleted = event.kind == "customer.deleted";
            let previous = data.previous_attributes.map(|json| serde_json::from_str::<PreviousCustomer>(json.get()));
            observed.before = previous.and_then(std::result::Result::ok).map(Into::into);
        }
        // The event is of this very attempt, also where no charge names it.
        Some(Observation::Payment(observed))
            if event.kind == "payment_intent.payment_failed" && observed.attempt.is_none() =>
        {
            observed.attempt = observed.decline.map(|code| format!("{}/{}", occurred_at.seconds(), code.as_str()));
        }
        _ => {}
    }
    Ok(event)
}

/// The object as it stood when the event happened.
fn observed<T: Object>(json: &str, occurred_at: Timestamp) -> serde_json::Result<Option<Observation>> {
    serde_json::from_str::<T>(json).map(|object| Some(object.observation(occurred_at)))
}

/// The id of an event, for what is kept of it before it is understood.
pub fn event_id(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<WireEvent<'_>>(body).ok().map(|envelope| envelope.id)
}

/// The id of the payment that an event is about, for keeping events of one payment in order.
pub fn object_id(body: &[u8]) -> Option<String> {
    let envelope: WireEvent<'_> = serde_json::from_slice(body).ok()?;
    let about: AnyObject = serde_json::from_str(envelope.data?.object?.get()).ok()?;
    about.payment_intent.or(about.id)
}
