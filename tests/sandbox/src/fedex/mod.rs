//! FedEx: prices, labels, tracking, addresses, collections, and the webhook that tells what happens to a parcel.
//!
//! Simulated:
//! * tokens: credentials in the form, an hour of life, 401 for a token that is unknown, expired or revoked, and the 403
//!   with which the token service throttles;
//! * prices for the services between two countries; labels of one or more pieces as PDF, PNG, ZPL or EPL; voiding them
//!   until they are collected; tracking by number and by reference; addresses; collections;
//! * the signed webhook (Advanced Integrated Visibility), one at every scan, in the shape of an answer of tracking.
//!
//! There is no idempotency: the same request twice is two labels, as at the vendor. Where the vendor's pages name no code
//! for a refusal, its code is the field's name and what is wrong with it.
//!
//! Not simulated: labels by URL or e-mail, returns, freight, hazardous goods, other payers. What is not simulated is
//! refused where it would change what a label is.

mod address;
mod currency;
mod failure;
mod pickup;
mod rates;
mod ship;
mod track;
mod webhook;

use crate::answer::{answer, header_text};
use crate::deliveries::Posting;
use crate::dials::Dials;
use crate::faults::Mishap;
use crate::ids::Ids;
use crate::parcels::{Parcels, Scan, Scanned, Tokens};
use crate::{Dial, FaultDial, Settings};
use bytes::Bytes;
use failure::Failure;
use http::{Method, Request, Response, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long a token is good, in seconds.
const TOKEN_LIFE_S: i64 = 3600;

/// The largest request, in bytes (1 MB).
const BODY_MAX_BYTES: usize = 1024 * 1024;

/// Everything that FedEx knows about the account.
#[derive(Debug)]
pub struct State {
    client_id: String,
    client_secret: String,
    account_number: String,
    webhook_token: String,
    tokens: Tokens,
    parcels: Parcels,
    outgoing: Vec<Posting>,
    ids: Ids,
    dials: Dials,
}

/// A request by method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Token,
    Rates,
    Ship,
    Void,
    Track,
    TrackReference,
    ValidateAddress,
    Pickup,
    CancelPickup,
    Unknown,
}

impl Route {
    fn of(method: &Method, path: &str) -> Self {
        match (method.as_str(), path) {
            ("POST", "/oauth/token") => Self::Token,
            ("POST", "/rate/v1/rates/quotes") => Self::Rates,
            ("POST", "/ship/v1/shipments") => Self::Ship,
            ("PUT", "/ship/v1/shipments/cancel") => Self::Void,
            ("POST", "/track/v1/trackingnumbers") => Self::Track,
            ("POST", "/track/v1/referencenumbers") => Self::TrackReference,
            ("POST", "/address/v1/addresses/resolve") => Self::ValidateAddress,
            ("POST", "/pickup/v1/pickups") => Self::Pickup,
            ("PUT", "/pickup/v1/pickups/cancel") => Self::CancelPickup,
            _ => Self::Unknown,
        }
    }
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match Route::of(method, path) {
        Route::Token => "token",
        Route::Rates => "rates",
        Route::Ship => "ship",
        Route::Void => "void",
        Route::Track => "track",
        Route::TrackReference => "track_reference",
        Route::ValidateAddress => "validate_address",
        Route::Pickup => "pickup",
        Route::CancelPickup => "cancel_pickup",
        Route::Unknown => "unknown",
    }
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            client_id: settings.fedex_client_id.clone(),
            client_secret: settings.fedex_client_secret.clone(),
            account_number: settings.fedex_account_number.clone(),
            webhook_token: settings.fedex_webhook_token.clone(),
            tokens: Tokens::default(),
            parcels: Parcels::default(),
            outgoing: Vec::new(),
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

    pub(crate) fn set_client_secret(&mut self, secret: String) {
        self.client_secret = secret;
    }

    pub(crate) fn set_webhook_token(&mut self, token: String) {
        self.webhook_token = token;
    }

    pub(crate) fn revoke_tokens(&mut self) {
        self.tokens.revoke_all();
    }

    pub(crate) fn show_labels_after(&mut self, ms: i64) {
        self.parcels.show_after(ms);
    }

