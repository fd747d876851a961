//! POST …/Messages.json: what Twilio accepts.

use super::State;
use super::failure::Failure;
use super::journey::course_of;
use super::message::{Message, Status};
use super::segments::segments;
use crate::Course;
use http::Uri;

/// The longest text, in characters.
const BODY_MAX_CHARACTERS: usize = 1600;

/// How long a message may wait in the queue, in seconds; the longest is the default (10 h).
const VALIDITY_MAX_S: i64 = 36_000;

/// The longest callback URL, in characters.
const URL_MAX_CHARACTERS: usize = 4000;

/// Digits of a number in E.164, country code included.
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

const PARAMETERS: [&str; 6] = ["Body", "From", "MessagingServiceSid", "StatusCallback", "To", "ValidityPeriod"];

/// The parameters of a request, in their order.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of a parameter; the first one wins, and an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(n, _)| n == name)?;
        (!value.is_empty()).then_some(value)
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Refuses what this simulator does not know.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Failure> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(Failure::not_simulated(name)),
            None => Ok(()),
        }
    }
}

impl State {
    /// Checks a request and says what message it would make. Nothing has changed yet.
    pub(super) fn draft(&self, now_ms: i64, form: &Form) -> Result<Message, Failure> {
        form.only(&PARAMETERS)?;
        let to = form.get("To").ok_or_else(|| Failure::invalid(21604, "A 'To' phone number is required."))?;
        let (from, service) = self.sender(form)?;
        check_recipient(to)?;
        let body = form.get("Body").ok_or_else(|| Failure::invalid(21602, "Message body is required."))?;
        if body.chars().count() > BODY_MAX_CHARACTERS {
            let message = format!("The message body exceeds the {BODY_MAX_CHARACTERS} character limit.");
            return Err(Failure::invalid(21617, message));
        }
        let status_callback = form.get("StatusCallback");
        if status_callback.is_some_and(|url| !is_callback(url)) {
            return Err(Failure::invalid(21609, "The 'StatusCallback' URL is not a valid URL."));
        }
        let validity_period_s = match form.get("ValidityPeriod") {
            None => VALIDITY_MAX_S,
            Some(text) => text
                .parse()
                .ok()
                .filter(|seconds| (1..=VALIDITY_MAX_S).contains(seconds))
                .ok_or_else(|| Failure::invalid(21624, "The validity period is out of its range."))?,
        };
        let sender = from.or(self.numbers.first().map(String::as_str)).unwrap_or_default();
        if to.ends_with("5005550004") || self.opted_out.contains(&(to.to_owned(), sender.to_owned())) {
            return Err(Failure::invalid(21610, "Attempt to send to unsubscribed recipient"));
        }
        Ok(Message {
            sid: String::new(),
            to: to.to_owned(),
            from: from.map(str::to_owned),
            messaging_service_sid: service.map(str::to_owned),
            body: body.to_owned(),
            status: if service.is_some() { Status::Accepted } else { Status::Queued },
            error_code: None,
            created_ms: now_ms,
            sent_ms: None,
            updated_ms: now_ms,
            status_callback: status_callback.map(str::to_owned),
            validity_period_s,
            segments: segments(body),
        })
    }

    /// Takes a message; the dial may decide what becomes of it. Returns where it stands among the account's.
    pub(super) fn accept(&mut self, mut message: Message, course: Option<Course>) -> usize {
        message.sid = format!("SM{}", self.ids.hex("twilio message"));
        let course = course.unwrap_or_else(|| course_of(&message.to));
        self.messages.push(message);
        let position = self.messages.len() - 1;
        self.plan_journey(position, course);
        position
    }

    /// The number and the messaging service that the caller names; at least one of them.
    fn sender<'a>(&self, form: &'a Form) -> Result<(Option<&'a str>, Option<&'a str>), Failure> {
        let (from, service) = (form.get("From"), form.get("MessagingServiceSid"));
        if from.is_none() && service.is_none() {
            return Err(Failure::invalid(21603, "A 'From' phone number is required."));
        }
        if service.is_some_and(|service| service != self.messaging_service_sid) {
            return Err(Failure::invalid(21705, "The messaging service is not valid for this account."));
        }
        match from {
            None | Some("+15005550006") => Ok((from, service)),
            Some("+15005550008") => Err(Failure::invalid(21611, "The queue of this 'From' number is full.")),
            Some("+15005550007") => Err(Failure::invalid(21606, "The 'From' number cannot send SMS.")),
            Some(number) if self.numbers.iter().any(|own| own == number) => Ok((from, service)),
            Some(name) if is_name(name) => match form.get("To") {
                Some(to) if to.starts_with("+1") => {
                    Err(Failure::invalid(21612, "The 'To' number is not reachable from this sender."))
                }
                _ => Ok((from, service)),
            },
            Some(number) if number == "+15005550001" || !is_number(number) => {
                Err(Failure::invalid(21212, "The 'From' number is not a valid phone number."))
            }
            Some(_) => Err(Failure::invalid(21606, "The 'From' number is not one of this account that can send SMS.")),
        }
    }
}

/// Numbers that stand for a refusal are those of the vendor's test mode.
fn check_recipient(to: &str) -> Result<(), Failure> {
    match to {
        "+15005550001" => Err(Failure::invalid(21211, "The 'To' number is not a valid phone number.")),
        "+15005550002" => Err(Failure::invalid(21612, "The 'To' number is not reachable from this sender.")),
        "+15005550003" => Err(Failure::invalid(21408, "SMS to this region is not enabled for this account.")),
        "+15005550009" => Err(Failure::invalid(21614, "The 'To' number is not a mobile number.")),
        number if !is_number(number) => Err(Failure::invalid(21211, "The 'To' number is not a valid phone number.")),
        _ => Ok(()),
    }
}

/// An alphanumeric sender: up to eleven letters, digits and blanks, at least one of them a letter. North America takes none.
/// (twilio.com/docs/glossary/what-alphanumeric-sender-id, twilio.com/docs/api/errors/21612)
fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == ' ';
    (1..=11).contains(&text.len()) && text.chars().all(fits) && text.contains(|c: char| c.is_ascii_alphabetic())
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        NUMBER_DIGITS.contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// A whole URL with a path, and no underscore in the host's name.
fn is_callback(url: &str) -> bool {
    let address = url.split('#').next().unwrap_or_default();
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let named = uri.host().is_some_and(|host| !host.is_empty() && !host.contains('_'));
    let after_host = address.split_once("://").map_or("", |(_, rest)| rest);
    web && named && after_host.contains('/') && url.chars().count() <= URL_MAX_CHARACTERS
}
