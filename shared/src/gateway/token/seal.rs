//! A token, and how it is encrypted in the table.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::aws::Item;
use crate::domain::{Private, Timestamp};
use crate::error::{Error, Result};
use crate::gateway::Vendor;
use crate::guard::{Guard, holds};
use crate::world::World;

/// From here on somebody fetches the next one, in percent of a token's life.
const RENEWED_AT_PERCENT: u32 = 80;
/// Until here the old one is used meanwhile: FedEx's hour then ends three minutes early, which clocks do not differ by.
const USED_UNTIL_PERCENT: u32 = 95;

/// A token that was given.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) bearer: Private<Arc<str>>,
    given_at: Timestamp,
    ends_at: Timestamp,
    /// Which secret it was given for.
    pub(super) of: [u8; 32],
    /// Its form in the table, which names it there.
    pub(super) sealed: String,
}

impl Token {
    fn part(&self, percent: u32) -> Timestamp {
        self.given_at.plus(self.ends_at.since(self.given_at) * percent / 100)
    }

    /// It is to be used, and nothing is to be done.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.part(RENEWED_AT_PERCENT)
    }

    /// It may be used while somebody fetches the next one.
    pub(super) fn is_good(&self, now: Timestamp) -> bool {
        now < self.part(USED_UNTIL_PERCENT)
    }
}

/// The item.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    sealed: Option<String>,
    #[serde(default)]
    given_at: Timestamp,
    #[serde(default)]
    ends_at: Timestamp,
}

/// The data that is authenticated with the token: without the secret nobody can change it or use it for another vendor.
#[derive(Serialize)]
struct Bound<'a> {
    vendor: &'a str,
    given_at: Timestamp,
    ends_at: Timestamp,
}

/// Closes and opens tokens with a key made of a client secret.
pub(super) struct Seal {
    vendor: Vendor,
    key: LessSafeKey,
    /// Distinguishes secrets without revealing them.
    pub(super) id: [u8; 32],
}

impl Seal {
    pub(super) fn of(vendor: Vendor, secret: &str) -> Result<Self> {
        let derived = |what: &str| -> Result<[u8; 32]> {
            let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
                .map_err(|e| Error::bug("hmac", "the secret of a token").caused_by(e))?;
            let text = format!("crossdock {what} {}", vendor.as_str());
            Ok(mac.chain_update(text.as_bytes()).finalize().into_bytes().into())
        };
        let key = UnboundKey::new(&AES_256_GCM, &derived("token seal v1")?).map_err(|_| Error::bug("aead", "a key"))?;
        Ok(Self { vendor, key: LessSafeKey::new(key), id: derived("token owner v1")? })
    }

    fn bound(&self, given_at: Timestamp, ends_at: Timestamp) -> Result<Aad<Vec<u8>>> {
        let bound = Bound { vendor: self.vendor.as_str(), given_at, ends_at };
        serde_json::to_vec(&bound)
            .map(Aad::from)
            .map_err(|e| Error::bug("aead", "what a token is bound to cannot be written").caused_by(e))
    }

    pub(super) fn closed(&self, bearer: &str, given_at: Timestamp, ends_at: Timestamp, world: &World) -> Result<Token> {
        // 96 random bits: a secret would have to get four billion tokens before two nonces are likely to be equal.
        let mut nonce = [0; NONCE_LEN];
        nonce.copy_from_slice(&world.rng.next().to_be_bytes()[..NONCE_LEN]);
        let mut bytes = bearer.as_bytes().to_vec();
        if holds(Guard::TokenSeal) {
            let (nonce, bound) = (Nonce::assume_unique_for_key(nonce), self.bound(given_at, ends_at)?);
            self.key
                .seal_in_place_append_tag(nonce, bound, &mut bytes)
                .map_err(|_| Error::bug("aead", "a token that cannot be sealed"))?;
        }
        let sealed = STANDARD.encode([&nonce[..], &bytes].concat());
        Ok(Token { bearer: Private::new(bearer.into()), given_at, ends_at, of: self.id, sealed })
    }

    /// The token of an item; `None` when there is none, or it was given for another secret.
    pub(super) fn opened(&self, item: &Item) -> Option<Token> {
        let Stored { sealed, given_at, ends_at } = item.parse().ok()?;
        let sealed = sealed?;
        let bytes = STANDARD.decode(&sealed).ok()?;
        let (nonce, bytes) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = bytes.to_vec();
        let bearer = self.key.open_in_place(nonce, self.bound(given_at, ends_at).ok()?, &mut bytes).ok()?;
        let bearer = std::str::from_utf8(bearer).ok()?;
        Some(Token { bearer: Private::new(bearer.into()), given_at, ends_at, of: self.id, sealed })
    }
}
