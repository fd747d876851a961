//! Twilio's words: a new message as a form, messages and their lists as JSON. (POST and GET
//! /2010-04-01/Accounts/{AccountSid}/Messages.json.)

use std::time::Duration;

use form_urlencoded::Serializer;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use crate::domain::{IntentId, StackId, Timestamp};

/// What a callback's URL ends with: three tries more, after whatever is no 2xx (a REST API in front answers 429 when there is too
/// much), and when the connection or the answer takes too long. Without it a callback that fails is lost. It is Twilio's to read, and neither sent nor signed.
/// (twilio.com/docs/usage/webhooks/webhooks-connection-overrides.)
const CALLBACK_TRIES: &str = "#rc=3&rp=all";
/// What a messaging service's id begins with; anything else is a number or a name.
const SERVICE_PREFIX: &str = "MG";
/// Twilio's bounds of a validity period.
const VALIDITY_SECONDS: std::ops::RangeInclusive<u64> = 10..=36_000;

/// One SMS.
pub(super) struct Sms<'a> {
    /// E.164.
    pub(super) to: &'a str,
    /// A number of ours, a name, or a messaging service.
    pub(super) from: &'a str,
    pub(super) text: &'a str,
    /// Where its statuses are told: see [`callback`].
    pub(super) callback: &'a str,
    /// How long it may wait at Twilio; none: as long as Twilio keeps it.
    pub(super) validity: Option<Duration>,
}

impl Sms<'_> {
    pub(super) fn form(&self) -> String {
        let mut form = Serializer::new(String::new());
        let sender = if is_service(self.from) { "MessagingServiceSid" } else { "From" };
        form.append_pair("To", self.to);
        form.append_pair(sender, self.from);
        form.append_pair("Body", self.text);
        form.append_pair("StatusCallback", self.callback);
        if let Some(validity) = self.validity {
            let seconds = validity.as_secs().clamp(*VALIDITY_SECONDS.start(), *VALIDITY_SECONDS.end());
            form.append_pair("ValidityPeriod", &seconds.to_string());
        }
        form.finish()
    }
}

/// Whether a sender is a messaging service.
pub(super) fn is_service(from: &str) -> bool {
    from.starts_with(SERVICE_PREFIX) && from.len() == 34
}

/// The one parameter of a callback's URL. The URL is signed as it was given; those of several parameters were seen to be
/// requested sorted (twilio-php #790, twilio-node #1079), and one has no order. Its value has no character that anybody
/// would encode, or encode otherwise.
const MESSAGE: &str = "message";
/// What stands between the parts of its value: account, region and stack, and the intent.
const PART: char = '.';

/// Where Twilio tells what becomes of an intent's message. Our ids are all that a callback has of us.
pub(super) fn callback(base: &str, stack: &StackId, intent: &IntentId) -> String {
    let stack = stack.as_str().replace('/', &PART.to_string());
    let id = Serializer::new(String::new()).append_pair(MESSAGE, &format!("{stack}{PART}{intent}")).finish();
    format!("{base}?{id}{CALLBACK_TRIES}")
}

/// The stack and the intent that a callback's URL names. Messages from before have two parameters.
pub(super) fn called_back(url: &str) -> (Option<String>, Option<IntentId>) {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let (mut stack, mut intent) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match (name.as_ref(), value.rsplit_once(PART)) {
            (MESSAGE, Some((parts, id))) => {
                (stack, intent) = (Some(parts.replace(PART, "/")), Some(IntentId::from_stored(id)));
            }
            ("stack", _) => stack = Some(value.into_owned()),
            ("intent", _) => intent = Some(IntentId::from_stored(value.into_owned())),
            _ => {}
        }
    }
    (stack, intent)
}

/// The query that lists what was sent to a number, the newest first. The sending times cannot narrow it: a message that
/// still waits has none.
pub(super) fn list_query(to: &str, from: &str, page_size: usize) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("To", to);
    // A messaging service chooses its number itself.
    if from.starts_with('+') {
        query.append_pair("From", from);
    }
    query.append_pair("PageSize", &page_size.to_string()).finish()
}

/// A message, as far as we read it.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) sid: String,
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) error_code: Option<u32>,
    #[serde(default)]
    pub(super) body: Option<String>,
    /// RFC 2822.
    #[serde(default)]
    pub(super) date_created: Option<String>,
}

