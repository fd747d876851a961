//! What a vendor signs or proves itself with, while it is rolled: several count at once, each until its time.

use serde::Deserialize;

use crate::domain::{Private, Timestamp};

/// One of them: a signing secret, a public key, an auth token, a name with its password.
#[derive(Clone, Debug, Deserialize)]
pub struct Rotated {
    /// The vendor's form of it.
    pub secret: Private<String>,
    /// Unix seconds; none: until it is removed.
    #[serde(default)]
    pub not_after: Option<i64>,
}

/// Those that count now. An empty one never does: with it anybody could sign.
pub(super) fn live(all: &[Rotated], now: Timestamp) -> impl Iterator<Item = &str> {
    let counts = move |one: &&Rotated| one.not_after.is_none_or(|end| now.seconds() <= end);
    all.iter().filter(counts).map(|one| one.secret.expose().as_str()).filter(|secret| !secret.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counts_until_its_time_and_an_empty_one_never() {
        let one = |secret: &str, not_after| Rotated { secret: secret.to_owned().into(), not_after };
        let all = [one("new", None), one("old", Some(100)), one("", None), one(" ", None)];
        assert_eq!(live(&all, Timestamp::from_seconds(100)).collect::<Vec<_>>(), ["new", "old"]);
        assert_eq!(live(&all, Timestamp::from_seconds(101)).collect::<Vec<_>>(), ["new"]);
    }
}
