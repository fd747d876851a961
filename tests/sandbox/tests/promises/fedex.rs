//! FedEx: tokens, prices, labels, tracking, addresses, collections, the webhook.

use crate::caller::{Answer, START_MS, answered};
use crate::carriers::{Caller, DAY_MS, HOUR_MS, REFERENCE, sandbox, token};
use crate::spec::check_answer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use ring::hmac;
use sandbox::{CallFault, Course, Sandbox, Scan, Vendor, WebhookFault};
use serde_json::{Value, json};

const ACCOUNT: &str = "740561073";
const NUMBERS: &str = "/track/v1/trackingnumbers";
const REFERENCES: &str = "/track/v1/referencenumbers";
const VOID: &str = "/ship/v1/shipments/cancel";

fn party(street: &str, city: &str, state: &str, postcode: &str, country: &str) -> Value {
    json!({
        "contact": { "personName": "Ada Byron", "phoneNumber": "1234567890" },
        "address": {
            "streetLines": [street],
            "city": city,
            "stateOrProvinceCode": state,
            "postalCode": postcode,
            "countryCode": country,
        },
    })
}

pub(crate) fn quote() -> Value {
    json!({
        "accountNumber": { "value": ACCOUNT },
        "rateRequestControlParameters": { "returnTransitTimes": true },
        "requestedShipment": {
            "shipper": { "address": { "postalCode": "65247", "countryCode": "US" } },
            "recipient": { "address": { "postalCode": "75063", "countryCode": "US" } },
            "pickupType": "DROPOFF_AT_FEDEX_LOCATION",
            "rateRequestType": ["ACCOUNT", "LIST"],
            "requestedPackageLineItems": [{ "weight": { "units": "LB", "value": 10 } }],
        },
    })
}

pub(crate) fn shipment() -> Value {
    json!({
        "labelResponseOptions": "LABEL",
        "accountNumber": { "value": ACCOUNT },
        "requestedShipment": {
            "shipper": party("10 Main St", "Irving", "TX", "75063", "US"),
            "recipients": [party("1 Elm St", "Memphis", "TN", "38116", "US")],
            "serviceType": "FEDEX_GROUND",
            "packagingType": "YOUR_PACKAGING",
            "pickupType": "USE_SCHEDULED_PICKUP",
            "totalWeight": 10,
            "shippingChargesPayment": { "paymentType": "SENDER" },
            "labelSpecification": { "imageType": "PDF", "labelStockType": "PAPER_4X6" },
            "requestedPackageLineItems": [{
                "weight": { "units": "LB", "value": 10 },
                "customerReferences": [{ "customerReferenceType": "CUSTOMER_REFERENCE", "value": REFERENCE }],
            }],
        },
    })
}

/// To Germany, with what customs wants to know.
fn abroad() -> Value {
    let mut body = shipment();
    body["requestedShipment"]["recipients"] = json!([party("Elm 1", "Berlin", "", "10117", "DE")]);
    body["requestedShipment"]["serviceType"] = json!("FEDEX_INTERNATIONAL_PRIORITY");
    body["requestedShipment"]["customsClearanceDetail"] = json!({
        "commercialInvoice": { "shipmentPurpose": "SOLD" },
        "dutiesPayment": { "paymentType": "SENDER" },
        "commodities": [{
            "description": "Books",
            "countryOfManufacture": "US",
            "quantity": 1,
            "quantityUnits": "PCS",
            "customsValue": { "amount": 20, "currency": "USD" },
            "weight": { "units": "KG", "value": 4.5 },
        }],
    });
    body
}

fn pickup(ready: &str) -> Value {
    let mut location = party("10 Main St", "Irving", "TX", "75063", "US");
    location["contact"]["companyName"] = json!("Shop");
    json!({
        "associatedAccountNumber": { "value": ACCOUNT },
        "originDetail": {
            "pickupLocation": location,
            "readyDateTimestamp": ready,
            "customerCloseTime": "17:00:00",
        },
        "carrierCode": "FDXG",
    })
}

pub(crate) fn track(caller: &Caller, sandbox: &mut Sandbox, at_ms: i64, number: &str) -> Answer {
    let body = json!({
        "includeDetailedScans": true,
        "trackingInfo": [{ "trackingNumberInfo": { "trackingNumber": number } }],
    });
    caller.call(sandbox, at_ms, "POST", NUMBERS, &body)
}

