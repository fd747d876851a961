//! `POST /payments` and `POST /payments/{payment_id}/confirm`.

use std::collections::BTreeMap;

use super::customer::RawCustomer;
use super::limits::DESCRIPTION_MAX_CHARS;
use super::{CreateCustomer, Findings, Object, RawMoney, findings_incomplete, json};
use crate::domain::{Money, OrderId, Private, Provider};
use crate::error::Result;

/// `POST /payments`, checked.
#[derive(Clone, Debug)]
pub struct CreatePayment {
    /// The shop's order.
    pub order_id: OrderId,
    /// What is to be paid.
    pub amount: Money,
    /// Who takes it.
    pub provider: Provider,
    /// Who pays, and is written to.
    pub customer: CreateCustomer,
    /// Shown on the vendor's dashboard.
    pub description: Option<Private<String>>,
    /// The shop's own pairs.
    pub metadata: BTreeMap<String, String>,
    /// The vendor's id of a payment method (`pm_…`), when the storefront has one already.
    pub payment_method: Option<String>,
    /// Confirm at once.
    pub confirm: bool,
    /// The customer is not there: charge a saved payment method.
    pub off_session: bool,
    /// Keep the payment method for later, off-session payments too.
    pub save_payment_method: bool,
    /// Where the shopper comes back to after the bank's page.
    pub return_url: Option<String>,
}

/// `POST /payments/{payment_id}/confirm`, checked.
#[derive(Clone, Debug)]
pub struct ConfirmPayment {
    /// The vendor's id of a payment method (`pm_…`).
    pub payment_method: String,
    /// Where the shopper comes back to after the bank's page.
    pub return_url: Option<String>,
}

#[derive(serde::Deserialize)]
struct RawCreate {
    order_id: String,
    amount: Object<RawMoney>,
    customer: Object<RawCustomer>,
    description: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    payment_method: Option<String>,
    #[serde(default)]
    confirm: bool,
    #[serde(default)]
    off_session: bool,
    #[serde(default)]
    save_payment_method: bool,
    return_url: Option<String>,
}

#[derive(serde::Deserialize)]
struct RawConfirm {
    payment_method: String,
    return_url: Option<String>,
}

impl CreatePayment {
    /// Reads and checks a request body.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw: RawCreate = json(body)?;
        let mut bad = Findings::default();
        let order_id = OrderId::parse(&raw.order_id);
        bad.unless(order_id.is_some(), "order_id", "must be 1 to 64 characters of A-Z a-z 0-9 . _ : ~ -");
        let amount = bad.money("amount", &raw.amount.0);
        let customer = raw.customer.0.checked("customer.", &mut bad);
        bad.text_within(DESCRIPTION_MAX_CHARS, "description", raw.description.as_deref());
        bad.metadata(&raw.metadata);
        if let Some(id) = &raw.payment_method {
            bad.id("payment_method", id);
        }
        bad.unless(!raw.confirm || raw.payment_method.is_some(), "payment_method", "is required when confirm is true");
        bad.url("return_url", raw.return_url.as_deref());
        let charges_now = raw.confirm && raw.payment_method.is_some();
        bad.unless(!raw.off_session || charges_now, "off_session", "needs a payment_method and confirm");
        bad.unless(
            !(raw.off_session && raw.save_payment_method),
            "save_payment_method",
            "must be given while the customer is there, not with off_session",
        );
        bad.into_result()?;
        let (Some(order_id), Some(amount), Some(customer)) = (order_id, amount, customer) else {
            return Err(findings_incomplete());
        };
        Ok(Self {
            order_id,
            amount,
            // There is no choice yet.
            provider: Provider::default(),
            customer,
            description: raw.description.map(Private::new),
            metadata: raw.metadata,
            payment_method: raw.payment_method,
            confirm: raw.confirm,
            off_session: raw.off_session,
            save_payment_method: raw.save_payment_method,
            return_url: raw.return_url,
        })
    }
}

impl ConfirmPayment {
    /// Reads and checks a request body.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field.
    pub fn parse(body: &[u8]) -> Result<Self> {
        let raw: RawConfirm = json(body)?;
        let mut bad = Findings::default();
        bad.id("payment_method", &raw.payment_method);
        bad.url("return_url", raw.return_url.as_deref());
        bad.into_result()?;
        Ok(Self { payment_method: raw.payment_method, return_url: raw.return_url })
    }
}

#[cfg(test)]
mod tests {
    use super::super::holds_card_number;
    use super::*;
    use serde_json::{Value, json};

    fn valid() -> Value {
        json!({
            "order_id": "o-1",
            "amount": {"value": 1099, "currency": "EUR"},
            "customer": {"id": "c-1", "email": "Ada@Example.com", "name": "Ada"},
        })
    }

    fn parse(value: &Value) -> Result<CreatePayment> {
        CreatePayment::parse(value.to_string().as_bytes())
    }

    fn bad_fields(value: &Value) -> Vec<String> {
        parse(value).expect_err("refused").fields.into_iter().map(|f| f.field).collect()
    }

