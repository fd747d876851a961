//! What a shipment would cost: the services, and POST /api/rating/{version}/{option}.

use super::failure::Failure;
use super::{State, each, response};
use crate::parcels::checks::{Rule, Shape, decimal, hold, text};
use crate::parcels::places::{Country, Distance, country};
use crate::parcels::tariff::{Parcel, Service, kilograms};
use crate::parcels::{Moment, Money, OddRate};
use crate::{FaultDial, Vendor};
use serde_json::{Value, json};

/// The heaviest parcel, in grams (150 lb).
const PARCEL_MAX_G: i64 = 68_039;

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

/// Within the United States there are other services than elsewhere.
const SERVICES: [Service; 9] = [
    service("03", "UPS Ground", &[Distance::Domestic], Some("US"), 4, (780, 62)),
    service("12", "UPS 3 Day Select", &[Distance::Domestic], Some("US"), 3, (1450, 155)),
    service("02", "UPS 2nd Day Air", &[Distance::Domestic], Some("US"), 2, (1850, 225)),
    service("13", "UPS Next Day Air Saver", &[Distance::Domestic], Some("US"), 1, (3150, 375)),
    service("01", "UPS Next Day Air", &[Distance::Domestic], Some("US"), 1, (3850, 425)),
    service("11", "UPS Standard", &[Distance::Union], None, 3, (1000, 85)),
    service("65", "UPS Worldwide Saver", &[Distance::Domestic, Distance::Union, Distance::World], None, 2, (1650, 170)),
    service("07", "UPS Worldwide Express", &[Distance::Union, Distance::World], None, 1, (2100, 210)),
    service("08", "UPS Worldwide Expedited", &[Distance::World], None, 5, (1400, 150)),
];

const RULES: &[Rule] = &[
    ("RateRequest.Request", Shape::Object),
    ("RateRequest.Shipment.Shipper.Name?", Shape::Text(1, 35)),
    // A price needs no street.
    ("RateRequest.Shipment.Shipper.Address.AddressLine[]?", Shape::Text(1, 35)),
    ("RateRequest.Shipment.Shipper.Address.CountryCode", Shape::Text(2, 2)),
    ("RateRequest.Shipment.ShipTo.Name?", Shape::Text(1, 35)),
    ("RateRequest.Shipment.ShipTo.Address.AddressLine[]?", Shape::Text(1, 35)),
    ("RateRequest.Shipment.ShipTo.Address.CountryCode", Shape::Text(2, 2)),
];

const PACKAGE_RULES: &[Rule] = &[
    ("PackageWeight.UnitOfMeasurement.Code", Shape::OneOf(&["LBS", "KGS"])),
    ("PackageWeight.Weight", Shape::NumberText),
    ("Dimensions?.UnitOfMeasurement.Code", Shape::OneOf(&["IN", "CM"])),
    ("Dimensions?.Length", Shape::NumberText),
    ("Dimensions?.Width", Shape::NumberText),
    ("Dimensions?.Height", Shape::NumberText),
];

/// A way that UPS goes.
pub(super) struct Way {
    pub(super) from: &'static Country,
    pub(super) to: &'static Country,
}

impl Way {
    /// From where it is shipped to where it goes.
    pub(super) fn of(shipment: &Value) -> Result<Self, Failure> {
        let from = if shipment["ShipFrom"].is_object() { &shipment["ShipFrom"] } else { &shipment["Shipper"] };
        Ok(Self {
            from: end_of_way("ShipFrom", &from["Address"])?,
            to: end_of_way("ShipTo", &shipment["ShipTo"]["Address"])?,
        })
    }

    pub(super) fn services(&self) -> impl Iterator<Item = &'static Service> {
        SERVICES.iter().filter(|service| service.goes(self.from, self.to))
    }
}

fn end_of_way(end: &str, address: &Value) -> Result<&'static Country, Failure> {
    let code = text(address, "/CountryCode");
    let missing = || Failure::invalid("110208", format!("Missing/Illegal {end}/Address/CountryCode"));
    let country = country(code).ok_or_else(missing)?;
    let postcode = text(address, "/PostalCode");
    if country.has_postcodes() && postcode.is_empty() {
        return Err(Failure::invalid("110209", format!("Missing {end}/Address/PostalCode")));
    }
    if !country.takes_postcode(postcode) {
        let place = text(address, "/StateProvinceCode");
        return Err(Failure::invalid("111285", format!("The postal code {postcode} is invalid for {place} {code}.")));
    }
    Ok(country)
}

pub(super) fn parcels(shipment: &Value) -> Result<Vec<Parcel>, Failure> {
    let packages = each(shipment, "Package");
    if packages.is_empty() {
        return Err(Failure::invalid("110002", "No packages in shipment"));
    }
    let mut parcels = Vec::new();
    for package in packages {
        hold(package, PACKAGE_RULES)?;
        let number = |pointer: &str| decimal(text(package, pointer)).unwrap_or_default();
        let size = package["Dimensions"]
            .is_object()
            .then(|| [number("/Dimensions/Length"), number("/Dimensions/Width"), number("/Dimensions/Height")]);
        let pounds = text(package, "/PackageWeight/UnitOfMeasurement/Code") == "LBS";
        let inches = text(package, "/Dimensions/UnitOfMeasurement/Code") == "IN";
        let parcel = Parcel::new(number("/PackageWeight/Weight"), pounds, size, inches);
        if parcel.weight_g > PARCEL_MAX_G {
            let message =
                "The maximum per package weight for the selected service from the selected country is 150 pounds.";
            return Err(Failure::invalid("111035", message));
        }
        parcels.push(parcel);
    }
    Ok(parcels)
}

