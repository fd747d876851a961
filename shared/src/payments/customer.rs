//! Customers at the payment provider.

use super::{Asker, Payments, TRIES};
use crate::domain::input::{CreateCustomer, CreatePayment};
use crate::domain::{ContactId, CustomerId, Provider};
use crate::effects::contact::contact_id;
use crate::effects::customer::Customer;
use crate::effects::intake::Known;
use crate::effects::{Intent, Phase, Reason, Subject, Verdict, Worked, with_permit};
use crate::error::{Error, Result};

/// The code of a customer whom the provider does not accept.
pub(super) const CUSTOMER_REFUSED: &str = "customer_refused";

impl Payments {
    /// Gets or makes a customer, once for each id of the shop's; and whether it is new. Its `vendor_id` is absent
    /// while the provider's answer is open. One whom the provider refused is asked for again with other words only.
    ///
    /// # Errors
    /// 422 `customer_refused`; `vendor_credentials` when the provider refuses our key.
    pub async fn customer(&self, input: &CreateCustomer, asker: &Asker) -> Result<(Customer, bool)> {
        let contact = contact_id(&self.app_keys.get().await?, input.email.expose())?;
        let (correlation, lease) = (&asker.correlation, &asker.lease);
        let provider = Provider::default();
        let build = |intent: &_| self.providers.of(provider).customer_request(input, intent);
        let created = self.list.create_customer(provider, input, &contact, correlation, lease, build);
        let (created, permit) = with_permit(created, &self.providers, lease).await?;
        let (worked, is_new) = match created {
            Known::Before(customer) if customer.vendor_id.is_some() => return Ok((*customer, false)),
            Known::Before(customer) => match self.list.work(&customer.intent_id, lease, &self.providers, 1).await? {
                // Refused, or so long ago that the intent is deleted: nothing is under way.
                Worked::Nothing(intent) if intent.phase == Phase::Refused => {
                    (self.anew(&customer, Some(&intent), input, &contact, asker).await?, true)
                }
                Worked::Missing => (self.anew(&customer, None, input, &contact, asker).await?, true),
                // Refused just now, perhaps for other words than these.
                Worked::Settled(Subject::Customer(customer), Verdict::Refused { .. }) => {
                    let refused = self.list.intent(&customer.intent_id).await?;
                    (self.anew(&customer, refused.as_ref(), input, &contact, asker).await?, true)
                }
                worked => (worked, false),
            },
            Known::New(customer, claimed) => {
                let subject = Subject::Customer(customer);
                (self.list.carry_out(*claimed, subject, &self.providers, &permit, TRIES, |_, _| Ok(None)).await?, true)
            }
        };
        match worked {
            Worked::Settled(_, Verdict::NotDone { reason: Reason::VendorCredentials, .. }) => {
                Err(Error::misconfigured("vendor_credentials", "the payment provider does not accept our key"))
            }
            Worked::Settled(_, Verdict::Refused { .. }) => Err(customer_refused()),
            Worked::Settled(Subject::Customer(customer), _) => Ok((*customer, is_new)),
            Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => {
                let customer = self.list.customer(&input.id).await?;
                customer
                    .map(|customer| (customer, false))
                    .ok_or_else(|| Error::bug("customer_missing", "a customer that was just written"))
            }
        }
    }

    /// Asks once more for a customer whom the provider has refused.
    async fn anew(
        &self,
        before: &Customer,
        refused: Option<&Intent>,
        input: &CreateCustomer,
        contact: &ContactId,
        asker: &Asker,
    ) -> Result<Worked> {
        let (correlation, lease) = (&asker.correlation, &asker.lease);
        let build = |intent: &_| self.providers.of(before.provider).customer_request(input, intent);
        let asked = self.list.create_customer_anew(before, refused, input, contact, correlation, lease, build);
        let (asked, permit) = with_permit(asked, &self.providers, lease).await?;
        let (customer, claimed) = asked.ok_or_else(customer_refused)?;
        let subject = Subject::Customer(customer);
        self.list.carry_out(*claimed, subject, &self.providers, &permit, TRIES, |_, _| Ok(None)).await
    }

    /// The provider's id of who pays: one that is known goes with every payment, since its shopper may confirm it with a
    /// card that was saved; one that is not is made where the payment needs it, to save a card or to charge a saved one.
    /// Waits once for a customer that this process has not met.
    pub(super) async fn vendor_customer(&self, input: &CreatePayment, asker: &Asker) -> Result<Option<String>> {
        if let Some(known) = self.known.get(&input.customer.id) {
            return Ok(Some(known));
        }
        let creates = input.save_payment_method || input.off_session;
        let customer = if creates {
            Some(self.customer(&input.customer, asker).await?.0)
        } else {
            self.list.customer(&input.customer.id).await?
        };
        let vendor_id = customer.and_then(|customer| customer.vendor_id);
        match &vendor_id {
            Some(vendor_id) => self.known.keep(&input.customer.id, vendor_id),
            // It needs the customer, and nothing was written of the payment: a repeat finds the customer settled.
            None if creates => return Err(Error::transient("vendor_unavailable", "the customer is not settled")),
            None => {}
        }
        Ok(vendor_id)
    }

    /// The provider does not know this customer any more: they are forgotten, here and in the table.
    pub async fn forget_customer(&self, id: &CustomerId, vendor_id: &str) -> Result<()> {
        self.known.forget(id, vendor_id);
        self.list.forget_customer(id, vendor_id).await
    }
}

fn customer_refused() -> Error {
    Error::rejected(422, CUSTOMER_REFUSED, "The payment provider does not accept this customer.")
}
