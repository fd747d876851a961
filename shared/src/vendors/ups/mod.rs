//! UPS: parcels. (developer.ups.com: Rating, Shipping, Tracking, Track Alert, Address Validation, Pickup.)

mod address;
mod alert;
mod classify;
mod event;
mod pickup;
mod rates;
mod recover;
mod ship;
mod status;
mod token;
mod track;
pub mod verify;
mod wire;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;

use crate::domain::id::ulid;
use crate::domain::shipping::{Address, AddressCheck, Carrier, Consignment, PickupRequest, Rate, Tracking, zone};
use crate::domain::{Private, Timestamp};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, OperationClass, Reply, TokenRule, Vendor};
use crate::telemetry::fields;
use crate::vendors::carrier::{CallContext, CarrierAnswer, CarrierApi, Found, Label, LabelOrder, Refusal};
use crate::vendors::rotated::{Rotated, passwords};
use crate::world::HttpRequest;

pub use alert::{NUMBERS_MAX, Subscribed};
pub use event::{event_id, object_id, read_event};

/// The base URL in production.
pub const API_BASE: &str = "https://onlinetools.ups.com";

/// Who calls, for UPS's own log.
const SOURCE: &str = "crossdock";

/// The secret `/crossdock/<Stage>/ups`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// Of the application that has the products Rating, Shipping, Tracking, Track Alert, Address Validation and Pickup.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Private<String>,
    /// The account that pays: six letters and digits.
    pub account_number: String,
}

/// The secret `/crossdock/<Stage>/ups-webhook`, the only one that the receiver of its webhooks reads.
#[derive(Clone, Debug, Deserialize)]
pub struct WebhookKeys {
    /// What Track Alert proves itself with: an opaque text, or `client id:client secret`.
    #[serde(default)]
    pub webhook_credentials: Vec<Rotated>,
}

impl WebhookKeys {
    /// The webhook credentials that count now.
    ///
    /// # Errors
    /// `webhook_password_too_short`
    pub fn live_credentials(&self, now: Timestamp) -> Result<Vec<&str>> {
        passwords(&self.webhook_credentials, now, "ups")
    }

    /// Whether nothing was put there yet.
    pub fn is_empty(&self) -> bool {
        self.webhook_credentials.is_empty()
    }
}

/// UPS.
#[derive(Clone)]
pub struct Ups {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
    tokens: TokenRule<Keys>,
}

/// What is asked, without what every request has.
struct Question {
    method: Method,
    path: String,
    body: Option<Value>,
    header: Option<(&'static str, String)>,
}

impl Question {
    fn post(path: String, body: Value) -> Self {
        Self { method: Method::POST, path, body: Some(body), header: None }
    }

    fn of(method: Method, path: String) -> Self {
        Self { method, path, body: None, header: None }
    }
}

impl Ups {
    /// UPS at this base URL, with these keys.
    pub fn new(gateway: Gateway, base: String, keys: Keyring<Keys>) -> Self {
        let tokens = token::rule(base.clone());
        Self { gateway, base, keys, tokens }
    }

    /// Has UPS tell of these parcels unasked, for fourteen days. At most [`NUMBERS_MAX`]; more are refused unsent, and
    /// what has not the form of a number is not sent. Repeating it does no harm.
    pub async fn subscribe(&self, numbers: &[String], context: CallContext<'_>) -> CarrierAnswer<Subscribed> {
        let (good, bad): (Vec<&String>, Vec<&String>) = numbers.iter().partition(|number| alert::is_number(number));
        let mut invalid: Vec<String> = bad.into_iter().cloned().collect();
        if good.len() > NUMBERS_MAX {
            return CarrierAnswer::Refused(Refusal::Other);
        }
        if good.is_empty() {
            return CarrierAnswer::Done(Subscribed { valid: Vec::new(), invalid });
        }
        let sent: Vec<&str> = good.iter().map(|number| number.as_str()).collect();
        let question = |_: &Keys| Question::post(alert::PATH.to_owned(), alert::request(&sent));
        let reply = self.ask("subscribe", OperationClass::Effect, context, question).await;
        if reply.class == Class::Refused && classify::is_all_invalid(body(&reply)) {
            invalid.extend(good.into_iter().cloned());
            return CarrierAnswer::Done(Subscribed { valid: Vec::new(), invalid });
        }
        CarrierAnswer::of(&reply, alert::read, classify::refusal).map(|mut subscribed| {
            subscribed.invalid.append(&mut invalid);
            subscribed
        })
    }

