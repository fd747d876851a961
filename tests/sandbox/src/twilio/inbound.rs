//! What people text to the account's numbers: STOP, START, HELP and all the rest.

use super::State;
use super::message::{API_VERSION, Message, Status};
use super::segments::segments;
use form_urlencoded::Serializer;

/// What Twilio takes a text for. Only the whole text counts, in any case, with spaces around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    Stop,
    Start,
    Help,
}

impl Keyword {
    fn of(text: &str) -> Option<Self> {
        match text.trim().to_ascii_uppercase().as_str() {
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE" | "OPTOUT" => Some(Self::Stop),
            "START" | "YES" | "UNSTOP" => Some(Self::Start),
            "HELP" | "INFO" => Some(Self::Help),
            _ => None,
        }
    }

    /// As in the parameter `OptOutType`.
    fn name(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Start => "START",
            Self::Help => "HELP",
        }
    }
}

impl State {
    /// Somebody texts one of the account's numbers. False when it is none.
    pub(crate) fn receive_text(&mut self, now_ms: i64, from: &str, to: &str, body: &str) -> bool {
        if !self.numbers.iter().any(|number| number == to) {
            return false;
        }
        let keyword = Keyword::of(body);
        let pair = (from.to_owned(), to.to_owned());
        match keyword {
            Some(Keyword::Stop) => drop(self.opted_out.insert(pair)),
            Some(Keyword::Start) => drop(self.opted_out.remove(&pair)),
            Some(Keyword::Help) | None => {}
        }
        let message = Message {
            sid: format!("SM{}", self.ids.hex("twilio received")),
            to: to.to_owned(),
            from: Some(from.to_owned()),
            messaging_service_sid: self.advanced_opt_out.then(|| self.messaging_service_sid.clone()),
            body: body.to_owned(),
            status: Status::Received,
            error_code: None,
            created_ms: now_ms,
            sent_ms: Some(now_ms),
            updated_ms: now_ms,
            status_callback: None,
            validity_period_s: 0,
            segments: segments(body),
        };
        let mut form = Serializer::new(String::new());
        for name in ["MessageSid", "SmsMessageSid", "SmsSid"] {
            form.append_pair(name, &message.sid);
        }
        form.append_pair("SmsStatus", message.status.name());
        form.append_pair("NumMedia", "0");
        form.append_pair("NumSegments", &message.segments.to_string());
        form.append_pair("From", from);
        form.append_pair("To", to);
        form.append_pair("Body", body);
        if let Some(service) = &message.messaging_service_sid {
            form.append_pair("MessagingServiceSid", service);
            if let Some(keyword) = keyword {
                form.append_pair("OptOutType", keyword.name());
            }
        }
        form.append_pair("AccountSid", &self.account_sid);
        form.append_pair("ApiVersion", API_VERSION);
        let body = form.finish().into();
        self.received.push(message);
        self.post_to_endpoint(now_ms, body);
        true
    }
}
