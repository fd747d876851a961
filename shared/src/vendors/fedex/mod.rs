//! FedEx: parcels. (developer.fedex.com/api)

mod address;
mod classify;
mod currency;
mod event;
mod pickup;
mod rates;
mod ship;
mod status;
mod token;
mod track;
pub mod verify;
mod void;
mod wire;

use async_trait::async_trait;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use self::classify::{classify_effect, classify_read, code, logged, refusal};
use crate::domain::shipping::{
    Address, AddressCheck, Carrier, Classification, Consignment, Day, PickupRequest, Rate, Tracking,
};
use crate::domain::{Private, Timestamp};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Classify, Gateway, Keyring, OperationClass, Reply, TokenRule, Vendor};
use crate::vendors::carrier::{CallContext, CarrierAnswer, CarrierApi, Found, Label, LabelOrder, Refusal};
use crate::vendors::rotated::{Rotated, passwords};
use crate::world::HttpRequest;

pub use event::read_pushes;

/// The base URL in production.
pub const API_BASE: &str = "https://apis.fedex.com";

/// The secret `/crossdock/<Stage>/fedex`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// The project's API key.
    pub client_id: String,
    /// Its secret key.
    pub client_secret: Private<String>,
    /// The account that pays, nine digits.
    pub account_number: String,
}

/// The secret `/crossdock/<Stage>/fedex-webhook`, the only one that the receiver of its webhooks reads.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookKeys {
    /// What the webhooks are signed with; two while one is rolled.
    #[serde(default)]
    pub webhook_tokens: Vec<Rotated>,
}

impl WebhookKeys {
    /// The tokens that count now.
    ///
    /// # Errors
    /// `webhook_password_too_short`
    pub fn live_webhook_tokens(&self, now: Timestamp) -> Result<Vec<&str>> {
        passwords(&self.webhook_tokens, now, "fedex")
    }

    /// Whether nothing was put there yet.
    pub fn is_empty(&self) -> bool {
        self.webhook_tokens.is_empty()
    }
}

/// FedEx.
#[derive(Clone)]
pub struct Fedex {
    gateway: Gateway,
    keys: Keyring<Keys>,
    rule: TokenRule<Keys>,
}

/// One operation of the API.
struct Operation {
    name: &'static str,
    class: OperationClass,
    method: Method,
    path: &'static str,
    classify: Classify,
}

impl Operation {
    const fn effect(name: &'static str, method: Method, path: &'static str) -> Self {
        Self { name, class: OperationClass::Effect, method, path, classify: classify_effect }
    }

    const fn read(name: &'static str, path: &'static str) -> Self {
        Self { name, class: OperationClass::Read, method: Method::POST, path, classify: classify_read }
    }
}

impl Fedex {
    /// FedEx at this base URL, with these keys.
    pub fn new(gateway: Gateway, base: String, keys: Keyring<Keys>) -> Self {
        Self { gateway, keys, rule: token::rule(base) }
    }

    /// Makes a call; its body is built with the keys, since the account's number is in it.
    async fn ask<B: Serialize>(
        &self,
        operation: &Operation,
        context: CallContext<'_>,
        body: impl Fn(&Keys) -> B + Send + Sync,
    ) -> Reply {
        let CallContext { permit, attempt, correlation } = context;
        let Operation { name, class, .. } = *operation;
        let call = Call { vendor: Vendor::Fedex, operation: name, class, permit, attempt, correlation };
        let build = |keys: &Keys, token: &str| self.request(operation, token, &body(keys));
        self.gateway.call_with_token(&call, &self.keys, &self.rule, &build, operation.classify).await
    }

    fn request(&self, operation: &Operation, token: &str, body: &impl Serialize) -> Result<HttpRequest> {
        let unusable = |what: &str| Error::misconfigured("wrong_key", what.to_owned());
        let body =
            serde_json::to_vec(body).map_err(|e| Error::bug("unwritable_request", "it is no JSON").caused_by(e))?;
        http::Request::builder()
            .method(operation.method.clone())
            .uri(format!("{}{}", self.rule.base, operation.path))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            // Texts come in English, whatever the account's country.
            .header("x-locale", "en_US")
            .body(body.into())
            .map_err(|_| unusable("the token is no header's value"))
    }
}

/// What a reply comes to; of a refusal the log gets FedEx's code, which is no personal data.
fn answer<T>(reply: &Reply, read: impl FnOnce(&[u8]) -> Option<T>) -> CarrierAnswer<T> {
    CarrierAnswer::of(reply, read, |body| {
        log_refusal(reply, body);
        refusal(body)
    })
}

fn log_refusal(reply: &Reply, body: &[u8]) {
    if reply.class == Class::Refused {
        tracing::warn!(code = logged(code(body).as_deref()), "FedEx has refused");
    }
}

#[async_trait]
impl CarrierApi for Fedex {
    fn carrier(&self) -> Carrier {
        Carrier::Fedex
    }

