//! The payment methods of Stripe's test mode, and what a charge with each of them does.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// What happens when an intent is confirmed with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The charge succeeds at once.
    Succeeds,
    /// The charge fails: error code, decline code. So does saving the card for a customer.
    Declines(&'static str, &'static str),
    /// The card can be saved for a customer, its charges are declined.
    DeclinesOnceSaved,
    /// The bank asks for 3-D Secure first.
    AsksTheShopper,
    /// The bank asks for 3-D Secure while the shopper is there; without the shopper only if the card was not set up.
    AsksUnlessSetUp,
    /// The bank answers when it is made to.
    Processes,
    /// The bank answers after a while: charged or declined.
    AnswersLater(bool),
}

/// What becomes of a refund to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefundOutcome {
    /// `succeeded` at once.
    Succeeds,
    /// `pending` at first, `succeeded` after a while.
    SucceedsLater,
    /// `succeeded` at first, `failed` after a while.
    FailsLater,
}

/// A payment method that test mode knows by name.
#[derive(Debug)]
pub(crate) struct TestCard {
    token: &'static str,
    brand: &'static str,
    last4: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) refund: RefundOutcome,
}

/// A disputed charge first succeeds; the dispute itself is not simulated. `pm_sandbox_…` are this sandbox's own, for
/// what no card of Stripe's test mode does: a payment that stays in `processing` (until the bank is made to answer, or
/// until it answers by itself), and a decline code that nobody has heard of.
const TEST_CARDS: [TestCard; 21] = [
    card("pm_card_visa", "visa", "4242", Outcome::Succeeds),
    card("pm_card_mastercard", "mastercard", "4444", Outcome::Succeeds),
    card("pm_card_amex", "amex", "8431", Outcome::Succeeds),
    card("pm_card_createDispute", "visa", "0259", Outcome::Succeeds),
    card("pm_card_visa_chargeDeclined", "visa", "0002", declines("generic_decline")),
    card("pm_card_visa_chargeDeclinedInsufficientFunds", "visa", "9995", declines("insufficient_funds")),
    card("pm_card_visa_chargeDeclinedLostCard", "visa", "9987", declines("lost_card")),
    card("pm_card_visa_chargeDeclinedStolenCard", "visa", "9979", declines("stolen_card")),
    card("pm_card_chargeCustomerFail", "visa", "0341", Outcome::DeclinesOnceSaved),
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
    card("pm_card_authenticationRequiredOnSetup", "visa", "3155", Outcome::AsksUnlessSetUp),
    TestCard {
        refund: RefundOutcome::SucceedsLater,
        ..card("pm_card_pendingRefund", "visa", "7726", Outcome::Succeeds)
    },
    TestCard { refund: RefundOutcome::FailsLater, ..card("pm_card_refundFail", "visa", "5126", Outcome::Succeeds) },
    card("pm_sandbox_processing", "visa", "0000", Outcome::Processes),
    card("pm_sandbox_processingThenSucceeds", "visa", "0001", Outcome::AnswersLater(true)),
    card("pm_sandbox_processingThenDeclined", "visa", "0003", Outcome::AnswersLater(false)),
    card("pm_sandbox_chargeDeclinedUnknownCode", "visa", "0004", declines("a_code_of_tomorrow")),
];

const fn card(token: &'static str, brand: &'static str, last4: &'static str, outcome: Outcome) -> TestCard {
    TestCard { token, brand, last4, outcome, refund: RefundOutcome::Succeeds }
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

/// What the sandbox's own state shows of a card.
impl Serialize for TestCard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.last4)
    }
}

impl TestCard {
    /// The `card` member of a payment method.
    pub(crate) fn to_json(&self) -> Value {
        json!({ "brand": self.brand, "last4": self.last4, "exp_month": 12, "exp_year": 2034, "funding": "credit" })
    }
}