impl Message {
    /// When Twilio took it; `None` when it does not say.
    pub(super) fn created_at(&self) -> Option<Timestamp> {
        let at = OffsetDateTime::parse(self.date_created.as_deref()?, &Rfc2822).ok()?;
        Some(Timestamp::from_seconds(at.unix_timestamp()))
    }

    /// Whether it says this. A trial account's texts have a notice before them.
    pub(super) fn says(&self, text: &str) -> bool {
        self.body.as_deref().is_some_and(|body| body.trim().ends_with(text.trim()))
    }
}

/// A page of messages.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) messages: Vec<Message>,
    #[serde(default)]
    pub(super) next_page_uri: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(form: &str) -> Vec<(String, String)> {
        form_urlencoded::parse(form.as_bytes()).into_owned().collect()
    }

    fn sms(from: &str, validity: Option<u64>) -> Vec<(String, String)> {
        let validity = validity.map(Duration::from_secs);
        pairs(
            &Sms {
                to: "+4798765432",
                from,
                text: "Hi & bye = 100 % 🫐",
                callback: "https://x.example/?a=b#c",
                validity,
            }
            .form(),
        )
    }

    fn named(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn a_message_is_a_form_of_twilios_names() {
        assert_eq!(
            sms("+15005550006", None),
            [
                named("To", "+4798765432"),
                named("From", "+15005550006"),
                named("Body", "Hi & bye = 100 % 🫐"),
                named("StatusCallback", "https://x.example/?a=b#c"),
            ]
        );
        assert_eq!(sms(&format!("MG{}", "0".repeat(32)), None)[1].0, "MessagingServiceSid");
        assert_eq!(sms("MGM Shop", None)[1].0, "From");
    }

    #[test]
    fn a_validity_is_within_twilios_bounds() {
        for (asked, sent) in [(0, "10"), (120, "120"), (90_000, "36000")] {
            assert_eq!(sms("+15005550006", Some(asked))[4], named("ValidityPeriod", sent));
        }
    }

    #[test]
    fn a_callback_carries_our_ids_and_asks_for_tries_in_characters_that_every_gateway_hands_on() {
        let stack = StackId::from_stored("123456789012/eu-north-1/crossdock");
        let url = callback("https://x.example/", &stack, &IntentId::from_stored("int_1"));
        let (sent, fragment) = url.split_once('#').expect("a fragment");
        assert_eq!(sent, "https://x.example/?message=123456789012.eu-north-1.crossdock.int_1");
        assert_eq!(called_back(sent), (Some(stack.as_str().to_owned()), Some(IntentId::from_stored("int_1"))));
        assert_eq!(fragment, "rc=3&rp=all");
    }

    #[test]
    fn a_callback_of_two_parameters_is_read_in_either_order_and_one_without_is_nobodys() {
        let both = (Some("1/eu/s".to_owned()), Some(IntentId::from_stored("int_1")));
        assert_eq!(called_back("https://x.example/?stack=1%2Feu%2Fs&intent=int_1"), both);
        assert_eq!(called_back("https://x.example/?intent=int_1&stack=1%2Feu%2Fs"), both);
        for url in
            ["https://x.example/", "https://x.example/?", "https://x.example/?message=int_1", "https://x.example/?a=b"]
        {
            assert_eq!(called_back(url), (None, None), "{url}");
        }
    }

    #[test]
    fn a_list_is_narrowed_by_sender_where_the_sender_is_a_number() {
        assert_eq!(list_query("+47", "+1500", 100), "To=%2B47&From=%2B1500&PageSize=100");
        assert_eq!(list_query("+47", "MG0", 100), "To=%2B47&PageSize=100");
    }

    #[test]
    fn a_message_of_the_api_is_read_and_what_it_lacks_is_none() {
        let json = r#"{"sid":"SM1","status":"queued","body":"Sent from your Twilio trial account - Hi ","error_code":null,
            "date_created":"Thu, 24 Aug 2023 05:01:45 +0000","num_segments":"1","price":null}"#;
        let message: Message = serde_json::from_str(json).expect("a message");
        assert_eq!(message.created_at().map(Timestamp::seconds), Some(1_692_853_305));
        assert!(message.says("Hi") && !message.says("Bye"));
        let bare: Message = serde_json::from_str(r#"{"sid":"SM1"}"#).expect("a message");
        assert!(bare.created_at().is_none() && !bare.says("Hi"));
    }
}
