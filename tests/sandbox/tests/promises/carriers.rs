//! A caller of the three carriers, as a shop would be, and what all three promise alike.

use crate::caller::{Answer, START_MS, answered};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use sandbox::parcels::Shipment;
use sandbox::{CallFault, CallLimit, OddRate, ParcelCourse, Reply, Sandbox, Scan, Settings, Vendor};
use serde_json::{Value, json};

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// The reference of every label that is bought here.
pub(crate) const REFERENCE: &str = "intent-1";

pub(crate) fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

/// A request with a token of its own, or Basic credentials.
pub(crate) struct Caller {
    carrier: Vendor,
    authorization: String,
}

impl Caller {
    /// With a token that is asked for first.
    pub(crate) fn new(sandbox: &mut Sandbox, carrier: Vendor) -> Self {
        let authorization = match carrier {
            Vendor::Dhl => format!("Basic {}", STANDARD.encode("dhl-sandbox:dhl-sandbox-password")),
            _ => format!("Bearer {}", token(sandbox, START_MS, carrier).text("/access_token")),
        };
        Self { carrier, authorization }
    }

    pub(crate) fn request(&self, method: &str, path: &str, body: &Value) -> Request<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(format!("https://carrier.example{path}"))
            .header("authorization", &self.authorization)
            .header("transId", "t-1")
            .header("transactionSrc", "shop")
            .header("x-version", "3.1.1")
            .header("content-type", "application/json");
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        request.body(body).unwrap()
    }

    pub(crate) fn call(&self, sandbox: &mut Sandbox, at_ms: i64, method: &str, path: &str, body: &Value) -> Answer {
        answered(sandbox.call(self.carrier, at_ms, self.request(method, path, body)))
    }

    pub(crate) fn rates(&self, sandbox: &mut Sandbox, body: &Value) -> Answer {
        self.call(sandbox, START_MS, "POST", rates_path(self.carrier), body)
    }

    pub(crate) fn ship(&self, sandbox: &mut Sandbox, at_ms: i64, body: &Value) -> Answer {
        self.call(sandbox, at_ms, "POST", ship_path(self.carrier), body)
    }

    /// Buys the ordinary label and gives the number of its shipment.
    pub(crate) fn buy(&self, sandbox: &mut Sandbox, at_ms: i64) -> String {
        let bought = self.ship(sandbox, at_ms, &shipment(self.carrier));
        assert!([200, 201].contains(&bought.status), "{:#}", bought.json);
        sandbox.parcels(self.carrier).unwrap().shipments().last().unwrap().tracking_number.clone()
    }
}

pub(crate) fn token(sandbox: &mut Sandbox, at_ms: i64, carrier: Vendor) -> Answer {
    let (path, form, basic) = match carrier {
        Vendor::FedEx => (
            "/oauth/token",
            "grant_type=client_credentials&client_id=fedex-sandbox&client_secret=fedex-sandbox-secret",
            None,
        ),
        _ => ("/security/v1/oauth/token", "grant_type=client_credentials", Some("ups-sandbox:ups-sandbox-secret")),
    };
    let mut request = Request::builder()
        .method("POST")
        .uri(format!("https://carrier.example{path}"))
        .header("content-type", "application/x-www-form-urlencoded");
    if let Some(basic) = basic {
        request = request.header("authorization", format!("Basic {}", STANDARD.encode(basic)));
    }
    answered(sandbox.call(carrier, at_ms, request.body(Bytes::from_static(form.as_bytes())).unwrap()))
}

fn rates_path(carrier: Vendor) -> &'static str {
    match carrier {
        Vendor::FedEx => "/rate/v1/rates/quotes",
        Vendor::Ups => "/api/rating/v2409/Shoptimeintransit",
        _ => "/rates",
    }
}

fn ship_path(carrier: Vendor) -> &'static str {
    match carrier {
        Vendor::FedEx => "/ship/v1/shipments",
        Vendor::Ups => "/api/shipments/v2409/ship",
        _ => "/shipments",
    }
}

/// What the ordinary label would cost.
pub(crate) fn quote(carrier: Vendor) -> Value {
    match carrier {
        Vendor::FedEx => crate::fedex::quote(),
        Vendor::Ups => crate::ups::quote(),
        _ => crate::dhl::quote(),
    }
}

/// The ordinary label: one parcel within the country, for DHL to the next one.
pub(crate) fn shipment(carrier: Vendor) -> Value {
    match carrier {
        Vendor::FedEx => crate::fedex::shipment(),
        Vendor::Ups => crate::ups::shipment(),
        _ => crate::dhl::shipment(),
    }
}

/// The number of prices in an answer, whatever they are.
fn prices(carrier: Vendor, answer: &Answer) -> usize {
    let pointer = match carrier {
        Vendor::FedEx => "/output/rateReplyDetails",
        Vendor::Ups => "/RateResponse/RatedShipment",
        _ => "/products",
    };
    answer.json.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len)
}