fn track_reference(caller: &Caller, sandbox: &mut Sandbox, at_ms: i64, reference: &str) -> Answer {
    let body = json!({
        "referencesInformation": {
            "type": "CUSTOMER_REFERENCE",
            "value": reference,
            "accountNumber": ACCOUNT,
            "shipDateBegin": "2025-05-30",
            "shipDateEndDate": "2025-06-02",
        },
        "includeDetailedScans": true,
    });
    caller.call(sandbox, at_ms, "POST", REFERENCES, &body)
}

fn void(caller: &Caller, sandbox: &mut Sandbox, at_ms: i64, number: &str) -> Answer {
    let body = json!({ "accountNumber": { "value": ACCOUNT }, "trackingNumber": number });
    caller.call(sandbox, at_ms, "PUT", VOID, &body)
}

/// The code of an answer's error.
fn code(answer: &Answer) -> &str {
    answer.text("/errors/0/code")
}

#[test]
fn a_token_lives_an_hour_and_every_other_one_is_a_401_of_fedex() {
    let mut sandbox = sandbox();
    let given = token(&mut sandbox, START_MS, Vendor::FedEx);
    assert_eq!((given.status, &given.json["expires_in"], given.text("/token_type")), (200, &3600.into(), "bearer"));
    check_answer("fedex_authorization_v1.json", "/oauth/token", "post", &given);
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let call = |sandbox: &mut Sandbox, at_ms: i64| track(&caller, sandbox, at_ms, "1");
    assert_eq!(call(&mut sandbox, START_MS + 3_599_999).status, 200);
    let expired = call(&mut sandbox, START_MS + 3_600_000);
    assert_eq!((expired.status, code(&expired)), (401, "NOT.AUTHORIZED.ERROR"));
    assert_eq!((sandbox.fedex().tokens().calls(), sandbox.fedex().tokens().live(START_MS)), (2, 2));
    sandbox.revoke_tokens(Vendor::FedEx);
    assert_eq!(call(&mut sandbox, START_MS).status, 401);
    let mut without = caller.request("POST", NUMBERS, &json!({}));
    without.headers_mut().remove("authorization");
    assert_eq!(answered(sandbox.call(Vendor::FedEx, START_MS, without)).status, 401);
}

#[test]
fn the_token_service_refuses_a_wrong_secret_with_401_and_throttles_with_403() {
    let mut sandbox = sandbox();
    sandbox.set_api_key(Vendor::FedEx, "another secret");
    let refused = token(&mut sandbox, START_MS, Vendor::FedEx);
    assert_eq!((refused.status, code(&refused)), (401, "NOT.AUTHORIZED.ERROR"));
    sandbox.faults().next_calls(Vendor::FedEx, "token", 1, CallFault::Throttled { retry_after_s: 1 });
    let throttled = token(&mut sandbox, START_MS, Vendor::FedEx);
    assert_eq!((throttled.status, code(&throttled)), (403, "FORBIDDEN.ERROR"));
    assert_eq!((sandbox.fedex().tokens().calls(), sandbox.fedex().tokens().live(START_MS)), (2, 0));
}

#[test]
fn prices_have_a_service_an_amount_a_currency_and_a_day() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let mut answer = caller.rates(&mut sandbox, &quote());
    let whole = answer.json.clone();
    // FedEx sends the currency there, though its specification has it further in only.
    for reply in answer.json["output"]["rateReplyDetails"].as_array_mut().unwrap() {
        for rated in reply["ratedShipmentDetails"].as_array_mut().unwrap() {
            assert_eq!(rated.as_object_mut().unwrap().remove("currency"), Some(json!("USD")));
        }
    }
    check_answer("fedex_rate_quotes_v1.json", "/rate/v1/rates/quotes", "post", &answer);
    let first = &whole["output"]["rateReplyDetails"][0];
    assert_eq!(first["serviceType"], "FEDEX_GROUND");
    assert_eq!(first["ratedShipmentDetails"][0]["totalNetCharge"], 12.1); // (8 € + 5 kg × 0.60 €) in dollars
    assert_eq!(first["ratedShipmentDetails"][0]["currency"], "USD");
    assert_eq!(first["ratedShipmentDetails"][1]["rateType"], "LIST");
    assert_eq!(first["commit"]["dateDetail"]["dayFormat"], "2025-06-05T18:00:00"); // four business days after a Sunday
    let mut heavier = quote();
    heavier["requestedShipment"]["requestedPackageLineItems"][0]["dimensions"] =
        json!({ "length": 50, "width": 50, "height": 50, "units": "CM" });
    let answer = caller.rates(&mut sandbox, &heavier);
    let charge = &answer.json["output"]["rateReplyDetails"][0]["ratedShipmentDetails"][0]["totalNetCharge"];
    assert_eq!(*charge, 25.3); // 25 kg by volume
}

