//! `X-Twilio-Signature`: HMAC-SHA1 over the URL and the form.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use std::collections::{BTreeMap, BTreeSet};

/// Base64 of the HMAC over the whole URL followed by name and value of every parameter, names in byte order. A name that
/// comes more than once has its different values in order, each after the name.
pub(super) fn signature(auth_token: &str, url: &str, form: &[u8]) -> String {
    let mut parameters: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(form) {
        parameters.entry(name.into_owned()).or_default().insert(value.into_owned());
    }
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()) else { return String::new() };
    mac.update(url.as_bytes());
    for (name, values) in &parameters {
        for value in values {
            mac.update(name.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    STANDARD.encode(mac.finalize().into_bytes())
}