pub(crate) fn bought(sandbox: &Sandbox, carrier: Vendor) -> &[Shipment] {
    sandbox.parcels(carrier).unwrap().shipments()
}

#[test]
fn the_same_request_gets_the_same_prices_and_several_of_them() {
    for carrier in Vendor::CARRIERS {
        let mut sandbox = sandbox();
        let caller = Caller::new(&mut sandbox, carrier);
        let answers = [(); 2].map(|()| caller.rates(&mut sandbox, &quote(carrier)));
        assert_eq!(answers[0].status, 200, "{:#}", answers[0].json);
        assert!(prices(carrier, &answers[0]) > 1, "{:#}", answers[0].json);
        let [first, second] = answers.map(|mut answer| {
            answer.json["transactionId"].take();
            answer.json
        });
        assert_eq!(first, second);
    }
}

#[test]
fn the_same_request_twice_is_two_labels_and_both_are_billed() {
    for carrier in Vendor::CARRIERS {
        let mut sandbox = sandbox();
        let caller = Caller::new(&mut sandbox, carrier);
        let numbers = [(); 2].map(|()| caller.buy(&mut sandbox, START_MS));
        assert_ne!(numbers[0], numbers[1]);
        let parcels = sandbox.parcels(carrier).unwrap();
        assert_eq!((parcels.bought_for(REFERENCE).len(), parcels.billed_for(REFERENCE).len()), (2, 2));
        assert!(parcels.bought_for("intent-2").is_empty());
        assert!(parcels.shipments()[0].price.minor > 0);
    }
}