    fn with(path: &str, value: Value) -> Value {
        let mut body = valid();
        *body.pointer_mut(path).expect("a path") = value;
        body
    }

    #[test]
    fn a_valid_request_is_taken_and_the_address_normalised() {
        let parsed = parse(&valid()).expect("valid");
        assert_eq!(parsed.customer.email.expose(), "Ada@example.com");
        assert!(!parsed.confirm);
    }

    #[test]
    fn every_bad_field_is_named_at_once() {
        let body = json!({
            "order_id": "a b", "amount": {"value": 0, "currency": "EURO"},
            "customer": {"id": "", "email": "nobody"}, "return_url": "http://shop.example",
        });
        let expected = ["order_id", "amount.currency", "amount.value", "customer.id", "customer.email", "return_url"];
        assert_eq!(bad_fields(&body), expected);
    }

    #[test]
    fn negative_zero_too_large_fractional_and_textual_amounts_are_refused_by_name() {
        for amount in [json!(-1), json!(0), json!(100_000_000), json!(10.5), json!("1099"), json!(null)] {
            assert_eq!(bad_fields(&with("/amount/value", amount)), ["amount.value"]);
        }
    }

    #[test]
    fn the_largest_amount_is_the_currency_s_own() {
        let amount = |value: i64, currency: &str| with("/amount", json!({"value": value, "currency": currency}));
        assert!(parse(&amount(999_999_999_999, "IDR")).is_ok());
        assert!(parse(&amount(99_999_999, "KWD")).is_ok());
        for (value, currency) in [(1_000_000_000_000, "idr"), (100_000_000, "JPY"), (100_000_000, "KWD")] {
            assert_eq!(bad_fields(&amount(value, currency)), ["amount.value"], "{value} {currency}");
        }
    }

    #[test]
    fn what_the_provider_would_find_too_long_or_too_many_is_named_and_what_just_fits_is_taken() {
        let pairs = |count: usize| (0..count).map(|n| (format!("k{n}"), json!(""))).collect::<Value>();
        let cases = [
            ("customer.name", json!("ä".repeat(256)), json!("ä".repeat(257))),
            ("customer.phone", json!("1".repeat(20)), json!("1".repeat(21))),
            ("description", json!("ä".repeat(1_000)), json!("ä".repeat(1_001))),
            ("metadata", pairs(47), pairs(48)),
        ];
        for (field, fits, exceeds) in cases {
            let body = |value: Value| {
                let mut body = valid();
                let (parent, name) = field.rsplit_once('.').map_or(("", field), |(parent, name)| (parent, name));
                let place = if parent.is_empty() { &mut body } else { &mut body[parent] };
                place[name] = value;
                body
            };
            assert!(parse(&body(fits)).is_ok(), "{field}");
            assert_eq!(bad_fields(&body(exceeds)), [field]);
        }
        for (key, value, good) in [
            ("k".repeat(40), "v".repeat(500), true),
            ("k".repeat(41), String::new(), false),
            ("k".to_owned(), "v".repeat(501), false),
        ] {
            let mut body = valid();
            body["metadata"] = json!({ key.clone(): value });
            assert_eq!(parse(&body).is_ok(), good, "{key}");
        }
    }

    #[test]
    fn a_missing_field_is_named_with_its_path() {
        let mut body = valid();
        body["customer"].as_object_mut().expect("an object").remove("email");
        assert_eq!(bad_fields(&body), ["customer.email"]);
        let mut body = valid();
        body.as_object_mut().expect("an object").remove("amount");
        assert_eq!(bad_fields(&body), ["amount"]);
    }

    #[test]
    fn a_card_number_in_a_free_field_is_refused_however_it_is_written() {
        for text in ["4242424242424242", "card 4242 4242 4242 4242 thanks", "3782-822463-10005"] {
            let mut body = valid();
            body["description"] = json!(text);
            assert_eq!(bad_fields(&body), ["description"], "{text}");
        }
        assert!(!holds_card_number("order 4242424242424241 of 2026"), "fails Luhn");
        assert!(!holds_card_number("+49 170 1234567"));
    }

    #[test]
    fn nul_bytes_over_long_text_and_foreign_metadata_keys_are_refused_by_name() {
        assert_eq!(bad_fields(&with("/customer/name", json!("a\u{0}b"))), ["customer.name"]);
        assert_eq!(bad_fields(&with("/customer/name", json!("x".repeat(257)))), ["customer.name"]);
        let mut body = valid();
        body["metadata"] = json!({"crossdock_intent": "x"});
        assert_eq!(bad_fields(&body), ["metadata"]);
    }

    #[test]
    fn malformed_json_invalid_utf_8_and_deep_nesting_are_refused_without_a_panic() {
        let deep = format!("{{\"order_id\":{}", "[".repeat(10_000));
        for body in [b"{".as_slice(), b"", b"[]", b"\xff\xfe", b"null", b"{}{}", deep.as_bytes()] {
            assert!(CreatePayment::parse(body).expect_err("refused").is_rejected());
        }
    }
}
