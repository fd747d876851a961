//! The declaration for the customs.

use super::LINE_MAX_CHARS;
use super::parcel::RawWeight;
use crate::domain::input::{Findings, Object, RawMoney};
use crate::domain::shipping::{Customs, CustomsItem, Incoterm};
use crate::domain::{Money, OrderId};

/// Length of a description, in characters: three name something to a customs officer (tea), and DHL takes 70.
const DESCRIPTION_CHARS: std::ops::RangeInclusive<usize> = 3..=Customs::DESCRIPTION_MAX_CHARS;
/// Most pieces in one line: six digits are more than fits a parcel.
const QUANTITY_MAX: u64 = 999_999;
/// Digits of a Harmonized System code: the six that all countries share, and what some of them add.
const HS_CODE_DIGITS: std::ops::RangeInclusive<usize> = 6..=12;

#[derive(serde::Deserialize)]
pub(super) struct RawCustoms {
    items: Vec<Object<RawItem>>,
    incoterm: Option<String>,
    invoice: Option<String>,
}

#[derive(serde::Deserialize)]
struct RawItem {
    description: String,
    quantity: u64,
    unit_value: Object<RawMoney>,
    unit_weight: Object<RawWeight>,
    origin_country: String,
    hs_code: Option<String>,
}

impl RawCustoms {
    /// The declaration of an order; `None` when something is bad.
    pub(super) fn checked(self, order: Option<&OrderId>, bad: &mut Findings) -> Option<Customs> {
        let count = self.items.len();
        bad.unless((1..=Customs::ITEMS_MAX).contains(&count), "customs.items", "must be 1 to 50 items");
        let each = self.items.into_iter().take(Customs::ITEMS_MAX).enumerate();
        let items: Vec<_> = each.map(|(n, Object(item))| item.checked(&format!("customs.items[{n}]."), bad)).collect();
        let incoterm = match self.incoterm.as_deref() {
            None | Some("DAP") => Some(Incoterm::Dap),
            Some("DDP") => Some(Incoterm::Ddp),
            Some(_) => None,
        };
        bad.unless(incoterm.is_some(), "customs.incoterm", "must be DAP or DDP");
        let invoice = bad.label_line("customs.invoice", self.invoice.as_deref());
        let items = items.into_iter().collect::<Option<Vec<CustomsItem>>>()?;
        let currency = items.first()?.unit_value.currency;
        for (n, item) in items.iter().enumerate() {
            let field = format!("customs.items[{n}].unit_value.currency");
            bad.unless(item.unit_value.currency == currency, &field, "must be that of the first item");
        }
        let invoice = invoice.or_else(|| order.map(invoice_of));
        let customs = Customs { items, incoterm: incoterm?, invoice };
        let most = Money::most(Some(currency));
        let fits = customs.total().is_some_and(|total| total.value <= most);
        bad.unless(fits, "customs.items", &format!("must be worth at most {most} minor units together"));
        Some(customs)
    }
}

/// The number of an invoice that has none of its own: the order's, or the end of it, which tells orders apart.
fn invoice_of(order: &OrderId) -> String {
    let id = order.as_str();
    id.get(id.len().saturating_sub(LINE_MAX_CHARS)..).unwrap_or(id).to_owned()
}

