//! UPS: tokens, prices, labels, tracking, addresses, collections.

use crate::caller::{Answer, START_MS, answered};
use crate::carriers::{Caller, DAY_MS, REFERENCE, sandbox, token};
use crate::spec::check_answer;
use http::Request;
use sandbox::{Dial, Sandbox, Scan, Vendor};
use serde_json::{Value, json};

const ACCOUNT: &str = "A1B2C3";

fn party(line: &str, city: &str, state: &str, postcode: &str, country: &str) -> Value {
    json!({
        "Name": "Ada Byron",
        "AttentionName": "Ada",
        "Phone": { "Number": "1234567890" },
        "Address": {
            "AddressLine": [line],
            "City": city,
            "StateProvinceCode": state,
            "PostalCode": postcode,
            "CountryCode": country,
        },
    })
}

fn shipper() -> Value {
    let mut shipper = party("10 Main St", "TIMONIUM", "MD", "21093", "US");
    shipper["ShipperNumber"] = json!(ACCOUNT);
    shipper
}

pub(crate) fn quote() -> Value {
    json!({
        "RateRequest": {
            "Request": { "TransactionReference": { "CustomerContext": "o-1" } },
            "Shipment": {
                "Shipper": shipper(),
                "ShipTo": party("1 Elm St", "Alpharetta", "GA", "30005", "US"),
                "PaymentDetails": {
                    "ShipmentCharge": [{ "Type": "01", "BillShipper": { "AccountNumber": ACCOUNT } }],
                },
                "DeliveryTimeInformation": { "PackageBillType": "03" },
                "NumOfPieces": "1",
                "Package": [{
                    "PackagingType": { "Code": "02" },
                    "PackageWeight": { "UnitOfMeasurement": { "Code": "KGS", "Description": "Kilograms" }, "Weight": "2.5" },
                }],
            },
        },
    })
}

pub(crate) fn shipment() -> Value {
    json!({
        "ShipmentRequest": {
            "Request": { "RequestOption": "nonvalidate", "TransactionReference": { "CustomerContext": "o-1" } },
            "Shipment": {
                "Description": "Goods",
                "Shipper": shipper(),
                "ShipTo": party("1 Elm St", "Alpharetta", "GA", "30005", "US"),
                "PaymentInformation": {
                    "ShipmentCharge": [{ "Type": "01", "BillShipper": { "AccountNumber": ACCOUNT } }],
                },
                "Service": { "Code": "03" },
                "Package": [{
                    "Packaging": { "Code": "02" },
                    "PackageWeight": { "UnitOfMeasurement": { "Code": "LBS" }, "Weight": "5" },
                    "ReferenceNumber": [{ "Code": "PO", "Value": REFERENCE }],
                }],
            },
            "LabelSpecification": {
                "LabelImageFormat": { "Code": "GIF" },
                "LabelStockSize": { "Height": "6", "Width": "4" },
            },
        },
    })
}

/// To Germany, with what customs wants to know; references stand at the shipment.
fn abroad() -> Value {
    let mut body = shipment();
    let shipment = &mut body["ShipmentRequest"]["Shipment"];
    shipment["ShipTo"] = party("Elm 1", "Berlin", "", "10117", "DE");
    shipment["Service"]["Code"] = json!("07");
    let references = shipment["Package"][0].as_object_mut().unwrap().remove("ReferenceNumber").unwrap();
    shipment["ReferenceNumber"] = references;
    shipment["ShipmentServiceOptions"] = json!({
        "InternationalForms": {
            "FormType": ["01"],
            "Product": [{
                "Description": ["Books"],
                "OriginCountryCode": "US",
                "Unit": { "Number": "1", "Value": "20", "UnitOfMeasurement": { "Code": "PCS" } },
            }],
        },
    });
    body
}

fn pickup(date: &str) -> Value {
    json!({
        "PickupCreationRequest": {
            "Request": {},
            "RatePickupIndicator": "N",
            "Shipper": { "Account": { "AccountNumber": ACCOUNT, "AccountCountryCode": "US" } },
            "PickupDateInfo": { "CloseTime": "1700", "ReadyTime": "0900", "PickupDate": date },
            "PickupAddress": {
                "CompanyName": "Shop",
                "ContactName": "Ann",
                "AddressLine": ["10 Main St"],
                "City": "Timonium",
                "StateProvince": "MD",
                "PostalCode": "21093",
                "CountryCode": "US",
                "ResidentialIndicator": "N",
                "Phone": { "Number": "1234567890" },
            },
            "AlternateAddressIndicator": "N",
            "PickupPiece": [{
                "ServiceCode": "001",
                "Quantity": "1",
                "DestinationCountryCode": "US",
                "ContainerCode": "01",
            }],
            "OverweightIndicator": "N",
            "PaymentMethod": "01",
        },
    })
}

