//! The life of a payment intent: who may move it, where to, and which events that makes.

use super::State;
use super::cards::{Outcome, by_token};
use super::charging::Verdict;
use super::command::{Command, Confirmation, Create, missing_payment_method, missing_return_url};
use super::events::Origin;
use super::failure::Failure;
use super::later::{Later, PAYMENT_TAKES_MS};
use super::objects::{PaymentIntent, Status};
use serde_json::{Value, json};

/// What a cancel is possible from, as Stripe's message lists it.
const CANCELABLE: &str =
    "requires_payment_method, requires_capture, requires_confirmation, requires_action, processing";

impl State {
    /// Looks up what the command refers to. A failure here comes before execution, so it is not remembered.
    pub(super) fn look_up(&self, command: &Command) -> Result<(), Failure> {
        match command {
            Command::Create(create) => {
                let customer = create.customer.as_deref();
                self.look_up_customer(customer)?;
                self.look_up_wanted(create.payment_method.as_deref(), customer)
            }
            Command::Confirm { id, confirmation } => {
                let intent = &self.payment_intents[self.position(id)?];
                self.look_up_wanted(confirmation.payment_method.as_deref(), intent.customer.as_deref())
            }
            Command::Cancel { id, .. } => self.position(id).map(|_| ()),
            Command::Refund(order) => self.look_up_refund(order),
            Command::UpdateCustomer { id, .. } if self.customer(id).is_none() => {
                Err(Failure::no_such("customer", id, "id", 404))
            }
            Command::CreateCustomer(_) | Command::UpdateCustomer { .. } => Ok(()),
            Command::Attach { id, customer } => {
                self.look_up_customer(Some(customer))?;
                let known = by_token(id).is_some() || self.payment_method(id).is_some();
                if known { Ok(()) } else { Err(Failure::no_such("PaymentMethod", id, "payment_method", 404)) }
            }
        }
    }

    /// Carries a command out. Whatever this returns, execution has begun: the answer is remembered under the key.
    pub(super) fn execute(&mut self, now_ms: i64, command: Command, origin: &Origin) -> Result<Value, Failure> {
        let position = match command {
            Command::Create(create) => self.create(now_ms, create, origin)?,
            Command::Confirm { id, confirmation } => {
                let position = self.position(&id)?;
                self.confirm(now_ms, position, &confirmation, origin)?;
                position
            }
            Command::Cancel { id, reason } => {
                let position = self.position(&id)?;
                self.cancel(now_ms, position, reason, origin)?;
                position
            }
            Command::Refund(order) => return self.make_refund(now_ms, order, origin),
            Command::CreateCustomer(changes) => return Ok(self.create_customer(now_ms, &changes, origin)),
            Command::UpdateCustomer { id, changes } => return self.update_customer(now_ms, &id, &changes, origin),
            Command::Attach { id, customer } => return self.attach(now_ms, &id, &customer),
        };
        Ok(self.payment_intents[position].to_json())
    }

    fn look_up_wanted(&self, payment_method: Option<&str>, customer: Option<&str>) -> Result<(), Failure> {
        payment_method.map_or(Ok(()), |id| self.look_up_payment_method(id, customer))
    }

    fn create(&mut self, now_ms: i64, create: Create, origin: &Origin) -> Result<usize, Failure> {
        let id = format!("pi_{}", self.ids.next("pi", 24));
        self.payment_intents.push(PaymentIntent {
            client_secret: format!("{id}_secret_{}", self.ids.next("secret", 25)),
            id,
            status: Status::RequiresPaymentMethod,
            amount: create.amount,
            currency: create.currency,
            created_s: now_ms / 1000,
            metadata: create.metadata,
            description: create.description,
            customer: create.customer,
            setup_future_usage: create.setup_future_usage,
            payment_method: None,
            latest_charge: None,
            last_payment_error: None,
            next_action: None,
            canceled_at_s: None,
            cancellation_reason: None,
            automatic_payment_methods: create.automatic_payment_methods,
            idempotency_key: origin.idempotency_key.clone(),
        });
        let position = self.payment_intents.len() - 1;
        self.tell(now_ms, "payment_intent.created", position, origin);
        if let Some(confirmation) = &create.confirmation {
            self.confirm(now_ms, position, confirmation, origin)?;
        } else if let Some(payment_method) = &create.payment_method {
            let payment_method = self.use_payment_method(now_ms, payment_method);
            let intent = &mut self.payment_intents[position];
            intent.payment_method = Some(payment_method);
            intent.status = Status::RequiresConfirmation;
        }
        Ok(position)
    }

