//! One parcel: its weight and its size.

use serde::{Deserialize, Serialize};

/// One parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Grams, from 1 to [`Parcel::WEIGHT_MAX_G`].
    pub weight_g: u32,
    /// Its size, when the shop knows it; carriers then charge by volume where that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
}

/// A parcel's size in millimetres, each from 1 to [`Parcel::LENGTH_MAX_MM`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// The longest side.
    pub length_mm: u32,
    /// Across.
    pub width_mm: u32,
    /// Up.
    pub height_mm: u32,
}

impl Parcel {
    /// 70 kg: the heaviest parcel that all three carriers take in their parcel services (UPS and DHL 70 kg, FedEx 68 kg;
    /// FedEx refuses the rest itself).
    pub const WEIGHT_MAX_G: u32 = 70_000;
    /// 300 cm: the longest side that any of them takes (DHL; UPS and FedEx 274 cm).
    pub const LENGTH_MAX_MM: u32 = 3_000;
}

/// Grams in a pound and in an ounce (international avoirdupois, exact to the milligram).
const MG_PER_LB: u64 = 453_592;
const MG_PER_OZ: u64 = 28_350;
/// Micrometres in an inch, exact.
const UM_PER_INCH: u64 = 25_400;

/// A weight of so many thousandths of a unit in grams, rounded up. `None` for a unit that is not `g`, `kg`, `lb` or `oz`.
pub fn grams(thousandths: u64, unit: &str) -> Option<u64> {
    Some(micrograms(thousandths, unit)?.div_ceil(1_000_000))
}

/// The same rounded down, but not to nothing: what one of the goods in a parcel weighs. Many of them, rounded up one by
/// one, would be heavier than the parcel that they are in.
pub fn net_grams(thousandths: u64, unit: &str) -> Option<u64> {
    let micrograms = micrograms(thousandths, unit)?;
    Some(if micrograms == 0 { 0 } else { (micrograms / 1_000_000).max(1) })
}

fn micrograms(thousandths: u64, unit: &str) -> Option<u64> {
    let mg_per_unit = match unit {
        "g" => 1_000,
        "kg" => 1_000_000,
        "lb" => MG_PER_LB,
        "oz" => MG_PER_OZ,
        _ => return None,
    };
    Some(thousandths.saturating_mul(mg_per_unit))
}

/// A length of so many thousandths of a unit in millimetres, rounded up. `None` for a unit that is not `mm`, `cm` or `in`.
pub fn millimetres(thousandths: u64, unit: &str) -> Option<u64> {
    let um_per_unit = match unit {
        "mm" => 1_000,
        "cm" => 10_000,
        "in" => UM_PER_INCH,
        _ => return None,
    };
    Some(thousandths.saturating_mul(um_per_unit).div_ceil(1_000_000))
}

/// Grams as pounds in tenths, rounded up: what FedEx and UPS count in where the shipper is in the United States.
pub fn tenths_of_pounds(grams: u32) -> u64 {
    (u64::from(grams) * 10_000).div_ceil(MG_PER_LB)
}

/// Millimetres as whole inches, rounded up.
pub fn inches(millimetres: u32) -> u64 {
    (u64::from(millimetres) * 1_000).div_ceil(UM_PER_INCH)
}

/// Millimetres as whole centimetres, rounded up.
pub fn centimetres(millimetres: u32) -> u64 {
    u64::from(millimetres).div_ceil(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_or_length_is_rounded_up_never_down() {
        assert_eq!(grams(1_000, "lb"), Some(454));
        assert_eq!(grams(2_500, "kg"), Some(2_500));
        assert_eq!(grams(1, "oz"), Some(1));
        assert_eq!(millimetres(10_000, "in"), Some(254));
        assert_eq!(millimetres(12_340, "cm"), Some(124));
        assert_eq!((grams(1, "stone"), millimetres(1, "yd")), (None, None));
    }

    #[test]
    fn ten_ounces_of_goods_fit_a_parcel_of_ten_ounces() {
        let (parcel, one) = (grams(10_000, "oz"), net_grams(1_000, "oz"));
        assert_eq!((parcel, one), (Some(284), Some(28)));
        assert_eq!((net_grams(1, "g"), net_grams(0, "g"), net_grams(1, "stone")), (Some(1), Some(0), None));
    }

    #[test]
    fn what_a_carrier_is_told_is_never_less_than_what_was_measured() {
        assert_eq!(tenths_of_pounds(454), 11);
        assert_eq!(tenths_of_pounds(1), 1);
        assert_eq!((inches(254), inches(255)), (10, 11));
        assert_eq!((centimetres(100), centimetres(101)), (10, 11));
    }
}
