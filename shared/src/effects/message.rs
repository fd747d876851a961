//! The message as an item: what is known of it, and how what somebody says changes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::commit::{Context, Plan, Role, timeline_row};
use super::intent::{Data, Intent, Kind, order_partition, person_partition};
use super::nudge::Nudge;
use super::observation::{MessageNews, MessageSeen};
use super::payment::VendorRef;
use super::work::Subject;
use crate::aws::{Key, Write};
use crate::domain::message::{MessageKind, MessageStatus};
use crate::domain::status::{Move, Said, decide};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{ContactId, Correlation, IntentId, MessageId, Money, OrderId, Timestamp};
use crate::error::Result;
use crate::guard::{Guard, condition};

/// How long a message's content is kept.
const KEPT_AFTER: Duration = Duration::from_secs(35 * 24 * 3_600);

/// A message, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// `msg_…`
    pub message_id: MessageId,
    /// Which message it is.
    pub kind: MessageKind,
    /// `email`
    pub channel: String,
    /// To whom.
    pub contact_id: ContactId,
    /// About which order.
    pub order_id: OrderId,
    /// What the text tells.
    pub amount: Money,
    /// Where it stands.
    pub status: MessageStatus,
    /// The provider's time of the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_at: Option<Timestamp>,
    /// Grows with each change.
    pub version: u64,
    /// The intent that sends it.
    pub intent_id: IntentId,
    /// The provider, once it has the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// When it was first opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When a link in it was first clicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clicked_at: Option<Timestamp>,
    /// When it was called spam.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spam_reported_at: Option<Timestamp>,
    /// Ties together what one request caused.
    pub correlation_id: Correlation,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Index by order.
    pub order_pk: String,
    /// Index by order.
    pub order_sk: String,
    /// Index by person.
    pub person_pk: String,
    /// Index by person.
    pub person_sk: String,
    /// TTL, in seconds.
    pub expires: i64,
}

/// What causes a message.
pub(crate) struct Cause<'a> {
    /// Our id of the object whose status moved.
    pub(crate) object: &'a str,
    /// The status it reached.
    pub(crate) reached: &'a str,
    /// The order it belongs to.
    pub(crate) order_id: &'a OrderId,
    /// Who is written to.
    pub(crate) contact_id: &'a ContactId,
    /// What the text tells.
    pub(crate) amount: Money,
}

/// Where a message lives.
pub fn key(id: &MessageId) -> Key {
    Key::new(format!("MESSAGE#{id}"), "MESSAGE")
}

impl Message {
    /// Adds the message that an object's reaching a status causes, and the intent that sends it.
    pub(crate) fn plan(plan: &mut Plan, cause: &Cause<'_>, kind: MessageKind, context: &Context) -> Result<()> {
        let (message, intent) = Self::caused(cause, kind, context);
        let row = message.entry("message.queued", Some(kind.as_str().to_owned()), context);
        plan.writes.push(timeline_row(cause.order_id, &row, &context.occasion)?);
        plan.writes.push((Role::Once, Write::put_new(key(&message.message_id), &message)?));
        plan.writes.push((Role::Once, Write::put_new(intent.key(), &intent)?));
        plan.nudges.push(Nudge::of(&intent));
        Ok(())
    }

    fn caused(cause: &Cause<'_>, kind: MessageKind, context: &Context) -> (Self, Intent) {
        let now = context.now;
        let Cause { object, reached, .. } = *cause;
        let message_id = MessageId::for_status(object, reached, kind.as_str());
        let intent_id = IntentId::of(Kind::MailSend.as_str(), object, &format!("{reached}/{}", kind.as_str()));
        let data = Data::Mail { message_id: message_id.clone(), contact_id: cause.contact_id.clone() };
        let order = cause.order_id.clone();
        let correlation = context.correlation.clone();
        let intent =
            Intent::new(intent_id.clone(), Kind::MailSend, data, Some(order.clone()), correlation.clone(), now);
        let sort = format!("{:013}#{message_id}", now.ms());
        let message = Self {
            item_type: "message".to_owned(),
            message_id,
            kind,
            channel: "email".to_owned(),
            contact_id: cause.contact_id.clone(),
            order_pk: order_partition(&order),
            order_sk: sort.clone(),
            person_pk: person_partition(cause.contact_id),
            person_sk: sort,
            order_id: order,
            amount: cause.amount,
            status: MessageStatus::Queued,
            vendor_at: None,
            version: 1,
            intent_id,
            vendor: None,
            vendor_id: None,
            opened_at: None,
            clicked_at: None,
            spam_reported_at: None,
            correlation_id: correlation,
            created_at: now,
            updated_at: now,
            expires: now.plus(KEPT_AFTER).seconds(),
        };
        (message, intent)
    }

