//! An intent: what someone wants done once.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aws::Key;
use crate::domain::{CampaignId, ContactId, Correlation, IntentId, OrderId, Private, StackId, Timestamp, id};
pub use crate::effects::list::kind::{Data, Kind, PaymentAct, VendorRequest};
use crate::effects::list::reason::Reason;
use crate::guard::{Guard, holds};

/// How long a final intent is kept: covers Stripe's 3 days of redeliveries, replays of the archive, and the 30 days
/// in which most disputes come.
pub const KEPT_AFTER: Duration = Duration::from_secs(35 * 24 * 3_600);

/// How each of our idempotency keys begins.
pub const VENDOR_KEY_PREFIX: &str = "crossdock-";

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// To be done at `due`.
    Ready,
    /// Somebody has it and may have called.
    Calling,
    /// It may have happened; to be resolved at `due`.
    Unknown,
    /// Somebody is asking the vendor.
    Resolving,
    /// It happened. Final.
    Done,
    /// The vendor's final no, or canceled before it was ever called. Final.
    Refused,
    /// A person has to look.
    Manual,
}

impl Phase {
    /// The name in items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Calling => "CALLING",
            Self::Unknown => "UNKNOWN",
            Self::Resolving => "RESOLVING",
            Self::Done => "DONE",
            Self::Refused => "REFUSED",
            Self::Manual => "MANUAL",
        }
    }

    /// Whether it has left the due index.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::Refused | Self::Manual)
    }
}

/// An intent, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// Hash of kind, object and discriminator.
    pub intent_id: IntentId,
    /// What kind of thing.
    pub kind: Kind,
    /// What exactly.
    pub data: Data,
    /// Where it stands.
    pub phase: Phase,
    /// When somebody should look at it (also under a lease: when the lease is over).
    pub due: Timestamp,
    /// Present while it is in the due index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_pk: Option<String>,
    /// Who claimed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Grows at each claim; a settle must know the current one (fencing).
    #[serde(default)]
    pub epoch: u64,
    /// Until when the last claim holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// Claims since the last settle; a poison intent must not live for ever.
    #[serde(default)]
    pub claims: u32,
    /// Calls that the vendor answered without doing it.
    #[serde(default)]
    pub attempt: u32,
    /// When it was first claimed for a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_called_at: Option<Timestamp>,
    /// A call was turned away with an answer that proves nothing: it probably did nothing. It may be sent again as it is; that
    /// nothing happened is not concluded from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_doubt: bool,
    /// The claim that ended with the proof that nothing was done so far. Where another one came since, and nobody wrote a proof
    /// of its own, as older versions do not, what that one called may have been done: [`Self::was_certainly_not_called`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone_epoch: Option<u64>,
    /// Until when the last call may have been running: "did not happen" is not concluded before a while after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub called_until: Option<Timestamp>,
    /// Grows only when it is certain that the request so far did not happen and the next must count as another.
    #[serde(default)]
    pub generation: u32,
    /// How many of those requests the vendor had turned away, as far as it said so and nothing spoke against it. They were not
    /// lost on the way, and do not count where so many may be.
    #[serde(default)]
    pub turned_away: u32,
    /// Set when repeating the request cannot tell what happened (a stored 500), so that the vendor's list must.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ask_the_list: bool,
    /// The vendor's id of what it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// Why it was refused, or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Reason>,
    /// A message asked for it, and nobody waits for its answer: if the vendor refuses it, a person has to hear of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_command: bool,
    /// Who asked for it: the ARN of an API's caller, or a command's sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_by: Option<Private<String>>,
    /// After this a person has to look.
    pub give_up_at: Timestamp,
    /// The order it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Ties together what one request caused.
    pub correlation_id: Correlation,
    /// When it came into the list.
    pub created_at: Timestamp,
    /// Index by order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_pk: Option<String>,
    /// Index by order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_sk: Option<String>,
    /// Index by person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_pk: Option<String>,
    /// Index by person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_sk: Option<String>,
    /// TTL, in seconds; only once it is final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
}

impl Intent {
    /// A new intent, READY at once.
    pub fn new(
        intent_id: IntentId,
        kind: Kind,
        data: Data,
        order_id: Option<OrderId>,
        correlation_id: Correlation,
        now: Timestamp,
    ) -> Self {
        let order_pk = order_id.as_ref().map(order_partition);
        let order_sk = order_id.as_ref().map(|_| format!("{:013}#{intent_id}", now.ms()));
        let person = data.person().cloned();
        Self {
            item_type: "intent".to_owned(),
            due_pk: Some(due_partition(intent_id.due_shard())),
            person_pk: person.as_ref().map(person_partition),
            person_sk: person.as_ref().map(|_| format!("{:013}#{intent_id}", now.ms())),
            intent_id,
            kind,
            data,
            phase: Phase::Ready,
            due: now,
            owner: None,
            epoch: 0,
            lease_until: None,
            claims: 0,
            attempt: 0,
            first_called_at: None,
            in_doubt: false,
            undone_epoch: None,
            called_until: None,
            generation: 0,
            turned_away: 0,
            ask_the_list: false,
            vendor_id: None,
            refusal: None,
            by_command: false,
            asked_by: None,
            give_up_at: now.plus(kind.budget()),
            order_id,
            correlation_id,
            created_at: now,
            order_pk,
            order_sk,
            expires: None,
        }
    }

    /// Where this intent lives.
    pub fn key(&self) -> Key {
        key(&self.intent_id)
    }

    /// Whether it was never called, or every call until this claim is known to have done nothing. It is for whoever finds it READY
    /// to ask: a call that runs is neither.
    pub(crate) fn was_certainly_not_called(&self, claim: u64) -> bool {
        !self.in_doubt && (self.first_called_at.is_none() || self.undone_epoch == Some(claim))
    }

    /// Whether the vendor refused what a message had asked for. What was canceled here was not refused.
    pub fn is_refused_command(&self) -> bool {
        self.by_command && self.phase == Phase::Refused && self.refusal != Some(Reason::Canceled)
    }

    /// The idempotency key at the vendor: of stack, intent and generation, so the same for every repeat.
    pub fn vendor_key(&self, stack: &StackId) -> String {
        let mut generation = self.generation.to_string();
        if !holds(Guard::VendorKey) {
            generation = format!("{generation}/{}/{}", self.epoch, self.attempt);
        }
        format!("{VENDOR_KEY_PREFIX}{}", id::digest(&[stack.as_str(), self.intent_id.as_str(), &generation]))
    }
}

/// Where an intent lives.
pub fn key(id: &IntentId) -> Key {
    Key::new(format!("INTENT#{id}"), "INTENT")
}

/// The partition of one due shard.
pub fn due_partition(shard: u8) -> String {
    format!("DUE#{shard}")
}

/// The partition of the due index in which intents wait for a person: no sweeper looks there, and nobody has to scan the
/// table to find them.
pub const MANUAL_PARTITION: &str = "DUE#MANUAL";

/// The partition of one order's timeline, and of its objects in the index by order.
pub fn order_partition(order: &OrderId) -> String {
    format!("ORDER#{order}")
}

/// The partition of one person in the index by person.
pub fn person_partition(contact: &ContactId) -> String {
    format!("PERSON#{contact}")
}

/// The partition of a campaign, and of its messages in the index by order.
pub(crate) fn campaign_partition(id: &CampaignId) -> String {
    format!("CAMPAIGN#{id}")
}
