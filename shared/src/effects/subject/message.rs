//! The message as an item: what is known of it, and how what somebody says changes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::consent::{ConsentChange, Suppression};
use crate::domain::message::{Channel, Content, Estimate, MessageKind, MessageStatus};
use crate::domain::status::{Move, Said, Status as _, decide};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{CampaignId, ContactId, Correlation, IntentId, MessageId, OrderId, Timestamp};
use crate::effects::list::intent::{Data, Intent, Kind, campaign_partition, order_partition, person_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{MessageNews, MessageSeen, Observation};
use crate::effects::list::outcome::{CALLED_OFF, OPTED_OUT, SUPPRESSED, Verdict};
use crate::effects::list::plan::{Context, Plan, Role, timeline_row_in};
use crate::effects::list::reference::VendorRef;
use crate::effects::subject::contact;
use crate::error::Result;
use crate::guard::{Guard, condition};

/// How long a message's content is kept.
const KEPT_AFTER: Duration = Duration::from_secs(35 * 24 * 3_600);
/// The same for a code: nobody has a use for it, and for its status only while somebody asks for another.
const CODE_KEPT_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// How long callbacks may take to say what became of an SMS before it is asked for. (Seed 000.)
const STATUS_AFTER: Duration = Duration::from_secs(3_600);

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
            estimate: draft.estimate,
            send_at: draft.send_at,
            request_hash: draft.request_hash,
            vendor: None,
            vendor_id: None,
            opened_at: None,
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

    /// What follows when somebody says this of the message.
    pub(crate) fn observe(&self, seen: &MessageSeen, context: &Context) -> Result<(Plan, Self)> {
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        after.estimate = seen.estimate.or(self.estimate);
        let at = seen.vendor_at.or(Some(context.now));
        let event = match seen.what {
            MessageNews::Status(status) => {
                self.advance(&mut after, status, seen.vendor_at);
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
            MessageNews::GivenUp => {
                self.advance(&mut after, MessageStatus::Failed, seen.vendor_at);
                "given_up"
            }
            MessageNews::OptedOut => {
                // Who answers STOP gets no SMS; who unsubscribes gets every mail that is no marketing.
                if self.channel == Channel::Sms {
                    self.advance(&mut after, MessageStatus::Suppressed, seen.vendor_at);
                }
                "opted_out"
            }
            MessageNews::OptedIn => "opted_in",
        };
        if let (None, Some(vendor_id)) = (&self.vendor_id, &seen.vendor_id) {
            after.vendor = Some(context.source.to_owned());
            after.vendor_id = Some(vendor_id.clone());
            plan.learned = Some((context.source, vendor_id.clone()));
            let at = key(&self.message_id);
            plan.writes.push(VendorRef::naming(context.source, vendor_id, self.message_id.as_str(), at)?);
            if self.channel == Channel::Sms && after.status == MessageStatus::Sent {
                let look = self.status_intent(context);
                plan.writes.push((Role::Once, Write::put_new(look.key(), &look)?));
            }
        }
        if seen.vendor_at.is_some() || after.status != self.status {
            // A row that moved nothing says so: an answer and the event of the same fact both tell of it.
            let repeats = matches!(seen.what, MessageNews::Status(_)) && after.status == self.status;
            let detail = if repeats { "already known" } else { self.kind.as_str() };
            plan.writes.push(self.row(&format!("message.{event}"), detail, context)?);
        }
        if let Some(change) = self.consent_change(seen.what) {
            let at = at.unwrap_or(context.now);
            plan.writes.extend(contact::change(&self.contact_id, change, at, context)?);
        }
        // Of one that was given up nobody knows that it did not arrive.
        let tells = matches!(seen.what, MessageNews::Status(_) | MessageNews::OptedOut);
        if tells && after.status.is_lost() {
            self.fall_back(&mut after, &mut plan, context)?;
        }
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        Ok((plan, after))
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
            Verdict::Refused { code: SUPPRESSED } => MessageNews::Status(MessageStatus::Suppressed),
            Verdict::Refused { code: CALLED_OFF } => MessageNews::Status(MessageStatus::Canceled),
            Verdict::Refused { code: OPTED_OUT } => MessageNews::OptedOut,
            Verdict::Refused { .. } => MessageNews::Status(MessageStatus::Failed),
            Verdict::GivenUp { .. } => MessageNews::GivenUp,
            _ => return None,
        };
        Some(Observation::Message(MessageSeen { what, vendor_at: None, vendor_id: None, estimate: None }))
    }

    /// Whether an offer or a code of an hour ago was sent is nothing that a person has to find out.
    pub(crate) const fn meaning(&self, verdict: &Verdict) -> Option<Verdict> {
        match verdict {
            Verdict::GivenUp { code } if self.kind.is_perishable() => Some(Verdict::Refused { code }),
            _ => None,
        }
    }

    /// An SMS that certainly was not sent, and that a mail can replace, is no case for a person.
    pub(crate) fn given_up(&self, code: &'static str) -> Option<Verdict> {
        self.instead.as_ref().map(|_| Verdict::Refused { code })
    }

    /// "It exists, under this id".
    pub(crate) fn named(vendor_id: &str) -> Observation {
        let vendor_id = Some(vendor_id.to_owned());
        Observation::Message(MessageSeen { vendor_id, ..MessageSeen::ours(MessageStatus::Sent) })
    }

    /// The intent that asks how this SMS stands, should its callbacks have said nothing final by then. Nobody nudges it:
    /// the sweeper finds it when it is due.
    fn status_intent(&self, context: &Context) -> Intent {
        let id = IntentId::of(Kind::SmsStatus.as_str(), self.message_id.as_str(), "");
        let data = Data::Message { message_id: self.message_id.clone(), contact_id: self.contact_id.clone() };
        let (order, correlation) = (self.order_id.clone(), context.correlation.clone());
        let intent = Intent::new(id, Kind::SmsStatus, data, order, correlation, context.now);
        Intent { due: context.now.plus(STATUS_AFTER), ..intent }
    }

    /// Once a provider has said something, a message only goes on: a "sent" that comes after "failed" is old news,
    /// whatever time it bears. (Callbacks of one message overtake each other, and not all bear a time.)
    fn advance(&self, after: &mut Self, status: MessageStatus, vendor_at: Option<Timestamp>) {
        let goes_back = self.vendor_at.is_some() && status.rank() < self.status.rank();
        let current = Said { status: self.status, vendor_at: self.vendor_at };
        if !goes_back && decide(current, Said { status, vendor_at }) == Move::Advance {
            after.status = status;
            after.vendor_at = vendor_at;
        }
    }

    /// An SMS that will not arrive becomes a mail, when somebody's address is known and there is a mail that says the
    /// same.
    fn fall_back(&self, after: &mut Self, plan: &mut Plan, context: &Context) -> Result<()> {
        let (Some(contact_id), Some(mail)) = (&self.instead, self.content.as_mail()) else { return Ok(()) };
        after.status = MessageStatus::FellBack;
        let cause = Cause {
            object: self.message_id.as_str(),
            reached: MessageStatus::FellBack.as_str(),
            order_id: self.order_id.as_ref(),
            contact_id,
            instead: None,
        };
        Self::plan(plan, &cause, mail, context)
    }

    /// What the news of a message say of its recipient's wishes.
    const fn consent_change(&self, what: MessageNews) -> Option<ConsentChange> {
        match (self.channel, what) {
            (Channel::Email, MessageNews::Status(MessageStatus::Bounced)) => {
                Some(ConsentChange::Suppressed(Suppression::Bounced))
            }
            (_, MessageNews::SpamReported) => Some(ConsentChange::Suppressed(Suppression::SpamReported)),
            (Channel::Email, MessageNews::OptedOut) => Some(ConsentChange::OptedOut),
            (Channel::Email, MessageNews::OptedIn) => Some(ConsentChange::OptedIn),
            (Channel::Sms, MessageNews::OptedOut) => Some(ConsentChange::Suppressed(Suppression::Stopped)),
            _ => None,
        }
    }

    fn write(&self, after: &Self) -> Result<Write> {
        Write::update(key(&self.message_id))
            .set("status", &after.status)?
            .set("vendor_at", &after.vendor_at)?
            .set("vendor", &after.vendor)?
            .set("vendor_id", &after.vendor_id)?
            .set("estimate", &after.estimate)?
            .set("opened_at", &after.opened_at)?
            .set("clicked_at", &after.clicked_at)?
            .set("spam_reported_at", &after.spam_reported_at)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when(&condition(Guard::ObjectVersion, "#version = :version"))
            .bind(":version", &self.version)
    }
}
