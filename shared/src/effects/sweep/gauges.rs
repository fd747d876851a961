//! What is so at this minute, as metrics: how the vendors stand, how old the oldest work is, what waits for a person, and how much
//! of the quotas was used.

use super::{Row, VendorStates};
use crate::aws::table::Index;
use crate::domain::Timestamp;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Kind, MANUAL_PARTITION};
use crate::effects::list::queue::Queue;
use crate::gateway::breaker::{Standing, Switch};
use crate::gateway::{OperationClass, Vendor, quotas_used};
use crate::telemetry::metrics::{Metric, together, together_of};

/// Rows of what waits for a person that are counted: who has more has other worries than the exact number.
const WAITING_MAX: i32 = 500;

impl WorkList {
    /// Writes them. What cannot be read is left out: the alarms on it take missing data as they are told to.
    pub(super) async fn gauges(&self, vendors: &VendorStates, rows: &[Row]) {
        let now = vendors.now;
        for vendor in Vendor::ALL {
            Metric::VendorShut.record(now, f64::from(vendors.is_shut(vendor)), &[vendor.as_str()]);
        }
        zeros(now);
        let mut told = Vec::new();
        for queue in Queue::ALL {
            let name = queue.as_str();
            if told.contains(&name) {
                continue;
            }
            told.push(name);
            let of_it = rows.iter().filter(|row| row.kind().queue().as_str() == name);
            let oldest = of_it.map(|row| now.since(row.due)).max().unwrap_or_default();
            Metric::OldestDueSeconds.record(now, oldest.as_secs_f64(), &[name]);
        }
        futures_util::future::join(self.count_waiting(vendors), self.measure_quotas(vendors)).await;
    }

    async fn count_waiting(&self, vendors: &VendorStates) {
        let Ok(rows) = self.table.query_index(Index::ByDue, MANUAL_PARTITION, WAITING_MAX).await else { return };
        let subject = |kind: Option<&str>| {
            Kind::ALL.into_iter().find(|known| Some(known.as_str()) == kind).map_or("other", Kind::subject)
        };
        let subjects: Vec<&str> = rows.iter().map(|row| subject(row.text("kind"))).collect();
        let count = |wanted: &dyn Fn(&str) -> bool| {
            u32::try_from(subjects.iter().filter(|subject| wanted(subject)).count()).unwrap_or(u32::MAX).into()
        };
        for subject in ["payment", "refund", "shipment", "other"] {
            Metric::WaitingForAPerson.record(vendors.now, count(&|it| it == subject), &[subject]);
        }
        Metric::UrgentWaitingForAPerson.record(vendors.now, count(&|it| it != "other"), &[]);
    }

    async fn measure_quotas(&self, vendors: &VendorStates) {
        let Ok(used) = quotas_used(&self.table, vendors.now).await else { return };
        for (vendor, percent) in used {
            Metric::QuotaUsedPercent.record(vendors.now, percent, &[vendor.as_str()]);
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
    let of_channels = [Metric::MessagesDelivered, Metric::MessagesBounced, Metric::MessagesDropped];
    for channel in ["email", "sms"] {
        together_of(now, &of_channels.map(|metric| (metric, 0.0)), &[channel]);
    }
    let of_senders = [Metric::WebhooksReceived, Metric::WebhooksRefused];
    for sender in Metric::WebhooksReceived.spec().dimensions[0].values {
        together_of(now, &of_senders.map(|metric| (metric, 0.0)), &[sender]);
    }
}

impl VendorStates {
    /// Whether calls that change something at this vendor are held back: by the breaker, by a key that is refused, or by an
    /// operator.
    fn is_shut(&self, vendor: Vendor) -> bool {
        Switch::of(vendor)
            .filter(|switch| *switch != Switch::Class(OperationClass::Read))
            .filter_map(|switch| self.breaker(vendor, switch))
            .any(|breaker| breaker.standing(self.now) != Standing::Closed)
    }
}
