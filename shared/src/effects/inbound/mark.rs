//! The mark of an event that was seen: it is applied once.

use serde::{Deserialize, Serialize};

use crate::aws::{Key, Write};
use crate::domain::{Correlation, IntentId, Timestamp};
use crate::effects::inbound::event::Event;
use crate::effects::list::intent::{KEPT_AFTER, Kind};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::plan::Role;
use crate::effects::subject::Subject;
use crate::error::Result;
use crate::gateway::Vendor;
use crate::guard::{Guard, condition};

/// An event as it is recorded: the seen mark.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    #[serde(rename = "type")]
    item_type: String,
    vendor: String,
    kind: String,
    occurred_at: Timestamp,
    received_at: Timestamp,
    /// What it is about, by the vendor's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor_id: Option<String>,
    /// Where its bytes are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archive_key: Option<String>,
    #[serde(default)]
    pub(super) follow_ups: Vec<FollowUp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_pk: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_sk: Option<String>,
    expires: i64,
}

/// An intent that follows from it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FollowUp {
    pub(super) intent_id: IntentId,
    pub(super) kind: Kind,
    pub(super) correlation_id: Correlation,
}

/// What makes applying it happen once.
pub(super) enum Once<'a> {
    /// The seen mark.
    Mark,
    /// The waiting item, deleted with it.
    Waiting(&'a Key),
}

/// The write that makes it happen once.
pub(super) fn once(
    once: &Once<'_>,
    vendor: Vendor,
    event: &Event,
    subject: Option<&Subject>,
    nudges: &[Nudge],
    now: Timestamp,
) -> Result<(Role, Write)> {
    if let Once::Waiting(key) = once {
        return Ok((Role::Fence, Write::delete((*key).clone()).when("attribute_exists(#pk)")));
    }
    let order_pk = subject.and_then(Subject::order_pk).map(str::to_owned);
    let mark = Mark {
        item_type: "event".to_owned(),
        vendor: vendor.as_str().to_owned(),
        kind: event.kind.clone(),
        occurred_at: event.occurred_at,
        received_at: now,
        vendor_id: event.vendor_id.clone(),
        archive_key: event.archive_key.clone(),
        follow_ups: nudges
            .iter()
            .map(|n| FollowUp {
                intent_id: n.intent_id.clone(),
                kind: n.kind,
                correlation_id: n.correlation_id.clone(),
            })
            .collect(),
        order_sk: order_pk.as_ref().map(|_| format!("{:013}#{}", now.ms(), event.event_id)),
        order_pk,
        expires: now.plus(KEPT_AFTER).seconds(),
    };
    let key = Key::new(format!("EVENT#{}#{}", vendor.as_str(), event.event_id), "EVENT");
    let mark = Write::put(key, &mark)?.when(&condition(Guard::SeenMark, "attribute_not_exists(#pk)"));
    Ok((Role::Seen, mark))
}
