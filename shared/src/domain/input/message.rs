//! `POST /messages`: who gets what, each kind's fields checked before anything is queued.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Findings, TEXT_MAX_CHARS, json};
use crate::domain::message::{Channel, Content, DeliveryStep, MessageKind};
use crate::domain::phone::normalised_phone;
use crate::domain::{Currency, CustomerId, Money, OrderId, Private, Timestamp};
use crate::error::Result;

/// How far ahead a message may be asked for: its content is kept for 35 days.
const AHEAD_MAX: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Longest text of a mail, in characters: about five pages.
const MAIL_TEXT_MAX_CHARS: usize = 10_000;
/// Longest text of an SMS, in characters: Twilio takes 1,600, and the shop's name and how to stop, or the order's number,
/// are added to it. The same for the link that is all that a shop adds to a parcel's news.
const SMS_TEXT_MAX_CHARS: usize = 1_400;
/// Longest tracking number, in bytes: the 34 digits of a FedEx Ground label in groups of two to four.
const TRACKING_NUMBER_MAX_BYTES: usize = 50;
/// Shortest and longest code: fewer digits are guessed, and more are mistyped.
const CODE_CHARS: std::ops::RangeInclusive<usize> = 4..=10;

/// `POST /messages`, checked.
#[derive(Clone, Debug)]
pub struct CreateMessage {
    /// To whom: an address as it is stored, or a number in E.164.
    pub to: Private<String>,
    /// What it says, and so which channel it takes.
    pub content: Content,
    /// About which order.
    pub order_id: Option<OrderId>,
    /// To which customer of the shop.
    pub customer_id: Option<CustomerId>,
    /// When, if not at once.
    pub send_at: Option<Timestamp>,
}

#[derive(serde::Deserialize)]
struct RawMessage {
    channel: String,
    kind: String,
    to: String,
    #[serde(default)]
    data: Map<String, Value>,
    order_id: Option<String>,
    customer_id: Option<String>,
    send_at: Option<String>,
}

impl CreateMessage {
    /// Reads and checks a request body at this time.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field, those of `data` as `data.<field>`.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self> {
        let raw: RawMessage = json(body)?;
        let mut bad = Findings::default();
        let channel = Channel::parse(&raw.channel);
        bad.unless(channel.is_some(), "channel", "must be email or sms");
        let kind = MessageKind::parse(&raw.kind);
        bad.unless(kind.is_some(), "kind", "is not a kind of message");
        let fits = channel.zip(kind).is_none_or(|(channel, kind)| kind.fits(channel));
        bad.unless(fits, "kind", "is not sent over this channel");
        let to = channel.and_then(|channel| address("to", channel, &raw.to, &mut bad));
        let order_id = raw.order_id.as_deref().and_then(OrderId::parse);
        let order_is_good = raw.order_id.is_none() || order_id.is_some();
        bad.unless(order_is_good, "order_id", "must be 1 to 64 characters of A-Z a-z 0-9 . _ : ~ -");
        let needs_order = kind.is_some_and(MessageKind::is_about_an_order) && raw.order_id.is_none();
        bad.unless(!needs_order, "order_id", "is required for this kind");
        let customer_id = raw.customer_id.as_deref().and_then(CustomerId::parse);
        let customer_is_good = raw.customer_id.is_none() || customer_id.is_some();
        bad.unless(customer_is_good, "customer_id", "must be 1 to 255 printable ASCII characters");
        let send_at = send_at(raw.send_at.as_deref(), kind, now, &mut bad);
        let content = match channel.zip(kind).filter(|(channel, kind)| kind.fits(*channel)) {
            Some((channel, kind)) => content(channel, kind, &mut Fields { data: &raw.data, bad: &mut bad }),
            None => None,
        };
        bad.into_result()?;
        let (Some(to), Some(content)) = (to, content) else { return Err(super::findings_incomplete()) };
        Ok(Self { to: to.into(), content, order_id, customer_id, send_at })
    }
}

