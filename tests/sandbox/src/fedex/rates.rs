//! What a shipment would cost: the services, and POST /rate/v1/rates/quotes.

use super::State;
use super::failure::Failure;
use crate::parcels::checks::{Rule, Shape, hold, list, text};
use crate::parcels::places::{Country, Distance, country};
use crate::parcels::tariff::{Parcel, Service, kilograms_number};
use crate::parcels::{Moment, Money, OddRate};
use crate::{FaultDial, Vendor};
use serde_json::{Value, json};

/// The heaviest parcel, in grams (150 lb).
const PARCEL_MAX_G: i64 = 68_039;

/// What the public price is, in per cent of the account's.
const LIST_PERCENT: i64 = 125;

pub(super) const PICKUP_TYPES: &[&str] =
    &["CONTACT_FEDEX_TO_SCHEDULE", "DROPOFF_AT_FEDEX_LOCATION", "USE_SCHEDULED_PICKUP"];

const fn service(
    code: &'static str,
    name: &'static str,
    distances: &'static [Distance],
    only_from: Option<&'static str>,
    days: i64,
    (base, per_kg): (i64, i64),
) -> Service {
    Service { code, name, distances, only_from, days, base, per_kg }
}

/// Ground and overnight are American; elsewhere a shipment within the country goes as in the neighbourhood.
const SERVICES: [Service; 9] = [
    service("FEDEX_GROUND", "FedEx Ground®", &[Distance::Domestic], Some("US"), 4, (800, 60)),
    service("FEDEX_EXPRESS_SAVER", "FedEx Express Saver®", &[Distance::Domestic], Some("US"), 3, (1500, 150)),
    service("FEDEX_2_DAY", "FedEx 2Day®", &[Distance::Domestic], Some("US"), 2, (1900, 220)),
    service("STANDARD_OVERNIGHT", "FedEx Standard Overnight®", &[Distance::Domestic], Some("US"), 1, (3200, 380)),
    service("PRIORITY_OVERNIGHT", "FedEx Priority Overnight®", &[Distance::Domestic], Some("US"), 1, (3900, 420)),
    service("FEDEX_REGIONAL_ECONOMY", "FedEx® Regional Economy", &[Distance::Union], None, 3, (1100, 90)),
    service("FEDEX_PRIORITY", "FedEx® Priority", &[Distance::Domestic, Distance::Union], None, 1, (1700, 160)),
    service("INTERNATIONAL_ECONOMY", "FedEx International Economy®", &[Distance::World], None, 5, (2400, 450)),
    service("FEDEX_INTERNATIONAL_PRIORITY", "FedEx International Priority®", &[Distance::World], None, 2, (3300, 640)),
];

const RULES: &[Rule] = &[
    ("accountNumber.value", Shape::Text(1, 9)),
    ("requestedShipment.shipper.address.countryCode", Shape::Text(2, 2)),
    ("requestedShipment.recipient.address.countryCode", Shape::Text(2, 2)),
    ("requestedShipment.pickupType", Shape::OneOf(PICKUP_TYPES)),
    ("requestedShipment.rateRequestType[]?", Shape::OneOf(&["LIST", "INCENTIVE", "ACCOUNT", "PREFERRED"])),
    ("requestedShipment.requestedPackageLineItems[].weight.units", Shape::OneOf(&["KG", "LB"])),
    ("requestedShipment.requestedPackageLineItems[].weight.value", Shape::Number),
    ("requestedShipment.requestedPackageLineItems[].dimensions?.units", Shape::OneOf(&["CM", "IN"])),
    ("requestedShipment.requestedPackageLineItems[].dimensions?.length", Shape::Number),
    ("requestedShipment.requestedPackageLineItems[].dimensions?.width", Shape::Number),
    ("requestedShipment.requestedPackageLineItems[].dimensions?.height", Shape::Number),
];

/// Characters of the code of a state.
const STATE_MAX_CHARS: usize = 2;

