//! DHL Express: credentials, prices, labels, tracking, addresses, collections.

use crate::caller::{Answer, START_MS, answered};
use crate::carriers::{Caller, REFERENCE, sandbox};
use crate::spec::check_answer;
use sandbox::{Sandbox, Scan, Vendor};
use serde_json::{Value, json};

const ACCOUNT: &str = "123456789";
const SPEC: &str = "dhl_express_mydhl_3.1.1.yaml";
const PLANNED: &str = "2025-06-02T13:00:00 GMT+02:00";

fn party(line: &str, city: &str, postcode: &str, country: &str) -> Value {
    json!({
        "postalAddress": { "postalCode": postcode, "cityName": city, "countryCode": country, "addressLine1": line },
        "contactInformation": { "phone": "+420111222333", "companyName": "Shop", "fullName": "Ada Byron" },
    })
}

pub(crate) fn quote() -> Value {
    json!({
        "customerDetails": {
            "shipperDetails": { "postalCode": "14800", "cityName": "Prague", "countryCode": "CZ" },
            "receiverDetails": { "postalCode": "10117", "cityName": "Berlin", "countryCode": "DE" },
        },
        "accounts": [{ "typeCode": "shipper", "number": ACCOUNT }],
        "plannedShippingDateAndTime": "2025-06-02T13:00:00GMT+02:00",
        "unitOfMeasurement": "metric",
        "isCustomsDeclarable": false,
        "packages": [{ "weight": 2.5, "dimensions": { "length": 20, "width": 15, "height": 10 } }],
    })
}

pub(crate) fn shipment() -> Value {
    json!({
        "plannedShippingDateAndTime": PLANNED,
        "pickup": { "isRequested": false },
        "productCode": "U",
        "accounts": [{ "typeCode": "shipper", "number": ACCOUNT }],
        "outputImageProperties": { "encodingFormat": "pdf" },
        "customerReferences": [{ "value": REFERENCE, "typeCode": "CU" }],
        "customerDetails": {
            "shipperDetails": party("Main 1", "Prague", "14800", "CZ"),
            "receiverDetails": party("Elm 1", "Berlin", "10117", "DE"),
        },
        "content": {
            "packages": [{ "weight": 2.5, "dimensions": { "length": 20, "width": 15, "height": 10 } }],
            "isCustomsDeclarable": false,
            "description": "Goods",
            "incoterm": "DAP",
            "unitOfMeasurement": "metric",
        },
    })
}

/// To Norway, with what customs wants to know.
fn abroad() -> Value {
    let mut body = shipment();
    body["productCode"] = json!("P");
    body["customerDetails"]["receiverDetails"] = party("Elm 1", "Oslo", "0150", "NO");
    let content = body["content"].as_object_mut().unwrap();
    content.insert("isCustomsDeclarable".to_owned(), json!(true));
    content.insert("declaredValue".to_owned(), json!(500));
    content.insert("declaredValueCurrency".to_owned(), json!("CZK"));
    let item = json!({
        "number": 1,
        "description": "Books",
        "price": 500,
        "quantity": { "value": 1, "unitOfMeasurement": "PCS" },
        "manufacturerCountry": "CZ",
        "weight": { "netValue": 2.5, "grossValue": 2.5 },
    });
    content.insert("exportDeclaration".to_owned(), json!({ "lineItems": [item] }));
    body
}

fn get(caller: &Caller, sandbox: &mut Sandbox, path: &str) -> Answer {
    caller.call(sandbox, START_MS, "GET", path, &Value::Null)
}

fn detail(answer: &Answer) -> &str {
    answer.text("/detail")
}

