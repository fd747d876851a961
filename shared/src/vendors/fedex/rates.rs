//! What FedEx asks. (POST /rate/v1/rates/quotes.)

use serde::{Deserialize, Serialize};

use super::currency::price;
use super::ship::Payment;
use super::wire::{
    AccountNumber, Address, Commodity, Decimal, Dimensions, PACKAGING, PICKUP, Units, Weight, total_weight,
};
use crate::domain::Timestamp;
use crate::domain::shipping::{Carrier, Consignment, Day, Incoterm, Parcel, Rate};
use crate::vendors::lenient::{Each, list, maybe, read_of, text};

/// The price that our account pays, not the list's.
const ACCOUNT: &str = "ACCOUNT";
/// Characters of `2026-01-31`, with which a date and time begins.
const DAY_CHARS: usize = 10;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    account_number: AccountNumber,
    rate_request_control_parameters: Control,
    requested_shipment: Shipment<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Control {
    return_transit_times: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shipment<'a> {
    shipper: Party<'a>,
    recipient: Party<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_type: Option<&'a str>,
    rate_request_type: [&'static str; 1],
    ship_date_stamp: Day,
    pickup_type: &'static str,
    packaging_type: &'static str,
    total_package_count: usize,
    total_weight: Decimal,
    requested_package_line_items: Vec<Package>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customs_clearance_detail: Option<Customs<'a>>,
}

#[derive(Debug, Serialize)]
struct Party<'a> {
    address: Address<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    group_package_count: u8,
    weight: Weight,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<Dimensions>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Customs<'a> {
    /// Where we pay them, as the label will say.
    #[serde(skip_serializing_if = "Option::is_none")]
    duties_payment: Option<Payment>,
    commodities: Vec<Commodity<'a>>,
}

pub(super) fn request<'a>(
    consignment: &'a Consignment,
    service: Option<&'a str>,
    account: &str,
    now: Timestamp,
) -> Request<'a> {
    let units = Units::of(consignment);
    let package = |parcel: &Parcel| Package {
        group_package_count: 1,
        weight: Weight::of(parcel.weight_mg(), units),
        dimensions: Dimensions::of(parcel, units),
    };
    Request {
        account_number: AccountNumber::of(account),
        rate_request_control_parameters: Control { return_transit_times: true },
        requested_shipment: Shipment {
            shipper: Party { address: Address::area_of(&consignment.shipper.address) },
            recipient: Party { address: Address::area_of(&consignment.recipient.address) },
            service_type: service,
            rate_request_type: [ACCOUNT],
            ship_date_stamp: consignment.ship_date_at(now),
            pickup_type: PICKUP,
            packaging_type: PACKAGING,
            total_package_count: consignment.parcels.len(),
            total_weight: total_weight(&consignment.parcels, units),
            requested_package_line_items: consignment.parcels.iter().map(package).collect(),
            customs_clearance_detail: consignment.customs.as_ref().map(|customs| Customs {
                duties_payment: (customs.incoterm == Incoterm::Ddp).then(|| Payment::ours(account)),
                commodities: Commodity::all(customs),
            }),
        },
    }
}

#[derive(Deserialize)]
struct Quoted {
    output: Output,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    #[serde(default, deserialize_with = "list")]
    rate_reply_details: Vec<Each<Offer>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    service_type: String,
    #[serde(default, deserialize_with = "text")]
    service_name: Option<String>,
    #[serde(default, deserialize_with = "list")]
    rated_shipment_details: Vec<Priced>,
    #[serde(default, deserialize_with = "maybe")]
    commit: Option<Commit>,
    #[serde(default, deserialize_with = "maybe")]
    operational_detail: Option<Operational>,
}

/// One of a service's prices.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Priced {
    #[serde(default, deserialize_with = "text")]
    rate_type: Option<String>,
    #[serde(default, deserialize_with = "text")]
    total_net_charge: Option<String>,
    #[serde(default, deserialize_with = "text")]
    currency: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    shipment_rate_detail: Option<InCurrency>,
}

