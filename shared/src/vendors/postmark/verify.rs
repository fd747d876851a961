//! Postmark signs nothing: each of its webhooks carries the name and password that stand in the URL it was given (HTTP
//! Basic, RFC 7617). Whoever has them may say anything, so they are drawn at random and rolled like signing secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::error::{Error, Result};
use crate::vendors::Verified;

/// The header. It is a password: nothing of it is archived.
pub const HEADER: &str = "authorization";

/// The fewest characters of a credential that counts: an empty or guessable one in the secret must let nobody in.
const CREDENTIAL_MIN_CHARS: usize = 16;

/// Checks the credential with every live one (`name:password`).
///
/// # Errors
/// 401 `invalid_credentials` when nothing matches.
pub fn verify<'a>(credentials: impl Iterator<Item = &'a str>, header: &str, body: Bytes) -> Result<Verified<Bytes>> {
    let refuse = |why: &str| Error::rejected(401, "invalid_credentials", "The credentials are not valid.").because(why);
    let (scheme, encoded) = header.trim().split_once(' ').ok_or_else(|| refuse("no scheme and credential"))?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(refuse("another scheme than Basic"));
    }
    let given = STANDARD.decode(encoded.trim()).map_err(|_| refuse("the credential is not base64"))?;
    let given = Sha256::digest(given);
    let mut matching = None;
    for credential in credentials {
        if credential.len() < CREDENTIAL_MIN_CHARS || !credential.contains(':') {
            tracing::error!("a webhook credential of Postmark's is too short or has no colon: check the secret");
            continue;
        }
        // Hashes have one length, so that the time tells nothing of the credential's either; and every one is tried.
        if bool::from(given.ct_eq(&Sha256::digest(credential))) {
            matching = Some(credential);
        }
    }
    matching.map(|credential| Verified::vouch(body, credential)).ok_or_else(|| refuse("no credential matches"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "postmark:0123456789abcdef";

    fn judged(credentials: &[&str], header: &str) -> bool {
        let judged = verify(credentials.iter().copied(), header, Bytes::from_static(b"{}"));
        if let Err(refusal) = &judged {
            assert_eq!(refusal.code, "invalid_credentials");
        }
        judged.is_ok()
    }

    fn basic(credential: &str) -> String {
        format!("Basic {}", STANDARD.encode(credential))
    }

    #[test]
    fn each_live_credential_lets_in() {
        assert!(judged(&[GOOD], &basic(GOOD)));
        assert!(judged(&["postmark:another-long-one", GOOD], &basic(GOOD)));
        assert!(judged(&[GOOD, "postmark:another-long-one"], &basic(GOOD).replace("Basic", "basic")));
    }

    #[test]
    fn what_is_not_exactly_a_live_credential_lets_nobody_in() {
        for wrong in ["", "postmark:", "postmark:0123456789abcdeg", "postmark:0123456789abcdef0", ":", "postmark"] {
            assert!(!judged(&[GOOD], &basic(wrong)), "{wrong}");
        }
        for header in ["", "Basic", "Basic ", "Bearer x", GOOD, "Basic !!!", &basic(GOOD)[..20]] {
            assert!(!judged(&[GOOD], header), "{header}");
        }
        assert!(!judged(&[], &basic(GOOD)));
    }

    #[test]
    fn an_empty_or_short_credential_in_the_secret_is_none() {
        for short in ["", ":", "a:b", "postmark:123", "0123456789abcdef0123"] {
            assert!(!judged(&[short], &basic(short)), "{short}");
        }
    }
}
