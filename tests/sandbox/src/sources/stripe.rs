//! Stripe. The specification names statuses and types of errors only; their codes are on a page.

use super::Source::{Guess, Page, Sdk, Spec};
use super::{EVERY_OPERATION, Entry, answer, events, refusal};

const CODES: super::Source = Page("docs.stripe.com/error-codes");
const DECLINES: super::Source = Page("docs.stripe.com/testing, docs.stripe.com/declines/codes");
const KEYS: super::Source = Page("docs.stripe.com/api/idempotent_requests, docs.stripe.com/error-low-level");
/// That a parameter is refused is known, and that the type is this; whether a code comes with it is not.
const NO_CODE: super::Source = Guess("the type is in the specification; that no code goes with it is believed");

pub(super) const LIST: &[Entry] = &[
    answer(
        "create_payment_intent confirm cancel retrieve list create_refund retrieve_refund list_refunds create_customer \
         update_customer retrieve_customer attach_payment_method retrieve_payment_method list_payment_methods \
         retrieve_charge",
        200,
        Spec("stripe_spec3_subset.json: the operations' answers"),
    ),
    answer(
        "create_endpoint list_endpoints retrieve_endpoint update_endpoint delete_endpoint",
        200,
        Spec("stripe_spec3_subset.json: /v1/webhook_endpoints"),
    ),
    answer("list_customers", 200, Sdk("stripe-node src/resources/Customers.ts; the subset has only creation")),
    answer("retrieve_balance_transaction", 200, Sdk("stripe-node src/resources/BalanceTransactions.ts")),
    // What is wrong with the request.
    refusal(
        EVERY_OPERATION,
        400,
        "parameter_missing parameter_unknown parameter_invalid_integer resource_missing",
        CODES,
    ),
    refusal("create_payment_intent", 400, "amount_too_small amount_too_large", CODES),
    refusal("create_payment_intent create_refund", 400, "parameter_invalid_empty", CODES),
    refusal("create_customer update_customer", 400, "email_invalid", CODES),
    refusal("create_payment_intent confirm", 400, "url_invalid", CODES),
    refusal("confirm", 400, "payment_intent_authentication_failure", CODES),
    refusal(
        "create_payment_intent create_customer update_customer",
        400,
        "parameter_invalid_string",
        Guess("a code of this name for texts that are too long; docs.stripe.com/error-codes has no other that fits"),
    ),
    refusal(
        "create_payment_intent confirm cancel create_refund create_customer update_customer attach_payment_method list \
         list_payment_methods retrieve retrieve_refund",
        400,
        "invalid_request_error",
        NO_CODE,
    ),
    refusal(EVERY_OPERATION, 404, "resource_missing", CODES),
    refusal("unknown", 404, "invalid_request_error", NO_CODE),
    // What the object's state does not allow.
    refusal("confirm cancel", 400, "payment_intent_unexpected_state", CODES),
    refusal("create_refund", 400, "charge_already_refunded", CODES),
    // The bank says no.
    refusal(
        "create_payment_intent confirm attach_payment_method",
        402,
        "card_declined/generic_decline card_declined/insufficient_funds card_declined/lost_card card_declined/stolen_card \
         expired_card/expired_card incorrect_cvc/incorrect_cvc processing_error/processing_error expired_card \
         incorrect_cvc processing_error",
        DECLINES,
    ),
    refusal(
        "create_payment_intent confirm",
        402,
        "card_declined/a_code_of_tomorrow",
        Page("docs.stripe.com/upgrades: new values of codes come without a new version"),
    ),
    refusal(
        "create_payment_intent confirm",
        402,
        "authentication_required/authentication_required",
        Page("docs.stripe.com/payments/save-and-reuse: payments in absence of the shopper"),
    ),
    // Idempotency keys.
    refusal(EVERY_OPERATION, 400, "idempotency_error", KEYS),
    refusal(EVERY_OPERATION, 409, "idempotency_key_in_use", KEYS),
    // The key, the rate, Stripe's own trouble.
    refusal(
        EVERY_OPERATION,
        401,
        "invalid_request_error",
        Spec("stripe_spec3_subset.json: error; stripe-node Error.ts"),
    ),
    refusal(EVERY_OPERATION, 403, "invalid_request_error", Page("docs.stripe.com/keys: restricted keys")),
    refusal(EVERY_OPERATION, 429, "rate_limit lock_timeout", Page("docs.stripe.com/rate-limits")),
    refusal(EVERY_OPERATION, 500, "api_error", KEYS),
    refusal(EVERY_OPERATION, 503, "api_error", Guess("only of 500 a body is known; 503 has the same here")),
    refusal(
        EVERY_OPERATION,
        503,
        "page",
        Guess("whether anything was done: see the dial UnavailableYetDone; that it is no JSON is believed"),
    ),
    refusal(EVERY_OPERATION, 500, "page", Guess("an edge that fails may answer so")),
    refusal(
        EVERY_OPERATION,
        403,
        "page",
        Guess("the status is the vendor's; that it can come without JSON is believed"),
    ),
    refusal(EVERY_OPERATION, 400, "page", Guess("what stands in front of the API has no JSON")),
    refusal(EVERY_OPERATION, 409, "page", Guess("a collision that has no body; the SDKs repeat every 409")),
    events(
        "charge.failed charge.refunded charge.succeeded customer.created customer.updated payment_intent.canceled \
         payment_intent.created payment_intent.payment_failed payment_intent.processing payment_intent.requires_action \
         payment_intent.succeeded refund.created refund.updated",
        Spec("stripe_spec3_subset.json: enabled_events"),
    ),
    events("charge.refund.updated customer.deleted", Spec("stripe_spec3_subset.json: enabled_events")),
    events("refund.failed", Page("docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update")),
    events(
        "v1.billing.meter.no_meter_found v2.core.account.updated v1.anything",
        Page("docs.stripe.com/api/v2/core/events/event-types: a thin event"),
    ),
];
