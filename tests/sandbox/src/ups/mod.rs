//! UPS: prices, labels, tracking, addresses, collections, and Track Alert, which tells what happens to a parcel.
//!
//! Simulated:
//! * tokens: Basic credentials, four hours of life, every value of the answer a text; 401 for a token that is unknown,
//!   expired or revoked;
//! * prices with and without the time in transit; labels of one or more pieces as GIF, ZPL or EPL; voiding them until they
//!   are collected; recovering a label by number and by reference; tracking by number and by reference; addresses;
//!   collections;
//! * Track Alert: subscriptions of 14 days; one event in each push, with the credential that the subscription named, or
//!   (second version) one from the shop's own token service.
//!
//! There is no idempotency: the same request twice is two labels, as at the vendor. Where the specifications name no code
//! for a refusal, it is one of UPS's published lists of errors, or 20007 and 20008, which fit every field.
//!
//! Not simulated: returns, freight, alternate delivery, voiding single pieces, other payers, subscriptions of accounts.
//! What is not simulated is refused where it would change what a label is.

mod address;
mod alerts;
mod failure;
mod pickup;
mod rates;
mod route;
mod ship;
mod track;

pub use alerts::Subscription;
pub(crate) use route::operation;

use crate::answer::{answer, header_text};
use crate::deliveries::Posting;
use crate::dials::Dials;
use crate::faults::Mishap;
use crate::ids::Ids;
use crate::parcels::checks::text;
use crate::parcels::{BadToken, Parcels, Scan, Scanned, Tokens};
use crate::{FaultDial, Settings};
use alerts::Pushes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use failure::Failure;
use http::{Request, Response, header};
use route::Route;
use serde_json::{Value, json};

/// How long a token is good, in seconds.
const TOKEN_LIFE_S: i64 = 14_399;

/// The largest request, in bytes (1 MB).
const BODY_MAX_BYTES: usize = 1024 * 1024;

