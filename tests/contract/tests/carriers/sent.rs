//! What leaves the process.

use contract::specs::{SKIPPED, Specs};
use crossdock::domain::shipping::{Carrier, Consignment, Day, Incoterm, Party};
use crossdock::vendors::carrier::{CarrierAnswer, CarrierApi, LabelOrder, Refusal};
use crossdock::world::HttpRequest;
use serde_json::{Value, json};

use crate::carriers::{ACCOUNT, Carriers};
use crate::parcels::{at_the_checkout, consignment, declared, party, pickup};

const REFERENCE: &str = "CD-01HX5ZZKBKACTAV9WEVGEMMVRZ";

fn everything() -> Vec<Consignment> {
    let mut all = Vec::new();
    for in_full in [true, false] {
        for (from, to) in [("US", "US"), ("US", "PR"), ("DE", "DE"), ("DE", "FR")] {
            all.push(consignment(from, to, in_full));
        }
        for (from, to) in
            [("US", "CA"), ("US", "PR"), ("DE", "CH"), ("CH", "US"), ("DE", "AU"), ("DE", "HK"), ("DE", "FR")]
        {
            all.push(declared(from, to, Incoterm::Dap, in_full));
        }
        all.push(declared("DE", "CH", Incoterm::Ddp, in_full));
    }
    all
}

/// What is asked about one consignment, of carriers that have not yet been asked anything: their quotas are part of this.
async fn asked_about(consignment: &Consignment) -> Vec<HttpRequest> {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let context = carriers.context();
    for (api, service) in [(&carriers.ups as &dyn CarrierApi, "03"), (&carriers.dhl, "P")] {
        let order = LabelOrder { consignment, service, reference: REFERENCE };
        api.rates(consignment, None, context).await;
        api.rates(consignment, Some(service), context).await;
        api.buy(order, context).await;
        api.find(order, context).await;
        api.check_address(&consignment.recipient.address, context).await;
    }
    carriers.sent()
}

