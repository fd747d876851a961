//! Stripe's minor units. Mostly ISO 4217's; where Stripe counts otherwise, its table decides, and what it cannot
//! represent is refused. (docs.stripe.com/currencies: zero-decimal, three-decimal and special-case currencies.)

use crate::domain::{Currency, Money};
use crate::error::{Error, Result};

/// Currencies that Stripe counts in whole units although ISO 4217 gives them decimals.
const ZERO_DECIMAL_AT_STRIPE: [&str; 1] = ["MGA"];
/// Currencies that Stripe counts in hundredths although ISO 4217 gives them none.
const TWO_DECIMAL_AT_STRIPE: [&str; 2] = ["ISK", "UGX"];

/// The amount as Stripe counts it.
///
/// # Errors
/// 422 `amount_not_representable` naming `amount.value`: thousandths that Stripe cannot charge, fractions of a
/// currency that it counts in whole units, or a number with more digits than it takes of the currency.
pub(super) fn in_stripe_units(money: Money) -> Result<i64> {
    let code = money.currency.code();
    let refuse = || {
        let mut error = Error::invalid_field("amount.value", "cannot be charged in this currency with this precision");
        error.kind = crate::error::ErrorKind::Rejected { status: 422 };
        error.code = "amount_not_representable";
        error
    };
    let exponent = money.currency.exponent();
    let amount = if ZERO_DECIMAL_AT_STRIPE.contains(&code) {
        let unit = 10i64.pow(u32::from(exponent));
        (money.value % unit == 0).then_some(money.value / unit)
    } else if TWO_DECIMAL_AT_STRIPE.contains(&code) && exponent == 0 {
        money.value.checked_mul(100)
    } else if exponent == 3 {
        // Stripe takes thousandths, but only tens of them.
        (money.value % 10 == 0).then_some(money.value)
    } else {
        Some(money.value)
    };
    amount.filter(|amount| (1..=Money::most(Some(money.currency))).contains(amount)).ok_or_else(refuse)
}

/// An amount as Stripe counts it, in ISO 4217's minor units; `None` for a currency that nobody knows, or a fraction of
/// a minor unit.
pub(super) fn from_stripe_units(amount: i64, currency: &str) -> Option<Money> {
    let currency = Currency::parse(currency)?;
    let exponent = currency.exponent();
    let value = if ZERO_DECIMAL_AT_STRIPE.contains(&currency.code()) {
        amount.checked_mul(10i64.pow(u32::from(exponent)))?
    } else if TWO_DECIMAL_AT_STRIPE.contains(&currency.code()) && exponent == 0 {
        (amount % 100 == 0).then_some(amount / 100)?
    } else {
        amount
    };
    Some(Money { value, currency })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(value: i64, code: &str) -> Option<i64> {
        in_stripe_units(Money { value, currency: Currency::parse(code).expect("a currency") }).ok()
    }

    #[test]
    fn most_currencies_are_counted_as_iso_4217_counts_them() {
        assert_eq!(units(1099, "EUR"), Some(1099));
        assert_eq!(units(1099, "JPY"), Some(1099));
    }

    #[test]
    fn where_stripe_counts_otherwise_its_own_table_decides() {
        assert_eq!(units(5, "ISK"), Some(500));
        assert_eq!(units(5, "UGX"), Some(500));
        assert_eq!(units(500, "MGA"), Some(5));
    }

    #[test]
    fn what_stripe_counts_comes_back_as_the_same_amount() {
        for (value, code) in [(1099, "EUR"), (1099, "JPY"), (5, "ISK"), (500, "MGA"), (1230, "BHD")] {
            let there = units(value, code).expect("representable");
            let back = from_stripe_units(there, &code.to_lowercase()).expect("known");
            assert_eq!((back.value, back.currency.code()), (value, code));
        }
        assert_eq!(from_stripe_units(501, "isk"), None);
    }

    #[test]
    fn an_amount_that_stripe_cannot_represent_is_refused() {
        assert_eq!(units(1230, "BHD"), Some(1230));
        assert_eq!(units(1234, "BHD"), None);
        assert_eq!(units(501, "MGA"), None);
        assert_eq!(units(99_999_999, "ISK"), None);
        assert_eq!(units(100_000_000, "EUR"), None);
        assert_eq!(units(999_999_999_999, "IDR"), Some(999_999_999_999));
        assert_eq!(units(1_000_000_000_000, "IDR"), None);
    }
}