#[test]
fn credentials_and_the_version_are_wanted_with_every_call() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    let send = |sandbox: &mut Sandbox, without: &str| {
        let mut request = caller.request("POST", "/rates", &quote());
        request.headers_mut().remove(without);
        request.headers_mut().insert("message-reference", "m-1".parse().unwrap());
        answered(sandbox.call(Vendor::Dhl, START_MS, request))
    };
    let answer = send(&mut sandbox, "nothing");
    assert_eq!((answer.status, answer.header("message-reference")), (200, "m-1"));
    let missing = send(&mut sandbox, "x-version");
    assert_eq!((missing.status, detail(&missing)), (400, "Missing mandatory parameters: x-version"));
    assert_eq!(send(&mut sandbox, "authorization").status, 401);
    sandbox.set_api_key(Vendor::Dhl, "another password");
    assert_eq!(send(&mut sandbox, "nothing").status, 401);
}

#[test]
fn prices_are_numbers_in_the_currency_of_the_shipper_and_say_when_it_arrives() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    let answer = caller.rates(&mut sandbox, &quote());
    check_answer(SPEC, "/rates", "post", &answer);
    let express = answer.json["products"].as_array().unwrap().iter().find(|product| product["productCode"] == "U");
    let express = express.unwrap();
    // (18 € + 3 kg × 1.70 €) across a border, in crowns.
    assert_eq!(express["totalPrice"][0], json!({ "currencyType": "BILLC", "priceCurrency": "CZK", "price": 924.0 }));
    assert_eq!(express["deliveryCapabilities"]["estimatedDeliveryDateAndTime"], "2025-06-03T23:59:00");
    assert_eq!(express["deliveryCapabilities"]["totalTransitDays"], 1);
}

#[test]
fn a_shape_that_is_wrong_is_a_422_and_all_else_a_400() {
    let with = |pointer: &str, value: Value| {
        let mut body = quote();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut extraneous = quote();
    extraneous["colour"] = json!("red");
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    let receiver = "/customerDetails/receiverDetails";
    for (body, status, expected) in [
        (extraneous, 422, "#: extraneous key [colour] is not permitted"),
        (with("/packages/0/weight", json!(null)), 422, "#/packages/0: required key [weight] not found"),
        (with("/packages/0/weight", json!("2.5")), 422, "#/packages/0/weight: not a valid value"),
        (with(&format!("{receiver}/cityName"), json!("x".repeat(46))), 422, "expected maxLength: 45"),
        (with(&format!("{receiver}/postalCode"), json!("")), 400, "420505: The destination location is invalid"),
        (with(&format!("{receiver}/countryCode"), json!("KP")), 400, "1001: The destination country code KP"),
        (with("/packages/0/weight", json!(70.5)), 400, "exceeds the maximum"),
        (with("/plannedShippingDateAndTime", json!("2025-06-02T13:00:00Z")), 400, "998: "),
        (with("/plannedShippingDateAndTime", json!("2025-06-01T13:59:00GMT+02:00")), 400, "996: "),
        (with("/accounts/0/number", json!("1")), 400, "The account number is not found or invalid."),
    ] {
        let refused = caller.rates(&mut sandbox, &body);
        assert_eq!(refused.status, status, "{:#}", refused.json);
        assert!(detail(&refused).contains(expected), "{:#}", refused.json);
        check_answer(SPEC, "/rates", "post", &refused);
    }
    let mut within_america = quote();
    for end in ["shipperDetails", "receiverDetails"] {
        within_america["customerDetails"][end] = json!({ "postalCode": "30005", "cityName": "x", "countryCode": "US" });
    }
    assert_eq!(caller.rates(&mut sandbox, &within_america).status, 400);
}

#[test]
fn a_bought_label_is_a_201_as_the_specification_says_with_one_file_for_all_pieces() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    let mut body = shipment();
    let packages = body["content"]["packages"].as_array_mut().unwrap();
    packages.push(json!({ "weight": 1, "customerReferences": [{ "value": "of the piece" }] }));
    body["getRateEstimates"] = json!(true);
    let sold = caller.ship(&mut sandbox, START_MS, &body);
    assert_eq!(sold.status, 201);
    check_answer(SPEC, "/shipments", "post", &sold);
    let shipment = &sandbox.dhl().parcels().shipments()[0];
    assert_eq!(sold.text("/shipmentTrackingNumber"), shipment.tracking_number);
    assert_eq!(shipment.tracking_number.len(), 10);
    assert_eq!(sold.text("/packages/1/trackingNumber"), shipment.pieces[1].tracking_number);
    assert_eq!(shipment.pieces[1].references, [REFERENCE, "of the piece"]);
    assert_eq!((sold.json["documents"].as_array().unwrap().len(), shipment.pieces.len()), (1, 2));
    let text = String::from_utf8(shipment.pieces[0].label.clone()).unwrap();
    assert!(shipment.pieces.iter().all(|piece| text.contains(&piece.tracking_number)));
    assert_eq!(sold.json["shipmentCharges"][0]["price"], shipment.price.decimal().parse::<f64>().unwrap());
}

