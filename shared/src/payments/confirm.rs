//! A confirm: the shopper gives a payment method.

use super::{Asker, Payments, TRIES};
use crate::domain::input::ConfirmPayment;
use crate::effects::intake::Confirmed;
use crate::effects::payment::Payment;
use crate::effects::{Subject, Worked, with_permit};
use crate::error::Result;

impl Payments {
    /// Confirms a payment that its provider knows under this id. `None` when an earlier confirm was settled since the payment
    /// was read: it does not stand like that any more.
    ///
    /// # Errors
    /// What [`crate::effects::WorkList::confirm_payment`] refuses.
    pub async fn confirm(
        &self,
        payment: Payment,
        vendor_id: &str,
        input: &ConfirmPayment,
        asker: &Asker,
    ) -> Result<Option<Worked>> {
        let (provider, lease) = (self.providers.of(payment.provider), &asker.lease);
        let request = provider.confirm_request(input, vendor_id);
        let confirmed = self.list.confirm_payment(&payment, request, &asker.correlation, lease);
        let (confirmed, permit) = with_permit(confirmed, provider, lease).await?;
        let worked = match confirmed {
            Confirmed::New(claimed) => {
                let subject = Subject::Payment(Box::new(payment));
                self.list.carry_out(*claimed, subject, provider, &permit, TRIES, |_, _| Ok(None)).await?
            }
            Confirmed::Repeat(intent_id) => self.list.work(&intent_id, lease, provider, 1).await?,
            Confirmed::Outdated => return Ok(None),
        };
        Ok(Some(worked))
    }
}