/// A way that FedEx goes.
pub(super) struct Way {
    pub(super) from: &'static Country,
    pub(super) to: &'static Country,
}

impl Way {
    /// Between the countries and postcodes of two addresses.
    pub(super) fn between(shipper: &Value, recipient: &Value) -> Result<Self, Failure> {
        Ok(Self { from: end_of_way("SHIPPER", shipper)?, to: end_of_way("RECIPIENT", recipient)? })
    }

    pub(super) fn services(&self) -> impl Iterator<Item = &'static Service> {
        SERVICES.iter().filter(|service| service.goes(self.from, self.to))
    }
}

fn end_of_way(end: &str, address: &Value) -> Result<&'static Country, Failure> {
    let unserved = || {
        Failure::invalid(
            format!("{end}.COUNTRY.NOTSERVED"),
            "This country or territory is not currently served by FedEx.",
        )
    };
    let country = country(text(address, "/countryCode")).ok_or_else(unserved)?;
    if text(address, "/stateOrProvinceCode").len() > STATE_MAX_CHARS {
        let message = "The state or province code exceeds the limit of 2 characters.";
        return Err(Failure::invalid(format!("{end}.STATEORPROVINCECODE.MAXCHAREXCEEDED"), message));
    }
    let postcode = text(address, "/postalCode");
    if country.has_postcodes() && postcode.is_empty() {
        let message = "The postal code is required for this country.";
        return Err(Failure::invalid(format!("{end}.POSTALCODE.REQUIRED"), message));
    }
    if !country.takes_postcode(postcode) {
        let message = "Invalid or missing postal code for this country.";
        return Err(Failure::invalid("COUNTRY.POSTALCODE.INVALID", message));
    }
    Ok(country)
}

/// The parcels of a request's line items, each as often as its group counts.
pub(super) fn parcels(items: &[Value]) -> Result<Vec<Parcel>, Failure> {
    let mut parcels = Vec::new();
    for item in items {
        let number = |pointer: &str| item.pointer(pointer).and_then(Value::as_f64).unwrap_or_default();
        let size = item
            .get("dimensions")
            .filter(|size| !size.is_null())
            .map(|_| [number("/dimensions/length"), number("/dimensions/width"), number("/dimensions/height")]);
        let pounds = text(item, "/weight/units") == "LB";
        let parcel = Parcel::new(number("/weight/value"), pounds, size, text(item, "/dimensions/units") == "IN");
        if parcel.weight_g > PARCEL_MAX_G {
            let message = "Package weight exceeds the maximum of 150 LB (68 KG).";
            return Err(Failure::invalid("PACKAGE.WEIGHT.EXCEEDED", message));
        }
        let count = item["groupPackageCount"].as_u64().unwrap_or(1).clamp(1, 99);
        parcels.extend((0..count).map(|_| parcel));
    }
    Ok(parcels)
}