fn get(caller: &Caller, sandbox: &mut Sandbox, at_ms: i64, path: &str) -> Answer {
    caller.call(sandbox, at_ms, "GET", path, &Value::Null)
}

fn void(caller: &Caller, sandbox: &mut Sandbox, number: &str) -> Answer {
    let path = format!("/api/shipments/v2409/void/cancel/{number}");
    caller.call(sandbox, START_MS, "DELETE", &path, &Value::Null)
}

/// The code of an answer's error.
pub(crate) fn code(answer: &Answer) -> &str {
    answer.text("/response/errors/0/code")
}

const RATING: (&str, &str) = ("ups_Rating.yaml", "/rating/{version}/{requestoption}");
const SHIP: (&str, &str) = ("ups_Shipping.yaml", "/shipments/{version}/ship");
const VOID: (&str, &str) = ("ups_Shipping.yaml", "/shipments/{version}/void/cancel/{shipmentidentificationnumber}");
const RECOVERY: (&str, &str) = ("ups_Shipping.yaml", "/labels/{version}/recovery");
const DETAILS: (&str, &str) = ("ups_Tracking.yaml", "/track/v1/details/{inquiryNumber}");
const REFERENCES: (&str, &str) = ("ups_Tracking.yaml", "/track/v1/reference/details/{referenceNumber}");
const PICKUP: (&str, &str) = ("ups_Pickup.yaml", "/pickupcreation/{version}/pickup");
const CANCEL: (&str, &str) = ("ups_Pickup.yaml", "/shipments/{version}/pickup/{CancelBy}");

fn check((file, path): (&'static str, &str), method: &str, answer: &Answer) {
    check_answer(file, path, method, answer);
}

#[test]
fn a_token_is_all_texts_lives_four_hours_and_every_other_one_is_a_401() {
    let mut sandbox = sandbox();
    let given = token(&mut sandbox, START_MS, Vendor::Ups);
    check_answer("ups_OAuthClientCredentials.yaml", "/security/v1/oauth/token", "post", &given);
    assert_eq!((given.text("/expires_in"), given.text("/issued_at")), ("14399", START_MS.to_string().as_str()));
    assert!(given.json.as_object().unwrap().values().all(Value::is_string));
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    let path = format!("/api/track/v1/details/{number}");
    assert_eq!(get(&caller, &mut sandbox, START_MS + 14_398_999, &path).status, 200);
    let expired = get(&caller, &mut sandbox, START_MS + 14_399_000, &path);
    assert_eq!((expired.status, code(&expired)), (401, "251004"));
    sandbox.revoke_tokens(Vendor::Ups);
    let revoked = get(&caller, &mut sandbox, START_MS, &path);
    assert_eq!((revoked.status, code(&revoked)), (401, "250002"));
    assert_eq!((sandbox.ups().tokens().calls(), sandbox.ups().tokens().live(START_MS)), (2, 0));
    sandbox.set_api_key(Vendor::Ups, "another secret");
    let refused = token(&mut sandbox, START_MS, Vendor::Ups);
    assert_eq!((refused.status, code(&refused)), (401, "10401"));
}

#[test]
fn prices_are_texts_and_the_time_in_transit_comes_when_it_is_asked_for() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let answer = caller.rates(&mut sandbox, &quote());
    check(RATING, "post", &answer);
    let first = &answer.json["RateResponse"]["RatedShipment"][0];
    assert_eq!(first["Service"]["Code"], "03");
    assert_eq!(first["TotalCharges"], json!({ "CurrencyCode": "USD", "MonetaryValue": "10.62" })); // 7.80 € + 3 × 0.62 €
    assert_eq!(first["TimeInTransit"]["ServiceSummary"]["EstimatedArrival"]["Arrival"]["Date"], "20250605");
    assert_eq!(answer.text("/RateResponse/Response/TransactionReference/CustomerContext"), "o-1");
    let mut one = quote();
    one["RateRequest"]["Shipment"]["Service"] = json!({ "Code": "02" });
    let answer = caller.call(&mut sandbox, START_MS, "POST", "/api/rating/v2409/Rate", &one);
    check(RATING, "post", &answer);
    let rated = answer.json["RateResponse"]["RatedShipment"].as_array().unwrap();
    assert_eq!((rated.len(), &rated[0]["Service"]["Code"]), (1, &"02".into()));
    assert!(rated[0].get("TimeInTransit").is_none());
}

