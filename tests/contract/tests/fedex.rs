//! Every request that the FedEx adapter makes, as it left, against FedEx's own specifications.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::large_futures,
    clippy::disallowed_methods,
    reason = "a skipped check says so; tests fail by panicking, hold the whole system on their stack, and make the time"
)]

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use contract::specs::{SKIPPED, Specs};
use crossdock::aws::Transport;
use crossdock::domain::money::Currency;
use crossdock::domain::shipping::{
    Address, Carrier, Consignment, Customs, CustomsItem, Day, Dimensions, Incoterm, Parcel, Party, PickupRequest,
};
use crossdock::domain::{Correlation, Money, Timestamp};
use crossdock::effects::Reason;
use crossdock::gateway::{Lane, Permit};
use crossdock::lambda::{Env, System};
use crossdock::vendors::carrier::{CallContext, CarrierAnswer, CarrierApi as _, Found, LabelOrder, Refusal};
use crossdock::vendors::fedex::Fedex;
use crossdock::world::{Http, HttpError, HttpRequest, HttpResponse, Rng, World};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use simulation::{Aws, Probe, SimClock, TABLE_NAME};

const START_MS: i64 = 1_746_093_600_000;
const ACCOUNT: &str = "740561073";

/// Answers every question alike, after it has kept it; AWS answers for the secrets.
#[derive(Clone)]
struct Recorder {
    kept: Arc<Mutex<Vec<HttpRequest>>>,
    aws: Aws,
    answer: (u16, Bytes),
}

impl Http for Recorder {
    fn send(&self, request: HttpRequest, _: Duration) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        if Aws::is_for_secrets(&request) {
            return Box::pin(async move { self.aws.carry_signed(&Probe::new(), request).await });
        }
        let is_token = request.uri().path() == "/oauth/token";
        self.kept.lock().unwrap().push(request);
        let token = json!({ "access_token": "t", "token_type": "bearer", "expires_in": 3_600 });
        let (status, body) = if is_token { (200, token.to_string().into()) } else { self.answer.clone() };
        let response = http::Response::builder().status(status).body(body).unwrap();
        Box::pin(async move { Ok(response) })
    }
}

struct Fixed;

impl Rng for Fixed {
    fn next(&self) -> u128 {
        4
    }
}

fn party(name: &str, street: &[&str], city: &str, state: Option<&str>, postal_code: &str, country: &str) -> Party {
    Party {
        name: name.to_owned().into(),
        company: Some("Zoë & Co.".to_owned().into()),
        phone: Some("+19015550100".to_owned().into()),
        email: Some("ada@example.com".to_owned().into()),
        address: Address {
            street_lines: street.iter().map(|line| (*line).to_owned().into()).collect(),
            city: city.to_owned().into(),
            state: state.map(str::to_owned),
            postal_code: Some(postal_code.to_owned().into()),
            country: country.to_owned(),
            residential: Some(false),
        },
    }
}

fn at_home() -> Consignment {
    let dimensions = Dimensions::of_um([255_000, 200_000, 100_000]);
    Consignment {
        shipper: party("Shop", &["10 Main St", "", "Suite 302"], "Irving", Some("TX"), "75063", "US"),
        recipient: party("Ada", &["1 Elm St"], "Memphis", Some("TN"), "38116", "US"),
        parcels: vec![Parcel::of_mg(453_592, dimensions).unwrap(), Parcel::of_mg(70_000_000, None).unwrap()],
        ship_date: Day::parse("2025-05-02").unwrap(),
        ship_at: None,
        customs: None,
    }
}

fn abroad(incoterm: Incoterm, currency: &str) -> Consignment {
    let unit_value = Money { value: 1_999, currency: Currency::parse(currency).unwrap() };
    let item = |hs_code: Option<&str>| CustomsItem {
        description: "Cotton shirts".to_owned(),
        quantity: 3,
        unit_value,
        unit_weight_g: 210,
        unit_weight_mg: None,
        origin_country: "PT".to_owned(),
        hs_code: hs_code.map(str::to_owned),
    };
    let invoice = Some("o-1".to_owned());
    Consignment {
        recipient: party("Ola", &["Storgata 1"], "Oslo", None, "0155", "NO"),
        customs: Some(Customs { items: vec![item(Some("620520")), item(None)], incoterm, invoice }),
        ..at_home()
    }
}

