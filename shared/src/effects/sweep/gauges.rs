//! What is so at this minute, as metrics: how the vendors stand, how old the oldest work is, what waits for a person, and how much
//! of the quotas was used.

use std::time::Duration;

use crate::aws::table::Index;
use crate::domain::Timestamp;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Kind, MANUAL_PARTITION};
use crate::gateway::{Vendor, quotas_used};
use crate::telemetry::metrics::{Metric, together, together_of};

/// Rows of what waits for a person that are counted: who has more has other worries than the exact number.
const WAITING_MAX: i32 = 500;

/// What a tick knows of this minute.
pub(super) struct Minute {
    pub(super) now: Timestamp,
    /// Vendors, and whether calls to them are held back.
    pub(super) vendors: Vec<(Vendor, bool)>,
    /// Queues, and for how long the oldest of their work has been due.
    pub(super) queues: Vec<(&'static str, Duration)>,
}

impl WorkList {
    /// Writes it. What cannot be read is left out: the alarms on it take missing data as they are told to.
    pub(super) async fn gauges(&self, minute: &Minute) {
        let now = minute.now;
        for (vendor, is_shut) in &minute.vendors {
            Metric::VendorShut.record(now, f64::from(*is_shut), &[vendor.as_str()]);
        }
        for (queue, oldest) in &minute.queues {
            Metric::OldestDueSeconds.record(now, oldest.as_secs_f64(), &[queue]);
        }
        zeros(now);
        futures_util::future::join(self.count_waiting(now), self.measure_quotas(now)).await;
    }

    async fn count_waiting(&self, now: Timestamp) {
        let Ok(rows) = self.table.query_index(Index::ByDue, MANUAL_PARTITION, WAITING_MAX).await else { return };
        let subject = |kind: Option<&str>| {
            Kind::ALL.into_iter().find(|known| Some(known.as_str()) == kind).map_or("other", Kind::subject)
        };
        let subjects: Vec<&str> = rows.iter().map(|row| subject(row.text("kind"))).collect();
        let count = |wanted: &dyn Fn(&str) -> bool| {
            u32::try_from(subjects.iter().filter(|subject| wanted(subject)).count()).unwrap_or(u32::MAX).into()
        };
        for subject in ["payment", "refund", "shipment", "other"] {
            Metric::WaitingForAPerson.record(now, count(&|it| it == subject), &[subject]);
        }
        Metric::UrgentWaitingForAPerson.record(now, count(&|it| it != "other"), &[]);
    }

    async fn measure_quotas(&self, now: Timestamp) {
        let Ok(used) = quotas_used(&self.table, now).await else { return };
        for (vendor, percent) in used {
            Metric::QuotaUsedPercent.record(now, percent, &[vendor.as_str()]);
        }
    }
}

/// Nothing is a value, too, where an alarm divides by it or compares with it: an expression of CloudWatch's has none where one of its
/// metrics has none, and nobody says that `FILL` helps a series that was never written.
fn zeros(now: Timestamp) {
    let of_all = [
        Metric::PaymentsSucceeded,
        Metric::PaymentsDeclined,
        Metric::PaymentsFailed,
        Metric::Handled,
        Metric::Failures,
        Metric::RequestsAnswered,
        Metric::RequestsSlow,
        Metric::MailsComplained,
    ];
    together(now, &of_all.map(|metric| (metric, 0.0)));
    let of_channels =
        [Metric::MessagesDelivered, Metric::MessagesBounced, Metric::MessagesDropped, Metric::MessageCostMicros];
    for channel in ["email", "sms"] {
        together_of(now, &of_channels.map(|metric| (metric, 0.0)), &[channel]);
    }
    let of_senders = [Metric::WebhooksReceived, Metric::WebhooksRefused];
    for sender in Metric::WebhooksReceived.spec().dimensions[0].values {
        together_of(now, &of_senders.map(|metric| (metric, 0.0)), &[sender]);
    }
}
