//! What becomes of a mail, and how Postmark tells it: one JSON object in each webhook.

use super::{Mail, State};
use crate::Course;
use crate::deliveries::{Patience, Posting};
use serde_json::{Value, json};
use time::OffsetDateTime;

/// How long after it was accepted each step of a mail happens, in milliseconds.
const FINISHED_AFTER_MS: i64 = 1000;
const REACTION_AFTER_MS: i64 = 60_000;
const DEFERRAL_MS: i64 = 600_000;

/// How long a webhook is tried, in milliseconds (12 h: ten tries or so).
const RETRY_WINDOW_MS: i64 = 12 * 3_600_000;

/// The answer with which a receiver ends all tries.
const NO_MORE_STATUS: u16 = 403;

/// The number of the server in every webhook.
const SERVER_ID: u64 = 23;

const AGENT: &str = "Mozilla/5.0";

/// A kind of bounce: type, its code, whether it makes the address inactive.
type BounceKind = (&'static str, u32, bool);

const HARD_BOUNCE: BounceKind = ("HardBounce", 1, true);
const TRANSIENT: BounceKind = ("Transient", 2, false);
const SPAM_COMPLAINT: BounceKind = ("SpamComplaint", 512, true);
const SOFT_BOUNCE: BounceKind = ("SoftBounce", 4096, false);
const BLOCKED: BounceKind = ("Blocked", 100_006, false);

impl State {
    /// Everything that becomes of a mail for one recipient.
    pub(super) fn plan(&mut self, mail: &Mail, recipient: &str, course: Course) {
        let done_ms = mail.submitted_ms + FINISHED_AFTER_MS;
        let then_ms = mail.submitted_ms + REACTION_AFTER_MS;
        match course {
            Course::Silent => {}
            Course::Bounced | Course::Undelivered { .. } => self.bounce(mail, recipient, HARD_BOUNCE, done_ms),
            Course::Blocked => self.bounce(mail, recipient, SOFT_BOUNCE, done_ms),
            Course::Dropped | Course::Failed { .. } => self.bounce(mail, recipient, BLOCKED, done_ms),
            Course::Deferred | Course::DeliveredAfterAll { .. } => {
                self.bounce(mail, recipient, TRANSIENT, done_ms);
                self.deliver(mail, recipient, done_ms + DEFERRAL_MS);
            }
            Course::Delivered => self.deliver(mail, recipient, done_ms),
            Course::SpamReported => {
                self.deliver(mail, recipient, done_ms);
                self.bounce(mail, recipient, SPAM_COMPLAINT, then_ms);
            }
            Course::Unsubscribed | Course::GroupUnsubscribed => {
                self.deliver(mail, recipient, done_ms);
                self.change_subscription(Some(mail), recipient, Some("ManualSuppression"), then_ms);
            }
            Course::GroupResubscribed => {
                self.deliver(mail, recipient, done_ms);
                self.change_subscription(None, recipient, None, then_ms);
            }
        }
    }

    /// Something that a recipient does with every copy of a message. False when there is no such message.
    pub(crate) fn recipient_acts(&mut self, now_ms: i64, message_id: &str, kind: &str, extra: &Value) -> bool {
        let Some(mail) = self.mails.iter().find(|mail| mail.message_id == message_id).cloned() else { return false };
        for recipient in &mail.to {
            match kind {
                "open" => {
                    let first = self.opened.insert((message_id.to_owned(), recipient.clone()));
                    let seen = json!({ "FirstOpen": first, "ReceivedAt": moment(now_ms) });
                    self.post(&mail, recipient, "Open", now_ms, &[seen, surroundings()]);
                }
                "click" => {
                    let followed = json!({
                        "ClickLocation": "HTML",
                        "OriginalLink": extra["url"],
                        "ReceivedAt": moment(now_ms),
                    });
                    self.post(&mail, recipient, "Click", now_ms, &[followed, surroundings()]);
                }
                "spamreport" => self.bounce(&mail, recipient, SPAM_COMPLAINT, now_ms),
                "group_resubscribe" => self.change_subscription(None, recipient, None, now_ms),
                _ => self.change_subscription(Some(&mail), recipient, Some("ManualSuppression"), now_ms),
            }
        }
        true
    }

    fn deliver(&mut self, mail: &Mail, recipient: &str, at_ms: i64) {
        let extra = json!({ "DeliveredAt": moment(at_ms), "Details": "smtp;250 2.0.0 OK" });
        self.post(mail, recipient, "Delivery", at_ms, &[extra, json!({ "ServerID": SERVER_ID })]);
    }

    fn bounce(&mut self, mail: &Mail, recipient: &str, (kind, code, inactive): BounceKind, at_ms: i64) {
        self.last_bounce += 1;
        let record = if kind == "SpamComplaint" { kind } else { "Bounce" };
        let extra = json!({
            "ID": self.last_bounce,
            "Type": kind,
            "TypeCode": code,
            "Name": kind,
            "Description": "",
            "Details": format!("{kind} of the sandbox"),
            "Email": recipient,
            "From": mail.from,
            "BouncedAt": moment(at_ms),
            "DumpAvailable": false,
            "Inactive": inactive,
            "CanActivate": kind != "SpamComplaint",
            "Subject": mail.subject,
            "ServerID": SERVER_ID,
        });
        self.post(mail, "", record, at_ms, &[extra, json!({})]);
        if inactive {
            self.change_subscription(Some(mail), recipient, Some(kind), at_ms);
        }
    }

    /// An address is suppressed for a reason, or active again.
    pub(super) fn change_subscription(
        &mut self,
        mail: Option<&Mail>,
        recipient: &str,
        reason: Option<&'static str>,
        at_ms: i64,
    ) {
        match reason {
            Some(_) => drop(self.inactive.insert(recipient.to_ascii_lowercase(), at_ms)),
            None => drop(self.inactive.remove(&recipient.to_ascii_lowercase())),
        }
        let body = json!({
            "RecordType": "SubscriptionChange",
            "MessageID": mail.map(|mail| mail.message_id.as_str()),
            "ServerID": SERVER_ID,
            "MessageStream": mail.map_or("outbound", |mail| &mail.message_stream),
            "ChangedAt": moment(at_ms),
            "Recipient": recipient,
            "Origin": "Recipient",
            "SuppressSending": reason.is_some(),
            "SuppressionReason": reason,
            "Tag": mail.map(|mail| mail.tag.as_str()),
            "Metadata": mail.map(|mail| mail.metadata.clone()).unwrap_or_default(),
        });
        self.put(&body, at_ms);
    }

    /// Posts a record about a mail; `recipient` is left out where it is empty.
    fn post(&mut self, mail: &Mail, recipient: &str, record: &str, at_ms: i64, extras: &[Value; 2]) {
        let mut body = json!({
            "RecordType": record,
            "MessageID": mail.message_id,
            "MessageStream": mail.message_stream,
            "Tag": mail.tag,
            "Metadata": mail.metadata,
        });
        if !recipient.is_empty() {
            body["Recipient"] = recipient.into();
        }
        for (name, value) in extras.iter().filter_map(Value::as_object).flatten() {
            body[name] = value.clone();
        }
        self.put(&body, at_ms);
    }

    fn put(&mut self, body: &Value, at_ms: i64) {
        let patience = Patience::Window { ms: RETRY_WINDOW_MS, until: Some(NO_MORE_STATUS) };
        let body = body.to_string().into();
        self.outgoing.push(Posting { sender: None, body, due_ms: at_ms, url: None, headers: Vec::new(), patience });
    }
}

/// What Postmark tells of the recipient's program.
fn surroundings() -> Value {
    let program = json!({ "Name": "Firefox", "Company": "Mozilla", "Family": "Firefox" });
    json!({ "Client": program, "OS": program, "Platform": "Desktop", "UserAgent": AGENT, "Geo": { "IP": "192.0.2.1" } })
}

/// A time as in webhooks: seven digits of a second, `Z`.
fn moment(at_ms: i64) -> String {
    format!("{}Z", seconds(at_ms))
}

/// A time as in answers: an offset in place of the `Z`.
pub(super) fn submitted_at(at_ms: i64) -> String {
    format!("{}+00:00", seconds(at_ms))
}

fn seconds(at_ms: i64) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let at = OffsetDateTime::from_unix_timestamp(at_ms.div_euclid(1000)).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!("{}.{:03}0000", at.format(format).unwrap_or_default(), at_ms.rem_euclid(1000))
}
