//! Track Alert signs nothing. In its first version each event carries the credential that it was given, as a header; in
//! its second a bearer token, which UPS fetches from an endpoint of ours with a client id and secret. Whoever has either
//! may say anything, so they are drawn at random and rolled like signing secrets.
//!
//! Our tokens are kept nowhere: a token is its own end of life and an HMAC of it, with a key derived from the credential
//! that UPS showed for it. It dies with that credential.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::domain::{Private, Timestamp};
use crate::error::{Error, Result};
use crate::vendors::Verified;

/// The header with the credential. It is a password: nothing of it is archived.
pub const CREDENTIAL_HEADER: &str = "credential";
/// The header with the token, for which the same holds.
pub const TOKEN_HEADER: &str = "authorization";
/// How long a token is good for.
pub const TOKEN_LIFE: Duration = Duration::from_secs(3_600);

/// The fewest characters of a credential that counts: an empty or guessable one in the secret must let nobody in.
const CREDENTIAL_MIN_CHARS: usize = 16;
/// What the key of our tokens is derived for, so that the credential is no other key.
const TOKEN_KEY: &str = "crossdock ups track alert token v1";

/// What an event was sent with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown<'a> {
    /// [`CREDENTIAL_HEADER`].
    pub credential: Option<&'a str>,
    /// [`TOKEN_HEADER`].
    pub authorization: Option<&'a str>,
}

/// A token of ours.
#[derive(Clone, Debug)]
pub struct Issued {
    /// What UPS will show.
    pub access_token: Private<String>,
    /// How long it is good for, in seconds.
    pub expires_in: u64,
}

/// Checks what an event was sent with against every live credential: an opaque text for the first version, `client
/// id:client secret` for the second.
///
/// # Errors
/// 401 `invalid_credentials` when nothing matches.
pub fn verify<'a>(
    credentials: impl Iterator<Item = &'a str>,
    shown: Shown<'_>,
    now: Timestamp,
    body: Bytes,
) -> Result<Verified<Bytes>> {
    // Hashes have one length, so that the time tells nothing of the credential's either.
    let given = shown.credential.map(|credential| Sha256::digest(credential.trim()));
    let token = shown.authorization.and_then(|header| scheme(header, "bearer"));
    let mut matching = None;
    for credential in credentials.filter(|credential| counts(credential)) {
        // Every one is tried, whether or not one matched.
        let by_credential = given.is_some_and(|given| bool::from(given.ct_eq(&Sha256::digest(credential))));
        let by_token = match token {
            Some(token) => is_good(token, credential, now)?,
            None => false,
        };
        if by_credential || by_token {
            matching = Some(credential);
        }
    }
    matching.map(|credential| Verified::vouch(body, credential)).ok_or_else(|| refuse("no credential matches"))
}

/// Gives a token for a client id and secret, shown by HTTP Basic (RFC 6749, section 4.4, with 2.3.1).
///
/// # Errors
/// 401 `invalid_credentials` when they are no live credential.
pub fn issue<'a>(credentials: impl Iterator<Item = &'a str>, authorization: &str, now: Timestamp) -> Result<Issued> {
    let encoded = scheme(authorization, "basic").ok_or_else(|| refuse("another scheme than Basic"))?;
    let given = STANDARD.decode(encoded).map_err(|_| refuse("the credential is not base64"))?;
    let given = Sha256::digest(given);
    let mut matching = None;
    for credential in credentials.filter(|credential| counts(credential) && credential.contains(':')) {
        if bool::from(given.ct_eq(&Sha256::digest(credential))) {
            matching = Some(credential);
        }
    }
    let credential = matching.ok_or_else(|| refuse("no credential matches"))?;
    let end = now.plus(TOKEN_LIFE).seconds();
    let proof = URL_SAFE_NO_PAD.encode(proof(credential, end)?.finalize().into_bytes());
    Ok(Issued { access_token: format!("{end}.{proof}").into(), expires_in: TOKEN_LIFE.as_secs() })
}

/// Whether a token was given for this credential, and has not ended.
fn is_good(token: &str, credential: &str, now: Timestamp) -> Result<bool> {
    let Some((end, given)) = token.split_once('.') else { return Ok(false) };
    let (Ok(end), Ok(given)) = (end.parse::<i64>(), URL_SAFE_NO_PAD.decode(given)) else { return Ok(false) };
    // Constant time; and the end counts only when it is ours.
    let is_ours = proof(credential, end)?.verify_slice(&given).is_ok();
    Ok(is_ours && now.seconds() < end)
}

/// The HMAC of an end of life and a client id, with a key derived from the whole credential.
fn proof(credential: &str, end: i64) -> Result<Hmac<Sha256>> {
    let keyed = |key: &[u8]| {
        Hmac::<Sha256>::new_from_slice(key).map_err(|e| Error::bug("hmac", "the credential of UPS").caused_by(e))
    };
    let key = keyed(credential.as_bytes())?.chain_update(TOKEN_KEY).finalize().into_bytes();
    let client = credential.split_once(':').map_or("", |(client, _)| client);
    Ok(keyed(&key)?.chain_update(format!("{end}\n{client}")))
}