    async fn rates(
        &self,
        consignment: &Consignment,
        service: Option<&str>,
        context: CallContext<'_>,
    ) -> CarrierAnswer<Vec<Rate>> {
        let Some(consignment) = &consignment.printed(wire::LINE_CHARS, wire::LINE_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let operation = Operation::read("rate", "/rate/v1/rates/quotes");
        let now = self.gateway.world().now();
        let build = |keys: &Keys| rates::request(consignment, service, &keys.account_number, now);
        let reply = self.ask(&operation, context, build).await;
        CarrierAnswer::priced(&reply, rates::read, |body| {
            log_refusal(&reply, body);
            refusal(body)
        })
    }

    async fn buy(&self, order: LabelOrder<'_>, context: CallContext<'_>) -> CarrierAnswer<Label> {
        let parties = [&order.consignment.shipper, &order.consignment.recipient];
        if parties.iter().any(|party| party.phone.is_none()) {
            // FedEx requires it of both: nothing is asked.
            return CarrierAnswer::Refused(Refusal::Address);
        }
        let Some(printed) = order.consignment.printed(wire::LINE_CHARS, wire::LINE_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let order = LabelOrder { consignment: &printed, ..order };
        let operation = Operation::effect("ship", Method::POST, "/ship/v1/shipments");
        let now = self.gateway.world().now();
        let build = |keys: &Keys| ship::request(&order, &keys.account_number, now);
        let parcels = order.consignment.parcels.len();
        answer(&self.ask(&operation, context, build).await, |body| ship::read(body, parcels))
    }

    async fn find(&self, order: LabelOrder<'_>, context: CallContext<'_>) -> CarrierAnswer<Found> {
        let operation = Operation::read("track_reference", "/track/v1/referencenumbers");
        let today = Day::of(self.gateway.world().now());
        let build = |keys: &Keys| track::by_reference(&order, today, &keys.account_number);
        let reply = self.ask(&operation, context, build).await;
        let body = reply.response.as_ref().map_or(&[][..], |response| response.body());
        if reply.class == Class::Refused && code(body).as_deref().is_some_and(track::is_unknown_reference) {
            return CarrierAnswer::Done(Found::Nothing);
        }
        match answer(&reply, |body| Some(track::found(body))) {
            CarrierAnswer::Done(found) => found,
            // That it cannot be searched for says nothing of whether it was bought.
            CarrierAnswer::Refused(_) => CarrierAnswer::Unknown,
            other => other.map(|_| Found::Nothing),
        }
    }

    async fn void(&self, tracking_number: &str, context: CallContext<'_>) -> CarrierAnswer<()> {
        let operation = Operation::effect("cancel_shipment", Method::PUT, "/ship/v1/shipments/cancel");
        let build = |keys: &Keys| void::Cancel::of(tracking_number, &keys.account_number);
        let reply = self.ask(&operation, context, build).await;
        let body = reply.response.as_ref().map_or(&[][..], |response| response.body());
        match reply.class {
            Class::Done | Class::Refused => {
                log_refusal(&reply, body);
                void::canceled(body)
            }
            _ => answer(&reply, |_| None),
        }
    }

    async fn track(&self, tracking_number: &str, context: CallContext<'_>) -> CarrierAnswer<Tracking> {
        let operation = Operation::read("track", "/track/v1/trackingnumbers");
        let build = |_: &Keys| track::by_numbers(std::iter::once(tracking_number));
        match answer(&self.ask(&operation, context, build).await, |body| Some(track::read(tracking_number, body))) {
            CarrierAnswer::Done(tracking) => tracking,
            other => other.map(|_| Tracking::of(tracking_number, Vec::new())),
        }
    }

    async fn track_all(&self, _: &str, parcels: &[String], context: CallContext<'_>) -> CarrierAnswer<Vec<Tracking>> {
        let operation = Operation::read("track", "/track/v1/trackingnumbers");
        let build = |_: &Keys| track::by_numbers(parcels.iter().map(String::as_str));
        match answer(&self.ask(&operation, context, build).await, |body| Some(track::read_all(parcels, body))) {
            CarrierAnswer::Done(all) => all,
            other => other.map(|_| Vec::new()),
        }
    }

    async fn check_address(&self, address: &Address, context: CallContext<'_>) -> CarrierAnswer<AddressCheck> {
        let operation = Operation::read("resolve_address", "/address/v1/addresses/resolve");
        let Some(printed) = address.printed(wire::LINE_CHARS, wire::LINE_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let reply = self.ask(&operation, context, |_| address::request(&printed)).await;
        match answer(&reply, |body| address::read(body, address)) {
            // That it knows no such address is the answer.
            CarrierAnswer::Refused(Refusal::Address | Refusal::NotFound) => {
                let (valid, classification) = (false, Classification::Unknown);
                CarrierAnswer::Done(AddressCheck { valid, classification, suggestions: Vec::new() })
            }
            other => other,
        }
    }

    async fn schedule_pickup(&self, pickup: &PickupRequest, context: CallContext<'_>) -> CarrierAnswer<String> {
        if !pickup::has_phone(pickup) {
            return CarrierAnswer::Refused(Refusal::Address);
        }
        let Some(party) = pickup.party.printed(wire::LINE_CHARS, wire::LINE_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let pickup = &PickupRequest { party, ..pickup.clone() };
        let operation = Operation::effect("create_pickup", Method::POST, "/pickup/v1/pickups");
        let now = self.gateway.world().now();
        let build = |keys: &Keys| pickup::request(pickup, now, &keys.account_number);
        answer(&self.ask(&operation, context, build).await, pickup::read)
    }

    async fn cancel_pickup(
        &self,
        confirmation: &str,
        pickup: &PickupRequest,
        context: CallContext<'_>,
    ) -> CarrierAnswer<()> {
        let operation = Operation::effect("cancel_pickup", Method::PUT, "/pickup/v1/pickups/cancel");
        let build = |keys: &Keys| pickup::Cancel::of(confirmation, pickup, &keys.account_number);
        answer(&self.ask(&operation, context, build).await, |_| Some(()))
    }
}
