//! A payment whose customer the provider has deleted: the customer is made anew, and the payment asked for once more.

use super::{Asker, Payments};
use crate::aws::Write;
use crate::domain::input::CreateCustomer;
use crate::domain::{Correlation, IntentId};
use crate::effects::contact::{self, Contact};
use crate::effects::intent::Data;
use crate::effects::payment::Payment;
use crate::effects::{Claim, Intent, Lease, Phase, Subject, Verdict, Worked, with_permit};
use crate::error::Result;
use crate::vendors::stripe::{CUSTOMER_MISSING, customer_of, with_customer};

impl Payments {
    /// Works one intent of the payments, once; where its customer is gone, once more with another one.
    pub async fn work(&self, id: &IntentId, lease: &Lease, correlation: &Correlation) -> Result<Worked> {
        let worked = self.list.work(id, lease, &self.stripe, 1).await?;
        let asker = Asker { correlation: correlation.clone(), lease: lease.clone() };
        self.with_its_customer(worked, &asker, |_, _| Ok(None)).await
    }

    /// Goes on with what was refused only because of its customer.
    pub(super) async fn with_its_customer(
        &self,
        worked: Worked,
        asker: &Asker,
        store: impl Fn(&Subject, &Verdict) -> Result<Option<Write>>,
    ) -> Result<Worked> {
        let Worked::Settled(Subject::Payment(payment), Verdict::NotDone { code: CUSTOMER_MISSING, .. }) = &worked
        else {
            return Ok(worked);
        };
        // On the heap: it is seldom needed, and part of every future that asks for a payment.
        let renewed = Box::pin(self.ask_with_another_customer(payment, asker)).await?;
        let Some(intent) = renewed else { return Ok(worked) };
        let claiming = self.list.claim(&intent.intent_id, &asker.lease);
        let (claim, permit) = with_permit(claiming, &self.stripe, &asker.lease).await?;
        let Claim::Mine(claimed) = claim else { return Ok(worked) };
        let subject = Subject::Payment(payment.clone());
        self.list.carry_out(claimed, subject, &self.stripe, &permit, 1, store).await
    }

    /// Forgets the customer whom the provider has deleted, makes another one, and gives the payment's intent to them. `None`
    /// when that is not possible now, or somebody else is at it: the intent stays due.
    async fn ask_with_another_customer(&self, payment: &Payment, asker: &Asker) -> Result<Option<Intent>> {
        let Some(intent) = self.list.intent(&payment.intent_id).await? else { return Ok(None) };
        let request = match &intent.data {
            Data::Payment { request: Some(request), .. } if intent.phase == Phase::Ready => request,
            _ => return Ok(None),
        };
        let Some(deleted) = customer_of(request) else { return Ok(None) };
        self.forget_customer(&payment.customer_id, &deleted).await?;
        let Some(vendor_id) = self.another_customer(payment, asker).await? else { return Ok(None) };
        let other = with_customer(request, Some(&vendor_id));
        let is_ours = self.list.ask_otherwise(&intent, other).await?;
        Ok(is_ours.then_some(intent))
    }

    /// Makes the payment's customer known to the provider once more, with the address that we write to.
    async fn another_customer(&self, payment: &Payment, asker: &Asker) -> Result<Option<String>> {
        let customer = self.list.customer(&payment.customer_id).await?;
        if let Some(vendor_id) = customer.as_ref().and_then(|customer| customer.vendor_id.clone()) {
            return Ok(Some(vendor_id));
        }
        let contact = self.list.table().get(&contact::key(&payment.contact_id)).await?;
        let contact: Option<Contact> = contact.map(|item| item.parse()).transpose()?;
        let Some(email) = contact.as_ref().and_then(|contact| contact.address.clone()) else { return Ok(None) };
        let input = CreateCustomer {
            id: payment.customer_id.clone(),
            email,
            name: contact.and_then(|contact| contact.name),
            phone: customer.and_then(|customer| customer.phone),
        };
        match self.customer(&input, asker).await {
            Ok((customer, _)) => Ok(customer.vendor_id),
            // The payment waits as one whose vendor is down does.
            Err(error) => {
                tracing::warn!(error = %error, "a customer whom the provider has deleted was not made anew");
                Ok(None)
            }
        }
    }
}
