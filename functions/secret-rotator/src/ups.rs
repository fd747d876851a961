//! What UPS proves itself with at ours: the credential of its pushes, and the client for which it gets our tokens. UPS has no API
//! to tell it another one (Track Alert's second version takes them from a page of the account, developer.ups.com/update-webhook).
//! So the new ones are added, both count, and a person enters them; the old ones go with the next rotation, which does not
//! begin before UPS has used the new ones.

use std::time::Duration;

use crossdock::effects::archive::Archive;
use crossdock::error::{Error, Result};
use crossdock::gateway::Vendor;
use crossdock::lambda::System;
use crossdock::vendors::key_id;
use crossdock::world::World;
use serde_json::{Value, json};

use crate::Proposal;
use crate::links::random_key;
use crate::note::Note;

const FIELD: &str = "webhook_credentials";
/// How far back UPS's use of a credential is looked for.
const LOOKED_BACK: Duration = Duration::from_secs(48 * 3_600);
/// How many webhooks are looked at.
const LOOKED_AT_MAX: usize = 50;

pub(crate) struct UpsCredentials {
    archive: Archive,
    world: World,
}

impl UpsCredentials {
    pub(crate) fn new(system: &System) -> Result<Self> {
        Ok(Self { archive: system.archive()?, world: system.world().clone() })
    }

    pub(crate) async fn propose(&self, current: &Value) -> Result<Proposal> {
        let all = current[FIELD].as_array().cloned().unwrap_or_default();
        let text = |one: &Value| one["secret"].as_str().unwrap_or_default().to_owned();
        // A client has a colon in it, a credential has none. Of each form the newest is the last.
        let newest = |is_client: bool| all.iter().rfind(|one| text(one).contains(':') == is_client).cloned();
        let (credential, client) = (newest(false), newest(true));
        let (mut kept, mut made) = (Vec::new(), Vec::new());
        for newest in [&credential, &client].into_iter().flatten() {
            if Note::read(current).is_some() && !self.was_used(&text(newest)).await? {
                let detail = "The credentials of the last rotation are not used by UPS yet: enter them there first.";
                return Err(Error::rejected(409, "credential_not_seen", detail));
            }
            kept.push(newest.clone());
            let secret = random_key(&self.world);
            let secret = if text(newest).contains(':') {
                format!("ups-{}:{secret}", &random_key(&self.world)[..8])
            } else {
                secret
            };
            made.push(json!({ "secret": secret }));
        }
        if made.is_empty() {
            return Err(Error::misconfigured("secret_unusable", "there is no credential to renew"));
        }
        tracing::warn!("UPS has new credentials for its webhooks: enter them at developer.ups.com/update-webhook");
        let mut value = current.clone();
        value[FIELD] = Value::Array(kept.into_iter().chain(made).collect());
        Ok(Proposal { value, note: Note::default() })
    }

    /// Whether a webhook came with it lately.
    async fn was_used(&self, credential: &str) -> Result<bool> {
        let now = self.world.now();
        let from = crossdock::domain::Timestamp::from_seconds(
            now.seconds() - i64::try_from(LOOKED_BACK.as_secs()).unwrap_or(0),
        );
        was_verified_with(&self.archive, Vendor::Ups, &key_id(credential), (from, now)).await
    }
}

/// Whether a webhook that was received between these times was verified with the key of this short id.
pub(crate) async fn was_verified_with(
    archive: &Archive,
    vendor: Vendor,
    key_id: &str,
    (from, to): (crossdock::domain::Timestamp, crossdock::domain::Timestamp),
) -> Result<bool> {
    let keys = archive.received(vendor, from, to).await?;
    for key in keys.iter().rev().take(LOOKED_AT_MAX) {
        if archive.read(key).await?.1.verified_by == key_id {
            return Ok(true);
        }
    }
    Ok(false)
}