/// An address of this channel, as it is stored.
pub(super) fn address(field: &str, channel: Channel, text: &str, bad: &mut Findings) -> Option<String> {
    match channel {
        Channel::Email => bad.email(field, text),
        Channel::Sms => {
            let number = normalised_phone(text);
            bad.unless(number.is_some(), field, "must be a phone number with its country code, like +4798765432");
            number
        }
    }
}

pub(super) fn send_at(
    text: Option<&str>,
    kind: Option<MessageKind>,
    now: Timestamp,
    bad: &mut Findings,
) -> Option<Timestamp> {
    let text = text?;
    let at = Timestamp::parse_rfc3339(text);
    bad.unless(at.is_some(), "send_at", "must be an RFC 3339 time");
    bad.unless(at.is_none_or(|at| at <= now.plus(AHEAD_MAX)), "send_at", "must be at most 30 days ahead");
    bad.unless(kind != Some(MessageKind::TwoFactorCode), "send_at", "a code is sent at once");
    at
}

/// The fields of `data`, taken one by one; each that is missing or bad is named.
pub(super) struct Fields<'a> {
    pub(super) data: &'a Map<String, Value>,
    pub(super) bad: &'a mut Findings,
}

impl Fields<'_> {
    fn text(&mut self, name: &str, most_chars: usize) -> Option<String> {
        let text = self.plain_text(name, most_chars)?;
        self.bad.no_card(&format!("data.{name}"), Some(&text));
        Some(text)
    }

    fn plain_text(&mut self, name: &str, most_chars: usize) -> Option<String> {
        let field = format!("data.{name}");
        let Some(text) = self.data.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty()) else {
            self.bad.unless(false, &field, "is missing or no text");
            return None;
        };
        let fits = text.chars().count() <= most_chars;
        self.bad.unless(fits, &field, &format!("must have at most {most_chars} characters"));
        let is_plain = !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        self.bad.unless(is_plain, &field, "must not have control characters");
        Some(text.to_owned())
    }

    /// One line of text.
    fn line(&mut self, name: &str) -> Option<String> {
        let line = self.text(name, TEXT_MAX_CHARS)?;
        self.one_line(name, &line);
        Some(line)
    }

    /// A carrier's number. Some posts' numbers are as long as a card's and have its last digit: what looks like a number
    /// is taken for one, and only what else may stand there is tested for a card's.
    fn tracking_number(&mut self, name: &str) -> Option<String> {
        let line = self.plain_text(name, TEXT_MAX_CHARS)?;
        if !is_tracking_number(&line) {
            self.bad.no_card(&format!("data.{name}"), Some(&line));
        }
        self.one_line(name, &line);
        Some(line)
    }

    fn one_line(&mut self, name: &str, line: &str) {
        self.bad.unless(!line.contains(['\n', '\t']), &format!("data.{name}"), "must be one line");
    }

    fn url(&mut self, name: &str) -> Option<String> {
        let url = self.data.get(name)?;
        let field = format!("data.{name}");
        self.bad.unless(url.is_string(), &field, "must be a text");
        self.bad.url(&field, url.as_str());
        url.as_str().map(str::to_owned)
    }

    fn required_url(&mut self, name: &str) -> Option<String> {
        self.bad.unless(self.data.contains_key(name), &format!("data.{name}"), "is missing");
        self.url(name)
    }

    fn money(&mut self, name: &str) -> Option<Money> {
        let field = format!("data.{name}");
        let raw = self.data.get(name);
        let currency = raw.and_then(|money| money["currency"].as_str()).and_then(Currency::parse);
        let most = Money::most(currency);
        let value = raw.and_then(|money| money["value"].as_i64()).filter(|value| (1..=most).contains(value));
        self.bad.unless(value.is_some(), &format!("{field}.value"), &format!("must be 1 to {most} minor units"));
        self.bad.unless(currency.is_some(), &format!("{field}.currency"), "must be an ISO 4217 code");
        Some(Money { value: value?, currency: currency? })
    }

    fn step(&mut self) -> Option<DeliveryStep> {
        let step = self.data.get("status").and_then(Value::as_str).and_then(DeliveryStep::parse);
        self.bad.unless(step.is_some(), "data.status", "must be out_for_delivery or delivered");
        step
    }

    fn code(&mut self) -> Option<String> {
        let code = self.data.get("code").and_then(Value::as_str);
        let code =
            code.filter(|code| CODE_CHARS.contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric()));
        self.bad.unless(code.is_some(), "data.code", "must be 4 to 10 letters or digits");
        code.map(str::to_owned)
    }
}