/// Makes the adapter ask everything that it can ask.
async fn ask_everything(fedex: &Fedex, permit: &Permit) {
    let correlation = Correlation::from_stored("c-1");
    let context = CallContext { permit, attempt: 0, correlation: &correlation };
    let consignments = [at_home(), abroad(Incoterm::Dap, "USD"), abroad(Incoterm::Ddp, "JPY")];
    for consignment in &consignments {
        fedex.rates(consignment, None, context).await;
        fedex.rates(consignment, Some("FEDEX_GROUND"), context).await;
        let order = LabelOrder { consignment, service: "FEDEX_GROUND", reference: "CD-0123456789" };
        fedex.buy(order, context).await;
        fedex.find(order, context).await;
        fedex.check_address(&consignment.shipper.address, context).await;
        fedex.check_address(&consignment.recipient.address, context).await;
    }
    fedex.void("794953555571", context).await;
    fedex.track("122816215025810", context).await;
    let pickup = PickupRequest {
        carrier: Carrier::Fedex,
        party: at_home().shipper,
        ready: Timestamp::from_ms(START_MS + 3_600_000),
        close: Timestamp::from_ms(START_MS + 4 * 3_600_000),
        offset_min: -300,
        parcels: 3,
        weight_g: 4_540,
        weight_mg: None,
        heaviest_g: 1_600,
        heaviest_mg: None,
        destination_country: "NO".to_owned(),
        service: None,
    };
    fedex.schedule_pickup(&pickup, context).await;
    fedex.cancel_pickup("7@COSA", &pickup, context).await;
    fedex.cancel_pickup("3001", &pickup, context).await;
}

