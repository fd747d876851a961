//! The storefront and its shopper: they call the API, retry as good clients do, and pay at Stripe.

mod after_payment;
mod campaigning;
mod canceling;
pub mod shipping;
mod writing;

use crossdock::domain::input::CreatePayment;
use sandbox::Vendor;
use serde_json::{Value, json};

use crate::universe::{Response, Universe};

/// How long a storefront waits before it asks again.
const RETRY_AFTER_MS: u64 = 3_000;
/// How often it asks before it leaves the rest to the webhooks.
const RETRIES_MAX: usize = 4;
/// The longest that any flow takes to come to rest: two mail windows and the sweeper's minutes, with room.
const REST_WITHIN_MS: i64 = 4 * 3_600_000;

/// A request for a payment of 10.99 euros.
pub fn payment(order: &str) -> Value {
    let body = json!({
        "order_id": order,
        "amount": { "value": 1099, "currency": "EUR" },
        "customer": { "id": "c-1", "email": "ada@example.com", "name": "Ada Lovelace" },
    });
    debug_assert!(CreatePayment::parse(body.to_string().as_bytes()).is_ok());
    body
}

/// The same, confirmed at once with this payment method.
pub fn confirmed_payment(order: &str, payment_method: &str) -> Value {
    let mut body = payment(order);
    body["payment_method"] = json!(payment_method);
    body["confirm"] = json!(true);
    body
}

/// Asks for a payment until there is a final answer: same key, same body, a while later.
pub async fn create(universe: &mut Universe, body: &Value) -> Response {
    let mut response = universe.call("POST", "/payments", Some("checkout-1"), Some(body)).await;
    for _ in 0..RETRIES_MAX {
        if !matches!(response.status(), 202 | 502 | 503) {
            break;
        }
        universe.sleep_ms(RETRY_AFTER_MS).await;
        response = universe.call("POST", "/payments", Some("checkout-1"), Some(body)).await;
    }
    response
}

/// Confirms until there is a final answer.
pub async fn confirm(universe: &mut Universe, payment_id: &str, payment_method: &str) -> Response {
    let path = format!("/payments/{payment_id}/confirm");
    let body = json!({ "payment_method": payment_method });
    let mut response = universe.call("POST", &path, None, Some(&body)).await;
    for _ in 0..RETRIES_MAX {
        if !matches!(response.status(), 202 | 502 | 503) {
            break;
        }
        universe.sleep_ms(RETRY_AFTER_MS).await;
        response = universe.call("POST", &path, None, Some(&body)).await;
    }
    response
}

/// Asks how an order stands.
pub async fn order(universe: &mut Universe, order: &str) -> Value {
    let path = format!("/orders/{order}");
    for _ in 0..RETRIES_MAX {
        if let Response::Answer { body, .. } = universe.call("GET", &path, None, None).await {
            return body;
        }
    }
    Value::Null
}

/// The shopper pays at Stripe with what the browser was given, if anything.
pub fn shopper_pays(universe: &Universe, response: &Response) {
    if let Some(secret) = response.body().get("client_secret").and_then(Value::as_str) {
        let now_ms = universe.now_ms();
        // A payment that is paid already is refused; the shopper sees a paid order either way.
        let _ = universe.sandbox().shopper_confirms(now_ms, secret, "pm_card_visa");
    }
}

