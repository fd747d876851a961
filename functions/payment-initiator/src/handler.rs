//! payment-initiator: creates, confirms, cancels and refunds payments, makes customers known, and shows payments and
//! their orders.

mod answers;
mod customers;
mod orders;
mod refunds;

use crossdock::domain::PaymentId;
use crossdock::domain::input::{ConfirmPayment, CreatePayment};
use crossdock::domain::payment::PaymentStatus;
use crossdock::effects::contact::AppKeys;
use crossdock::effects::intake::{Cancel, Repeatable, payment_not_found, request_hash};
use crossdock::effects::payment::Payment;
use crossdock::effects::{Subject, Verdict, Worked};
use crossdock::error::{Error, Result};
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use crossdock::payments::{Asked, Asker, Payments};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;

/// The route of a create in the record of requests.
const CREATE: &str = "POST /payments";

/// How often a confirm is tried on the payment as it is by then. Each further round means that another confirm was settled
/// in between.
const CONFIRM_ROUNDS_MAX: u32 = 3;

/// The payments' API.
pub struct PaymentInitiator {
    payments: Payments,
    app_keys: Keyring<AppKeys>,
}

impl PaymentInitiator {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { payments: system.payments()?, app_keys: system.app_keys()? })
    }

    /// What is worth doing before the first request.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let own = [self.app_keys.get().map(drop).boxed(), self.payments.list.warm().boxed()];
        self.payments.warm().chain(own).collect()
    }

    async fn create(&self, request: &ApiRequest) -> Result<Answer> {
        let body = request.json_body()?;
        let repeatable = Repeatable {
            route: CREATE,
            key: request.idempotency_key()?,
            hash: request_hash("POST", &request.path, body),
        };
        let input = CreatePayment::parse(body)?;
        let store =
            |subject: &Subject, verdict: &Verdict| answers::stored(subject, verdict, CREATE, request.received_at);
        match self.payments.create(&input, &repeatable, &asker(request), store).await? {
            Asked::Worked(worked) => answers::to_create(worked, input.confirm),
            Asked::Answered(answer) => Ok(Answer::new(answer.status, answer.body.expose().clone()).replayed()),
            Asked::Resumed(worked) => {
                let payment = match &worked {
                    Worked::Settled(Subject::Payment(payment), _) => Some(payment.clone()),
                    _ => None,
                };
                let answer = answers::to_create(worked, input.confirm);
                if let Some(payment) = payment {
                    self.keep(&payment, &answer, input.confirm).await?;
                }
                answer
            }
            Asked::Standing(payment, refusal) => {
                let answer = answers::as_it_is(&payment, refusal.as_ref(), input.confirm);
                self.keep(&payment, &answer, input.confirm).await?;
                Ok(answer.unwrap_or_else(|refusal| Answer::problem(&refusal)).replayed())
            }
        }
    }

    /// Keeps the first final answer to a create, where another one might be given later: a payment that was to be charged
    /// at once can be declined first and paid afterwards.
    async fn keep(&self, payment: &Payment, answer: &Result<Answer>, charged_at_once: bool) -> Result<()> {
        match answers::kept(answer) {
            Some(answer) if charged_at_once || answer.0 >= 400 => {
                self.payments.list.keep_answer(CREATE, payment, answer).await
            }
            _ => Ok(()),
        }
    }

    async fn confirm(&self, request: &ApiRequest, payment_id: &PaymentId) -> Result<Answer> {
        let input = ConfirmPayment::parse(request.json_body()?)?;
        for _ in 0..CONFIRM_ROUNDS_MAX {
            let payment = self.payments.list.payment(payment_id).await?;
            if let Some(answer) = self.confirm_as_it_stands(request, &input, payment).await? {
                return Ok(answer);
            }
        }
        Err(Error::transient("object_contended", "others kept confirming the payment"))
    }

    /// `None`: it does not stand like that any more.
    async fn confirm_as_it_stands(
        &self,
        request: &ApiRequest,
        input: &ConfirmPayment,
        payment: Payment,
    ) -> Result<Option<Answer>> {
        match payment.status {
            PaymentStatus::Succeeded => return Ok(Some(Answer::new(200, payment.view(true)))),
            PaymentStatus::Canceled => {
                return Err(Error::rejected(409, "payment_canceled", "The payment was canceled."));
            }
            PaymentStatus::Failed => {
                let detail = "The payment provider refused this payment. Ask for another payment of the order.";
                return Err(Error::rejected(409, "payment_failed", detail));
            }
            _ => {}
        }
        let Some(vendor_id) = &payment.vendor_id else {
            return Err(Error::rejected(409, "payment_not_ready", "The payment cannot be confirmed yet."));
        };
        let (vendor_id, payment_id) = (vendor_id.clone(), payment.payment_id.clone());
        let confirmed = self.payments.confirm(payment, &vendor_id, input, &asker(request)).await?;
        let Some(worked) = confirmed else { return Ok(None) };
        let list = &self.payments.list;
        match worked {
            Worked::Settled(subject, verdict) => answers::to_confirm(subject, &verdict).map(Some),
            Worked::Nothing(intent) => {
                answers::to_repeated_confirm(&list.payment(&payment_id).await?, &intent).map(Some)
            }
            Worked::Missing | Worked::Fenced => Ok(Some(Answer::new(202, list.payment(&payment_id).await?.view(true)))),
        }
    }

    async fn cancel(&self, request: &ApiRequest, payment_id: &PaymentId) -> Result<Answer> {
        match self.payments.list.cancel_payment(payment_id, request.caller.as_ref(), &request.correlation).await? {
            Cancel::Canceled(payment) => Ok(Answer::new(200, payment.view(false))),
            Cancel::Requested(payment) => Ok(Answer::new(202, payment.view(false))),
            Cancel::AtVendor(intent_id) => {
                let worked = self.payments.carry_on(&intent_id, &request.lease()).await?;
                let payment = self.payments.list.payment(payment_id).await?;
                match payment.status {
                    PaymentStatus::Canceled => Ok(Answer::new(200, payment.view(false))),
                    PaymentStatus::Succeeded => {
                        Err(Error::rejected(409, "payment_already_succeeded", "The payment has already succeeded."))
                    }
                    _ => Ok(Answer::new(202, answers::to_be_canceled(&payment, &worked))),
                }
            }
        }
    }
}

/// Who asks: this request, within its own time.
fn asker(request: &ApiRequest) -> Asker {
    Asker { correlation: request.correlation.clone(), lease: request.lease() }
}

/// The payment that a path names.
fn payment_id(text: &str) -> Result<PaymentId> {
    PaymentId::parse(text).ok_or_else(payment_not_found)
}

impl HttpFunction for PaymentInitiator {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::POST, ["payments"]) => self.create(&request).await,
            (&Method::GET, ["payments", id]) => {
                let payment = self.payments.list.payment(&payment_id(id)?).await?;
                Ok(Answer::new(200, payment.view(false)))
            }
            (&Method::POST, ["payments", id, "confirm"]) => Box::pin(self.confirm(&request, &payment_id(id)?)).await,
            (&Method::POST, ["payments", id, "cancel"]) => self.cancel(&request, &payment_id(id)?).await,
            (&Method::POST, ["payments", id, "refunds"]) => self.refund(&request, &payment_id(id)?).await,
            (&Method::POST, ["customers"]) => self.create_customer(&request).await,
            (&Method::GET, ["customers", id, "payment-methods"]) => self.payment_methods(&request, id).await,
            (&Method::GET, ["orders", id]) => orders::order(&self.payments.list, &request, id).await,
            _ => Err(no_such_route()),
        }
    }
}
