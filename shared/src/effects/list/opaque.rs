//! A part of an item that every function carries and few read: kept as JSON text, so that only those who read it link what
//! that takes. (Reading a consignment is 30 kB of a zip, and a function that refunds has no use for it.)

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::Private;
use crate::error::{Error, Result};

/// A value as JSON text. It never prints.
pub struct Opaque<T> {
    text: Private<String>,
    shape: PhantomData<fn() -> T>,
}

impl<T: Serialize> Opaque<T> {
    /// Writes the value.
    ///
    /// # Errors
    /// `opaque` (a bug) for what JSON cannot hold.
    pub fn of(value: &T) -> Result<Self> {
        let text =
            serde_json::to_string(value).map_err(|e| Error::bug("opaque", "it cannot be written").caused_by(e))?;
        Ok(Self { text: text.into(), shape: PhantomData })
    }
}

impl<T: DeserializeOwned> Opaque<T> {
    /// Reads the value.
    ///
    /// # Errors
    /// `opaque` (a bug) when another version wrote what this one cannot read.
    pub fn read(&self) -> Result<T> {
        // serde's message may quote a value; its position cannot.
        serde_json::from_str(self.text.expose()).map_err(|e| Error::bug("opaque", format!("column {}", e.column())))
    }
}

impl<T> Clone for Opaque<T> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), shape: PhantomData }
    }
}

impl<T> std::fmt::Debug for Opaque<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text.fmt(f)
    }
}

impl<T> Serialize for Opaque<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Opaque<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Ok(Self { text: Private::deserialize(deserializer)?, shape: PhantomData })
    }
}