    /// Confirms an intent: by its owner, or by a shopper who holds the client secret.
    pub(super) fn confirm(
        &mut self,
        now_ms: i64,
        position: usize,
        confirmation: &Confirmation,
        origin: &Origin,
    ) -> Result<(), Failure> {
        let intent = &self.payment_intents[position];
        if matches!(intent.status, Status::Succeeded | Status::Canceled | Status::Processing) {
            let status = intent.status.name();
            let message = format!("You cannot confirm this PaymentIntent because it has a status of {status}.");
            return Err(self.unexpected_state(position, message));
        }
        if intent.automatic_payment_methods && confirmation.return_url.is_none() {
            return Err(missing_return_url());
        }
        let Some(payment_method) = confirmation.payment_method.clone().or_else(|| intent.payment_method.clone()) else {
            return Err(Failure { payment_intent: Some(intent.to_json()), ..missing_payment_method() });
        };
        let payment_method = self.use_payment_method(now_ms, &payment_method);
        let outcome = self.outcome(&payment_method, confirmation.off_session);
        let intent = &mut self.payment_intents[position];
        intent.payment_method = Some(payment_method);
        intent.next_action = None;
        if let Some(usage) = &confirmation.setup_future_usage {
            intent.setup_future_usage = Some(usage.clone());
        }
        match outcome {
            Outcome::Succeeds => self.conclude(now_ms, position, &Verdict::Charged, origin),
            Outcome::Declines(code, decline_code) => {
                self.conclude(now_ms, position, &Verdict::Declined(code, decline_code), origin)
            }
            Outcome::AsksTheShopper | Outcome::AsksUnlessSetUp if confirmation.nobody_there => {
                let verdict = Verdict::Declined("authentication_required", "authentication_required");
                self.conclude(now_ms, position, &verdict, origin)
            }
            Outcome::AsksTheShopper | Outcome::AsksUnlessSetUp => {
                intent.status = Status::RequiresAction;
                intent.next_action = Some(next_action(&intent.id, confirmation.return_url.as_deref()));
                self.tell(now_ms, "payment_intent.requires_action", position, origin);
                Ok(())
            }
            Outcome::DeclinesOnceSaved => {
                self.conclude(now_ms, position, &Verdict::Declined("card_declined", "generic_decline"), origin)
            }
            Outcome::Processes | Outcome::AnswersLater(_) => {
                intent.status = Status::Processing;
                if let Outcome::AnswersLater(charged) = outcome {
                    let id = intent.id.clone();
                    self.plan(now_ms + PAYMENT_TAKES_MS, Later::Payment(id, charged));
                }
                self.tell(now_ms, "payment_intent.processing", position, origin);
                Ok(())
            }
        }
    }

    /// What the bank says to a payment method; one that has gone is declined.
    fn outcome(&self, payment_method: &str, off_session: bool) -> Outcome {
        match self.payment_method(payment_method) {
            None => Outcome::Declines("card_declined", "generic_decline"),
            Some(method) if method.card.outcome == Outcome::AsksUnlessSetUp && off_session && method.set_up => {
                Outcome::Succeeds
            }
            Some(method) => method.card.outcome,
        }
    }

    fn cancel(&mut self, now_ms: i64, position: usize, reason: Option<String>, origin: &Origin) -> Result<(), Failure> {
        let keeps_processing = self.keeps_what_is_processing();
        let intent = &mut self.payment_intents[position];
        if matches!(intent.status, Status::Succeeded | Status::Canceled)
            || (keeps_processing && intent.status == Status::Processing)
        {
            let message = format!(
                "You cannot cancel this PaymentIntent because it has a status of {}. Only a PaymentIntent with one of \
                the following statuses may be canceled: {CANCELABLE}.",
                intent.status.name()
            );
            return Err(self.unexpected_state(position, message));
        }
        intent.status = Status::Canceled;
        intent.next_action = None;
        intent.canceled_at_s = Some(now_ms / 1000);
        intent.cancellation_reason = reason;
        self.tell(now_ms, "payment_intent.canceled", position, origin);
        Ok(())
    }

    /// The shopper's bank has asked; the shopper passes or fails.
    pub(super) fn authenticate(&mut self, now_ms: i64, position: usize, passed: bool) -> Result<(), Failure> {
        if self.payment_intents[position].status != Status::RequiresAction {
            return Err(self.unexpected_state(position, "This PaymentIntent does not wait for the shopper."));
        }
        let origin = self.shoppers_origin();
        if passed {
            self.payment_intents[position].next_action = None;
            return self.conclude(now_ms, position, &Verdict::Charged, &origin);
        }
        let failure = Failure::invalid(
            Some("payment_intent_authentication_failure"),
            None,
            "The provided PaymentMethod has failed authentication.",
        );
        self.fail(now_ms, position, failure, &origin);
        Ok(())
    }

    /// The bank's late answer for an intent in `processing`.
    pub(super) fn settle_processing(&mut self, now_ms: i64, position: usize, charged: bool) -> Result<(), Failure> {
        if self.payment_intents[position].status != Status::Processing {
            return Err(self.unexpected_state(position, "This PaymentIntent does not wait for the bank."));
        }
        let verdict = if charged { Verdict::Charged } else { Verdict::Declined("card_declined", "generic_decline") };
        // Nobody waits for this answer: a decline shows in the intent and its event only.
        let _ = self.conclude(now_ms, position, &verdict, &Origin::default());
        Ok(())
    }

    fn unexpected_state(&self, position: usize, message: impl Into<String>) -> Failure {
        Failure {
            payment_intent: Some(self.payment_intents[position].to_json()),
            ..Failure::invalid(Some("payment_intent_unexpected_state"), None, message)
        }
    }

    /// An event about an intent as it is now.
    pub(super) fn tell(&mut self, now_ms: i64, kind: &'static str, position: usize, origin: &Origin) {
        let object = self.payment_intents[position].to_json();
        self.emit(now_ms, kind, &object, origin);
    }

    pub(super) fn position(&self, id: &str) -> Result<usize, Failure> {
        self.payment_intents
            .iter()
            .position(|intent| intent.id == id)
            .ok_or_else(|| Failure::no_such("payment_intent", id, "intent", 404))
    }
}

/// Where the shopper authenticates: on the bank's page, or inside the shop's page when there is no way back.
fn next_action(intent: &str, return_url: Option<&str>) -> Value {
    match return_url {
        Some(return_url) => json!({
            "type": "redirect_to_url",
            "redirect_to_url": {
                "return_url": return_url,
                "url": format!("https://hooks.stripe.com/redirect/authenticate/{intent}"),
            },
        }),
        None => json!({ "type": "use_stripe_sdk", "use_stripe_sdk": { "type": "three_d_secure_redirect" } }),
    }
}
