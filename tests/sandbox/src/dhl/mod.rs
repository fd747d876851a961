//! DHL Express (MyDHL API): prices, labels, tracking, addresses, collections.
//!
//! Simulated: Basic credentials and the `x-version` that every call must have; prices; labels of one or more pieces, all in
//! one PDF, ZPL or EPL file; tracking by number and by reference; addresses; collections, also those that come with a label.
//! A shape that is not the specification's is a 422, whatever else is wrong a 400.
//!
//! There is no idempotency: the same request twice is two labels, as at the vendor. A label cannot be voided, and nothing
//! is pushed: MyDHL has neither. Nor does it carry anything within the United States.
//!
//! Not simulated: documents beside the label, checking without buying, changing a collection, customs' own services. What
//! is not simulated is refused where it would change what a label is.

mod address;
mod failure;
mod pickup;
mod rates;
mod ship;
mod track;

use crate::answer::{answer, header_text, set};
use crate::faults::Mishap;
use crate::ids::Ids;
use crate::parcels::checks::{Rule, hold};
use crate::parcels::{Moment, Parcels, Scan, Scanned};
use crate::{FaultDial, Settings};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use failure::Failure;
use http::{HeaderName, Method, Request, Response, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The largest request, in bytes (10 MB: it may carry invoices).
const BODY_MAX_BYTES: usize = 10 * 1024 * 1024;

/// Everything that DHL knows about the account.
#[derive(Debug)]
pub struct State {
    username: String,
    password: String,
    account_number: String,
    parcels: Parcels,
    ids: Ids,
}

/// A request by method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route<'a> {
    Rates,
    Ship,
    /// One number, or what the query asks for.
    Track(Option<&'a str>),
    ValidateAddress,
    Pickup,
    CancelPickup(&'a str),
    Unknown,
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &'a str) -> Self {
        // The base URL of the vendor has a path, that of a simulator need not have one.
        let path = path.strip_prefix("/mydhlapi").unwrap_or(path);
        let path = path.strip_prefix("/test").unwrap_or(path);
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method.as_str(), parts.as_slice()) {
            ("POST", ["rates"]) => Self::Rates,
            ("POST", ["shipments"]) => Self::Ship,
            ("GET", ["tracking"]) => Self::Track(None),
            ("GET", ["shipments", number, "tracking"]) => Self::Track(Some(number)),
            ("GET", ["address-validate"]) => Self::ValidateAddress,
            ("POST", ["pickups"]) => Self::Pickup,
            ("DELETE", ["pickups", number]) => Self::CancelPickup(number),
            _ => Self::Unknown,
        }
    }
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match Route::of(method, path) {
        Route::Rates => "rates",
        Route::Ship => "ship",
        Route::Track(_) => "track",
        Route::ValidateAddress => "validate_address",
        Route::Pickup => "pickup",
        Route::CancelPickup(_) => "cancel_pickup",
        Route::Unknown => "unknown",
    }
}

