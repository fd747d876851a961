//! What all of UPS's requests have in common: parties, parcels, units. Everything is text, numbers included.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::domain::Money;
use crate::domain::shipping::parcel::{centimetres, inches, tenths_of_kilograms, tenths_of_pounds};
use crate::domain::shipping::territory::{CANARIES, CEUTA, MELILLA};
use crate::domain::shipping::{Address, Consignment, Incoterm, Parcel, Party, Territory};
use crate::vendors::lenient::{self, cut, decimal};

/// The version of rating, shipping and pickup that the specifications describe.
pub(super) const VERSION: &str = "v2409";

/// Codes of UPS's own, by area and by code of ISO 3166-1. (UPS's list of countries and territories; magento/magento2 pull
/// request 20222 and OCA/delivery-carrier pull request 1211 for the Spanish ones.)
const OWN_AREAS: [(&str, &str); 3] = [(CANARIES, "IC"), (CEUTA, "XC"), (MELILLA, "XL")];
const OWN_CODES: [(&str, &str); 2] = [("MF", "SX"), ("SJ", "NO")];

/// Countries with North American telephone numbers, which UPS wants without their +1.
const NANP: [&str; 4] = ["US", "PR", "CA", "VI"];
/// Characters of fields, by the specifications.
pub(super) const CITY_CHARS: usize = 30;
pub(super) const LINE_CHARS: usize = 35;
const NAME_CHARS: usize = 35;
const EMAIL_CHARS: usize = 50;
const POSTAL_CHARS: usize = 9;
const PHONE_DIGITS: usize = 15;

/// What a service is called; UPS gives codes only. (UPS Rating API, appendix "Service Codes".)
pub(super) fn service_name(code: &str, is_us_origin: bool) -> Option<&'static str> {
    Some(match (code, is_us_origin) {
        ("01", _) => "UPS Next Day Air",
        ("02", _) => "UPS 2nd Day Air",
        ("03", _) => "UPS Ground",
        ("07", true) => "UPS Worldwide Express",
        ("07", false) => "UPS Express",
        ("08", true) => "UPS Worldwide Expedited",
        ("08", false) => "UPS Expedited",
        ("11", _) => "UPS Standard",
        ("12", _) => "UPS 3 Day Select",
        ("13", _) => "UPS Next Day Air Saver",
        ("14", _) => "UPS Next Day Air Early",
        ("17", _) => "UPS Worldwide Economy DDU",
        ("54", true) => "UPS Worldwide Express Plus",
        ("54", false) => "UPS Express Plus",
        ("59", _) => "UPS 2nd Day Air A.M.",
        ("65", true) => "UPS Worldwide Saver",
        ("65", false) => "UPS Express Saver",
        ("70", _) => "UPS Access Point Economy",
        ("72", _) => "UPS Worldwide Economy DDP",
        ("74", _) => "UPS Express 12:00",
        ("82", _) => "UPS Today Standard",
        _ => return None,
    })
}

