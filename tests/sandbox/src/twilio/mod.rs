//! Twilio: sending SMS, status callbacks, and what people text back.
//!
//! Simulated:
//! * messages: create, fetch, list; from a number or by a messaging service; segments of GSM-7 and UCS-2; the numbers of
//!   test mode that are refused;
//! * the way of each message and a signed callback at every step but the first, retried as the URL's fragment says;
//! * texts that come in, signed, and the opt-out that STOP makes and START lifts, for each pair of numbers.
//!
//! There is no idempotency: the same request twice is two messages, as at the vendor. Which course a message takes
//! stands in `journey.rs` and [`crate::Course`].
//!
//! Not simulated: media, content templates, scheduled messages, changing and deleting messages, API keys, the replies
//! that Twilio itself sends to STOP and HELP. What is not simulated is refused, never ignored.

mod callbacks;
mod create;
mod failure;
mod inbound;
mod journey;
mod listing;
mod message;
mod segments;
mod signature;

pub use message::{Message, Status};

use crate::answer::{answer, header_text, set};
use crate::deliveries::Posting;
use crate::faults::Mishap;
use crate::ids::Ids;
use crate::{FaultDial, Settings, Vendor};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use create::Form;
use failure::Failure;
use http::{HeaderName, Method, Request, Response, header};
use journey::Step;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that Twilio knows about the account.
#[derive(Debug)]
pub struct State {
    account_sid: String,
    /// The first one signs.
    auth_tokens: Vec<String>,
    /// The SID and secret of its API key.
    api_key: (String, String),
    /// The first one sends for the messaging service.
    numbers: Vec<String>,
    messaging_service_sid: String,
    advanced_opt_out: bool,
    messages: Vec<Message>,
    received: Vec<Message>,
    /// Recipient and number of the account.
    opted_out: BTreeSet<(String, String)>,
    /// By time (epoch milliseconds) and order of planning.
    planned: BTreeMap<(i64, u64), Step>,
    last_step: u64,
    outgoing: Vec<Posting>,
    ids: Ids,
}

/// A request by method and path, the account's sid taken out of it.
#[derive(Clone, Copy, Debug)]
enum Route<'a> {
    Create,
    List,
    Fetch(&'a str),
    WrongMethod,
    Unknown,
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &'a str) -> (Self, Option<&'a str>) {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (["2010-04-01", "Accounts", account, "Messages.json"] | ["2010-04-01", "Accounts", account, "Messages", _]) =
            parts.as_slice()
        else {
            return (Self::Unknown, None);
        };
        let one = parts.get(4).map(|file| file.strip_suffix(".json"));
        let route = match (method.as_str(), one) {
            ("POST", None) => Self::Create,
            ("GET", None) => Self::List,
            ("GET", Some(Some(sid))) => Self::Fetch(sid),
            (_, Some(None)) => Self::Unknown,
            _ => Self::WrongMethod,
        };
        (route, Some(*account))
    }
}

