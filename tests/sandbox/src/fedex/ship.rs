//! Buying labels and voiding them.

use super::State;
use super::failure::Failure;
use super::rates::{PICKUP_TYPES, Way, parcels};
use crate::parcels::checks::{Rule, Shape, hold, list, text};
use crate::parcels::places::Distance;
use crate::parcels::tariff::kilograms;
use crate::parcels::{Draft, Moment, NotUndone, Piece, Place, Shipment, label};
use crate::{FaultDial, Vendor};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Characters of a customer's reference.
const REFERENCE_MAX: usize = 40;

const RULES: &[Rule] = &[
    ("accountNumber.value", Shape::Text(1, 9)),
    ("labelResponseOptions", Shape::OneOf(&["URL_ONLY", "LABEL"])),
    ("requestedShipment.shipper.contact.phoneNumber", Shape::Text(1, 15)),
    ("requestedShipment.shipper.contact.personName?", Shape::Text(1, 70)),
    ("requestedShipment.shipper.contact.companyName?", Shape::Text(1, 35)),
    ("requestedShipment.shipper.address.streetLines[]", Shape::Text(1, 35)),
    ("requestedShipment.shipper.address.city", Shape::Text(1, 35)),
    ("requestedShipment.shipper.address.countryCode", Shape::Text(2, 2)),
    ("requestedShipment.recipients[].contact.phoneNumber", Shape::Text(1, 15)),
    ("requestedShipment.recipients[].contact.personName?", Shape::Text(1, 70)),
    ("requestedShipment.recipients[].contact.companyName?", Shape::Text(1, 35)),
    ("requestedShipment.recipients[].address.streetLines[]", Shape::Text(1, 35)),
    ("requestedShipment.recipients[].address.city", Shape::Text(1, 35)),
    ("requestedShipment.recipients[].address.countryCode", Shape::Text(2, 2)),
    ("requestedShipment.serviceType", Shape::Text(1, 50)),
    ("requestedShipment.packagingType", Shape::Text(1, 50)),
    ("requestedShipment.pickupType", Shape::OneOf(PICKUP_TYPES)),
    (
        "requestedShipment.shippingChargesPayment.paymentType",
        Shape::OneOf(&["SENDER", "RECIPIENT", "THIRD_PARTY", "COLLECT"]),
    ),
    ("requestedShipment.labelSpecification.imageType", Shape::OneOf(&["ZPLII", "EPL2", "PDF", "PNG"])),
    ("requestedShipment.labelSpecification.labelStockType", Shape::OneOf(LABEL_STOCKS)),
    ("requestedShipment.requestedPackageLineItems[].weight.units", Shape::OneOf(&["KG", "LB"])),
    ("requestedShipment.requestedPackageLineItems[].weight.value", Shape::Number),
    ("requestedShipment.requestedPackageLineItems[].customerReferences[]?.value", Shape::Text(1, REFERENCE_MAX)),
    (
        "requestedShipment.requestedPackageLineItems[].customerReferences[]?.customerReferenceType",
        Shape::OneOf(&[
            "CUSTOMER_REFERENCE",
            "DEPARTMENT_NUMBER",
            "INVOICE_NUMBER",
            "P_O_NUMBER",
            "INTRACOUNTRY_REGULATORY_REFERENCE",
            "RMA_ASSOCIATION",
        ]),
    ),
];

const LABEL_STOCKS: &[&str] = &[
    "PAPER_4X6",
    "STOCK_4X675",
    "PAPER_4X675",
    "PAPER_4X8",
    "PAPER_4X9",
    "PAPER_7X475",
    "PAPER_85X11_BOTTOM_HALF_LABEL",
    "PAPER_85X11_TOP_HALF_LABEL",
    "PAPER_LETTER",
    "STOCK_4X6",
    "STOCK_4X8",
    "STOCK_4X9",
];

/// What a shipment across customs must have as well.
const CUSTOMS_RULES: &[Rule] = &[
    ("requestedShipment.customsClearanceDetail.commercialInvoice", Shape::Object),
    ("requestedShipment.customsClearanceDetail.commodities[].description", Shape::Text(1, 450)),
    ("requestedShipment.customsClearanceDetail.commodities[].countryOfManufacture", Shape::Text(2, 2)),
    ("requestedShipment.customsClearanceDetail.commodities[].quantity", Shape::Number),
    ("requestedShipment.customsClearanceDetail.commodities[].customsValue.amount", Shape::Number),
    ("requestedShipment.customsClearanceDetail.commodities[].customsValue.currency", Shape::Text(3, 3)),
    ("requestedShipment.customsClearanceDetail.commodities[].weight.value", Shape::Number),
];

