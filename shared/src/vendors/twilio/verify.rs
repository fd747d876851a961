//! `X-Twilio-Signature`: HMAC-SHA1, in base64, over the public URL and the form's fields, keyed with an auth token's text.
//! (twilio.com/docs/usage/security, and the official SDKs' own validators.) No time is signed: the seen marks catch
//! replays.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::vendors::Verified;

/// The header.
pub const HEADER: &str = "x-twilio-signature";

/// The query's parameter that has the body's hash, where the body is no form.
const BODY_HASH: &str = "bodySHA256";
/// Fields of one form. A callback has about twenty, an inbound message with ten pictures about fifty; sorting a hundred
/// thousand is nothing to do for a stranger.
const FIELDS_MAX: usize = 1_000;

/// Checks the signature with every live token. `url` is the URL as Twilio was given it, without its fragment: scheme,
/// host, path and query as they are outside of any gateway. With a port, without one and with the scheme's own it is the
/// same.
///
/// # Errors
/// 400 `invalid_signature` when nothing matches.
pub fn verify<'a>(
    tokens: impl Iterator<Item = &'a str>,
    signature: &str,
    url: &str,
    body: Bytes,
) -> Result<Verified<Bytes>> {
    let refuse = |why: &str| Error::rejected(400, "invalid_signature", "The signature is not valid.").because(why);
    let signature = STANDARD.decode(signature.trim()).map_err(|_| refuse("the signature is not base64"))?;
    let fields = match body_hash(url) {
        Some(hash) if hash != hex(&Sha256::digest(&body)) => {
            return Err(refuse("the body is not the one that was hashed"));
        }
        Some(_) => String::new(),
        None => sorted_fields(&body).ok_or_else(|| refuse("the form has too many fields"))?,
    };
    let urls = same_urls(url);
    let mut matching = None;
    for token in tokens {
        let mac = Hmac::<Sha1>::new_from_slice(token.as_bytes())
            .map_err(|e| Error::bug("hmac", "the token of Twilio").caused_by(e))?;
        for url in &urls {
            let mut mac = mac.clone();
            mac.update(url.as_bytes());
            mac.update(fields.as_bytes());
            // Constant time, and every pair is tried whether or not one matched.
            if mac.verify_slice(&signature).is_ok() {
                matching = Some(token);
            }
        }
    }
    matching.map(|token| Verified::vouch(body, token)).ok_or_else(|| refuse("no signature matches"))
}

/// The form's names and values, sorted by name: of a name that is given twice each value once, sorted too.
fn sorted_fields(form: &[u8]) -> Option<String> {
    let mut fields = BTreeSet::new();
    for (number, field) in form_urlencoded::parse(form).enumerate() {
        if number == FIELDS_MAX {
            return None;
        }
        fields.insert(field);
    }
    Some(fields.iter().flat_map(|(name, value)| [name.as_ref(), value.as_ref()]).collect())
}

fn body_hash(url: &str) -> Option<String> {
    let query = url.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == BODY_HASH).map(|(_, hash)| hash.into_owned())
}

/// The URL without its port and with it: Twilio has signed both kinds over the years, so its SDKs try both.
fn same_urls(url: &str) -> Vec<String> {
    let Some((scheme, rest)) = url.split_once("://") else { return vec![url.to_owned()] };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => (host, port),
        _ => (authority, if scheme == "https" { "443" } else { "80" }),
    };
    vec![format!("{scheme}://{host}{path}"), format!("{scheme}://{host}:{port}{path}")]
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_sorted_by_name_and_the_values_of_one_name_are_told_once_each() {
        let form = b"b=2&a=%2B1&Reason=x&ReasonConferenceEnded=y&b=1&b=2&empty=&a=+";
        assert_eq!(
            sorted_fields(form).expect("few"),
            ["Reason", "x", "ReasonConferenceEnded", "y", "a", " ", "a", "+1", "b", "1", "b", "2", "empty", ""]
                .concat()
        );
    }

    #[test]
    fn a_form_of_a_great_many_fields_is_refused() {
        assert!(sorted_fields("a=1&".repeat(FIELDS_MAX).as_bytes()).is_some());
        assert!(sorted_fields("a=1&".repeat(FIELDS_MAX + 1).as_bytes()).is_none());
    }

    #[test]
    fn a_url_is_the_same_with_and_without_its_port() {
        let both = ["https://x.example/a?b=c:1".to_owned(), "https://x.example:443/a?b=c:1".to_owned()];
        assert_eq!(same_urls("https://x.example/a?b=c:1"), both);
        assert_eq!(same_urls("https://x.example:443/a?b=c:1"), both);
        assert_eq!(same_urls("http://x.example:8080")[1], "http://x.example:8080");
        assert_eq!(same_urls("http://x.example?a=b")[1], "http://x.example:80?a=b");
        assert_eq!(same_urls("no url"), ["no url"]);
    }

    #[test]
    fn no_tokens_an_empty_signature_and_a_url_that_is_none_are_refused_without_a_panic() {
        for (tokens, signature, url) in [
            (vec![], "AAAA", "https://x.example/"),
            (vec!["t"], "", "https://x.example/"),
            (vec!["t"], "AAAA", ""),
            (vec!["t"], "ä", "https://x.example/?bodySHA256"),
        ] {
            let body = Bytes::from_static(b"a=b");
            let refusal = verify(tokens.into_iter(), signature, url, body).expect_err("refused");
            assert_eq!(refusal.code, "invalid_signature");
        }
    }
}
