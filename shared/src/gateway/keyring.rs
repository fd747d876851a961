//! A vendor's secret as a Rust type. Vendors read their keys with it and never call Secrets Manager.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::aws::Secrets;
use crate::error::Result;
use crate::gateway::admission::Credential;
use crate::gateway::breaker::{Right, Switch};

/// One secret of Secrets Manager, read as `T`.
pub struct Keyring<T> {
    secrets: Secrets,
    id: String,
    switch: Switch,
    right: Option<Right>,
    shape: PhantomData<fn() -> T>,
}

impl<T> Clone for Keyring<T> {
    fn clone(&self) -> Self {
        Self {
            secrets: self.secrets.clone(),
            id: self.id.clone(),
            switch: self.switch,
            right: self.right,
            shape: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Keyring<T> {
    /// The secret of that name or ARN.
    pub fn new(secrets: Secrets, id: String) -> Self {
        Self { secrets, id, switch: Switch::Key, right: None, shape: PhantomData }
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

    /// The keys, at most five minutes old.
    pub async fn get(&self) -> Result<T> {
        Ok(self.versioned().await?.0)
    }

    /// Reads the keys again, after a refused key or a signature that did not match. `None` if that was done within the
    /// last 30 s.
    pub async fn refresh(&self) -> Result<Option<T>> {
        Ok(self.secrets.refresh(&self.id).await?.map(|(keys, _)| keys))
    }

    /// The credential switch that its calls pass, with this version of the secret.
    pub(super) const fn credential<'a>(&self, version: &'a str) -> Credential<'a> {
        Credential { switch: self.switch, right: self.right, version }
    }

    /// The keys, and the version of the secret that they are from.
    pub(super) async fn versioned(&self) -> Result<(T, String)> {
        self.secrets.get(&self.id).await
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
