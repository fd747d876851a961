//! A vendor's secret as a Rust type. Vendors read their keys with it and never call Secrets Manager.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::aws::Secrets;
use crate::aws::secret::NO_SUCH_SECRET;
use crate::error::{Error, Result};
use crate::gateway::admission::Credential;
use crate::gateway::breaker::{Right, Switch};

/// One secret of Secrets Manager, read as `T`.
pub struct Keyring<T> {
    secrets: Secrets,
    id: String,
    switch: Switch,
    right: Option<Right>,
    fallback: Option<Fallback<T>>,
    shape: PhantomData<fn() -> T>,
}

/// What a secret is that may still be empty: its keys can be in another one until it is filled.
struct Fallback<T> {
    is_empty: fn(&T) -> bool,
    id: Option<String>,
}

impl<T> Clone for Fallback<T> {
    fn clone(&self) -> Self {
        Self { is_empty: self.is_empty, id: self.id.clone() }
    }
}

impl<T> Clone for Keyring<T> {
    fn clone(&self) -> Self {
        Self {
            secrets: self.secrets.clone(),
            id: self.id.clone(),
            switch: self.switch,
            right: self.right,
            fallback: self.fallback.clone(),
            shape: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Keyring<T> {
    /// The secret of that name or ARN.
    pub fn new(secrets: Secrets, id: String) -> Self {
        Self { secrets, id, switch: Switch::Key, right: None, fallback: None, shape: PhantomData }
    }

    /// The same secret, for calls with the marketing key. If that key is refused, other calls continue.
    #[must_use]
    pub fn for_marketing(&self) -> Self {
        Self { switch: Switch::MarketingKey, ..self.clone() }
    }

    /// The same secret, for calls that need this permission. If the key lacks it, other calls continue.
    #[must_use]
    pub fn with_right(&self, right: Right) -> Self {
        Self { right: Some(right), ..self.clone() }
    }

    /// The same secret, which is not filled yet when this says so: until then the keys are in another one, if there is one.
    #[must_use]
    pub fn or_while_empty(self, id: Option<String>, is_empty: fn(&T) -> bool) -> Self {
        Self { fallback: Some(Fallback { is_empty, id }), ..self }
    }

    /// The keys, at most five minutes old.
    pub async fn get(&self) -> Result<T> {
        Ok(self.versioned().await?.0)
    }

    /// Reads the keys again, after a refused key or a signature that did not match. `None` if that was done within the
    /// last 30 s.
    pub async fn refresh(&self) -> Result<Option<T>> {
        let own = self.secrets.refresh::<T>(&self.id).await;
        let read = match self.instead(own.as_ref().map(|read| read.as_ref().map(|(keys, _)| keys)))? {
            Some(other) => self.secrets.refresh(other).await?,
            None => own?,
        };
        Ok(read.map(|(keys, _)| keys))
    }

    /// The credential switch that its calls pass, with this version of the secret.
    pub(super) const fn credential<'a>(&self, version: &'a str) -> Credential<'a> {
        Credential { switch: self.switch, right: self.right, version }
    }

    /// The keys, and the version of the secret that they are from.
    pub(super) async fn versioned(&self) -> Result<(T, String)> {
        let own = self.secrets.get::<T>(&self.id).await;
        match self.instead(own.as_ref().map(|(keys, _)| Some(keys)))? {
            Some(other) => self.secrets.get(other).await,
            None => own,
        }
    }

    /// Which secret holds the keys instead, if what came of reading their own says that it does not.
    ///
    /// # Errors
    /// `secret_unusable` when it is empty and there is no other.
    fn instead(&self, own: std::result::Result<Option<&T>, &Error>) -> Result<Option<&str>> {
        let Some(Fallback { is_empty, id }) = &self.fallback else { return Ok(None) };
        match (own, id) {
            (Ok(Some(keys)), None) if is_empty(keys) => {
                Err(Error::misconfigured("secret_unusable", format!("{}: nothing was put there yet", self.id)))
            }
            (Ok(Some(keys)), Some(id)) if is_empty(keys) => Ok(Some(id)),
            (Err(error), Some(id)) if error.code == NO_SUCH_SECRET => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// Both, read anew after this version was refused; `None` when that was done in the last 30 s and there is no other.
    pub(super) async fn reread(&self, refused: &str) -> Result<Option<(T, String)>> {
        if let Some(newest) = self.secrets.refresh(&self.id).await? {
            return Ok(Some(newest));
        }
        // A neighbour has read it since we took ours, and may have found another.
        Ok(Some(self.versioned().await?).filter(|(_, version)| version != refused))
    }
}
