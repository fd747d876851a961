//! What the customs of two countries want to know of a parcel.

use serde::{Deserialize, Serialize};

use crate::domain::Money;

/// Who pays duties and taxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Incoterm {
    /// The recipient (delivered at place).
    Dap,
    /// The shipper (delivered duty paid).
    Ddp,
}

/// The declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customs {
    /// What is inside, at least one and at most [`Customs::ITEMS_MAX`]; all values in one currency.
    pub items: Vec<CustomsItem>,
    /// Who pays duties and taxes.
    pub incoterm: Incoterm,
    /// The invoice's number; the order's id where the shop gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
}

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomsItem {
    /// What it is, 3 to 70 characters, for a customs officer.
    pub description: String,
    /// How many, from 1.
    pub quantity: u32,
    /// What one is worth.
    pub unit_value: Money,
    /// What one weighs, in grams.
    pub unit_weight_g: u32,
    /// Where it was made: ISO 3166-1 alpha-2.
    pub origin_country: String,
    /// Harmonized System code, 6 to 12 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hs_code: Option<String>,
}

/// The customs union of the European Union: its members, and Monaco by its treaty with France. (Regulation (EU) No
/// 952/2013, article 4. Islands that stand outside of it, such as the Canaries, have their country's code and are not
/// told apart.)
const EU_CUSTOMS: [&str; 28] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MC", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];
/// The customs territory of the United States: the states and Puerto Rico (19 CFR 101.1).
const US_CUSTOMS: [&str; 2] = ["US", "PR"];

/// Whether goods go from one country to the other without a declaration.
pub fn is_one_customs_area(from: &str, to: &str) -> bool {
    let both_in = |area: &[&str]| area.contains(&from) && area.contains(&to);
    from == to || both_in(&EU_CUSTOMS) || both_in(&US_CUSTOMS)
}

impl Customs {
    /// Lines of one declaration: UPS prints 50, FedEx and DHL more.
    pub const ITEMS_MAX: usize = 50;

    /// What everything is worth; `None` without a line or when it is more than fits.
    pub fn total(&self) -> Option<Money> {
        let currency = self.items.first()?.unit_value.currency;
        let line = |item: &CustomsItem| item.unit_value.value.checked_mul(i64::from(item.quantity));
        let value = self.items.iter().try_fold(0_i64, |sum, item| sum.checked_add(line(item)?))?;
        Some(Money { value, currency })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_needed_where_goods_leave_their_customs_area() {
        for (from, to) in [("DE", "DE"), ("DE", "FR"), ("FR", "MC"), ("US", "PR"), ("CH", "CH")] {
            assert!(is_one_customs_area(from, to) && is_one_customs_area(to, from), "{from} {to}");
        }
        for (from, to) in [("DE", "CH"), ("DE", "GB"), ("DE", "NO"), ("US", "CA"), ("US", "DE"), ("US", "VI")] {
            assert!(!is_one_customs_area(from, to) && !is_one_customs_area(to, from), "{from} {to}");
        }
    }
}
