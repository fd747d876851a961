//! A payment whose customer the provider has deleted: the customer is made anew, and the payment asked for once more. Where the
//! provider does not accept them any more, a payment that needs no customer goes on without, and one that does is refused.

use super::customer::CUSTOMER_REFUSED;
use super::{Asker, Payments};
use crate::aws::Write;
use crate::domain::input::CreateCustomer;
use crate::domain::{Correlation, IntentId};
use crate::effects::contact::{self, Contact};
use crate::effects::intent::Data;
use crate::effects::payment::Payment;
use crate::effects::{Claim, Intent, Lease, Phase, Reason, Subject, Verdict, Worked, with_permit};
use crate::error::Result;

/// Who takes the place of a customer whom the provider has deleted.
enum Successor {
    /// They themselves, under this id of the provider's.
    Anew(String),
    /// Nobody, now or ever: the provider refuses them, or their address is deleted here.
    Nobody,
    /// That is not known yet.
    Later,
}

/// What becomes of their payment.
enum Renewed {
    /// Its intent asks for something else, and is due.
    Asked(Intent),
    /// It needs a customer and cannot have one: this intent is to be refused.
    Hopeless(Intent),
    /// Nothing now, or somebody else is at it: the intent stays due.
    Later,
}

impl Payments {
    /// Works one intent of the payments, once; where its customer is gone, once more with another one.
    pub async fn work(&self, id: &IntentId, lease: &Lease, correlation: &Correlation) -> Result<Worked> {
        let worked = self.list.work(id, lease, &self.providers, 1).await?;
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
        let Worked::Settled(Subject::Payment(payment), Verdict::NotDone { reason: Reason::CustomerMissing, .. }) =
            &worked
        else {
            return Ok(worked);
        };
        // On the heap: it is seldom needed, and part of every future that asks for a payment.
        let intent = match Box::pin(self.ask_with_another_customer(payment, asker)).await? {
            Renewed::Asked(intent) => intent,
            Renewed::Hopeless(intent) => {
                let subject = Subject::Payment(payment.clone());
                let refused = self.list.refuse_if_not_called(&intent, subject, Reason::CustomerRefused, store);
                return Ok(Box::pin(refused).await?.unwrap_or(worked));
            }
            Renewed::Later => return Ok(worked),
        };
        let claiming = self.list.claim(&intent.intent_id, &asker.lease);
        let (claim, permit) = with_permit(claiming, &self.providers, &asker.lease).await?;
        let Claim::Mine(claimed) = claim else { return Ok(worked) };
        let subject = Subject::Payment(payment.clone());
        self.list.carry_out(claimed, subject, &self.providers, &permit, 1, store).await
    }

    /// Forgets the customer whom the provider has deleted, makes another one, and gives the payment's intent to them.
    async fn ask_with_another_customer(&self, payment: &Payment, asker: &Asker) -> Result<Renewed> {
        let Some(intent) = self.list.intent(&payment.intent_id).await? else { return Ok(Renewed::Later) };
        let request = match &intent.data {
            Data::Payment { request: Some(request), .. } if intent.phase == Phase::Ready => request,
            _ => return Ok(Renewed::Later),
        };
        let provider = self.providers.of(payment.provider);
        let Some(deleted) = provider.customer_of(request) else { return Ok(Renewed::Later) };
        self.forget_customer(&payment.customer_id, &deleted).await?;
        let other = match self.another_customer(payment, asker).await? {
            Successor::Anew(vendor_id) => provider.with_customer(request, Some(&vendor_id)),
            Successor::Nobody if provider.needs_customer(request) => return Ok(Renewed::Hopeless(intent)),
            // They were only named because they were known.
            Successor::Nobody => provider.with_customer(request, None),
            Successor::Later => return Ok(Renewed::Later),
        };
        let is_ours = self.list.ask_otherwise(&intent, other).await?;
        Ok(if is_ours { Renewed::Asked(intent) } else { Renewed::Later })
    }

    /// Makes the payment's customer known to the provider once more, with the address that we write to.
    async fn another_customer(&self, payment: &Payment, asker: &Asker) -> Result<Successor> {
        let customer = self.list.customer(&payment.customer_id).await?;
        if let Some(vendor_id) = customer.as_ref().and_then(|customer| customer.vendor_id.clone()) {
            return Ok(Successor::Anew(vendor_id));
        }
        let contact = self.list.table().get(&contact::key(&payment.contact_id)).await?;
        let contact: Option<Contact> = contact.map(|item| item.parse()).transpose()?;
        let Some(email) = contact.as_ref().and_then(|contact| contact.address.clone()) else {
            return Ok(Successor::Nobody);
        };
        let input = CreateCustomer {
            id: payment.customer_id.clone(),
            email,
            name: contact.and_then(|contact| contact.name),
            phone: customer.and_then(|customer| customer.phone),
            at_checkout: true,
        };
        match self.customer(&input, asker).await {
            Ok((customer, _)) => Ok(customer.vendor_id.map_or(Successor::Later, Successor::Anew)),
            Err(refused) if refused.code == CUSTOMER_REFUSED => Ok(Successor::Nobody),
            // The payment waits as one whose vendor is down does.
            Err(error) => {
                tracing::warn!(error = %error.chain(), "a customer whom the provider has deleted was not made anew");
                Ok(Successor::Later)
            }
        }
    }
}
