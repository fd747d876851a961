//! The payment methods of Stripe's test mode, and what a charge with each of them does.

use serde_json::{Value, json};

/// What happens when an intent is confirmed with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The charge succeeds at once.
    Succeeds,
    /// The charge fails: error code, decline code.
    Declines(&'static str, &'static str),
    /// The bank asks for 3-D Secure first.
    AsksTheShopper,
    /// The bank answers later.
    Processes,
}

/// A payment method that test mode knows by name.
#[derive(Debug)]
pub(crate) struct TestCard {
    token: &'static str,
    brand: &'static str,
    last4: &'static str,
    pub(crate) outcome: Outcome,
}

/// A disputed charge first succeeds; the dispute itself is not simulated. `pm_sandbox_processing` is this sandbox's
/// own: no card of Stripe's test mode stays in `processing`.
const TEST_CARDS: [TestCard; 16] = [
    card("pm_card_visa", "visa", "4242", Outcome::Succeeds),
    card("pm_card_mastercard", "mastercard", "4444", Outcome::Succeeds),
    card("pm_card_createDispute", "visa", "0259", Outcome::Succeeds),
    card("pm_card_visa_chargeDeclined", "visa", "0002", declines("generic_decline")),
    card("pm_card_visa_chargeDeclinedInsufficientFunds", "visa", "9995", declines("insufficient_funds")),
    card("pm_card_visa_chargeDeclinedLostCard", "visa", "9987", declines("lost_card")),
    card("pm_card_visa_chargeDeclinedStolenCard", "visa", "9979", declines("stolen_card")),
    card("pm_card_chargeCustomerFail", "visa", "0341", declines("generic_decline")),
    card("pm_card_chargeDeclinedExpiredCard", "visa", "0069", Outcome::Declines("expired_card", "expired_card")),
    card("pm_card_chargeDeclinedIncorrectCvc", "visa", "0127", Outcome::Declines("incorrect_cvc", "incorrect_cvc")),
    card(
        "pm_card_chargeDeclinedProcessingError",
        "visa",
        "0119",
        Outcome::Declines("processing_error", "processing_error"),
    ),
    card("pm_card_threeDSecure2Required", "visa", "3220", Outcome::AsksTheShopper),
    card("pm_card_authenticationRequired", "visa", "3184", Outcome::AsksTheShopper),
    card("pm_card_authenticationRequiredOnSetup", "visa", "3155", Outcome::AsksTheShopper),
    card("pm_card_amex", "amex", "8431", Outcome::Succeeds),
    card("pm_sandbox_processing", "visa", "0000", Outcome::Processes),
];

const fn card(token: &'static str, brand: &'static str, last4: &'static str, outcome: Outcome) -> TestCard {
    TestCard { token, brand, last4, outcome }
}

const fn declines(decline_code: &'static str) -> Outcome {
    Outcome::Declines("card_declined", decline_code)
}

/// The card behind a test token such as `pm_card_visa`.
pub(crate) fn by_token(token: &str) -> Option<&'static TestCard> {
    TEST_CARDS.iter().find(|card| card.token == token)
}

/// What the shopper is told about a decline.
pub(crate) fn decline_message(code: &str, decline_code: &str) -> &'static str {
    match (code, decline_code) {
        (_, "insufficient_funds") => "Your card has insufficient funds.",
        ("expired_card", _) => "Your card has expired.",
        ("incorrect_cvc", _) => "Your card's security code is incorrect.",
        ("processing_error", _) => "An error occurred while processing your card. Try again in a little bit.",
        ("authentication_required", _) => "Your card was declined. This transaction requires authentication.",
        _ => "Your card was declined.",
    }
}

impl TestCard {
    /// The payment method object that a use of this card makes.
    pub(crate) fn to_json(&self, id: &str, created_s: i64) -> Value {
        json!({
            "id": id,
            "object": "payment_method",
            "type": "card",
            "billing_details": { "address": null, "email": null, "name": null, "phone": null },
            "card": { "brand": self.brand, "last4": self.last4, "exp_month": 12, "exp_year": 2034, "funding": "credit" },
            "created": created_s,
            "customer": null,
            "livemode": false,
            "metadata": {},
        })
    }
}
