//! Who takes payments.

use serde::{Deserialize, Serialize};

/// A payment provider. A payment keeps the one that it was born with; what was written before there was a choice has none
/// in its item, and is the first one's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Cards.
    #[default]
    Stripe,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 1] = [Self::Stripe];

    /// Whether an item that does not name it means it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_items_without_a_provider_mean() {
        assert!(Provider::default().is_default());
        assert_eq!(serde_json::to_value(Provider::default()).expect("text"), "stripe");
    }
}
