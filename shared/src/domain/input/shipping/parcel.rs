//! Weights and sizes. A price and a label hang on them, so they are read from their digits and never become floats.

use serde_json::value::RawValue;

use crate::domain::input::{Findings, Object};
use crate::domain::shipping::{Consignment, Dimensions, Parcel, parcel};

/// Decimals of a weight or length: a gram in kilograms, a thousandth of an inch.
const DECIMALS_MAX: usize = 3;

#[derive(serde::Deserialize)]
pub(super) struct RawParcel {
    weight: Object<RawWeight>,
    dimensions: Option<Object<RawDimensions>>,
}

#[derive(serde::Deserialize)]
pub(super) struct RawWeight {
    value: Box<RawValue>,
    unit: String,
}

#[derive(serde::Deserialize)]
struct RawDimensions {
    length: Box<RawValue>,
    width: Box<RawValue>,
    height: Box<RawValue>,
    unit: String,
}

/// All parcels of a consignment.
pub(super) fn parcels(raw: Vec<Object<RawParcel>>, bad: &mut Findings) -> Option<Vec<Parcel>> {
    at_most(Consignment::PARCELS_MAX, raw, bad)
}

/// So many parcels, and at least one; `None` when one of them is bad.
pub(super) fn at_most(most: usize, raw: Vec<Object<RawParcel>>, bad: &mut Findings) -> Option<Vec<Parcel>> {
    bad.unless((1..=most).contains(&raw.len()), "packages", &format!("must be 1 to {most} packages"));
    // What is beyond is refused anyway, and would only make the answer long.
    let each = raw.into_iter().take(most).enumerate();
    let checked: Vec<_> = each.map(|(n, Object(parcel))| parcel.checked(&format!("packages[{n}]."), bad)).collect();
    checked.into_iter().collect()
}

impl RawParcel {
    fn checked(self, path: &str, bad: &mut Findings) -> Option<Parcel> {
        let weight_mg = self.weight.0.milligrams(&format!("{path}weight"), bad);
        let dimensions = self.dimensions.map(|Object(size)| size.checked(&format!("{path}dimensions"), bad));
        Parcel::of_mg(weight_mg?, dimensions.map_or(Some(None), |size| size.map(Some))?)
    }
}

impl RawWeight {
    /// The weight, at most that of the heaviest parcel.
    pub(super) fn milligrams(&self, field: &str, bad: &mut Findings) -> Option<u64> {
        let is_known = parcel::milligrams(0, &self.unit).is_some();
        bad.unless(is_known, &format!("{field}.unit"), "must be g, kg, lb or oz");
        let value = bad.thousandths(&format!("{field}.value"), &self.value)?;
        let weight_mg = parcel::milligrams(value, &self.unit)?;
        let fits = weight_mg <= u64::from(Parcel::WEIGHT_MAX_G) * 1_000;
        bad.unless(fits, &format!("{field}.value"), "must be at most 70 kg");
        fits.then_some(weight_mg)
    }
}

impl RawDimensions {
    /// The size, its longest side first.
    fn checked(&self, field: &str, bad: &mut Findings) -> Option<Dimensions> {
        let is_known = parcel::micrometres(0, &self.unit).is_some();
        bad.unless(is_known, &format!("{field}.unit"), "must be mm, cm or in");
        let mut side = |name: &str, value: &RawValue| {
            let field = format!("{field}.{name}");
            let length_um = parcel::micrometres(bad.thousandths(&field, value)?, &self.unit)?;
            let fits = length_um <= u64::from(Parcel::LENGTH_MAX_MM) * 1_000;
            bad.unless(fits, &field, "must be at most 300 cm");
            fits.then_some(length_um)
        };
        let sides = [side("length", &self.length), side("width", &self.width), side("height", &self.height)];
        Dimensions::of_um([sides[0]?, sides[1]?, sides[2]?])
    }
}

impl Findings {
    /// A number above 0, in thousandths.
    fn thousandths(&mut self, field: &str, number: &RawValue) -> Option<u64> {
        let value = thousandths(number.get()).filter(|value| *value > 0);
        self.unless(value.is_some(), field, "must be a number above 0 with at most three decimals and no exponent");
        value
    }
}

