//! What Stripe is asked about its own events.

use futures_util::future::BoxFuture;

use super::Stripe;
use super::answer::parse;
use super::request::path_segment;
use super::wire::{Object, Page, PaymentIntent, Refund};
use crate::domain::{Correlation, IntentId, StackId};
use crate::effects::provider::{ListedRefund, Provider};
use crate::gateway::{Class, Reply};

/// Refunds on a page: Stripe's largest.
const PAGE: usize = 100;
/// Pages of one payment's refunds: more than anybody makes of one payment by hand.
const PAGES_MAX: usize = 10;

impl Stripe {
    async fn look(&self, operation: &'static str, path: &str, correlation: &Correlation) -> Option<Reply> {
        Some(self.get(operation, path, 0, correlation, &self.look_permit()?).await)
    }

    async fn refunds_of(&self, payment: &str, correlation: &Correlation) -> Option<Vec<ListedRefund>> {
        let mut all: Vec<ListedRefund> = Vec::new();
        for _ in 0..PAGES_MAX {
            let mut path = format!("/v1/refunds?payment_intent={}&limit={PAGE}", path_segment(payment));
            if let Some(last) = all.last() {
                path.push_str("&starting_after=");
                path.push_str(&path_segment(&last.vendor_id));
            }
            let reply = self.look("list_refunds", &path, correlation).await?;
            let page: Page<Refund> = parse(&reply.response.filter(|_| reply.class == Class::Done)?)?;
            all.extend(page.data.into_iter().map(listed));
            if !page.has_more {
                return Some(all);
            }
        }
        tracing::error!(pages = PAGES_MAX, "a payment has more refunds than are listed: a person has to look");
        None
    }

    async fn bears_mark_of(&self, payment: &str, stack: &StackId, correlation: &Correlation) -> Option<bool> {
        let path = format!("/v1/payment_intents/{}", path_segment(payment));
        let reply = self.look("retrieve_payment_intent", &path, correlation).await?;
        let response = reply.response?;
        match reply.class {
            Class::Done => {
                let found: PaymentIntent = parse(&response)?;
                Some(found.metadata().crossdock_stack.as_deref() == Some(stack.as_str()))
            }
            // It does not exist, not even for us.
            Class::Refused => Some(false),
            _ => None,
        }
    }
}

fn listed(refund: Refund) -> ListedRefund {
    let created = refund.created();
    let metadata = refund.metadata();
    ListedRefund {
        vendor_id: refund.id.clone(),
        amount: refund.amount,
        stack: metadata.crossdock_stack.clone(),
        intent_id: metadata.crossdock_intent.clone().map(IntentId::from_stored),
        seen: refund.observation(created),
    }
}

impl Provider for Stripe {
    fn has_time(&self) -> bool {
        self.look_permit().is_some()
    }

    fn refunds<'a>(
        &'a self,
        payment: &'a str,
        correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Vec<ListedRefund>>> {
        Box::pin(self.refunds_of(payment, correlation))
    }

    fn is_ours<'a>(
        &'a self,
        payment: &'a str,
        stack: &'a StackId,
        correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<bool>> {
        Box::pin(self.bears_mark_of(payment, stack, correlation))
    }
}
