//! Input whose signature was checked is another type than input whose was not.

use crate::domain::id::digest;

/// Characters of a key's short id: 40 bits tell a handful of keys apart, and say nothing of a key that a vendor drew.
const KEY_ID_CHARS: usize = 8;

/// Bytes that their vendor has signed. Only this folder's verifiers can make one, so a receiver that forgets to
/// verify does not compile.
#[derive(Clone, PartialEq, Eq)]
pub struct Verified<T> {
    value: T,
    key_id: String,
}

impl<T> Verified<T> {
    pub(in crate::vendors) fn vouch(value: T, key: &str) -> Self {
        Self { value, key_id: key_id(key) }
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// A look at the value.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// Which key verified it: see [`key_id`].
    pub fn key_id(&self) -> &str {
        &self.key_id
    }
}

/// The short id of a key or secret: the same for the same key, and no way back to it. Whoever has the keys finds the
/// one that verified an event by it, also after it has been rotated.
pub fn key_id(key: &str) -> String {
    let mut id = digest(&["webhook key", key]);
    // The first of 26 characters has only three bits.
    id.replace_range(..1, "");
    id.truncate(KEY_ID_CHARS);
    id
}

impl<T> std::fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verified([private])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_short_id_and_another_key_another() {
        assert_eq!(key_id("whsec_1"), key_id("whsec_1"));
        assert_ne!(key_id("whsec_1"), key_id("whsec_2"));
        assert_eq!(key_id("whsec_1").len(), KEY_ID_CHARS);
    }
}