fn counts(credential: &str) -> bool {
    // (Whose password is too short is sorted out before, with words on what to do.)
    let counts = credential.len() >= CREDENTIAL_MIN_CHARS;
    if !counts {
        tracing::error!("a webhook credential of UPS's is too short: check the secret");
    }
    counts
}

/// What follows a scheme's name.
fn scheme<'h>(header: &'h str, wanted: &str) -> Option<&'h str> {
    let (name, rest) = header.trim().split_once(' ')?;
    name.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}

fn refuse(why: &str) -> Error {
    Error::rejected(401, "invalid_credentials", "The credentials are not valid.").because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPAQUE: &str = "0123456789abcdef";
    const CLIENT: &str = "ups:fedcba9876543210";
    const NOW: Timestamp = Timestamp::from_seconds(1_746_093_600);

    fn judged(live: &[&str], shown: Shown<'_>, now: Timestamp) -> bool {
        verify(live.iter().copied(), shown, now, Bytes::from_static(b"{}")).is_ok()
    }

    fn by_credential(live: &[&str], credential: &str) -> bool {
        judged(live, Shown { credential: Some(credential), authorization: None }, NOW)
    }

    fn by_token(live: &[&str], token: &str, now: Timestamp) -> bool {
        judged(live, Shown { credential: None, authorization: Some(&format!("Bearer {token}")) }, now)
    }

    fn issued(live: &[&str], credential: &str) -> Result<Issued> {
        issue(live.iter().copied(), &format!("Basic {}", STANDARD.encode(credential)), NOW)
    }

    #[test]
    fn the_credential_that_ups_was_given_lets_its_event_in_also_while_it_is_rolled() {
        assert!(by_credential(&[OPAQUE], OPAQUE));
        assert!(by_credential(&[CLIENT, OPAQUE], OPAQUE) && by_credential(&[OPAQUE, CLIENT], OPAQUE));
        let which = verify(
            [CLIENT, OPAQUE].into_iter(),
            Shown { credential: Some(OPAQUE), authorization: None },
            NOW,
            Bytes::new(),
        );
        assert_eq!(which.expect("verified").key_id(), crate::vendors::key_id(OPAQUE));
    }

    #[test]
    fn what_is_not_exactly_a_live_credential_lets_nobody_in() {
        for wrong in ["", "0123456789abcdeg", "0123456789abcdef0", "0123456789abcde", CLIENT] {
            assert!(!by_credential(&[OPAQUE], wrong), "{wrong}");
        }
        assert!(!by_credential(&[], OPAQUE));
        assert!(!judged(&[OPAQUE, CLIENT], Shown::default(), NOW));
    }

    #[test]
    fn an_empty_or_short_credential_in_the_secret_is_none() {
        for short in ["", ":", "a:b", "0123456789abcde"] {
            assert!(!by_credential(&[short], short), "{short}");
            assert!(issued(&[short], short).is_err(), "{short}");
        }
    }

    #[test]
    fn a_token_is_good_for_an_hour_and_only_for_the_credential_that_it_was_given_for() {
        let token = issued(&[OPAQUE, CLIENT], CLIENT).expect("a token");
        assert_eq!(token.expires_in, 3_600);
        let token = token.access_token.expose();
        let last = NOW.plus(Duration::from_secs(3_599));
        assert!(by_token(&[CLIENT], token, NOW) && by_token(&[OPAQUE, CLIENT], token, last));
        assert!(!by_token(&[CLIENT], token, NOW.plus(TOKEN_LIFE)));
        assert!(!by_token(&[OPAQUE], token, NOW));
        assert!(!by_token(&["ups:fedcba9876543211"], token, NOW));
        assert!(!by_credential(&[CLIENT], token));
    }

    #[test]
    fn a_token_that_was_changed_or_made_up_is_none() {
        let token = issued(&[CLIENT], CLIENT).expect("a token").access_token;
        let (end, proof) = token.expose().split_once('.').expect("two parts");
        let later = end.parse::<i64>().expect("a time") + 1;
        let shorter = &proof[..proof.len() - 2];
        for wrong in [
            format!("{later}.{proof}"),
            format!("{end}.{shorter}"),
            format!("{end}."),
            end.to_owned(),
            format!(".{proof}"),
            String::new(),
            CLIENT.to_owned(),
        ] {
            assert!(!by_token(&[CLIENT], &wrong, NOW), "{wrong}");
        }
        let basic = Shown { credential: None, authorization: Some(&format!("Basic {}", token.expose())) };
        assert!(!judged(&[CLIENT], basic, NOW));
    }

    #[test]
    fn only_a_client_id_with_its_secret_gets_a_token() {
        for wrong in ["", "ups:", "ups:fedcba987654321", "ups:fedcba98765432100", OPAQUE] {
            assert!(issued(&[OPAQUE, CLIENT], wrong).is_err(), "{wrong}");
        }
        for header in ["", "Basic", "Basic !!!", "Bearer x", CLIENT] {
            assert!(issue([CLIENT].into_iter(), header, NOW).is_err(), "{header}");
        }
    }

    #[test]
    fn nothing_of_a_token_or_credential_prints() {
        let token = issued(&[CLIENT], CLIENT).expect("a token");
        assert!(!format!("{token:?}").contains(token.access_token.expose().as_str()));
    }
}
