//! Buying labels, getting them again, voiding them.

use super::failure::Failure;
use super::rates::{Way, charge, parcels};
use super::{State, each, response};
use crate::parcels::checks::{Rule, Shape, hold, text};
use crate::parcels::places::Distance;
use crate::parcels::tariff::kilograms;
use crate::parcels::{Draft, Money, NotUndone, Piece, Place, Shipment, label};
use crate::{Dial, FaultDial, Vendor};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// References of a shipment or a package.
const REFERENCES_MAX: usize = 5;

const RULES: &[Rule] = &[
    ("ShipmentRequest.Request.RequestOption", Shape::Text(1, 15)),
    ("ShipmentRequest.Shipment.Description?", Shape::Text(1, 50)),
    ("ShipmentRequest.Shipment.Shipper.Name", Shape::Text(1, 35)),
    ("ShipmentRequest.Shipment.Shipper.ShipperNumber", Shape::Text(6, 6)),
    ("ShipmentRequest.Shipment.Shipper.Address.AddressLine[]", Shape::Text(1, 35)),
    ("ShipmentRequest.Shipment.Shipper.Address.City", Shape::Text(1, 30)),
    ("ShipmentRequest.Shipment.Shipper.Address.CountryCode", Shape::Text(2, 2)),
    ("ShipmentRequest.Shipment.ShipTo.Name", Shape::Text(1, 35)),
    ("ShipmentRequest.Shipment.ShipTo.AttentionName?", Shape::Text(1, 35)),
    ("ShipmentRequest.Shipment.ShipTo.Phone?.Number", Shape::Text(1, 15)),
    ("ShipmentRequest.Shipment.ShipTo.Address.AddressLine[]", Shape::Text(1, 35)),
    ("ShipmentRequest.Shipment.ShipTo.Address.City", Shape::Text(1, 30)),
    ("ShipmentRequest.Shipment.ShipTo.Address.CountryCode", Shape::Text(2, 2)),
    ("ShipmentRequest.Shipment.Service.Code", Shape::Text(2, 2)),
    ("ShipmentRequest.LabelSpecification?.LabelImageFormat.Code", Shape::OneOf(&["GIF", "ZPL", "EPL", "SPL"])),
    ("ShipmentRequest.LabelSpecification?.LabelStockSize.Height", Shape::OneOf(&["6", "8"])),
    ("ShipmentRequest.LabelSpecification?.LabelStockSize.Width", Shape::OneOf(&["4"])),
];

/// What a shipment abroad must have as well.
const ABROAD_RULES: &[Rule] = &[
    ("ShipmentRequest.Shipment.Description", Shape::Text(1, 50)),
    ("ShipmentRequest.Shipment.Shipper.Phone.Number", Shape::Text(1, 15)),
    ("ShipmentRequest.Shipment.ShipTo.AttentionName", Shape::Text(1, 35)),
    ("ShipmentRequest.Shipment.ShipTo.Phone.Number", Shape::Text(1, 15)),
];

/// What a shipment across customs must have as well.
const CUSTOMS_RULES: &[Rule] = &[
    ("ShipmentRequest.Shipment.ShipmentServiceOptions.InternationalForms.FormType[]", Shape::Text(2, 2)),
    ("ShipmentRequest.Shipment.ShipmentServiceOptions.InternationalForms.Product[].Description[]", Shape::Text(1, 35)),
    (
        "ShipmentRequest.Shipment.ShipmentServiceOptions.InternationalForms.Product[].OriginCountryCode",
        Shape::Text(2, 2),
    ),
    ("ShipmentRequest.Shipment.ShipmentServiceOptions.InternationalForms.Product[].Unit.Number", Shape::NumberText),
    ("ShipmentRequest.Shipment.ShipmentServiceOptions.InternationalForms.Product[].Unit.Value", Shape::NumberText),
];

impl State {
    pub(super) fn ship(&mut self, now_ms: i64, body: &Value, dial: &mut FaultDial) -> Result<Value, Failure> {
        let draft = self.draft(body)?;
        let format = match text(body, "/ShipmentRequest/LabelSpecification/LabelImageFormat/Code") {
            "" => "GIF",
            "SPL" => return Err(Failure::not_simulated("labels in SPL")),
            code => code,
        };
        let account = self.account_number.to_uppercase();
        let numbers: Vec<String> = draft
            .parcels
            .iter()
            .map(|_| format!("1Z{account}{}{}", draft.service, self.ids.digits("ups parcel", 8)))
            .collect();
        let pieces = draft.parcels.iter().zip(numbers).enumerate().map(|(i, (parcel, tracking_number))| {
            let references = draft.references.get(i).cloned().unwrap_or_default();
            let mut piece = Piece { tracking_number, weight_g: parcel.weight_g, references, label: Vec::new() };
            piece.label = label_of(&draft.service, &draft.to, &piece, i + 1, draft.parcels.len(), format);
            piece
        });
        let pieces = pieces.collect();
        let shipment = Shipment::bought(now_ms, draft, pieces, dial.for_parcel(Vendor::Ups));
        let results = results(&shipment, format);
        self.parcels.buy(shipment);
        let response = response(&body["ShipmentRequest"]);
        Ok(json!({ "ShipmentResponse": { "Response": response, "ShipmentResults": results } }))
    }

