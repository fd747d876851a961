//! DHL Express: parcels. (developer.dhl.com, MyDHL API.) It tells nothing unasked.

mod address;
mod classify;
mod pickup;
mod rates;
mod ship;
mod status;
mod track;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode};
use serde::Deserialize;

use crate::domain::Private;
use crate::domain::id::ulid;
use crate::domain::shipping::{Address, AddressCheck, Carrier, Consignment, Day, PickupRequest, Rate, Tracking, zone};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, OperationClass, Reply, Vendor};
use crate::telemetry::fields;
use crate::vendors::carrier::{CallContext, CarrierAnswer, CarrierApi, Found, Label, LabelOrder, Refusal};
use crate::world::HttpRequest;

/// The base URL in production.
pub const API_BASE: &str = "https://express.api.dhl.com/mydhlapi";

/// The version that our requests are written in, which every request must name. The specification that they are checked
/// with is of this version, though the default that it gives for the header is still 3.1.0.
pub const VERSION: &str = "3.1.1";

/// How far ahead a shipment is dated at least: DHL refuses one in the past, by its own clock.
const PLANNED_AHEAD: Duration = Duration::from_secs(900);

/// The secret `/crossdock/<Stage>/dhl`.
#[derive(Clone, Debug, Deserialize)]
pub struct Keys {
    /// Of the MyDHL API, not of a person.
    pub username: String,
    /// Its password.
    pub password: Private<String>,
    /// The account that pays: nine digits.
    pub account_number: String,
}

/// DHL Express.
#[derive(Clone)]
pub struct Dhl {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
}

/// What is asked, without what every request has.
struct Question {
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
}

impl Question {
    fn post(path: &str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, path: path.to_owned(), body: Some(body) }
    }

    fn of(method: Method, path: String) -> Self {
        Self { method, path, body: None }
    }
}

impl Dhl {
    /// DHL Express at this base URL, with these keys.
    pub fn new(gateway: Gateway, base: String, keys: Keyring<Keys>) -> Self {
        Self { gateway, base, keys }
    }

    /// When a shipment is handed over, by the clock at the shipper's: when the shop says, else at noon of its day, or soon where
    /// that is past.
    fn planned(&self, consignment: &Consignment) -> Option<String> {
        let from = &consignment.shipper.address;
        let at = consignment.ship_at.or_else(|| zone::noon(from, consignment.ship_date))?;
        let soonest = self.gateway.world().now().plus(PLANNED_AHEAD);
        wire::time(zone::local(from, at.max(soonest))?)
    }

    /// Asks with the account's keys.
    async fn ask(
        &self,
        operation: &'static str,
        class: OperationClass,
        context: CallContext<'_>,
        question: impl Fn(&Keys) -> Question + Send + Sync,
    ) -> Reply {
        let CallContext { permit, attempt, correlation } = context;
        let call = Call { vendor: Vendor::Dhl, operation, class, permit, attempt, correlation };
        let classify = match class {
            OperationClass::Effect => classify::classify,
            OperationClass::Read => classify::classify_read,
        };
        let build = |keys: &Keys| self.request(question(keys), keys);
        let reply = self.gateway.call(&call, &self.keys, &build, classify).await;
        if reply.class == Class::Refused {
            let body = reply.response.as_ref().map_or(&[][..], |response| response.body());
            tracing::info!(
                { fields::VENDOR } = Vendor::Dhl.as_str(),
                { fields::OPERATION } = operation,
                { fields::CORRELATION } = correlation.as_str(),
                code = classify::code(body).unwrap_or_default(),
                "DHL refuses: see the reference data guide of the MyDHL API"
            );
        }
        reply
    }

    fn request(&self, question: Question, keys: &Keys) -> Result<HttpRequest> {
        let world = self.gateway.world();
        let credential = STANDARD.encode(format!("{}:{}", keys.username, keys.password.expose()));
        let mut builder = http::Request::builder()
            .method(question.method)
            .uri(format!("{}{}", self.base, question.path))
            .header(AUTHORIZATION, format!("Basic {credential}"))
            .header("x-version", VERSION)
            .header("Message-Reference", ulid(world.now(), world.rng.next()));
        if question.body.is_some() {
            builder = builder.header(CONTENT_TYPE, "application/json");
        }
        let body = question.body.unwrap_or_default();
        builder
            .body(body.into())
            .map_err(|e| Error::misconfigured("wrong_key", "the key is no header value").caused_by(e))
    }
}

#[async_trait]
impl CarrierApi for Dhl {
    fn carrier(&self) -> Carrier {
        Carrier::Dhl
    }

