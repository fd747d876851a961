//! The message as an item: what is known of it, and how what somebody says changes it.

mod again;
mod observe;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::message::{Channel, Content, Estimate, MessageKind, MessageStatus};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{CampaignId, ContactId, Correlation, IntentId, MessageId, OrderId, Timestamp};
use crate::effects::list::intent::{Data, Intent, Kind, campaign_partition, order_partition, person_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{MessageFact, Observation, ObservedMessage};
use crate::effects::list::outcome::Verdict;
use crate::effects::list::plan::{Context, Plan, Role, timeline_row_in};
use crate::effects::list::reason::Reason;
use crate::error::Result;

/// How long a message's content is kept.
const KEPT_AFTER: Duration = Duration::from_secs(35 * 24 * 3_600);
/// The same for a code: nobody has a use for it, and for its status only while somebody asks for another.
const CODE_KEPT_AFTER: Duration = Duration::from_secs(24 * 3_600);

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
    /// The way that it takes.
    pub channel: Channel,
    /// To whom.
    pub contact_id: ContactId,
    /// About which order, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// What it tells.
    pub content: Content,
    /// Where it stands.
    pub status: MessageStatus,
    /// The provider's time of the status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_at: Option<Timestamp>,
    /// Grows with each change.
    pub version: u64,
    /// The intent that sends it.
    pub intent_id: IntentId,
    /// Who gets a mail of the same meaning when this SMS does not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead: Option<ContactId>,
    /// The message in whose place it goes by the other provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_of: Option<MessageId>,
    /// Until when the provider holds it, where it was told to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
    /// The provider's code of why it did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<u32>,
    /// What it is estimated to cost; known to those who know its text and where it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// When it is to be sent, if not at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<Timestamp>,
    /// Hash of the request that asked for it; none for what follows from a status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_hash: Option<String>,
    /// The provider, once it has the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The provider's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// When it was first opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When a program first opened it ahead of its reader, which says nothing of the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_opened_at: Option<Timestamp>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_pk: Option<String>,
    /// Index by order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_sk: Option<String>,
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
    pub(crate) order_id: Option<&'a OrderId>,
    /// Who is written to.
    pub(crate) contact_id: &'a ContactId,
    /// Who gets a mail of the same meaning when an SMS does not arrive.
    pub(crate) instead: Option<&'a ContactId>,
}

/// A message to be.
pub(crate) struct Draft {
    pub(crate) message_id: MessageId,
    pub(crate) intent_id: IntentId,
    pub(crate) contact_id: ContactId,
    pub(crate) content: Content,
    pub(crate) order_id: Option<OrderId>,
    pub(crate) instead: Option<ContactId>,
    pub(crate) estimate: Option<Estimate>,
    pub(crate) send_at: Option<Timestamp>,
    pub(crate) request_hash: Option<String>,
}

/// Where a message lives.
pub fn key(id: &MessageId) -> Key {
    Key::new(format!("MESSAGE#{id}"), "MESSAGE")
}

const fn kept_after(kind: MessageKind) -> Duration {
    match kind {
        MessageKind::TwoFactorCode => CODE_KEPT_AFTER,
        _ => KEPT_AFTER,
    }
}

impl Message {
    /// Adds the message that an object's reaching a status causes, and the intent that sends it.
    pub(crate) fn plan(plan: &mut Plan, cause: &Cause<'_>, content: Content, context: &Context) -> Result<()> {
        let kind = content.kind();
        let draft = Draft {
            message_id: MessageId::for_status(cause.object, cause.reached, kind.as_str()),
            intent_id: IntentId::of(
                Kind::of_message(content.channel(), kind).as_str(),
                cause.object,
                &format!("{}/{}", cause.reached, kind.as_str()),
            ),
            contact_id: cause.contact_id.clone(),
            order_id: cause.order_id.cloned(),
            content,
            instead: cause.instead.cloned(),
            estimate: None,
            send_at: None,
            request_hash: None,
        };
        let (message, intent) = Self::of(draft, context);
        plan.writes.push(message.queued_row(context)?);
        plan.writes.push((Role::Once, Write::put_new(key(&message.message_id), &message)?));
        plan.writes.push((Role::Once, Write::put_new(intent.key(), &intent)?));
        plan.nudges.push(Nudge::of(&intent));
        Ok(())
    }

