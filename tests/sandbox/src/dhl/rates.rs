//! What a shipment would cost: the products, and POST /rates.

use super::failure::Failure;
use super::{State, ahead, held, service_area};
use crate::parcels::checks::{Rule, Shape, list, text};
use crate::parcels::places::{Country, Distance, country};
use crate::parcels::tariff::{Parcel, Service, kilograms_number};
use crate::parcels::{Moment, Money, OddRate};
use crate::{FaultDial, Vendor};
use serde_json::{Value, json};

/// The heaviest piece, in grams.
const PIECE_MAX_G: i64 = 70_000;

const fn product(
    code: &'static str,
    name: &'static str,
    distances: &'static [Distance],
    days: i64,
    (base, per_kg): (i64, i64),
) -> Service {
    Service { code, name, distances, only_from: None, days, base, per_kg }
}

const PRODUCTS: [Service; 7] = [
    product("N", "EXPRESS DOMESTIC", &[Distance::Domestic], 1, (1300, 120)),
    product("W", "ECONOMY SELECT", &[Distance::Union], 3, (1200, 95)),
    product("U", "EXPRESS WORLDWIDE", &[Distance::Union], 1, (1800, 170)),
    product("T", "EXPRESS 12:00", &[Distance::Union], 1, (2300, 190)),
    product("H", "ECONOMY SELECT NONDOC", &[Distance::World], 6, (1500, 140)),
    product("P", "EXPRESS WORLDWIDE NONDOC", &[Distance::World], 3, (2000, 220)),
    product("Y", "EXPRESS 12:00 NONDOC", &[Distance::World], 2, (2700, 260)),
];

const KNOWN: &[&str] = &[
    "accounts",
    "customerDetails",
    "estimatedDeliveryDate",
    "getAdditionalInformation",
    "isCustomsDeclarable",
    "localProductCode",
    "monetaryAmount",
    "nextBusinessDay",
    "packages",
    "payerCountryCode",
    "plannedShippingDateAndTime",
    "productCode",
    "productTypeCode",
    "productsAndServices",
    "requestAllValueAddedServices",
    "returnStandardProductsOnly",
    "unitOfMeasurement",
    "valueAddedServices",
];

const RULES: &[Rule] = &[
    ("customerDetails.shipperDetails.postalCode", Shape::Text(0, 12)),
    ("customerDetails.shipperDetails.cityName", Shape::Text(1, 45)),
    ("customerDetails.shipperDetails.countryCode", Shape::Text(2, 2)),
    ("customerDetails.receiverDetails.postalCode", Shape::Text(0, 12)),
    ("customerDetails.receiverDetails.cityName", Shape::Text(1, 45)),
    ("customerDetails.receiverDetails.countryCode", Shape::Text(2, 2)),
    ("accounts[]?.typeCode", Shape::OneOf(&["shipper", "payer", "duties-taxes"])),
    ("accounts[]?.number", Shape::Text(1, 12)),
    ("plannedShippingDateAndTime", Shape::Text(1, 29)),
    ("unitOfMeasurement", Shape::OneOf(&["metric", "imperial"])),
    ("isCustomsDeclarable", Shape::Flag),
    ("packages[].weight", Shape::Number),
    ("packages[].dimensions?.length", Shape::Number),
    ("packages[].dimensions?.width", Shape::Number),
    ("packages[].dimensions?.height", Shape::Number),
];

/// A way that DHL goes.
pub(super) struct Way {
    pub(super) from: &'static Country,
    pub(super) to: &'static Country,
}

impl Way {
    /// Between two addresses.
    pub(super) fn between(shipper: &Value, receiver: &Value) -> Result<Self, Failure> {
        Ok(Self { from: end_of_way("origin", shipper)?, to: end_of_way("destination", receiver)? })
    }

    pub(super) fn products(&self) -> impl Iterator<Item = &'static Service> {
        let within_america = self.from.code == "US" && self.to.code == "US";
        PRODUCTS.iter().filter(move |product| !within_america && product.goes(self.from, self.to))
    }
}

fn end_of_way(end: &str, address: &Value) -> Result<&'static Country, Failure> {
    let code = text(address, "/countryCode");
    let unserved = || Failure::invalid(format!("1001: The {end} country code {code} is invalid or not served."));
    let country = country(code).ok_or_else(unserved)?;
    let postcode = text(address, "/postalCode");
    if !country.takes_postcode(postcode) {
        let message = format!("420505: The {end} location is invalid: postcode {postcode}, country {code}.");
        return Err(Failure::invalid(message));
    }
    Ok(country)
}