/// UPS's code of the country.
pub(super) fn country_code(address: &Address) -> &str {
    let place = Territory::of(address);
    let own = |codes: &[(&str, &'static str)], name: &str| {
        codes.iter().find(|(area, _)| *area == name).map(|(_, code)| *code)
    };
    own(&OWN_AREAS, place.area).or_else(|| own(&OWN_CODES, place.code)).unwrap_or(place.code)
}

/// Shippers in the United States are asked for pounds and inches, all others for kilograms and centimetres.
pub(super) fn is_imperial(address: &Address) -> bool {
    matches!(Territory::of(address).code, "US" | "PR")
}

/// A parcel's weight. Weights are given in tenths.
pub(super) fn weight(mg: u64, imperial: bool) -> Value {
    let (code, name, tenths) =
        if imperial { ("LBS", "Pounds", tenths_of_pounds(mg)) } else { ("KGS", "Kilograms", tenths_of_kilograms(mg)) };
    json!({ "UnitOfMeasurement": { "Code": code, "Description": name }, "Weight": decimal(tenths, 1) })
}

/// A parcel's size, where it is known.
pub(super) fn dimensions(parcel: &Parcel, imperial: bool) -> Option<Value> {
    let size = parcel.dimensions?;
    let (code, name) = if imperial { ("IN", "Inches") } else { ("CM", "Centimeters") };
    let rounded = |um: u64| if imperial { inches(um) } else { centimetres(um) }.to_string();
    let [length, width, height] = size.sides_um().map(rounded);
    Some(json!({
        "UnitOfMeasurement": { "Code": code, "Description": name },
        "Length": length,
        "Width": width,
        "Height": height,
    }))
}

/// An address. `state_chars`: how long a state's code may be there. A quote may have no city.
pub(super) fn address(address: &Address, state_chars: usize) -> Value {
    let lines: Vec<&str> = address.street_lines.iter().map(|line| line.expose().as_str()).collect();
    json!({
        "AddressLine": lines,
        "City": Some(cut(address.city.expose(), CITY_CHARS)).filter(|city| !city.is_empty()),
        "StateProvinceCode": address.state.as_deref().filter(|state| state.len() <= state_chars),
        "PostalCode": postal_code(address, POSTAL_CHARS),
        "CountryCode": country_code(address),
    })
}

/// The recipient's address, which says besides whether somebody lives there.
pub(super) fn destination(to: &Address, state_chars: usize) -> Value {
    let mut out = address(to, state_chars);
    if to.residential == Some(true) {
        out["ResidentialAddressIndicator"] = json!("Y");
    }
    out
}

/// A postal code of at most so many characters: the separators of long ones are left out, and where that is not enough
/// the United States' extension.
pub(super) fn postal_code(address: &Address, chars: usize) -> Option<String> {
    let code = address.postal_code.as_ref()?.expose().trim();
    if code.is_empty() {
        return None;
    }
    if code.chars().count() <= chars {
        return Some(code.to_owned());
    }
    let plain: String = code.chars().filter(|c| c.is_alphanumeric()).collect();
    let chars = if plain.chars().count() > chars && is_imperial(address) { 5 } else { chars };
    Some(cut(&plain, chars))
}

/// Who sends or gets it, for a label.
pub(super) fn party(party: &Party) -> Value {
    let email = party.email.as_ref().map(|email| email.expose().as_str());
    json!({
        "Name": company_or_name(party, NAME_CHARS),
        "AttentionName": cut(party.name.expose(), NAME_CHARS),
        "Phone": phone(party).map(|number| json!({ "Number": number })),
        "EMailAddress": email.filter(|email| email.chars().count() <= EMAIL_CHARS),
    })
}

/// The company's name, or the person's where there is none.
pub(super) fn company_or_name(party: &Party, chars: usize) -> String {
    cut(party.company.as_ref().unwrap_or(&party.name).expose(), chars)
}

/// A telephone number as UPS wants it: digits only, and those of North America without their country code.
pub(super) fn phone(party: &Party) -> Option<String> {
    let digits: String = party.phone.as_ref()?.expose().chars().filter(char::is_ascii_digit).collect();
    let national = NANP.contains(&Territory::of(&party.address).code) && digits.len() == 11;
    let digits = digits.strip_prefix('1').filter(|_| national).unwrap_or(&digits);
    (!digits.is_empty()).then(|| cut(digits, PHONE_DIGITS))
}

/// The value of the goods in whole units of the currency, rounded up: the field takes no decimals.
pub(super) fn invoice_total(consignment: &Consignment) -> Option<Value> {
    let total = consignment.customs.as_ref()?.total()?;
    let unit = 10_u64.checked_pow(total.currency.exponent().into())?;
    let whole = u64::try_from(total.value).ok()?.div_ceil(unit).max(1);
    Some(json!({ "CurrencyCode": total.currency.code(), "MonetaryValue": whole.to_string() }))
}

/// What our account pays: the carrying, and the duties where the shipper pays them.
pub(super) fn charges(consignment: &Consignment, account: &str) -> Vec<Value> {
    let bill = |kind| json!({ "Type": kind, "BillShipper": { "AccountNumber": account } });
    let pays_duties = consignment.customs.as_ref().is_some_and(|customs| customs.incoterm == Incoterm::Ddp);
    [Some(bill("01")), pays_duties.then(|| bill("02"))].into_iter().flatten().collect()
}

/// The same value without the fields that are null: what is not known is not sent.
pub(super) fn sparse(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let known = fields.into_iter().filter(|(_, value)| !value.is_null());
            known.map(|(name, value)| (name, sparse(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(elements) => elements.into_iter().map(sparse).collect(),
        other => other,
    }
}

/// An amount in an answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Charge {
    #[serde(default, deserialize_with = "lenient::text")]
    currency_code: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    monetary_value: Option<String>,
}

impl Charge {
    pub(super) fn money(&self) -> Option<Money> {
        lenient::price(self.monetary_value.as_deref()?, self.currency_code.as_deref()?)
    }
}

/// A code with its description.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Coded {
    #[serde(default, deserialize_with = "lenient::text")]
    pub(super) code: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::shipping::Dimensions;

    fn address_in(country: &str, postal: &str) -> Address {
        Address {
            street_lines: vec!["10 Main St".to_owned().into()],
            city: "A city whose name is longer than thirty characters".to_owned().into(),
            state: Some("NSW".to_owned()),
            postal_code: Some(postal.to_owned().into()),
            country: country.to_owned(),
            residential: Some(true),
        }
    }

    #[test]
    fn weights_and_sizes_are_rounded_up_in_the_shippers_units() {
        let parcel = Parcel::of_mg(454_000, Dimensions::of_um([255_000, 254_000, 1_000])).expect("a parcel");
        assert_eq!(weight(454_000, true)["Weight"], "1.1");
        assert_eq!(weight(453_592, true)["Weight"], "1.0");
        assert_eq!(weight(454_000, false)["Weight"], "0.5");
        assert_eq!(weight(u64::from(Parcel::WEIGHT_MAX_G) * 1_000, true)["Weight"], "154.4");
        let imperial = dimensions(&parcel, true).expect("a size");
        assert_eq!(
            (&imperial["Length"], &imperial["Width"], &imperial["Height"]),
            (&json!("11"), &json!("10"), &json!("1"))
        );
        assert_eq!(dimensions(&parcel, false).expect("a size")["Length"], "26");
    }

    #[test]
    fn an_address_fits_the_fields_that_it_is_put_into() {
        let there = destination(&address_in("AU", "2000"), 2);
        assert_eq!(there["StateProvinceCode"], Value::Null);
        assert_eq!(there["City"], "A city whose name is longer th");
        assert_eq!(there["ResidentialAddressIndicator"], "Y");
        for (country, postal, chars, expected) in [
            ("US", "21093-1234", 9, "210931234"),
            ("US", "21093-1234", 8, "21093"),
            ("US", "21093", 8, "21093"),
            ("BR", "01310-100", 8, "01310100"),
            ("GB", "SW1A 1AA", 9, "SW1A 1AA"),
        ] {
            assert_eq!(
                postal_code(&address_in(country, postal), chars).as_deref(),
                Some(expected),
                "{country} {postal}"
            );
        }
    }

    #[test]
    fn a_telephone_number_is_digits_and_a_north_american_one_has_ten() {
        let caller = |country: &str, phone: &str| Party {
            name: "Ada".to_owned().into(),
            company: None,
            phone: Some(phone.to_owned().into()),
            email: None,
            address: address_in(country, "1"),
        };
        assert_eq!(phone(&caller("US", "+14105550123")).as_deref(), Some("4105550123"));
        assert_eq!(phone(&caller("DE", "+4930123456")).as_deref(), Some("4930123456"));
        assert_eq!(phone(&caller("DE", "+")), None);
    }

    #[test]
    fn what_is_not_known_is_not_sent() {
        assert_eq!(sparse(json!({ "a": null, "b": [{ "c": null, "d": "" }] })), json!({ "b": [{ "d": "" }] }));
    }
}