/// What is asked besides.
async fn asked_otherwise() -> Vec<HttpRequest> {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let context = carriers.context();
    let ways = [("US", "US", -240), ("US", "CA", -240), ("DE", "DE", 120), ("DE", "FR", 120), ("DE", "CH", 0)];
    for api in [&carriers.ups as &dyn CarrierApi, &carriers.dhl] {
        api.void("1ZA1B2C30312345678", context).await;
        api.track("1ZA1B2C30312345678", context).await;
        for (from, to, offset) in ways {
            let wish = pickup(api.carrier(), from, to, offset);
            api.schedule_pickup(&wish, context).await;
            api.cancel_pickup("2929602E9CP", &wish, context).await;
        }
        for (from, to) in [("DE", "FR"), ("US", "US")] {
            api.rates(&at_the_checkout(from, to), None, context).await;
        }
    }
    carriers.ups.subscribe(&["1ZCIETST0111111114".to_owned()], context).await;
    carriers.sent()
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn every_request_to_ups_and_dhl_is_one_that_their_specifications_allow() {
    let mut sent = asked_otherwise().await;
    for consignment in everything() {
        sent.extend(asked_about(&consignment).await);
    }
    for (host, method, path) in [
        ("ups.sim", "POST", "/security/v1/oauth/token"),
        ("ups.sim", "POST", "/api/rating/v2409/Shoptimeintransit"),
        ("ups.sim", "POST", "/api/rating/v2409/Ratetimeintransit"),
        ("ups.sim", "POST", "/api/shipments/v2409/ship"),
        ("ups.sim", "POST", "/api/labels/v1903/recovery"),
        ("ups.sim", "DELETE", "/api/shipments/v2409/void/cancel/1ZA1B2C30312345678"),
        ("ups.sim", "GET", "/api/track/v1/details/1ZA1B2C30312345678"),
        ("ups.sim", "POST", "/api/addressvalidation/v2/3"),
        ("ups.sim", "POST", "/api/pickupcreation/v2409/pickup"),
        ("ups.sim", "DELETE", "/api/shipments/v2409/pickup/02"),
        ("ups.sim", "POST", "/api/track/v2/subscription/standard/package"),
        ("dhl.sim", "POST", "/mydhlapi/rates"),
        ("dhl.sim", "POST", "/mydhlapi/shipments"),
        ("dhl.sim", "GET", "/mydhlapi/tracking"),
        ("dhl.sim", "GET", "/mydhlapi/shipments/1ZA1B2C30312345678/tracking"),
        ("dhl.sim", "GET", "/mydhlapi/address-validate"),
        ("dhl.sim", "POST", "/mydhlapi/pickups"),
        ("dhl.sim", "DELETE", "/mydhlapi/pickups/2929602E9CP"),
    ] {
        let is_it = |r: &&HttpRequest| r.method() == method && r.uri().host() == Some(host) && r.uri().path() == path;
        assert!(sent.iter().any(|request| is_it(&request)), "nothing was sent to {host} by {method} {path}");
    }
    let Some(specs) = Specs::from_env() else {
        eprintln!("{SKIPPED}");
        return;
    };
    let mut wrong: Vec<String> = Vec::new();
    for request in &sent {
        let vendor = if request.uri().host() == Some("ups.sim") { "ups" } else { "dhl" };
        let content_type = Some(header(request, "content-type")).filter(|value| !value.is_empty());
        let path = request.uri().path_and_query().unwrap().as_str();
        let checked = specs.check(vendor, request.method().as_str(), path, content_type, request.body());
        wrong.extend(checked.err().into_iter().flatten());
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn every_call_has_its_own_number_and_proves_who_calls() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    for _ in 0..2 {
        carriers.ups.track("1Z1", carriers.context()).await;
        carriers.dhl.track("1", carriers.context()).await;
    }
    let sent = carriers.sent();
    let [token, ups_1, dhl_1, ups_2, dhl_2] = &sent[..] else { panic!("one token for both calls: {sent:?}") };
    assert_eq!(header(token, "authorization"), "Basic aWQ6c2VjcmV0");
    assert_eq!(token.body().as_ref(), b"grant_type=client_credentials");
    for ups in [ups_1, ups_2] {
        assert_eq!((header(ups, "authorization"), header(ups, "transactionSrc")), ("Bearer t0ken", "crossdock"));
        assert!((1..=32).contains(&header(ups, "transId").len()));
    }
    assert_ne!(header(ups_1, "transId"), header(ups_2, "transId"));
    for dhl in [dhl_1, dhl_2] {
        assert_eq!((header(dhl, "authorization"), header(dhl, "x-version")), ("Basic dXNlcjpwYXNzd29yZA==", "3.1.1"));
        assert!((1..=36).contains(&header(dhl, "message-reference").len()));
    }
    assert_ne!(header(dhl_1, "message-reference"), header(dhl_2, "message-reference"));
}

async fn bought(carriers: &Carriers, api: &dyn CarrierApi, consignment: &Consignment) -> Value {
    let order = LabelOrder { consignment, service: "03", reference: REFERENCE };
    api.buy(order, carriers.context()).await;
    carriers.last_body()
}

#[tokio::test(start_paused = true)]
async fn ups_is_told_the_reference_where_it_takes_it_and_the_account_where_it_pays() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let domestic = bought(&carriers, &carriers.ups, &consignment("US", "US", true)).await;
    let shipment = &domestic["ShipmentRequest"]["Shipment"];
    assert_eq!(shipment["ReferenceNumber"], Value::Null);
    assert_eq!(shipment["Package"][0]["ReferenceNumber"], json!([{ "Value": REFERENCE }]));
    assert_eq!(shipment["Package"][1]["ReferenceNumber"], Value::Null);
    assert_eq!(shipment["Package"][0]["PackageWeight"]["UnitOfMeasurement"]["Code"], "LBS");
    assert_eq!(shipment["Shipper"]["ShipperNumber"], ACCOUNT);
    assert_eq!(shipment["ShipmentServiceOptions"], Value::Null);

    let abroad = bought(&carriers, &carriers.ups, &declared("DE", "CH", Incoterm::Ddp, true)).await;
    let shipment = &abroad["ShipmentRequest"]["Shipment"];
    assert_eq!(shipment["ReferenceNumber"], json!([{ "Value": REFERENCE }]));
    assert_eq!(shipment["Package"][0]["ReferenceNumber"], Value::Null);
    assert_eq!(shipment["Package"][0]["PackageWeight"]["UnitOfMeasurement"]["Code"], "KGS");
    let charges = shipment["PaymentInformation"]["ShipmentCharge"].as_array().unwrap();
    assert_eq!(charges.iter().map(|charge| &charge["Type"]).collect::<Vec<_>>(), ["01", "02"]);
    let forms = &shipment["ShipmentServiceOptions"]["InternationalForms"];
    assert_eq!((&forms["TermsOfShipment"], &forms["InvoiceNumber"]), (&json!("DDP"), &json!("o-1")));
    assert_eq!(forms["Product"][0]["Unit"]["Value"], "10.99");
}

#[tokio::test(start_paused = true)]
async fn within_one_customs_area_nothing_has_to_be_declared() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let within = consignment("DE", "FR", true);
    let body = bought(&carriers, &carriers.dhl, &within).await;
    assert_eq!(body["content"]["isCustomsDeclarable"], false);
    assert_eq!((&body["content"]["exportDeclaration"], &body["valueAddedServices"]), (&Value::Null, &Value::Null));
    assert_eq!(body["customerReferences"], json!([{ "value": REFERENCE, "typeCode": "CU" }]));
    assert_eq!(body["pickup"], json!({ "isRequested": false }));
    assert_eq!(body["plannedShippingDateAndTime"], "2025-05-02T12:00:00 GMT+02:00");
    let body = bought(&carriers, &carriers.ups, &within).await;
    assert_eq!(body["ShipmentRequest"]["Shipment"]["ShipmentServiceOptions"], Value::Null);

    let body = bought(&carriers, &carriers.dhl, &declared("DE", "CH", Incoterm::Ddp, true)).await;
    assert_eq!(body["content"]["isCustomsDeclarable"], true);
    assert_eq!(body["content"]["incoterm"], "DDP");
    assert_eq!(body["content"]["exportDeclaration"]["lineItems"][0]["price"].to_string(), "10.99");
    assert_eq!(body["content"]["declaredValue"].to_string(), "33.0");
    let before = carriers.sent().len();
    for api in [&carriers.ups as &dyn CarrierApi, &carriers.dhl] {
        let undeclared = consignment("DE", "CH", true);
        let order = LabelOrder { consignment: &undeclared, service: "P", reference: REFERENCE };
        let answer = api.buy(order, carriers.context()).await;
        assert_eq!(answer, CarrierAnswer::Refused(Refusal::Customs));
    }
    assert_eq!(carriers.sent().len(), before, "what no customs lets pass is not bought");
}