#[derive(Deserialize)]
struct InCurrency {
    #[serde(default, deserialize_with = "text")]
    currency: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    #[serde(default, deserialize_with = "maybe")]
    transit_days: Option<TransitDays>,
    #[serde(default, deserialize_with = "maybe")]
    date_detail: Option<DateDetail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransitDays {
    #[serde(default, deserialize_with = "text")]
    minimum_transit_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DateDetail {
    /// The document's name for it.
    #[serde(default, deserialize_with = "text")]
    day_format: Option<String>,
    /// What the API sends.
    #[serde(default, deserialize_with = "text")]
    day_cxs_format: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Operational {
    #[serde(default, deserialize_with = "text")]
    transit_time: Option<String>,
    #[serde(default, deserialize_with = "text")]
    delivery_date: Option<String>,
    #[serde(default, deserialize_with = "text")]
    commit_date: Option<String>,
}

/// Every service that has a price of ours; `None` when none of those that are offered can be read.
pub(super) fn read(body: &[u8]) -> Option<Vec<Rate>> {
    let quoted: Quoted = serde_json::from_slice(body).ok()?;
    read_of(quoted.output.rate_reply_details, rate)
}

fn rate(service: Offer) -> Option<Rate> {
    let ours = service.rated_shipment_details.iter().find(|priced| priced.rate_type.as_deref() == Some(ACCOUNT))?;
    let currency = ours.currency.as_deref();
    let currency = currency.or_else(|| ours.shipment_rate_detail.as_ref()?.currency.as_deref())?;
    let price = price(ours.total_net_charge.as_deref()?, currency)?;
    let (commit, operational) = (service.commit.as_ref(), service.operational_detail.as_ref());
    let transit = commit.and_then(|commit| commit.transit_days.as_ref()?.minimum_transit_time.as_deref());
    let dates = commit.and_then(|commit| commit.date_detail.as_ref());
    let days = [
        dates.and_then(|dates| dates.day_format.as_deref()),
        dates.and_then(|dates| dates.day_cxs_format.as_deref()),
        operational.and_then(|detail| detail.delivery_date.as_deref()),
        operational.and_then(|detail| detail.commit_date.as_deref()),
    ];
    Some(Rate {
        carrier: Carrier::Fedex,
        name: service.service_name.unwrap_or_else(|| service.service_type.clone()),
        service: service.service_type,
        price,
        transit_days: transit.or_else(|| operational?.transit_time.as_deref()).and_then(days_of),
        delivery_date: days.into_iter().flatten().find_map(|at| Day::parse(at.get(..DAY_CHARS)?)),
    })
}

/// `TWO_DAYS` as a number; `None` for `UNKNOWN` and the like.
fn days_of(words: &str) -> Option<u16> {
    const NUMBERS: [&str; 20] = [
        "ONE",
        "TWO",
        "THREE",
        "FOUR",
        "FIVE",
        "SIX",
        "SEVEN",
        "EIGHT",
        "NINE",
        "TEN",
        "ELEVEN",
        "TWELVE",
        "THIRTEEN",
        "FOURTEEN",
        "FIFTEEN",
        "SIXTEEN",
        "SEVENTEEN",
        "EIGHTEEN",
        "NINETEEN",
        "TWENTY",
    ];
    let number = words.strip_suffix("_DAYS").or_else(|| words.strip_suffix("_DAY"))?;
    let place = NUMBERS.iter().position(|word| *word == number)?;
    u16::try_from(place + 1).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::wire::sample;
    use super::*;

    fn service(code: &str, charge: &Value) -> Value {
        json!({
            "serviceType": code, "serviceName": "FedEx Something",
            "ratedShipmentDetails": [
                {"rateType": "LIST", "totalNetCharge": 99.99, "currency": "USD"},
                {"rateType": "ACCOUNT", "totalNetCharge": charge, "currency": "USD"},
            ],
            "commit": {"transitDays": {"minimumTransitTime": "TWO_DAYS"}, "dateDetail": {"dayFormat": "2025-05-06T10:30:00"}},
        })
    }

    fn rates(services: &Value) -> Vec<Rate> {
        read(json!({"output": {"rateReplyDetails": services}}).to_string().as_bytes()).expect("readable")
    }

    #[test]
    fn a_rate_is_the_accounts_price_with_its_days() {
        let rates = rates(&json!([service("FEDEX_GROUND", &json!(445.54))]));
        assert_eq!(rates.len(), 1);
        assert_eq!((rates[0].service.as_str(), rates[0].name.as_str()), ("FEDEX_GROUND", "FedEx Something"));
        assert_eq!(rates[0].price.to_string(), "445.54 USD");
        assert_eq!((rates[0].transit_days, rates[0].delivery_date), (Some(2), Day::parse("2025-05-06")));
    }

    #[test]
    fn an_odd_rate_costs_only_itself() {
        let odd = [json!("99999999999999999999"), json!("soon"), json!(null), json!(-1), json!(0)];
        let mut services: Vec<Value> = odd.iter().map(|charge| service("ODD", charge)).collect();
        services.push(json!({"serviceType": "LIST_ONLY", "ratedShipmentDetails": [{"rateType": "LIST", "totalNetCharge": 1, "currency": "USD"}]}));
        services.push(json!({"serviceType": "NO_CURRENCY", "ratedShipmentDetails": [{"rateType": "ACCOUNT", "totalNetCharge": 1}]}));
        services.push(json!({"serviceType": "NO_PRICE"}));
        services.push(json!({"serviceType": 7}));
        services.push(json!("nothing"));
        services.push(json!({
            "serviceType": "BARE", "commit": "none", "operationalDetail": {"transitTime": "UNKNOWN", "deliveryDate": ""},
            "ratedShipmentDetails": [{"rateType": "ACCOUNT", "totalNetCharge": "15.8", "shipmentRateDetail": {"currency": "EUR"}}],
        }));
        let rates = rates(&Value::Array(services));
        assert_eq!(rates.len(), 1, "{rates:?}");
        assert_eq!((rates[0].name.as_str(), rates[0].price.to_string().as_str()), ("BARE", "15.80 EUR"));
        assert_eq!((rates[0].transit_days, rates[0].delivery_date), (None, None));
    }

    #[test]
    fn prices_of_which_none_can_be_read_are_not_no_prices() {
        let read = |services: Value| read(json!({"output": {"rateReplyDetails": services}}).to_string().as_bytes());
        assert_eq!(read(json!([])), Some(vec![]));
        assert_eq!(read(json!([service("ODD", &json!("soon")), 7, null])), None);
    }

    #[test]
    fn duties_that_we_pay_are_quoted_as_they_are_bought() {
        let mut consignment = sample::abroad();
        let duties = |consignment: &Consignment| {
            let sent = json!(request(consignment, None, sample::ACCOUNT, Timestamp::default()));
            sent["requestedShipment"]["customsClearanceDetail"]["dutiesPayment"].clone()
        };
        assert_eq!(duties(&consignment), Value::Null);
        if let Some(customs) = &mut consignment.customs {
            customs.incoterm = Incoterm::Ddp;
        }
        assert_eq!(duties(&consignment)["paymentType"], "SENDER");
        assert_eq!(duties(&consignment)["payor"]["responsibleParty"]["accountNumber"]["value"], sample::ACCOUNT);
    }

    #[test]
    fn a_rate_in_a_currency_that_fedex_names_its_own_way_is_a_rate() {
        let mut service = service("ECONOMY", &json!(12.5));
        service["ratedShipmentDetails"][1]["currency"] = json!("UKL");
        assert_eq!(rates(&json!([service]))[0].price.to_string(), "12.50 GBP");
    }

    #[test]
    fn days_are_read_from_their_words() {
        for (words, days) in
            [("ONE_DAY", Some(1)), ("TWENTY_DAYS", Some(20)), ("SMARTPOST_TRANSIT_DAYS", None), ("", None)]
        {
            assert_eq!(days_of(words), days, "{words}");
        }
    }

    #[test]
    fn a_quote_names_the_areas_and_the_account_but_nobody_and_no_street() {
        let consignment = sample::abroad();
        let sent = json!(request(&consignment, Some("INTERNATIONAL_ECONOMY"), sample::ACCOUNT, Timestamp::default()));
        let shipment = &sent["requestedShipment"];
        assert_eq!(sent["accountNumber"]["value"], sample::ACCOUNT);
        assert_eq!(sent["rateRequestControlParameters"]["returnTransitTimes"], true);
        assert_eq!(shipment["rateRequestType"], json!(["ACCOUNT"]));
        assert_eq!(shipment["serviceType"], "INTERNATIONAL_ECONOMY");
        assert_eq!(
            shipment["recipient"],
            json!({"address": {
                "city": "Oslo", "postalCode": "0155", "countryCode": "NO", "residential": true,
            }})
        );
        assert_eq!(shipment["customsClearanceDetail"]["commodities"][0]["quantity"], 3);
        assert_eq!(shipment["shipDateStamp"], "2025-05-02");
        assert!(!sent.to_string().contains("Storgata") && !sent.to_string().contains("Ola"));
        let all = json!(request(&consignment, None, sample::ACCOUNT, Timestamp::default()));
        assert_eq!(all["requestedShipment"].get("serviceType"), None);
    }
}
