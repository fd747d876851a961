//! POST /v3/mail/send: what SendGrid accepts, and the mails that come of it.

use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The largest request, in bytes (30 MB).
pub(super) const BODY_MAX_BYTES: usize = 30 * 1024 * 1024;

/// Personalizations in one request, and recipients over all of them.
const PERSONALIZATIONS_MAX: usize = 1000;
const RECIPIENTS_MAX: usize = 1000;

/// Custom args of one mail, in bytes of JSON.
const CUSTOM_ARGS_MAX_BYTES: usize = 10_000;

const CATEGORIES_MAX: usize = 10;

/// How far ahead a mail may be scheduled, in seconds (72 h).
const SCHEDULE_MAX_S: i64 = 72 * 3600;

const REQUEST_FIELDS: [&str; 17] = [
    "asm",
    "attachments",
    "batch_id",
    "categories",
    "content",
    "custom_args",
    "from",
    "headers",
    "ip_pool_name",
    "mail_settings",
    "personalizations",
    "reply_to",
    "reply_to_list",
    "send_at",
    "subject",
    "template_id",
    "tracking_settings",
];

const PERSONALIZATION_FIELDS: [&str; 10] = [
    "bcc",
    "cc",
    "custom_args",
    "dynamic_template_data",
    "from",
    "headers",
    "send_at",
    "subject",
    "substitutions",
    "to",
];

const RESERVED_HEADERS: [&str; 12] = [
    "bcc",
    "cc",
    "content-transfer-encoding",
    "content-type",
    "dkim-signature",
    "from",
    "received",
    "reply-to",
    "subject",
    "to",
    "x-sg-eid",
    "x-sg-id",
];

/// A mail that was accepted: one personalization of one request.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// What `X-Message-Id` said; `sg_message_id` of the events starts with it.
    pub message_id: String,
    /// When it was accepted, epoch milliseconds.
    pub accepted_ms: i64,
    /// When it is sent, epoch milliseconds.
    pub send_ms: i64,
    /// All recipients: to, cc and bcc.
    pub to: Vec<String>,
    /// The sender's address.
    pub from: String,
    /// Empty when the template brings it.
    pub subject: String,
    /// Type and value, in the order given. Empty when the template brings it.
    pub content: Vec<(String, String)>,
    /// The template in use.
    pub template_id: Option<String>,
    /// The caller's own keys and values; they come back in every event.
    pub custom_args: BTreeMap<String, String>,
    /// Labels for the vendor's statistics.
    pub categories: Vec<String>,
}

/// One reason for a refusal: message and field.
#[derive(Clone, Debug)]
pub(super) struct Complaint {
    message: String,
    field: Option<String>,
}

impl Complaint {
    pub(super) fn new(field: impl Into<Option<String>>, message: impl Into<String>) -> Self {
        Self { message: message.into(), field: field.into() }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "message": self.message, "field": self.field, "help": null })
    }
}

/// A request that SendGrid accepts.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The mails, still without the id that they share.
    pub(super) mails: Vec<Mail>,
    /// Sandbox mode: checked, then thrown away.
    pub(super) only_checked: bool,
}

/// Checks a request and cuts it into mails.
pub(super) fn read(now_ms: i64, body: &[u8]) -> Result<Accepted, Vec<Complaint>> {
    let Ok(Value::Object(request)) = serde_json::from_slice(body) else {
        return Err(vec![Complaint::new(None, "Bad Request")]);
    };
    let mut complaints = Complaints::default();
    complaints.check_request(&request, now_ms);
    if !complaints.found.is_empty() {
        return Err(complaints.found);
    }
    let mails = list(&request, "personalizations").map(|one| mail(&request, one, now_ms)).collect();
    let only_checked =
        request.get("mail_settings").and_then(|s| s.pointer("/sandbox_mode/enable")) == Some(&true.into());
    Ok(Accepted { mails, only_checked })
}

/// The mail of one personalization of a request that has been checked.
fn mail(request: &Map<String, Value>, one: &Value, now_ms: i64) -> Mail {
    let own = |name: &str| one.get(name).or_else(|| request.get(name));
    let custom_args: BTreeMap<String, String> = [request.get("custom_args"), one.get("custom_args")]
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flatten()
        .map(|(name, value)| (name.clone(), text(Some(value))))
        .collect();
    let content = list(request, "content").map(|part| (text(part.get("type")), text(part.get("value")))).collect();
    Mail {
        message_id: String::new(),
        accepted_ms: now_ms,
        send_ms: own("send_at").and_then(Value::as_i64).map_or(now_ms, |at_s| now_ms.max(at_s * 1000)),
        to: recipients(one).map(|recipient| text(recipient.get("email"))).collect(),
        from: text(own("from").and_then(|from| from.get("email"))),
        subject: text(own("subject")),
        content,
        template_id: request.get("template_id").map(|id| text(Some(id))),
        custom_args,
        categories: list(request, "categories").map(|name| text(Some(name))).collect(),
    }
}

#[derive(Default)]
struct Complaints {
    found: Vec<Complaint>,
}

impl Complaints {
    fn add(&mut self, field: &str, message: impl Into<String>) {
        self.found.push(Complaint::new(field.to_owned(), message));
    }