/// What the shop declares, a carrier is told, wherever the parcel goes.
#[tokio::test(start_paused = true)]
async fn what_is_declared_is_always_sent() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let mut to_the_canaries = declared("DE", "ES", Incoterm::Dap, true);
    to_the_canaries.recipient.address.postal_code = Some("35002".to_owned().into());
    for consignment in [to_the_canaries, declared("DE", "FR", Incoterm::Dap, true)] {
        let body = bought(&carriers, &carriers.ups, &consignment).await;
        let forms = &body["ShipmentRequest"]["Shipment"]["ShipmentServiceOptions"]["InternationalForms"];
        assert_eq!(forms["Product"][0]["CommodityCode"], "731815");
        let body = bought(&carriers, &carriers.dhl, &consignment).await;
        assert_eq!(body["content"]["isCustomsDeclarable"], true);
        assert_eq!(body["content"]["exportDeclaration"]["lineItems"][0]["commodityCodes"][0]["value"], "731815");
        carriers.dhl.rates(&consignment, None, carriers.context()).await;
        let body = carriers.last_body();
        assert_eq!((&body["isCustomsDeclarable"], &body["monetaryAmount"][0]["value"]), (&json!(true), &json!(33.0)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_carrier_cannot_print_is_written_with_other_letters_and_nothing_is_cut() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let mut label = consignment("DE", "FR", true);
    let to = &mut label.recipient;
    (to.name, to.company) = ("Łukasz Müller".to_owned().into(), None);
    to.address.street_lines = vec!["Obere Süßwasserbrückenstraße 12 b/c".to_owned().into()];
    to.address.city = "Straßburg".to_owned().into();
    let body = bought(&carriers, &carriers.ups, &label).await;
    let told = &body["ShipmentRequest"]["Shipment"]["ShipTo"];
    assert_eq!((&told["Name"], &told["Address"]["City"]), (&json!("Lukasz Mueller"), &json!("Strassburg")));
    assert_eq!(told["Address"]["AddressLine"], json!(["Obere Suesswasserbrueckenstrasse 12", "b/c"]));
    let body = bought(&carriers, &carriers.dhl, &label).await;
    let told = &body["customerDetails"]["receiverDetails"];
    assert_eq!(told["contactInformation"]["fullName"], "Lukasz Mueller");
    assert_eq!(told["postalAddress"]["addressLine1"], "Obere Suesswasserbrueckenstrasse 12 b/c");

    // UPS has thirty characters for a city: it is not asked for a label to half of one.
    label.recipient.address.city = "Llanfairpwllgwyngyllgogerychwyrndro".to_owned().into();
    let before = carriers.sent().len();
    let order = LabelOrder { consignment: &label, service: "11", reference: REFERENCE };
    let answer = carriers.ups.buy(order, carriers.context()).await;
    assert_eq!((answer, carriers.sent().len()), (CarrierAnswer::Refused(Refusal::Address), before));
    assert!(bought(&carriers, &carriers.dhl, &label).await["customerDetails"].is_object());
}

#[tokio::test(start_paused = true)]
async fn duties_that_the_shop_pays_are_quoted_as_they_are_bought() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    for (incoterm, charges, services) in [
        (Incoterm::Dap, json!(["01"]), json!(null)),
        (Incoterm::Ddp, json!(["01", "02"]), json!([{ "serviceCode": "DD" }])),
    ] {
        let consignment = declared("DE", "CH", incoterm, true);
        carriers.ups.rates(&consignment, None, carriers.context()).await;
        let quoted = carriers.last_body()["RateRequest"]["Shipment"]["PaymentDetails"]["ShipmentCharge"].take();
        let body = bought(&carriers, &carriers.ups, &consignment).await;
        assert_eq!(quoted, body["ShipmentRequest"]["Shipment"]["PaymentInformation"]["ShipmentCharge"]);
        let kinds: Vec<&Value> = quoted.as_array().unwrap().iter().map(|charge| &charge["Type"]).collect();
        assert_eq!(json!(kinds), charges);
        carriers.dhl.rates(&consignment, None, carriers.context()).await;
        let quoted = carriers.last_body();
        let body = bought(&carriers, &carriers.dhl, &consignment).await;
        assert_eq!((&quoted["valueAddedServices"], &quoted["accounts"]), (&services, &body["accounts"]));
        assert_eq!(quoted["valueAddedServices"], body["valueAddedServices"]);
    }
}

#[tokio::test(start_paused = true)]
async fn parts_of_a_country_are_named_by_the_carriers_own_codes() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    for (country, postal_code, state, ups, dhl) in [
        ("ES", "35002", None, "IC", "IC"),
        ("ES", "51001", None, "XC", "ES"),
        ("ES", "52001", None, "XL", "ES"),
        ("ES", "28001", None, "ES", "ES"),
        ("US", "00901", Some("PR"), "PR", "PR"),
        ("US", "00802", Some("VI"), "VI", "VI"),
        ("FR", "97400", None, "RE", "RE"),
        ("FI", "22100", None, "AX", "FI"),
        ("GB", "JE2 3AB", None, "JE", "JE"),
        ("CW", "", None, "CW", "XC"),
    ] {
        let mut there = declared("DE", "CH", Incoterm::Dap, true);
        let to = &mut there.recipient.address;
        (to.country, to.state) = (country.to_owned(), state.map(str::to_owned));
        to.postal_code = Some(postal_code.to_owned().into());
        let body = bought(&carriers, &carriers.ups, &there).await;
        let to = &body["ShipmentRequest"]["Shipment"]["ShipTo"]["Address"];
        assert_eq!(to["CountryCode"], ups, "{country} {postal_code}");
        let body = bought(&carriers, &carriers.dhl, &there).await;
        let to = &body["customerDetails"]["receiverDetails"]["postalAddress"];
        assert_eq!(to["countryCode"], dhl, "{country} {postal_code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shipment_of_today_is_never_dated_in_the_past() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    tokio::time::advance(std::time::Duration::from_secs(10 * 3_600)).await;
    let mut today = consignment("DE", "FR", false);
    today.ship_date = Day::parse("2025-05-01").unwrap();
    carriers.dhl.rates(&today, None, carriers.context()).await;
    assert_eq!(carriers.last_body()["plannedShippingDateAndTime"], "2025-05-01T22:15:00 GMT+02:00");
    // By the clock at the shipper's, wherever that is, and when the shop says.
    today.shipper = party("US", false);
    carriers.dhl.rates(&today, None, carriers.context()).await;
    assert_eq!(carriers.last_body()["plannedShippingDateAndTime"], "2025-05-01T16:15:00 GMT-04:00");
    today.ship_at = Some(crossdock::domain::Timestamp::parse_rfc3339("2025-05-02T14:00:00Z").unwrap());
    carriers.dhl.rates(&today, None, carriers.context()).await;
    assert_eq!(carriers.last_body()["plannedShippingDateAndTime"], "2025-05-02T10:00:00 GMT-04:00");
}

#[tokio::test(start_paused = true)]
async fn a_pickup_is_ordered_by_the_clock_at_the_place() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let wish = pickup(Carrier::Ups, "US", "US", -240);
    carriers.ups.schedule_pickup(&wish, carriers.context()).await;
    let when = &carriers.last_body()["PickupCreationRequest"]["PickupDateInfo"];
    assert_eq!(when, &json!({ "PickupDate": "20250502", "ReadyTime": "1200", "CloseTime": "1700" }));
    carriers.dhl.schedule_pickup(&pickup(Carrier::Dhl, "DE", "CH", 120), carriers.context()).await;
    let body = carriers.last_body();
    assert_eq!(body["plannedPickupDateAndTime"], "2025-05-02T12:00:00 GMT+02:00");
    assert_eq!(
        (&body["closeTime"], body["shipmentDetails"][0]["packages"].as_array().unwrap().len()),
        (&json!("17:00"), 3)
    );
    carriers.ups.cancel_pickup("2929602E9CP", &wish, carriers.context()).await;
    assert_eq!(header(&carriers.last(), "prn"), "2929602E9CP");
}

#[tokio::test(start_paused = true)]
async fn without_a_city_ups_is_told_none_and_dhl_is_not_asked() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let told = at_the_checkout("DE", "FR");
    let refused = carriers.dhl.rates(&told, None, carriers.context()).await;
    assert_eq!((refused, carriers.sent().len()), (CarrierAnswer::Refused(Refusal::Address), 0));
    carriers.ups.rates(&told, None, carriers.context()).await;
    let to = carriers.last_body()["RateRequest"]["Shipment"]["ShipTo"]["Address"].take();
    assert_eq!((to.get("City"), &to["PostalCode"]), (None, &json!("75001")));
}

