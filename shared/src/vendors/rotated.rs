//! What a vendor signs or proves itself with, while it is rolled: several count at once, each until its time.

use serde::Deserialize;

use crate::domain::{Private, Timestamp};
use crate::error::{Error, Result};

/// One of them: a signing secret, a public key, an auth token, a name with its password.
#[derive(Clone, Debug, Deserialize)]
pub struct Rotated {
    /// The vendor's form of it.
    pub secret: Private<String>,
    /// Unix seconds; none: until it is removed.
    #[serde(default)]
    pub not_after: Option<i64>,
}

/// Those that count now. An empty one never does: with it anybody could sign.
pub(super) fn live(all: &[Rotated], now: Timestamp) -> impl Iterator<Item = &str> {
    let counts = move |one: &&Rotated| one.not_after.is_none_or(|end| now.seconds() <= end);
    all.iter().filter(counts).map(|one| one.secret.expose().as_str()).filter(|secret| !secret.trim().is_empty())
}

/// Fewest characters of a password that a shop gives to a vendor. Anybody can try passwords at a public URL, and what was
/// sent with one that can be guessed may say anything. 16 characters drawn at random have 80 bits or more.
const PASSWORD_MIN_CHARS: usize = 16;

/// The secret part of a credential: what follows the name, where it has one.
fn password(credential: &str) -> &str {
    credential.split_once(':').map_or(credential, |(_, password)| password)
}

/// The passwords that count now. One that is too short lets nobody in, and the log says so.
///
/// # Errors
/// `webhook_password_too_short` when there are some and none is long enough: the vendor is answered with 500 and sends its
/// webhooks again, and whoever is on call is told what to do.
pub(super) fn passwords<'a>(all: &'a [Rotated], now: Timestamp, vendor: &'static str) -> Result<Vec<&'a str>> {
    let is_long = |credential: &&str| password(credential).chars().count() >= PASSWORD_MIN_CHARS;
    let (long, short): (Vec<&str>, Vec<&str>) = live(all, now).partition(is_long);
    let what_to_do = format!(
        "a password in {vendor}-webhook has fewer than {PASSWORD_MIN_CHARS} characters and lets nobody in: draw one at random \
         (openssl rand -hex 24), put it into the secret, and enter it at the vendor"
    );
    match (long.is_empty(), short.is_empty()) {
        (true, false) => Err(Error::misconfigured("webhook_password_too_short", what_to_do)),
        (false, false) => {
            tracing::error!("{what_to_do}");
            Ok(long)
        }
        _ => Ok(long),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_sixteen_characters_without_its_name() {
        let one = |secret: &str| Rotated { secret: secret.to_owned().into(), not_after: None };
        let judged = |all: &[&str]| {
            let all: Vec<Rotated> = all.iter().map(|secret| one(secret)).collect();
            let passwords = passwords(&all, Timestamp::from_seconds(100), "postmark");
            passwords.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>()).map_err(|error| error.code)
        };
        for short in ["postmark:0123456789abcde", "a-very-long-name-indeed:", "0123456789abcde", "a:b", ":"] {
            assert_eq!(judged(&[short]), Err("webhook_password_too_short"), "{short}");
            assert_eq!(judged(&[short, "a:0123456789abcdef"]), Ok(vec!["a:0123456789abcdef".to_owned()]), "{short}");
        }
        assert_eq!(judged(&["0123456789abcdef"]), Ok(vec!["0123456789abcdef".to_owned()]));
        // Nothing was set up yet: nobody gets in, and nothing is wrong.
        assert_eq!(judged(&[]), Ok(Vec::new()));
    }

    #[test]
    fn each_counts_until_its_time_and_an_empty_one_never() {
        let one = |secret: &str, not_after| Rotated { secret: secret.to_owned().into(), not_after };
        let all = [one("new", None), one("old", Some(100)), one("", None), one(" ", None)];
        assert_eq!(live(&all, Timestamp::from_seconds(100)).collect::<Vec<_>>(), ["new", "old"]);
        assert_eq!(live(&all, Timestamp::from_seconds(101)).collect::<Vec<_>>(), ["new"]);
    }
}