#[test]
fn what_fedex_cannot_carry_is_refused_with_a_code() {
    let with = |pointer: &str, value: Value| {
        let mut body = quote();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let recipient = "/requestedShipment/recipient/address";
    for (body, expected) in [
        (with(recipient, json!({ "countryCode": "US" })), "RECIPIENT.POSTALCODE.REQUIRED"),
        (with(recipient, json!({ "countryCode": "US", "postalCode": "7506" })), "COUNTRY.POSTALCODE.INVALID"),
        (with(recipient, json!({ "countryCode": "KP", "postalCode": "1" })), "RECIPIENT.COUNTRY.NOTSERVED"),
        (with("/requestedShipment/pickupType", json!("BY_HAND")), "REQUESTEDSHIPMENT.PICKUPTYPE.INVALID"),
        (with("/accountNumber/value", json!("1")), "ACCOUNT.NUMBER.MISMATCH"),
        (with("/requestedShipment/requestedPackageLineItems/0/weight/value", json!(151)), "PACKAGE.WEIGHT.EXCEEDED"),
        (
            with("/requestedShipment/requestedPackageLineItems", json!([])),
            "REQUESTEDSHIPMENT.REQUESTEDPACKAGELINEITEMS.REQUIRED",
        ),
    ] {
        let refused = caller.rates(&mut sandbox, &body);
        assert_eq!((refused.status, code(&refused)), (400, expected));
        check_answer("fedex_rate_quotes_v1.json", "/rate/v1/rates/quotes", "post", &refused);
    }
    let served = with(recipient, json!({ "countryCode": "HK" }));
    assert_eq!(caller.rates(&mut sandbox, &served).status, 200, "Hong Kong has no postcodes");
}

#[test]
fn a_bought_label_is_answered_as_the_specification_says_and_billed_what_was_quoted() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let mut body = shipment();
    let items = body["requestedShipment"]["requestedPackageLineItems"].as_array_mut().unwrap();
    items.push(json!({ "weight": { "units": "KG", "value": 2 }, "groupPackageCount": 2 }));
    let sold = caller.ship(&mut sandbox, START_MS, &body);
    check_answer("fedex_ship_v1.json", "/ship/v1/shipments", "post", &sold);
    let shipment = &sandbox.fedex().parcels().shipments()[0];
    assert_eq!(shipment.pieces.len(), 3);
    assert_eq!(sold.text("/output/transactionShipments/0/masterTrackingNumber"), shipment.tracking_number);
    assert_eq!((shipment.price.minor, shipment.price.currency), (1474, "USD")); // (8 € + 9 kg × 0.60 €)
    assert_eq!(shipment.pieces[0].references, [REFERENCE]);
    assert!(shipment.pieces[1].references.is_empty());
    let pieces = sold.json.pointer("/output/transactionShipments/0/pieceResponses").unwrap().as_array().unwrap();
    let charges: f64 = pieces.iter().map(|piece| piece["netChargeAmount"].as_f64().unwrap()).sum();
    assert!((charges - 14.74).abs() < 0.001, "{charges}");
}