/// The flows that the sweeps go through. Each ends at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Create, the shopper pays in the browser, webhook, mail, delivered.
    PaidInTheBrowser,
    /// Create with confirm: Stripe charges within our call.
    PaidAtOnce,
    /// Declined at create, then confirmed with another card.
    DeclinedThenPaid,
    /// Stripe is down at the checkout and back ten minutes later; then the shopper pays.
    Deferred,
    /// Stripe does it, and the answer to the first call is lost.
    AnswerLost,
    /// Stripe does it and answers 500, and repeats that under the same key.
    StoredError,
    /// Created and canceled.
    Canceled,
    /// To be charged at once, while Stripe is down; canceled; then Stripe is back.
    DeferredThenCanceled,
    /// To be charged at once, and the requests are lost; canceled while nobody knows what became of it.
    LostThenCanceled,
    /// Charged at once, and the answers are lost; canceled while nobody knows.
    ChargedThenCanceled,
    /// A confirm waits to be sent, and the shop cancels.
    ConfirmThenCanceled,
    /// Stripe fails at the cancel, and repeats that under the same key.
    CancelStoredError,
    /// SendGrid accepts the mail, and its answer is lost.
    MailAnswerLost,
    /// SendGrid is down for a while.
    MailDeferred,
    /// The bank asks for 3-D Secure, and the shopper passes.
    ThreeDSecure,
    /// Paid, then refunded.
    Refunded,
    /// Paid, then refunded in two equal parts, each asked for twice.
    RefundedInParts,
    /// Stripe refunds, and the answer is lost.
    RefundAnswerLost,
    /// Stripe refunds and answers 500, and repeats that under the same key.
    RefundStoredError,
    /// Stripe is down when the refund is asked for.
    RefundDeferred,
    /// The refund succeeds, and a minute later the bank sends the money back.
    RefundFailsLater,
    /// A clerk refunds a part in Stripe's dashboard.
    RefundedAtTheVendor,
    /// The same, where Stripe's endpoint hears of the charge only.
    RefundToldByCharge,
    /// The same, before we even know that the payment exists.
    RefundedBeforeKnown,
    /// A customer saves a card, and is charged later without being there.
    SavedCard,
    /// Stripe makes the customer, and the answer is lost.
    CustomerAnswerLost,
    /// A customer is deleted in Stripe's dashboard, and pays again.
    CustomerDeleted,
    /// Payment and refund are asked for by messages on the queue.
    Commanded,
    /// An SMS that arrives.
    SmsDelivered,
    /// Twilio takes an SMS, and its answer is lost.
    SmsAnswerLost,
    /// An SMS that arrives, and not one of its callbacks does.
    SmsCallbacksLost,
    /// An SMS that does not arrive, and the mail in its place.
    SmsBecomesMail,
    /// Twilio takes a code, and its answer is lost.
    CodeAnswerLost,
    /// A label is bought at UPS, and its parcel arrives.
    Shipped,
    /// UPS makes a label, and its answer is lost: UPS gives it again.
    UpsAnswerLost,
    /// FedEx makes a label, and its answer is lost: it is voided, and another one bought.
    FedexAnswerLost,
    /// UPS is down for a while.
    LabelDeferred,
    /// FedEx is down, and another carrier may do it.
    LabelFallsBack,
    /// One promotion to five, of whom one did not ask for it.
    Campaign,
    /// The same, called off while SendGrid holds it.
    CampaignCanceled,
}

impl Flow {
    /// All of them.
    pub const ALL: [Self; 40] = [
        Self::PaidInTheBrowser,
        Self::PaidAtOnce,
        Self::DeclinedThenPaid,
        Self::Deferred,
        Self::AnswerLost,
        Self::StoredError,
        Self::Canceled,
        Self::DeferredThenCanceled,
        Self::LostThenCanceled,
        Self::ChargedThenCanceled,
        Self::ConfirmThenCanceled,
        Self::CancelStoredError,
        Self::MailAnswerLost,
        Self::MailDeferred,
        Self::ThreeDSecure,
        Self::Refunded,
        Self::RefundedInParts,
        Self::RefundAnswerLost,
        Self::RefundStoredError,
        Self::RefundDeferred,
        Self::RefundFailsLater,
        Self::RefundedAtTheVendor,
        Self::RefundToldByCharge,
        Self::RefundedBeforeKnown,
        Self::SavedCard,
        Self::CustomerAnswerLost,
        Self::CustomerDeleted,
        Self::Commanded,
        Self::SmsDelivered,
        Self::SmsAnswerLost,
        Self::SmsCallbacksLost,
        Self::SmsBecomesMail,
        Self::CodeAnswerLost,
        Self::Shipped,
        Self::UpsAnswerLost,
        Self::FedexAnswerLost,
        Self::LabelDeferred,
        Self::LabelFallsBack,
        Self::Campaign,
        Self::CampaignCanceled,
    ];

    /// Whether it is about a message.
    const fn is_a_message(self) -> bool {
        matches!(
            self,
            Self::SmsDelivered
                | Self::SmsAnswerLost
                | Self::SmsCallbacksLost
                | Self::SmsBecomesMail
                | Self::CodeAnswerLost
        )
    }

    /// Whether it is about a shipment.
    const fn is_a_shipment(self) -> bool {
        matches!(
            self,
            Self::Shipped | Self::UpsAnswerLost | Self::FedexAnswerLost | Self::LabelDeferred | Self::LabelFallsBack
        )
    }

    /// Whether it ends with a cancel that something stands in the way of.
    const fn is_a_cancel(self) -> bool {
        matches!(
            self,
            Self::DeferredThenCanceled
                | Self::LostThenCanceled
                | Self::ChargedThenCanceled
                | Self::ConfirmThenCanceled
                | Self::CancelStoredError
        )
    }

    /// Whether it is about many.
    const fn is_a_campaign(self) -> bool {
        matches!(self, Self::Campaign | Self::CampaignCanceled)
    }

