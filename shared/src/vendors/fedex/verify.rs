//! `fdx-signature`: HMAC-SHA256, in base64, over the raw body, keyed with the text of the security token that we gave FedEx
//! with the webhook's URL. (developer.fedex.com, Advanced Integrated Visibility; its prose also says "hex", its code and
//! its FAQ say base64.) No time is signed: the seen marks catch replays.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::{Error, Result};
use crate::vendors::Verified;

/// The header.
pub const HEADER: &str = "fdx-signature";

/// Checks the signature with every live token.
///
/// # Errors
/// 400 `invalid_signature` when nothing matches.
pub fn verify<'a>(tokens: impl Iterator<Item = &'a str>, signature: &str, body: Bytes) -> Result<Verified<Bytes>> {
    let refuse = |why: &str| Error::rejected(400, "invalid_signature", "The signature is not valid.").because(why);
    let signature = STANDARD.decode(signature.trim()).map_err(|_| refuse("the signature is not base64"))?;
    let mut matching = None;
    for token in tokens {
        let mac = Hmac::<Sha256>::new_from_slice(token.as_bytes())
            .map_err(|e| Error::bug("hmac", "the token of FedEx").caused_by(e))?;
        // Constant time, and every token is tried whether or not one matched.
        if mac.chain_update(&body).verify_slice(&signature).is_ok() {
            matching = Some(token);
        }
    }
    matching.map(|token| Verified::vouch(body, token)).ok_or_else(|| refuse("no signature matches"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "a-webhook-token-of-ours-0123456789";
    const BODY: &[u8] = b"{\"trackingNumber\":\"122816215025810\",\"city\":\"M\xc3\xbcnchen\"}\n";
    /// FedEx has no public SDK for its webhook, so this was made with the standard library of another language:
    /// `base64.b64encode(hmac.new(TOKEN, BODY, hashlib.sha256).digest())` of Python 3.
    const SIGNATURE: &str = "uW0cy1L8xZI6iC/x7RN6rbH0guswJxJEayoMnD6/PiA=";

    fn judged(tokens: &[&str], signature: &str, body: &'static [u8]) -> bool {
        let judged = verify(tokens.iter().copied(), signature, Bytes::from_static(body));
        if let Err(refusal) = &judged {
            assert_eq!(refusal.code, "invalid_signature");
        }
        judged.is_ok()
    }

    #[test]
    fn a_signature_made_elsewhere_is_accepted_with_each_live_token() {
        assert!(judged(&[TOKEN], SIGNATURE, BODY));
        assert!(judged(&["another", TOKEN], SIGNATURE, BODY));
        assert!(judged(&[TOKEN, "another"], SIGNATURE, BODY));
    }

    #[test]
    fn the_token_that_matched_is_named() {
        let verified = verify([TOKEN, "another"].into_iter(), SIGNATURE, Bytes::from_static(BODY)).expect("verified");
        assert_eq!(verified.key_id(), crate::vendors::key_id(TOKEN));
    }

    #[test]
    fn what_was_signed_otherwise_or_altered_is_refused() {
        assert!(!judged(&[TOKEN], SIGNATURE, &BODY[..BODY.len() - 1]));
        assert!(!judged(&["another"], SIGNATURE, BODY));
        assert!(!judged(&[], SIGNATURE, BODY));
        for length in 0..SIGNATURE.len() {
            assert!(!judged(&[TOKEN], &SIGNATURE[..length], BODY), "{length}");
        }
        // The page's prose: hex, or SHA-256 of token and body. Neither is a signature.
        for other in [
            "b96d1ccb52fcc5923a882ff1ed137aadb1f482eb302712446b2a0c9c3ebf3e20",
            "SjEnPA7h2YaucX0sPlwfNb7a9LMMKcdPWcyyMv9mNfk=",
            "ä",
            "=",
            "",
        ] {
            assert!(!judged(&[TOKEN], other, BODY), "{other}");
        }
    }
}
