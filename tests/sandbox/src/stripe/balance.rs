//! What charges and refunds do to the account's balance, in the account's own currency.

use super::State;
use super::currency::{RATE_SCALE, exchange};
use serde::Serialize;
use serde_json::{Value, json};

/// Stripe's share of a charge, in thousandths (1.5 %), and what it adds for each, in smallest units. Refunds cost
/// nothing and give no fee back.
const FEE: (u64, u64) = (15, 25);

/// How long money waits before it can be paid out, in seconds (2 days).
const AVAILABLE_AFTER_S: i64 = 2 * 86_400;

/// One movement on the account's balance. Amounts are in smallest units of `currency`; what leaves is negative.
#[derive(Clone, Debug, Serialize)]
pub struct BalanceTransaction {
    /// `txn_…`
    pub id: String,
    /// `charge`, `refund` or `refund_failure`.
    pub kind: &'static str,
    /// The charge or refund, `ch_…` or `re_…`.
    pub source: String,
    /// Before the fee.
    pub amount: i64,
    /// What Stripe keeps.
    pub fee: i64,
    /// The currency that the account is settled in.
    pub currency: String,
    /// In millionths; none when nothing was exchanged.
    pub exchange_rate_millionths: Option<u64>,
    /// Epoch seconds.
    pub created_s: i64,
}

impl BalanceTransaction {
    /// What the balance gained or lost.
    pub fn net(&self) -> i64 {
        self.amount - self.fee
    }

    /// The object as the API shows it at `now_s` (epoch seconds).
    #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^52 millionths")]
    pub fn to_json(&self, now_s: i64) -> Value {
        let rate = self.exchange_rate_millionths.map(|rate| rate as f64 / RATE_SCALE as f64);
        let description = "Stripe processing fees";
        let fee = json!({
            "amount": self.fee,
            "application": null,
            "currency": self.currency,
            "description": description,
            "type": "stripe_fee",
        });
        let available_on = self.created_s + AVAILABLE_AFTER_S;
        json!({
            "id": self.id,
            "object": "balance_transaction",
            "amount": self.amount,
            "available_on": available_on,
            "created": self.created_s,
            "currency": self.currency,
            "description": null,
            "exchange_rate": rate,
            "fee": self.fee,
            "fee_details": if self.fee == 0 { json!([]) } else { json!([fee]) },
            "net": self.net(),
            "reporting_category": self.kind,
            "source": self.source,
            "status": if now_s < available_on { "pending" } else { "available" },
            "type": self.kind,
        })
    }
}

impl State {
    /// A charge comes in: converted, less the fee. Returns the movement's id.
    pub(super) fn book_charge(&mut self, now_ms: i64, charge: &str, amount: u64, currency: &str) -> String {
        let (settled, _) = exchange(amount, currency, &self.settlement_currency);
        let (thousandths, fixed) = FEE;
        let fee = (settled * thousandths + 500) / 1000 + fixed;
        self.book(now_ms, "charge", charge, (amount, currency), 1, fee)
    }

    /// A refund goes out. Returns the movement's id.
    pub(super) fn book_refund(&mut self, now_ms: i64, refund: &str, amount: u64, currency: &str) -> String {
        self.book(now_ms, "refund", refund, (amount, currency), -1, 0)
    }

    /// A refund that failed comes back. Returns the movement's id.
    pub(super) fn book_failed_refund(&mut self, now_ms: i64, refund: &str, amount: u64, currency: &str) -> String {
        self.book(now_ms, "refund_failure", refund, (amount, currency), 1, 0)
    }

    fn book(
        &mut self,
        now_ms: i64,
        kind: &'static str,
        source: &str,
        (amount, currency): (u64, &str),
        sign: i64,
        fee: u64,
    ) -> String {
        let (settled, rate) = exchange(amount, currency, &self.settlement_currency);
        let id = format!("txn_{}", self.ids.next("txn", 24));
        self.balance_transactions.push(BalanceTransaction {
            id: id.clone(),
            kind,
            source: source.to_owned(),
            amount: sign * i64::try_from(settled).unwrap_or(i64::MAX),
            fee: i64::try_from(fee).unwrap_or(i64::MAX),
            currency: self.settlement_currency.clone(),
            exchange_rate_millionths: rate,
            created_s: now_ms / 1000,
        });
        id
    }
}
