//! Commands: what other systems of the shop put onto the payments queue instead of calling the API.
//!
//! `{"v": 1, "id": "…", "kind": "payment.requested", "occurred_at": "…", "data": {…}}`, where `data` is the body of the
//! HTTP call of the same meaning (a refund's with its `payment_id`), and `id` its Idempotency-Key.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::PaymentId;
use super::input::{CreatePayment, CreateRefund};
use crate::error::{Error, Result};

/// The message format's version.
const VERSION: u32 = 1;
/// Longest id, in bytes: that of an Idempotency-Key.
const ID_MAX_BYTES: usize = 255;

/// A command, checked.
#[derive(Clone, Debug)]
pub struct Command {
    /// The same for every repeat of the same command.
    pub id: String,
    /// Its data as it came, to tell whether a repeat is one.
    pub data: String,
    /// What to do.
    pub order: Order,
}

/// What a command orders.
#[derive(Clone, Debug)]
pub enum Order {
    /// `payment.requested`
    Payment(CreatePayment),
    /// `refund.requested`
    Refund(PaymentId, CreateRefund),
}

#[derive(Deserialize)]
struct Wire<'a> {
    v: u32,
    id: String,
    kind: String,
    /// Not used, but a command without it is none of ours.
    #[serde(rename = "occurred_at")]
    _occurred_at: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Refunded {
    payment_id: String,
}

impl Command {
    /// Reads a command; `None` when the message is something else.
    ///
    /// # Errors
    /// `unknown_message` (a bug: the record goes to the DLQ after its receives) for an unknown version or kind;
    /// `invalid_input` naming every bad field.
    pub fn parse(body: &str) -> Result<Option<Self>> {
        let Ok(wire) = serde_json::from_str::<Wire<'_>>(body) else { return Ok(None) };
        if wire.v != VERSION {
            return Err(Error::bug("unknown_message", format!("command of version {}", wire.v)));
        }
        if wire.id.is_empty() || wire.id.len() > ID_MAX_BYTES || !wire.id.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(Error::invalid_field("id", "must be 1 to 255 printable ASCII characters"));
        }
        let data = wire.data.get();
        let order = match wire.kind.as_str() {
            "payment.requested" => Order::Payment(CreatePayment::parse(data.as_bytes())?),
            "refund.requested" => {
                let refunded: Option<Refunded> = serde_json::from_str(data).ok();
                let payment_id = refunded.and_then(|refunded| PaymentId::parse(&refunded.payment_id));
                let payment_id =
                    payment_id.ok_or_else(|| Error::invalid_field("data.payment_id", "must be a payment's id"))?;
                Order::Refund(payment_id, CreateRefund::parse(data.as_bytes())?)
            }
            _ => return Err(Error::bug("unknown_message", "a command of an unknown kind")),
        };
        Ok(Some(Self { id: wire.id, data: data.to_owned(), order }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn command(v: u32, kind: &str, data: &serde_json::Value) -> String {
        json!({"v": v, "id": "c-1", "kind": kind, "occurred_at": "2026-11-01T10:00:00Z", "data": data}).to_string()
    }

    #[test]
    fn a_nudge_is_no_command_and_a_command_of_tomorrow_is_an_error() {
        assert!(Command::parse(r#"{"v":1,"intent_id":"int_1","correlation_id":"c"}"#).expect("read").is_none());
        assert!(Command::parse(&command(2, "payment.requested", &json!({}))).is_err());
        assert!(Command::parse(&command(1, "payment.forgotten", &json!({}))).is_err());
    }

    #[test]
    fn a_refund_command_names_its_payment() {
        let id = PaymentId::from_stored("pay_36C50M6EEE39KWHNWQWYHHGDVH");
        let read = Command::parse(&command(1, "refund.requested", &json!({"payment_id": id}))).expect("read");
        assert!(matches!(read.expect("a command").order, Order::Refund(of, _) if of == id));
        assert!(Command::parse(&command(1, "refund.requested", &json!({}))).is_err());
    }
}
