//! Identifiers. Ours are a prefix and 26 characters of Crockford base32: of a SHA-256 over the natural key where a
//! retry must find the same thing, of a ULID otherwise. The format is fixed for good.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ulid::Ulid;

use super::Timestamp;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes an id as it was stored or received; it is compared, never interpreted.
            pub fn from_stored(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// The shop's own order id: 1 to 64 characters of `A-Z a-z 0-9 . _ : ~ -`.
    OrderId
);
id!(
    /// `pay_…`: the n-th payment of an order.
    PaymentId
);
id!(
    /// `ref_…`: one refund of a payment.
    RefundId
);
id!(
    /// The shop's own customer id: 1 to 255 printable ASCII characters.
    CustomerId
);
id!(
    /// `msg_…`: one mail or SMS.
    MessageId
);
id!(
    /// `shp_…`: one parcel, or several in one shipment, of an order.
    ShipmentId
);
id!(
    /// `pck_…`: one visit of a carrier that fetches parcels.
    PickupId
);
id!(
    /// `quo_…`: one service of a carrier at its price, for one consignment.
    QuoteId
);
id!(
    /// `cmp_…`: one mail to many.
    CampaignId
);
id!(
    /// `int_…`: one thing that someone wants done once.
    IntentId
);
id!(
    /// Who is written to, as an HMAC of the normalised address: equal for equal addresses, and not reversible.
    ContactId
);
id!(
    /// The deployment: account, region and stack name. Part of every vendor key and of our metadata at the vendors.
    StackId
);
id!(
    /// Ties together everything that one request or event caused.
    Correlation
);

impl OrderId {
    /// Longest order id, in characters: it is part of keys, URLs and vendor metadata.
    pub const MAX_CHARS: usize = 64;

    /// Parses a shop's order id; `None` when it is empty, too long or has other characters than the type's.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '~' | '-');
        let fits = !text.is_empty() && text.len() <= Self::MAX_CHARS && text.chars().all(allowed);
        fits.then(|| Self(text.to_owned()))
    }
}

impl PaymentId {
    /// The n-th payment of an order; the same order and ordinal always give the same id.
    pub fn nth(stack: &StackId, order: &OrderId, ordinal: u32) -> Self {
        Self(hashed("pay", &["payment", stack.as_str(), order.as_str(), &ordinal.to_string()]))
    }

    /// Takes an id from outside; `None` when it does not have the form of ours, so that nobody has it. (As part of a
    /// key it must not be longer than the table allows.)
    pub fn parse(text: &str) -> Option<Self> {
        is_ours(text, "pay_").then(|| Self(text.to_owned()))
    }
}

impl RefundId {
    /// The refund that this Idempotency-Key asks for: the same key is the same refund, another key another one.
    pub fn of_request(payment: &PaymentId, key: &str) -> Self {
        Self(hashed("ref", &["refund", payment.as_str(), key]))
    }

    /// A refund that was made at the vendor, not by us.
    pub fn of_vendor(payment: &PaymentId, vendor: &str, vendor_id: &str) -> Self {
        Self(hashed("ref", &["refund at", payment.as_str(), vendor, vendor_id]))
    }
}

impl CustomerId {
    /// Longest customer id, in characters: it is part of keys and URLs.
    pub const MAX_CHARS: usize = 255;

    /// Parses a shop's customer id; `None` when it is empty, too long or has other characters than the type's.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
    }
}

impl MessageId {
    /// The message that an object's reaching a status causes: object, status and template name it, never an event.
    pub fn for_status(object: &str, status: &str, template: &str) -> Self {
        Self(hashed("msg", &["message", object, status, template]))
    }

    /// The message that this Idempotency-Key asks for.
    pub fn of_request(key: &str) -> Self {
        Self(hashed("msg", &["message asked for", key]))
    }

    /// The message that a campaign has for somebody.
    pub fn of_campaign(campaign: &CampaignId, contact: &ContactId) -> Self {
        Self(hashed("msg", &["message of campaign", campaign.as_str(), contact.as_str()]))
    }

    /// Takes an id from outside; `None` when it does not have the form of ours.
    pub fn parse(text: &str) -> Option<Self> {
        is_ours(text, "msg_").then(|| Self(text.to_owned()))
    }
}

impl ShipmentId {
    /// What is sent for an order under this reference of the shop's; the same order and reference always give the same id.
    pub fn of(stack: &StackId, order: &OrderId, parcel_ref: &str) -> Self {
        Self(hashed("shp", &["shipment", stack.as_str(), order.as_str(), parcel_ref]))
    }

    /// Takes an id from outside; `None` when it does not have the form of ours.
    pub fn parse(text: &str) -> Option<Self> {
        is_ours(text, "shp_").then(|| Self(text.to_owned()))
    }
}

impl PickupId {
    /// The pickup that this Idempotency-Key asks for.
    pub fn of_request(key: &str) -> Self {
        Self(hashed("pck", &["pickup asked for", key]))
    }
}

impl QuoteId {
    /// The quote that these parts name: what goes where, the carrier, its service, the price, until when it holds.
    pub fn of(parts: &[&str]) -> Self {
        Self(hashed("quo", parts))
    }

    /// Takes an id from outside; `None` when it does not have the form of ours.
    pub fn parse(text: &str) -> Option<Self> {
        is_ours(text, "quo_").then(|| Self(text.to_owned()))
    }
}

impl CampaignId {
    /// The campaign that this Idempotency-Key asks for.
    pub fn of_request(key: &str) -> Self {
        Self(hashed("cmp", &["campaign asked for", key]))
    }