    /// Asks with the account's keys and a token.
    async fn ask(
        &self,
        operation: &'static str,
        class: OperationClass,
        context: CallContext<'_>,
        question: impl Fn(&Keys) -> Question + Send + Sync,
    ) -> Reply {
        let CallContext { permit, attempt, correlation } = context;
        let call = Call { vendor: Vendor::Ups, operation, class, permit, attempt, correlation };
        let classify = match class {
            OperationClass::Effect => classify::classify,
            OperationClass::Read => classify::classify_read,
        };
        let build = |keys: &Keys, token: &str| self.request(question(keys), token);
        let reply = self.gateway.call_with_token(&call, &self.keys, &self.tokens, &build, classify).await;
        if reply.class == Class::Refused {
            let code = classify::code(body(&reply)).unwrap_or_default();
            tracing::info!(
                { fields::VENDOR } = Vendor::Ups.as_str(),
                { fields::OPERATION } = operation,
                { fields::CORRELATION } = correlation.as_str(),
                code = code.chars().filter(char::is_ascii_alphanumeric).take(16).collect::<String>(),
                "UPS refuses: see developer.ups.com"
            );
        }
        reply
    }

    fn request(&self, question: Question, token: &str) -> Result<HttpRequest> {
        let world = self.gateway.world();
        let mut builder = http::Request::builder()
            .method(question.method)
            .uri(format!("{}{}", self.base, question.path))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header("transId", ulid(world.now(), world.rng.next()))
            .header("transactionSrc", SOURCE);
        if let Some((name, value)) = question.header {
            builder = builder.header(name, value);
        }
        let body = match question.body {
            Some(body) => {
                builder = builder.header(CONTENT_TYPE, "application/json");
                body.to_string()
            }
            None => String::new(),
        };
        builder
            .body(body.into())
            .map_err(|e| Error::misconfigured("wrong_key", "the key is no header value").caused_by(e))
    }
}

#[async_trait]
impl CarrierApi for Ups {
    fn carrier(&self) -> Carrier {
        Carrier::Ups
    }

