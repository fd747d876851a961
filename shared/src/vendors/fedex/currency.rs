//! FedEx has codes of its own for some currencies, from before it had this API. What we send has them (nopSolutions/
//! nopCommerce issue 2105; Odoo's delivery_fedex and delivery_fedex_rest), what we read may. None is a code of ISO 4217
//! today, so each can mean one currency only. (FedEx Web Services Developer Guide 2014, appendix F, "Currency Codes".)

use crate::domain::Money;
use crate::domain::money::Currency;
use crate::vendors::lenient;

/// FedEx's code, and the one of ISO 4217.
const OWN_CODES: [(&str, &str); 17] = [
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
    ("RPA", "IDR"),
    ("SFR", "CHF"),
    ("SID", "SGD"),
    ("UKL", "GBP"),
    ("UYP", "UYU"),
    ("WON", "KRW"),
];

/// A currency as FedEx writes it.
pub(super) fn code(currency: Currency) -> &'static str {
    let iso = currency.code();
    OWN_CODES.iter().find(|(_, listed)| *listed == iso).map_or(iso, |(own, _)| own)
}

/// A price as FedEx writes it; `None` for what is none, as in [`lenient::price`].
pub(super) fn price(decimal: &str, code: &str) -> Option<Money> {
    let own = OWN_CODES.iter().find(|(own, _)| *own == code.trim());
    lenient::price(decimal, own.map_or(code, |(_, iso)| iso))
}

#[cfg(test)]
mod tests {
    use super::{OWN_CODES, code, price};
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

    #[test]
    fn a_currency_is_told_in_fedex_own_code_where_it_has_one() {
        for (iso, told) in
            [("GBP", "UKL"), ("CHF", "SFR"), ("IDR", "RPA"), ("EUR", "EUR"), ("USD", "USD"), ("NOK", "NOK")]
        {
            assert_eq!(Currency::parse(iso).map(code), Some(told), "{iso}");
        }
    }
}
