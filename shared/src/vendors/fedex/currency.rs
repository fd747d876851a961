//! FedEx has codes of its own for some currencies, from before it had this API, and may answer with them; the carriers of
//! Magento and Odoo for the same API know them. None is a code of ISO 4217 today, so each can mean one currency only. What we send is
//! ISO 4217.

use crate::domain::Money;
use crate::vendors::lenient;

/// FedEx's code, and the one of ISO 4217.
const OWN_CODES: [(&str, &str); 16] = [
    ("ARN", "ARS"),
    ("CHP", "CLP"),
    ("CID", "KYD"),
    ("DHS", "AED"),
    ("ECD", "XCD"),
    ("JAD", "JMD"),
    ("JYE", "JPY"),
    ("KUD", "KWD"),
    ("NMP", "MXN"),
    ("NTD", "TWD"),
    ("RDD", "DOP"),
    ("SFR", "CHF"),
    ("SID", "SGD"),
    ("UKL", "GBP"),
    ("UYP", "UYU"),
    ("WON", "KRW"),
];

/// A price as FedEx writes it; `None` for what is none, as in [`lenient::price`].
pub(super) fn price(decimal: &str, code: &str) -> Option<Money> {
    let own = OWN_CODES.iter().find(|(own, _)| *own == code.trim());
    lenient::price(decimal, own.map_or(code, |(_, iso)| iso))
}

#[cfg(test)]
mod tests {
    use super::{OWN_CODES, price};
    use crate::domain::money::Currency;

    #[test]
    fn a_price_in_a_code_of_fedex_own_is_that_currency_s() {
        let shown = |decimal, code| price(decimal, code).map(|money| money.to_string());
        for (own, iso) in [("UKL", "12.50 GBP"), ("SFR", "12.50 CHF"), ("GBP", "12.50 GBP"), ("USD", "12.50 USD")] {
            assert_eq!(shown("12.5", own).as_deref(), Some(iso), "{own}");
        }
        assert_eq!(shown("1250", "JYE").as_deref(), Some("1250 JPY"), "a currency without minor units");
        assert_eq!(shown("12.5", "XYZ"), None);
    }

    #[test]
    fn no_code_of_fedex_own_is_another_currency_s() {
        for (own, iso) in OWN_CODES {
            assert!(Currency::parse(own).is_none() && Currency::parse(iso).is_some(), "{own} {iso}");
        }
    }
}