/// The thousandths that a JSON number without sign and exponent stands for; too many for the type are the most it has.
fn thousandths(number: &str) -> Option<u64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(decimals) {
        return None;
    }
    let decimals = decimals.trim_end_matches('0');
    let padded = format!("{decimals:0<DECIMALS_MAX$}");
    let fraction = (padded.len() == DECIMALS_MAX).then(|| padded.parse::<u64>().ok())??;
    Some(whole.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1_000).saturating_add(fraction))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::QuoteRates;
    use super::super::bodies::{NOW, named, quote, quoted, with};
    use super::*;

    #[test]
    fn a_number_is_read_from_its_digits() {
        for (text, value) in
            [("2.5", 2_500), ("2.50", 2_500), ("2.5000", 2_500), ("0.001", 1), ("70", 70_000), ("0.1", 100), ("0", 0)]
        {
            assert_eq!(thousandths(text), Some(value), "{text}");
        }
        assert_eq!(thousandths("99999999999999999999999"), Some(u64::MAX));
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e2", "1E2", "0.0001", "1.2.3", "\"1\"", "null", "1 "] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }

    #[test]
    fn a_weight_is_a_number_above_zero_with_at_most_three_decimals_and_not_above_70_kg() {
        let value = |text: &str| {
            let body = quote().to_string().replace("2.5", text);
            named(QuoteRates::parse(body.as_bytes(), NOW))
        };
        for good in ["70", "0.001", "2.50", "69.999"] {
            assert_eq!(value(good), [""; 0], "{good}");
        }
        for bad in ["0", "0.0", "-1", "0.0001", "1e1", "70.001", "70001", "1e999", "\"1\"", "null", "[]", "{}"] {
            assert_eq!(value(bad), ["packages[0].weight.value"], "{bad}");
        }
        let named = with(quoted, quote(), "/packages/0/weight/unit", json!("stone"));
        assert_eq!(named, ["packages[0].weight.unit"]);
        let named = with(quoted, quote(), "/packages/0/weight", json!({"unit": "kg"}));
        assert_eq!(named, ["packages[0].weight.value"]);
    }

    #[test]
    fn a_size_has_three_sides_above_zero_and_none_longer_than_three_metres() {
        let size = |value: Value| with(quoted, quote(), "/packages/0/dimensions", value);
        let all_bad = json!({"length": 0, "width": -1, "height": 300.1, "unit": "cm"});
        let sides = ["length", "width", "height"].map(|side| format!("packages[0].dimensions.{side}"));
        assert_eq!(size(all_bad), sides);
        let unit = json!({"length": 1, "width": 1, "height": 1, "unit": "feet"});
        assert_eq!(size(unit), ["packages[0].dimensions.unit"]);
        assert_eq!(size(json!({"length": 1, "width": 1, "unit": "cm"})), ["packages[0].dimensions.height"]);
        let mut body = quote();
        body["packages"][0]["dimensions"] = json!({"length": 10, "width": 300, "height": 20.55, "unit": "cm"});
        let size = quoted(&body).expect("valid").consignment.parcels[0].dimensions;
        assert_eq!(size, Dimensions::of_um([100_000, 205_500, 3_000_000]));
        let size = size.expect("a size");
        assert_eq!((size.length_mm, size.width_mm, size.height_mm), (3_000, 206, 100), "longest side first");
    }

    #[test]
    fn a_consignment_has_one_to_twenty_packages_and_each_bad_one_is_named() {
        let (good, bad) =
            (json!({"weight": {"value": 1, "unit": "kg"}}), json!({"weight": {"value": 0, "unit": "kg"}}));
        assert_eq!(with(quoted, quote(), "/packages", json!([])), ["packages"]);
        assert_eq!(with(quoted, quote(), "/packages", json!(vec![good.clone(); 20])), [""; 0]);
        assert_eq!(with(quoted, quote(), "/packages", json!(vec![good.clone(); 21])), ["packages"]);
        let named = with(quoted, quote(), "/packages", json!([bad, good, bad]));
        assert_eq!(named, ["packages[0].weight.value", "packages[2].weight.value"]);
        assert_eq!(with(quoted, quote(), "/packages", json!(vec![bad; 5_000])).len(), 21);
    }
}