/// Whether a text has the form of a carrier's number: no longer than the longest one, and no words, which have more than
/// three letters and no digit.
fn is_tracking_number(text: &str) -> bool {
    let is_part = |part: &str| part.len() <= 3 || part.bytes().any(|byte| byte.is_ascii_digit());
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')');
    text.len() <= TRACKING_NUMBER_MAX_BYTES && text.bytes().all(is_plain) && text.split_ascii_whitespace().all(is_part)
}

/// The content of a kind, from its fields.
pub(super) fn content(channel: Channel, kind: MessageKind, data: &mut Fields<'_>) -> Option<Content> {
    Some(match (kind, channel) {
        (MessageKind::OrderConfirmation, _) => Content::OrderConfirmation { amount: data.money("amount")? },
        (MessageKind::ShippingNotification, _) => {
            let (carrier, number) = (data.line("carrier"), data.tracking_number("tracking_number"));
            let tracking_url = data.url("tracking_url");
            Content::ShippingNotification { carrier: carrier?, tracking_number: number?, tracking_url }
        }
        (MessageKind::PasswordReset, _) => Content::PasswordReset { reset_url: data.required_url("reset_url")?.into() },
        (MessageKind::Welcome, _) => Content::Welcome {},
        (MessageKind::AccountNotification, _) => {
            let (subject, text) = (data.line("subject"), data.text("text", MAIL_TEXT_MAX_CHARS));
            Content::AccountNotification { subject: subject?.into(), text: text?.into() }
        }
        (MessageKind::Promotion, Channel::Email) => {
            let (subject, text) = (data.line("subject"), data.text("text", MAIL_TEXT_MAX_CHARS));
            let url = data.url("url");
            Content::MailPromotion { subject: subject?.into(), text: text?.into(), url }
        }
        (MessageKind::Promotion, Channel::Sms) => {
            Content::SmsPromotion { text: data.text("text", SMS_TEXT_MAX_CHARS)?.into() }
        }
        (MessageKind::OrderStatus, _) => Content::OrderStatus { text: data.text("text", SMS_TEXT_MAX_CHARS)?.into() },
        (MessageKind::DeliveryNotification, _) => {
            let (step, tracking_url) = (data.step(), data.url("tracking_url"));
            if let Some(url) = &tracking_url {
                let message = format!("must have at most {SMS_TEXT_MAX_CHARS} characters");
                data.bad.unless(url.chars().count() <= SMS_TEXT_MAX_CHARS, "data.tracking_url", &message);
            }
            Content::DeliveryNotification { step: step?, tracking_url }
        }
        (MessageKind::TwoFactorCode, _) => Content::TwoFactorCode { code: data.code()?.into() },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bad_fields(body: &Value) -> Vec<String> {
        match CreateMessage::parse(body.to_string().as_bytes(), Timestamp::default()) {
            Ok(_) => Vec::new(),
            Err(error) => error.fields.into_iter().map(|wrong| wrong.field).collect(),
        }
    }

    #[test]
    fn a_kind_of_the_other_channel_and_an_unknown_one_are_named() {
        let body =
            json!({"channel": "email", "kind": "two_factor_code", "to": "ada@example.com", "data": {"code": "1234"}});
        assert_eq!(bad_fields(&body), ["kind"]);
        let body = json!({"channel": "fax", "kind": "poem", "to": "x", "data": {}});
        assert_eq!(bad_fields(&body), ["channel", "kind"]);
    }

    #[test]
    fn every_field_of_the_data_that_is_missing_is_named() {
        let body = json!({"channel": "email", "kind": "shipping_notification", "to": "ada@example.com"});
        assert_eq!(bad_fields(&body), ["order_id", "data.carrier", "data.tracking_number"]);
        let body = json!({"channel": "email", "kind": "promotion", "to": "ada@example.com", "data": {"url": 7}});
        assert_eq!(bad_fields(&body), ["data.subject", "data.text", "data.url"]);
        let body = json!({"channel": "email", "kind": "order_confirmation", "to": "ada@example.com", "order_id": "o-1",
            "data": {"amount": {"value": 0, "currency": "EUR"}}});
        assert_eq!(bad_fields(&body), ["data.amount.value"]);
    }

    #[test]
    fn a_tracking_number_is_not_a_card_and_a_card_where_one_is_asked_for_is_refused() {
        let bad = |number: &str| {
            bad_fields(&json!({"channel": "email", "kind": "shipping_notification", "to": "ada@example.com",
                "order_id": "o-1", "data": {"carrier": "DHL Paket", "tracking_number": number}}))
        };
        for number in ["00340434310952221522", "7035 1144 7713 8472", "4111111111111111", "1Z 999 AA1 01 2345 6784"] {
            assert_eq!(bad(number), [""; 0], "{number}");
        }
        for text in ["my card is 4242 4242 4242 4242", "visa 4242424242424242", "4242424242424242, thanks"] {
            assert_eq!(bad(text), ["data.tracking_number"], "{text}");
        }
    }

    #[test]
    fn an_address_is_one_of_its_channel() {
        for (channel, kind, to) in [
            ("email", "welcome", "+4798765432"),
            ("email", "welcome", "ada@"),
            ("sms", "two_factor_code", "ada@example.com"),
            ("sms", "two_factor_code", "98765432"),
        ] {
            let body = json!({"channel": channel, "kind": kind, "to": to, "data": {"code": "123456"}});
            assert_eq!(bad_fields(&body), ["to"], "{to}");
        }
    }

    #[test]
    fn a_message_is_asked_for_at_most_thirty_days_ahead_and_a_code_never() {
        let at =
            |send_at: &str| json!({"channel": "email", "kind": "welcome", "to": "ada@example.com", "send_at": send_at});
        assert_eq!(bad_fields(&at("1970-01-31T00:00:00Z")), [""; 0]);
        assert_eq!(bad_fields(&at("1970-01-31T00:00:01Z")), ["send_at"]);
        assert_eq!(bad_fields(&at("tomorrow")), ["send_at"]);
        let code = json!({"channel": "sms", "kind": "two_factor_code", "to": "+4798765432",
            "data": {"code": "123456"}, "send_at": "1970-01-02T00:00:00Z"});
        assert_eq!(bad_fields(&code), ["send_at"]);
    }

    #[test]
    fn the_limit_of_a_text_is_its_own_and_told_once() {
        let body = |kind: &str, data: Value| json!({"channel": "sms", "kind": kind, "to": "+4798765432", "order_id": "o-1", "data": data});
        for kind in ["order_status", "promotion"] {
            for one in ["a", "ä", "🫐"] {
                assert_eq!(bad_fields(&body(kind, json!({"text": one.repeat(1_400)}))), [""; 0], "{kind} {one}");
                assert_eq!(bad_fields(&body(kind, json!({"text": one.repeat(1_401)}))), ["data.text"], "{kind} {one}");
            }
        }
        let news = |length: usize| {
            let url = format!("https://shop.example/{}", "x".repeat(length - 21));
            bad_fields(&body("delivery_notification", json!({"status": "delivered", "tracking_url": url})))
        };
        assert_eq!(news(1_400), [""; 0]);
        assert_eq!(news(1_401), ["data.tracking_url"]);
    }
}
