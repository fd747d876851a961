//! One parcel: its weight and its size.

use serde::{Deserialize, Serialize};

/// One parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Grams, rounded up, from 1 to [`Parcel::WEIGHT_MAX_G`].
    pub weight_g: u32,
    /// Milligrams, where the weight is not a whole number of grams. Carriers are told what [`Parcel::weight_mg`] makes of
    /// it, so that nothing is rounded twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_mg: Option<u32>,
    /// Its size, when the shop knows it; carriers then charge by volume where that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Dimensions>,
}

/// A parcel's size in millimetres, rounded up, each from 1 to [`Parcel::LENGTH_MAX_MM`]; and in micrometres, where a side
/// is not a whole number of millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// The longest side.
    pub length_mm: u32,
    /// Across.
    pub width_mm: u32,
    /// Up.
    pub height_mm: u32,
    /// The longest side, exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length_um: Option<u32>,
    /// Across, exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width_um: Option<u32>,
    /// Up, exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_um: Option<u32>,
}

impl Dimensions {
    /// A size of these sides in micrometres, the longest first; `None` for a side that is longer than any can be.
    pub fn of_um(mut sides: [u64; 3]) -> Option<Self> {
        sides.sort_unstable();
        let side = |um: u64| {
            let (um, mm) = (u32::try_from(um).ok()?, u32::try_from(um.div_ceil(1_000)).ok()?);
            Some((mm, Some(um).filter(|um| um % 1_000 != 0)))
        };
        let [(height_mm, height_um), (width_mm, width_um), (length_mm, length_um)] =
            [side(sides[0])?, side(sides[1])?, side(sides[2])?];
        Some(Self { length_mm, width_mm, height_mm, length_um, width_um, height_um })
    }

    /// The sides in micrometres, the longest first.
    pub fn sides_um(&self) -> [u64; 3] {
        let side = |um: Option<u32>, mm: u32| um.map_or(u64::from(mm) * 1_000, u64::from);
        [side(self.length_um, self.length_mm), side(self.width_um, self.width_mm), side(self.height_um, self.height_mm)]
    }
}

impl Parcel {
    /// A parcel of this weight in milligrams; `None` for one that is heavier than any can be.
    pub fn of_mg(mg: u64, dimensions: Option<Dimensions>) -> Option<Self> {
        let (weight_mg, weight_g) = (u32::try_from(mg).ok()?, u32::try_from(mg.div_ceil(1_000)).ok()?);
        Some(Self { weight_g, weight_mg: Some(weight_mg).filter(|mg| mg % 1_000 != 0), dimensions })
    }

    /// The weight in milligrams.
    pub fn weight_mg(&self) -> u64 {
        self.weight_mg.map_or(u64::from(self.weight_g) * 1_000, u64::from)
    }

    /// 70 kg: the heaviest parcel that all three carriers take in their parcel services (UPS and DHL 70 kg, FedEx 68 kg;
    /// FedEx refuses the rest itself).
    pub const WEIGHT_MAX_G: u32 = 70_000;
    /// 300 cm: the longest side that any of them takes (DHL; UPS and FedEx 274 cm).
    pub const LENGTH_MAX_MM: u32 = 3_000;
}

/// Nanograms in a pound and in an ounce (international avoirdupois, exact).
const NG_PER_LB: u64 = 453_592_370_000;
const NG_PER_OZ: u64 = 28_349_523_125;
/// Nanograms in a gram and in a kilogram.
const NG_PER_G: u64 = 1_000_000_000;
const NG_PER_KG: u64 = 1_000 * NG_PER_G;
/// Micrometres in an inch, exact.
const UM_PER_INCH: u64 = 25_400;

/// A weight of so many thousandths of a unit in milligrams. What is less than one is left out, but never all of it:
/// rounding up is the carrier's adapter's, once, and a pound is less than 453,593 mg. `None` for a unit that is not `g`,
/// `kg`, `lb` or `oz`.
pub fn milligrams(thousandths: u64, unit: &str) -> Option<u64> {
    let ng_per_unit = match unit {
        "g" => NG_PER_G,
        "kg" => NG_PER_KG,
        "lb" => NG_PER_LB,
        "oz" => NG_PER_OZ,
        _ => return None,
    };
    Some(whole(thousandths, ng_per_unit, 1_000_000_000))
}

/// A length of so many thousandths of a unit in micrometres, as [`milligrams`] does it. `None` for a unit that is not
/// `mm`, `cm` or `in`.
pub fn micrometres(thousandths: u64, unit: &str) -> Option<u64> {
    let um_per_unit = match unit {
        "mm" => 1_000,
        "cm" => 10_000,
        "in" => UM_PER_INCH,
        _ => return None,
    };
    Some(whole(thousandths, um_per_unit, 1_000))
}

/// The whole part of a product's part; of something at least 1, and never too much for the type.
fn whole(thousandths: u64, per_unit: u64, part: u64) -> u64 {
    let exact = u128::from(thousandths) * u128::from(per_unit) / u128::from(part);
    u64::try_from(exact).unwrap_or(u64::MAX).max(u64::from(thousandths > 0))
}

