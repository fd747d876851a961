//! The signature of SendGrid's event webhook: ECDSA over P-256 with SHA-256.

use crate::ids::seeded_bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey;

/// The webhook's key pair, decided by the seed. Signatures are deterministic (RFC 6979).
pub(super) struct Key(SigningKey);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The first key that the seed gives and the curve has (all but one in 2^32 seeds: the first try).
    pub(super) fn from_seed(seed: u64) -> Self {
        (0_u64..)
            .find_map(|try_number| {
                let bytes = seeded_bytes(seed, &format!("sendgrid webhook key {try_number}"));
                SigningKey::from_slice(&bytes).ok().map(Self)
            })
            .unwrap_or_else(|| unreachable!("some 256-bit number is a key of the curve"))
    }

    /// The public key: base64 of DER SubjectPublicKeyInfo.
    pub(super) fn public(&self) -> String {
        self.0.verifying_key().to_public_key_der().map(|der| STANDARD.encode(der.as_bytes())).unwrap_or_default()
    }

    /// Base64 of the DER signature over the timestamp's text directly followed by the body.
    pub(super) fn sign(&self, timestamp: &str, body: &[u8]) -> String {
        let signature: Signature = self.0.sign(&[timestamp.as_bytes(), body].concat());
        STANDARD.encode(signature.to_der().as_bytes())
    }
}
