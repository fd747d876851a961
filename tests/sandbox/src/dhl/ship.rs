//! Buying labels.

use super::failure::Failure;
use super::rates::{Way, parcels};
use super::{State, ahead, held};
use crate::parcels::checks::{Rule, Shape, hold, list, text};
use crate::parcels::places::Distance;
use crate::parcels::tariff::kilograms;
use crate::parcels::{Draft, Piece, Place, Shipment, label};
use crate::{FaultDial, Vendor};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const KNOWN: &[&str] = &[
    "accounts",
    "content",
    "customerDetails",
    "customerReferences",
    "documentImages",
    "estimatedDeliveryDate",
    "getAdditionalInformation",
    "getRateEstimates",
    "getTransliteratedResponse",
    "identifiers",
    "localProductCode",
    "onDemandDelivery",
    "outputImageProperties",
    "parentShipment",
    "pickup",
    "plannedShippingDateAndTime",
    "prepaidCharges",
    "productCode",
    "requestOndemandDeliveryURL",
    "shipmentNotification",
    "valueAddedServices",
];

pub(super) const REFERENCE_TYPES: &[&str] =
    &["AAO", "CU", "FF", "FN", "IBC", "LLR", "OBC", "PRN", "ACP", "ACS", "ACR", "CDN", "STD", "CO"];

const RULES: &[Rule] = &[
    ("plannedShippingDateAndTime", Shape::Text(1, 29)),
    ("pickup.isRequested", Shape::Flag),
    ("productCode", Shape::Text(1, 6)),
    ("accounts[].typeCode", Shape::OneOf(&["shipper", "payer", "duties-taxes"])),
    ("accounts[].number", Shape::Text(1, 12)),
    ("outputImageProperties?.encodingFormat?", Shape::OneOf(&["pdf", "zpl", "lp2", "epl"])),
    ("customerReferences[]?.value", Shape::Text(1, 35)),
    ("customerReferences[]?.typeCode?", Shape::OneOf(REFERENCE_TYPES)),
    ("customerDetails.shipperDetails.postalAddress.postalCode", Shape::Text(0, 12)),
    ("customerDetails.shipperDetails.postalAddress.cityName", Shape::Text(1, 45)),
    ("customerDetails.shipperDetails.postalAddress.countryCode", Shape::Text(2, 2)),
    ("customerDetails.shipperDetails.postalAddress.addressLine1", Shape::Text(1, 45)),
    ("customerDetails.shipperDetails.contactInformation.phone", Shape::Text(1, 70)),
    ("customerDetails.shipperDetails.contactInformation.companyName", Shape::Text(1, 100)),
    ("customerDetails.shipperDetails.contactInformation.fullName", Shape::Text(1, 255)),
    ("customerDetails.receiverDetails.postalAddress.postalCode", Shape::Text(0, 12)),
    ("customerDetails.receiverDetails.postalAddress.cityName", Shape::Text(1, 45)),
    ("customerDetails.receiverDetails.postalAddress.countryCode", Shape::Text(2, 2)),
    ("customerDetails.receiverDetails.postalAddress.addressLine1", Shape::Text(1, 45)),
    ("customerDetails.receiverDetails.contactInformation.phone", Shape::Text(1, 70)),
    ("customerDetails.receiverDetails.contactInformation.companyName", Shape::Text(1, 100)),
    ("customerDetails.receiverDetails.contactInformation.fullName", Shape::Text(1, 255)),
    ("content.packages[].weight", Shape::Number),
    ("content.packages[].customerReferences[]?.value", Shape::Text(1, 35)),
    ("content.packages[].customerReferences[]?.typeCode?", Shape::OneOf(REFERENCE_TYPES)),
    ("content.packages[].dimensions?.length", Shape::Number),
    ("content.packages[].dimensions?.width", Shape::Number),
    ("content.packages[].dimensions?.height", Shape::Number),
    ("content.isCustomsDeclarable", Shape::Flag),
    ("content.description", Shape::Text(1, 70)),
    ("content.incoterm", Shape::OneOf(INCOTERMS)),
    ("content.unitOfMeasurement", Shape::OneOf(&["metric", "imperial"])),
];

const INCOTERMS: &[&str] =
    &["EXW", "FCA", "CPT", "CIP", "DPU", "DAP", "DDP", "FAS", "FOB", "CFR", "CIF", "DAF", "DAT", "DDU", "DEQ", "DES"];

/// What a declared shipment must have as well.
const CUSTOMS_RULES: &[Rule] = &[
    ("content.declaredValue", Shape::Number),
    ("content.declaredValueCurrency", Shape::Text(3, 3)),
    ("content.exportDeclaration.lineItems[].number", Shape::Number),
    ("content.exportDeclaration.lineItems[].description", Shape::Text(1, 512)),
    ("content.exportDeclaration.lineItems[].price", Shape::Number),
    ("content.exportDeclaration.lineItems[].quantity.value", Shape::Number),
    ("content.exportDeclaration.lineItems[].manufacturerCountry", Shape::Text(2, 2)),
    ("content.exportDeclaration.lineItems[].weight", Shape::Object),
    ("content.exportDeclaration.invoice?.number", Shape::Text(1, 35)),
    ("content.exportDeclaration.invoice?.date", Shape::Text(10, 10)),
];