#[test]
fn a_label_whose_answer_is_lost_late_broken_or_an_error_is_bought_and_what_fails_before_is_not() {
    let done = [
        CallFault::LostAnswer,
        CallFault::ErrorAfter { status: 500 },
        CallFault::Delay { ms: 60_000 },
        CallFault::Garbled,
    ];
    let not_done = [
        CallFault::ErrorBefore { status: 503 },
        CallFault::ErrorDuring { status: 500 },
        CallFault::Throttled { retry_after_s: 1 },
        CallFault::LostRequest,
        CallFault::Refused,
    ];
    for carrier in Vendor::CARRIERS {
        for (faults, count) in [(&done[..], 1), (&not_done[..], 0)] {
            for fault in faults {
                let mut sandbox = sandbox();
                let caller = Caller::new(&mut sandbox, carrier);
                sandbox.faults().next_calls(carrier, "ship", 1, *fault);
                let reply =
                    sandbox.call(carrier, START_MS, caller.request("POST", ship_path(carrier), &shipment(carrier)));
                assert_eq!(bought(&sandbox, carrier).len(), count, "{carrier:?} {fault:?}");
                match (*fault, reply) {
                    (CallFault::Garbled, reply) => assert!(answered(reply).json.is_null()),
                    (CallFault::ErrorAfter { .. } | CallFault::ErrorDuring { .. }, reply) => {
                        assert_eq!(answered(reply).status, 500);
                    }
                    (CallFault::Throttled { .. }, reply) => assert_eq!(answered(reply).status, 429),
                    (CallFault::Delay { .. }, Reply::Answer { delay_ms, .. }) => assert_eq!(delay_ms, 60_000),
                    (CallFault::LostAnswer | CallFault::LostRequest, reply) => {
                        assert!(matches!(reply, Reply::Lost { .. }));
                    }
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn calls_past_the_limit_are_throttled_until_the_window_is_over_and_tokens_do_not_count() {
    for carrier in Vendor::CARRIERS {
        let mut sandbox = sandbox();
        sandbox.faults().limit(carrier, Some(CallLimit { calls: 2, window_ms: 10_000 }));
        let caller = Caller::new(&mut sandbox, carrier);
        let statuses = [(); 3].map(|()| caller.rates(&mut sandbox, &quote(carrier)).status);
        assert_eq!(statuses, [200, 200, 429]);
        let later = caller.call(&mut sandbox, START_MS + 10_000, "POST", rates_path(carrier), &quote(carrier));
        assert_eq!(later.status, 200);
    }
}

#[test]
fn an_odd_price_is_odd_in_one_answer_and_its_neighbours_are_not() {
    for carrier in Vendor::CARRIERS {
        for odd in [OddRate::MissingPrice, OddRate::UnknownFields, OddRate::OtherType] {
            let mut sandbox = sandbox();
            let caller = Caller::new(&mut sandbox, carrier);
            let plain = caller.rates(&mut sandbox, &quote(carrier));
            sandbox.faults().next_rates(carrier, 1, odd);
            let strange = caller.rates(&mut sandbox, &quote(carrier));
            assert_eq!(prices(carrier, &strange), prices(carrier, &plain));
            let list = match carrier {
                Vendor::FedEx => "/output/rateReplyDetails",
                Vendor::Ups => "/RateResponse/RatedShipment",
                _ => "/products",
            };
            let at = |answer: &Answer, i: usize| answer.json.pointer(&format!("{list}/{i}")).cloned();
            assert_ne!(at(&strange, 0), at(&plain, 0), "{carrier:?} {odd:?}");
            assert_eq!(at(&strange, 1), at(&plain, 1));
            let after = caller.rates(&mut sandbox, &quote(carrier));
            assert_eq!(at(&after, 0), at(&plain, 0));
        }
    }
}

#[test]
fn a_parcel_moves_by_the_clock_until_it_is_there() {
    for carrier in Vendor::CARRIERS {
        let mut sandbox = sandbox();
        let caller = Caller::new(&mut sandbox, carrier);
        caller.buy(&mut sandbox, START_MS);
        let scans = |sandbox: &mut Sandbox, at_ms: i64| {
            sandbox.take_due(at_ms);
            bought(sandbox, carrier)[0].scans.iter().map(|scanned| scanned.scan).collect::<Vec<_>>()
        };
        assert_eq!(scans(&mut sandbox, START_MS + HOUR_MS), [Scan::Created]);
        assert_eq!(scans(&mut sandbox, START_MS + 4 * HOUR_MS), [Scan::Created, Scan::PickedUp]);
        let whole = scans(&mut sandbox, START_MS + 7 * DAY_MS);
        assert_eq!(whole.last(), Some(&Scan::Delivered));
        assert_eq!(whole.iter().filter(|scan| **scan == Scan::OutForDelivery).count(), 1);
    }
}

#[test]
fn the_dial_sends_parcels_on_other_ways_and_a_word_makes_the_next_scan() {
    for (course, last) in [
        (ParcelCourse::Exception, Scan::Delivered),
        (ParcelCourse::Returned, Scan::Returned),
        (ParcelCourse::Strange, Scan::Delivered),
    ] {
        let mut sandbox = sandbox();
        let caller = Caller::new(&mut sandbox, Vendor::FedEx);
        sandbox.faults().next_parcels(Vendor::FedEx, 1, course);
        caller.buy(&mut sandbox, START_MS);
        sandbox.take_due(START_MS + 14 * DAY_MS);
        let shipment = &bought(&sandbox, Vendor::FedEx)[0];
        assert_eq!(shipment.last_scan().scan, last);
        let had = |wanted: Scan| shipment.scans.iter().any(|scanned| scanned.scan == wanted);
        assert_eq!(
            (had(Scan::Exception), had(Scan::Unknown)),
            (course != ParcelCourse::Strange, !had(Scan::Exception))
        );
    }
    for carrier in Vendor::CARRIERS {
        let mut sandbox = sandbox();
        let caller = Caller::new(&mut sandbox, carrier);
        sandbox.faults().every_parcel(carrier, ParcelCourse::Still);
        let number = caller.buy(&mut sandbox, START_MS);
        sandbox.take_due(START_MS + 14 * DAY_MS);
        assert_eq!(bought(&sandbox, carrier)[0].scans.len(), 1);
        let mut moves = Vec::new();
        while let Some(scan) = sandbox.parcel_moves(carrier, START_MS + 14 * DAY_MS, &number) {
            moves.push(scan);
        }
        assert_eq!((moves.first(), moves.last()), (Some(&Scan::PickedUp), Some(&Scan::Delivered)));
        assert!(!sandbox.parcel_is_scanned(carrier, START_MS, "no such number", Scan::Unknown));
    }
}

#[test]
fn a_label_is_found_by_tracking_only_after_the_time_that_was_set() {
    for carrier in Vendor::CARRIERS {
        let mut sandbox = sandbox();
        let caller = Caller::new(&mut sandbox, carrier);
        sandbox.labels_show_after(carrier, 30_000);
        let number = caller.buy(&mut sandbox, START_MS);
        let mut found = |at_ms: i64| match carrier {
            Vendor::FedEx => crate::fedex::track(&caller, &mut sandbox, at_ms, &number)
                .json
                .pointer("/output/completeTrackResults/0/trackResults/0/error")
                .is_none(),
            Vendor::Ups => {
                let path = format!("/api/track/v1/details/{number}");
                caller.call(&mut sandbox, at_ms, "GET", &path, &json!(null)).status == 200
            }
            _ => {
                let path = format!("/shipments/{number}/tracking");
                caller.call(&mut sandbox, at_ms, "GET", &path, &json!(null)).status == 200
            }
        };
        assert_eq!((found(START_MS + 29_999), found(START_MS + 30_000)), (false, true), "{carrier:?}");
    }
}