#[tokio::test(start_paused = true)]
async fn one_heavy_parcel_among_light_ones_makes_a_pickup_overweight() {
    let carriers = Carriers::new();
    carriers.answer(200, &json!({}));
    let mut wish = pickup(Carrier::Ups, "US", "US", -240);
    // 70 lb are 31,751.47 g; and what was stored in grams alone.
    let heaviest =
        [(31_752, Some(31_751_465), "N"), (31_752, Some(31_751_466), "Y"), (31_751, None, "N"), (40_000, None, "Y")];
    for (heaviest_g, heaviest_mg, expected) in heaviest {
        (wish.parcels, wish.weight_g) = (3, 42_000);
        (wish.heaviest_g, wish.heaviest_mg) = (heaviest_g, heaviest_mg);
        carriers.ups.schedule_pickup(&wish, carriers.context()).await;
        assert_eq!(carriers.last_body()["PickupCreationRequest"]["OverweightIndicator"], expected, "{heaviest_g} g");
    }
    let mut abroad = pickup(Carrier::Ups, "DE", "DE", 120);
    (abroad.heaviest_g, abroad.heaviest_mg) = (32_000, None);
    carriers.ups.schedule_pickup(&abroad, carriers.context()).await;
    assert_eq!(carriers.last_body()["PickupCreationRequest"]["OverweightIndicator"], "N", "32 kg are not yet");
}

#[tokio::test(start_paused = true)]
async fn without_a_telephone_number_dhl_is_not_asked_for_a_label() {
    let carriers = Carriers::new();
    let mut consignment = consignment("DE", "FR", false);
    consignment.recipient = Party { phone: None, ..party("FR", false) };
    let order = LabelOrder { consignment: &consignment, service: "U", reference: REFERENCE };
    let answer = carriers.dhl.buy(order, carriers.context()).await;
    assert_eq!(answer, CarrierAnswer::Refused(Refusal::Address));
    assert!(carriers.sent().is_empty());
}
