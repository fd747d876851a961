//! What Stripe takes, in one table. What does not fit is refused by its field's name before anything is written; otherwise
//! Stripe would refuse it after the order has got a payment. Amounts are in `Money::most`.
//!
//! | limit | source |
//! |---|---|
//! | name, phone, description | Stripe's OpenAPI file: `maxLength` of `name` and `phone` of `POST /v1/customers`, of `description` of `POST /v1/payment_intents` |
//! | metadata | docs.stripe.com/api/metadata: 50 keys of 40 characters, values of 500 |
//! | amounts | docs.stripe.com/currencies: eight digits, twelve for IDR |

/// Longest name of a customer, in characters.
pub(super) const NAME_MAX_CHARS: usize = 256;
/// Longest phone number, in characters, however it is written.
pub(super) const PHONE_MAX_CHARS: usize = 20;
/// Longest description of a payment, in characters.
pub(super) const DESCRIPTION_MAX_CHARS: usize = 1_000;
/// Metadata pairs of a shop: Stripe takes 50 on an object, and three are ours (stack, order, intent).
pub(super) const METADATA_MAX_PAIRS: usize = 50 - 3;
/// Longest metadata key, in characters.
pub(super) const METADATA_KEY_MAX_CHARS: usize = 40;
/// Longest metadata value, in characters.
pub(super) const METADATA_VALUE_MAX_CHARS: usize = 500;
