//! `Stripe-Signature`: HMAC-SHA256 over `<t>.<raw body>`, keyed with the whole `whsec_…` text.
//! (docs.stripe.com/webhooks, and the official SDKs' own verifiers.)

use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::Timestamp;
use crate::error::{Error, Result};
use crate::vendors::Verified;

/// The header.
pub const HEADER: &str = "stripe-signature";
/// How old a signature may be: the default of Stripe's own SDKs.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Signatures looked at in one header. Stripe sends one a live secret; a header with more is somebody's toy.
const SIGNATURES_MAX: usize = 10;

/// Checks the signature with every live secret.
///
/// # Errors
/// 400 `invalid_signature` when nothing matches, or the signature is older than five minutes.
pub fn verify<'a>(
    secrets: impl Iterator<Item = &'a str>,
    header: &str,
    body: Bytes,
    now: Timestamp,
) -> Result<Verified<Bytes>> {
    let refuse = |why: &str| Error::rejected(400, "invalid_signature", "The signature is not valid.").because(why);
    let mut timestamp = None;
    let mut signatures: Vec<[u8; 32]> = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) => timestamp = Some(text),
            Some(("v1", hex)) if signatures.len() < SIGNATURES_MAX => signatures.extend(decode_hex(hex)),
            _ => {}
        }
    }
    let (Some(text), false) = (timestamp, signatures.is_empty()) else {
        return Err(refuse("no t or no v1 in the header"));
    };
    let signed_at = text.parse().map(Timestamp::from_seconds).map_err(|_| refuse("t is not a number"))?;
    let mut matching = None;
    for secret in secrets {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|e| Error::bug("hmac", e))?;
        mac.update(text.as_bytes());
        mac.update(b".");
        mac.update(&body);
        for signature in &signatures {
            // Constant time, and every pair is tried whether or not one matched.
            if mac.clone().verify_slice(signature).is_ok() {
                matching = Some(secret);
            }
        }
    }
    let Some(secret) = matching else { return Err(refuse("no signature matches")) };
    if now.since(signed_at) > TOLERANCE {
        return Err(refuse("older than the tolerance"));
    }
    Ok(Verified::vouch(body, secret))
}

fn decode_hex(hex: &str) -> Option<[u8; 32]> {
    let hex = hex.as_bytes();
    if hex.len() != 64 {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(hex.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