    /// The message as the API shows it.
    pub fn view(&self) -> Value {
        let mut view = json!({
            "message_id": self.message_id,
            "channel": self.channel,
            "kind": self.kind,
            "status": self.status,
            "created_at": self.created_at.to_rfc3339(),
            "updated_at": self.updated_at.to_rfc3339(),
        });
        for (name, at) in [
            ("opened_at", self.opened_at),
            ("clicked_at", self.clicked_at),
            ("spam_reported_at", self.spam_reported_at),
        ] {
            if let Some(at) = at {
                view[name] = json!(at.to_rfc3339());
            }
        }
        view
    }

    /// What follows when somebody says this of the message.
    pub(crate) fn observe(&self, seen: &MessageSeen, context: &Context) -> Result<Plan> {
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        let at = seen.vendor_at.or(Some(context.now));
        let event = match seen.what {
            MessageNews::Status(status) => {
                let current = Said { status: self.status, vendor_at: self.vendor_at };
                if decide(current, Said { status, vendor_at: seen.vendor_at }) == Move::Advance {
                    after.status = status;
                    after.vendor_at = seen.vendor_at;
                }
                status.as_str()
            }
            MessageNews::Deferred => "deferred",
            MessageNews::Opened => {
                after.opened_at = after.opened_at.or(at);
                "opened"
            }
            MessageNews::Clicked => {
                after.clicked_at = after.clicked_at.or(at);
                "clicked"
            }
            MessageNews::SpamReported => {
                after.spam_reported_at = after.spam_reported_at.or(at);
                "spam_reported"
            }
        };
        if let (None, Some(vendor_id)) = (&self.vendor_id, &seen.vendor_id) {
            after.vendor = Some(context.source.to_owned());
            after.vendor_id = Some(vendor_id.clone());
            plan.learned = Some((context.source, vendor_id.clone()));
            let at = key(&self.message_id);
            plan.writes.push(VendorRef::naming(context.source, vendor_id, self.message_id.as_str(), at)?);
        }
        if seen.vendor_at.is_some() || after.status != self.status {
            // A row that moved nothing says so: an answer and the event of the same fact both tell of it.
            let repeats = matches!(seen.what, MessageNews::Status(_)) && after.status == self.status;
            let detail = if repeats { "already known" } else { self.kind.as_str() };
            let entry = self.entry(&format!("message.{event}"), Some(detail.to_owned()), context);
            plan.writes.push(timeline_row(&self.order_id, &entry, &context.occasion)?);
        }
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        plan.after = Some(Subject::Message { message: Box::new(after), contact: None });
        Ok(plan)
    }

    /// A timeline entry about this message.
    pub(crate) fn entry(&self, event: &str, detail: Option<String>, context: &Context) -> TimelineEntry {
        TimelineEntry {
            at: context.now,
            event: event.to_owned(),
            object: self.message_id.to_string(),
            detail,
            source: context.source.to_owned(),
        }
    }

    fn write(&self, after: &Self) -> Result<Write> {
        Write::update(key(&self.message_id))
            .set("status", &after.status)?
            .set("vendor_at", &after.vendor_at)?
            .set("vendor", &after.vendor)?
            .set("vendor_id", &after.vendor_id)?
            .set("opened_at", &after.opened_at)?
            .set("clicked_at", &after.clicked_at)?
            .set("spam_reported_at", &after.spam_reported_at)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when(&condition(Guard::ObjectVersion, "#version = :version"))
            .bind(":version", &self.version)
    }
}
