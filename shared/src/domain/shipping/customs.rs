//! What the customs of two countries want to know of a parcel.

use serde::{Deserialize, Serialize};

use super::latin;
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
    /// What one weighs, in grams, rounded down, at least 1.
    pub unit_weight_g: u32,
    /// What one weighs, in milligrams, where that is not a whole number of grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_weight_mg: Option<u32>,
    /// Where it was made: ISO 3166-1 alpha-2.
    pub origin_country: String,
    /// Harmonized System code, 6 to 12 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hs_code: Option<String>,
}

impl CustomsItem {
    /// What all pieces of the line weigh, in milligrams.
    pub fn weight_mg(&self) -> u64 {
        let one = self.unit_weight_mg.map_or(u64::from(self.unit_weight_g) * 1_000, u64::from);
        one * u64::from(self.quantity)
    }

    /// The same in grams, rounded down, at least 1: many lines, rounded up one by one, would be heavier than the parcel that
    /// they are in.
    pub fn net_g(&self) -> u64 {
        (self.weight_mg() / 1_000).max(1)
    }
}

impl Customs {
    /// The same as a carrier prints it; `None` where a text is of another script.
    pub fn printed(&self) -> Option<Self> {
        let item = |item: &CustomsItem| {
            let description = latin::printed(&item.description, Self::DESCRIPTION_MAX_CHARS)?;
            Some(CustomsItem { description, ..item.clone() })
        };
        Some(Self { items: self.items.iter().map(item).collect::<Option<_>>()?, ..self.clone() })
    }

    /// Characters of a description (DHL).
    pub const DESCRIPTION_MAX_CHARS: usize = 70;

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