    /// The message of a draft, and the intent that sends it.
    pub(crate) fn of(draft: Draft, context: &Context) -> (Self, Intent) {
        let now = context.now;
        let (channel, kind) = (draft.content.channel(), draft.content.kind());
        let data = Data::Message { message_id: draft.message_id.clone(), contact_id: draft.contact_id.clone() };
        let correlation = context.correlation.clone();
        let mut intent = Intent::new(
            draft.intent_id.clone(),
            Kind::of_message(channel, kind),
            data,
            draft.order_id.clone(),
            correlation.clone(),
            now,
        );
        let begins = draft.send_at.unwrap_or(now).max(now);
        intent.due = begins;
        intent.give_up_at = begins.plus(intent.kind.budget());
        let sort = format!("{:013}#{}", now.ms(), draft.message_id);
        // Messages of a campaign stand in the index where others have their order.
        let order_pk = match &draft.content {
            Content::OfCampaign { campaign_id } => Some(campaign_partition(campaign_id)),
            _ => draft.order_id.as_ref().map(order_partition),
        };
        let message = Self {
            item_type: "message".to_owned(),
            message_id: draft.message_id,
            kind,
            channel,
            person_pk: person_partition(&draft.contact_id),
            person_sk: sort.clone(),
            contact_id: draft.contact_id,
            order_sk: order_pk.as_ref().map(|_| sort),
            order_pk,
            order_id: draft.order_id,
            content: draft.content,
            status: MessageStatus::Queued,
            vendor_at: None,
            version: 1,
            intent_id: draft.intent_id,
            instead: draft.instead,
            again_of: None,
            held_until: None,
            error_code: None,
            estimate: draft.estimate,
            send_at: draft.send_at,
            request_hash: draft.request_hash,
            vendor: None,
            vendor_id: None,
            opened_at: None,
            machine_opened_at: None,
            clicked_at: None,
            spam_reported_at: None,
            correlation_id: correlation,
            created_at: now,
            updated_at: now,
            expires: begins.plus(kept_after(kind)).seconds(),
        };
        (message, intent)
    }

    /// The timeline's row of its being queued.
    pub(crate) fn queued_row(&self, context: &Context) -> Result<(Role, Write)> {
        self.row("message.queued", self.kind.as_str(), context)
    }

    /// A row of the order's timeline, or of the message's own when it is about no order.
    fn row(&self, event: &str, detail: &str, context: &Context) -> Result<(Role, Write)> {
        let entry = TimelineEntry {
            at: context.now,
            event: event.to_owned(),
            object: self.message_id.to_string(),
            detail: Some(detail.to_owned()),
            source: context.source.to_owned(),
            asked_by: context.asked_by.clone(),
        };
        let partition = self.order_pk.clone().unwrap_or_else(|| key(&self.message_id).pk);
        timeline_row_in(partition, &entry, &context.occasion)
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
            ("machine_opened_at", self.machine_opened_at),
            ("clicked_at", self.clicked_at),
            ("spam_reported_at", self.spam_reported_at),
            ("send_at", self.send_at),
        ] {
            if let Some(at) = at {
                view[name] = json!(at.to_rfc3339());
            }
        }
        if let Content::OfCampaign { campaign_id } = &self.content {
            view["campaign_id"] = json!(campaign_id);
        }
        if let Some(before) = &self.again_of {
            view["again_of"] = json!(before);
        }
        if let Some(code) = self.error_code {
            view["error_code"] = json!(code);
        }
        if let Some(order) = &self.order_id {
            view["order_id"] = json!(order);
        }
        if let Some(Estimate { segments, micros }) = self.estimate {
            view["cost_estimate"] = json!({ "micros": micros, "currency": "USD" });
            if let Some(segments) = segments {
                view["segments"] = json!(segments);
            }
        }
        view
    }

    /// The campaign that it is part of, if it is part of one.
    pub(crate) const fn campaign(&self) -> Option<&CampaignId> {
        match &self.content {
            Content::OfCampaign { campaign_id } => Some(campaign_id),
            _ => None,
        }
    }

    /// What a verdict says of a message where the provider has said nothing of it.
    pub(crate) fn statement(kind: Kind, verdict: &Verdict) -> Option<Observation> {
        if !kind.is_message() {
            return None;
        }
        let what = match verdict {
            Verdict::Refused { reason: Reason::Suppressed } => MessageFact::Status(MessageStatus::Suppressed),
            Verdict::Refused { reason: Reason::Canceled } => MessageFact::Status(MessageStatus::Canceled),
            Verdict::Refused { reason: Reason::OptedOut } => MessageFact::OptedOut,
            Verdict::Refused { .. } => MessageFact::Status(MessageStatus::Failed),
            Verdict::GivenUp { .. } => MessageFact::GivenUp,
            _ => return None,
        };
        Some(Observation::Message(ObservedMessage::of(what)))
    }

    /// Whether an offer or a code of an hour ago was sent is nothing that a person has to find out.
    pub(crate) fn meaning(&self, verdict: &Verdict) -> Option<Verdict> {
        match verdict {
            Verdict::GivenUp { reason } if self.kind.is_perishable() => {
                Some(Verdict::Refused { reason: reason.clone() })
            }
            _ => None,
        }
    }

    /// An SMS that certainly was not sent, and that a mail can replace, is no case for a person.
    pub(crate) fn given_up(&self, reason: Reason) -> Option<Verdict> {
        self.instead.as_ref().map(|_| Verdict::Refused { reason })
    }

    /// "It exists, under this id".
    pub(crate) fn named(vendor_id: &str) -> Observation {
        let vendor_id = Some(vendor_id.to_owned());
        Observation::Message(ObservedMessage { vendor_id, ..ObservedMessage::ours(MessageStatus::Sent) })
    }
}
