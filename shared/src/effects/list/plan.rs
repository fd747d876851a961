//! What somebody's word comes to, before it is written: the writes, what each is for, and what follows from them.

use std::time::Duration;

use crate::aws::{Key, Write};
use crate::domain::shipping::Carrier;
use crate::domain::timeline::TimelineEntry;
use crate::domain::{Correlation, OrderId, PaymentId, Private, Timestamp, id};
use crate::effects::list::intent::order_partition;
use crate::effects::list::nudge::Nudge;
use crate::error::Result;
use crate::telemetry::metrics::Metric;

/// Who says it, when, and because of what.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says another thing of the occasion; most occasions say none")]
pub struct Context {
    /// When we learned of it.
    pub now: Timestamp,
    /// Ties together what one request caused.
    pub correlation: Correlation,
    /// A vendor's name, or `crossdock`.
    pub source: &'static str,
    /// Makes the timeline row's key unique: an event id, or intent and epoch.
    pub occasion: String,
    /// It settles a confirm of a payment, so that the next confirm is another intent.
    pub settles_confirm: bool,
    /// It comes from a cancel of a payment, which goes on or is over: no other one follows from it.
    pub is_cancel: bool,
    /// A person has decided that what was to be canceled is not: it is as if nobody had asked.
    pub gives_cancel_up: bool,
    /// Whoever asks for the cancel waits for what this comes to, and is told.
    pub asker_hears: bool,
    /// A mail that its provider could not bring may go by another one.
    pub other_mailer: bool,
    /// Who asks for it: the ARN of an API's caller, or a command's sender.
    pub asked_by: Option<Private<String>>,
}

impl Context {
    /// What a caller of ours asks for.
    pub(crate) fn ours(now: Timestamp, correlation: &Correlation, occasion: String) -> Self {
        Self {
            now,
            correlation: correlation.clone(),
            source: "crossdock",
            occasion,
            settles_confirm: false,
            is_cancel: false,
            gives_cancel_up: false,
            asker_hears: false,
            other_mailer: false,
            asked_by: None,
        }
    }

    /// The same, asked for by this caller.
    pub(crate) fn asked_by(self, caller: Option<&Private<String>>) -> Self {
        Self { asked_by: caller.cloned(), ..self }
    }
}

/// What a write is for, which decides what its failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The claim's fence: lost means that the claim is no longer ours.
    Fence,
    /// An event's seen mark: lost means that it was applied before.
    Seen,
    /// The object's new state: lost means that somebody else changed it.
    Object,
    /// A vendor's id of ours: lost means that it belongs to something.
    Ref,
    /// A row, message or intent that may be there already.
    Once,
    /// What is written of another object with it: lost means that somebody else changed that.
    Beside,
    /// An addition to another item, or a renewal of one: whatever that item is, it fits, but for a refund of more than is left.
    Sum,
}

/// What is to be written when something is said of an object, and what follows once it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<(Role, Write)>,
    pub(crate) nudges: Vec<Nudge>,
    /// Vendor ids are learned for which events may be waiting: of payments, for which refunds wait, too, and of parcels, whose
    /// events bear no mark of ours. What is told of a message bears its intent's; the one that lost it is in the due index.
    /// One but for a shipment of several parcels.
    pub(crate) learned: Vec<(&'static str, String)>,
    /// A scan moves a shipment's status: whose, and how long after it we know.
    pub(crate) scan_known_after: Option<(Carrier, Duration)>,
    /// What is counted once it is written.
    pub(crate) measured: Vec<Measured>,
    /// Money was taken of which we thought that it would not be: what else was begun of the order is called off.
    pub(crate) charged_unexpectedly: Option<Charged>,
    /// More of a payment has gone back than was left of it: says who, and of which.
    pub(crate) refunded_beyond: Option<(&'static str, PaymentId)>,
    /// Who says it, and why it is not believed: then the plan writes down that it was said, and moves nothing.
    pub(crate) doubt: Option<(&'static str, &'static str)>,
}

/// A value of a metric that has one dimension at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) metric: Metric,
    pub(crate) value: f64,
    /// The value of its dimension.
    pub(crate) of: Option<&'static str>,
}

impl Measured {
    /// One occurrence.
    pub(crate) const fn one(metric: Metric) -> Self {
        Self { metric, value: 1.0, of: None }
    }

    /// One occurrence of this.
    pub(crate) const fn one_of(metric: Metric, of: &'static str) -> Self {
        Self { metric, value: 1.0, of: Some(of) }
    }

    pub(crate) fn write(&self, now: Timestamp) {
        self.metric.record(now, self.value, self.of.as_slice());
    }
}

/// A payment that was charged.
#[derive(Clone, Debug)]
pub(crate) struct Charged {
    pub(crate) payment_id: PaymentId,
    /// By whom.
    pub(crate) vendor: &'static str,
    pub(crate) order_id: OrderId,
    /// The order's n-th payment.
    pub(crate) ordinal: u32,
}

/// A timeline row. Its key holds time and occasion, so the same occasion never makes two rows. Of rows of the same
/// millisecond those about messages come last: what follows from a payment or refund is read after it.
pub(crate) fn timeline_row(order: &OrderId, entry: &TimelineEntry, occasion: &str) -> Result<(Role, Write)> {
    timeline_row_in(order_partition(order), entry, occasion)
}

/// The same in the partition of something that belongs to no order.
pub(crate) fn timeline_row_in(partition: String, entry: &TimelineEntry, occasion: &str) -> Result<(Role, Write)> {
    let at = entry.at.ms();
    let id = id::digest(&[occasion, &entry.event, &entry.object]);
    let key = Key::new(partition, format!("T#{at:013}#{}{id}", u8::from(entry.object.starts_with("msg_"))));
    Ok((Role::Once, Write::put_new(key, entry)?))
}
