//! A contact: the one place where an address is stored.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::intent::person_partition;
use crate::aws::{Key, Write};
use crate::domain::{ContactId, Private, Timestamp, id};
use crate::error::{Error, Result};

/// How long an address is kept after its last use: a year's guarantee and returns, and a month.
const KEPT_AFTER: Duration = Duration::from_secs(400 * 24 * 3_600);

/// The app's own secret.
#[derive(Clone, Debug, Deserialize)]
pub struct AppKeys {
    /// Keys the HMAC that contact ids are made of. Never rotated: the ids would change.
    pub person_key: Private<String>,
}

/// Who is written to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// HMAC of the normalised address.
    pub contact_id: ContactId,
    /// The normalised address.
    pub address: Private<String>,
    /// How to address them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Private<String>>,
}

/// The id of an address: an HMAC, because addresses can be enumerated and plain hashes of them reversed.
pub fn contact_id(keys: &AppKeys, normalised_address: &str) -> Result<ContactId> {
    let key = keys.person_key.expose();
    if key.is_empty() {
        return Err(Error::misconfigured("secret_unusable", "app: person_key is empty"));
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|e| Error::bug("hmac", e))?;
    mac.update(normalised_address.as_bytes());
    let code = mac.finalize().into_bytes();
    Ok(ContactId::from_stored(format!("con_{}", id::first_128_bits(&code))))
}

/// Where a contact lives.
pub fn key(id: &ContactId) -> Key {
    Key::new(format!("CONTACT#{id}"), "CONTACT")
}

/// Writes the contact, or renews what is known of it.
pub fn remember(
    id: &ContactId,
    address: &Private<String>,
    name: Option<&Private<String>>,
    now: Timestamp,
) -> Result<Write> {
    let write = Write::update(key(id))
        .set("type", &"contact")?
        .set("contact_id", id)?
        .set("address", address)?
        .set_if_absent("created_at", &now)?
        .set_if_absent("person_pk", &person_partition(id))?
        .set_if_absent("person_sk", &format!("{:013}#{id}", now.ms()))?
        .set("expires", &now.plus(KEPT_AFTER).seconds())?;
    match name {
        Some(name) => write.set("name", name),
        None => Ok(write),
    }
}
