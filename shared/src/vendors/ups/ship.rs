//! Buying a label (POST /api/shipments/{version}/ship) and giving it back (DELETE
//! /api/shipments/{version}/void/cancel/{id}).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{
    self, Charge, Coded, VERSION, address, charges, destination, dimensions, invoice_total, is_imperial, party, phone,
    weight,
};
use crate::domain::shipping::{Consignment, Customs, CustomsItem, Day, Incoterm};
use crate::vendors::carrier::{Document, Label, LabelOrder};
use crate::vendors::lenient::{self, cut, decimal};

/// Characters of a state's code here.
const STATE_CHARS: usize = 5;
/// Characters of the description of the goods, of a product's line of description, and such lines.
const DESCRIPTION_CHARS: usize = 50;
const LINE_CHARS: usize = 35;
const LINES_MAX: usize = 3;
/// Characters of an invoice's number.
const INVOICE_CHARS: usize = 35;
/// How many days ahead UPS takes a shipment's date; further ones go without, and count from when they are handed over.
const SHIP_DATE_DAYS: std::ops::RangeInclusive<i64> = 0..=7;
/// What makes UPS draw labels as GIF.
pub(super) const USER_AGENT: &str = "Mozilla/4.5";

/// Where labels are bought.
pub(super) fn path() -> String {
    format!("/api/shipments/{VERSION}/ship")
}

/// Where one is given back. The id is part of the path, and is letters and digits.
pub(super) fn void_path(id: &str) -> String {
    format!("/api/shipments/{VERSION}/void/cancel/{}", super::segment(id))
}

/// The purchase.
pub(super) fn request(order: &LabelOrder<'_>, account: &str, today: Option<Day>) -> Value {
    let consignment = order.consignment;
    let (from, to) = (&consignment.shipper, &consignment.recipient);
    let imperial = is_imperial(&from.address);
    let reference = || json!([{ "Value": order.reference }]);
    // Within the United States and within Puerto Rico references are the packages', elsewhere the shipment's. One
    // package with it is enough, and tells the shipment's first from the others.
    let [origin, destination_at] = consignment.territories();
    let on_package = origin.code == destination_at.code && imperial;
    let package = |(index, parcel)| {
        let parcel: &crate::domain::shipping::Parcel = parcel;
        json!({
            "Packaging": { "Code": "02", "Description": "Customer Supplied Package" },
            "Dimensions": dimensions(parcel, imperial),
            "PackageWeight": weight(parcel.weight_mg(), imperial),
            "ReferenceNumber": (on_package && index == 0).then(reference),
        })
    };
    let mut shipper = party(from);
    shipper["ShipperNumber"] = json!(account);
    shipper["Address"] = address(&from.address, STATE_CHARS);
    let mut ship_to = party(to);
    ship_to["Address"] = destination(&to.address, STATE_CHARS);
    let customs = consignment.customs.as_ref();
    let forms = customs.map(|customs| forms(order, customs));
    let day = consignment.ship_date;
    let dated = today.is_some_and(|today| SHIP_DATE_DAYS.contains(&day.days_since(today)));
    wire::sparse(json!({ "ShipmentRequest": {
        // The address was checked before, or is the shop's to answer for.
        "Request": { "RequestOption": "nonvalidate" },
        "Shipment": {
            "Description": description(consignment),
            "Shipper": shipper,
            "ShipTo": ship_to,
            "PaymentInformation": { "ShipmentCharge": charges(consignment, account) },
            "Service": { "Code": order.service },
            "ReferenceNumber": (!on_package).then(reference),
            "ShipmentRatingOptions": { "NegotiatedRatesIndicator": "Y" },
            "InvoiceLineTotal": invoice_total(consignment).filter(|_| wants_total(consignment)),
            "ShipmentServiceOptions": forms.map(|forms| json!({ "InternationalForms": forms })),
            "ShipmentDate": dated.then(|| day.compact()),
            "Package": consignment.parcels.iter().enumerate().map(package).collect::<Vec<_>>(),
        },
        "LabelSpecification": {
            "LabelImageFormat": { "Code": "GIF" },
            "HTTPUserAgent": USER_AGENT,
            "LabelStockSize": { "Height": "6", "Width": "4" },
        },
    } }))
}

/// What is inside, for the label: the first line of the declaration.
fn description(consignment: &Consignment) -> String {
    let first = consignment.customs.as_ref().and_then(|customs| customs.items.first());
    cut(first.map_or("Goods", |item| &item.description), DESCRIPTION_CHARS)
}

/// Only from the United States to Puerto Rico and Canada the total stands outside of the forms, and must.
fn wants_total(consignment: &Consignment) -> bool {
    let [from, to] = consignment.territories();
    from.code == "US" && matches!(to.code, "PR" | "CA")
}

