//! The life of a payment intent: who may move it, where to, and which events that makes.

use super::State;
use super::cards::{Outcome, TestCard, by_token, decline_message};
use super::command::{Command, Confirmation, Create, missing_payment_method, missing_return_url};
use super::events::Origin;
use super::failure::Failure;
use super::objects::{Charge, PaymentIntent, Status};
use serde_json::{Value, json};

/// What a cancel is possible from, as Stripe's message lists it.
const CANCELABLE: &str =
    "requires_payment_method, requires_capture, requires_confirmation, requires_action, processing";

/// What becomes of an open intent.
enum Verdict {
    Charged,
    Declined(&'static str, &'static str),
}

impl State {
    /// Looks up what the command refers to. A failure here comes before execution, so it is not remembered.
    pub(super) fn look_up(&self, command: &Command) -> Result<(), Failure> {
        let (payment_method, intent) = match command {
            Command::Create(create) => (&create.payment_method, None),
            Command::Confirm { id, confirmation } => (&confirmation.payment_method, Some(id)),
            Command::Cancel { id, .. } => (&None, Some(id)),
        };
        if let Some(id) = intent.filter(|id| self.payment_intent(id).is_none()) {
            return Err(Failure::no_such("payment_intent", id, "intent", 404));
        }
        match payment_method {
            Some(id) if self.card(id).is_none() => Err(Failure::no_such("PaymentMethod", id, "payment_method", 400)),
            _ => Ok(()),
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
        };
        Ok(self.payment_intents[position].to_json())
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
            let payment_method = self.use_payment_method(payment_method);
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
        let payment_method = self.use_payment_method(&payment_method);
        let outcome = self
            .card(&payment_method)
            .map_or(Outcome::Declines("card_declined", "generic_decline"), |card| card.outcome);
        let intent = &mut self.payment_intents[position];
        intent.payment_method = Some(payment_method);
        intent.next_action = None;
        match outcome {
            Outcome::Succeeds => self.conclude(now_ms, position, &Verdict::Charged, origin),
            Outcome::Declines(code, decline_code) => {
                self.conclude(now_ms, position, &Verdict::Declined(code, decline_code), origin)
            }
            Outcome::AsksTheShopper if confirmation.nobody_there => {
                let verdict = Verdict::Declined("authentication_required", "authentication_required");
                self.conclude(now_ms, position, &verdict, origin)
            }
            Outcome::AsksTheShopper => {
                intent.status = Status::RequiresAction;
                intent.next_action = Some(next_action(&intent.id, confirmation.return_url.as_deref()));
                self.tell(now_ms, "payment_intent.requires_action", position, origin);
                Ok(())
            }
            Outcome::Processes => {
                intent.status = Status::Processing;
                self.tell(now_ms, "payment_intent.processing", position, origin);
                Ok(())
            }
        }
    }

    fn cancel(&mut self, now_ms: i64, position: usize, reason: Option<String>, origin: &Origin) -> Result<(), Failure> {
        let intent = &mut self.payment_intents[position];
        if matches!(intent.status, Status::Succeeded | Status::Canceled) {
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

    /// Takes the money, or tries to: a charge, the new status, both events.
    fn conclude(&mut self, now_ms: i64, position: usize, verdict: &Verdict, origin: &Origin) -> Result<(), Failure> {
        let intent = &self.payment_intents[position];
        let failure = match verdict {
            Verdict::Charged => None,
            Verdict::Declined(code, decline_code) => Some((*code, *decline_code, decline_message(code, decline_code))),
        };
        let charge = Charge {
            id: format!("ch_{}", self.ids.next("ch", 24)),
            payment_intent: intent.id.clone(),
            amount: intent.amount,
            currency: intent.currency.clone(),
            succeeded: failure.is_none(),
            created_s: now_ms / 1000,
            payment_method: intent.payment_method.clone().unwrap_or_default(),
            metadata: intent.metadata.clone(),
            failure: failure.map(|(code, _, message)| (code.to_owned(), message.to_owned())),
        };
        let charge_id = charge.id.clone();
        let charge_event = if charge.succeeded { "charge.succeeded" } else { "charge.failed" };
        self.emit(now_ms, charge_event, &charge.to_json(), origin);
        self.charges.push(charge);
        let intent = &mut self.payment_intents[position];
        intent.latest_charge = Some(charge_id.clone());
        let Some((code, decline_code, message)) = failure else {
            intent.status = Status::Succeeded;
            intent.last_payment_error = None;
            self.tell(now_ms, "payment_intent.succeeded", position, origin);
            return Ok(());
        };
        let failure = Failure {
            status: 402,
            kind: "card_error",
            code: Some(code),
            decline_code: Some(decline_code),
            message: message.to_owned(),
            charge: Some(charge_id),
            ..Failure::default()
        };
        Err(self.fail(now_ms, position, failure, origin))
    }

    /// Sends the intent back to the start, with the reason. Returns the failure as the caller sees it.
    fn fail(&mut self, now_ms: i64, position: usize, mut failure: Failure, origin: &Origin) -> Failure {
        let intent = &self.payment_intents[position];
        failure.payment_method = intent.payment_method.as_ref().and_then(|id| {
            let card = self.card(id)?;
            Some(card.to_json(id, now_ms / 1000))
        });
        let intent = &mut self.payment_intents[position];
        intent.status = Status::RequiresPaymentMethod;
        intent.payment_method = None;
        intent.next_action = None;
        intent.last_payment_error = Some(failure.last_payment_error());
        failure.payment_intent = Some(intent.to_json());
        self.tell(now_ms, "payment_intent.payment_failed", position, origin);
        failure
    }

    fn unexpected_state(&self, position: usize, message: impl Into<String>) -> Failure {
        Failure {
            payment_intent: Some(self.payment_intents[position].to_json()),
            ..Failure::invalid(Some("payment_intent_unexpected_state"), None, message)
        }
    }

    /// An event about an intent as it is now.
    fn tell(&mut self, now_ms: i64, kind: &'static str, position: usize, origin: &Origin) {
        let object = self.payment_intents[position].to_json();
        self.emit(now_ms, kind, &object, origin);
    }

    /// A test token becomes a payment method of its own at each use; an existing one stays what it is.
    fn use_payment_method(&mut self, id: &str) -> String {
        let Some(card) = by_token(id) else { return id.to_owned() };
        let id = format!("pm_{}", self.ids.next("pm", 24));
        self.payment_methods.insert(id.clone(), card);
        id
    }

    fn card(&self, id: &str) -> Option<&'static TestCard> {
        by_token(id).or_else(|| self.payment_methods.get(id).copied())
    }

    fn position(&self, id: &str) -> Result<usize, Failure> {
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
