//! What a version of a secret says of its own rotation. It lies beside the keys, where no function that uses them looks.

use crossdock::domain::Timestamp;
use crossdock::error::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where it lies.
const FIELD: &str = "rotation";

/// What a version was made from, and what it leaves to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The version that was current when its keys were made.
    pub(crate) based_on: String,
    /// Its own id.
    pub(crate) version: String,
    /// When its keys were made.
    #[serde(default)]
    pub(crate) made_at: Timestamp,
    /// To be done at the vendor once nobody uses the version before any more.
    #[serde(default)]
    pub(crate) steps: Vec<Step>,
    /// To be done if it is never made current.
    #[serde(default)]
    pub(crate) undo: Vec<Step>,
}

/// Something to do at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) step: String,
    /// The vendor's id of what it is done to; no secret.
    pub(crate) of: String,
}

impl Step {
    pub(crate) fn new(step: &str, of: impl Into<String>) -> Self {
        Self { step: step.to_owned(), of: of.into() }
    }
}

impl Note {
    /// The note of a version, if a rotation made it.
    pub(crate) fn read(secret: &Value) -> Option<Self> {
        Self::deserialize(secret.get(FIELD)?).ok()
    }

    /// Puts the note into a version.
    pub(crate) fn write(&self, secret: &mut Value) -> Result<()> {
        let secret = secret.as_object_mut();
        let secret = secret.ok_or_else(|| Error::misconfigured("secret_unusable", "the secret is no JSON object"))?;
        let note =
            serde_json::to_value(self).map_err(|e| Error::bug("rotation_note", "it cannot be written").caused_by(e))?;
        secret.insert(FIELD.to_owned(), note);
        Ok(())
    }
}