    /// Everything that is checked before anything is sold.
    fn draft(&self, body: &Value) -> Result<Draft, Failure> {
        hold(body, RULES)?;
        let shipment = &body["ShipmentRequest"]["Shipment"];
        self.check_account(text(shipment, "/Shipper/ShipperNumber"))?;
        let charges = each(&shipment["PaymentInformation"], "ShipmentCharge");
        if charges.is_empty() {
            return Err(Failure::invalid("120400", "Missing or invalid payment information"));
        }
        for charge in charges {
            self.check_account(text(charge, "/BillShipper/AccountNumber"))?;
        }
        for unknown in ["ReturnService", "AlternateDeliveryAddress", "FreightShipmentInformation"] {
            if shipment[unknown].is_object() {
                return Err(Failure::not_simulated(unknown));
            }
        }
        let way = Way::of(shipment)?;
        for package in each(shipment, "Package") {
            hold(package, &[("Packaging.Code", Shape::Text(2, 2))])?;
        }
        let parcels = parcels(shipment)?;
        let distance = way.from.distance_to(way.to);
        if distance != Distance::Domestic {
            hold(body, ABROAD_RULES)?;
        }
        if distance == Distance::World {
            hold(body, CUSTOMS_RULES)?;
        }
        let wanted = text(shipment, "/Service/Code");
        let service = way.services().find(|service| service.code == wanted).ok_or_else(|| {
            Failure::invalid("111210", "The requested service is unavailable between the selected locations.")
        })?;
        let from = if shipment["ShipFrom"].is_object() { &shipment["ShipFrom"] } else { &shipment["Shipper"] };
        Ok(Draft {
            service: service.code.to_owned(),
            from: place(from),
            to: place(&shipment["ShipTo"]),
            price: service.price(way.from, way.to, &parcels),
            references: references(shipment, (way.from.code, way.to.code) == ("US", "US"))?,
            parcels,
        })
    }

    pub(super) fn recover_label(&self, body: &Value) -> Result<Value, Failure> {
        let request = &body["LabelRecoveryRequest"];
        hold(body, &[("LabelRecoveryRequest.Request", Shape::Object)])?;
        let format = match text(request, "/LabelSpecification/LabelImageFormat/Code").to_uppercase().as_str() {
            "" | "GIF" => "GIF",
            "PDF" => "PDF",
            "ZPL" => "ZPL",
            "EPL" => "EPL",
            _ => return Err(Failure::invalid("300018", "Missing or invalid label image format")),
        };
        let number = text(request, "/TrackingNumber");
        let reference = text(request, "/ReferenceValues/ReferenceNumber/Value");
        let found: Vec<&Shipment> = if !number.is_empty() {
            self.parcels.shipment(number).into_iter().filter(|shipment| shipment.voided_ms.is_none()).collect()
        } else if !reference.is_empty() {
            self.check_account(text(request, "/ReferenceValues/ShipperNumber"))?;
            self.parcels.billed_for(reference)
        } else {
            return Err(Failure::invalid("300001", "Missing tracking number or reference number"));
        };
        let response = response(request);
        let answer = match found.as_slice() {
            [] if reference.is_empty() || self.dials.is_turned(Dial::RecoveryHasCodesOfItsOwn) => {
                return Err(Failure::invalid("300007", "No label found for the requested shipment"));
            }
            [] => return Err(Failure::no_reference(!self.parcels.bought_for(reference).is_empty())),
            [shipment] => {
                let count = shipment.pieces.len();
                let labels = shipment.pieces.iter().enumerate().map(|(i, piece)| {
                    let image = label_of(&shipment.service, &shipment.to, piece, i + 1, count, format);
                    json!({
                        "TrackingNumber": piece.tracking_number,
                        "LabelImage": {
                            "LabelImageFormat": { "Code": format },
                            "GraphicImage": STANDARD.encode(image),
                        },
                    })
                });
                json!({
                    "Response": response,
                    "ShipmentIdentificationNumber": shipment.tracking_number,
                    "LabelResults": labels.collect::<Value>(),
                })
            }
            several => {
                let candidates = several.iter().map(|shipment| {
                    json!({
                        "TrackingNumber": shipment.tracking_number,
                        "DestinationPostalCode": shipment.to.postcode,
                        "DestinationCountryCode": shipment.to.country,
                    })
                });
                json!({ "Response": response, "LabelResults": [], "TrackingCandidate": candidates.collect::<Value>() })
            }
        };
        Ok(json!({ "LabelRecoveryResponse": answer }))
    }

