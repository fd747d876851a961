//! Buying a label. (POST /ship/v1/shipments.)

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::currency::price;
use super::wire::{
    AccountNumber, Amount, Commodity, Decimal, Dimensions, PACKAGING, PICKUP, Party, Units, Weight, total_weight,
};
use crate::domain::shipping::{Customs, Day, Incoterm};
use crate::domain::{Money, Private, Timestamp};
use crate::vendors::carrier::{Document, Label, LabelOrder};
use crate::vendors::lenient::{list, maybe, text};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    label_response_options: &'static str,
    account_number: AccountNumber,
    requested_shipment: Shipment<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shipment<'a> {
    ship_datestamp: Day,
    shipper: Party<'a>,
    recipients: [Party<'a>; 1],
    service_type: &'a str,
    packaging_type: &'static str,
    pickup_type: &'static str,
    total_weight: Decimal,
    total_package_count: usize,
    rate_request_type: [&'static str; 1],
    shipping_charges_payment: Payment,
    label_specification: LabelSpecification,
    requested_package_line_items: Vec<Package<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customs_clearance_detail: Option<Clearance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_document_specification: Option<Documents>,
}

/// Who pays: we, with our account, or the recipient at the door.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    payment_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payor: Option<Payor>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Payor {
    responsible_party: Responsible,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Responsible {
    account_number: AccountNumber,
}

impl Payment {
    pub(super) fn ours(account: &str) -> Self {
        let responsible_party = Responsible { account_number: AccountNumber::of(account) };
        Self { payment_type: "SENDER", payor: Some(Payor { responsible_party }) }
    }

    const fn theirs() -> Self {
        Self { payment_type: "RECIPIENT", payor: None }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "FedEx's own names")]
struct LabelSpecification {
    label_format_type: &'static str,
    image_type: &'static str,
    label_stock_type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    sequence_number: usize,
    group_package_count: u8,
    weight: Weight,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<Dimensions>,
    customer_references: [Reference<'a>; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    customer_reference_type: &'static str,
    value: &'a str,
}

/// The declaration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Clearance<'a> {
    is_document_only: bool,
    duties_payment: Payment,
    commercial_invoice: Invoice<'a>,
    commodities: Vec<Commodity<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_customs_value: Option<Amount>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Invoice<'a> {
    shipment_purpose: &'static str,
    terms_of_sale: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    customer_references: Vec<Reference<'a>>,
}

/// Documents that FedEx makes besides the labels.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Documents {
    shipping_document_types: [&'static str; 1],
    commercial_invoice_detail: InvoiceDetail,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct InvoiceDetail {
    document_format: DocumentFormat,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DocumentFormat {
    stock_type: &'static str,
    doc_type: &'static str,
}

impl<'a> Clearance<'a> {
    fn of(customs: &'a Customs, account: &str) -> Self {
        let invoice = customs.invoice.as_deref();
        let reference = |value| Reference { customer_reference_type: "INVOICE_NUMBER", value };
        let (duties_payment, terms_of_sale) = match customs.incoterm {
            Incoterm::Ddp => (Payment::ours(account), "DDP"),
            Incoterm::Dap => (Payment::theirs(), "DAP"),
        };
        let customer_references = invoice.map(reference).into_iter().collect();
        Self {
            is_document_only: false,
            duties_payment,
            commercial_invoice: Invoice { shipment_purpose: "SOLD", terms_of_sale, customer_references },
            commodities: Commodity::all(customs),
            total_customs_value: customs.total().map(Amount::of),
        }
    }
}

pub(super) fn request<'a>(order: &LabelOrder<'a>, account: &str, now: Timestamp) -> Request<'a> {
    let LabelOrder { consignment, service, reference } = *order;
    let units = Units::of(consignment);
    let packages = consignment.parcels.iter().enumerate().map(|(place, parcel)| Package {
        sequence_number: place + 1,
        group_package_count: 1,
        weight: Weight::of(parcel.weight_mg(), units),
        dimensions: Dimensions::of(parcel, units),
        // On each parcel, so that it is found whichever of them FedEx looks at.
        customer_references: [Reference { customer_reference_type: "CUSTOMER_REFERENCE", value: reference }],
    });
    let customs = consignment.customs.as_ref();
    let document_format = DocumentFormat { stock_type: "PAPER_LETTER", doc_type: "PDF" };
    let documents = Documents {
        shipping_document_types: ["COMMERCIAL_INVOICE"],
        commercial_invoice_detail: InvoiceDetail { document_format },
    };
    Request {
        label_response_options: "LABEL",
        account_number: AccountNumber::of(account),
        requested_shipment: Shipment {
            // A purchase may have waited since.
            ship_datestamp: consignment.ship_date_at(now),
            shipper: Party::of(&consignment.shipper),
            recipients: [Party::of(&consignment.recipient)],
            service_type: service,
            packaging_type: PACKAGING,
            pickup_type: PICKUP,
            total_weight: total_weight(&consignment.parcels, units),
            total_package_count: consignment.parcels.len(),
            rate_request_type: ["ACCOUNT"],
            shipping_charges_payment: Payment::ours(account),
            label_specification: LabelSpecification {
                label_format_type: "COMMON2D",
                image_type: "PDF",
                label_stock_type: "PAPER_4X6",
            },
            requested_package_line_items: packages.collect(),
            customs_clearance_detail: customs.map(|customs| Clearance::of(customs, account)),
            shipping_document_specification: customs.map(|_| documents),
        },
    }
}

#[derive(Deserialize)]
struct Shipped {
    output: Output,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    #[serde(default, deserialize_with = "list")]
    transaction_shipments: Vec<Transaction>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    #[serde(default, deserialize_with = "text")]
    master_tracking_number: Option<String>,
    #[serde(default, deserialize_with = "list")]
    piece_responses: Vec<Piece>,
    #[serde(default, deserialize_with = "list")]
    shipment_documents: Vec<Paper>,
    #[serde(default, deserialize_with = "maybe")]
    completed_shipment_detail: Option<Completed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    #[serde(default, deserialize_with = "text")]
    tracking_number: Option<String>,
    #[serde(default)]
    package_sequence_number: u32,
    #[serde(default, deserialize_with = "list")]
    package_documents: Vec<Paper>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Paper {
    #[serde(default, deserialize_with = "text")]
    content_type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    doc_type: Option<String>,
    encoded_label: Private<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Completed {
    #[serde(default, deserialize_with = "maybe")]
    shipment_rating: Option<Rating>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rating {
    #[serde(default, deserialize_with = "list")]
    shipment_rate_details: Vec<RateDetail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RateDetail {
    #[serde(default, deserialize_with = "text")]
    rate_type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    total_net_charge: Option<String>,
    #[serde(default, deserialize_with = "text")]
    currency: Option<String>,
}

impl Paper {
    /// One of the parcels' labels, alone or merged with others.
    fn is_label(&self) -> bool {
        let kind = self.content_type.as_deref().unwrap_or("LABEL");
        kind.contains("LABEL") || self.is_merged()
    }

    /// All of the parcels' labels in one.
    fn is_merged(&self) -> bool {
        self.content_type.as_deref().is_some_and(|kind| kind.starts_with("MERGE"))
    }

    fn document(&self) -> Option<Document> {
        let media_type = match self.doc_type.as_deref() {
            None | Some("PDF") => "application/pdf",
            Some("PNG") => "image/png",
            // A printer's language; we asked for none.
            Some(_) => return None,
        };
        let content = STANDARD.decode(self.encoded_label.expose().trim()).ok().filter(|content| !content.is_empty())?;
        Some(Document { media_type, content: Private::new(content.into()) })
    }
}

impl Completed {
    /// What our account pays (`PAYOR_ACCOUNT_SHIPMENT`, `ACCOUNT`).
    fn price(&self) -> Option<Money> {
        let details = &self.shipment_rating.as_ref()?.shipment_rate_details;
        let is_ours = |detail: &&RateDetail| detail.rate_type.as_deref().is_some_and(|kind| kind.contains("ACCOUNT"));
        let ours = details.iter().find(is_ours)?;
        price(ours.total_net_charge.as_deref()?, ours.currency.as_deref()?)
    }
}

/// The label that was bought; `None` when there is no number in the answer, or no label for one of so many parcels, whatever
/// else is: what cannot be printed cannot be sent.
pub(super) fn read(body: &[u8], parcels: usize) -> Option<Label> {
    let shipped: Shipped = serde_json::from_slice(body).ok()?;
    let mut transaction = shipped.output.transaction_shipments.into_iter().next()?;
    transaction.piece_responses.sort_by_key(|piece| piece.package_sequence_number);
    let pieces = &transaction.piece_responses;
    let parcel_numbers: Vec<String> = pieces.iter().filter_map(|piece| piece.tracking_number.clone()).collect();
    let papers = || pieces.iter().flat_map(|piece| &piece.package_documents).chain(&transaction.shipment_documents);
    let has_label =
        |piece: &Piece| piece.package_documents.iter().any(|paper| paper.is_label() && paper.document().is_some());
    let is_each = pieces.len() >= parcels && pieces.iter().all(has_label);
    let is_for_all = |paper: &Paper| if parcels == 1 { paper.is_label() } else { paper.is_merged() };
    if !is_each && !papers().any(|paper| is_for_all(paper) && paper.document().is_some()) {
        return None;
    }
    Some(Label {
        tracking_number: transaction.master_tracking_number.clone().or_else(|| parcel_numbers.first().cloned())?,
        documents: papers().filter_map(Paper::document).collect(),
        price: transaction.completed_shipment_detail.as_ref().and_then(Completed::price),
        parcel_numbers,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::wire::sample;
    use super::*;

    fn order(consignment: &crate::domain::shipping::Consignment) -> LabelOrder<'_> {
        LabelOrder { consignment, service: "FEDEX_GROUND", reference: "CD-0123456789" }
    }

    fn paper(kind: &str, content: &str) -> Value {
        json!({"contentType": kind, "docType": "PDF", "encodedLabel": STANDARD.encode(content), "copiesToPrint": 1})
    }

    fn shipped() -> Value {
        json!({"output": {"transactionShipments": [{
            "masterTrackingNumber": "794953535000",
            "serviceType": "FEDEX_GROUND",
            "alerts": [{"code": "SHIPMENT.VALIDATION.SUCCESS", "alertType": "NOTE"}],
            "pieceResponses": [
                {"packageSequenceNumber": 2, "trackingNumber": "794953535011", "packageDocuments": [paper("LABEL", "two")]},
                {"packageSequenceNumber": 1, "trackingNumber": "794953535000", "packageDocuments": [paper("LABEL", "one")]},
            ],
            "shipmentDocuments": [paper("COMMERCIAL_INVOICE", "invoice")],
            "completedShipmentDetail": {"shipmentRating": {"shipmentRateDetails": [
                {"rateType": "PAYOR_LIST_SHIPMENT", "totalNetCharge": 99.5, "currency": "USD"},
                {"rateType": "PAYOR_ACCOUNT_SHIPMENT", "totalNetCharge": 21.45, "currency": "USD"},
            ]}},
        }]}})
    }

    fn read_of(answer: &Value) -> Option<Label> {
        read(answer.to_string().as_bytes(), 2)
    }

    #[test]
    fn a_label_has_its_numbers_in_the_parcels_order_and_everything_to_print() {
        let label = read_of(&shipped()).expect("a label");
        assert_eq!(label.tracking_number, "794953535000");
        assert_eq!(label.parcel_numbers, ["794953535000", "794953535011"]);
        let contents: Vec<&[u8]> = label.documents.iter().map(|document| &document.content.expose()[..]).collect();
        assert_eq!(contents, [&b"one"[..], b"two", b"invoice"]);
        assert_eq!(label.documents[0].media_type, "application/pdf");
        assert_eq!(label.price.map(|price| price.to_string()).as_deref(), Some("21.45 USD"));

        let billed =
            "/output/transactionShipments/0/completedShipmentDetail/shipmentRating/shipmentRateDetails/1/currency";
        let mut abroad = shipped();
        *abroad.pointer_mut(billed).expect("a currency") = json!("SFR");
        let label = read_of(&abroad).expect("a label");
        assert_eq!(label.price.map(|price| price.to_string()).as_deref(), Some("21.45 CHF"));
    }

    #[test]
    fn an_answer_without_a_label_or_a_number_is_not_a_purchase() {
        for break_it in [
            |answer: &mut Value| answer["output"]["transactionShipments"] = json!([]),
            |answer: &mut Value| answer["output"]["transactionShipments"][0]["pieceResponses"] = json!([]),
            |answer: &mut Value| {
                for piece in
                    answer["output"]["transactionShipments"][0]["pieceResponses"].as_array_mut().expect("pieces")
                {
                    piece["packageDocuments"] = json!([{"contentType": "LABEL", "url": "https://x.example"}]);
                }
            },
            |answer: &mut Value| {
                for piece in
                    answer["output"]["transactionShipments"][0]["pieceResponses"].as_array_mut().expect("pieces")
                {
                    piece["packageDocuments"][0]["encodedLabel"] = json!("not base64 !");
                }
            },
            |answer: &mut Value| {
                answer["output"]["transactionShipments"][0]["masterTrackingNumber"] = json!(null);
                for piece in
                    answer["output"]["transactionShipments"][0]["pieceResponses"].as_array_mut().expect("pieces")
                {
                    piece["trackingNumber"] = json!("");
                }
            },
        ] {
            let mut answer = shipped();
            break_it(&mut answer);
            assert_eq!(read_of(&answer), None, "{answer}");
        }
        assert_eq!(read(b"<html>", 1), None);
    }

    #[test]
    fn a_purchase_is_whole_only_with_a_label_for_each_parcel_or_one_for_all() {
        let second = "/output/transactionShipments/0/pieceResponses/0/packageDocuments";
        let with = |documents: Value| {
            let mut answer = shipped();
            *answer.pointer_mut(second).expect("documents") = documents;
            answer
        };
        for lost in [
            json!([]),
            json!([{"contentType": "LABEL", "docType": "PDF", "encodedLabel": "not base64 !"}]),
            json!([{"contentType": "LABEL", "docType": "ZPLII", "encodedLabel": "AAAA"}]),
            json!([paper("COMMERCIAL_INVOICE", "invoice")]),
        ] {
            assert_eq!(read_of(&with(lost.clone())), None, "{lost}");
        }
        let mut one_only = shipped();
        one_only["output"]["transactionShipments"][0]["pieceResponses"].as_array_mut().expect("pieces").remove(0);
        assert_eq!(read_of(&one_only), None);
        let mut merged = with(json!([]));
        merged["output"]["transactionShipments"][0]["shipmentDocuments"] = json!([paper("MERGED_LABELS_ONLY", "both")]);
        assert_eq!(read_of(&merged).expect("a label").parcel_numbers.len(), 2);
    }

    #[test]
    fn odd_parts_of_an_answer_cost_only_themselves() {
        let mut answer = shipped();
        answer["output"]["transactionShipments"][0]["completedShipmentDetail"] = json!("none");
        answer["output"]["transactionShipments"][0]["shipmentDocuments"] =
            json!([7, {"docType": "ZPLII", "encodedLabel": "AAAA"}]);
        let label = read_of(&answer).expect("a label");
        assert_eq!((label.price, label.documents.len()), (None, 2));
    }

    #[test]
    fn each_parcel_bears_our_reference_and_our_account_pays() {
        let consignment = sample::domestic();
        let sent = json!(request(&order(&consignment), sample::ACCOUNT, Timestamp::default()));
        let shipment = &sent["requestedShipment"];
        assert_eq!(sent["labelResponseOptions"], "LABEL");
        assert_eq!(shipment["labelSpecification"]["labelStockType"], "PAPER_4X6");
        let parcels = shipment["requestedPackageLineItems"].as_array().expect("parcels");
        assert_eq!(parcels.len(), 2);
        for (place, parcel) in parcels.iter().enumerate() {
            let reference = json!([{"customerReferenceType": "CUSTOMER_REFERENCE", "value": "CD-0123456789"}]);
            assert_eq!((&parcel["customerReferences"], &parcel["sequenceNumber"]), (&reference, &json!(place + 1)));
        }
        assert_eq!(shipment["shippingChargesPayment"]["paymentType"], "SENDER");
        assert_eq!(shipment["recipients"][0]["contact"], json!({"personName": "Ada", "phoneNumber": "19015550100"}));
        assert_eq!(shipment.get("customsClearanceDetail"), None);
        assert_eq!(shipment.get("shippingDocumentSpecification"), None);
    }

    #[test]
    fn abroad_the_terms_say_who_pays_the_duties() {
        let mut consignment = sample::abroad();
        let detail = |consignment: &_| {
            json!(request(&order(consignment), sample::ACCOUNT, Timestamp::default()))["requestedShipment"]["customsClearanceDetail"].take()
        };
        let dap = detail(&consignment);
        assert_eq!(dap["dutiesPayment"], json!({"paymentType": "RECIPIENT"}));
        assert_eq!(dap["commercialInvoice"]["termsOfSale"], "DAP");
        assert_eq!(dap["commercialInvoice"]["customerReferences"][0]["value"], "o-1");
        assert_eq!(dap["totalCustomsValue"], json!({"amount": 59.97, "currency": "USD"}));
        if let Some(customs) = &mut consignment.customs {
            customs.incoterm = Incoterm::Ddp;
        }
        let ddp = detail(&consignment);
        assert_eq!(ddp["dutiesPayment"]["payor"]["responsibleParty"]["accountNumber"]["value"], sample::ACCOUNT);
        assert_eq!(ddp["commercialInvoice"]["termsOfSale"], "DDP");
    }
}
