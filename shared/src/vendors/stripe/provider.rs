//! Stripe as a payment provider: the requests that intents keep, and what it is asked about its own events.

use futures_util::future::BoxFuture;

use super::answer::parse;
use super::request::{self, path_segment};
use super::wire::{ErrorResponse, Object, Page, PaymentIntent, Refund};
use super::{Stripe, customer};
use crate::domain::input::{ConfirmPayment, CreateCustomer, CreatePayment, CreateRefund};
use crate::domain::{Correlation, IntentId, Money, StackId, Timestamp};
use crate::effects::intent::VendorRequest;
use crate::effects::payment::Payment;
use crate::effects::provider::{ListedRefund, Lookup};
use crate::error::{Error, Result};
use crate::gateway::{Class, Permit, Reply};
use crate::vendors::payment_provider::{Methods, MethodsPage, PaymentProvider};

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
            // It does not exist, not even for us. Whatever else is refused, a page of something in between too, says nothing.
            Class::Refused => {
                let refused: ErrorResponse = parse(&response)?;
                (refused.error.code.as_deref() == Some("resource_missing")).then_some(false)
            }
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
        observed: refund.observation(created),
    }
}

impl Lookup for Stripe {
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

impl PaymentProvider for Stripe {
    fn warm(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { drop(self.keys.get().await) })
    }

    fn asked_until(&self, by: Timestamp) -> Box<dyn Lookup> {
        Box::new(Self { asked_until: Some(by), ..self.clone() })
    }

    fn create_request(
        &self,
        input: &CreatePayment,
        customer: Option<&str>,
        intent: &IntentId,
    ) -> Result<VendorRequest> {
        request::create(input, customer, &self.stack, intent)
    }

    fn confirm_request(&self, input: &ConfirmPayment, vendor_id: &str) -> VendorRequest {
        request::confirm(input, vendor_id)
    }

    fn refund_request(
        &self,
        payment: &Payment,
        amount: Money,
        input: &CreateRefund,
        intent: &IntentId,
    ) -> Result<VendorRequest> {
        let unknown = || Error::rejected(409, "payment_not_refundable", "The payment cannot be refunded yet.");
        let vendor_id = payment.vendor_id.as_deref().ok_or_else(unknown)?;
        request::refund(vendor_id, amount, input.reason, &payment.order_id, &self.stack, intent)
    }

    fn customer_request(&self, input: &CreateCustomer, intent: &IntentId) -> VendorRequest {
        request::customer(input, &self.stack, intent)
    }

    fn customer_of(&self, request: &VendorRequest) -> Option<String> {
        customer::customer_of(request)
    }

    fn needs_customer(&self, request: &VendorRequest) -> bool {
        customer::needs_customer(request)
    }

    fn with_customer(&self, request: &VendorRequest, customer: Option<&str>) -> VendorRequest {
        customer::with_customer(request, customer)
    }

    fn methods<'a>(
        &'a self,
        page: MethodsPage<'a>,
        correlation: &'a Correlation,
        permit: &'a Permit,
    ) -> BoxFuture<'a, Result<Methods>> {
        Box::pin(self.methods_on(page, correlation, permit))
    }
}