    pub(super) fn void(&mut self, now_ms: i64, number: &str, query: &str) -> Result<Value, Failure> {
        if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "trackingnumber") {
            return Err(Failure::not_simulated("voiding single pieces"));
        }
        let shipment = self.parcels.void(now_ms, number).map_err(|why| match why {
            NotUndone::Unknown => Failure::invalid("190102", "No shipment found within the allowed void period"),
            NotUndone::Already => Failure::invalid("190117", "The shipment has already been voided"),
            NotUndone::TooLate => {
                let message = "The Pickup Request associated with this shipment has already been completed";
                Failure::invalid("190103", message)
            }
        })?;
        let voided = json!({ "Code": "1", "Description": "Voided" });
        let pieces = shipment.pieces.iter();
        let pieces = pieces.map(|piece| json!({ "TrackingNumber": piece.tracking_number, "Status": voided }));
        let pieces = pieces.collect::<Value>();
        self.pushes.tell_voided(now_ms, shipment);
        Ok(json!({
            "VoidShipmentResponse": {
                "Response": response(&Value::Null),
                "SummaryResult": { "Status": voided },
                "PackageLevelResults": pieces,
            },
        }))
    }
}

/// For each package, its references and the shipment's. Within the United States only packages have them, elsewhere only
/// shipments.
fn references(shipment: &Value, within_america: bool) -> Result<Vec<Vec<String>>, Failure> {
    let values = |holder: &Value| -> Result<Vec<String>, Failure> {
        let references = each(holder, "ReferenceNumber");
        if references.len() > REFERENCES_MAX {
            return Err(Failure::invalid("120701", "The maximum number of reference numbers is five"));
        }
        for reference in references {
            hold(reference, &[("Value", Shape::Text(1, 35)), ("Code?", Shape::Text(1, 2))])?;
        }
        Ok(references.iter().map(|reference| text(reference, "/Value").to_owned()).collect())
    };
    let of_shipment = values(shipment)?;
    if within_america && !of_shipment.is_empty() {
        return Err(Failure::invalid("120703", "Shipment level reference numbers are not allowed for this shipment"));
    }
    let packages = each(shipment, "Package").iter().map(|package| {
        let of_package = values(package)?;
        if !within_america && !of_package.is_empty() {
            return Err(Failure::invalid(
                "120704",
                "Package level reference numbers are not allowed for this shipment",
            ));
        }
        Ok([of_shipment.clone(), of_package].concat())
    });
    packages.collect()
}

fn place(party: &Value) -> Place {
    Place {
        name: text(party, "/Name").to_owned(),
        street: text(party, "/Address/AddressLine/0").to_owned(),
        city: text(party, "/Address/City").to_owned(),
        province: text(party, "/Address/StateProvinceCode").to_owned(),
        postcode: text(party, "/Address/PostalCode").to_owned(),
        country: text(party, "/Address/CountryCode").to_owned(),
    }
}

fn label_of(service: &str, to: &Place, piece: &Piece, number: usize, count: usize, format: &str) -> Vec<u8> {
    let mut lines = vec![
        format!("UPS {service}"),
        format!("TRACKING #: {}", piece.tracking_number),
        format!("{number} OF {count}  {} KG", kilograms(piece.weight_g)),
        format!("SHIP TO: {}", to.name),
        format!("{} {} {}", to.postcode, to.city, to.country),
    ];
    lines.extend(piece.references.iter().map(|reference| format!("REF #: {reference}")));
    match format {
        "PDF" => label::pdf(&[lines]),
        "ZPL" => label::zpl(&lines),
        "EPL" => label::epl(&lines),
        _ => label::gif(&lines),
    }
}

fn results(shipment: &Shipment, format: &str) -> Value {
    let nothing = Money { minor: 0, ..shipment.price };
    let count = shipment.pieces.len();
    let weight: i64 = shipment.pieces.iter().map(|piece| piece.weight_g).sum();
    let packages = shipment.pieces.iter().enumerate().map(|(i, piece)| {
        json!({
            "TrackingNumber": piece.tracking_number,
            "BaseServiceCharge": charge(shipment.price.share(i, count)),
            "ServiceOptionsCharges": charge(nothing),
            "ShippingLabel": {
                "ImageFormat": { "Code": format, "Description": format },
                "GraphicImage": STANDARD.encode(&piece.label),
            },
        })
    });
    json!({
        "ShipmentCharges": {
            "TransportationCharges": charge(shipment.price),
            "ServiceOptionsCharges": charge(nothing),
            "TotalCharges": charge(shipment.price),
        },
        "BillingWeight": {
            "UnitOfMeasurement": { "Code": "KGS", "Description": "Kilograms" },
            "Weight": kilograms(weight),
        },
        "ShipmentIdentificationNumber": shipment.tracking_number,
        "PackageResults": packages.collect::<Value>(),
    })
}