    /// Runs the flow to rest.
    pub async fn run(self, universe: &mut Universe) {
        if self.is_a_campaign() {
            return campaigning::run(self, universe).await;
        }
        if self.is_a_message() {
            return writing::run(self, universe).await;
        }
        if self.is_a_shipment() {
            return shipping::run(self, universe).await;
        }
        if self.is_after_payment() {
            return after_payment::run(self, universe).await;
        }
        if self.is_a_cancel() {
            return canceling::run(self, universe).await;
        }
        self.begin(universe).await;
        universe.run_until_quiet(REST_WITHIN_MS).await;
        // A shopper whose checkout died comes back, finds the order unpaid, and pays.
        if self != Self::Canceled
            && order(universe, "o-1").await.pointer("/payment/status") != Some(&json!("succeeded"))
        {
            let response = create(universe, &self.body()).await;
            let payment_id = response.body().get("payment_id").and_then(Value::as_str).map(str::to_owned);
            match (self, payment_id) {
                (Self::PaidInTheBrowser | Self::MailAnswerLost | Self::MailDeferred | Self::Deferred, _) => {
                    shopper_pays(universe, &response);
                }
                (_, Some(payment_id)) => {
                    confirm(universe, &payment_id, "pm_card_visa").await;
                }
                (_, None) => {}
            }
            universe.run_until_quiet(REST_WITHIN_MS).await;
        }
    }

    /// Whether its own part begins where another flow has ended.
    const fn is_after_payment(self) -> bool {
        matches!(
            self,
            Self::ThreeDSecure
                | Self::Refunded
                | Self::RefundedInParts
                | Self::RefundAnswerLost
                | Self::RefundStoredError
                | Self::RefundDeferred
                | Self::RefundFailsLater
                | Self::RefundedAtTheVendor
                | Self::RefundToldByCharge
                | Self::RefundedBeforeKnown
                | Self::SavedCard
                | Self::CustomerAnswerLost
                | Self::CustomerDeleted
                | Self::Commanded
        )
    }

    fn body(self) -> Value {
        match self {
            Self::PaidAtOnce | Self::AnswerLost | Self::StoredError => confirmed_payment("o-1", "pm_card_visa"),
            Self::DeclinedThenPaid => confirmed_payment("o-1", "pm_card_visa_chargeDeclined"),
            _ => payment("o-1"),
        }
    }

    async fn begin(self, universe: &mut Universe) {
        use sandbox::CallFault;
        let body = self.body();
        match self {
            Self::Deferred => universe.sandbox().faults().outage(Vendor::Stripe, true),
            Self::AnswerLost => {
                let fault = CallFault::LostAnswer;
                universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, fault);
            }
            Self::StoredError => {
                let fault = CallFault::ErrorAfter { status: 500 };
                universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, fault);
            }
            Self::MailAnswerLost => {
                universe.sandbox().faults().next_calls(Vendor::SendGrid, "mail_send", 1, CallFault::LostAnswer);
            }
            Self::MailDeferred => {
                let fault = CallFault::ErrorBefore { status: 503 };
                universe.sandbox().faults().next_calls(Vendor::SendGrid, "mail_send", 2, fault);
            }
            _ => {}
        }
        let response = create(universe, &body).await;
        match self {
            Self::Canceled => {
                if let Some(payment_id) = response.body().get("payment_id").and_then(Value::as_str) {
                    let path = format!("/payments/{payment_id}/cancel");
                    for _ in 0..2 {
                        let canceled = universe.call("POST", &path, None, None).await;
                        if canceled.status() == 200 {
                            break;
                        }
                        universe.sleep_ms(RETRY_AFTER_MS).await;
                    }
                }
            }
            Self::Deferred => {
                universe.run_until_quiet(600_000).await;
                universe.sandbox().faults().outage(Vendor::Stripe, false);
                universe.run_until_quiet(REST_WITHIN_MS).await;
                let response = create(universe, &body).await;
                shopper_pays(universe, &response);
            }
            Self::DeclinedThenPaid => {
                if let Some(payment_id) = response.body().get("payment_id").and_then(Value::as_str) {
                    confirm(universe, payment_id, "pm_card_visa").await;
                }
            }
            _ => shopper_pays(universe, &response),
        }
    }

    /// What is wrong with the order at rest, besides the invariants.
    pub async fn unmet(self, universe: &mut Universe) -> Vec<String> {
        if self.is_a_campaign() {
            return campaigning::unmet(self, universe);
        }
        if self.is_a_message() {
            return writing::unmet(self, universe).await;
        }
        if self.is_a_shipment() {
            return shipping::unmet(self, universe).await;
        }
        if self.is_after_payment() {
            return after_payment::unmet(self, universe).await;
        }
        if self.is_a_cancel() {
            return canceling::unmet(self, universe);
        }
        let order = order(universe, "o-1").await;
        let status = order.pointer("/payment/status").and_then(Value::as_str).unwrap_or("none").to_owned();
        let mail = order.pointer("/messages/0/status").and_then(Value::as_str).unwrap_or("none").to_owned();
        match self {
            // A cancel that died may be asked for again, or not at all: then the payment waits for the shopper.
            Self::Canceled if matches!(status.as_str(), "canceled" | "requires_payment_method") => vec![],
            Self::Canceled => vec![format!("the payment is {status}")],
            _ if status == "succeeded" && mail == "delivered" => vec![],
            _ => vec![format!("the payment is {status}, the mail {mail}")],
        }
    }
}
