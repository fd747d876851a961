//! `POST /payments/{payment_id}/refunds`.

use super::{Findings, Object, RawMoney, json};
use crate::domain::Money;
use crate::domain::refund::RefundReason;
use crate::error::Result;

/// A refund, checked.
#[derive(Clone, Copy, Debug)]
pub struct CreateRefund {
    /// How much; none: what is left.
    pub amount: Option<Money>,
    /// Why the money goes back.
    pub reason: Option<RefundReason>,
}

#[derive(serde::Deserialize)]
struct RawRefund {
    amount: Option<Object<RawMoney>>,
    reason: Option<String>,
}

impl CreateRefund {
    /// Reads and checks a request body.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw: RawRefund = json(body)?;
        let mut bad = Findings::default();
        let amount = raw.amount.and_then(|Object(amount)| bad.money("amount", &amount));
        let reason = raw.reason.as_deref().and_then(RefundReason::parse);
        bad.unless(
            raw.reason.is_none() || reason.is_some(),
            "reason",
            "must be duplicate, fraudulent or requested_by_customer",
        );
        bad.into_result()?;
        Ok(Self { amount, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_without_an_amount_is_one_of_what_is_left() {
        let all = CreateRefund::parse(b"{}").expect("valid");
        assert!(all.amount.is_none() && all.reason.is_none());
    }

    #[test]
    fn a_refund_of_nothing_or_for_an_unknown_reason_is_refused_by_name() {
        let body = br#"{"amount": {"value": 0, "currency": "EUR"}, "reason": "because"}"#;
        let fields: Vec<_> = CreateRefund::parse(body).expect_err("refused").fields;
        let named: Vec<_> = fields.iter().map(|wrong| wrong.field.as_str()).collect();
        assert_eq!(named, ["amount.value", "reason"]);
    }
}
