//! The currencies that Stripe charges in: how they are counted, the limits of an amount, and exchange.

use super::failure::Failure;

/// The largest amount, in the smallest unit: eight digits.
const AMOUNT_MAX: u64 = 99_999_999;
/// The same of IDR: twelve digits (docs.stripe.com/currencies).
const AMOUNT_MAX_OF_IDR: u64 = 999_999_999_999;

/// The currencies that Stripe charges in.
const CURRENCIES: &str = "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd \
    cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf \
    idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr \
    mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp \
    sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw";

/// Counted in whole units. Stripe counts ISK and UGX in hundredths although they have none.
const NO_DECIMALS: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";

/// Counted in thousandths.
const THREE_DECIMALS: &str = "bhd jod kwd omr tnd";

/// The smallest amounts that Stripe charges, in the smallest unit. Currencies that are not listed have none here.
const AMOUNT_MIN: [(&str, u64); 10] = [
    ("usd", 50),
    ("eur", 50),
    ("chf", 50),
    ("cad", 50),
    ("aud", 50),
    ("jpy", 50),
    ("gbp", 30),
    ("dkk", 250),
    ("nok", 300),
    ("sek", 300),
];

/// The amount must be a multiple: three-decimal currencies end in 0, and two are counted in hundredths that do not exist.
const AMOUNT_STEP: [(&str, u64); 7] =
    [("bhd", 10), ("jod", 10), ("kwd", 10), ("omr", 10), ("tnd", 10), ("isk", 100), ("ugx", 100)];

/// What one unit is worth, in millionths of a euro. Made up once and for good; what is not listed is worth a euro.
const WORTH: [(&str, u64); 22] = [
    ("aud", 570_000),
    ("bhd", 2_300_000),
    ("brl", 160_000),
    ("cad", 640_000),
    ("chf", 1_065_000),
    ("cny", 122_000),
    ("czk", 40_000),
    ("dkk", 134_000),
    ("gbp", 1_185_000),
    ("huf", 2_500),
    ("inr", 10_300),
    ("isk", 6_900),
    ("jpy", 6_100),
    ("krw", 640),
    ("kwd", 2_850_000),
    ("nok", 86_000),
    ("nzd", 525_000),
    ("pln", 234_000),
    ("sek", 91_000),
    ("tnd", 296_000),
    ("ugx", 240),
    ("usd", 875_000),
];

/// Exchange rates are kept in millionths.
pub(super) const RATE_SCALE: u64 = 1_000_000;

/// Checks an amount that is to be charged.
pub(super) fn check_charge(amount: u64, currency: &str) -> Result<(), Failure> {
    if !listed(CURRENCIES, currency) {
        let message = format!("Invalid currency: {currency}. Stripe does not support it.");
        return Err(Failure::invalid(None, Some("currency"), message));
    }
    let most = if currency == "idr" { AMOUNT_MAX_OF_IDR } else { AMOUNT_MAX };
    if amount > most {
        return Err(Failure::invalid(
            Some("amount_too_large"),
            Some("amount"),
            format!("Amount must be no more than {most}."),
        ));
    }
    if amount < value(&AMOUNT_MIN, currency, 1) {
        return invalid("amount_too_small", "Amount must convert to at least 50 cents.");
    }
    check_step(amount, currency)
}

/// Checks that an amount is no finer than the currency allows.
pub(super) fn check_step(amount: u64, currency: &str) -> Result<(), Failure> {
    if amount.is_multiple_of(value(&AMOUNT_STEP, currency, 1)) {
        return Ok(());
    }
    invalid("parameter_invalid_integer", "The amount is finer than the currency can be charged in.")
}

/// An amount in words, as error messages show it: `10.99 EUR`.
pub(super) fn in_words(amount: u64, currency: &str) -> String {
    let (unit, code) = (smallest_units(currency), currency.to_uppercase());
    match decimals(currency) {
        0 => format!("{amount} {code}"),
        digits => format!("{}.{:0digits$} {code}", amount / unit, amount % unit, digits = digits as usize),
    }
}

/// Converts an amount. The second is the rate in [`RATE_SCALE`]ths (units of `to` for one unit of `from`); none when
/// nothing is exchanged.
pub(super) fn exchange(amount: u64, from: &str, to: &str) -> (u64, Option<u64>) {
    if from == to {
        return (amount, None);
    }
    let worth = |currency: &str| if currency == "eur" { RATE_SCALE } else { value(&WORTH, currency, RATE_SCALE) };
    let rate = (worth(from) * RATE_SCALE + worth(to) / 2) / worth(to);
    let (units, divisor) = (u128::from(smallest_units(to)), u128::from(RATE_SCALE * smallest_units(from)));
    let converted = (u128::from(amount) * u128::from(rate) * units + divisor / 2) / divisor;
    (u64::try_from(converted).unwrap_or(u64::MAX), Some(rate))
}

/// How many of the smallest units make one unit.
fn smallest_units(currency: &str) -> u64 {
    10u64.pow(decimals(currency))
}

fn decimals(currency: &str) -> u32 {
    match currency {
        _ if listed(NO_DECIMALS, currency) => 0,
        _ if listed(THREE_DECIMALS, currency) => 3,
        _ => 2,
    }
}

fn listed(list: &str, currency: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == currency)
}

fn value(table: &[(&str, u64)], currency: &str, otherwise: u64) -> u64 {
    table.iter().find(|(known, _)| *known == currency).map_or(otherwise, |(_, value)| *value)
}

fn invalid(code: &'static str, message: &str) -> Result<(), Failure> {
    Err(Failure::invalid(Some(code), Some("amount"), message))
}
