//! The mails that come of POST /v3/mail/send.

use super::checks::Complaint;
use super::templates::Template;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Which of the account's API keys a call came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiKey {
    /// For mail that somebody waits for.
    Transactional,
    /// For promotions.
    Marketing,
}

/// Whether a mail has gone out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Waits for its time, or is paused.
    Scheduled,
    /// Is on its way.
    Sent,
    /// Its batch was canceled before its time. It never goes out.
    Canceled,
}

/// A mail that was accepted: one personalization of one request.
#[derive(Clone, Debug, Serialize)]
pub struct Mail {
    /// What `X-Message-Id` said; `sg_message_id` of the events starts with it.
    pub message_id: String,
    /// Which of the request's personalizations it was.
    pub personalization: usize,
    /// When it was accepted, epoch milliseconds.
    pub accepted_ms: i64,
    /// When it is sent, epoch milliseconds.
    pub send_ms: i64,
    /// Whether it has gone out.
    pub disposition: Disposition,
    /// Whether it was so near to its time when its batch was stopped that it goes out all the same.
    pub is_past_stopping: bool,
    /// Whether it goes to those who have unsubscribed from everything, and to those who have called a mail spam.
    pub reaches_unsubscribed: bool,
    /// See there.
    pub reaches_reporters: bool,
    /// The key that sent it.
    pub api_key: ApiKey,
    /// The batch by which it can be stopped.
    pub batch_id: Option<String>,
    /// All recipients: to, cc and bcc.
    pub to: Vec<String>,
    /// The sender's address.
    pub from: String,
    /// What the recipient reads; that of a dynamic template is filled in.
    pub subject: String,
    /// Type and value, in the order given; that of a dynamic template is filled in.
    pub content: Vec<(String, String)>,
    /// The template in use.
    pub template_id: Option<String>,
    /// What fills a dynamic template.
    pub template_data: Value,
    /// Headers that the caller sets, such as `List-Unsubscribe`.
    pub headers: BTreeMap<String, String>,
    /// The unsubscribe group.
    pub asm_group_id: Option<i64>,
    /// The caller's own keys and values; they come back in every event.
    pub custom_args: BTreeMap<String, String>,
    /// Labels for the vendor's statistics.
    pub categories: Vec<String>,
}

/// A request that SendGrid accepts.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The mails, still without the id that they share.
    pub(super) mails: Vec<Mail>,
    /// Sandbox mode: checked, then thrown away.
    pub(super) only_checked: bool,
}

/// Checks a request and cuts it into mails. `has_batch` says whether a batch id is the account's.
pub(super) fn read(
    now_ms: i64,
    body: &[u8],
    api_key: ApiKey,
    templates: &[Template],
    has_batch: impl Fn(&str) -> bool,
) -> Result<Accepted, Vec<Complaint>> {
    let Ok(Value::Object(request)) = serde_json::from_slice(body) else {
        return Err(vec![Complaint::new(None, "Bad Request")]);
    };
    let named = request.get("template_id").map(|id| text(Some(id)));
    let template = named.and_then(|id| templates.iter().find(|template| template.id == id));
    super::checks::check(&request, now_ms, template, has_batch)?;
    let people = list(&request, "personalizations").enumerate();
    let mails = people.map(|(i, one)| mail(&request, i, one, now_ms, api_key, template)).collect();
    let only_checked =
        request.get("mail_settings").and_then(|s| s.pointer("/sandbox_mode/enable")) == Some(&true.into());
    Ok(Accepted { mails, only_checked })
}

/// The mail of one personalization of a request that has been checked.
fn mail(
    request: &Map<String, Value>,
    personalization: usize,
    one: &Value,
    now_ms: i64,
    api_key: ApiKey,
    template: Option<&Template>,
) -> Mail {
    let own = |name: &str| one.get(name).or_else(|| request.get(name));
    let both = |name: &str| -> BTreeMap<String, String> {
        let objects = [request.get(name), one.get(name)].into_iter().flatten().filter_map(Value::as_object);
        objects.flatten().map(|(name, value)| (name.clone(), text(Some(value)))).collect()
    };
    let data = one.get("dynamic_template_data").cloned().unwrap_or_default();
    let content = list(request, "content").map(|part| (text(part.get("type")), text(part.get("value")))).collect();
    let (subject, content) = match template.and_then(Template::active) {
        Some(version) if version.is_dynamic() => (version.fill_subject(&data), version.fill_content(&data)),
        _ => (text(own("subject")), content),
    };
    let enabled = |setting: &str| {
        let settings = request.get("mail_settings");
        settings.and_then(|all| all.get(setting)?.get("enable")?.as_bool()).unwrap_or(false)
    };
    let send_ms = own("send_at").and_then(Value::as_i64).map_or(now_ms, |at_s| now_ms.max(at_s * 1000));
    Mail {
        message_id: String::new(),
        personalization,
        accepted_ms: now_ms,
        send_ms,
        disposition: if send_ms > now_ms { Disposition::Scheduled } else { Disposition::Sent },
        is_past_stopping: false,
        reaches_unsubscribed: enabled("bypass_unsubscribe_management"),
        reaches_reporters: enabled("bypass_spam_management"),
        api_key,
        batch_id: request.get("batch_id").map(|id| text(Some(id))),
        to: recipients(one).map(|recipient| text(recipient.get("email"))).collect(),
        from: text(own("from").and_then(|from| from.get("email"))),
        subject,
        content,
        template_id: request.get("template_id").map(|id| text(Some(id))),
        template_data: data,
        headers: both("headers"),
        asm_group_id: request.get("asm").and_then(|asm| asm.get("group_id")?.as_i64()),
        custom_args: both("custom_args"),
        categories: list(request, "categories").map(|name| text(Some(name))).collect(),
    }
}

/// The elements of a list, none if there is no list.
pub(super) fn list<'a>(members: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    members.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// All recipients of a personalization.
pub(super) fn recipients(personalization: &Value) -> impl Iterator<Item = &Value> {
    ["to", "cc", "bcc"].into_iter().filter_map(|kind| personalization.get(kind)?.as_array()).flatten()
}

/// The text of a JSON string, or nothing.
pub(super) fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}