#[tokio::test(start_paused = true)]
async fn a_currency_is_told_by_fedex_own_code_where_it_has_one() {
    for (currency, told) in [("GBP", "UKL"), ("CHF", "SFR"), ("EUR", "EUR")] {
        let (fedex, recorder) = fedex(200, json!({ "output": {} }));
        let permit = permit();
        let correlation = Correlation::from_stored("c-1");
        let context = CallContext { permit: &permit, attempt: 0, correlation: &correlation };
        let consignment = abroad(Incoterm::Dap, currency);
        let order = LabelOrder { consignment: &consignment, service: "FEDEX_GROUND", reference: "CD-0123456789" };
        fedex.buy(order, context).await;
        let sent = recorder.kept.lock().unwrap().pop().unwrap();
        let body: Value = serde_json::from_slice(sent.body()).unwrap();
        let clearance = &body["requestedShipment"]["customsClearanceDetail"];
        assert_eq!(clearance["totalCustomsValue"]["currency"], told);
        assert_eq!(clearance["commodities"][0]["unitPrice"]["currency"], told);
        assert_eq!(clearance["commodities"][0]["customsValue"]["currency"], told);
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_is_sent_where_fedex_needs_it_and_as_it_writes_it() {
    for (country, postal_code, state, told) in [
        ("AU", "2000", Some("NSW"), json!(["AU", null])),
        ("MX", "06000", Some("CMX"), json!(["MX", null])),
        ("DE", "10115", Some("BE"), json!(["DE", null])),
        ("CA", "H2Y 1C6", Some("QC"), json!(["CA", "PQ"])),
        ("CA", "K1A 0A6", Some("ON"), json!(["CA", "ON"])),
        ("US", "38116", Some("TN"), json!(["US", "TN"])),
        ("US", "00901", Some("PR"), json!(["PR", "PR"])),
        ("PR", "00901", Some("SJU"), json!(["PR", "PR"])),
        ("US", "96910", Some("GU"), json!(["GU", null])),
        ("FR", "97400", None, json!(["RE", null])),
    ] {
        let (fedex, recorder) = fedex(200, json!({ "output": {} }));
        let permit = permit();
        let correlation = Correlation::from_stored("c-1");
        let context = CallContext { permit: &permit, attempt: 0, correlation: &correlation };
        let consignment =
            Consignment { recipient: party("Ada", &["1 Elm St"], "City", state, postal_code, country), ..at_home() };
        fedex.rates(&consignment, None, context).await;
        let sent = recorder.kept.lock().unwrap().pop().unwrap();
        let body: Value = serde_json::from_slice(sent.body()).unwrap();
        let to = &body["requestedShipment"]["recipient"]["address"];
        assert_eq!(json!([to["countryCode"], to["stateOrProvinceCode"]]), told, "{country} {state:?}");
    }
}

/// What FedEx answers, in JSON or in any bytes.
struct Answered(Bytes);

impl From<Value> for Answered {
    fn from(json: Value) -> Self {
        Self(json.to_string().into())
    }
}

impl From<Vec<u8>> for Answered {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// The same JSON, compressed though nobody asked for it.
fn compressed(json: &Value) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(json.to_string().as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The adapter, and FedEx, which answers everything with this.
fn fedex(status: u16, body: impl Into<Answered>) -> (Fedex, Recorder) {
    let Answered(body) = body.into();
    let clock = SimClock::new(START_MS);
    let aws = Aws::new(clock, 7);
    let recorder = Recorder { kept: Arc::default(), aws: aws.clone(), answer: (status, body) };
    let secret = json!({ "client_id": "l7x", "client_secret": "s", "account_number": ACCOUNT });
    aws.secrets().put("fedex", &secret);
    let env = [
        ("STAGE", "sim"),
        ("STACK_ID", "123456789012/eu-central-1/sim"),
        ("TABLE_NAME", TABLE_NAME),
        ("FEDEX_API_BASE", "https://fedex.sim"),
        ("FEDEX_SECRET_ID", "fedex"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "sim"),
        ("AWS_SECRET_ACCESS_KEY", "sim"),
    ];
    let env = Env::of(env.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let world = World { http: Arc::new(recorder.clone()), clock: Arc::new(clock), rng: Arc::new(Fixed) };
    let system = System::with(env, world, &Transport::of(aws.http_client(Probe::new()))).unwrap();
    (system.fedex().unwrap(), recorder)
}

fn permit() -> Permit {
    Permit::until(Timestamp::from_ms(START_MS + 60_000), Lane::Interactive)
}

async fn sent() -> Vec<HttpRequest> {
    let (fedex, recorder) = fedex(200, json!({ "output": {} }));
    ask_everything(&fedex, &permit()).await;
    let requests = recorder.kept.lock().unwrap();
    requests.clone()
}

fn our_configuration<T>() -> CarrierAnswer<T> {
    CarrierAnswer::NotDone { reason: Reason::VendorCredentials, after: None, answered: true }
}

#[tokio::test(start_paused = true)]
async fn a_compressed_answer_is_read_and_one_that_nobody_can_read_may_have_bought_a_label() {
    let consignment = at_home();
    let order = LabelOrder { consignment: &consignment, service: "FEDEX_GROUND", reference: "CD-0123456789" };
    let correlation = Correlation::from_stored("c-1");
    let error = |code: &str| json!({ "transactionId": "t", "errors": [{ "code": code, "message": "…" }] });
    let permit = permit();
    let context = CallContext { permit: &permit, attempt: 0, correlation: &correlation };
    let unheard = compressed(&error("SYSTEM.UNAVAILABLE.EXCEPTION"));
    let refused = compressed(&error("RECIPIENT.COUNTRY.UNSERVICED"));
    for (status, body, expected) in [
        (400, unheard.clone(), CarrierAnswer::Unknown),
        (400, refused, CarrierAnswer::Refused(Refusal::Service)),
        (400, unheard[..unheard.len() - 9].to_vec(), CarrierAnswer::Unknown),
        (400, b"<html>Bad Request</html>".to_vec(), CarrierAnswer::Unknown),
        (422, Vec::new(), CarrierAnswer::Unknown),
    ] {
        let (fedex, recorder) = fedex(status, body);
        assert_eq!(fedex.buy(order, context).await, expected);
        let sent = recorder.kept.lock().unwrap().clone();
        assert!(sent.iter().all(|request| request.headers()["accept-encoding"] == "identity"));
    }
    let unknown = compressed(&error("TRACKING.REFERENCENUMBER.NOTFOUND"));
    assert_eq!(fedex(404, unknown).0.find(order, context).await, CarrierAnswer::Done(Found::Nothing));
    let page = b"<html>Not Found</html>".to_vec();
    assert_eq!(fedex(404, page).0.track("122816215025810", context).await, our_configuration());
}

#[tokio::test(start_paused = true)]
async fn only_an_unknown_reference_tells_that_no_label_was_bought() {
    let consignment = at_home();
    let order = LabelOrder { consignment: &consignment, service: "FEDEX_GROUND", reference: "CD-0123456789" };
    let correlation = Correlation::from_stored("c-1");
    for (status, code, expected) in [
        (400, "TRACKING.REFERENCENUMBER.NOTFOUND", CarrierAnswer::Done(Found::Nothing)),
        (404, "NOT.FOUND.ERROR", our_configuration()),
        (404, "TRACKING.TRACKINGNUMBER.NOTFOUND", CarrierAnswer::Unknown),
        (400, "TRACKING.TRACKINGNUMBER.EMPTY", CarrierAnswer::Unknown),
        (400, "TRACKING.REFERENCETYPE.INVALID", CarrierAnswer::Unknown),
        (422, "INVALID.INPUT.EXCEPTION", CarrierAnswer::Unknown),
    ] {
        let (fedex, _) = fedex(status, json!({ "errors": [{ "code": code, "message": "…" }] }));
        let permit = permit();
        let context = CallContext { permit: &permit, attempt: 0, correlation: &correlation };
        assert_eq!(fedex.find(order, context).await, expected, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_request_that_the_adapter_makes_is_one_that_fedex_s_specifications_allow() {
    let sent = sent().await;
    for (method, path, count) in [
        ("POST", "/oauth/token", 1),
        ("POST", "/rate/v1/rates/quotes", 6),
        ("POST", "/ship/v1/shipments", 3),
        ("POST", "/track/v1/referencenumbers", 3),
        ("PUT", "/ship/v1/shipments/cancel", 1),
        ("POST", "/track/v1/trackingnumbers", 1),
        ("POST", "/address/v1/addresses/resolve", 6),
        ("POST", "/pickup/v1/pickups", 1),
        ("PUT", "/pickup/v1/pickups/cancel", 2),
    ] {
        let found = sent.iter().filter(|request| request.method() == method && request.uri().path() == path).count();
        assert_eq!(found, count, "{method} {path}");
    }
    let Some(specs) = Specs::from_env() else {
        eprintln!("{SKIPPED}");
        return;
    };
    let wrong: Vec<String> = sent
        .iter()
        .filter_map(|request| {
            let content_type = request.headers().get("content-type").map(|value| value.to_str().unwrap());
            let path = request.uri().path_and_query().unwrap().as_str();
            specs.check("fedex", request.method().as_str(), path, content_type, request.body()).err()
        })
        .flatten()
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_field_and_a_wrong_type_of_fedex_s_are_found() {
    let Some(specs) = Specs::from_env() else {
        eprintln!("{SKIPPED}");
        return;
    };
    let sent = sent().await;
    let body = |path: &str| -> Value {
        let request = sent.iter().find(|request| request.uri().path() == path).unwrap();
        serde_json::from_slice(request.body()).unwrap()
    };
    let fails = |method: &str, path: &str, body: &Value, why: &str| {
        let wrong = specs.check("fedex", method, path, Some("application/json"), body.to_string().as_bytes());
        let wrong = wrong.unwrap_err();
        assert!(wrong.iter().any(|what| what.contains(why)), "{path}: {wrong:?} does not say {why:?}");
    };
    let mut ship = body("/ship/v1/shipments");
    ship["requestedShipment"]["serviceTyp"] = json!("FEDEX_GROUND");
    fails("POST", "/ship/v1/shipments", &ship, "serviceTyp");
    let mut ship = body("/ship/v1/shipments");
    ship["requestedShipment"]["labelSpecification"]["labelStockType"] = json!("PAPER_4x6");
    fails("POST", "/ship/v1/shipments", &ship, "PAPER_4x6");
    let mut rates = body("/rate/v1/rates/quotes");
    rates["requestedShipment"]["totalWeight"] = json!("1.0");
    fails("POST", "/rate/v1/rates/quotes", &rates, "totalWeight");
    let mut track = body("/track/v1/trackingnumbers");
    track["trackingInfo"] = json!({});
    fails("POST", "/track/v1/trackingnumbers", &track, "trackingInfo");
    fails("POST", "/ship/v1/shipment", &ship, "no spec has such a path");
    fails("POST", "/ship/v1/shipments/cancel", &json!({}), "not with this method");
}