impl RawItem {
    fn checked(self, path: &str, bad: &mut Findings) -> Option<CustomsItem> {
        let field = format!("{path}description");
        let description = self.description.trim();
        let fits = description.chars().count() >= *DESCRIPTION_CHARS.start()
            && self.description.chars().count() <= *DESCRIPTION_CHARS.end();
        bad.unless(fits, &field, "must have 3 to 70 characters");
        bad.text(&field, Some(&self.description));
        bad.printable(&field, description);
        let quantity = u32::try_from(self.quantity).ok().filter(|_| (1..=QUANTITY_MAX).contains(&self.quantity));
        bad.unless(quantity.is_some(), &format!("{path}quantity"), "must be 1 to 999999");
        let unit_value = bad.money(&format!("{path}unit_value"), &self.unit_value.0);
        let unit_weight_mg = self.unit_weight.0.milligrams(&format!("{path}unit_weight"), bad);
        let origin_country = bad.country(&format!("{path}origin_country"), &self.origin_country);
        let is_hs = |code: &String| HS_CODE_DIGITS.contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
        bad.unless(self.hs_code.as_ref().is_none_or(is_hs), &format!("{path}hs_code"), "must be 6 to 12 digits");
        let unit_weight_mg = u32::try_from(unit_weight_mg?).ok()?;
        Some(CustomsItem {
            description: description.to_owned(),
            quantity: quantity?,
            unit_value: unit_value?,
            unit_weight_g: (unit_weight_mg / 1_000).max(1),
            unit_weight_mg: Some(unit_weight_mg).filter(|mg| mg % 1_000 != 0),
            origin_country: origin_country?,
            hs_code: self.hs_code,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::bodies::{abroad, item, quoted, with};
    use super::*;

    #[test]
    fn between_customs_areas_the_goods_have_to_be_declared() {
        assert_eq!(with(quoted, abroad(), "/customs", json!(null)), ["customs"]);
        let mut body = abroad();
        body["order_id"] = json!("o-1");
        let customs = quoted(&body).expect("valid").consignment.customs.expect("a declaration");
        assert_eq!((customs.incoterm, customs.invoice.as_deref()), (Incoterm::Dap, Some("o-1")));
        assert_eq!(customs.items[0].unit_weight_g, 400);
        body["order_id"] = json!(format!("{}{}", "a".repeat(29), "b".repeat(35)));
        let customs = quoted(&body).expect("valid").consignment.customs.expect("a declaration");
        assert_eq!(customs.invoice, Some("b".repeat(35)), "as long as a label's line");
        body["customs"]["incoterm"] = json!("DDP");
        body["customs"]["invoice"] = json!("2026-17");
        let customs = quoted(&body).expect("valid").consignment.customs.expect("a declaration");
        assert_eq!((customs.incoterm, customs.invoice.as_deref()), (Incoterm::Ddp, Some("2026-17")));
    }

    #[test]
    fn every_bad_field_of_a_declaration_is_named() {
        let bad = json!({"description": "No", "quantity": 0, "unit_value": {"value": 0, "currency": "EURO"},
            "unit_weight": {"value": 0, "unit": "stone"}, "origin_country": "EU", "hs_code": "12345"});
        let expected = [
            "description",
            "quantity",
            "unit_value.currency",
            "unit_value.value",
            "unit_weight.unit",
            "unit_weight.value",
            "origin_country",
            "hs_code",
        ];
        let expected = expected.map(|field| format!("customs.items[1].{field}"));
        assert_eq!(with(quoted, abroad(), "/customs/items", json!([item(), bad])), expected);
        assert_eq!(with(quoted, abroad(), "/customs/incoterm", json!("FOB")), ["customs.incoterm"]);
        assert_eq!(with(quoted, abroad(), "/customs/items", json!([])), ["customs.items"]);
        let light = |n: usize| {
            let mut item = item();
            item["unit_weight"]["value"] = json!(1);
            json!(vec![item; n])
        };
        assert_eq!(with(quoted, abroad(), "/customs/items", light(50)), [""; 0]);
        assert_eq!(with(quoted, abroad(), "/customs/items", light(51)), ["customs.items"]);
        let card = json!("card 4242424242424242");
        let named = with(quoted, abroad(), "/customs/items/0/description", card.clone());
        assert_eq!(named, ["customs.items[0].description"]);
        assert_eq!(with(quoted, abroad(), "/customs/invoice", card), ["customs.invoice"]);
    }

    #[test]
    fn goods_are_declared_in_one_currency_and_are_not_heavier_than_their_parcels() {
        let mut other = item();
        other["unit_value"]["currency"] = json!("USD");
        let named = with(quoted, abroad(), "/customs/items", json!([item(), other]));
        assert_eq!(named, ["customs.items[1].unit_value.currency"]);
        // Two of 1,250 g fill the 2,500 g of the parcel.
        let weight = |grams: u32| with(quoted, abroad(), "/customs/items/0/unit_weight/value", json!(grams));
        assert_eq!((weight(1_250), weight(1_251)), (vec![], vec!["customs.items".to_owned()]));
        let named = with(quoted, abroad(), "/customs/items/0/unit_value/value", json!(50_000_000));
        assert_eq!(named, ["customs.items"], "worth more than fits");
    }
}