    async fn rates(
        &self,
        of: &Consignment,
        service: Option<&str>,
        context: CallContext<'_>,
    ) -> CarrierAnswer<Vec<Rate>> {
        let Some(of) = &of.printed(wire::LINE_CHARS, wire::CITY_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let question =
            |keys: &Keys| Question::post(rates::path(of, service), rates::request(of, service, &keys.account_number));
        let reply = self.ask("rate", OperationClass::Read, context, question).await;
        CarrierAnswer::priced(&reply, |body| rates::read(body, of), classify::refusal)
    }

    async fn buy(&self, order: LabelOrder<'_>, context: CallContext<'_>) -> CarrierAnswer<Label> {
        if order.consignment.customs_are_due() && order.consignment.customs.is_none() {
            // UPS would print a label that no customs lets pass.
            return CarrierAnswer::Refused(Refusal::Customs);
        }
        let Some(printed) = order.consignment.printed(wire::LINE_CHARS, wire::CITY_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let order = LabelOrder { consignment: &printed, ..order };
        let today = zone::day(&order.consignment.shipper.address, self.gateway.world().now());
        let question = |keys: &Keys| Question::post(ship::path(), ship::request(&order, &keys.account_number, today));
        let reply = self.ask("ship", OperationClass::Effect, context, question).await;
        CarrierAnswer::of(&reply, |body| ship::read(body, order.consignment.parcels.len()), classify::refusal)
    }

    async fn find(&self, order: LabelOrder<'_>, context: CallContext<'_>) -> CarrierAnswer<Found> {
        let question = |keys: &Keys| {
            Question::post(recover::PATH.to_owned(), recover::request(order.reference, &keys.account_number))
        };
        let reply = self.ask("recover_label", OperationClass::Read, context, question).await;
        if reply.class == Class::Refused && classify::has_nothing(body(&reply)) {
            return CarrierAnswer::Done(Found::Nothing);
        }
        match CarrierAnswer::of(&reply, |body| recover::read(body, &order), classify::refusal) {
            // That a label cannot be given again says nothing of whether it was bought.
            CarrierAnswer::Refused(_) => CarrierAnswer::Unknown,
            answer => answer,
        }
    }

    async fn void(&self, id: &str, context: CallContext<'_>) -> CarrierAnswer<()> {
        let question = |_: &Keys| Question::of(Method::DELETE, ship::void_path(id));
        let reply = self.ask("void", OperationClass::Effect, context, question).await;
        if reply.class == Class::Refused && classify::is_voided_before(body(&reply)) {
            return CarrierAnswer::Done(());
        }
        CarrierAnswer::of(&reply, ship::is_voided, classify::refusal)
    }

    async fn track(&self, number: &str, context: CallContext<'_>) -> CarrierAnswer<Tracking> {
        let question = |_: &Keys| Question::of(Method::GET, track::path(number));
        let reply = self.ask("track", OperationClass::Read, context, question).await;
        if reply.class == Class::Refused && reply.status() == Some(StatusCode::NOT_FOUND) {
            return CarrierAnswer::Refused(Refusal::NotFound);
        }
        CarrierAnswer::of(&reply, |body| track::read(body, number), classify::refusal).flat()
    }

    async fn check_address(&self, address: &Address, context: CallContext<'_>) -> CarrierAnswer<AddressCheck> {
        if !wire::is_imperial(address) {
            // UPS knows the streets of the United States and Puerto Rico only.
            return CarrierAnswer::Refused(Refusal::Service);
        }
        let Some(address) = &address.printed(wire::LINE_CHARS, wire::CITY_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let question = |_: &Keys| Question::post(address::path(), address::request(address));
        let reply = self.ask("check_address", OperationClass::Read, context, question).await;
        CarrierAnswer::of(&reply, address::read, classify::refusal)
    }

    async fn schedule_pickup(&self, order: &PickupRequest, context: CallContext<'_>) -> CarrierAnswer<String> {
        let Some(order) = &pickup::printed(order) else { return CarrierAnswer::Refused(Refusal::Address) };
        let Some(hours) = pickup::hours(order) else { return CarrierAnswer::Refused(Refusal::Time) };
        if wire::phone(&order.party).is_none() {
            return CarrierAnswer::Refused(Refusal::Address);
        }
        let question =
            |keys: &Keys| Question::post(pickup::path(), pickup::request(order, &hours, &keys.account_number));
        let reply = self.ask("schedule_pickup", OperationClass::Effect, context, question).await;
        CarrierAnswer::of(&reply, pickup::read, classify::refusal)
    }

    async fn cancel_pickup(&self, number: &str, _: &PickupRequest, context: CallContext<'_>) -> CarrierAnswer<()> {
        let question = |_: &Keys| {
            let header = Some((pickup::NUMBER_HEADER, number.to_owned()));
            Question { header, ..Question::of(Method::DELETE, pickup::cancel_path()) }
        };
        let reply = self.ask("cancel_pickup", OperationClass::Effect, context, question).await;
        CarrierAnswer::of(&reply, |_| Some(()), classify::refusal)
    }
}

/// The bytes of a reply, if there are any.
fn body(reply: &Reply) -> &[u8] {
    reply.response.as_ref().map_or(&[], |response| response.body())
}

/// Numbers of UPS's are letters and digits; anything else is encoded rather than trusted.
fn segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