/// The name of a request on the fault dial.
pub(crate) fn operation(method: &Method, path: &str) -> &'static str {
    match Route::of(method, path).0 {
        Route::Create => "create_message",
        Route::List => "list_messages",
        Route::Fetch(_) => "retrieve_message",
        Route::WrongMethod | Route::Unknown => "unknown",
    }
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            account_sid: settings.twilio_account_sid.clone(),
            auth_tokens: settings.twilio_auth_tokens.clone(),
            api_key: (settings.twilio_api_key_sid.clone(), settings.twilio_api_key_secret.clone()),
            numbers: settings.twilio_numbers.clone(),
            messaging_service_sid: settings.twilio_messaging_service_sid.clone(),
            advanced_opt_out: settings.twilio_advanced_opt_out,
            messages: Vec::new(),
            received: Vec::new(),
            opted_out: BTreeSet::new(),
            planned: BTreeMap::new(),
            last_step: 0,
            outgoing: Vec::new(),
            ids: Ids::new(settings.seed),
        }
    }

    /// All messages that the account has sent or tried to, oldest first. Two with the same text to the same number are
    /// one message too many.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// One message of the account by its sid, `SM…`.
    pub fn message(&self, sid: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.sid == sid)
    }

    /// All texts that came in, oldest first.
    pub fn received(&self) -> &[Message] {
        &self.received
    }

    /// Whether this recipient has said STOP to this number of the account, and not START since.
    pub fn has_opted_out(&self, recipient: &str, number: &str) -> bool {
        self.opted_out.contains(&(recipient.to_owned(), number.to_owned()))
    }

    /// From now on these auth tokens are accepted, and the first one signs.
    pub(crate) fn set_api_key_secret(&mut self, secret: String) {
        self.api_key.1 = secret;
    }

    pub(crate) fn set_auth_tokens(&mut self, tokens: Vec<String>) {
        self.auth_tokens = tokens;
    }

    /// The callbacks that have come into being since the last time.
    pub(crate) fn take_outgoing(&mut self) -> Vec<Posting> {
        std::mem::take(&mut self.outgoing)
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
            Ok((status, body)) => (status, body),
            Err(failure) => (failure.status, failure.to_json()),
        };
        let mut response = answer(now_ms, status, "application/json", body.to_string());
        set(&mut response, HeaderName::from_static("twilio-request-id"), &format!("RQ{}", self.ids.hex("twilio call")));
        match (status, mishap) {
            (401, _) => set(&mut response, header::WWW_AUTHENTICATE, "Basic realm=\"Twilio API\""),
            (429, Mishap::Throttled(seconds)) => set(&mut response, header::RETRY_AFTER, &seconds.to_string()),
            _ => {}
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
        let path = request.uri().path();
        let (route, account) = Route::of(request.method(), path);
        if !self.knows(header_text(request, header::AUTHORIZATION)) {
            return Err(Failure::unauthorized());
        }
        if account != Some(self.account_sid.as_str()) {
            return Err(Failure::not_found(path));
        }
        match mishap {
            Mishap::Throttled(_) | Mishap::Locked => return Err(Failure::too_many_requests()),
            Mishap::None | Mishap::During(_) | Mishap::After(_) => {}
        }
        match route {
            Route::Create => {
                // A body of another kind is no form: whatever it says, there is no `To` in it.
                let kind = header_text(request, header::CONTENT_TYPE).unwrap_or_default();
                let is_form = kind.starts_with("application/x-www-form-urlencoded");
                let body: &[u8] = if is_form { request.body() } else { b"" };
                let message = self.draft(now_ms, &Form::parse(body))?;
                if let Mishap::During(status) = mishap {
                    return Err(Failure::internal(status));
                }
                let position = self.accept(message, dial.for_message(Vendor::Twilio));
                unharmed(mishap)?;
                Ok((201, self.messages[position].to_json(&self.account_sid)))
            }
            Route::List => {
                let query = Form::parse(request.uri().query().unwrap_or_default().as_bytes());
                let page = self.list(&query)?;
                unharmed(mishap)?;
                Ok((200, page))
            }
            Route::Fetch(sid) => {
                let mut all = self.messages.iter().chain(&self.received);
                let found = all.find(|message| message.sid == sid).ok_or_else(|| Failure::not_found(path))?;
                unharmed(mishap)?;
                Ok((200, found.to_json(&self.account_sid)))
            }
            Route::WrongMethod => Err(Failure::wrong_method()),
            Route::Unknown => Err(Failure::not_found(path)),
        }
    }

    fn knows(&self, authorization: Option<&str>) -> bool {
        let given = authorization.and_then(|value| value.strip_prefix("Basic "));
        let Some(given) = given.and_then(|text| STANDARD.decode(text).ok()) else { return false };
        let (sid, secret) = &self.api_key;
        let by_key = given == format!("{sid}:{secret}").as_bytes();
        by_key || self.auth_tokens.iter().any(|token| given == format!("{}:{token}", self.account_sid).as_bytes())
    }
}

/// Fails when the vendor is to fail over this request, whatever it has done by then.
fn unharmed(mishap: Mishap) -> Result<(), Failure> {
    match mishap {
        Mishap::During(status) | Mishap::After(status) => Err(Failure::internal(status)),
        Mishap::None | Mishap::Throttled(_) | Mishap::Locked => Ok(()),
    }
}