    async fn rates(
        &self,
        of: &Consignment,
        product: Option<&str>,
        context: CallContext<'_>,
    ) -> CarrierAnswer<Vec<Rate>> {
        if [&of.shipper, &of.recipient].iter().any(|party| party.address.city.expose().is_empty()) {
            // DHL gives no price without both cities: nothing is asked.
            return CarrierAnswer::Refused(Refusal::Address);
        }
        let Some(of) = &of.printed(wire::LINE_CHARS, wire::CITY_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let Some(planned) = self.planned(of) else { return CarrierAnswer::Refused(Refusal::Time) };
        let question =
            |keys: &Keys| Question::post(rates::PATH, rates::request(of, product, &planned, &keys.account_number));
        let reply = self.ask("rate", OperationClass::Read, context, question).await;
        CarrierAnswer::priced(&reply, rates::read, classify::refusal)
    }

    async fn buy(&self, order: LabelOrder<'_>, context: CallContext<'_>) -> CarrierAnswer<Label> {
        let Some(printed) = order.consignment.printed(wire::LINE_CHARS, wire::CITY_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let order = LabelOrder { consignment: &printed, ..order };
        let consignment = order.consignment;
        if consignment.customs_are_due() && consignment.customs.is_none() {
            return CarrierAnswer::Refused(Refusal::Customs);
        }
        let Some(planned) = self.planned(consignment) else { return CarrierAnswer::Refused(Refusal::Time) };
        if ship::request(&order, &planned, "").is_none() {
            // Without a telephone number.
            return CarrierAnswer::Refused(Refusal::Address);
        }
        let question = |keys: &Keys| {
            Question::post(ship::PATH, ship::request(&order, &planned, &keys.account_number).unwrap_or_default())
        };
        let reply = self.ask("ship", OperationClass::Effect, context, question).await;
        CarrierAnswer::of(&reply, |body| ship::read(body, consignment.parcels.len()), classify::refusal)
    }

    async fn find(&self, order: LabelOrder<'_>, context: CallContext<'_>) -> CarrierAnswer<Found> {
        let today = Day::of(self.gateway.world().now()).unwrap_or(order.consignment.ship_date);
        let question = |keys: &Keys| Question::of(Method::GET, track::search_path(&order, today, &keys.account_number));
        let reply = self.ask("find_shipment", OperationClass::Read, context, question).await;
        match CarrierAnswer::of(&reply, track::read_search, classify::refusal) {
            CarrierAnswer::Refused(Refusal::NotFound) => CarrierAnswer::Done(Found::Nothing),
            // That it cannot be searched for says nothing of whether it was bought.
            CarrierAnswer::Refused(_) => CarrierAnswer::Unknown,
            answer => answer,
        }
    }

    /// DHL bills what it was handed; its API has no call to give a label back.
    async fn void(&self, _: &str, _: CallContext<'_>) -> CarrierAnswer<()> {
        CarrierAnswer::Done(())
    }

    async fn track(&self, number: &str, context: CallContext<'_>) -> CarrierAnswer<Tracking> {
        let question = |_: &Keys| Question::of(Method::GET, track::path(number));
        let reply = self.ask("track", OperationClass::Read, context, question).await;
        if reply.class == Class::Refused && reply.status() == Some(StatusCode::NOT_FOUND) {
            return CarrierAnswer::Refused(Refusal::NotFound);
        }
        CarrierAnswer::of(&reply, |body| track::read(body, number), classify::refusal).flat()
    }

    async fn track_all(
        &self,
        number: &str,
        parcels: &[String],
        context: CallContext<'_>,
    ) -> CarrierAnswer<Vec<Tracking>> {
        let question = |_: &Keys| Question::of(Method::GET, track::all_path(number));
        let reply = self.ask("track", OperationClass::Read, context, question).await;
        if reply.class == Class::Refused && reply.status() == Some(StatusCode::NOT_FOUND) {
            return CarrierAnswer::Refused(Refusal::NotFound);
        }
        CarrierAnswer::of(&reply, |body| track::read_all(body, number, parcels), classify::refusal).flat()
    }

    async fn check_address(&self, address: &Address, context: CallContext<'_>) -> CarrierAnswer<AddressCheck> {
        let question = |_: &Keys| Question::of(Method::GET, address::path(address));
        let reply = self.ask("check_address", OperationClass::Read, context, question).await;
        CarrierAnswer::of(&reply, |body| address::read(body, address), classify::refusal)
    }

    async fn schedule_pickup(&self, order: &PickupRequest, context: CallContext<'_>) -> CarrierAnswer<String> {
        let Some(party) = order.party.printed(wire::LINE_CHARS, wire::CITY_CHARS) else {
            return CarrierAnswer::Refused(Refusal::Address);
        };
        let order = &PickupRequest { party, ..order.clone() };
        if pickup::request(order, "").is_none() {
            // Without a telephone number, or at a time that no calendar has.
            return CarrierAnswer::Refused(if order.party.phone.is_none() { Refusal::Address } else { Refusal::Time });
        }
        let question = |keys: &Keys| {
            Question::post(pickup::PATH, pickup::request(order, &keys.account_number).unwrap_or_default())
        };
        let reply = self.ask("schedule_pickup", OperationClass::Effect, context, question).await;
        CarrierAnswer::of(&reply, pickup::read, classify::refusal)
    }

    async fn cancel_pickup(&self, number: &str, order: &PickupRequest, context: CallContext<'_>) -> CarrierAnswer<()> {
        let question = |_: &Keys| Question::of(Method::DELETE, pickup::cancel_path(number, order));
        let reply = self.ask("cancel_pickup", OperationClass::Effect, context, question).await;
        CarrierAnswer::of(&reply, |_| Some(()), classify::refusal)
    }
}

/// Numbers of DHL's are letters and digits; anything else is encoded rather than trusted.
fn encoded(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