/// Milligrams as pounds in tenths, rounded up: what FedEx and UPS count in where the shipper is in the United States.
pub fn tenths_of_pounds(mg: u64) -> u64 {
    let tenths = (u128::from(mg) * 10_000_000).div_ceil(u128::from(NG_PER_LB));
    u64::try_from(tenths).unwrap_or(u64::MAX)
}

/// Milligrams as kilograms in tenths, rounded up.
pub const fn tenths_of_kilograms(mg: u64) -> u64 {
    mg.div_ceil(100_000)
}

/// Micrometres as whole inches, rounded up.
pub const fn inches(um: u64) -> u64 {
    um.div_ceil(UM_PER_INCH)
}

/// Micrometres as whole centimetres, rounded up.
pub const fn centimetres(um: u64) -> u64 {
    um.div_ceil(10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(thousandths: u64, unit: &str) -> Parcel {
        Parcel::of_mg(milligrams(thousandths, unit).expect("a unit"), None).expect("a parcel")
    }

    #[test]
    fn what_is_kept_in_grams_and_millimetres_is_rounded_up_never_down() {
        for (thousandths, unit, grams) in [(1_000, "lb", 454), (2_500, "kg", 2_500), (1, "oz", 1), (1, "g", 1)] {
            assert_eq!(parcel(thousandths, unit).weight_g, grams, "{thousandths} {unit}");
        }
        let size =
            |sides: [u64; 3], unit| Dimensions::of_um(sides.map(|side| micrometres(side, unit).expect("a unit")));
        let inches = size([10_000, 12_000, 1], "in").expect("a size");
        assert_eq!((inches.length_mm, inches.width_mm, inches.height_mm), (305, 254, 1), "longest side first");
        assert_eq!(inches.sides_um(), [304_800, 254_000, 25]);
        assert_eq!(size([12_340, 1_000, 1_000], "cm").map(|size| size.length_mm), Some(124));
        assert_eq!((milligrams(1, "stone"), micrometres(1, "yd")), (None, None));
        assert_eq!((milligrams(0, "lb"), milligrams(u64::MAX, "kg")), (Some(0), Some(u64::MAX)));
    }

    #[test]
    fn ten_ounces_of_goods_fit_a_parcel_of_ten_ounces() {
        let (all, one) = (milligrams(10_000, "oz"), milligrams(1_000, "oz"));
        assert!(one.map(|one| one * 10) <= all);
        assert_eq!(milligrams(1, "g"), Some(1));
    }

    #[test]
    fn whole_pounds_ounces_and_inches_come_out_as_they_went_in() {
        for pounds in 1..=154 {
            assert_eq!(tenths_of_pounds(parcel(pounds * 1_000, "lb").weight_mg()), pounds * 10, "{pounds} lb");
        }
        for tenths in 1..=1_543 {
            assert_eq!(tenths_of_pounds(parcel(tenths * 100, "lb").weight_mg()), tenths, "{tenths} tenths of a pound");
        }
        for ounces in 1..=2_469_u64 {
            let tenths = (ounces * 10).div_ceil(16);
            assert_eq!(tenths_of_pounds(parcel(ounces * 1_000, "oz").weight_mg()), tenths, "{ounces} oz");
        }
        for length in 1..=118 {
            assert_eq!(micrometres(length * 1_000, "in").map(inches), Some(length), "{length} in");
        }
    }

    #[test]
    fn every_step_of_the_metric_units_comes_out_as_it_went_in() {
        for tenths in 1..=700 {
            assert_eq!(tenths_of_kilograms(parcel(tenths * 100, "kg").weight_mg()), tenths, "{tenths} hg");
            assert_eq!(tenths_of_kilograms(parcel(tenths * 100_000, "g").weight_mg()), tenths, "{tenths} hg");
        }
        for length in 1..=300 {
            assert_eq!(micrometres(length * 1_000, "cm").map(centimetres), Some(length), "{length} cm");
            assert_eq!(micrometres(length * 10_000, "mm").map(centimetres), Some(length), "{length} cm");
        }
    }

    #[test]
    fn a_carrier_is_told_the_next_step_up_and_no_further() {
        assert_eq!((tenths_of_pounds(1), tenths_of_pounds(45_359), tenths_of_pounds(45_360)), (1, 1, 2));
        assert_eq!((tenths_of_kilograms(1), tenths_of_kilograms(100_000), tenths_of_kilograms(100_001)), (1, 1, 2));
        assert_eq!((inches(25_400), inches(25_401)), (1, 2));
        assert_eq!((centimetres(10_000), centimetres(10_001)), (1, 2));
    }

    #[test]
    fn what_was_stored_before_milligrams_were_kept_is_whole_grams() {
        let stored = r#"{"weight_g":454,"dimensions":{"length_mm":305,"width_mm":2,"height_mm":1}}"#;
        let parcel: Parcel = serde_json::from_str(stored).expect("a parcel");
        assert_eq!(parcel.weight_mg(), 454_000);
        assert_eq!(parcel.dimensions.map(|size| size.sides_um()), Some([305_000, 2_000, 1_000]));
        assert_eq!(serde_json::to_string(&parcel).expect("JSON"), stored, "and an older version reads what is written");
    }
}
