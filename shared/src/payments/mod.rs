//! Payments, as HTTP requests and commands ask for them alike: into the work list, to the payment provider, settled. Whoever
//! the provider is: a payment knows its own, and agent.rs finds the one that an intent's kind belongs to.

mod agent;
mod confirm;
mod customer;
mod known;
mod refund;
mod renewal;

use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::aws::Write;
use crate::domain::input::CreatePayment;
use crate::domain::{Correlation, IntentId, PaymentId, Provider, Timestamp};
use crate::effects::contact::{AppKeys, contact_id};
use crate::effects::inbound::Applied;
use crate::effects::intake::{Created, Repeatable, StoredAnswer};
use crate::effects::payment::Payment;
use crate::effects::waiting::Requeued;
use crate::effects::{Lease, Reason, Subject, Verdict, WorkList, Worked, with_permit};
use crate::error::{Error, Result};
use crate::gateway::{Keyring, Permit, Vendor};
use crate::vendors::payment_provider::{Methods, MethodsPage, PaymentProvider, Providers};

pub use known::KnownCustomers;

/// Calls of one request: the second only where the first certainly did nothing or the vendor deduplicates it.
pub const TRIES: u32 = 2;

/// Time kept for applying what a provider has been asked about: a few transactions.
const APPLY_TIME: Duration = Duration::from_secs(5);

/// The work list and the payment providers, together.
pub struct Payments {
    /// The work list.
    pub list: WorkList,
    providers: Providers,
    app_keys: Keyring<AppKeys>,
    known: KnownCustomers,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// Ties together what this causes.
    pub correlation: Correlation,
    /// Until when the asker may call.
    pub lease: Lease,
}

/// What asking came to.
#[derive(Debug)]
pub enum Asked<T> {
    /// Called or resolved, and settled, or taken over by somebody else.
    Worked(Worked),
    /// It was asked for before, and answered so.
    Answered(StoredAnswer),
    /// It was asked for before, and got no final answer; this request has gone on with it.
    Resumed(Worked),
    /// It was asked for before, and there is nothing to do: somebody is at it, it waits, or it is over. The thing as it
    /// is, and why it was refused if it was.
    Standing(T, Option<Reason>),
}

impl Payments {
    /// Payments over this work list and these providers; `app_keys` make contact ids, `known` remembers customers.
    pub const fn new(list: WorkList, providers: Providers, app_keys: Keyring<AppKeys>, known: KnownCustomers) -> Self {
        Self { list, providers, app_keys, known }
    }

    /// Reads the providers' keys, before the first request needs them.
    pub fn warm(&self) -> impl Iterator<Item = BoxFuture<'_, ()>> {
        self.providers.all().map(PaymentProvider::warm)
    }

    /// How long one call of any provider may take.
    pub fn timeout(&self) -> Duration {
        let timeouts = Provider::ALL.map(|provider| Vendor::from(provider).policy().timeout);
        timeouts.into_iter().max().unwrap_or_default()
    }

    /// Carries on with an intent that a request has left.
    pub async fn carry_on(&self, id: &IntentId, lease: &Lease) -> Result<Worked> {
        self.list.work(id, lease, &self.providers, TRIES).await
    }

    /// Reads a page of the payment methods that a customer has saved at their provider.
    ///
    /// # Errors
    /// What [`PaymentProvider::methods`] says.
    pub async fn methods(
        &self,
        provider: Provider,
        page: MethodsPage<'_>,
        correlation: &Correlation,
        permit: &Permit,
    ) -> Result<Methods> {
        self.providers.of(provider).methods(page, correlation, permit).await
    }

    /// Asks the provider what an event of it that waits leaves open, and applies the event; whoever asks has to be done by
    /// `deadline`.
    ///
    /// # Errors
    /// A bug when the event is no payment provider's.
    pub async fn ask_about(&self, waiting: &Requeued, deadline: Timestamp) -> Result<Applied> {
        let provider = waiting.vendor().and_then(Vendor::provider);
        let provider = provider.ok_or_else(|| Error::bug("vendor_unknown", "an event of no payment provider"))?;
        let provider = self.providers.of(provider).asked_until(deadline.minus(APPLY_TIME));
        self.list.ask_about(waiting, provider.as_ref()).await
    }

    /// Creates a payment. `store` may keep the final answer in the settling transaction. Waits, for a customer that
    /// is known or not needed: transaction, vendor, settle; the nudges go beside.
    ///
    /// # Errors
    /// What [`WorkList::create_payment`] refuses; `vendor_unavailable` when it needs a customer that cannot be made
    /// now: nothing is written then.
    pub async fn create(
        &self,
        input: &CreatePayment,
        repeatable: &Repeatable,
        asker: &Asker,
        store: impl Fn(&Subject, &Verdict) -> Result<Option<Write>>,
    ) -> Result<Asked<Payment>> {
        let contact = contact_id(&self.app_keys.get().await?, input.customer.email.expose())?;
        let customer = match self.vendor_customer(input, asker).await {
            Ok(customer) => customer,
            // Whoever has been answered once is answered the same, whatever became of the customer since.
            Err(error) => return self.asked_before(input, repeatable, asker).await?.ok_or(error),
        };
        let provider = self.providers.of(input.provider);
        let build = |_: &PaymentId, intent: &_| provider.create_request(input, customer.as_deref(), intent);
        let (correlation, lease) = (&asker.correlation, &asker.lease);
        let created = self.list.create_payment(input, repeatable, &contact, correlation, lease, build);
        let (created, permit) = with_permit(created, provider, lease).await?;
        match created {
            Created::Repeat(_, Some(answer)) => Ok(Asked::Answered(answer)),
            Created::Repeat(payment_id, None) => self.repeated(&payment_id, asker).await,
            Created::New(payment, claimed, requested) => {
                // The nudge goes out beside the vendor's call: it costs no wait of its own.
                let requested = [requested];
                let subject = Subject::Payment(payment);
                let carried_out = self.list.carry_out(*claimed, subject, provider, &permit, TRIES, &store);
                let (worked, ()) = futures_util::join!(carried_out, self.list.nudge(&requested));
                self.with_its_customer(worked?, asker, &store).await.map(Asked::Worked)
            }
        }
    }

    /// What a request came to that was made before; `None` for a new one.
    async fn asked_before(
        &self,
        input: &CreatePayment,
        repeatable: &Repeatable,
        asker: &Asker,
    ) -> Result<Option<Asked<Payment>>> {
        match self.list.made_before(&input.order_id, repeatable).await? {
            Some((_, Some(answer))) => Ok(Some(Asked::Answered(answer))),
            Some((payment_id, None)) => self.repeated(&payment_id, asker).await.map(Some),
            None => Ok(None),
        }
    }

    /// A repeat whose first request has no final answer that is still kept: somebody is at it, or died at it, or it was
    /// answered more than a day ago.
    async fn repeated(&self, payment_id: &PaymentId, asker: &Asker) -> Result<Asked<Payment>> {
        let payment = self.list.payment(payment_id).await?;
        let worked = self.work(&payment.intent_id, &asker.lease, &asker.correlation).await?;
        if let settled @ Worked::Settled(..) = worked {
            return Ok(Asked::Resumed(settled));
        }
        let payment = self.list.payment(payment_id).await?;
        let was_refused = payment.status.is_over() && payment.vendor_id.is_none();
        let refusal = if was_refused { self.list.refusal(&payment.intent_id).await? } else { None };
        Ok(Asked::Standing(payment, refusal))
    }
}