#[test]
fn a_label_across_customs_needs_what_customs_wants() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    assert_eq!(caller.ship(&mut sandbox, START_MS, &abroad()).status, 201);
    let mut undeclared = abroad();
    undeclared["content"]["isCustomsDeclarable"] = json!(false);
    let refused = caller.ship(&mut sandbox, START_MS, &undeclared);
    assert_eq!(refused.status, 400);
    check_answer(SPEC, "/shipments", "post", &refused);
    let mut bare = abroad();
    bare["content"].as_object_mut().unwrap().remove("exportDeclaration");
    let refused = caller.ship(&mut sandbox, START_MS, &bare);
    assert_eq!((refused.status, detail(&refused)), (422, "#/content: required key [exportDeclaration] not found"));
    check_answer(SPEC, "/shipments", "post", &refused);
    assert_eq!(sandbox.dhl().parcels().shipments().len(), 1);
}

#[test]
fn scans_are_told_oldest_first_and_a_label_alone_is_no_checkpoint() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    let number = caller.buy(&mut sandbox, START_MS);
    let path = format!("/tracking?shipmentTrackingNumber={number}&trackingView=all-checkpoints&levelOfDetail=all");
    let tracked = get(&caller, &mut sandbox, &path);
    check_answer(SPEC, "/tracking", "get", &tracked);
    assert_eq!(tracked.json["shipments"][0]["events"], json!([]));
    while sandbox.parcel_moves(Vendor::Dhl, START_MS, &number).is_some() {}
    let tracked = get(&caller, &mut sandbox, &path);
    check_answer(SPEC, "/tracking", "get", &tracked);
    let codes = |answer: &Answer| -> Vec<String> {
        let events = answer.json["shipments"][0]["events"].as_array().unwrap();
        events.iter().map(|event| event["typeCode"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&tracked), ["PU", "PL", "PL", "WC", "OK"]);
    assert_eq!(tracked.text("/shipments/0/events/4/signedBy"), "Ada Byron");
    sandbox.parcel_is_scanned(Vendor::Dhl, START_MS, &number, Scan::Unknown);
    let last = format!("/shipments/{number}/tracking?trackingView=last-checkpoint");
    assert_eq!(codes(&get(&caller, &mut sandbox, &last)), ["ZQ"]);
}

#[test]
fn a_label_is_found_by_its_reference_and_its_account_and_what_is_not_found_is_a_404() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    let number = caller.buy(&mut sandbox, START_MS);
    let by = |reference: &str, more: &str| format!("/tracking?shipmentReference={reference}{more}");
    let account = format!("&shipperAccountNumber={ACCOUNT}");
    let found = get(&caller, &mut sandbox, &by(REFERENCE, &account));
    check_answer(SPEC, "/tracking", "get", &found);
    assert_eq!(found.text("/shipments/0/shipmentTrackingNumber"), number);
    let missing = get(&caller, &mut sandbox, &by(REFERENCE, ""));
    assert_eq!((missing.status, detail(&missing)), (400, "Missing mandatory parameters: shipperAccountNumber"));
    let earlier = format!("{account}&dateRangeFrom=2025-05-01&dateRangeTo=2025-05-31");
    for path in [by("intent-2", &account), by(REFERENCE, &earlier), "/shipments/1234567890/tracking".to_owned()] {
        let unknown = get(&caller, &mut sandbox, &path);
        assert_eq!(unknown.status, 404, "{path}");
        check_answer(SPEC, "/tracking", "get", &unknown);
    }
    let several = format!("/tracking?shipmentTrackingNumber=1234567890,{number}");
    assert_eq!(get(&caller, &mut sandbox, &several).json["shipments"].as_array().unwrap().len(), 1);
}

