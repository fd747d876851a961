//! Declined payments of which nothing more was heard: what they came to.

use futures_util::future::join_all;

use crate::aws::table::{Index, Written};
use crate::aws::{Item, Key};
use crate::domain::payment::{PaymentOutcome, PaymentStatus};
use crate::effects::list::WorkList;
use crate::effects::subject::payment::Payment;
use crate::error::Result;
use crate::telemetry::metrics::Metric;

/// Looks of one tick, at most; the others come with the next.
const LOOKS_MAX: usize = 200;
/// Looks at a time.
const AT_ONCE: usize = 20;
/// Objects of an order that are looked through for another payment.
const OBJECTS_MAX: i32 = 500;

impl WorkList {
    /// Looks at each of them. One that fails is due again in a minute.
    pub(super) async fn decide_outcomes(&self, declined: &[Key]) {
        for some in declined[..declined.len().min(LOOKS_MAX)].chunks(AT_ONCE) {
            let looks = some.iter().map(|key| async move {
                if let Err(error) = self.decide_outcome(key).await {
                    tracing::warn!(error = %error, "what a declined payment came to was not decided");
                }
            });
            join_all(looks).await;
        }
    }

    async fn decide_outcome(&self, key: &Key) -> Result<()> {
        let now = self.world.now();
        let Some(payment) = self.table.get(key).await?.map(|item| item.parse::<Payment>()).transpose()? else {
            return Ok(());
        };
        let reason = payment.declined.map_or("card_declined", crate::domain::payment::DeclineCode::as_str);
        let paid_by_another = self.is_paid_by_another(&payment).await?;
        let Some(looked) = payment.looked(paid_by_another, now) else { return Ok(()) };
        let outcome = looked.outcome;
        if let Written::Done(_) = self.table.update(looked.write()?).await? {
            match outcome {
                Some(PaymentOutcome::Declined) => Metric::PaymentsDeclined.count(now, &[reason]),
                Some(PaymentOutcome::Succeeded) => Metric::PaymentsSucceeded.count(now, &[]),
                Some(PaymentOutcome::Failed | PaymentOutcome::PaidByAnother) | None => {}
            }
        }
        Ok(())
    }

    async fn is_paid_by_another(&self, payment: &Payment) -> Result<bool> {
        let objects = self.table.query_index(Index::ByOrder, &payment.order_pk, OBJECTS_MAX).await?;
        let is_paid = |item: &Item| {
            item.text("type") == Some("payment") && item.text("status") == Some(PaymentStatus::Succeeded.as_str())
        };
        Ok(objects.iter().any(is_paid))
    }
}
