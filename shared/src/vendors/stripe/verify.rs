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
/// The longest header that is read, in bytes: 200 signatures, and Stripe sends one a live secret.
pub const HEADER_MAX_BYTES: usize = 16 * 1024;

/// An event that Stripe has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The event, byte for byte.
    pub body: Bytes,
    /// What of the header its verification needs: its time and the signature that matched.
    pub header: String,
}

/// Checks the signature with every live secret. As in Stripe's own SDKs every signature of the header is tried, wherever it
/// stands, and other schemes are passed over.
///
/// # Errors
/// 400 `invalid_signature` when nothing matches, there is not exactly one time, or the signature is older than five minutes.
pub fn verify<'a>(
    secrets: impl Iterator<Item = &'a str>,
    header: &str,
    body: Bytes,
    now: Timestamp,
) -> Result<Verified<Signed>> {
    let refuse = |why: &str| Error::rejected(400, "invalid_signature", "The signature is not valid.").because(why);
    let mut timestamps = Vec::new();
    let mut signatures: Vec<([u8; 32], &str)> = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) => timestamps.push(text),
            Some(("v1", hex)) => signatures.extend(decode_hex(hex).map(|signature| (signature, hex))),
            _ => {}
        }
    }
    // Of two times nobody can say which was signed.
    let &[text] = timestamps.as_slice() else { return Err(refuse("no t in the header, or several")) };
    if signatures.is_empty() {
        return Err(refuse("no v1 in the header"));
    }
    let signed_at = text.parse().map(Timestamp::from_seconds).map_err(|_| refuse("t is not a number"))?;
    let mut matching = None;
    for secret in secrets {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .map_err(|e| Error::bug("hmac", "the secret of Stripe").caused_by(e))?;
        mac.update(text.as_bytes());
        mac.update(b".");
        mac.update(&body);
        for (signature, hex) in &signatures {
            // Constant time, and every pair is tried whether or not one matched.
            if mac.clone().verify_slice(signature).is_ok() {
                matching = Some((secret, *hex));
            }
        }
    }
    let Some((secret, hex)) = matching else { return Err(refuse("no signature matches")) };
    if now.since(signed_at) > TOLERANCE {
        return Err(refuse("older than the tolerance"));
    }
    let header = format!("t={text},v1={hex}");
    Ok(Verified::vouch(Signed { body, header }, secret))
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
