//! What an order costs, and in what: currencies of all kinds, from the smallest amount to the largest.

use serde_json::{Value, json};

/// An amount in the currency's smallest unit, and the step that its parts keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Basket {
    value: i64,
    currency: &'static str,
    step: i64,
}

/// The usual price several times; without decimals, with three, which Stripe wants in tens; the smallest and the largest
/// that Stripe takes in euros and rupiah (docs.stripe.com/currencies).
const BASKETS: [Basket; 10] = [
    Basket { value: 1_099, currency: "EUR", step: 1 },
    Basket { value: 1_099, currency: "EUR", step: 1 },
    Basket { value: 1_099, currency: "EUR", step: 1 },
    Basket { value: 50, currency: "EUR", step: 1 },
    Basket { value: 99_999_999, currency: "EUR", step: 1 },
    Basket { value: 2_599, currency: "USD", step: 1 },
    Basket { value: 1_500, currency: "JPY", step: 1 },
    Basket { value: 12_340, currency: "KWD", step: 10 },
    Basket { value: 15_000_000, currency: "IDR", step: 1 },
    Basket { value: 999_999_999_999, currency: "IDR", step: 1 },
];

impl Basket {
    /// What one order costs.
    pub(super) fn of(rng: &mut fastrand::Rng) -> Self {
        BASKETS[rng.usize(0..BASKETS.len())]
    }

    /// All of it, as the API takes it.
    pub(super) fn amount(self) -> Value {
        self.worth(self.value)
    }

    /// A little less.
    pub(super) fn cheaper(self) -> Value {
        self.worth(self.value - self.step)
    }

    /// A part of it, in hundredths.
    pub(super) fn part(self, percent: i64) -> i64 {
        self.value * percent / 100 / self.step * self.step
    }

    /// So much in its currency.
    pub(super) fn worth(self, value: i64) -> Value {
        json!({ "value": value, "currency": self.currency })
    }
}
