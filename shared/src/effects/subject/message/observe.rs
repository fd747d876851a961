//! How what somebody says of a message changes it, and what follows.

use std::time::Duration;

use super::{Cause, Message, key};
use crate::aws::Write;
use crate::domain::consent::{ConsentChange, Suppression};
use crate::domain::message::{Channel, MessageStatus};
use crate::domain::sms::failure;
use crate::domain::status::{Move, Said, Status as _, decide};
use crate::domain::{IntentId, Timestamp};
use crate::effects::list::intent::{Data, Intent, Kind};
use crate::effects::list::observation::{MessageFact, ObservedMessage};
use crate::effects::list::plan::{Context, Measured, Plan, Role};
use crate::effects::list::reference::VendorRef;
use crate::effects::subject::contact;
use crate::error::Result;
use crate::guard::{Guard, condition};
use crate::telemetry::metrics::Metric;

/// How long callbacks may take to say what became of an SMS before it is asked for. (Seed 000.)
const STATUS_AFTER: Duration = Duration::from_secs(3_600);

impl Message {
    /// What follows when somebody says this of the message.
    pub(crate) fn observe(&self, observed: &ObservedMessage, context: &Context) -> Result<(Plan, Self)> {
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        after.estimate = observed.estimate.or(self.estimate);
        after.error_code = observed.error_code.or(self.error_code);
        after.held_until = observed.held_until.or(self.held_until);
        let at = observed.vendor_at.or(Some(context.now));
        let event = match observed.what {
            MessageFact::Status(status) => {
                self.advance(&mut after, status, observed.vendor_at);
                status.as_str()
            }
            MessageFact::Deferred => "deferred",
            MessageFact::Opened if observed.by_machine => {
                after.machine_opened_at = after.machine_opened_at.or(at);
                "opened_by_machine"
            }
            MessageFact::Opened => {
                after.opened_at = after.opened_at.or(at);
                "opened"
            }
            MessageFact::Clicked => {
                after.clicked_at = after.clicked_at.or(at);
                "clicked"
            }
            MessageFact::SpamReported => {
                after.spam_reported_at = after.spam_reported_at.or(at);
                "spam_reported"
            }
            MessageFact::GivenUp => {
                self.advance(&mut after, MessageStatus::Failed, observed.vendor_at);
                "given_up"
            }
            MessageFact::OptedOut => {
                // Who answers STOP gets no SMS; who unsubscribes gets every mail that is no marketing.
                if self.channel == Channel::Sms {
                    self.advance(&mut after, MessageStatus::Suppressed, observed.vendor_at);
                }
                "opted_out"
            }
            MessageFact::OptedIn => "opted_in",
        };
        if after.status == MessageStatus::Delivered {
            after.error_code = None;
        }
        plan.measured = self.measured(&after, observed.error_code);
        if let (None, Some(vendor_id)) = (&self.vendor_id, &observed.vendor_id) {
            after.vendor = Some(context.source.to_owned());
            after.vendor_id = Some(vendor_id.clone());
            let at = key(&self.message_id);
            plan.writes.push(VendorRef::naming(context.source, vendor_id, self.message_id.as_str(), at)?);
            if self.channel == Channel::Sms && after.status == MessageStatus::Sent {
                let look = self.status_intent(context);
                plan.writes.push((Role::Once, Write::put_new(look.key(), &look)?));
            }
        }
        if observed.vendor_at.is_some() || after.status != self.status {
            // A row that moved nothing says so: an answer and the event of the same fact both tell of it.
            let repeats = matches!(observed.what, MessageFact::Status(_)) && after.status == self.status;
            let detail = if repeats { "already known" } else { self.kind.as_str() };
            plan.writes.push(self.row(&format!("message.{event}"), detail, context)?);
        }
        if let Some(change) = self.consent_change(observed.what) {
            let at = at.unwrap_or(context.now);
            plan.writes.extend(contact::change(&self.contact_id, change, at, context)?);
        }
        // Of one that was given up nobody knows that it did not arrive.
        let tells = matches!(observed.what, MessageFact::Status(_) | MessageFact::OptedOut);
        if tells && after.status.is_lost() {
            self.fall_back(&mut after, &mut plan, context)?;
        }
        if self.goes_again(&after, observed, context) {
            self.send_again(&mut plan, context)?;
        }
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        Ok((plan, after))
    }

    /// What is counted of this message becoming `after`: each step once.
    fn measured(&self, after: &Self, error_code: Option<u32>) -> Vec<Measured> {
        let channel = self.channel.as_str();
        let mut measured = Vec::new();
        let was_taken = |status: MessageStatus| {
            matches!(
                status,
                MessageStatus::Sent | MessageStatus::Delivered | MessageStatus::Bounced | MessageStatus::Dropped
            )
        };
        if was_taken(after.status) && !was_taken(self.status) {
            measured.push(Measured::one_of(Metric::MessagesSent, channel));
            if let Some(estimate) = after.estimate {
                #[expect(clippy::cast_precision_loss, reason = "a message costs far less than 2^52 millionths")]
                let value = estimate.micros as f64;
                measured.push(Measured { metric: Metric::MessageCostMicros, value, of: Some(channel) });
            }
        }
        if after.status != self.status {
            let reached = match after.status {
                MessageStatus::Delivered => Some(Metric::MessagesDelivered),
                MessageStatus::Bounced => Some(Metric::MessagesBounced),
                MessageStatus::Dropped => Some(Metric::MessagesDropped),
                _ => None,
            };
            measured.extend(reached.map(|metric| Measured::one_of(metric, channel)));
            measured.extend(error_code.map(|code| Measured::one_of(Metric::SmsFailed, failure::class(code))));
            if error_code.is_some_and(failure::is_ours) {
                measured.push(Measured::one(Metric::MessagesRefusedForOurFault));
            }
        }
        let firsts = [
            (Metric::MailsOpened, self.opened_at, after.opened_at),
            (Metric::MailsClicked, self.clicked_at, after.clicked_at),
            (Metric::MailsComplained, self.spam_reported_at, after.spam_reported_at),
        ];
        let news = firsts.into_iter().filter(|(_, was, is)| was.is_none() && is.is_some());
        measured.extend(news.map(|(metric, ..)| Measured::one(metric)));
        measured
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
    const fn consent_change(&self, what: MessageFact) -> Option<ConsentChange> {
        match (self.channel, what) {
            (Channel::Email, MessageFact::Status(MessageStatus::Bounced)) => {
                Some(ConsentChange::Suppressed(Suppression::Bounced))
            }
            (_, MessageFact::SpamReported) => Some(ConsentChange::Suppressed(Suppression::SpamReported)),
            (Channel::Email, MessageFact::OptedOut) => Some(ConsentChange::OptedOut),
            (Channel::Email, MessageFact::OptedIn) => Some(ConsentChange::OptedIn),
            (Channel::Sms, MessageFact::OptedOut) => Some(ConsentChange::Suppressed(Suppression::Stopped)),
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
            .set("error_code", &after.error_code)?
            .set("opened_at", &after.opened_at)?
            .set("machine_opened_at", &after.machine_opened_at)?
            .set("held_until", &after.held_until)?
            .set("clicked_at", &after.clicked_at)?
            .set("spam_reported_at", &after.spam_reported_at)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when(&condition(Guard::ObjectVersion, "#version = :version"))
            .bind(":version", &self.version)
    }
}
