//! The event webhook's signature: ECDSA P-256 with SHA-256 over timestamp header and raw body, the trailing CRLF
//! included. (SendGrid's eventwebhook helpers.) No tolerance: a redelivery may be a day old, and the seen marks catch
//! replays.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use crate::error::{Error, Result};
use crate::vendors::Verified;

/// The signature's header.
pub const SIGNATURE_HEADER: &str = "x-twilio-email-event-webhook-signature";
/// The timestamp's header.
pub const TIMESTAMP_HEADER: &str = "x-twilio-email-event-webhook-timestamp";

/// DER header of a SubjectPublicKeyInfo for an uncompressed P-256 point (RFC 5480), 26 bytes; the point follows.
const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Checks the signature with every live key (base64 of DER SubjectPublicKeyInfo, as the API gives them).
///
/// # Errors
/// 400 `invalid_signature` when nothing matches.
pub fn verify<'a>(
    keys: impl Iterator<Item = &'a str>,
    signature: &str,
    timestamp: &str,
    body: Bytes,
) -> Result<Verified<Bytes>> {
    let refuse = |why: &str| Error::rejected(400, "invalid_signature", "The signature is not valid.").because(why);
    let signature = STANDARD.decode(signature.trim()).map_err(|_| refuse("the signature is not base64"))?;
    let mut message = Vec::with_capacity(timestamp.len() + body.len());
    message.extend_from_slice(timestamp.as_bytes());
    message.extend_from_slice(&body);
    let mut matching = None;
    for key in keys {
        let Some(point) = point(key) else {
            tracing::error!("a webhook public key of SendGrid's is not a P-256 key: check the secret");
            continue;
        };
        if UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(&message, &signature).is_ok() {
            matching = Some(key);
        }
    }
    matching.map(|key| Verified::vouch(body, key)).ok_or_else(|| refuse("no signature matches"))
}

fn point(key: &str) -> Option<Vec<u8>> {
    let der = STANDARD.decode(key.trim()).ok()?;
    der.strip_prefix(&P256_SPKI_PREFIX).map(<[u8]>::to_vec)
}