#[test]
fn a_label_across_customs_needs_what_customs_wants_and_one_in_the_union_does_not() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let sold = caller.ship(&mut sandbox, START_MS, &abroad());
    assert_eq!(sold.status, 200, "{:#}", sold.json);
    check_answer("fedex_ship_v1.json", "/ship/v1/shipments", "post", &sold);
    let mut bare = abroad();
    bare["requestedShipment"].as_object_mut().unwrap().remove("customsClearanceDetail");
    let refused = caller.ship(&mut sandbox, START_MS, &bare);
    assert_eq!((refused.status, code(&refused)), (400, "REQUESTEDSHIPMENT.CUSTOMSCLEARANCEDETAIL.REQUIRED"));
    bare["requestedShipment"]["shipper"] = party("Elm 2", "Prague", "", "14800", "CZ");
    bare["requestedShipment"]["serviceType"] = json!("FEDEX_REGIONAL_ECONOMY");
    assert_eq!(caller.ship(&mut sandbox, START_MS, &bare).status, 200);
    assert_eq!(sandbox.fedex().parcels().shipments().len(), 2);
}

#[test]
fn a_label_that_cannot_be_is_refused_and_nothing_is_bought() {
    let with = |pointer: &str, value: Value| {
        let mut body = shipment();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    for (body, expected) in [
        (with("/requestedShipment/recipients/0/contact/phoneNumber", json!("")), "CONTACT.PHONENUMBER.REQUIRED"),
        (with("/requestedShipment/recipients/0/address/city", json!("x".repeat(36))), "ADDRESS.CITY.TOO.LONG"),
        (
            with("/requestedShipment/recipients/0/contact", json!({ "phoneNumber": "1234567890" })),
            "RECIPIENT.PERSONNAME.AND.COMPANYNAME.MISSING",
        ),
        (with("/requestedShipment/serviceType", json!("INTERNATIONAL_ECONOMY")), "SERVICETYPE.NOT.ALLOWED"),
        (with("/requestedShipment/labelSpecification/imageType", json!("GIF")), "LABELSPECIFICATION.IMAGETYPE.INVALID"),
        (with("/accountNumber/value", json!("123456789")), "ACCOUNTNUMBER.REGISTRATION.REQUIRED"),
        (with("/labelResponseOptions", json!("URL_ONLY")), "SANDBOX.NOT.SIMULATED"),
        (
            with("/requestedShipment/requestedPackageLineItems/0/customerReferences/0/value", json!("x".repeat(41))),
            "CUSTOMERREFERENCES.VALUE.TOO.LONG",
        ),
    ] {
        let refused = caller.ship(&mut sandbox, START_MS, &body);
        assert_eq!(code(&refused), expected, "{:#}", refused.json);
    }
    assert!(sandbox.fedex().parcels().shipments().is_empty());
}

#[test]
fn a_label_is_voided_once_and_not_after_it_was_collected() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let number = caller.buy(&mut sandbox, START_MS);
    let voided = void(&caller, &mut sandbox, START_MS, &number);
    assert_eq!((voided.status, &voided.json["output"]["cancelledShipment"]), (200, &true.into()));
    check_answer("fedex_ship_v1.json", VOID, "put", &voided);
    assert_eq!(code(&void(&caller, &mut sandbox, START_MS, &number)), "SHIPMENT.ALREADY.CANCELLED");
    assert_eq!(code(&void(&caller, &mut sandbox, START_MS, "1")), "TRACKINGNUMBER.ENTERED.INVALID");
    let tracked = track(&caller, &mut sandbox, START_MS + 9 * HOUR_MS / 10, &number);
    let status = "/output/completeTrackResults/0/trackResults/0/latestStatusDetail/code";
    assert_eq!(tracked.text(status), "CA");
    let number = caller.buy(&mut sandbox, START_MS);
    sandbox.parcel_moves(Vendor::FedEx, START_MS, &number).unwrap();
    assert_eq!(code(&void(&caller, &mut sandbox, START_MS, &number)), "SHIPMENT.CANCEL.NOTALLOWED");
    let parcels = sandbox.fedex().parcels();
    assert_eq!((parcels.bought_for(REFERENCE).len(), parcels.billed_for(REFERENCE).len()), (2, 1));
    assert!(sandbox.parcel_moves(Vendor::FedEx, START_MS, &parcels_number(&sandbox)).is_none(), "voided");
}

fn parcels_number(sandbox: &Sandbox) -> String {
    sandbox.fedex().parcels().shipments()[0].tracking_number.clone()
}