    /// Takes an id from outside; `None` when it does not have the form of ours.
    pub fn parse(text: &str) -> Option<Self> {
        is_ours(text, "cmp_").then(|| Self(text.to_owned()))
    }
}

impl IntentId {
    /// An intent's id is a hash of what it is for: kind, object and a discriminator.
    pub fn of(kind: &str, object: &str, discriminator: &str) -> Self {
        Self(hashed("int", &[kind, object, discriminator]))
    }

    /// The due shard of this intent, 0 to 15 (design: `DUE#<hash of intent id mod 16>`).
    pub fn due_shard(&self) -> u8 {
        Sha256::digest(self.0.as_bytes())[0] % Self::due_shards()
    }

    /// How many of the partitions are used: all of them, but in a simulation that says otherwise.
    #[cfg(not(feature = "mutations"))]
    pub const fn due_shards() -> u8 {
        Self::DUE_SHARDS
    }

    /// How many of the partitions are used: all of them, but on a thread that says otherwise.
    #[cfg(feature = "mutations")]
    pub fn due_shards() -> u8 {
        fewer::SHARDS.get()
    }

    /// Partitions of the due index: 16 × 1,000 writes/s is beyond what one stack's quotas let through.
    pub const DUE_SHARDS: u8 = 16;
}

#[cfg(feature = "mutations")]
pub use fewer::{FewerShards, fewer_due_shards};

/// A tick of the sweeper looks into every shard. A simulation whose few intents are in fewer of them tries the same with
/// a part of the requests.
#[cfg(feature = "mutations")]
mod fewer {
    use std::cell::Cell;

    use super::IntentId;

    thread_local! {
        pub(super) static SHARDS: Cell<u8> = const { Cell::new(IntentId::DUE_SHARDS) };
    }

    /// This thread uses only the first so many shards, until the value is dropped.
    #[must_use]
    pub fn fewer_due_shards(shards: u8) -> FewerShards {
        FewerShards(SHARDS.replace(shards.clamp(1, IntentId::DUE_SHARDS)))
    }

    /// While it lives, fewer shards are used.
    #[derive(Debug)]
    pub struct FewerShards(u8);

    impl Drop for FewerShards {
        fn drop(&mut self) {
            SHARDS.set(self.0);
        }
    }
}

impl Correlation {
    /// Takes the caller's id when it matches `[A-Za-z0-9-]{8,64}`; anything else is not echoed into logs.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (8..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        fits.then(|| Self(text.to_owned()))
    }

    /// A new one: a ULID of the given time and randomness.
    pub fn generate(now: Timestamp, random: u128) -> Self {
        Self(ulid(now, random))
    }
}

/// Whether a text has the form of our ids with this prefix.
fn is_ours(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .is_some_and(|digits| digits.len() == ulid::ULID_LEN && digits.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// 26 characters of Crockford base32: a ULID of this time and these random bits.
pub fn ulid(now: Timestamp, random: u128) -> String {
    Ulid::from_parts(u64::try_from(now.ms()).unwrap_or(0), random).to_string()
}

/// `<prefix>_<26 characters>` of SHA-256 over the parts, each preceded by its length so that no two lists collide.
pub fn hashed(prefix: &str, parts: &[&str]) -> String {
    format!("{prefix}_{}", digest(parts))
}

/// The 26 characters of [`hashed`] without a prefix: the first 128 bits of SHA-256 over the length-prefixed parts.
pub fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    first_128_bits(&hasher.finalize())
}

/// 26 characters of Crockford base32 of the first 16 of these bytes (missing ones count as zero).
pub fn first_128_bits(bytes: &[u8]) -> String {
    let mut first = [0u8; 16];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    Ulid(u128::from_be_bytes(first)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(text: &str) -> OrderId {
        OrderId::parse(text).expect("a valid order id")
    }

    #[test]
    fn the_same_order_and_ordinal_give_the_same_payment_id_for_good() {
        let stack = StackId::from_stored("1/eu-west-1/shop");
        let id = PaymentId::nth(&stack, &order("o-1"), 1);
        assert_eq!(id.as_str(), "pay_36C50M6EEE39KWHNWQWYHHGDVH");
        assert_ne!(id, PaymentId::nth(&stack, &order("o-1"), 2));
    }

    #[test]
    fn the_same_order_and_reference_give_the_same_shipment_id_for_good() {
        let stack = StackId::from_stored("1/eu-west-1/shop");
        let id = ShipmentId::of(&stack, &order("o-1"), "1");
        assert_eq!(id.as_str(), "shp_4EZRPQER936J1K7QCRFSSD31QD");
        assert_ne!(id, ShipmentId::of(&stack, &order("o-1"), "2"));
        assert_eq!(ShipmentId::parse(id.as_str()), Some(id.clone()));
        assert_eq!((ShipmentId::parse("shp_1"), QuoteId::parse(id.as_str())), (None, None));
    }

    #[test]
    fn moving_a_character_from_one_part_to_the_next_changes_the_id() {
        assert_ne!(hashed("x", &["ab", "c"]), hashed("x", &["a", "bc"]));
    }

    #[test]
    fn an_order_id_with_a_slash_a_blank_or_too_many_characters_is_refused() {
        for bad in ["", "a/b", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(OrderId::parse(bad), None, "{bad}");
        }
        assert!(OrderId::parse(&"x".repeat(64)).is_some());
    }

    #[test]
    fn a_foreign_correlation_id_is_taken_only_in_the_allowed_form() {
        assert!(Correlation::parse("checkout-42").is_some());
        assert_eq!(Correlation::parse("short"), None);
        assert_eq!(Correlation::parse("with\nnewline"), None);
    }
}
