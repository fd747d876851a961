//! What is known of an address, and taking back why nobody is written to.

use crate::domain::consent::{ConsentChange, Suppression};
use crate::domain::input::{Lift, Lookup};
use crate::domain::{ContactId, Correlation, Private};
use crate::effects::WorkList;
use crate::effects::contact::{AppKeys, Contact, contact_id, other_ids};
use crate::error::{Error, Result};
use crate::gateway::Keyring;

/// The contacts of a stack, by their addresses.
pub struct Contacts {
    list: WorkList,
    app_keys: Keyring<AppKeys>,
}

impl Contacts {
    /// Contacts in this work list; `app_keys` make their ids.
    pub const fn new(list: WorkList, app_keys: Keyring<AppKeys>) -> Self {
        Self { list, app_keys }
    }

    async fn ids(&self, address: &str) -> Result<(ContactId, Vec<ContactId>)> {
        let keys = self.app_keys.get().await?;
        Ok((contact_id(&keys, address)?, other_ids(&keys, address)?))
    }

    /// What is known of an address.
    pub async fn lookup(&self, asked: &Lookup) -> Result<Contact> {
        let (id, also) = self.ids(asked.address.expose()).await?;
        self.list.contact(&id, &also).await
    }

    /// Takes back that an address bounced or that its owner called a mail spam, with the proof: where they said it, and the
    /// hash of the request that tells of it. Only the reason that is shown: a complaint behind a bounce is shown next, and
    /// takes a proof of its own. What nobody is kept from is left as it is.
    ///
    /// # Errors
    /// 409 `stopped_by_recipient`: only who answered STOP can take it back, by START. 409 `suppressed_since`: what the proof
    /// says is older than what it is to take back.
    pub async fn lift(
        &self,
        asked: &Lift,
        hash: &str,
        (correlation, asked_by): (&Correlation, Option<&Private<String>>),
    ) -> Result<Contact> {
        let (id, also) = self.ids(asked.address.expose()).await?;
        let contact = self.list.contact(&id, &also).await?;
        let Some(why) = contact.consent().reason() else { return Ok(contact) };
        if why == Suppression::Stopped {
            let detail = "Whoever answered STOP is written to again when they answer START.";
            return Err(Error::rejected(409, "stopped_by_recipient", detail));
        }
        if contact.reason_at().is_some_and(|since| since > asked.at) {
            return Err(suppressed_since());
        }
        let proof = format!("{}/{hash}", asked.source);
        let change =
            if contact.suppressed.is_some() { ConsentChange::BounceLifted } else { ConsentChange::ComplaintLifted };
        let address = Some((&asked.address, also.as_slice()));
        self.list.change_consent(&id, address, (change, asked.at), &proof, (correlation, asked_by)).await?;
        let contact = self.list.contact(&id, &also).await?;
        if contact.consent().reason() == Some(why) { Err(suppressed_since()) } else { Ok(contact) }
    }
}

fn suppressed_since() -> Error {
    Error::rejected(409, "suppressed_since", "The address was suppressed after the time that the proof names.")
}
