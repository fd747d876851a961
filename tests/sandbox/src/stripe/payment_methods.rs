//! Payment methods: cards of test mode, of nobody or of one customer.

use super::State;
use super::cards::{Outcome, TestCard, by_token};
use super::failure::Failure;
use super::form::Form;
use super::listing::{Listed, page};
use super::parameters::{not_simulated, refuse_unknown};
use serde::Serialize;
use serde_json::{Value, json};

const LIST_PARAMETERS: [&str; 5] = ["customer", "ending_before", "limit", "starting_after", "type"];

/// A card that was shown to Stripe.
#[derive(Clone, Debug, Serialize)]
pub struct PaymentMethod {
    /// `pm_…`
    pub id: String,
    /// Whose it is, `cus_…`.
    pub customer: Option<String>,
    /// The shopper has agreed to charges in absence, and the bank with them.
    pub set_up: bool,
    /// Charged without being anybody's: it cannot be used again.
    pub used_up: bool,
    /// Epoch seconds.
    pub created_s: i64,
    #[serde(rename = "last4")]
    pub(crate) card: &'static TestCard,
}

impl PaymentMethod {
    /// The object as the API shows it.
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "object": "payment_method",
            "type": "card",
            "billing_details": { "address": null, "email": null, "name": null, "phone": null },
            "card": self.card.to_json(),
            "created": self.created_s,
            "customer": self.customer,
            "livemode": false,
            "metadata": {},
        })
    }
}

impl Listed for PaymentMethod {
    const WHAT: &'static str = "PaymentMethod";

    fn id(&self) -> &str {
        &self.id
    }

    fn created_s(&self) -> i64 {
        self.created_s
    }

    fn to_json(&self) -> Value {
        Self::to_json(self)
    }
}

impl State {
    /// Whether a payment of this customer (or of nobody) may use the payment method or test token.
    pub(super) fn look_up_payment_method(&self, id: &str, customer: Option<&str>) -> Result<(), Failure> {
        if by_token(id).is_some() {
            return Ok(());
        }
        let param = "payment_method";
        let method = self.payment_method(id).ok_or_else(|| Failure::no_such("PaymentMethod", id, param, 400))?;
        match (method.customer.as_deref(), customer) {
            (Some(owner), None) => {
                let message = format!(
                    "The `payment_method` parameter supplied {id} belongs to the Customer {owner}. Please include the \
                    Customer in the `customer` parameter on the PaymentIntent."
                );
                Err(Failure::invalid(Some("parameter_missing"), Some(param), message))
            }
            (Some(owner), Some(other)) if owner != other => {
                let message = format!(
                    "The customer does not have a payment method with the ID {id}. The payment method must be attached \
                    to the customer."
                );
                Err(Failure::invalid(None, Some(param), message))
            }
            (None, _) if method.used_up => Err(used_up()),
            _ => Ok(()),
        }
    }

    /// A test token becomes a payment method of its own at each use; an existing one stays what it is.
    pub(super) fn use_payment_method(&mut self, now_ms: i64, id: &str) -> String {
        let Some(card) = by_token(id) else { return id.to_owned() };
        let id = format!("pm_{}", self.ids.next("pm", 24));
        self.payment_methods.push(PaymentMethod {
            id: id.clone(),
            customer: None,
            set_up: false,
            used_up: false,
            created_s: now_ms / 1000,
            card,
        });
        id
    }

    /// POST /v1/payment_methods/{id}/attach. The bank is asked, as at a charge.
    pub(super) fn attach(&mut self, now_ms: i64, id: &str, customer: &str) -> Result<Value, Failure> {
        let card = by_token(id).or_else(|| self.payment_method(id).map(|method| method.card));
        if let Some(Outcome::Declines(code, decline_code)) = card.map(|card| card.outcome) {
            return Err(Failure::declined(code, decline_code));
        }
        let id = self.use_payment_method(now_ms, id);
        let missing = || Failure::no_such("PaymentMethod", &id, "payment_method", 404);
        let method = self.payment_methods.iter_mut().find(|method| method.id == id).ok_or_else(missing)?;
        if method.customer.as_deref().is_some_and(|owner| owner != customer) {
            let message = "The payment method you provided has already been attached to a customer.";
            return Err(Failure::invalid(None, None, message));
        }
        if method.used_up {
            return Err(used_up());
        }
        method.customer = Some(customer.to_owned());
        Ok(method.to_json())
    }

    /// A charge went through: the card is the customer's from now on if that was wanted, or it is used up.
    pub(super) fn keep_or_use_up(&mut self, id: &str, customer: Option<&str>, setup_future_usage: Option<&str>) {
        let Some(method) = self.payment_methods.iter_mut().find(|method| method.id == id) else { return };
        if let (None, Some(customer), Some(_)) = (&method.customer, customer, setup_future_usage) {
            method.customer = Some(customer.to_owned());
        }
        method.used_up = method.customer.is_none();
        method.set_up |= method.customer.is_some() && setup_future_usage == Some("off_session");
    }

    /// GET /v1/payment_methods, and GET /v1/customers/{id}/payment_methods where the path names the customer.
    pub(super) fn list_payment_methods(&self, query: &Form, customer: Option<&str>) -> Result<Value, Failure> {
        refuse_unknown(query, if customer.is_some() { &LIST_PARAMETERS[1..] } else { &LIST_PARAMETERS })?;
        if let Some(other) = query.get("type").filter(|kind| *kind != "card") {
            return Err(not_simulated("type", other));
        }
        let (id, status) = match (customer, query.get("customer")) {
            (Some(id), _) => (id, 404),
            (None, Some(id)) => (id, 400),
            (None, None) => return Err(Failure::missing_parameter("customer")),
        };
        if self.customer(id).is_none() {
            return Err(Failure::no_such("customer", id, "customer", status));
        }
        let url = customer.map_or("/v1/payment_methods".to_owned(), |id| format!("/v1/customers/{id}/payment_methods"));
        let of_customer = |method: &&PaymentMethod| method.customer.as_deref() == Some(id);
        page(query, &url, self.payment_methods.iter().rev().filter(of_customer).collect())
    }
}

fn used_up() -> Failure {
    let message = "This PaymentMethod was previously used without being attached to a Customer or was detached from a \
        Customer, and may not be used again.";
    Failure::invalid(None, Some("payment_method"), message)
}
