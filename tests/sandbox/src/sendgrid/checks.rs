//! What SendGrid demands of a request to send mail.

use super::mail::{list, recipients, text};
use super::templates::Template;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

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

/// Everything that is wrong with a request, if anything is. `template` is the one that it names, if there is such a one.
pub(super) fn check(
    request: &Map<String, Value>,
    now_ms: i64,
    template: Option<&Template>,
    has_batch: impl Fn(&str) -> bool,
) -> Result<(), Vec<Complaint>> {
    let mut complaints = Complaints::default();
    complaints.check_request(request, now_ms);
    complaints.check_template(request, template);
    if request.get("batch_id").is_some_and(|id| !has_batch(&text(Some(id)))) {
        complaints.add("batch_id", "The batch_id is not valid for this account.");
    }
    if complaints.found.is_empty() { Ok(()) } else { Err(complaints.found) }
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
        self.check_send_at("send_at", request.get("send_at"), now_ms);
        for (i, one) in list(request, "personalizations").enumerate() {
            self.check_send_at(&format!("personalizations.{i}.send_at"), one.get("send_at"), now_ms);
        }
    }

    fn check_send_at(&mut self, field: &str, send_at: Option<&Value>, now_ms: i64) {
        let latest_s = now_ms / 1000 + SCHEDULE_MAX_S;
        if send_at.is_some_and(|at| at.as_i64().is_none_or(|at_s| at_s > latest_s)) {
            self.add(field, "The send_at parameter is a Unix timestamp at most 72 hours ahead.");
        }
    }

    fn check_template(&mut self, request: &Map<String, Value>, template: Option<&Template>) {
        if request.get("template_id").is_none() {
            return;
        }
        let Some(version) = template.and_then(Template::active) else {
            return self.add("template_id", "The template_id must be of a template that has an active version.");
        };
        for (i, one) in list(request, "personalizations").enumerate() {
            if version.is_dynamic() && one.get("substitutions").is_some() {
                self.add(
                    &format!("personalizations.{i}.substitutions"),
                    "Substitutions may not be used with dynamic templating",
                );
            }
            if one.get("dynamic_template_data").is_some_and(|data| !data.is_object()) {
                self.add(&format!("personalizations.{i}.dynamic_template_data"), "The template data is an object.");
            }
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
        // Quotes make dots of what is inside (support.sendgrid.kke.co.jp/hc/ja/articles/360000019762).
        let quoted = |name: &str| name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(str::to_owned);
        let split = email.rsplit_once('@').map(|(name, host)| (quoted(name), name.to_owned(), host.to_owned()));
        let has_dots_between = |name: &str| name.split('.').all(|atom| !atom.is_empty());
        let valid = split.as_ref().is_some_and(|(quoted, name, host)| {
            quoted.as_ref().map_or_else(|| has_dots_between(name), |inside| !inside.is_empty())
                && host.contains('.')
                && !host.starts_with('.')
                && !host.ends_with('.')
                && !host.contains('@')
        });
        let inside = split.map_or(String::new(), |(quoted, name, host)| quoted.unwrap_or(name) + &host);
        let printable = inside.chars().all(|c| c.is_ascii_graphic() && !",;<>()[]\\\"".contains(c));
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