#[test]
fn what_ups_cannot_carry_is_refused_with_a_code() {
    let with = |pointer: &str, value: Value| {
        let mut body = quote();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let address = "/RateRequest/Shipment/ShipTo/Address";
    let weight = "/RateRequest/Shipment/Package/0/PackageWeight/Weight";
    for (body, expected) in [
        (with(&format!("{address}/PostalCode"), json!("")), "110209"),
        (with(&format!("{address}/PostalCode"), json!("3000")), "111285"),
        (with(&format!("{address}/CountryCode"), json!("KP")), "110208"),
        (with(weight, json!("70")), "111035"),
        (with(weight, json!(2.5)), "20008"),
        (with("/RateRequest/Shipment/Package", json!([])), "110002"),
        (with("/RateRequest/Shipment/DeliveryTimeInformation", json!(null)), "20007"),
        (with("/RateRequest/Shipment/Shipper/ShipperNumber", json!("XXXXXX")), "111580"),
    ] {
        let refused = caller.rates(&mut sandbox, &body);
        assert_eq!((refused.status, code(&refused)), (400, expected));
        check(RATING, "post", &refused);
    }
}

#[test]
fn a_bought_label_is_answered_as_the_specification_says_and_every_piece_has_its_own() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let mut body = shipment();
    let packages = body["ShipmentRequest"]["Shipment"]["Package"].as_array_mut().unwrap();
    packages.push(packages[0].clone());
    let sold = caller.ship(&mut sandbox, START_MS, &body);
    check(SHIP, "post", &sold);
    let shipment = &sandbox.ups().parcels().shipments()[0];
    let results = "/ShipmentResponse/ShipmentResults";
    assert_eq!(sold.text(&format!("{results}/ShipmentIdentificationNumber")), shipment.tracking_number);
    assert_eq!(sold.text(&format!("{results}/PackageResults/1/TrackingNumber")), shipment.pieces[1].tracking_number);
    assert_eq!(sold.text(&format!("{results}/ShipmentCharges/TotalCharges/MonetaryValue")), shipment.price.decimal());
    assert!(shipment.tracking_number.starts_with("1ZA1B2C303") && shipment.tracking_number.len() == 18);
    assert_ne!(shipment.pieces[0].label, shipment.pieces[1].label);
}

#[test]
fn references_stand_at_the_package_within_the_united_states_and_at_the_shipment_elsewhere() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    assert_eq!(caller.ship(&mut sandbox, START_MS, &abroad()).status, 200);
    assert_eq!(sandbox.ups().parcels().bought_for(REFERENCE).len(), 1);
    let mut wrong = abroad();
    let shipment = &mut wrong["ShipmentRequest"]["Shipment"];
    shipment["Package"][0]["ReferenceNumber"] = shipment["ReferenceNumber"].take();
    assert_eq!(code(&caller.ship(&mut sandbox, START_MS, &wrong)), "120704");
    let mut wrong = self::shipment();
    wrong["ShipmentRequest"]["Shipment"]["ReferenceNumber"] = json!([{ "Value": "x" }]);
    assert_eq!(code(&caller.ship(&mut sandbox, START_MS, &wrong)), "120703");
}

#[test]
fn a_label_across_customs_needs_what_customs_wants() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let mut bare = abroad();
    bare["ShipmentRequest"]["Shipment"].as_object_mut().unwrap().remove("ShipmentServiceOptions");
    let refused = caller.ship(&mut sandbox, START_MS, &bare);
    assert_eq!((refused.status, code(&refused)), (400, "20007"));
    assert!(refused.text("/response/errors/0/message").contains("ShipmentServiceOptions"));
    assert!(sandbox.ups().parcels().shipments().is_empty());
}