/// The parameters of a query, in order; one may come more than once.
type Query = Vec<(String, String)>;

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            username: settings.dhl_username.clone(),
            password: settings.dhl_password.clone(),
            account_number: settings.dhl_account_number.clone(),
            parcels: Parcels::default(),
            ids: Ids::new(settings.seed),
        }
    }

    /// Labels, parcels and collections.
    pub fn parcels(&self) -> &Parcels {
        &self.parcels
    }

    pub(crate) fn set_password(&mut self, password: String) {
        self.password = password;
    }

    pub(crate) fn show_labels_after(&mut self, ms: i64) {
        self.parcels.show_after(ms);
    }

    /// Everything that has happened to parcels by `now_ms`; nobody is told.
    pub(crate) fn pass_time(&mut self, now_ms: i64) {
        self.parcels.pass_time(now_ms);
    }

    pub(crate) fn advance(&mut self, now_ms: i64, number: &str) -> Option<Scanned> {
        self.pass_time(now_ms);
        self.parcels.advance(now_ms, number).map(|(_, scanned)| scanned)
    }

    pub(crate) fn scan(&mut self, now_ms: i64, number: &str, scan: Scan) -> bool {
        self.pass_time(now_ms);
        self.parcels.scan(now_ms, number, scan).is_some()
    }

    /// One API call.
    pub(crate) fn call(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        dial: &mut FaultDial,
    ) -> Response<Bytes> {
        self.pass_time(now_ms);
        let (status, body) = match self.work(now_ms, request, mishap, dial) {
            Ok((status, Value::Null)) => (status, String::new()),
            Ok((status, body)) => (status, body.to_string()),
            Err(failure) => (failure.status, failure.to_json(request.uri()).to_string()),
        };
        let mut response = answer(now_ms, status, "application/json", body);
        set(&mut response, HeaderName::from_static("invocation-id"), &self.ids.uuid("dhl call"));
        if let Some(reference) = header_text(request, "message-reference") {
            set(&mut response, HeaderName::from_static("message-reference"), reference);
        }
        response
    }

    fn work(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        dial: &mut FaultDial,
    ) -> Result<(u16, Value), Failure> {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.username, self.password)));
        if header_text(request, header::AUTHORIZATION) != Some(basic.as_str()) {
            return Err(Failure::unauthorized());
        }
        match mishap {
            Mishap::Throttled(_) | Mishap::Locked => return Err(Failure::throttled()),
            Mishap::During(status) => return Err(Failure::internal(status)),
            Mishap::None | Mishap::After(_) => {}
        }
        if header_text(request, "x-version").is_none_or(str::is_empty) {
            return Err(Failure::missing_parameters("x-version"));
        }
        if header_text(request, "message-reference").is_some_and(|text| !(1..=36).contains(&text.len())) {
            return Err(Failure::invalid("Parameters not having correct format: Message-Reference (maxLength=36)"));
        }
        let query: Query =
            form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes()).into_owned().collect();
        let done = match Route::of(request.method(), request.uri().path()) {
            Route::Rates => (200, self.rates(now_ms, &read(request)?, dial)?),
            Route::Ship => {
                if query.iter().any(|(name, value)| name == "validateDataOnly" && value == "true") {
                    return Err(Failure::not_simulated("checking without buying"));
                }
                (201, self.ship(now_ms, &read(request)?, dial)?)
            }
            Route::Track(number) => (200, self.track(now_ms, number, &query)?),
            Route::ValidateAddress => (200, address::validate(&query)?),
            Route::Pickup => (201, self.pickup(now_ms, &read(request)?)?),
            Route::CancelPickup(number) => (200, self.cancel_pickup(now_ms, number, &query)?),
            Route::Unknown => return Err(Failure::not_found("The requested resource is not found.")),
        };
        match mishap {
            Mishap::After(status) => Err(Failure::internal(status)),
            _ => Ok(done),
        }
    }

    /// The accounts of a request are the one that DHL knows.
    fn check_accounts(&self, accounts: &[Value]) -> Result<(), Failure> {
        if accounts.iter().all(|account| account["number"] == self.account_number.as_str()) {
            return Ok(());
        }
        Err(Failure::invalid("The account number is not found or invalid. Please check the account number and retry."))
    }
}

fn read(request: &Request<Bytes>) -> Result<Value, Failure> {
    if request.body().len() > BODY_MAX_BYTES {
        return Err(Failure::invalid("The request is larger than 10 MB."));
    }
    let kind = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Failure::invalid("The content type is not application/json."));
    }
    serde_json::from_slice(request.body()).map_err(|_| Failure::invalid("The request is not well-formed JSON."))
}

/// Holds a body against its rules; names at the top that are not known are refused too.
fn held(body: &Value, known: &[&str], rules: &[Rule]) -> Result<(), Failure> {
    let unknown = body.as_object().into_iter().flatten().find(|(name, _)| !known.contains(&name.as_str()));
    if let Some((name, _)) = unknown {
        return Err(Failure::shape(format!("#: extraneous key [{name}] is not permitted")));
    }
    Ok(hold(body, rules)?)
}

/// A time that has to lie ahead.
fn ahead(now_ms: i64, what: &str, text: &str) -> Result<Moment, Failure> {
    let moment = Moment::of_text(text).filter(|_| text.contains("GMT")).ok_or_else(|| {
        Failure::invalid(format!(
            "998: {what} is not well formatted.(Expected Sample Format : '2010-02-11T17:10:09 GMT+01:00')"
        ))
    })?;
    if moment.ms() < now_ms {
        return Err(Failure::invalid(format!("996: {what} must not be in the past.")));
    }
    Ok(moment)
}

/// The one value of a query's parameter, empty when it is not there.
fn parameter<'a>(query: &'a Query, name: &str) -> &'a str {
    query.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
}

/// The code that DHL has for the surroundings of a city.
fn service_area(city: &str) -> String {
    let letters = city.chars().filter(char::is_ascii_alphabetic).take(3).collect::<String>();
    format!("{letters:X<3}").to_uppercase()
}

fn area(city: &str, country: &str) -> Value {
    json!([{ "code": service_area(city), "description": format!("{}-{country}", city.to_uppercase()) }])
}

/// Names and values of a party, as tracking shows them.
fn by_name(pairs: &[(&str, &str)]) -> Value {
    let pairs: BTreeMap<&str, &str> = pairs.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
    json!(pairs)
}
