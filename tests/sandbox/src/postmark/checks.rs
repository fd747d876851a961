//! What Postmark demands of a mail.

use super::Mail;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Recipients in each of To, Cc and Bcc.
const RECIPIENTS_MAX: usize = 50;

/// Entries of the metadata, and the lengths of their names and values in characters.
const METADATA_MAX: usize = 10;
const METADATA_NAME_MAX: usize = 20;
const METADATA_VALUE_MAX: usize = 80;

const FIELDS: [&str; 15] = [
    "Attachments",
    "Bcc",
    "Cc",
    "From",
    "Headers",
    "HtmlBody",
    "MessageStream",
    "Metadata",
    "ReplyTo",
    "Subject",
    "Tag",
    "TextBody",
    "To",
    "TrackLinks",
    "TrackOpens",
];

/// Postmark's code and message for a mail that it does not take.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) code: u32,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// 300: something about the mail itself.
    fn invalid(message: impl Into<String>) -> Self {
        Self::new(300, message)
    }
}

/// Reads a mail, still without an id.
pub(super) fn read(now_ms: i64, mail: &Value) -> Result<Mail, Refusal> {
    let Some(mail) = mail.as_object() else {
        return Err(Refusal::new(403, "Invalid JSON: a mail is an object."));
    };
    if let Some(name) = mail.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(Refusal::new(403, format!("The field {name} is not known.")));
    }
    let from = addresses(mail, "From")?;
    let [from] = from.as_slice() else {
        return Err(Refusal::invalid("The 'From' address is required, and is one."));
    };
    let first = addresses(mail, "To")?;
    if first.is_empty() {
        return Err(Refusal::invalid("Zero recipients specified."));
    }
    let to = [first, addresses(mail, "Cc")?, addresses(mail, "Bcc")?].concat();
    let (html_body, text_body) = (text(mail, "HtmlBody")?, text(mail, "TextBody")?);
    if html_body.is_empty() && text_body.is_empty() {
        return Err(Refusal::invalid("Provide either email TextBody or HtmlBody or both."));
    }
    let stream = text(mail, "MessageStream")?;
    Ok(Mail {
        message_id: String::new(),
        submitted_ms: now_ms,
        from: from.clone(),
        to,
        subject: text(mail, "Subject")?,
        html_body,
        text_body,
        tag: text(mail, "Tag")?,
        message_stream: if stream.is_empty() { "outbound".to_owned() } else { stream },
        metadata: metadata(mail)?,
        headers: headers(mail)?,
    })
}

fn text(mail: &Map<String, Value>, name: &str) -> Result<String, Refusal> {
    match mail.get(name) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(Refusal::new(403, format!("The field {name} is a text."))),
    }
}

/// The addresses of a list such as `Ada <ada@example.com>, b@example.com`.
fn addresses(mail: &Map<String, Value>, name: &str) -> Result<Vec<String>, Refusal> {
    let list = text(mail, name)?;
    let found: Vec<String> = cut_at_commas(&list).into_iter().map(bare).collect();
    if let Some(wrong) = found.iter().find(|address| !is_address(address)) {
        return Err(Refusal::invalid(format!("Error parsing '{name}': Illegal email address '{wrong}'.")));
    }
    if found.len() > RECIPIENTS_MAX {
        return Err(Refusal::invalid(format!("'{name}' has more than {RECIPIENTS_MAX} recipients.")));
    }
    Ok(found)
}

/// The entries of a list; a comma in a quoted name is part of the name.
fn cut_at_commas(list: &str) -> Vec<&str> {
    let mut quoted = false;
    let entries = list.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    entries.map(str::trim).filter(|entry| !entry.is_empty()).collect()
}

fn bare(entry: &str) -> String {
    let inner = entry.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    inner.unwrap_or(entry).trim().to_owned()
}

fn is_address(text: &str) -> bool {
    let sound = |c: char| c.is_ascii_graphic() && !",;<>()[]\\\"@".contains(c);
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && name.chars().all(sound) && host.chars().all(sound) && host.trim_matches('.').contains('.')
    })
}

fn metadata(mail: &Map<String, Value>) -> Result<BTreeMap<String, String>, Refusal> {
    let Some(entries) = mail.get("Metadata").filter(|value| !value.is_null()) else { return Ok(BTreeMap::new()) };
    let wrong = || Refusal::invalid("The metadata is an object of at most ten short texts.");
    let entries = entries.as_object().filter(|entries| entries.len() <= METADATA_MAX).ok_or_else(wrong)?;
    let short = |name: &str, value: &str| {
        name.chars().count() <= METADATA_NAME_MAX && value.chars().count() <= METADATA_VALUE_MAX
    };
    let read = |(name, value): (&String, &Value)| {
        let value = value.as_str().filter(|value| short(name, value)).ok_or_else(wrong)?;
        Ok((name.clone(), value.to_owned()))
    };
    entries.iter().map(read).collect()
}

fn headers(mail: &Map<String, Value>) -> Result<BTreeMap<String, String>, Refusal> {
    let entries = mail.get("Headers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let read = |entry: &Value| {
        let (name, value) = (entry["Name"].as_str()?, entry["Value"].as_str()?);
        Some((name.to_owned(), value.to_owned()))
    };
    let wrong = || Refusal::invalid("A header has a Name and a Value.");
    entries.iter().map(|entry| read(entry).ok_or_else(wrong)).collect()
}
