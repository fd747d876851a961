//! What a caller may ask of Stripe, and the checks before anything is done. What fails here is not remembered.

use super::failure::Failure;
use super::form::Form;
use std::collections::BTreeMap;

/// The largest amount, in the smallest unit: eight digits.
const AMOUNT_MAX: u64 = 99_999_999;

/// Metadata: how many keys, the longest key and the longest value in characters.
const METADATA_MAX: (usize, usize, usize) = (50, 40, 500);

/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 1000;

/// The currencies that Stripe charges in.
const CURRENCIES: &str = "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd \
    cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf \
    idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr \
    mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp \
    sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw";

/// The smallest amounts that Stripe charges, in the smallest unit. Currencies that are not listed have none here.
const AMOUNT_MIN: [(&str, u64); 10] = [
    ("usd", 50),
    ("eur", 50),
    ("chf", 50),
    ("cad", 50),
    ("aud", 50),
    ("jpy", 50),
    ("gbp", 30),
    ("dkk", 250),
    ("nok", 300),
    ("sek", 300),
];

/// The amount must be a multiple: three-decimal currencies end in 0, and two are counted in hundredths that do not exist.
const AMOUNT_STEP: [(&str, u64); 7] =
    [("bhd", 10), ("jod", 10), ("kwd", 10), ("omr", 10), ("tnd", 10), ("isk", 100), ("ugx", 100)];

const CREATE_PARAMETERS: [&str; 14] = [
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
];

const CONFIRM_PARAMETERS: [&str; 4] = ["error_on_requires_action", "off_session", "payment_method", "return_url"];

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
}

#[derive(Debug)]
pub(crate) struct Create {
    pub(crate) amount: u64,
    pub(crate) currency: String,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) description: Option<String>,
    pub(crate) automatic_payment_methods: bool,
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
    /// Nobody is there to authenticate: a bank that asks for it declines instead.
    pub(crate) nobody_there: bool,
}

/// Checks a create. What it refers to (the payment method) is looked up by the caller.
pub(crate) fn create(form: &Form) -> Result<Create, Failure> {
    refuse_unknown(form, &CREATE_PARAMETERS)?;
    let amount = form.get("amount").ok_or_else(|| Failure::missing_parameter("amount"))?;
    let amount: u64 = amount.parse().map_err(|_| {
        let message = format!("Invalid integer: {amount}");
        Failure::invalid(Some("parameter_invalid_integer"), Some("amount"), message)
    })?;
    let currency = form.get("currency").ok_or_else(|| Failure::missing_parameter("currency"))?.to_ascii_lowercase();
    check_amount(amount, &currency)?;
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
    if let Some(customer) = form.get("customer") {
        return Err(Failure::no_such("customer", customer, "customer", 400)); // no customers exist here
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
        description: description(form)?,
        automatic_payment_methods,
        payment_method: form.get("payment_method").map(str::to_owned),
        confirmation,
    })
}

/// Checks a confirm.
pub(crate) fn confirm(id: &str, form: &Form) -> Result<Command, Failure> {
    refuse_unknown(form, &CONFIRM_PARAMETERS)?;
    Ok(Command::Confirm { id: id.to_owned(), confirmation: confirmation(form)? })
}

/// Checks a cancel.
pub(crate) fn cancel(id: &str, form: &Form) -> Result<Command, Failure> {
    refuse_unknown(form, &["cancellation_reason"])?;
    let reason = form.get("cancellation_reason");
    if let Some(other) = reason.filter(|reason| !CANCELLATION_REASONS.contains(reason)) {
        let message = format!("Invalid cancellation_reason: must be one of {CANCELLATION_REASONS:?}, not {other}");
        return Err(Failure::invalid(None, Some("cancellation_reason"), message));
    }
    Ok(Command::Cancel { id: id.to_owned(), reason: reason.map(str::to_owned) })
}

/// Stripe refuses parameters that it does not know; so does this, and those that are not simulated with them.
pub(crate) fn refuse_unknown(form: &Form, known: &[&str]) -> Result<(), Failure> {
    form.first_unknown(known).map_or(Ok(()), |name| {
        Err(Failure::invalid(Some("parameter_unknown"), Some(name), format!("Received unknown parameter: {name}")))
    })
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
    Ok(Confirmation {
        payment_method: form.get("payment_method").map(str::to_owned),
        return_url: return_url.map(str::to_owned),
        nobody_there: boolean(form, "off_session")? || boolean(form, "error_on_requires_action")?,
    })
}

fn check_amount(amount: u64, currency: &str) -> Result<(), Failure> {
    let invalid = |code, message: &str| Err(Failure::invalid(Some(code), Some("amount"), message));
    if !CURRENCIES.split_ascii_whitespace().any(|known| known == currency) {
        let message = format!("Invalid currency: {currency}. Stripe does not support it.");
        return Err(Failure::invalid(None, Some("currency"), message));
    }
    let of_currency = |table: &[(&str, u64)]| table.iter().find(|(c, _)| *c == currency).map_or(1, |(_, value)| *value);
    if amount > AMOUNT_MAX {
        return invalid("amount_too_large", "Amount must be no more than 99999999.");
    }
    if amount < of_currency(&AMOUNT_MIN) {
        return invalid("amount_too_small", "Amount must convert to at least 50 cents.");
    }
    if !amount.is_multiple_of(of_currency(&AMOUNT_STEP)) {
        return invalid("parameter_invalid_integer", "The amount is finer than the currency can be charged in.");
    }
    Ok(())
}

fn metadata(form: &Form) -> Result<BTreeMap<String, String>, Failure> {
    let (keys_max, key_max, value_max) = METADATA_MAX;
    let too_much = |message: String| Err(Failure::invalid(None, Some("metadata"), message));
    let metadata: BTreeMap<String, String> =
        form.parts("metadata").map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    if metadata.len() > keys_max {
        return too_much(format!("Metadata can have up to {keys_max} keys."));
    }
    for (key, value) in &metadata {
        if key.is_empty() || key.contains(['[', ']']) || key.chars().count() > key_max {
            return too_much(format!("Metadata keys can be up to {key_max} characters long, without brackets."));
        }
        if value.chars().count() > value_max {
            return too_much(format!("Metadata values can have up to {value_max} characters, {key} has more."));
        }
    }
    Ok(metadata)
}

fn description(form: &Form) -> Result<Option<String>, Failure> {
    let description = form.get("description");
    if description.is_some_and(|text| text.chars().count() > DESCRIPTION_MAX) {
        let message = format!("Invalid string: must be at most {DESCRIPTION_MAX} characters");
        return Err(Failure::invalid(Some("parameter_invalid_string"), Some("description"), message));
    }
    Ok(description.map(str::to_owned))
}

fn boolean(form: &Form, name: &str) -> Result<bool, Failure> {
    match form.get(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Failure::invalid(None, Some(name), format!("Invalid boolean: {other}"))),
    }
}

fn not_simulated(param: &str, value: &str) -> Failure {
    Failure::invalid(None, Some(param), format!("The sandbox does not simulate {param}={value}."))
}