/// The commercial invoice, which UPS prints from this.
fn forms(order: &LabelOrder<'_>, customs: &Customs) -> Value {
    let to = &order.consignment.recipient;
    let mut sold_to = party(to);
    sold_to["Phone"] = json!(phone(to).map(|number| json!({ "Number": number })));
    sold_to["Address"] = address(&to.address, STATE_CHARS);
    let currency = customs.items.first().map(|item| item.unit_value.currency.code());
    json!({
        "FormType": ["01"],
        "Contacts": { "SoldTo": sold_to },
        "Product": customs.items.iter().map(product).collect::<Vec<_>>(),
        "InvoiceNumber": cut(customs.invoice.as_deref().unwrap_or(order.reference), INVOICE_CHARS),
        "InvoiceDate": order.consignment.ship_date.compact(),
        "TermsOfShipment": match customs.incoterm {
            Incoterm::Dap => "DAP",
            Incoterm::Ddp => "DDP",
        },
        "ReasonForExport": "SALE",
        "CurrencyCode": currency,
    })
}

fn product(item: &CustomsItem) -> Value {
    let characters: Vec<char> = item.description.chars().collect();
    let lines = characters.chunks(LINE_CHARS).take(LINES_MAX).map(|line| line.iter().collect::<String>());
    let value = u64::try_from(item.unit_value.value).unwrap_or(0);
    json!({
        "Description": lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect::<Vec<_>>(),
        "Unit": {
            "Number": item.quantity.to_string(),
            "UnitOfMeasurement": { "Code": "PCS" },
            "Value": decimal(value, item.unit_value.currency.exponent().into()),
        },
        "CommodityCode": item.hs_code,
        "OriginCountryCode": item.origin_country,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShipResponse {
    shipment_response: ShipmentResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShipmentResponse {
    shipment_results: ShipmentResults,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShipmentResults {
    shipment_identification_number: String,
    #[serde(default, deserialize_with = "lenient::maybe")]
    shipment_charges: Option<ShipmentCharges>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    negotiated_rate_charges: Option<NegotiatedCharges>,
    #[serde(default, deserialize_with = "lenient::list")]
    package_results: Vec<PackageResult>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    form: Option<Form>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShipmentCharges {
    #[serde(default, deserialize_with = "lenient::maybe")]
    total_charges: Option<Charge>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NegotiatedCharges {
    #[serde(default, deserialize_with = "lenient::maybe")]
    total_charge: Option<Charge>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PackageResult {
    tracking_number: String,
    shipping_label: Image,
}

/// The forms of a shipment, all in one document.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Form {
    pub(super) image: Image,
}

/// Something to print, in base64.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Image {
    #[serde(default, alias = "LabelImageFormat", deserialize_with = "lenient::maybe")]
    image_format: Option<Coded>,
    graphic_image: String,
}

impl Image {
    /// The document; `None` for one that nobody can print.
    pub(super) fn document(&self) -> Option<Document> {
        let format = self.image_format.as_ref().and_then(|format| format.code.as_deref()).unwrap_or("GIF");
        let media_type = match format.to_ascii_uppercase().as_str() {
            "GIF" => "image/gif",
            "PNG" => "image/png",
            "PDF" => "application/pdf",
            _ => return None,
        };
        let content = STANDARD.decode(self.graphic_image.trim()).ok().filter(|content| !content.is_empty())?;
        Some(Document { media_type, content: bytes::Bytes::from(content).into() })
    }
}

/// The label of an answer; `None` when a number or a document is missing: then it is looked for.
pub(super) fn read(body: &[u8], parcels: usize) -> Option<Label> {
    let results = serde_json::from_slice::<ShipResponse>(body).ok()?.shipment_response.shipment_results;
    if results.package_results.len() != parcels {
        return None;
    }
    let mut documents: Vec<Document> =
        results.package_results.iter().map(|package| package.shipping_label.document()).collect::<Option<_>>()?;
    documents.extend(results.form.and_then(|form| form.image.document()));
    let negotiated = results.negotiated_rate_charges.and_then(|charges| charges.total_charge?.money());
    Some(Label {
        tracking_number: results.shipment_identification_number,
        parcel_numbers: results.package_results.into_iter().map(|package| package.tracking_number).collect(),
        documents,
        price: negotiated.or_else(|| results.shipment_charges?.total_charges?.money()),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Voided {
    void_shipment_response: VoidResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VoidResponse {
    summary_result: SummaryResult,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SummaryResult {
    status: Coded,
}

/// Whether the answer says that the shipment is void. (UPS has sent `&#xD;&#xD;1` for `1`: UPS-API/api-documentation,
/// issue 63.)
pub(super) fn is_voided(body: &[u8]) -> Option<()> {
    let answer: Voided = serde_json::from_slice(body).ok()?;
    let code = answer.void_shipment_response.summary_result.status.code?;
    (code.trim_start_matches("&#xD;") == "1").then_some(())
}