const VOID_RULES: &[Rule] = &[
    ("accountNumber.value", Shape::Text(1, 9)),
    ("trackingNumber", Shape::Text(1, 40)),
    ("deletionControl?", Shape::OneOf(&["DELETE_ALL_PACKAGES"])),
];

impl State {
    pub(super) fn ship(&mut self, now_ms: i64, body: &Value, dial: &mut FaultDial) -> Result<Value, Failure> {
        let draft = self.draft(now_ms, body)?;
        let specification = &body["requestedShipment"]["labelSpecification"];
        let format = text(specification, "/imageType").to_owned();
        let numbers: Vec<String> = draft.parcels.iter().map(|_| self.ids.digits("fedex parcel", 12)).collect();
        let pieces = draft.parcels.iter().zip(numbers).enumerate().map(|(i, (parcel, tracking_number))| {
            let references = draft.references.get(i).cloned().unwrap_or_default();
            let mut lines = vec![
                format!("FedEx {}", draft.service),
                format!("TRK# {tracking_number}"),
                format!("{} of {}  {} KG", i + 1, draft.parcels.len(), kilograms(parcel.weight_g)),
                format!("TO {}", draft.to.name),
                format!("{} {} {}", draft.to.postcode, draft.to.city, draft.to.country),
            ];
            lines.extend(references.iter().map(|reference| format!("REF {reference}")));
            let label = match format.as_str() {
                "PNG" => label::png(&lines),
                "ZPLII" => label::zpl(&lines),
                "EPL2" => label::epl(&lines),
                _ => label::pdf(&[lines]),
            };
            Piece { tracking_number, weight_g: parcel.weight_g, references, label }
        });
        let pieces = pieces.collect();
        let shipment = Shipment::bought(now_ms, draft, pieces, dial.for_parcel(Vendor::FedEx));
        let output = bought(&shipment, &format);
        self.parcels.buy(shipment);
        let position = self.parcels.shipments().len() - 1;
        let created = self.parcels.shipments()[position].last_scan();
        self.tell(position, created);
        Ok(output)
    }

    /// Everything that is checked before anything is sold.
    fn draft(&self, now_ms: i64, body: &Value) -> Result<Draft, Failure> {
        hold(body, RULES)?;
        self.check_account(text(body, "/accountNumber/value"))?;
        let shipment = &body["requestedShipment"];
        if text(body, "/labelResponseOptions") != "LABEL" {
            return Err(Failure::not_simulated("labels by URL"));
        }
        if text(shipment, "/shippingChargesPayment/paymentType") != "SENDER" {
            return Err(Failure::not_simulated("other payers than the sender"));
        }
        let recipient = list(shipment, "/recipients").first().unwrap_or(&Value::Null);
        for (end, party) in [("SHIPPER", &shipment["shipper"]), ("RECIPIENT", recipient)] {
            let contact = &party["contact"];
            if text(contact, "/personName").is_empty() && text(contact, "/companyName").is_empty() {
                let message = "Either the person's name or the company's name is required.";
                return Err(Failure::invalid(format!("{end}.PERSONNAME.AND.COMPANYNAME.MISSING"), message));
            }
        }
        let way = Way::between(&shipment["shipper"]["address"], &recipient["address"])?;
        let wanted = text(shipment, "/serviceType");
        let service = way.services().find(|service| service.code == wanted).ok_or_else(|| {
            let message = "The requested service is not available between the origin and the destination.";
            Failure::invalid("SERVICETYPE.NOT.ALLOWED", message)
        })?;
        if let Some(date) = shipment["shipDatestamp"].as_str() {
            let invalid = || Failure::invalid("SHIPDATESTAMP.INVALID", "The ship date is no date.");
            let day = Moment::of_date(date).ok_or_else(invalid)?;
            // By the calendar at the shipper's, which may be half a day behind.
            if day.date() < Moment::new(now_ms - 12 * 3_600_000).date() {
                return Err(Failure::invalid("SHIPDATESTAMP.PAST", "The ship date is in the past."));
            }
        }
        let items = list(shipment, "/requestedPackageLineItems");
        let parcels = parcels(items)?;
        if way.from.distance_to(way.to) == Distance::World {
            hold(body, CUSTOMS_RULES)?;
        }
        Ok(Draft {
            service: service.code.to_owned(),
            from: place(&shipment["shipper"]),
            to: place(recipient),
            price: service.price(way.from, way.to, &parcels),
            references: items.iter().flat_map(references).collect(),
            parcels,
        })
    }

