//! Buying a label (POST /shipments).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::wire::{Account, AddedService, Customer, Package, amount, kilograms, pays_duties};
use crate::domain::shipping::{Customs, CustomsItem};
use crate::vendors::carrier::{Document, Label, LabelOrder};
use crate::vendors::lenient::{self, cut};

/// Where labels are bought.
pub(super) const PATH: &str = "/shipments";
/// Our reference's kind: the consignor's own. A search by it must name it, too.
pub(super) const REFERENCE_TYPE: &str = "CU";
/// Characters of the description of the goods, and of an invoice's number.
const DESCRIPTION_CHARS: usize = 70;
const INVOICE_CHARS: usize = 35;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    planned_shipping_date_and_time: &'a str,
    pickup: Pickup,
    product_code: &'a str,
    accounts: Vec<Account<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    value_added_services: Vec<AddedService>,
    output_image_properties: Output,
    customer_references: [Reference<'a>; 1],
    customer_details: Customers,
    content: Content<'a>,
}

/// Pickups are ordered by themselves.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pickup {
    is_requested: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    encoding_format: &'static str,
    image_options: Vec<Image>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    type_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_requested: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_code: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    value: &'a str,
    type_code: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Customers {
    shipper_details: Customer,
    receiver_details: Customer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content<'a> {
    packages: Vec<Package>,
    is_customs_declarable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_value: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_value_currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    export_declaration: Option<Declaration<'a>>,
    description: String,
    incoterm: &'static str,
    unit_of_measurement: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    line_items: Vec<LineItem<'a>>,
    invoice: Invoice,
    export_reason_type: &'static str,
    shipment_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineItem<'a> {
    number: usize,
    description: &'a str,
    price: Box<RawValue>,
    quantity: Quantity,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    commodity_codes: Vec<Commodity<'a>>,
    manufacturer_country: &'a str,
    weight: LineWeight,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Quantity {
    value: u32,
    unit_of_measurement: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Commodity<'a> {
    type_code: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LineWeight {
    net_value: Box<RawValue>,
    gross_value: Box<RawValue>,
}

#[derive(Serialize)]
struct Invoice {
    number: String,
    date: String,
}

/// The purchase; `None` without a telephone number of both sides.
pub(super) fn request(order: &LabelOrder<'_>, planned: &str, account: &str) -> Option<Vec<u8>> {
    let consignment = order.consignment;
    let customs = consignment.customs.as_ref();
    let mut images = vec![Image { type_code: "label", is_requested: None, invoice_type: None, language_code: None }];
    images.extend(customs.map(|_| Image {
        type_code: "invoice",
        is_requested: Some(true),
        invoice_type: Some("commercial"),
        language_code: Some("eng"),
    }));
    let total = customs.and_then(Customs::total);
    let first = consignment.customs.as_ref().and_then(|customs| customs.items.first());
    let request = Request {
        planned_shipping_date_and_time: planned,
        pickup: Pickup { is_requested: false },
        product_code: order.service,
        accounts: Account::all(consignment, account),
        value_added_services: AddedService::all(consignment),
        output_image_properties: Output { encoding_format: "pdf", image_options: images },
        customer_references: [Reference { value: order.reference, type_code: REFERENCE_TYPE }],
        customer_details: Customers {
            shipper_details: Customer::of(&consignment.shipper)?,
            receiver_details: Customer::of(&consignment.recipient)?,
        },
        content: Content {
            packages: consignment.parcels.iter().map(Package::of).collect(),
            is_customs_declarable: consignment.is_declarable(),
            declared_value: total.map(amount),
            declared_value_currency: total.map(|total| total.currency.code()),
            export_declaration: customs.map(|customs| declaration(customs, order)),
            description: cut(first.map_or("Goods", |item| &item.description), DESCRIPTION_CHARS),
            incoterm: if pays_duties(consignment) { "DDP" } else { "DAP" },
            unit_of_measurement: "metric",
        },
    };
    serde_json::to_vec(&request).ok()
}

fn declaration<'a>(customs: &'a Customs, order: &LabelOrder<'_>) -> Declaration<'a> {
    Declaration {
        line_items: customs.items.iter().enumerate().map(|(index, item)| line(index + 1, item)).collect(),
        invoice: Invoice {
            number: cut(customs.invoice.as_deref().unwrap_or(order.reference), INVOICE_CHARS),
            date: order.consignment.ship_date.to_string(),
        },
        export_reason_type: "permanent",
        shipment_type: "commercial",
    }
}

fn line(number: usize, item: &CustomsItem) -> LineItem<'_> {
    let grams = item.net_g();
    let code = |type_code| item.hs_code.as_deref().map(|value| Commodity { type_code, value });
    LineItem {
        number,
        description: &item.description,
        price: amount(item.unit_value),
        quantity: Quantity { value: item.quantity, unit_of_measurement: "PCS" },
        commodity_codes: code("outbound").into_iter().collect(),
        manufacturer_country: &item.origin_country,
        weight: LineWeight { net_value: kilograms(grams), gross_value: kilograms(grams) },
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShipResponse {
    shipment_tracking_number: String,
    #[serde(default, deserialize_with = "lenient::list")]
    packages: Vec<Piece>,
    #[serde(default, deserialize_with = "lenient::list")]
    documents: Vec<WireDocument>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    tracking_number: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDocument {
    #[serde(default, deserialize_with = "lenient::text")]
    image_format: Option<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    type_code: Option<String>,
    content: String,
}

impl WireDocument {
    fn document(&self) -> Option<Document> {
        let format = self.image_format.as_deref().unwrap_or("PDF").to_ascii_uppercase();
        let media_type = match format.as_str() {
            "PDF" => "application/pdf",
            "PNG" => "image/png",
            "GIF" => "image/gif",
            _ => return None,
        };
        let content = STANDARD.decode(self.content.trim()).ok().filter(|content| !content.is_empty())?;
        Some(Document { media_type, content: bytes::Bytes::from(content).into() })
    }

    fn is_label(&self) -> bool {
        self.type_code.as_deref() == Some("label")
    }
}

/// The label of an answer, the label's document first; `None` when it is missing, or when the answer is not about so many
/// parcels: then it is looked for. The price is not told.
pub(super) fn read(body: &[u8], parcels: usize) -> Option<Label> {
    let answer: ShipResponse = serde_json::from_slice(body).ok()?;
    let pieces = answer.packages.len();
    // A single parcel has the shipment's number.
    if answer.shipment_tracking_number.is_empty() || (pieces != parcels && (parcels, pieces) != (1, 0)) {
        return None;
    }
    let (labels, others): (Vec<_>, Vec<_>) = answer.documents.iter().partition(|document| document.is_label());
    let mut documents: Vec<Document> = labels.iter().map(|label| label.document()).collect::<Option<_>>()?;
    if documents.is_empty() {
        return None;
    }
    documents.extend(others.iter().filter_map(|other| other.document()));
    Some(Label {
        tracking_number: answer.shipment_tracking_number,
        parcel_numbers: answer.packages.into_iter().map(|piece| piece.tracking_number).collect(),
        documents,
        price: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purchase_is_a_label_only_with_its_document() {
        let body = |documents: &str| {
            format!(
                r#"{{"shipmentTrackingNumber":"1234567890","packages":[{{"referenceNumber":1,"trackingNumber":"JD1"}}],
                    "documents":{documents},"warnings":["…"]}}"#
            )
        };
        let both = r#"[{"imageFormat":"PDF","content":"SU5W","typeCode":"invoice"},
            {"imageFormat":"PDF","content":"TEFC","typeCode":"label"}]"#;
        let label = read(body(both).as_bytes(), 1).expect("a label");
        assert_eq!(read(body(both).as_bytes(), 2), None, "of two parcels one");
        assert_eq!(
            (label.tracking_number.as_str(), &label.parcel_numbers[..]),
            ("1234567890", &["JD1".to_owned()][..])
        );
        let contents: Vec<&[u8]> = label.documents.iter().map(|document| document.content.expose().as_ref()).collect();
        assert_eq!(contents, [b"LAB", b"INV"]);
        for without in [
            "[]",
            r#"[{"imageFormat":"PDF","content":"SU5W","typeCode":"invoice"}]"#,
            "null",
            r#"[{"imageFormat":"PDF","content":"!","typeCode":"label"}]"#,
            r#"[{"imageFormat":"ZPL","content":"TEFC","typeCode":"label"}]"#,
        ] {
            assert_eq!(read(body(without).as_bytes(), 1), None, "{without}");
        }
        assert_eq!(read(b"{}", 1), None);
    }
}
