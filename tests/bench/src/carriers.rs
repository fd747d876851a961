//! What the canned carriers say of a parcel from one country of the Union to another, in their own shapes: prices as the
//! account's, beside what else they send of each service.

use http::HeaderValue;
use serde_json::{Value, json};

use crate::server::Answer;

/// Seconds that a token lives: FedEx's an hour, UPS's four.
const FEDEX_TOKEN_S: u32 = 3_600;
const UPS_TOKEN_S: u32 = 14_399;
/// About as many characters as a real token has, which is a JWT.
const TOKEN_CHARS: usize = 1_100;

/// FedEx: code, name, price, days in its words.
const FEDEX: [(&str, &str, f64, &str); 4] = [
    ("FEDEX_INTERNATIONAL_CONNECT_PLUS", "FedEx International Connect Plus®", 18.42, "THREE_DAYS"),
    ("FEDEX_REGIONAL_ECONOMY", "FedEx® Regional Economy", 21.07, "THREE_DAYS"),
    ("FEDEX_INTERNATIONAL_PRIORITY", "FedEx International Priority®", 33.9, "ONE_DAY"),
    ("FEDEX_INTERNATIONAL_PRIORITY_EXPRESS", "FedEx International Priority® Express", 48.15, "ONE_DAY"),
];
/// UPS: code, price, the account's price, days. It sends no names.
const UPS: [(&str, &str, &str, &str); 5] = [
    ("11", "24.36", "16.80", "3"),
    ("65", "41.90", "29.33", "1"),
    ("07", "52.75", "36.93", "1"),
    ("54", "96.10", "67.27", "1"),
    ("08", "38.20", "26.74", "3"),
];
/// DHL: code, name, price, days.
const DHL: [(&str, &str, f64, u8); 4] = [
    ("W", "ECONOMY SELECT", 22.45, 3),
    ("U", "EXPRESS WORLDWIDE", 34.8, 1),
    ("T", "EXPRESS 12:00", 46.3, 1),
    ("K", "EXPRESS 9:00", 71.55, 1),
];

/// FedEx's token or prices.
pub(crate) fn fedex(operation: &str) -> Answer {
    if operation.ends_with("/oauth/token") {
        let (token, scope) = (token(), "CXS-TP");
        return said(
            &json!({ "access_token": token, "token_type": "bearer", "expires_in": FEDEX_TOKEN_S, "scope": scope }),
        );
    }
    let details: Vec<Value> = FEDEX.into_iter().map(fedex_service).collect();
    said(&json!({
        "transactionId": "624deea6-b709-470c-8c39-4b5511281492",
        "output": { "rateReplyDetails": details, "quoteDate": "2025-05-01", "isEncoded": false },
    }))
}

fn fedex_service((code, name, price, days): (&str, &str, f64, &str)) -> Value {
    json!({
        "serviceType": code,
        "serviceName": name,
        "packagingType": "YOUR_PACKAGING",
        "ratedShipmentDetails": [{
            "rateType": "ACCOUNT",
            "ratedWeightMethod": "ACTUAL",
            "totalDiscounts": 0.0,
            "totalBaseCharge": price,
            "totalNetCharge": price,
            "totalNetFedExCharge": price,
            "totalVatCharge": 0.0,
            "shipmentRateDetail": {
                "rateZone": "",
                "dimDivisor": 0,
                "fuelSurchargePercent": 0.0,
                "totalSurcharges": 0.0,
                "totalFreightDiscount": 0.0,
                "surCharges": [{ "type": "FUEL", "description": "Fuel Surcharge", "amount": 2.17 }],
                "totalBillingWeight": { "units": "KG", "value": 2.5 },
                "currency": "EUR",
            },
            "ratedPackages": [{
                "groupNumber": 0,
                "effectiveNetDiscount": 0.0,
                "packageRateDetail": {
                    "rateType": "PAYOR_ACCOUNT_PACKAGE",
                    "ratedWeightMethod": "ACTUAL",
                    "baseCharge": price,
                    "netFreight": price,
                    "totalSurcharges": 0.0,
                    "netCharge": price,
                    "billingWeight": { "units": "KG", "value": 2.5 },
                    "currency": "EUR",
                },
            }],
            "currency": "EUR",
        }],
        "operationalDetail": {
            "deliveryDate": "2025-05-06T18:00:00",
            "deliveryDay": "TUE",
            "commitDate": "2025-05-06T18:00:00",
            "transitTime": days,
            "ineligibleForMoneyBackGuarantee": false,
            "originServiceArea": "AA",
            "destinationServiceArea": "A1",
        },
        "commit": {
            "dateDetail": { "dayOfWeek": "TUE", "dayFormat": "2025-05-06T18:00:00" },
            "daysInTransit": days,
            "saturdayDelivery": false,
        },
        "serviceDescription": { "serviceId": "EP1000000004", "serviceType": code, "description": name },
    })
}

