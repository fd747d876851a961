//! Track Alert: subscriptions, and the pushes that follow.

use super::State;
use super::failure::Failure;
use super::track::{VOIDED, Words, where_is, words_of};
use crate::Settings;
use crate::answer::header_text;
use crate::deliveries::{Patience, Posting};
use crate::parcels::checks::text;
use crate::parcels::{Moment, Scan, Scanned, Shipment};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use serde::Serialize;
use serde_json::{Value, json};

/// How long a subscription lasts, in milliseconds (14 days).
const LIFE_MS: i64 = 14 * 86_400_000;

/// Numbers in one request.
const NUMBERS_MAX: usize = 100;

/// How long a push is tried, in milliseconds (24 h; UPS does not say).
const RETRY_WINDOW_MS: i64 = 24 * 3_600_000;

/// The longest address of a receiver.
const URL_MAX: usize = 2048;

/// What every push calls itself.
const AGENT: &str = "UPSPubSubTrackingService";

/// One number that somebody wants to hear of.
#[derive(Clone, Debug, Serialize)]
pub struct Subscription {
    /// A package's.
    pub tracking_number: String,
    /// When it was made, epoch milliseconds. What was before is never told.
    pub since_ms: i64,
    /// When it ends, epoch milliseconds.
    pub until_ms: i64,
    /// Where the pushes go, if the subscription said so (first version); else to the account's endpoint.
    pub url: Option<String>,
    /// What goes with them as `credential`.
    #[serde(skip)]
    credential: Option<String>,
    /// The kinds of activity that are told; empty: all.
    pub preferences: Vec<String>,
}

/// Everything that is to be told.
#[derive(Debug)]
pub(super) struct Pushes {
    subscriptions: Vec<Subscription>,
    credential: String,
    /// Empty: the shop has no token service.
    token_url: String,
    client_id: String,
    client_secret: String,
    /// The shop's token, and when it expires in epoch milliseconds.
    token: Option<(String, i64)>,
    /// Pushes that wait for a token.
    held: Vec<Posting>,
    outgoing: Vec<Posting>,
}

