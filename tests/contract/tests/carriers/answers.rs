//! What the carriers' answers come to.

use crossdock::domain::shipping::{Consignment, Incoterm};
use crossdock::effects::Reason;
use crossdock::vendors::carrier::{CarrierAnswer, CarrierApi, Found, LabelOrder, Refusal};
use crossdock::vendors::ups::Subscribed;
use serde_json::{Value, json};

use crate::carriers::Carriers;
use crate::parcels::{consignment, declared, pickup};

const ID: &str = "1ZA1B2C30312345678";

fn ups_error(code: &str) -> Value {
    json!({ "response": { "errors": [{ "code": code, "message": "…" }] } })
}

fn dhl_error(status: u16, detail: &str) -> Value {
    json!({ "instance": "/mydhlapi/x", "detail": detail, "title": "…", "message": "…", "status": status.to_string() })
}

fn order(consignment: &Consignment) -> LabelOrder<'_> {
    LabelOrder { consignment, service: "03", reference: "CD-1" }
}

fn not_done<T>(reason: Reason) -> CarrierAnswer<T> {
    CarrierAnswer::NotDone { reason, after: None, answered: true }
}

#[tokio::test(start_paused = true)]
async fn ups_tells_its_rates_the_account_s_own_price_first_and_an_odd_one_is_left_out() {
    let carriers = Carriers::new();
    let consignment = consignment("US", "US", true);
    let total = |value: &str| json!({ "CurrencyCode": "USD", "MonetaryValue": value });
    carriers.answer(
        200,
        &json!({ "RateResponse": { "Response": {}, "RatedShipment": [
        {
            "Service": { "Code": "03", "Description": "" }, "TotalCharges": total("20.10"), "Unheard": {},
            "NegotiatedRateCharges": { "TotalCharge": total("12.5") },
            "TimeInTransit": { "ServiceSummary": { "EstimatedArrival": {
                "Arrival": { "Date": "20250507", "Time": "230000" }, "BusinessDaysInTransit": 3,
            } } },
        },
        { "Service": { "Code": "01" }, "TotalCharges": total("99.00"), "NegotiatedRateCharges": "",
          "GuaranteedDelivery": { "BusinessDaysInTransit": "1" } },
        { "Service": { "Code": "02" } },
        { "Service": { "Code": "12" }, "TotalCharges": total("free") },
        { "TotalCharges": total("1.00") },
        null,
    ] } }),
    );
    let CarrierAnswer::Done(rates) = carriers.ups.rates(&consignment, None, carriers.context()).await else {
        panic!("rates")
    };
    let told = |rate: &crossdock::domain::shipping::Rate| {
        (
            rate.service.clone(),
            rate.name.clone(),
            rate.price.to_string(),
            rate.transit_days,
            rate.delivery_date.map(|day| day.to_string()),
        )
    };
    let text = str::to_owned;
    assert_eq!(
        rates.iter().map(told).collect::<Vec<_>>(),
        [
            (text("03"), text("UPS Ground"), text("12.50 USD"), Some(3), Some(text("2025-05-07"))),
            (text("01"), text("UPS Next Day Air"), text("99.00 USD"), Some(1), None),
        ]
    );

    let alone = json!({ "Service": { "Code": "03" }, "TotalCharges": total("20.10") });
    carriers.answer(200, &json!({ "RateResponse": { "RatedShipment": alone } }));
    let CarrierAnswer::Done(rates) = carriers.ups.rates(&consignment, None, carriers.context()).await else {
        panic!("rates")
    };
    assert_eq!(rates.len(), 1, "UPS sends one rate without a list around it");

    for (status, body, expected) in [
        (400, ups_error("111210"), CarrierAnswer::Refused(Refusal::Service)),
        (500, ups_error("10004"), not_done(Reason::VendorUnavailable)),
        (429, json!({}), not_done(Reason::Throttled)),
        (403, json!({}), not_done(Reason::VendorCredentials)),
        (200, json!({}), not_done(Reason::VendorUnreadable)),
        (
            200,
            json!({ "RateResponse": { "RatedShipment": [{ "Service": { "Code": "02" } }] } }),
            not_done(Reason::VendorUnreadable),
        ),
        (200, json!({ "RateResponse": { "RatedShipment": [] } }), CarrierAnswer::Done(Vec::new())),
    ] {
        carriers.answer(status, &body);
        assert_eq!(carriers.ups.rates(&consignment, None, carriers.context()).await, expected, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_of_ups_is_done_only_with_a_document_for_each_parcel() {
    let carriers = Carriers::new();
    let two = consignment("US", "US", true);
    let package = |n: u8| {
        json!({ "TrackingNumber": format!("1Z{n}"),
            "ShippingLabel": { "ImageFormat": { "Code": "GIF" }, "GraphicImage": "R0lG", "HTMLImage": "x" } })
    };
    let answer = |packages: Value| {
        json!({ "ShipmentResponse": { "ShipmentResults": {
            "ShipmentIdentificationNumber": ID,
            "ShipmentCharges": { "TotalCharges": { "CurrencyCode": "USD", "MonetaryValue": "20.10" } },
            "PackageResults": packages,
            "Form": { "Code": "01", "Image": { "ImageFormat": { "Code": "PDF" }, "GraphicImage": "JVBERg==" } },
        } } })
    };
    carriers.answer(200, &answer(json!([package(1), package(2)])));
    let CarrierAnswer::Done(label) = carriers.ups.buy(order(&two), carriers.context()).await else { panic!("a label") };
    assert_eq!((label.tracking_number.as_str(), label.parcel_numbers.join(" ").as_str()), (ID, "1Z1 1Z2"));
    let media: Vec<_> = label.documents.iter().map(|document| document.media_type).collect();
    assert_eq!(media, ["image/gif", "image/gif", "application/pdf"]);
    assert_eq!(label.price.map(|price| price.to_string()).as_deref(), Some("20.10 USD"));
    assert!(!format!("{label:?}").contains("R0lG"));

    let mut without = package(2);
    without["ShippingLabel"]["GraphicImage"] = json!("");
    for odd in [json!([package(1)]), json!([package(1), without]), json!(null), json!(package(1))] {
        carriers.answer(200, &answer(odd.clone()));
        assert_eq!(carriers.ups.buy(order(&two), carriers.context()).await, CarrierAnswer::Unknown, "{odd}");
    }
    for (status, code, expected) in [
        (400, "120202", CarrierAnswer::Refused(Refusal::Address)),
        (400, "120021", CarrierAnswer::Unknown),
        (500, "10004", CarrierAnswer::Unknown),
        (503, "", CarrierAnswer::Unknown),
        (503, "120001", not_done(Reason::VendorUnavailable)),
    ] {
        carriers.answer(status, &ups_error(code));
        assert_eq!(carriers.ups.buy(order(&two), carriers.context()).await, expected, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_purchase_at_ups_is_found_whole_or_to_be_voided_or_certainly_not_at_all() {
    let carriers = Carriers::new();
    let label = |n: u8| {
        json!({ "TrackingNumber": format!("1Z{n}"),
            "LabelImage": { "LabelImageFormat": { "Code": "GIF" }, "GraphicImage": "R0lG" } })
    };
    let answer = |labels: Value| json!({ "LabelRecoveryResponse": { "ShipmentIdentificationNumber": ID, "LabelResults": labels } });
    let one = consignment("US", "US", false);
    let two = consignment("US", "US", true);
    let abroad = declared("DE", "CH", Incoterm::Dap, false);
    let without = || CarrierAnswer::Done(Found::WithoutLabel { tracking_number: ID.to_owned() });

    carriers.answer(200, &answer(label(1)));
    let CarrierAnswer::Done(Found::Whole(found)) = carriers.ups.find(order(&one), carriers.context()).await else {
        panic!("whole")
    };
    assert_eq!((found.tracking_number.as_str(), found.parcel_numbers.len(), found.documents.len()), (ID, 1, 1));
    assert_eq!(carriers.ups.find(order(&two), carriers.context()).await, without(), "one label of two");
    assert_eq!(carriers.ups.find(order(&abroad), carriers.context()).await, without(), "no papers for the customs");
    carriers.answer(200, &answer(json!([])));
    assert_eq!(carriers.ups.find(order(&one), carriers.context()).await, without());
    let candidates =
        json!({ "LabelRecoveryResponse": { "LabelResults": "", "TrackingCandidate": [{ "TrackingNumber": ID }] } });
    carriers.answer(200, &candidates);
    assert_eq!(carriers.ups.find(order(&one), carriers.context()).await, without());

    for code in ["300007", "300033", "9801031", "9801040"] {
        let bare = json!({ "errors": [{ "code": code, "message": "…" }] });
        for body in [ups_error(code), bare] {
            carriers.answer(400, &body);
            assert_eq!(
                carriers.ups.find(order(&one), carriers.context()).await,
                CarrierAnswer::Done(Found::Nothing),
                "{body}"
            );
        }
    }
    // Anything else says nothing of whether it was bought.
    for (status, body) in [
        (400, ups_error("300002").to_string()),
        (400, ups_error("300035").to_string()),
        (404, "not found".to_owned()),
        (400, "{}".to_owned()),
        (200, "{}".to_owned()),
        (200, json!({ "LabelRecoveryResponse": {} }).to_string()),
    ] {
        carriers.answer_raw(status, &body);
        assert_eq!(carriers.ups.find(order(&one), carriers.context()).await, CarrierAnswer::Unknown, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_of_ups_that_is_void_already_is_void() {
    let carriers = Carriers::new();
    let voided = |code: &str| json!({ "VoidShipmentResponse": { "SummaryResult": { "Status": { "Code": code } } } });
    for (status, body, expected) in [
        (200, voided("1"), CarrierAnswer::Done(())),
        (200, voided("&#xD;&#xD;&#xD;1"), CarrierAnswer::Done(())),
        (200, voided("0"), CarrierAnswer::Unknown),
        (200, json!({}), CarrierAnswer::Unknown),
        (400, ups_error("190117"), CarrierAnswer::Done(())),
        (400, ups_error("190102"), CarrierAnswer::Refused(Refusal::NotFound)),
        (400, ups_error("190103"), CarrierAnswer::Refused(Refusal::TooLate)),
        (400, ups_error("190101"), CarrierAnswer::Refused(Refusal::TooLate)),
        (400, ups_error("190001"), not_done(Reason::VendorUnavailable)),
        (500, ups_error("10004"), CarrierAnswer::Unknown),
    ] {
        carriers.answer(status, &body);
        assert_eq!(carriers.ups.void(ID, carriers.context()).await, expected, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_number_that_no_carrier_knows_is_not_found() {
    let carriers = Carriers::new();
    let nothing = json!({ "trackResponse": { "shipment": [{ "warnings": [{ "code": "TW0001", "message": "…" }] }] } });
    for (status, body) in [(404, json!({})), (400, ups_error("TV1002")), (200, nothing)] {
        carriers.answer(status, &body);
        let answer = carriers.ups.track(ID, carriers.context()).await;
        assert_eq!(answer, CarrierAnswer::Refused(Refusal::NotFound), "{status} {body}");
    }
    for (status, body) in [(404, dhl_error(404, "No Shipments Found")), (200, json!({ "shipments": [] }))] {
        carriers.answer(status, &body);
        let answer = carriers.dhl.track("1234567890", carriers.context()).await;
        assert_eq!(answer, CarrierAnswer::Refused(Refusal::NotFound), "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn ups_says_of_which_numbers_it_will_tell_and_odd_ones_are_not_sent() {
    let carriers = Carriers::new();
    let numbers = ["1ZCIETST0111111114".to_owned(), "JD01".to_owned(), "1ZCIETST0422222228".to_owned()];
    carriers.answer(200, &json!({ "validTrackingNumbers": [numbers[0]], "invalidTrackingNumbers": [numbers[2]] }));
    let answer = carriers.ups.subscribe(&numbers, carriers.context()).await;
    let invalid = vec![numbers[2].clone(), numbers[1].clone()];
    assert_eq!(answer, CarrierAnswer::Done(Subscribed { valid: vec![numbers[0].clone()], invalid }));
    assert_eq!(carriers.last_body()["trackingNumberList"], json!([numbers[0], numbers[2]]));

    carriers.answer(400, &ups_error("VSS210"));
    let CarrierAnswer::Done(none) = carriers.ups.subscribe(&numbers, carriers.context()).await else {
        panic!("an answer")
    };
    assert_eq!((none.valid.len(), none.invalid.len()), (0, 3));
    carriers.answer(400, &ups_error("VSS930"));
    assert_eq!(carriers.ups.subscribe(&numbers, carriers.context()).await, CarrierAnswer::Refused(Refusal::Other));

    let before = carriers.sent().len();
    let odd = ["JD01".to_owned()];
    let CarrierAnswer::Done(none) = carriers.ups.subscribe(&odd, carriers.context()).await else { panic!("an answer") };
    assert_eq!(none.invalid, odd);
    let many = vec![numbers[0].clone(); 101];
    assert_eq!(carriers.ups.subscribe(&many, carriers.context()).await, CarrierAnswer::Refused(Refusal::Other));
    assert_eq!(carriers.sent().len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_purchase_at_dhl_is_found_without_its_label_or_certainly_not_at_all() {
    let carriers = Carriers::new();
    let one = consignment("DE", "FR", false);
    carriers.answer(200, &json!({ "shipments": [{ "shipmentTrackingNumber": "1234567890", "events": [] }] }));
    let found = Found::WithoutLabel { tracking_number: "1234567890".to_owned() };
    assert_eq!(carriers.dhl.find(order(&one), carriers.context()).await, CarrierAnswer::Done(found));
    let query = carriers.last().uri().query().unwrap().to_owned();
    for part in [
        "shipmentReference=CD-1",
        "shipmentReferenceType=CU",
        "shipperAccountNumber=123456789",
        "dateRangeFrom=2025-04-29",
        "dateRangeTo=2025-05-04",
    ] {
        assert!(query.contains(part), "{query}");
    }
    carriers.answer(404, &dhl_error(404, "No Shipments Found for ReferenceID | CD-1"));
    assert_eq!(carriers.dhl.find(order(&one), carriers.context()).await, CarrierAnswer::Done(Found::Nothing));
    for (status, body, expected) in [
        (404, "not found", CarrierAnswer::Unknown),
        (400, "{}", CarrierAnswer::Unknown),
        (200, "{}", CarrierAnswer::Unknown),
        (503, "", not_done(Reason::VendorUnavailable)),
    ] {
        carriers.answer_raw(status, body);
        assert_eq!(carriers.dhl.find(order(&one), carriers.context()).await, expected, "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_label_of_dhl_is_bought_or_refused_or_nobody_knows_and_is_given_back_without_a_call() {
    let carriers = Carriers::new();
    let one = consignment("DE", "FR", false);
    let label = json!({ "imageFormat": "PDF", "content": "JVBERg==", "typeCode": "label" });
    carriers.answer(201, &json!({ "shipmentTrackingNumber": "1234567890", "packages": [{ "trackingNumber": "JD1" }], "documents": [label] }));
    let CarrierAnswer::Done(label) = carriers.dhl.buy(order(&one), carriers.context()).await else { panic!("a label") };
    assert_eq!((label.tracking_number.as_str(), label.documents[0].media_type), ("1234567890", "application/pdf"));
    for (status, body, expected) in [
        (201, json!({}), CarrierAnswer::Unknown),
        (
            422,
            dhl_error(422, "#/content: required key [description] not found"),
            CarrierAnswer::Refused(Refusal::Other),
        ),
        (400, dhl_error(400, "1001: The requested product(s) not available"), CarrierAnswer::Refused(Refusal::Service)),
        (500, dhl_error(500, "999: Process failure occurred."), CarrierAnswer::Unknown),
        (504, json!({}), CarrierAnswer::Unknown),
        (429, json!({}), not_done(Reason::Throttled)),
    ] {
        carriers.answer(status, &body);
        assert_eq!(carriers.dhl.buy(order(&one), carriers.context()).await, expected, "{status} {body}");
    }
    let before = carriers.sent().len();
    assert_eq!(carriers.dhl.void("1234567890", carriers.context()).await, CarrierAnswer::Done(()));
    assert_eq!(carriers.sent().len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_pickup_has_a_number_by_which_it_is_taken_back() {
    let carriers = Carriers::new();
    let american = pickup(crossdock::domain::shipping::Carrier::Ups, "US", "US", -240);
    let german = pickup(crossdock::domain::shipping::Carrier::Dhl, "DE", "CH", 120);
    carriers
        .answer(200, &json!({ "PickupCreationResponse": { "Response": {}, "PRN": "2929602E9CP", "RateStatus": {} } }));
    let answer = carriers.ups.schedule_pickup(&american, carriers.context()).await;
    assert_eq!(answer, CarrierAnswer::Done("2929602E9CP".to_owned()));
    carriers.answer(201, &json!({ "dispatchConfirmationNumbers": ["PRG201220123456"], "warnings": [] }));
    let answer = carriers.dhl.schedule_pickup(&german, carriers.context()).await;
    assert_eq!(answer, CarrierAnswer::Done("PRG201220123456".to_owned()));
    carriers.answer(404, &dhl_error(404, "3059: No pickup found"));
    let answer = carriers.dhl.cancel_pickup("PRG201220123456", &german, carriers.context()).await;
    assert_eq!(answer, CarrierAnswer::Refused(Refusal::NotFound));
    carriers.answer(200, &json!({ "PickupCancelResponse": { "PickupType": "01" } }));
    assert_eq!(carriers.ups.cancel_pickup("2929602E9CP", &american, carriers.context()).await, CarrierAnswer::Done(()));
}