    fn check_request(&mut self, request: &Map<String, Value>, now_ms: i64) {
        self.check_fields("", request, &REQUEST_FIELDS);
        let people = request.get("personalizations").and_then(Value::as_array).map_or(0, Vec::len);
        if people == 0 {
            self.add(
                "personalizations",
                "The personalizations field is required and must have at least one personalization.",
            );
        }
        if people > PERSONALIZATIONS_MAX {
            self.add("personalizations", format!("There are more than {PERSONALIZATIONS_MAX} personalizations."));
        }
        if list(request, "personalizations").flat_map(recipients).count() > RECIPIENTS_MAX {
            self.add("personalizations", format!("There are more than {RECIPIENTS_MAX} recipients."));
        }
        for (i, one) in list(request, "personalizations").enumerate() {
            self.check_personalization(&format!("personalizations.{i}"), one);
        }
        match request.get("from") {
            None => self.add("from.email", "The from object must be provided for every email send."),
            Some(from) => self.check_address("from", from),
        }
        if let Some(reply_to) = request.get("reply_to") {
            self.check_address("reply_to", reply_to);
        }
        let template = request.get("template_id").is_some();
        let subject_of_each =
            people > 0 && list(request, "personalizations").all(|one| !text(one.get("subject")).is_empty());
        if !template && text(request.get("subject")).is_empty() && !subject_of_each {
            self.add(
                "subject",
                "The subject is required. You can get around this requirement if you use a template with a subject \
                defined or if every personalization has a subject defined.",
            );
        }
        self.check_content(request, template);
        self.check_custom_args("custom_args", request.get("custom_args"));
        self.check_headers("headers", request.get("headers"));
        let categories: Vec<String> = list(request, "categories").map(|name| text(Some(name))).collect();
        let different: BTreeSet<&String> = categories.iter().collect();
        if categories.len() > CATEGORIES_MAX || different.len() < categories.len() {
            self.add("categories", format!("There may be up to {CATEGORIES_MAX} categories, each once."));
        }
        let latest_s = now_ms / 1000 + SCHEDULE_MAX_S;
        if request.get("send_at").is_some_and(|at| at.as_i64().is_none_or(|at_s| at_s > latest_s)) {
            self.add("send_at", "The send_at parameter is a Unix timestamp at most 72 hours ahead.");
        }
    }

    fn check_personalization(&mut self, field: &str, one: &Value) {
        let Some(members) = one.as_object() else {
            return self.add(field, "A personalization is an object.");
        };
        self.check_fields(field, members, &PERSONALIZATION_FIELDS);
        if list(members, "to").next().is_none() {
            self.add(
                &format!("{field}.to"),
                "The to array is required for all personalization objects, and must have at \
                least one email object with a valid email address.",
            );
        }
        for kind in ["to", "cc", "bcc"] {
            for (i, address) in list(members, kind).enumerate() {
                self.check_address(&format!("{field}.{kind}.{i}"), address);
            }
        }
        let all: Vec<String> = recipients(one).map(|r| text(r.get("email")).to_ascii_lowercase()).collect();
        if all.iter().collect::<BTreeSet<_>>().len() < all.len() {
            self.add(
                field,
                "Each email address in the personalization block should be unique between to, cc, and bcc.",
            );
        }
        self.check_custom_args(&format!("{field}.custom_args"), members.get("custom_args"));
        self.check_headers(&format!("{field}.headers"), members.get("headers"));
    }

    fn check_content(&mut self, request: &Map<String, Value>, template: bool) {
        let types: Vec<String> = list(request, "content").map(|part| text(part.get("type"))).collect();
        if types.is_empty() && !template {
            self.add("content", "The content parameter is required unless a template_id is given.");
        }
        for (i, part) in list(request, "content").enumerate() {
            for member in ["type", "value"] {
                if text(part.get(member)).is_empty() {
                    self.add(
                        &format!("content.{i}.{member}"),
                        "The content type and value must be a string at least one character in length.",
                    );
                }
            }
        }
        if types.iter().position(|t| t == "text/plain").is_some_and(|position| position > 0) {
            self.add(
                "content",
                "If present, text/plain must be first, followed by text/html, and then other content types.",
            );
        }
    }

    fn check_address(&mut self, field: &str, address: &Value) {
        let email = text(address.get("email"));
        let valid = email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty()
                && host.contains('.')
                && !host.starts_with('.')
                && !host.ends_with('.')
                && !host.contains('@')
        });
        let printable = email.chars().all(|c| c.is_ascii_graphic() && !",;<>()[]\\\"".contains(c));
        if !valid || !printable {
            self.add(&format!("{field}.email"), "Does not contain a valid address.");
        }
        if text(address.get("name")).contains([';', ',']) && !field.starts_with("from") {
            self.add(&format!("{field}.name"), "The name may not contain a semicolon or a comma.");
        }
    }

    fn check_custom_args(&mut self, field: &str, custom_args: Option<&Value>) {
        let Some(custom_args) = custom_args else { return };
        if !custom_args.as_object().is_some_and(|members| members.values().all(Value::is_string)) {
            self.add(field, "The custom_args must be an object whose values are strings.");
        }
        if custom_args.to_string().len() >= CUSTOM_ARGS_MAX_BYTES {
            self.add(field, format!("The custom_args must be less than {CUSTOM_ARGS_MAX_BYTES} bytes."));
        }
    }

    fn check_headers(&mut self, field: &str, headers: Option<&Value>) {
        for name in headers.and_then(Value::as_object).into_iter().flat_map(|headers| headers.keys()) {
            if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
                self.add(field, format!("The header {name} is reserved and cannot be set."));
            }
        }
    }

    /// A misspelt field is an error, not a mail without what it should have said.
    fn check_fields(&mut self, field: &str, members: &Map<String, Value>, known: &[&str]) {
        for name in members.keys().filter(|name| !known.contains(&name.as_str())) {
            self.add(field, format!("Additional property {name} is not allowed"));
        }
    }
}

fn list<'a>(members: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    members.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn recipients(personalization: &Value) -> impl Iterator<Item = &Value> {
    ["to", "cc", "bcc"].into_iter().filter_map(|kind| personalization.get(kind)?.as_array()).flatten()
}

/// The text of a JSON string, or nothing.
fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}
