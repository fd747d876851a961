//! `link_key` of our own secret: what makes the links to unsubscribe. A new key is added, and the old ones stay: a mail may be
//! opened years later. Nobody makes links with the new one before everybody who checks them can know it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crossdock::error::{Error, Result};
use crossdock::lambda::System;
use crossdock::world::World;
use serde_json::{Value, json};

use crate::note::Note;
use crate::{NOBODY_HAS_IT_AFTER, Proposal};

/// Keys that the list may have: with one a quarter, some fifty years. A secret holds 64 kB.
const KEYS_MAX: usize = 200;

pub(crate) struct LinkKeys {
    world: World,
}

impl LinkKeys {
    pub(crate) fn new(system: &System) -> Self {
        Self { world: system.world().clone() }
    }

    pub(crate) fn propose(&self, current: &Value) -> Result<Proposal> {
        let mut keys = match &current["link_key"] {
            Value::String(key) if !key.is_empty() => vec![json!({ "key": key, "since": 0 })],
            Value::Array(keys) => keys.clone(),
            _ => Vec::new(),
        };
        if keys.len() >= KEYS_MAX {
            return Err(Error::misconfigured("secret_unusable", "link_key has as many keys as it may have"));
        }
        let since = self.world.now().plus(NOBODY_HAS_IT_AFTER).seconds();
        keys.push(json!({ "key": random_key(&self.world), "since": since }));
        let mut value = current.clone();
        value["link_key"] = Value::Array(keys);
        Ok(Proposal { value, note: Note::default() })
    }
}

/// 256 random bits, in letters and digits that every header and form takes.
pub(crate) fn random_key(world: &World) -> String {
    let bytes = [world.rng.next().to_be_bytes(), world.rng.next().to_be_bytes()].concat();
    URL_SAFE_NO_PAD.encode(bytes)
}
