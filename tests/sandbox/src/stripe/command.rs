//! What a caller may ask of Stripe, and the checks before anything is done. What fails here is not remembered.

use super::currency::check_charge;
use super::customers::CustomerChanges;
use super::failure::Failure;
use super::form::Form;
use super::parameters::{boolean, integer, metadata, not_simulated, one_of, refuse_unknown, text};
use super::refunds::RefundOrder;
use std::collections::BTreeMap;

/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 1000;

const CREATE_PARAMETERS: [&str; 15] = [
    "amount",
    "automatic_payment_methods",
    "capture_method",
    "confirm",
    "confirmation_method",
    "currency",
    "customer",
    "description",
    "error_on_requires_action",
    "metadata",
    "off_session",
    "payment_method",
    "payment_method_types",
    "return_url",
    "setup_future_usage",
];

const CONFIRM_PARAMETERS: [&str; 5] =
    ["error_on_requires_action", "off_session", "payment_method", "return_url", "setup_future_usage"];

const FUTURE_USAGES: [&str; 2] = ["off_session", "on_session"];

const CANCELLATION_REASONS: [&str; 4] = ["abandoned", "duplicate", "fraudulent", "requested_by_customer"];

/// A request that may be carried out.
#[derive(Debug)]
pub(crate) enum Command {
    /// POST /v1/payment_intents
    Create(Create),
    /// POST /v1/payment_intents/{id}/confirm
    Confirm { id: String, confirmation: Confirmation },
    /// POST /v1/payment_intents/{id}/cancel
    Cancel { id: String, reason: Option<String> },
    /// POST /v1/refunds
    Refund(RefundOrder),
    /// POST /v1/customers
    CreateCustomer(CustomerChanges),
    /// POST /v1/customers/{id}
    UpdateCustomer { id: String, changes: CustomerChanges },
    /// POST /v1/payment_methods/{id}/attach
    Attach { id: String, customer: String },
}

#[derive(Debug)]
pub(crate) struct Create {
    pub(crate) amount: u64,
    pub(crate) currency: String,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) description: Option<String>,
    pub(crate) automatic_payment_methods: bool,
    pub(crate) customer: Option<String>,
    pub(crate) setup_future_usage: Option<String>,
    pub(crate) payment_method: Option<String>,
    /// Set when the intent is confirmed at once.
    pub(crate) confirmation: Option<Confirmation>,
}

/// How an intent is confirmed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Confirmation {
    /// Replaces the intent's payment method.
    pub(crate) payment_method: Option<String>,
    pub(crate) return_url: Option<String>,
    /// Replaces what the intent says about later use.
    pub(crate) setup_future_usage: Option<String>,
    /// The shopper is not at the checkout: a card that was set up for this passes.
    pub(crate) off_session: bool,
    /// A bank that asks for the shopper declines instead.
    pub(crate) nobody_there: bool,
}

/// Checks a create. What it refers to (the payment method) is looked up by the caller.
pub(crate) fn create(form: &Form) -> Result<Create, Failure> {
    refuse_unknown(form, &CREATE_PARAMETERS)?;
    let amount = form.get("amount").ok_or_else(|| Failure::missing_parameter("amount"))?;
    let amount: u64 = integer(amount, "amount")?;
    let currency = form.get("currency").ok_or_else(|| Failure::missing_parameter("currency"))?.to_ascii_lowercase();
    check_charge(amount, &currency)?;
    if let Some(other) = form.get("capture_method").filter(|method| *method != "automatic") {
        return Err(not_simulated("capture_method", other));
    }
    if let Some(other) = form.get("confirmation_method").filter(|method| *method != "automatic") {
        return Err(not_simulated("confirmation_method", other));
    }
    if let Some((_, kind)) = form.parts("payment_method_types").find(|(_, kind)| *kind != "card") {
        let message = format!("The payment method type \"{kind}\" is invalid or not activated in this account.");
        return Err(Failure::invalid(None, Some("payment_method_types"), message));
    }
    let automatic_payment_methods = form.part("automatic_payment_methods", "enabled") == Some("true");
    let confirm = boolean(form, "confirm")?;
    if !confirm && ["off_session", "return_url", "error_on_requires_action"].iter().any(|name| form.get(name).is_some())
    {
        let message = "off_session, return_url and error_on_requires_action can only be used with `confirm=true`.";
        return Err(Failure::invalid(None, Some("confirm"), message));
    }
    let confirmation = confirm.then(|| confirmation(form)).transpose()?;
    if let Some(confirmation) = &confirmation
        && confirmation.payment_method.is_none()
    {
        return Err(missing_payment_method());
    }
    if automatic_payment_methods && confirmation.as_ref().is_some_and(|confirmation| confirmation.return_url.is_none())
    {
        return Err(missing_return_url());
    }
    Ok(Create {
        amount,
        currency,
        metadata: metadata(form)?,
        description: text(form, "description", DESCRIPTION_MAX)?,
        automatic_payment_methods,
        customer: form.get("customer").map(str::to_owned),
        setup_future_usage: one_of(form, "setup_future_usage", &FUTURE_USAGES)?,
        payment_method: form.get("payment_method").map(str::to_owned),
        confirmation,
    })
}

/// Checks a confirm.
pub(crate) fn confirm(id: &str, form: &Form) -> Result<Command, Failure> {
    refuse_unknown(form, &CONFIRM_PARAMETERS)?;
    Ok(Command::Confirm { id: id.to_owned(), confirmation: confirmation(form)? })
}

/// Checks an attach: a payment method becomes a customer's.
pub(crate) fn attach(id: &str, form: &Form) -> Result<Command, Failure> {
    refuse_unknown(form, &["customer"])?;
    let customer = form.get("customer").ok_or_else(|| Failure::missing_parameter("customer"))?;
    Ok(Command::Attach { id: id.to_owned(), customer: customer.to_owned() })
}

/// Checks a cancel.
pub(crate) fn cancel(id: &str, form: &Form) -> Result<Command, Failure> {
    refuse_unknown(form, &["cancellation_reason"])?;
    let reason = one_of(form, "cancellation_reason", &CANCELLATION_REASONS)?;
    Ok(Command::Cancel { id: id.to_owned(), reason })
}

/// Confirmed without a payment method.
pub(crate) fn missing_payment_method() -> Failure {
    let message = "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update \
        the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment \
        method.";
    Failure::invalid(Some("payment_intent_unexpected_state"), None, message)
}

/// Stripe may choose a method that leads away from the shop, and needs a way back.
pub(crate) fn missing_return_url() -> Failure {
    let message = "This PaymentIntent is configured to accept payment methods that may redirect: a return_url is \
        required to confirm it.";
    Failure::invalid(None, Some("return_url"), message)
}

fn confirmation(form: &Form) -> Result<Confirmation, Failure> {
    let return_url = form.get("return_url");
    if return_url.is_some_and(|url| !url.contains("://")) {
        return Err(Failure::invalid(Some("url_invalid"), Some("return_url"), "Not a valid URL"));
    }
    let off_session = boolean(form, "off_session")?;
    Ok(Confirmation {
        payment_method: form.get("payment_method").map(str::to_owned),
        return_url: return_url.map(str::to_owned),
        setup_future_usage: one_of(form, "setup_future_usage", &FUTURE_USAGES)?,
        off_session,
        nobody_there: off_session || boolean(form, "error_on_requires_action")?,
    })
}