#[test]
fn tracking_is_200_with_an_error_for_a_number_that_nobody_knows() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let number = caller.buy(&mut sandbox, START_MS);
    let body = json!({
        "includeDetailedScans": true,
        "trackingInfo": [
            { "trackingNumberInfo": { "trackingNumber": "1" } },
            { "trackingNumberInfo": { "trackingNumber": number } },
        ],
    });
    let answer = caller.call(&mut sandbox, START_MS, "POST", NUMBERS, &body);
    check_answer("fedex_track_v1.json", NUMBERS, "post", &answer);
    let results = "/output/completeTrackResults";
    assert_eq!(answer.text(&format!("{results}/0/trackResults/0/error/code")), "TRACKING.TRACKINGNUMBER.NOTFOUND");
    let known = format!("{results}/1/trackResults/0");
    assert_eq!(answer.text(&format!("{known}/latestStatusDetail/code")), "OC");
    assert_eq!(answer.text(&format!("{known}/additionalTrackingInfo/packageIdentifiers/0/value/0")), REFERENCE);
}

#[test]
fn scans_are_told_newest_first_in_the_vendors_codes() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let number = caller.buy(&mut sandbox, START_MS);
    while sandbox.parcel_moves(Vendor::FedEx, START_MS + 60_000, &number).is_some() {}
    let answer = track(&caller, &mut sandbox, START_MS + 60_000, &number);
    check_answer("fedex_track_v1.json", NUMBERS, "post", &answer);
    let result = &answer.json["output"]["completeTrackResults"][0]["trackResults"][0];
    let codes: Vec<&str> =
        result["scanEvents"].as_array().unwrap().iter().map(|event| event["eventType"].as_str().unwrap()).collect();
    assert_eq!(codes, ["DL", "OD", "AR", "PU", "OC"]);
    assert_eq!(result["scanEvents"][0]["date"], "2025-06-01T12:01:00+00:00");
    assert_eq!(result["latestStatusDetail"]["derivedCode"], "DL");
    sandbox.parcel_is_scanned(Vendor::FedEx, START_MS + 61_000, &number, Scan::Unknown);
    let answer = track(&caller, &mut sandbox, START_MS + 61_000, &number);
    assert_eq!(answer.text("/output/completeTrackResults/0/trackResults/0/latestStatusDetail/code"), "ZQ");
}

#[test]
fn a_label_is_found_by_the_customers_reference_within_its_dates() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let number = caller.buy(&mut sandbox, START_MS);
    let found = track_reference(&caller, &mut sandbox, START_MS, REFERENCE);
    check_answer("fedex_track_v1.json", REFERENCES, "post", &found);
    assert_eq!(found.text("/output/completeTrackResults/0/trackingNumber"), number);
    let unknown = track_reference(&caller, &mut sandbox, START_MS, "intent-2");
    assert_eq!((unknown.status, code(&unknown)), (400, "TRACKING.REFERENCENUMBER.NOTFOUND"));
}

#[test]
fn an_address_is_classified_and_one_that_does_not_exist_is_unknown() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let mut resolve = |street: &str, postcode: &str| {
        let address = json!({
            "streetLines": [street],
            "city": "Irving",
            "stateOrProvinceCode": "TX",
            "postalCode": postcode,
            "countryCode": "US",
        });
        let body = json!({ "addressesToValidate": [{ "address": address }] });
        let path = "/address/v1/addresses/resolve";
        let answer = caller.call(&mut sandbox, START_MS, "POST", path, &body);
        check_answer("fedex_address_validation_v1.json", path, "post", &answer);
        answer.text("/output/resolvedAddresses/0/classification").to_owned()
    };
    assert_eq!(resolve("7372 Parkridge Blvd", "75063"), "RESIDENTIAL");
    assert_eq!(resolve("7372 Parkridge Blvd Suite 3", "75063"), "BUSINESS");
    assert_eq!(resolve("1 Nowhere Lane", "75063"), "UNKNOWN");
    assert_eq!(resolve("7372 Parkridge Blvd", "7506"), "UNKNOWN");
}