/// Everything that UPS knows about the account.
#[derive(Debug)]
pub struct State {
    client_id: String,
    client_secret: String,
    account_number: String,
    tokens: Tokens,
    parcels: Parcels,
    pushes: Pushes,
    ids: Ids,
    dials: Dials,
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            client_id: settings.ups_client_id.clone(),
            client_secret: settings.ups_client_secret.clone(),
            account_number: settings.ups_account_number.clone(),
            tokens: Tokens::default(),
            parcels: Parcels::default(),
            pushes: Pushes::new(settings),
            ids: Ids::new(settings.seed),
            dials: Dials::default(),
        }
    }

    pub(crate) fn set_dials(&mut self, dials: Dials) {
        self.dials = dials;
    }

    /// Labels, parcels and collections.
    pub fn parcels(&self) -> &Parcels {
        &self.parcels
    }

    /// The tokens that were given out.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Every number that was ever subscribed to, oldest first.
    pub fn subscriptions(&self) -> &[Subscription] {
        self.pushes.subscriptions()
    }

    pub(crate) fn set_client_secret(&mut self, secret: String) {
        self.client_secret = secret;
    }

    pub(crate) fn set_webhook_credential(&mut self, credential: String) {
        self.pushes.set_credential(credential);
    }

    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.revoke_all();
    }

    pub(crate) fn show_labels_after(&mut self, ms: i64) {
        self.parcels.show_after(ms);
    }

    /// The pushes that have come into being since the last time.
    pub(crate) fn take_outgoing(&mut self) -> Vec<Posting> {
        self.pushes.take_outgoing()
    }

    /// When something happens to a parcel that somebody subscribed to, in epoch milliseconds.
    pub(crate) fn next_told_ms(&self) -> Option<i64> {
        self.parcels.next_planned_ms_of(|shipment| self.pushes.follows(shipment))
    }

    /// Everything that has happened to parcels by `now_ms`.
    pub(crate) fn pass_time(&mut self, now_ms: i64) {
        for (position, scanned) in self.parcels.pass_time(now_ms) {
            self.tell(position, scanned);
        }
    }

    pub(crate) fn advance(&mut self, now_ms: i64, number: &str) -> Option<Scanned> {
        self.pass_time(now_ms);
        let (position, scanned) = self.parcels.advance(now_ms, number)?;
        self.tell(position, scanned);
        Some(scanned)
    }

    pub(crate) fn scan(&mut self, now_ms: i64, number: &str, scan: Scan) -> bool {
        self.pass_time(now_ms);
        let Some((position, scanned)) = self.parcels.scan(now_ms, number, scan) else { return false };
        self.tell(position, scanned);
        true
    }

    fn tell(&mut self, position: usize, scanned: Scanned) {
        if let Some(shipment) = self.parcels.shipments().get(position) {
            self.pushes.tell(shipment, scanned);
        }
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
            Ok(body) => (200, body),
            Err(failure) => (failure.status, failure.to_json()),
        };
        answer(now_ms, status, "application/json", body.to_string())
    }

    fn work(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        dial: &mut FaultDial,
    ) -> Result<Value, Failure> {
        let route = Route::of(request.method(), request.uri().path());
        match route {
            Route::Token => self.tokens.count_call(),
            _ => self.tokens.check(now_ms, header_text(request, header::AUTHORIZATION)).map_err(|bad| match bad {
                BadToken::Missing | BadToken::Unknown => Failure::unauthorized(),
                BadToken::Expired => Failure::token_expired(),
            })?,
        }
        match mishap {
            Mishap::Throttled(_) | Mishap::Locked => return Err(Failure::throttled()),
            Mishap::During(status) => return Err(Failure::internal(status)),
            Mishap::None | Mishap::After(_) => {}
        }
        let query = request.uri().query().unwrap_or_default();
        let done = match route {
            Route::Token => self.give_token(now_ms, request)?,
            Route::Rates(option) => self.rates(now_ms, option, &read(request)?, dial)?,
            Route::Ship => self.ship(now_ms, &read(request)?, dial)?,
            Route::Void(number) => self.void(now_ms, number, query)?,
            Route::RecoverLabel => self.recover_label(&read(request)?)?,
            Route::Track(number) => self.track(now_ms, request, number)?,
            Route::TrackReference(reference) => self.track_reference(now_ms, request, reference)?,
            Route::ValidateAddress(option) => address::validate(option, &read(request)?)?,
            Route::Pickup => self.pickup(now_ms, &read(request)?)?,
            Route::CancelPickup(by) => self.cancel_pickup(now_ms, by, header_text(request, "prn"))?,
            Route::Subscribe { version, kind } => self.subscribe(now_ms, request, version, kind)?,
            Route::WrongMethod => return Err(Failure::wrong_method()),
            Route::Unknown => return Err(Failure::not_found()),
        };
        match mishap {
            Mishap::After(status) => Err(Failure::internal(status)),
            _ => Ok(done),
        }
    }

    fn give_token(&mut self, now_ms: i64, request: &Request<Bytes>) -> Result<Value, Failure> {
        let basic = STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret));
        if header_text(request, header::AUTHORIZATION) != Some(format!("Basic {basic}").as_str()) {
            return Err(Failure::wrong_client());
        }
        let kind = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Failure::invalid("10400", "Invalid/Missing Content-Type Header"));
        }
        let grant = form_urlencoded::parse(request.body()).find(|(name, _)| name == "grant_type");
        if grant.is_none_or(|(_, grant)| grant != "client_credentials") {
            return Err(Failure::invalid("10400", "Invalid/Missing Grant Type"));
        }
        let token = self.ids.next("ups token", 32);
        self.tokens.give(token.clone(), now_ms + TOKEN_LIFE_S * 1000);
        Ok(json!({
            "token_type": "Bearer",
            "issued_at": now_ms.to_string(),
            "client_id": self.client_id,
            "access_token": token,
            "scope": "",
            "expires_in": TOKEN_LIFE_S.to_string(),
            "refresh_count": "0",
            "status": "approved",
        }))
    }

    /// The account of a request is the one that UPS knows.
    fn check_account(&self, given: &str) -> Result<(), Failure> {
        let known = given.eq_ignore_ascii_case(&self.account_number);
        if known { Ok(()) } else { Err(Failure::invalid("120100", "Missing or invalid shipper number")) }
    }
}

fn read(request: &Request<Bytes>) -> Result<Value, Failure> {
    if request.body().len() > BODY_MAX_BYTES {
        return Err(Failure::invalid("10013", "The message is too large to be processed by the Application."));
    }
    let kind = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Failure::invalid("10007", "Requested Content Type is not supported"));
    }
    serde_json::from_slice(request.body()).map_err(|_| Failure::invalid("10001", "The request is not well formed."))
}

/// A member that is a list, or one thing in place of a list of one.
fn each<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    match value.get(name) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
    }
}

/// The part of every answer that says that it went well, with the caller's own words.
fn response(request: &Value) -> Value {
    let mut response = json!({ "ResponseStatus": { "Code": "1", "Description": "Success" } });
    let context = text(request, "/Request/TransactionReference/CustomerContext");
    if !context.is_empty() {
        response["TransactionReference"] = json!({ "CustomerContext": context });
    }
    response
}