impl State {
    pub(super) fn ship(&mut self, now_ms: i64, body: &Value, dial: &mut FaultDial) -> Result<Value, Failure> {
        held(body, KNOWN, RULES)?;
        let planned = ahead(now_ms, "ShipTimeStamp", text(body, "/plannedShippingDateAndTime"))?;
        let draft = self.draft(body)?;
        let format = match text(body, "/outputImageProperties/encodingFormat") {
            "" | "pdf" => "PDF",
            "zpl" => "ZPL",
            "epl" => "EPL",
            _ => return Err(Failure::not_simulated("labels in LP2")),
        };
        let number = self.ids.digits("dhl shipment", 10);
        let mut pieces = Vec::new();
        let mut pages = Vec::new();
        for (i, parcel) in draft.parcels.iter().enumerate() {
            let tracking_number = format!("JD01{}", self.ids.digits("dhl piece", 16));
            let references = draft.references.get(i).cloned().unwrap_or_default();
            let mut lines = vec![
                format!("DHL EXPRESS {}", draft.service),
                format!("WAYBILL {number}"),
                format!("PIECE {tracking_number}"),
                format!("{}/{}  {} KG", i + 1, draft.parcels.len(), kilograms(parcel.weight_g)),
                format!("TO {}", draft.to.name),
                format!("{} {} {}", draft.to.postcode, draft.to.city, draft.to.country),
            ];
            lines.extend(references.iter().map(|reference| format!("REF {reference}")));
            pages.push(lines);
            pieces.push(Piece { tracking_number, weight_g: parcel.weight_g, references, label: Vec::new() });
        }
        // One file has the labels of all pieces.
        let file = match format {
            "ZPL" => pages.iter().flat_map(|lines| label::zpl(lines)).collect(),
            "EPL" => pages.iter().flat_map(|lines| label::epl(lines)).collect(),
            _ => label::pdf(&pages),
        };
        for piece in &mut pieces {
            piece.label.clone_from(&file);
        }
        let mut shipment = Shipment::bought(now_ms, draft, pieces, dial.for_parcel(Vendor::Dhl));
        shipment.tracking_number.clone_from(&number);
        let mut answer = bought(&shipment, format, &file);
        if body["getRateEstimates"] == true {
            answer["shipmentCharges"] = json!([{
                "currencyType": "BILLC",
                "priceCurrency": shipment.price.currency,
                "price": shipment.price.number(),
            }]);
        }
        if body["pickup"]["isRequested"] == true {
            let pickup = self.collect(now_ms, planned, &shipment.from.city);
            answer["cancelPickupUrl"] = format!("https://express.api.dhl.com/mydhlapi/pickups/{pickup}").into();
            answer["dispatchConfirmationNumber"] = pickup.into();
        }
        self.parcels.buy(shipment);
        Ok(answer)
    }

    /// Everything else that is checked before anything is sold.
    fn draft(&self, body: &Value) -> Result<Draft, Failure> {
        self.check_accounts(list(body, "/accounts"))?;
        let (shipper, receiver) =
            (&body["customerDetails"]["shipperDetails"], &body["customerDetails"]["receiverDetails"]);
        let content = &body["content"];
        let way = Way::between(&shipper["postalAddress"], &receiver["postalAddress"])?;
        let packages = list(content, "/packages");
        let parcels = parcels(packages, text(content, "/unitOfMeasurement"))?;
        let wanted = text(body, "/productCode");
        let product = way.products().find(|product| product.code == wanted).ok_or_else(|| {
            let message =
                format!("1001: The requested product {wanted} is not available between this origin and destination.");
            Failure::invalid(message)
        })?;
        let declared = content["isCustomsDeclarable"] == true;
        if way.from.distance_to(way.to) == Distance::World && !declared {
            let message = "7008: The shipment between this origin and destination must be customs declarable.";
            return Err(Failure::invalid(message));
        }
        if declared {
            hold(body, CUSTOMS_RULES)?;
        }
        let own = references(body);
        Ok(Draft {
            service: product.code.to_owned(),
            from: place(shipper),
            to: place(receiver),
            price: product.price(way.from, way.to, &parcels),
            references: packages.iter().map(|package| [own.clone(), references(package)].concat()).collect(),
            parcels,
        })
    }
}

/// The references that are the customer's own (`CU`, which is also what a reference is that names no type).
fn references(holder: &Value) -> Vec<String> {
    let own = list(holder, "/customerReferences").iter();
    let own = own.filter(|reference| ["", "CU"].contains(&text(reference, "/typeCode")));
    own.map(|reference| text(reference, "/value").to_owned()).collect()
}

fn place(party: &Value) -> Place {
    let address = &party["postalAddress"];
    Place {
        name: text(party, "/contactInformation/fullName").to_owned(),
        street: text(address, "/addressLine1").to_owned(),
        city: text(address, "/cityName").to_owned(),
        province: text(address, "/provinceCode").to_owned(),
        postcode: text(address, "/postalCode").to_owned(),
        country: text(address, "/countryCode").to_owned(),
    }
}

fn bought(shipment: &Shipment, format: &str, file: &[u8]) -> Value {
    let number = &shipment.tracking_number;
    let url = format!("https://express.api.dhl.com/mydhlapi/shipments/{number}/tracking");
    let pieces = shipment.pieces.iter().enumerate().map(|(i, piece)| {
        json!({
            "referenceNumber": i + 1,
            "trackingNumber": piece.tracking_number,
            "trackingUrl": format!("{url}?pieceTrackingNumber={}", piece.tracking_number),
        })
    });
    json!({
        "url": "https://express.api.dhl.com/mydhlapi/shipments",
        "shipmentTrackingNumber": number,
        "trackingUrl": url,
        "packages": pieces.collect::<Value>(),
        "documents": [{ "imageFormat": format, "content": STANDARD.encode(file), "typeCode": "label" }],
    })
}