    pub(super) fn void(&mut self, now_ms: i64, body: &Value) -> Result<Value, Failure> {
        hold(body, VOID_RULES)?;
        self.check_account(text(body, "/accountNumber/value"))?;
        match self.parcels.void(now_ms, text(body, "/trackingNumber")) {
            Ok(_) => Ok(json!({
                "cancelledShipment": true,
                "cancelledHistory": true,
                "message": "Shipment is successfully cancelled",
            })),
            Err(NotUndone::Unknown) => {
                let message = "Please enter a valid tracking number.";
                Err(Failure::invalid("TRACKINGNUMBER.ENTERED.INVALID", message))
            }
            Err(NotUndone::Already) => {
                let message = "Shipment has already been cancelled.";
                Err(Failure::invalid("SHIPMENT.ALREADY.CANCELLED", message))
            }
            Err(NotUndone::TooLate) => {
                let message = "Unable to cancel the shipment: it has been picked up or tendered to FedEx.";
                Err(Failure::invalid("SHIPMENT.CANCEL.NOTALLOWED", message))
            }
        }
    }
}

/// The customer's own references of a line item, once for each of its parcels.
fn references(item: &Value) -> Vec<Vec<String>> {
    let own = list(item, "/customerReferences").iter();
    let own = own.filter(|reference| text(reference, "/customerReferenceType") == "CUSTOMER_REFERENCE");
    let own: Vec<String> = own.map(|reference| text(reference, "/value").to_owned()).collect();
    let count = item["groupPackageCount"].as_u64().unwrap_or(1).clamp(1, 99);
    (0..count).map(|_| own.clone()).collect()
}

fn place(party: &Value) -> Place {
    let name = ["/contact/personName", "/contact/companyName"].map(|pointer| text(party, pointer));
    Place {
        name: name.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned(),
        street: text(party, "/address/streetLines/0").to_owned(),
        city: text(party, "/address/city").to_owned(),
        province: text(party, "/address/stateOrProvinceCode").to_owned(),
        postcode: text(party, "/address/postalCode").to_owned(),
        country: text(party, "/address/countryCode").to_owned(),
    }
}

fn bought(shipment: &Shipment, format: &str) -> Value {
    let count = shipment.pieces.len();
    let ground = shipment.service == "FEDEX_GROUND";
    let category = if ground { "GROUND" } else { "EXPRESS" };
    let pieces = shipment.pieces.iter().enumerate().map(|(i, piece)| {
        let references = piece.references.iter();
        let references =
            references.map(|value| json!({ "customerReferenceType": "CUSTOMER_REFERENCE", "value": value }));
        let charge = shipment.price.share(i, count).number();
        json!({
            "masterTrackingNumber": shipment.tracking_number,
            "trackingNumber": piece.tracking_number,
            "packageSequenceNumber": i + 1,
            "serviceCategory": category,
            "netChargeAmount": charge,
            "baseRateAmount": charge,
            "netDiscountAmount": 0.0,
            "customerReferences": references.collect::<Value>(),
            "packageDocuments": [{
                "contentType": "LABEL",
                "copiesToPrint": 1,
                "docType": format,
                "trackingNumber": piece.tracking_number,
                "encodedLabel": STANDARD.encode(&piece.label),
            }],
        })
    });
    json!({
        "transactionShipments": [{
            "masterTrackingNumber": shipment.tracking_number,
            "serviceType": shipment.service,
            "serviceCategory": category,
            "shipDatestamp": Moment::new(shipment.bought_ms).date(),
            "pieceResponses": pieces.collect::<Value>(),
            "completedShipmentDetail": {
                "usDomestic": shipment.from.country == "US" && shipment.to.country == "US",
                "carrierCode": if ground { "FDXG" } else { "FDXE" },
                "masterTrackingId": { "trackingIdType": "FEDEX", "trackingNumber": shipment.tracking_number },
                "shipmentRating": {
                    "actualRateType": "PAYOR_ACCOUNT_PACKAGE",
                    "shipmentRateDetails": [{
                        "rateType": "PAYOR_ACCOUNT_PACKAGE",
                        "totalNetCharge": shipment.price.number(),
                        "totalNetFedExCharge": shipment.price.number(),
                        "totalBaseCharge": shipment.price.number(),
                        "currency": shipment.price.currency,
                    }],
                },
            },
        }],
    })
}