    /// The webhooks that have come into being since the last time.
    pub(crate) fn take_outgoing(&mut self) -> Vec<Posting> {
        std::mem::take(&mut self.outgoing)
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

    /// One API call.
    pub(crate) fn call(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        mishap: Mishap,
        dial: &mut FaultDial,
    ) -> Response<Bytes> {
        self.pass_time(now_ms);
        let transaction = self.ids.uuid("fedex transaction");
        let customer_transaction = header_text(request, "x-customer-transaction-id");
        let (status, body) = match self.work(now_ms, request, mishap, dial) {
            Ok(body) if Route::of(request.method(), request.uri().path()) == Route::Token => (200, body),
            Ok(output) => {
                let mut body = json!({ "transactionId": transaction, "output": output });
                if let Some(id) = customer_transaction {
                    body["customerTransactionId"] = id.into();
                }
                (200, body)
            }
            Err(failure) => (failure.status, failure.to_json(&transaction, customer_transaction)),
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
        if route == Route::Token {
            return self.give_token(now_ms, request, mishap);
        }
        self.tokens
            .check(now_ms, header_text(request, header::AUTHORIZATION))
            .map_err(|_| Failure::unauthorized("Access token expired. Please modify your request and try again."))?;
        match mishap {
            Mishap::Throttled(_) | Mishap::Locked => return Err(Failure::throttled()),
            Mishap::During(status) => return Err(Failure::internal(status)),
            Mishap::None | Mishap::After(_) => {}
        }
        if route == Route::Unknown {
            return Err(Failure::not_found());
        }
        let body = read(request)?;
        let has_own_codes = self.dials.is_turned(Dial::OwnCurrencyCodesOnly);
        if has_own_codes {
            currency::check(&body)?;
        }
        let done = match route {
            Route::Rates => self.rates(now_ms, &body, dial)?,
            Route::Ship => self.ship(now_ms, &body, dial)?,
            Route::Void => self.void(now_ms, &body)?,
            Route::Track => self.track(now_ms, &body)?,
            Route::TrackReference => self.track_reference(now_ms, &body)?,
            Route::ValidateAddress => address::resolve(&body)?,
            Route::Pickup => self.pickup(now_ms, &body)?,
            Route::CancelPickup => self.cancel_pickup(now_ms, &body)?,
            Route::Token | Route::Unknown => return Err(Failure::not_found()),
        };
        let done = if has_own_codes { currency::answered(done) } else { done };
        match mishap {
            Mishap::After(status) => Err(Failure::internal(status)),
            _ => Ok(done),
        }
    }

    fn give_token(&mut self, now_ms: i64, request: &Request<Bytes>, mishap: Mishap) -> Result<Value, Failure> {
        self.tokens.count_call();
        match mishap {
            // The service refuses with 403, not 429, whoever asks too often.
            Mishap::Throttled(_) | Mishap::Locked => return Err(Failure::forbidden()),
            Mishap::During(status) => return Err(Failure::internal(status)),
            Mishap::None | Mishap::After(_) => {}
        }
        let kind = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Failure::invalid("BAD.REQUEST.ERROR", "The request is no form."));
        }
        let form: BTreeMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
        let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if given("grant_type") != "client_credentials" {
            return Err(Failure::invalid("BAD.REQUEST.ERROR", "The grant type is not supported."));
        }
        if given("client_id") != self.client_id || given("client_secret") != self.client_secret {
            return Err(Failure::unauthorized("The given client credentials were not valid. Please try again."));
        }
        let token = self.ids.next("fedex token", 32);
        self.tokens.give(token.clone(), now_ms + TOKEN_LIFE_S * 1000);
        match mishap {
            Mishap::After(status) => Err(Failure::internal(status)),
            _ => Ok(json!({
                "access_token": token,
                "token_type": "bearer",
                "expires_in": TOKEN_LIFE_S,
                "scope": "CXS",
            })),
        }
    }

    /// The account of a request is the one that FedEx knows.
    fn check_account(&self, given: &str) -> Result<(), Failure> {
        let message = "Please enter a valid 9-digit FedEx account number or register for a new FedEx account number.";
        let known = given == self.account_number;
        if known { Ok(()) } else { Err(Failure::invalid("ACCOUNTNUMBER.REGISTRATION.REQUIRED", message)) }
    }
}

fn read(request: &Request<Bytes>) -> Result<Value, Failure> {
    if request.body().len() > BODY_MAX_BYTES {
        return Err(Failure::invalid("PAYLOAD.TOO.LARGE", "The request is larger than 1 MB."));
    }
    let kind = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Failure::invalid("INVALID.INPUT.EXCEPTION", "The request is no JSON."));
    }
    let invalid = |_| Failure::invalid("INVALID.INPUT.EXCEPTION", "Invalid field value in the input");
    serde_json::from_slice(request.body()).map_err(invalid)
}