#[test]
fn an_address_is_valid_when_its_postcode_can_be_one() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    let mut validate = |query: &str| {
        let answer = get(&caller, &mut sandbox, &format!("/address-validate?{query}"));
        check_answer(SPEC, "/address-validate", "get", &answer);
        answer.status
    };
    assert_eq!(validate("type=delivery&countryCode=CZ&postalCode=14800&cityName=Prague"), 200);
    assert_eq!(validate("type=delivery&countryCode=CZ&postalCode=148&cityName=Prague"), 400);
    assert_eq!(validate("type=delivery&countryCode=CZ&cityName=Nowhere"), 400);
    assert_eq!(validate("type=delivery&countryCode=CZ"), 400);
    assert_eq!(validate("type=return&countryCode=CZ&cityName=Prague"), 400);
}

#[test]
fn a_collection_is_ordered_alone_or_with_a_label_and_cancelled_once_and_none_in_the_past() {
    let pickup = |planned: &str| {
        json!({
            "plannedPickupDateAndTime": planned,
            "accounts": [{ "typeCode": "shipper", "number": ACCOUNT }],
            "customerDetails": { "shipperDetails": party("Main 1", "Prague", "14800", "CZ") },
            "shipmentDetails": [{
                "productCode": "U",
                "isCustomsDeclarable": false,
                "unitOfMeasurement": "metric",
                "packages": [{ "weight": 2.5, "dimensions": { "length": 20, "width": 15, "height": 10 } }],
            }],
        })
    };
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    let past = caller.call(&mut sandbox, START_MS, "POST", "/pickups", &pickup("2025-06-01T11:00:00GMT+00:00"));
    assert_eq!(past.status, 400);
    check_answer(SPEC, "/pickups", "post", &past);
    let ordered = caller.call(&mut sandbox, START_MS, "POST", "/pickups", &pickup("2025-06-02T13:00:00GMT+02:00"));
    assert_eq!(ordered.status, 201);
    check_answer(SPEC, "/pickups", "post", &ordered);
    let number = ordered.text("/dispatchConfirmationNumbers/0").to_owned();
    let cancel =
        |sandbox: &mut Sandbox, path: &str| caller.call(sandbox, START_MS, "DELETE", path, &Value::Null).status;
    let path = format!("/pickups/{number}?requestorName=Ann&reason=001");
    assert_eq!(cancel(&mut sandbox, &format!("/pickups/{number}")), 400, "nobody says who and why");
    assert_eq!((cancel(&mut sandbox, &path), cancel(&mut sandbox, &path)), (200, 400));
    assert_eq!(cancel(&mut sandbox, "/pickups/PRG0?requestorName=Ann&reason=001"), 404);
    let mut with_label = shipment();
    with_label["pickup"]["isRequested"] = json!(true);
    let sold = caller.ship(&mut sandbox, START_MS, &with_label);
    check_answer(SPEC, "/shipments", "post", &sold);
    let pickups = sandbox.dhl().parcels().pickups();
    assert_eq!(sold.text("/dispatchConfirmationNumber"), pickups[1].number);
    assert_eq!((pickups[0].cancelled_ms, pickups[1].cancelled_ms), (Some(START_MS), None));
}

#[test]
fn the_path_of_the_vendors_own_base_url_is_understood_too() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Dhl);
    for path in ["/mydhlapi/rates", "/mydhlapi/test/rates"] {
        assert_eq!(caller.call(&mut sandbox, START_MS, "POST", path, &quote()).status, 200);
    }
    assert_eq!(sandbox.calls()[0].operation, "rates");
}