pub(super) fn parcels(packages: &[Value], unit: &str) -> Result<Vec<Parcel>, Failure> {
    let imperial = unit == "imperial";
    let parcel = |package: &Value| {
        let number = |pointer: &str| package.pointer(pointer).and_then(Value::as_f64).unwrap_or_default();
        let size = package["dimensions"]
            .is_object()
            .then(|| [number("/dimensions/length"), number("/dimensions/width"), number("/dimensions/height")]);
        let parcel = Parcel::new(number("/weight"), imperial, size, imperial);
        if parcel.weight_g > PIECE_MAX_G {
            return Err(Failure::invalid("1010: The piece weight exceeds the maximum of 70 kg for this product."));
        }
        Ok(parcel)
    };
    packages.iter().map(parcel).collect()
}

impl State {
    pub(super) fn rates(&mut self, now_ms: i64, body: &Value, dial: &mut FaultDial) -> Result<Value, Failure> {
        held(body, KNOWN, RULES)?;
        let planned = ahead(now_ms, "ShipTimeStamp", text(body, "/plannedShippingDateAndTime"))?;
        self.check_accounts(list(body, "/accounts"))?;
        let receiver = &body["customerDetails"]["receiverDetails"];
        let way = Way::between(&body["customerDetails"]["shipperDetails"], receiver)?;
        let parcels = parcels(list(body, "/packages"), text(body, "/unitOfMeasurement"))?;
        let wanted = text(body, "/productCode");
        let products = way.products().filter(|product| wanted.is_empty() || product.code == wanted);
        let city = text(receiver, "/cityName");
        let mut found: Vec<Value> = products
            .map(|product| priced(product, product.price(way.from, way.to, &parcels), &parcels, planned, city))
            .collect();
        if found.is_empty() {
            let message = "1001: The requested product(s) not available based on your search criteria.";
            return Err(Failure::invalid(message));
        }
        if let (Some(odd), Some(first)) = (dial.for_rates(Vendor::Dhl), found.first_mut()) {
            make_odd(first, odd);
        }
        Ok(json!({ "products": found, "exchangeRates": [] }))
    }
}

fn priced(product: &Service, price: Money, parcels: &[Parcel], planned: Moment, city: &str) -> Value {
    let arrival = planned.after_business_days(product.days);
    let provided: i64 = parcels.iter().map(|parcel| parcel.weight_g).sum();
    let billed: i64 = parcels.iter().map(Parcel::billed_g).sum();
    json!({
        "productName": product.name,
        "productCode": product.code,
        "localProductCode": product.code,
        "networkTypeCode": if product.name.starts_with("ECONOMY") { "DD" } else { "TD" },
        "isCustomerAgreement": false,
        "weight": { "volumetric": kilograms_number(billed), "provided": kilograms_number(provided), "unitOfMeasurement": "metric" },
        "totalPrice": [
            { "currencyType": "BILLC", "priceCurrency": price.currency, "price": price.number() },
            { "currencyType": "PULCL", "priceCurrency": price.currency, "price": price.number() },
        ],
        "pickupCapabilities": {
            "nextBusinessDay": false,
            "localCutoffDateAndTime": format!("{}T19:00:00", planned.date()),
            "pickupDayOfWeek": planned.weekday_number(),
        },
        "deliveryCapabilities": {
            "deliveryTypeCode": "QDDC",
            "estimatedDeliveryDateAndTime": format!("{}T23:59:00", arrival.date()),
            "destinationServiceAreaCode": service_area(city),
            "deliveryAdditionalDays": 0,
            "deliveryDayOfWeek": arrival.weekday_number(),
            "totalTransitDays": product.days,
        },
        "pricingDate": planned.date(),
    })
}

fn make_odd(product: &mut Value, odd: OddRate) {
    match odd {
        OddRate::MissingPrice => {
            for price in product["totalPrice"].as_array_mut().into_iter().flatten() {
                if let Some(price) = price.as_object_mut() {
                    price.remove("price");
                }
            }
        }
        OddRate::UnknownFields => {
            product["productCode"] = "?".into();
            product["carbonFootprint"] = json!({ "grams": 12 });
        }
        OddRate::OtherType => {
            for price in product["totalPrice"].as_array_mut().into_iter().flatten() {
                price["price"] = price["price"].to_string().into();
            }
        }
    }
}