#[test]
fn a_label_is_voided_once_and_not_after_it_was_collected() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    let voided = void(&caller, &mut sandbox, &number);
    check(VOID, "delete", &voided);
    assert_eq!(voided.text("/VoidShipmentResponse/SummaryResult/Status/Code"), "1");
    assert_eq!(code(&void(&caller, &mut sandbox, &number)), "190117");
    assert_eq!(code(&void(&caller, &mut sandbox, "1ZA1B2C30300000000")), "190102");
    let tracked = get(&caller, &mut sandbox, START_MS, &format!("/api/track/v1/details/{number}"));
    assert_eq!(tracked.text("/trackResponse/shipment/0/package/0/currentStatus/type"), "MV");
    let number = caller.buy(&mut sandbox, START_MS);
    sandbox.parcel_moves(Vendor::Ups, START_MS, &number).unwrap();
    assert_eq!(code(&void(&caller, &mut sandbox, &number)), "190103");
    assert_eq!(sandbox.ups().parcels().billed_for(REFERENCE).len(), 1);
}

#[test]
fn a_label_is_recovered_by_its_number_or_its_reference_and_two_of_a_reference_are_candidates() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    let recover = |sandbox: &mut Sandbox, wanted: Value| {
        let mut request = json!({ "Request": {}, "LabelSpecification": { "LabelImageFormat": { "Code": "PDF" } } });
        request.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
        let body = json!({ "LabelRecoveryRequest": request });
        caller.call(sandbox, START_MS, "POST", "/api/labels/v1/recovery", &body)
    };
    let by_reference = |reference: &str| json!({ "ReferenceValues": { "ReferenceNumber": { "Value": reference }, "ShipperNumber": ACCOUNT } });
    for wanted in [json!({ "TrackingNumber": number }), by_reference(REFERENCE)] {
        let found = recover(&mut sandbox, wanted);
        check(RECOVERY, "post", &found);
        assert_eq!(found.text("/LabelRecoveryResponse/ShipmentIdentificationNumber"), number);
        assert!(found.text("/LabelRecoveryResponse/LabelResults/0/LabelImage/GraphicImage").starts_with("JVBERi0xLjQ")); // %PDF-1.4
    }
    let nothing = recover(&mut sandbox, by_reference("intent-2"));
    assert_eq!((nothing.status, &nothing.json["errors"][0]["code"]), (400, &json!("9801031")));
    let version = caller.call(&mut sandbox, START_MS, "POST", "/api/labels/v2409/recovery", &json!({}));
    assert_eq!(version.status, 404, "recovery has versions of its own");
    caller.buy(&mut sandbox, START_MS);
    let two = recover(&mut sandbox, by_reference(REFERENCE));
    check(RECOVERY, "post", &two);
    assert_eq!(two.json["LabelRecoveryResponse"]["TrackingCandidate"].as_array().unwrap().len(), 2);
    sandbox.dials().turn(Dial::RecoveryHasCodesOfItsOwn);
    let nothing = recover(&mut sandbox, by_reference("intent-2"));
    assert_eq!((nothing.status, code(&nothing)), (400, "300007"));
}

#[test]
fn tracking_wants_to_know_who_asks_and_is_404_for_a_number_that_nobody_knows() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let unknown = get(&caller, &mut sandbox, START_MS, "/api/track/v1/details/1ZA1B2C30300000000");
    assert_eq!((unknown.status, code(&unknown)), (404, "TW0001"));
    check(DETAILS, "get", &unknown);
    for missing in ["transId", "transactionSrc"] {
        let mut request: Request<_> = caller.request("GET", "/api/track/v1/details/1ZA1B2C30300000000", &Value::Null);
        request.headers_mut().remove(missing);
        assert_eq!(answered(sandbox.call(Vendor::Ups, START_MS, request)).status, 400, "{missing}");
    }
}

