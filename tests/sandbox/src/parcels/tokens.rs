//! The bearer tokens of a carrier's API.

use std::collections::BTreeMap;

/// The tokens that a carrier has given out, and how often it was asked.
#[derive(Debug, Default)]
pub struct Tokens {
    /// Token and when it expires, epoch milliseconds.
    given: BTreeMap<String, i64>,
    calls: u64,
}

/// Why a token is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadToken {
    Missing,
    Unknown,
    Expired,
}

impl Tokens {
    /// How often a token was asked for, refusals included.
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// How many tokens are good at `now_ms` (epoch milliseconds).
    pub fn live(&self, now_ms: i64) -> usize {
        self.given.values().filter(|expires_ms| **expires_ms > now_ms).count()
    }

    pub(crate) fn count_call(&mut self) {
        self.calls += 1;
    }

    pub(crate) fn give(&mut self, token: String, expires_ms: i64) {
        self.given.insert(token, expires_ms);
    }

    /// From now on every token that was given out is refused.
    pub(crate) fn revoke_all(&mut self) {
        self.given.clear();
    }

    /// Whether an `Authorization` header carries a token that is good now.
    pub(crate) fn check(&self, now_ms: i64, authorization: Option<&str>) -> Result<(), BadToken> {
        let token = authorization.and_then(|value| value.strip_prefix("Bearer ")).ok_or(BadToken::Missing)?;
        match self.given.get(token) {
            None => Err(BadToken::Unknown),
            Some(expires_ms) if *expires_ms <= now_ms => Err(BadToken::Expired),
            Some(_) => Ok(()),
        }
    }
}
