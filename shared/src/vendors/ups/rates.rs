//! What UPS asks for a shipment (POST /api/rating/{version}/{requestoption}).

use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{
    self, Charge, Coded, VERSION, address, charges, company_or_name, destination, dimensions, invoice_total,
    is_imperial, weight,
};
use crate::domain::shipping::{Carrier, Consignment, Day, Parcel, Rate};
use crate::vendors::lenient::{self, Each, read_of};

/// Characters of a state's code here.
const STATE_CHARS: usize = 2;
const NAME_CHARS: usize = 35;

/// Where to ask.
pub(super) fn path(consignment: &Consignment, service: Option<&str>) -> String {
    format!("/api/rating/{VERSION}/{}", option(consignment, service))
}

/// All services or one; with transit times, unless the value of the goods is not known on the way to another country:
/// there UPS wants it for them.
fn option(consignment: &Consignment, service: Option<&str>) -> &'static str {
    let timed = !consignment.is_cross_border() || invoice_total(consignment).is_some();
    match (service, timed) {
        (None, true) => "Shoptimeintransit",
        (None, false) => "Shop",
        (Some(_), true) => "Ratetimeintransit",
        (Some(_), false) => "Rate",
    }
}

/// The question: all services, or one.
pub(super) fn request(consignment: &Consignment, service: Option<&str>, account: &str) -> Value {
    let (from, to) = (&consignment.shipper, &consignment.recipient);
    let imperial = is_imperial(&from.address);
    let package = |parcel: &Parcel| {
        json!({
            "PackagingType": { "Code": "02", "Description": "Package" },
            "Dimensions": dimensions(parcel, imperial),
            "PackageWeight": weight(parcel.weight_mg(), imperial),
        })
    };
    // At the checkout nobody has a name yet.
    let name = |party| Some(company_or_name(party, NAME_CHARS)).filter(|name| !name.is_empty());
    wire::sparse(json!({ "RateRequest": {
        "Request": { "RequestOption": option(consignment, service) },
        "Shipment": {
            "Shipper": {
                "Name": name(from),
                "ShipperNumber": account,
                "Address": address(&from.address, STATE_CHARS),
            },
            "ShipTo": {
                "Name": name(to),
                "Address": destination(&to.address, STATE_CHARS),
            },
            "PaymentDetails": { "ShipmentCharge": charges(consignment, account) },
            "Service": service.map(|code| json!({ "Code": code })),
            "ShipmentTotalWeight": weight(consignment.weight_mg(), imperial),
            "Package": consignment.parcels.iter().map(package).collect::<Vec<_>>(),
            // What the account really pays, next to the list price.
            "ShipmentRatingOptions": { "NegotiatedRatesIndicator": "Y" },
            "InvoiceLineTotal": invoice_total(consignment),
            // Not documents.
            "DeliveryTimeInformation": { "PackageBillType": "03", "Pickup": { "Date": consignment.ship_date.compact() } },
        },
    } }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RateEnvelope {
    rate_response: RateResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RateResponse {
    #[serde(default, deserialize_with = "lenient::list")]
    rated_shipment: Vec<Each<RatedShipment>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RatedShipment {
    service: Coded,
    #[serde(default, deserialize_with = "lenient::maybe")]
    total_charges: Option<Charge>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    negotiated_rate_charges: Option<Negotiated>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    guaranteed_delivery: Option<Guaranteed>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    time_in_transit: Option<TimeInTransit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Negotiated {
    #[serde(default, deserialize_with = "lenient::maybe")]
    total_charge: Option<Charge>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Guaranteed {
    #[serde(default, deserialize_with = "lenient::text")]
    business_days_in_transit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeInTransit {
    service_summary: ServiceSummary,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServiceSummary {
    estimated_arrival: EstimatedArrival,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EstimatedArrival {
    #[serde(default, deserialize_with = "lenient::maybe")]
    arrival: Option<Arrival>,
    #[serde(default, deserialize_with = "lenient::text")]
    business_days_in_transit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Arrival {
    #[serde(default, deserialize_with = "lenient::text")]
    date: Option<String>,
}

/// The rates of an answer; `None` when it is no answer to this question, or none of them can be read.
pub(super) fn read(body: &[u8], consignment: &Consignment) -> Option<Vec<Rate>> {
    let answer: RateEnvelope = serde_json::from_slice(body).ok()?;
    let is_us_origin = is_imperial(&consignment.shipper.address);
    read_of(answer.rate_response.rated_shipment, |rated| rated.rate(is_us_origin))
}

impl RatedShipment {
    /// The rate, with the account's own price where it has one.
    fn rate(self, is_us_origin: bool) -> Option<Rate> {
        let service = self.service.code?;
        let negotiated = self.negotiated_rate_charges.and_then(|charges| charges.total_charge?.money());
        let price = negotiated.or_else(|| self.total_charges?.money())?;
        let arrival = self.time_in_transit.map(|time| time.service_summary.estimated_arrival);
        let days = arrival.as_ref().and_then(|arrival| arrival.business_days_in_transit.clone());
        let days = days.or_else(|| self.guaranteed_delivery?.business_days_in_transit);
        let date = arrival.and_then(|arrival| Day::parse_compact(&arrival.arrival?.date?));
        let name = wire::service_name(&service, is_us_origin).map_or_else(|| format!("UPS {service}"), str::to_owned);
        Some(Rate {
            carrier: Carrier::Ups,
            service,
            name,
            price,
            transit_days: days.and_then(|days| days.parse().ok()),
            delivery_date: date,
        })
    }
}