impl Pushes {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            subscriptions: Vec::new(),
            credential: settings.ups_webhook_credential.clone(),
            token_url: settings.ups_webhook_token_url.clone(),
            client_id: settings.ups_webhook_client_id.clone(),
            client_secret: settings.ups_webhook_client_secret.clone(),
            token: None,
            held: Vec::new(),
            outgoing: Vec::new(),
        }
    }

    pub(super) fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    pub(super) fn set_credential(&mut self, credential: String) {
        self.credential = credential;
    }

    pub(super) fn take_outgoing(&mut self) -> Vec<Posting> {
        std::mem::take(&mut self.outgoing)
    }

    /// Whether anybody hears of this shipment.
    pub(super) fn follows(&self, shipment: &Shipment) -> bool {
        self.subscriptions.iter().any(|subscription| shipment.has_number(&subscription.tracking_number))
    }

    pub(super) fn tell(&mut self, shipment: &Shipment, scanned: Scanned) {
        // Tracking has more kinds than Track Alert.
        let mut words = words_of(scanned.scan);
        words.kind = match words.kind {
            "P" => "I",
            "RS" => "X",
            kind => kind,
        };
        self.push(shipment, scanned, &words);
    }

    pub(super) fn tell_voided(&mut self, now_ms: i64, shipment: &Shipment) {
        self.push(shipment, Scanned { at_ms: now_ms, scan: Scan::Created }, &VOIDED);
    }

    fn push(&mut self, shipment: &Shipment, scanned: Scanned, words: &Words) {
        let at_ms = scanned.at_ms;
        let mut pushes = Vec::new();
        for piece in &shipment.pieces {
            let listening = self.subscriptions.iter().filter(|subscription| {
                subscription.tracking_number == piece.tracking_number
                    && (subscription.since_ms..subscription.until_ms).contains(&at_ms)
                    && (subscription.preferences.is_empty()
                        || subscription.preferences.iter().any(|kind| kind == words.kind))
            });
            for subscription in listening {
                let body = event(shipment, &piece.tracking_number, scanned, words).to_string().into();
                let credential = subscription.credential.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
                pushes.push(Posting {
                    sender: None,
                    body,
                    due_ms: at_ms,
                    url: subscription.url.clone(),
                    headers: credential
                        .map(|value| (HeaderName::from_static("credential"), value))
                        .into_iter()
                        .collect(),
                    patience: Patience::Window { ms: RETRY_WINDOW_MS, until: None },
                });
            }
        }
        for push in pushes {
            self.send(at_ms, push);
        }
    }

    /// Sends a push, or asks for the token first that it needs.
    fn send(&mut self, now_ms: i64, push: Posting) {
        let needs_token = push.url.is_none() && !self.token_url.is_empty();
        let has_token = self.token.as_ref().is_some_and(|(_, expires_ms)| *expires_ms > now_ms);
        if !needs_token || has_token {
            return self.outgoing.push(push);
        }
        if self.held.is_empty() {
            self.outgoing.push(Posting {
                sender: None,
                body: Bytes::from_static(b"grant_type=client_credentials"),
                due_ms: now_ms,
                url: Some(self.token_url.clone()),
                headers: Vec::new(),
                patience: Patience::Window { ms: RETRY_WINDOW_MS, until: None },
            });
        }
        self.held.push(push);
    }

    fn headers(&self, url: Option<&str>) -> Vec<(HeaderName, HeaderValue)> {
        let agent = (header::USER_AGENT, HeaderValue::from_static(AGENT));
        let value = |text: String| HeaderValue::from_str(&text).ok();
        if !self.token_url.is_empty() && url == Some(self.token_url.as_str()) {
            let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", self.client_id, self.client_secret)));
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            let basic = value(basic).map(|basic| (header::AUTHORIZATION, basic));
            return [agent, (header::CONTENT_TYPE, form)].into_iter().chain(basic).collect();
        }
        let mut headers = vec![agent, (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        if url.is_some() {
            return headers; // the subscription's own credential is with the push
        }
        if let Some((token, _)) = &self.token {
            headers.extend(value(format!("Bearer {token}")).map(|bearer| (header::AUTHORIZATION, bearer)));
            let name = HeaderName::from_static("x-api-key");
            headers.extend(value(self.client_id.clone()).map(|client| (name, client)));
        } else {
            let name = HeaderName::from_static("credential");
            headers.extend(value(self.credential.clone()).map(|credential| (name, credential)));
        }
        headers
    }
}

impl State {
    /// The headers of one delivery.
    pub(crate) fn webhook_headers(&self, url: Option<&str>) -> Vec<(HeaderName, HeaderValue)> {
        self.pushes.headers(url)
    }

    /// The shop's token service has answered: what waits for a token can go.
    pub(crate) fn take_webhook_token(&mut self, now_ms: i64, body: &[u8]) {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(token) = answer["access_token"].as_str() else { return };
        let lives = &answer["expires_in"];
        let lives_s = lives.as_i64().or_else(|| lives.as_str()?.parse().ok()).unwrap_or_default();
        self.pushes.token = Some((token.to_owned(), now_ms + lives_s * 1000));
        for mut push in std::mem::take(&mut self.pushes.held) {
            push.due_ms = now_ms;
            self.pushes.outgoing.push(push);
        }
    }

    pub(super) fn subscribe(
        &mut self,
        now_ms: i64,
        request: &Request<Bytes>,
        version: &str,
        kind: &str,
    ) -> Result<Value, Failure> {
        for (name, code) in [("transId", "VSS002"), ("transactionSrc", "VSS004")] {
            if header_text(request, name).is_none_or(str::is_empty) {
                return Err(Failure::invalid(code, format!("Missing {name}")));
            }
        }
        if !["standard", "enhanced"].contains(&kind) {
            return Err(refused("VSS930", "Type is missing or invalid,"));
        }
        if request.body().is_empty() {
            return Err(refused("VSS110", "Subscription request is empty or not present."));
        }
        let body = super::read(request)?;
        match text(&body, "/locale") {
            "" => return Err(refused("VSS300", "Locale is required.")),
            locale if !is_locale(locale) => return Err(refused("VSS310", "Please enter a valid locale.")),
            _ => {}
        }
        let country = body["countryCode"].as_str().unwrap_or("US");
        if country.len() != 2 || !country.chars().all(|c| c.is_ascii_uppercase()) {
            return Err(refused("VSS400", "Please enter a valid country code."));
        }
        let numbers: Vec<&str> =
            body["trackingNumberList"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if numbers.is_empty() {
            return Err(refused("VSS200", "Tracking Number List is required."));
        }
        if numbers.len() > NUMBERS_MAX {
            let message = "You have submitted over 100 tracking numbers which is not allowed. The entire submission of \
                tracking numbers has been rejected.";
            return Err(Failure::invalid("VSS220", message).with(json!({ "invalidTrackingNumbers": [] })));
        }
        let (url, credential) = destination(&body, version)?;
        let preferences = &body["eventPreferences"];
        let preferences = preferences.as_array().into_iter().flatten().filter_map(Value::as_str);
        let preferences: Vec<String> = preferences.filter(|_| kind == "enhanced").map(str::to_owned).collect();
        let (valid, invalid): (Vec<&str>, Vec<&str>) = numbers.iter().partition(|number| is_number(number));
        if valid.is_empty() {
            let message = "The Subscription request should have at least one valid tracking number.";
            return Err(refused("VSS210", message).with(json!({ "invalidTrackingNumbers": invalid })));
        }
        self.pushes.subscriptions.extend(valid.iter().map(|number| Subscription {
            tracking_number: (*number).to_owned(),
            since_ms: now_ms,
            until_ms: now_ms + LIFE_MS,
            url: url.clone(),
            credential: credential.clone(),
            preferences: preferences.clone(),
        }));
        let mut answer = json!({ "validTrackingNumbers": valid });
        if !invalid.is_empty() {
            answer["invalidTrackingNumbers"] = json!(invalid);
        }
        Ok(answer)
    }
}

/// The first version names a receiver in every subscription; the second has it in the account.
fn destination(body: &Value, version: &str) -> Result<(Option<String>, Option<String>), Failure> {
    let destination = &body["destination"];
    if destination.is_null() {
        return if version == "v2" { Ok((None, None)) } else { Err(refused("VSS500", "Destination is required.")) };
    }
    let url = text(destination, "/url");
    if url.is_empty() {
        return Err(refused("VSS600", "URL is empty or not present."));
    }
    if url.len() > URL_MAX {
        return Err(refused("VSS610", "URL is too long."));
    }
    if text(destination, "/credential").is_empty() {
        return Err(refused("VSS700", "Credential is empty or not present."));
    }
    if text(destination, "/credentialType").is_empty() {
        return Err(refused("VSS800", "CredentialType is empty or not present."));
    }
    Ok((Some(url.to_owned()), Some(text(destination, "/credential").to_owned())))
}

fn refused(code: &str, message: &str) -> Failure {
    let message = format!("{message} The Subscription request has been rejected.");
    Failure::invalid(code, message).with(json!({ "invalidTrackingNumbers": [] }))
}

fn is_locale(text: &str) -> bool {
    text.split_once('_').is_some_and(|(language, country)| {
        (language.len(), country.len()) == (2, 2)
            && language.chars().all(|c| c.is_ascii_lowercase())
            && country.chars().all(|c| c.is_ascii_uppercase())
    })
}

/// `1Z` and 16 letters and digits.
fn is_number(text: &str) -> bool {
    let rest = text.strip_prefix("1Z").unwrap_or_default();
    rest.len() == 16 && rest.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// One activity of one package.
fn event(shipment: &Shipment, number: &str, scanned: Scanned, words: &Words) -> Value {
    let at = Moment::new(scanned.at_ms);
    let place = where_is(shipment, scanned.scan);
    let mut location = json!({ "city": place.city.to_uppercase(), "country": place.country });
    if place.country == "US" {
        location["stateProvince"] = place.province.as_str().into();
        location["postalCode"] = place.postcode.as_str().into();
    }
    let mut event = json!({
        "trackingNumber": number,
        "localActivityDate": at.compact_date(),
        "localActivityTime": at.compact_time(),
        "gmtActivityDate": at.compact_date(),
        "gmtActivityTime": at.compact_time(),
        "gmtOffset": "+00.00",
        "activityLocation": location,
        "activityStatus": {
            "type": words.kind,
            "code": words.code,
            "description": words.text.trim(),
            "descriptionCode": words.status,
        },
    });
    if scanned.scan == Scan::Delivered {
        event["actualDeliveryDate"] = at.compact_date().into();
        event["actualDeliveryTime"] = at.compact_time().into();
        event["receivedBy"] = shipment.to.name.to_uppercase().into();
    }
    event
}
