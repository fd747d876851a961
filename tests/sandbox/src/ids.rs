//! Vendor-made ids and keys: random to look at, decided by the seed.

use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Draws ids. Each kind has its own sequence, so one more event does not change the id of the next charge.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: u64,
    drawn: BTreeMap<&'static str, u64>,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: BTreeMap::new() }
    }

    /// The next id of this kind: `length` letters and digits (at most 32).
    pub(crate) fn next(&mut self, kind: &'static str, length: usize) -> String {
        let bytes = self.draw(kind);
        let letters = bytes.iter().take(length).map(|byte| ALPHABET[usize::from(*byte) % ALPHABET.len()]);
        letters.map(char::from).collect()
    }

    /// The next id of this kind: 32 hexadecimal digits in lower case.
    pub(crate) fn hex(&mut self, kind: &'static str) -> String {
        format!("{:x}", Bytes::copy_from_slice(&self.draw(kind)[..16]))
    }

    /// The next number of this kind: `length` digits (at most 32), the first of which is no zero.
    pub(crate) fn digits(&mut self, kind: &'static str, length: usize) -> String {
        let bytes = self.draw(kind);
        let digits = bytes.iter().take(length).enumerate();
        digits.map(|(i, byte)| char::from(b'0' + if i == 0 { 1 + byte % 9 } else { byte % 10 })).collect()
    }

    /// The next id of this kind, in the form of a UUID.
    pub(crate) fn uuid(&mut self, kind: &'static str) -> String {
        let hex = self.hex(kind);
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    fn draw(&mut self, kind: &'static str) -> [u8; 32] {
        let drawn = self.drawn.entry(kind).or_default();
        *drawn += 1;
        seeded_bytes(self.seed, &format!("{kind}/{drawn}"))
    }
}

/// 32 bytes that depend on the seed and a name, and on nothing else.
pub(crate) fn seeded_bytes(seed: u64, name: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed.to_be_bytes()).chain_update(name).finalize().into()
}