#[test]
fn a_collection_is_ordered_and_cancelled_once_and_none_in_the_past() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let path = "/pickup/v1/pickups";
    let past = caller.call(&mut sandbox, START_MS, "POST", path, &pickup("2025-06-01T11:59:00Z"));
    assert_eq!((past.status, code(&past)), (400, "PICKUP.REQUESTED.PREVIOUS.DAY"));
    let ordered = caller.call(&mut sandbox, START_MS, "POST", path, &pickup("2025-06-02T09:00:00Z"));
    check_answer("fedex_pickup_v1.json", path, "post", &ordered);
    let cancel = json!({
        "associatedAccountNumber": { "value": ACCOUNT },
        "pickupConfirmationCode": ordered.text("/output/pickupConfirmationCode"),
        "scheduledDate": "2025-06-02",
    });
    let path = "/pickup/v1/pickups/cancel";
    let cancelled = caller.call(&mut sandbox, START_MS, "PUT", path, &cancel);
    assert_eq!(cancelled.status, 200, "{:#}", cancelled.json);
    check_answer("fedex_pickup_v1.json", path, "put", &cancelled);
    assert_eq!(code(&caller.call(&mut sandbox, START_MS, "PUT", path, &cancel)), "PICKUP.NUMBER.EXPIRED");
    assert!(sandbox.fedex().parcels().pickups()[0].cancelled_ms.is_some());
}

/// The webhooks that are due, with the code of what they tell; each has a signature that fits.
fn pushes(sandbox: &mut Sandbox, at_ms: i64) -> Vec<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"fedex-sandbox-token");
    let due = sandbox.take_due(at_ms);
    due.into_iter()
        .map(|delivery| {
            assert_eq!(delivery.request.uri(), "https://shop.example/webhooks/fedex");
            let signature = STANDARD.decode(&delivery.request.headers()["fdx-signature"]).unwrap();
            hmac::verify(&key, delivery.request.body(), &signature).unwrap();
            sandbox.delivered(delivery.id, Some(200), at_ms);
            let body: Value = serde_json::from_slice(delivery.request.body()).unwrap();
            let result = &body["output"]["completeTrackResults"][0]["trackResults"][0];
            assert_eq!(result["scanEvents"].as_array().unwrap().len(), 1);
            result["scanEvents"][0]["eventType"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn every_scan_is_pushed_with_a_signature_in_the_shape_of_tracking() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let number = caller.buy(&mut sandbox, START_MS);
    assert_eq!(pushes(&mut sandbox, START_MS), ["OC"]);
    assert_eq!(sandbox.next_delivery_at(), Some(START_MS + 4 * HOUR_MS));
    assert_eq!(pushes(&mut sandbox, START_MS + 4 * HOUR_MS), ["PU"]);
    sandbox.parcel_moves(Vendor::FedEx, START_MS + 5 * HOUR_MS, &number);
    assert_eq!(pushes(&mut sandbox, START_MS + 5 * HOUR_MS), ["AR"]);
    assert_eq!(pushes(&mut sandbox, START_MS + 5 * DAY_MS), ["OD", "DL"]);
    assert_eq!(sandbox.next_delivery_at(), None);
}

#[test]
fn pushes_come_twice_late_or_in_another_order_when_the_dial_says_so() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    sandbox.faults().next_webhooks(Vendor::FedEx, 1, WebhookFault::Duplicate { copies: 2 });
    let number = caller.buy(&mut sandbox, START_MS);
    assert_eq!(pushes(&mut sandbox, START_MS), ["OC", "OC", "OC"]);
    sandbox.faults().next_webhooks(Vendor::FedEx, 1, WebhookFault::Reordered);
    sandbox.parcel_moves(Vendor::FedEx, START_MS, &number);
    sandbox.parcel_moves(Vendor::FedEx, START_MS, &number);
    assert_eq!(pushes(&mut sandbox, START_MS + 60_000), ["AR", "PU"]);
    // The course of messages is nothing to a carrier.
    sandbox.faults().next_messages(Vendor::FedEx, 1, Course::Bounced);
    assert!(sandbox.parcel_moves(Vendor::FedEx, START_MS, &number).is_some());
}

#[test]
fn an_answer_repeats_the_callers_own_transaction() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::FedEx);
    let mut request: Request<_> = caller.request("POST", NUMBERS, &json!({}));
    request.headers_mut().insert("x-customer-transaction-id", "c-1".parse().unwrap());
    let answer = answered(sandbox.call(Vendor::FedEx, START_MS, request));
    assert_eq!((answer.status, answer.text("/customerTransactionId")), (400, "c-1"));
}