impl State {
    pub(super) fn rates(&mut self, now_ms: i64, body: &Value, dial: &mut FaultDial) -> Result<Value, Failure> {
        hold(body, RULES)?;
        if text(body, "/accountNumber/value") != self.account_number {
            let message = "When payment Type is SENDER, ShippingChargesPayment Payor AccountNumber should match the \
                shipper account number.";
            return Err(Failure::invalid("ACCOUNT.NUMBER.MISMATCH", message));
        }
        let shipment = &body["requestedShipment"];
        let way = Way::between(&shipment["shipper"]["address"], &shipment["recipient"]["address"])?;
        let parcels = parcels(list(shipment, "/requestedPackageLineItems"))?;
        let wanted = text(shipment, "/serviceType");
        let start = match text(shipment, "/shipDateStamp") {
            "" => Moment::new(now_ms),
            date => Moment::of_date(date)
                .ok_or_else(|| Failure::invalid("SHIPDATESTAMP.INVALID", "The ship date is no date."))?,
        };
        let with_times = body["rateRequestControlParameters"]["returnTransitTimes"] == true;
        let types = list(shipment, "/rateRequestType");
        let wants_list = types.iter().any(|kind| kind == "LIST");
        let services = way.services().filter(|service| wanted.is_empty() || wanted == service.code);
        let mut details: Vec<Value> = services
            .map(|service| {
                let price = service.price(way.from, way.to, &parcels);
                let mut detail = json!({
                    "serviceType": service.code,
                    "serviceName": service.name,
                    "packagingType": "YOUR_PACKAGING",
                    "ratedShipmentDetails": rated(price, wants_list, &parcels),
                });
                if with_times {
                    let arrival = start.after_business_days(service.days);
                    detail["operationalDetail"] = json!({
                        "deliveryDate": arrival.date_and_clock(),
                        "deliveryDay": arrival.weekday().get(..3),
                        "commitDate": arrival.date_and_clock(),
                        "transitTime": days_in_words(service.days),
                        "ineligibleForMoneyBackGuarantee": false,
                    });
                    detail["commit"] = json!({
                        "dateDetail": {
                            "dayOfWeek": arrival.weekday().get(..3),
                            "dayFormat": arrival.date_and_clock(),
                        },
                        "daysInTransit": days_in_words(service.days),
                        "saturdayDelivery": false,
                    });
                }
                detail
            })
            .collect();
        if details.is_empty() {
            let message = "There are no valid services available for this origin and destination.";
            return Err(Failure::invalid("SERVICE.NOT.AVAILABLE", message));
        }
        if let (Some(odd), Some(first)) = (dial.for_rates(Vendor::FedEx), details.first_mut()) {
            make_odd(first, odd);
        }
        Ok(json!({ "rateReplyDetails": details, "quoteDate": Moment::new(now_ms).date(), "isEncoded": false }))
    }
}

fn rated(price: Money, wants_list: bool, parcels: &[Parcel]) -> Value {
    let public = Money { minor: price.minor * LIST_PERCENT / 100, ..price };
    let grams: i64 = parcels.iter().map(Parcel::billed_g).sum();
    let detail = |kind: &str, price: Money| {
        json!({
            "rateType": kind,
            "ratedWeightMethod": "ACTUAL",
            "totalDiscounts": 0.0,
            "totalBaseCharge": price.number(),
            "totalNetCharge": price.number(),
            "totalNetFedExCharge": price.number(),
            "shipmentRateDetail": {
                "rateZone": "",
                "dimDivisor": 0,
                "totalSurcharges": 0.0,
                "totalBillingWeight": { "units": "KG", "value": kilograms_number(grams) },
                "currency": price.currency,
            },
            // Not in the specification, but in every real answer.
            "currency": price.currency,
        })
    };
    let list = wants_list.then(|| detail("LIST", public));
    [detail("ACCOUNT", price)].into_iter().chain(list).collect()
}

fn make_odd(detail: &mut Value, odd: OddRate) {
    match odd {
        OddRate::MissingPrice => {
            for rated in detail["ratedShipmentDetails"].as_array_mut().into_iter().flatten() {
                if let Some(rated) = rated.as_object_mut() {
                    rated.retain(|name, _| !name.starts_with("totalNet"));
                }
            }
        }
        OddRate::UnknownFields => {
            detail["serviceType"] = "FEDEX_HOVERCRAFT".into();
            detail["carbonFootprint"] = json!({ "grams": 12 });
        }
        OddRate::OtherType => {
            for rated in detail["ratedShipmentDetails"].as_array_mut().into_iter().flatten() {
                rated["totalNetCharge"] = rated["totalNetCharge"].to_string().into();
            }
        }
    }
}

pub(super) fn days_in_words(days: i64) -> &'static str {
    match days {
        1 => "ONE_DAY",
        2 => "TWO_DAYS",
        3 => "THREE_DAYS",
        4 => "FOUR_DAYS",
        5 => "FIVE_DAYS",
        _ => "UNKNOWN",
    }
}