impl State {
    pub(super) fn rates(
        &mut self,
        now_ms: i64,
        option: &str,
        body: &Value,
        dial: &mut FaultDial,
    ) -> Result<Value, Failure> {
        hold(body, RULES)?;
        let shop = option.to_ascii_lowercase().starts_with("shop");
        let with_times = option.to_ascii_lowercase().ends_with("timeintransit");
        if !["rate", "shop", "ratetimeintransit", "shoptimeintransit"].contains(&option.to_ascii_lowercase().as_str()) {
            return Err(Failure::invalid("20006", "Invalid request action."));
        }
        let shipment = &body["RateRequest"]["Shipment"];
        let number = text(shipment, "/Shipper/ShipperNumber");
        if !number.is_empty() && !number.eq_ignore_ascii_case(&self.account_number) {
            return Err(Failure::invalid("111580", "The shipper number is not valid."));
        }
        let way = Way::of(shipment)?;
        for package in each(shipment, "Package") {
            hold(package, &[("PackagingType.Code", Shape::Text(2, 2))])?;
        }
        let parcels = parcels(shipment)?;
        if with_times {
            hold(shipment, &[("DeliveryTimeInformation.PackageBillType", Shape::OneOf(&["02", "03", "04"]))])?;
        }
        let start = match text(shipment, "/DeliveryTimeInformation/Pickup/Date") {
            "" => Moment::new(now_ms),
            date => Moment::of_compact(date, "0900")
                .ok_or_else(|| Failure::invalid("20008", "The field, Pickup.Date, contains invalid data."))?,
        };
        let wanted = text(shipment, "/Service/Code");
        if !shop && wanted.is_empty() {
            return Err(Failure::invalid("111100", "The requested service is invalid from the selected origin."));
        }
        let services = way.services().filter(|service| shop || service.code == wanted);
        let mut rated: Vec<Value> = services
            .map(|service| {
                let mut rated = rated(service, service.price(way.from, way.to, &parcels), &parcels);
                if with_times {
                    rated["TimeInTransit"] = time_in_transit(service, start);
                }
                rated
            })
            .collect();
        if rated.is_empty() {
            let message = "The requested service is unavailable between the selected locations.";
            return Err(Failure::invalid("111210", message));
        }
        if let (Some(odd), Some(first)) = (dial.for_rates(Vendor::Ups), rated.first_mut()) {
            make_odd(first, odd);
        }
        Ok(json!({ "RateResponse": { "Response": response(&body["RateRequest"]), "RatedShipment": rated } }))
    }
}

/// An amount as UPS writes it.
pub(super) fn charge(price: Money) -> Value {
    json!({ "CurrencyCode": price.currency, "MonetaryValue": price.decimal() })
}

fn rated(service: &Service, price: Money, parcels: &[Parcel]) -> Value {
    let nothing = Money { minor: 0, ..price };
    let weight = |grams: i64| {
        json!({
            "UnitOfMeasurement": { "Code": "KGS", "Description": "Kilograms" },
            "Weight": kilograms(grams),
        })
    };
    let packages = parcels.iter().enumerate().map(|(i, parcel)| {
        let share = price.share(i, parcels.len());
        json!({
            "TransportationCharges": charge(share),
            "ServiceOptionsCharges": charge(nothing),
            "TotalCharges": charge(share),
            "Weight": kilograms(parcel.weight_g),
            "BillingWeight": weight(parcel.billed_g()),
        })
    });
    json!({
        "Service": { "Code": service.code, "Description": "" },
        "RatedShipmentAlert": [{
            "Code": "110971",
            "Description": "Your invoice may vary from the displayed reference rates",
        }],
        "BillingWeight": weight(parcels.iter().map(Parcel::billed_g).sum()),
        "TransportationCharges": charge(price),
        "ServiceOptionsCharges": charge(nothing),
        "TotalCharges": charge(price),
        "RatedPackage": packages.collect::<Value>(),
    })
}

fn time_in_transit(service: &Service, start: Moment) -> Value {
    let arrival = start.after_business_days(service.days);
    let weekday = arrival.weekday();
    json!({
        "PickupDate": start.compact_date(),
        "PackageBillType": "03",
        "ServiceSummary": {
            "Service": { "Description": service.name },
            "GuaranteedIndicator": "",
            "EstimatedArrival": {
                "Arrival": { "Date": arrival.compact_date(), "Time": arrival.compact_time() },
                "BusinessDaysInTransit": service.days.to_string(),
                "Pickup": { "Date": start.compact_date(), "Time": "180000" },
                "DayOfWeek": weekday.get(..3),
                "TotalTransitDays": service.days.to_string(),
            },
            "SaturdayDelivery": "0",
        },
    })
}

fn make_odd(rated: &mut Value, odd: OddRate) {
    match odd {
        OddRate::MissingPrice => {
            if let Some(rated) = rated.as_object_mut() {
                rated.remove("TotalCharges");
            }
        }
        OddRate::UnknownFields => {
            rated["Service"] = json!({ "Code": "ZZ", "Description": "UPS Hovercraft" });
            rated["CarbonFootprint"] = json!({ "Grams": "12" });
        }
        OddRate::OtherType => {
            let number = text(rated, "/TotalCharges/MonetaryValue").parse::<f64>().unwrap_or_default();
            rated["TotalCharges"]["MonetaryValue"] = number.into();
        }
    }
}
