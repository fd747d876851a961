//! payment-initiator: creates, confirms and cancels payments, and shows them and their orders.

mod answers;
mod orders;

use crossdock::domain::PaymentId;
use crossdock::domain::input::{ConfirmPayment, CreatePayment};
use crossdock::domain::payment::PaymentStatus;
use crossdock::effects::contact::{AppKeys, contact_id};
use crossdock::effects::intake::{Cancel, Confirmed, Created, Repeatable, payment_not_found, request_hash};
use crossdock::effects::{Subject, Verdict, WorkList, Worked};
use crossdock::error::{Error, Result};
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use crossdock::vendors::stripe::{Keys, Stripe};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;

/// Calls in one request: the second only where the first certainly did nothing or the vendor deduplicates it.
const TRIES: u32 = 2;
/// The route of a create in the record of requests.
const CREATE: &str = "POST /payments";

/// The payments' API.
pub struct PaymentInitiator {
    list: WorkList,
    stripe: Stripe,
    app_keys: Keyring<AppKeys>,
    stripe_keys: Keyring<Keys>,
}

impl PaymentInitiator {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self {
            list: system.work_list()?,
            stripe: system.stripe()?,
            app_keys: system.app_keys()?,
            stripe_keys: system.stripe_keys()?,
        })
    }

    /// What is worth doing before the first request.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let (app, stripe) = (self.app_keys.get().map(drop).boxed(), self.stripe_keys.get().map(drop).boxed());
        vec![app, stripe, self.list.warm().boxed()]
    }

    async fn create(&self, request: &ApiRequest) -> Result<Answer> {
        let body = request.json_body()?;
        let repeatable = Repeatable {
            route: CREATE,
            key: request.idempotency_key()?,
            hash: request_hash("POST", &request.path, body),
        };
        let input = CreatePayment::parse(body)?;
        let contact = contact_id(&self.app_keys.get().await?, input.customer.email.expose())?;
        let lease = request.lease();
        let build = |_: &PaymentId, intent: &_| self.stripe.create_request(&input, intent);
        match self.list.create_payment(&input, &repeatable, &contact, &request.correlation, &lease, build).await? {
            Created::Repeat(_, Some(answer)) => Ok(Answer::new(answer.status, answer.body.expose().clone()).replayed()),
            Created::Repeat(payment_id, None) => self.repeat(request, &payment_id).await,
            Created::New(payment, claimed, requested) => {
                let subject = Subject::Payment(payment);
                let store = |subject: &Subject, verdict: &Verdict| {
                    answers::stored(subject, verdict, CREATE, request.received_at)
                };
                // The nudge goes out beside the vendor's call: it costs no wait of its own.
                let requested = [requested];
                let carried_out = self.list.carry_out(*claimed, subject, &self.stripe, TRIES, store);
                let (worked, ()) = futures_util::join!(carried_out, self.list.nudge(&requested));
                answers::to_create(worked?)
            }
        }
    }

    /// A repeat whose first request has no final answer yet: somebody is at it, or died at it.
    async fn repeat(&self, request: &ApiRequest, payment_id: &PaymentId) -> Result<Answer> {
        let payment = self.list.payment(payment_id).await?;
        match self.list.work(&payment.intent_id, &request.lease(), &self.stripe, 1).await? {
            Worked::Settled(subject, verdict) => answers::to_create(Worked::Settled(subject, verdict)),
            Worked::Nothing(_) | Worked::Missing | Worked::Fenced => {
                let payment = self.list.payment(payment_id).await?;
                Ok(answers::as_it_is(&payment).replayed())
            }
        }
    }

    async fn confirm(&self, request: &ApiRequest, payment_id: &PaymentId) -> Result<Answer> {
        let input = ConfirmPayment::parse(request.json_body()?)?;
        let payment = self.list.payment(payment_id).await?;
        match payment.status {
            PaymentStatus::Succeeded => return Ok(Answer::new(200, payment.view(true))),
            PaymentStatus::Canceled => {
                return Err(Error::rejected(409, "payment_canceled", "The payment was canceled."));
            }
            _ => {}
        }
        let Some(vendor_id) = &payment.vendor_id else {
            return Err(Error::rejected(409, "payment_not_ready", "The payment cannot be confirmed yet."));
        };
        let vendor_request = self.stripe.confirm_request(&input, vendor_id);
        let lease = request.lease();
        let worked = match self.list.confirm_payment(&payment, vendor_request, &request.correlation, &lease).await? {
            Confirmed::New(claimed) => {
                let subject = Subject::Payment(Box::new(payment));
                self.list.carry_out(*claimed, subject, &self.stripe, TRIES, |_, _| Ok(None)).await?
            }
            Confirmed::Repeat(intent_id) => self.list.work(&intent_id, &lease, &self.stripe, 1).await?,
        };
        match worked {
            Worked::Settled(subject, verdict) => answers::to_confirm(subject, &verdict),
            Worked::Nothing(_) | Worked::Missing | Worked::Fenced => {
                Ok(Answer::new(202, self.list.payment(payment_id).await?.view(true)))
            }
        }
    }

    async fn cancel(&self, request: &ApiRequest, payment_id: &PaymentId) -> Result<Answer> {
        match self.list.cancel_payment(payment_id, &request.correlation).await? {
            Cancel::Canceled(payment) => Ok(Answer::new(200, payment.view(false))),
            Cancel::Requested(payment) => Ok(Answer::new(202, payment.view(false))),
            Cancel::AtVendor(intent_id) => {
                self.list.work(&intent_id, &request.lease(), &self.stripe, TRIES).await?;
                let payment = self.list.payment(payment_id).await?;
                match payment.status {
                    PaymentStatus::Canceled => Ok(Answer::new(200, payment.view(false))),
                    PaymentStatus::Succeeded => {
                        Err(Error::rejected(409, "payment_already_succeeded", "The payment has already succeeded."))
                    }
                    _ => Ok(Answer::new(202, payment.view(false))),
                }
            }
        }
    }
}

/// The payment that a path names.
fn payment_id(text: &str) -> Result<PaymentId> {
    PaymentId::parse(text).ok_or_else(payment_not_found)
}

impl HttpFunction for PaymentInitiator {
    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::POST, ["payments"]) => self.create(&request).await,
            (&Method::GET, ["payments", id]) => {
                let payment = self.list.payment(&payment_id(id)?).await?;
                Ok(Answer::new(200, payment.view(false)))
            }
            (&Method::POST, ["payments", id, "confirm"]) => self.confirm(&request, &payment_id(id)?).await,
            (&Method::POST, ["payments", id, "cancel"]) => self.cancel(&request, &payment_id(id)?).await,
            (&Method::GET, ["orders", id]) => orders::order(&self.list, id).await,
            _ => Err(no_such_route()),
        }
    }
}