#[test]
fn scans_are_told_newest_first_in_the_vendors_codes_and_forgotten_after_120_days() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    let path = format!("/api/track/v1/details/{number}?locale=en_US");
    while sandbox.parcel_moves(Vendor::Ups, START_MS + 60_000, &number).is_some() {}
    let tracked = get(&caller, &mut sandbox, START_MS + 60_000, &path);
    check(DETAILS, "get", &tracked);
    let package = &tracked.json["trackResponse"]["shipment"][0]["package"][0];
    let codes: Vec<&str> =
        package["activity"].as_array().unwrap().iter().map(|a| a["status"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["FS", "OT", "AR", "PU", "MP"]);
    assert_eq!(
        (&package["activity"][0]["date"], &package["activity"][0]["time"]),
        (&"20250601".into(), &"120100".into())
    );
    assert_eq!(package["deliveryDate"][0]["date"], "20250601");
    sandbox.parcel_is_scanned(Vendor::Ups, START_MS + 61_000, &number, Scan::Unknown);
    let tracked = get(&caller, &mut sandbox, START_MS + 61_000, &path);
    assert_eq!(tracked.text("/trackResponse/shipment/0/package/0/currentStatus/code"), "ZQ");
    let late = START_MS + 120 * DAY_MS;
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    assert_eq!(get(&caller, &mut sandbox, late, &path).status, 401, "the token is of another season");
    let given = token(&mut sandbox, late, Vendor::Ups);
    let mut request = caller.request("GET", &path, &Value::Null);
    let bearer = format!("Bearer {}", given.text("/access_token"));
    request.headers_mut().insert("authorization", bearer.parse().unwrap());
    assert_eq!(answered(sandbox.call(Vendor::Ups, late, request)).status, 404);
}

#[test]
fn a_label_is_found_by_its_reference_among_those_of_the_last_two_weeks() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let number = caller.buy(&mut sandbox, START_MS);
    let path = format!("/api/track/v1/reference/details/{REFERENCE}");
    let found = get(&caller, &mut sandbox, START_MS, &path);
    check(REFERENCES, "get", &found);
    assert_eq!(found.text("/trackResponse/shipment/0/package/0/trackingNumber"), number);
    assert_eq!(get(&caller, &mut sandbox, START_MS, "/api/track/v1/reference/details/intent-2").status, 404);
    let before = format!("{path}?fromPickUpDate=20250501&toPickUpDate=20250531");
    assert_eq!(get(&caller, &mut sandbox, START_MS, &before).status, 404);
}

#[test]
fn an_address_has_candidates_a_classification_or_both() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let mut validate = |option: &str, street: &str| {
        let address = json!({
            "AddressLine": [street],
            "PoliticalDivision2": "ALISO VIEJO",
            "PoliticalDivision1": "CA",
            "PostcodePrimaryLow": "92656",
            "CountryCode": "US",
        });
        let body = json!({ "XAVRequest": { "AddressKeyFormat": address } });
        let path = format!("/api/addressvalidation/v2/{option}");
        let answer = caller.call(&mut sandbox, START_MS, "POST", &path, &body);
        check(("ups_AddressValidation.yaml", "/addressvalidation/{version}/{requestoption}"), "post", &answer);
        answer.json["XAVResponse"].clone()
    };
    let both = validate("3", "26601 ALISO CREEK ROAD Suite D");
    assert!(both.get("ValidAddressIndicator").is_some());
    assert_eq!(both["AddressClassification"]["Code"], "1");
    assert_eq!(both["Candidate"].as_array().unwrap().len(), 1);
    assert!(validate("2", "26601 ALISO CREEK ROAD").get("Candidate").is_none());
    assert!(validate("1", "1 Twin Road").get("AmbiguousAddressIndicator").is_some());
    assert!(validate("1", "1 Nowhere Road").get("NoCandidatesIndicator").is_some());
}

#[test]
fn a_collection_is_ordered_and_cancelled_once_and_none_in_the_past() {
    let mut sandbox = sandbox();
    let caller = Caller::new(&mut sandbox, Vendor::Ups);
    let path = "/api/pickupcreation/v2409/pickup";
    let past = caller.call(&mut sandbox, START_MS, "POST", path, &pickup("20250531"));
    assert_eq!((past.status, code(&past)), (400, "9510116"));
    let ordered = caller.call(&mut sandbox, START_MS, "POST", path, &pickup("20250602"));
    check(PICKUP, "post", &ordered);
    let number = ordered.text("/PickupCreationResponse/PRN").to_owned();
    assert_eq!(number.len(), 11);
    let cancel = |sandbox: &mut Sandbox, number: &str| {
        let mut request = caller.request("DELETE", "/api/shipments/v2409/pickup/02", &Value::Null);
        request.headers_mut().insert("Prn", number.parse().unwrap());
        answered(sandbox.call(Vendor::Ups, START_MS, request))
    };
    let cancelled = cancel(&mut sandbox, &number);
    check(CANCEL, "delete", &cancelled);
    assert_eq!(cancelled.status, 200);
    assert_eq!(code(&cancel(&mut sandbox, &number)), "9510107");
    assert_eq!(code(&cancel(&mut sandbox, "29000000000")), "9510113");
}
