//! Taking the money of a payment intent, or failing to.

use super::State;
use super::events::Origin;
use super::failure::Failure;
use super::objects::{Charge, Status};
use super::payment_methods::PaymentMethod;
use serde::Serialize;

/// An attempt to pay that failed.
#[derive(Clone, Debug, Serialize)]
pub struct FailedAttempt {
    /// The intent, `pi_…`.
    pub payment_intent: String,
    /// Its charge, `ch_…`; none where the bank's check of the shopper failed.
    pub charge: Option<String>,
    /// The error's code.
    pub code: &'static str,
    /// Epoch seconds.
    pub at_s: i64,
}

/// What becomes of an open intent.
pub(super) enum Verdict {
    Charged,
    Declined(&'static str, &'static str),
}

impl State {
    /// Takes the money, or tries to: a charge, the new status, both events.
    pub(super) fn conclude(
        &mut self,
        now_ms: i64,
        position: usize,
        verdict: &Verdict,
        origin: &Origin,
    ) -> Result<(), Failure> {
        let intent = &self.payment_intents[position];
        let failure = match verdict {
            Verdict::Charged => None,
            Verdict::Declined(code, decline_code) => Some(Failure::declined(code, decline_code)),
        };
        let id = format!("ch_{}", self.ids.next("ch", 24));
        let (amount, currency) = (intent.amount, intent.currency.clone());
        let is_booked = failure.is_none() && !self.books_late;
        let balance_transaction = is_booked.then(|| self.book_charge(now_ms, &id, amount, &currency));
        let intent = &self.payment_intents[position];
        let charge = Charge {
            id: id.clone(),
            payment_intent: intent.id.clone(),
            amount,
            currency,
            amount_refunded: 0,
            balance_transaction,
            customer: intent.customer.clone(),
            succeeded: failure.is_none(),
            created_s: now_ms / 1000,
            payment_method: intent.payment_method.clone().unwrap_or_default(),
            metadata: intent.metadata.clone(),
            failure: failure.as_ref().map(|f| (f.code.unwrap_or_default().to_owned(), f.message.clone())),
        };
        let charge_event = if charge.succeeded { "charge.succeeded" } else { "charge.failed" };
        self.emit(now_ms, charge_event, &charge.to_json(), origin);
        self.charges.push(charge);
        let intent = &mut self.payment_intents[position];
        intent.latest_charge = Some(id.clone());
        if let Some(failure) = failure {
            return Err(self.fail(now_ms, position, Failure { charge: Some(id), ..failure }, origin));
        }
        intent.status = Status::Succeeded;
        intent.last_payment_error = None;
        let (method, customer) = (intent.payment_method.clone(), intent.customer.clone());
        let usage = intent.setup_future_usage.clone();
        self.keep_or_use_up(&method.unwrap_or_default(), customer.as_deref(), usage.as_deref());
        self.tell(now_ms, "payment_intent.succeeded", position, origin);
        Ok(())
    }

    /// Sends the intent back to the start, with the reason. Returns the failure as the caller sees it.
    pub(super) fn fail(&mut self, now_ms: i64, position: usize, mut failure: Failure, origin: &Origin) -> Failure {
        let intent = &self.payment_intents[position];
        let method = intent.payment_method.as_ref().and_then(|id| self.payment_method(id));
        failure.payment_method = method.map(PaymentMethod::to_json);
        let intent = &mut self.payment_intents[position];
        self.failed_attempts.push(FailedAttempt {
            payment_intent: intent.id.clone(),
            charge: failure.charge.clone(),
            code: failure.code.unwrap_or_default(),
            at_s: now_ms / 1000,
        });
        intent.status = Status::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.next_action = None;
        intent.last_payment_error = Some(failure.last_payment_error());
        failure.payment_intent = Some(intent.to_json());
        self.tell(now_ms, "payment_intent.payment_failed", position, origin);
        failure
    }
}