/// UPS's token, whose numbers are text, or prices.
pub(crate) fn ups(operation: &str) -> Answer {
    if operation.ends_with("/oauth/token") {
        return said(&json!({
            "token_type": "Bearer",
            "issued_at": "1746093600000",
            "client_id": "ups-sandbox",
            "access_token": token(),
            "expires_in": UPS_TOKEN_S.to_string(),
            "status": "approved",
        }));
    }
    let rated: Vec<Value> = UPS.into_iter().map(ups_service).collect();
    said(&json!({ "RateResponse": {
        "Response": {
            "ResponseStatus": { "Code": "1", "Description": "Success" },
            "Alert": [{ "Code": "110971", "Description": "Your invoice may vary from the displayed reference rates" }],
            "TransactionReference": { "CustomerContext": "" },
        },
        "RatedShipment": rated,
    } }))
}

fn ups_service((code, price, negotiated, days): (&str, &str, &str, &str)) -> Value {
    let charge = |value: &str| json!({ "CurrencyCode": "EUR", "MonetaryValue": value });
    let weight = json!({ "UnitOfMeasurement": { "Code": "KGS", "Description": "Kilograms" }, "Weight": "2.5" });
    json!({
        "Service": { "Code": code, "Description": "" },
        "RatedShipmentAlert": [{
            "Code": "110971",
            "Description": "Your invoice may vary from the displayed reference rates",
        }],
        "BillingWeight": weight,
        "TransportationCharges": charge(price),
        "BaseServiceCharge": charge(price),
        "ServiceOptionsCharges": charge("0.00"),
        "TotalCharges": charge(price),
        "NegotiatedRateCharges": { "TotalCharge": charge(negotiated) },
        "GuaranteedDelivery": { "BusinessDaysInTransit": days, "DeliveryByTime": "12:00 P.M." },
        "RatedPackage": [{
            "TransportationCharges": charge(price),
            "BaseServiceCharge": charge(price),
            "ServiceOptionsCharges": charge("0.00"),
            "TotalCharges": charge(price),
            "Weight": "2.5",
            "BillingWeight": weight,
        }],
    })
}

/// DHL's prices.
pub(crate) fn dhl() -> Answer {
    let products: Vec<Value> = DHL.into_iter().map(dhl_product).collect();
    said(&json!({ "products": products, "exchangeRates": [] }))
}

fn dhl_product((code, name, price, days): (&str, &str, f64, u8)) -> Value {
    let priced = |kind: &str| json!({ "currencyType": kind, "priceCurrency": "EUR", "price": price });
    let broken_down = |kind: &str| {
        json!({ "currencyType": kind, "priceCurrency": "EUR", "breakdown": [
            { "name": name, "price": price },
            { "name": "FUEL SURCHARGE", "serviceCode": "FF", "localServiceCode": "FF", "price": 3.11 },
        ] })
    };
    json!({
        "productName": name,
        "productCode": code,
        "localProductCode": code,
        "localProductCountryCode": "DE",
        "networkTypeCode": "TD",
        "isCustomerAgreement": false,
        "weight": { "volumetric": 0, "provided": 2.5, "unitOfMeasurement": "metric" },
        "totalPrice": [priced("BILLC"), priced("PULCL"), priced("BASEC")],
        "detailedPriceBreakdown": [broken_down("BILLC"), broken_down("PULCL"), broken_down("BASEC")],
        "pickupCapabilities": {
            "nextBusinessDay": false,
            "localCutoffDateAndTime": "2025-05-01T19:00:00",
            "GMTCutoffTime": "18:00:00",
            "pickupEarliest": "09:30:00",
            "pickupLatest": "18:00:00",
            "originServiceAreaCode": "BER",
            "originFacilityAreaCode": "BER",
            "pickupAdditionalDays": 0,
            "pickupDayOfWeek": 4,
        },
        "deliveryCapabilities": {
            "deliveryTypeCode": "QDDC",
            "estimatedDeliveryDateAndTime": "2025-05-06T23:59:00",
            "destinationServiceAreaCode": "PAR",
            "destinationFacilityAreaCode": "PAR",
            "deliveryAdditionalDays": 0,
            "deliveryDayOfWeek": 2,
            "totalTransitDays": days,
        },
        "pricingDate": "2025-05-01",
    })
}

fn token() -> String {
    "bench".repeat(TOKEN_CHARS / "bench".len())
}

fn said(body: &Value) -> Answer {
    let mut answer = Answer::new(200, body.to_string());
    answer.headers.insert("content-type", HeaderValue::from_static("application/json"));
    answer
}
