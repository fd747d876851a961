//! Items of the one table: their keys, and their way to and from Rust types (by serde, never by hand).

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashMap;

use crate::error::{Error, Result};

/// Where an item lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// The items whose keys are ids that we have made, or the shop's of an order.
const LOGGED: [&str; 10] =
    ["INTENT", "PAYMENT", "MESSAGE", "SHIPMENT", "PICKUP", "CAMPAIGN", "QUOTE", "ORDER", "CONTACT", "BREAKER"];

impl Key {
    /// The key, as the log names it. Ids of customers are left out, and what callers call their requests: some shops make
    /// them of mail addresses.
    pub fn logged(&self) -> &str {
        let kind = self.pk.split('#').next().unwrap_or_default();
        if LOGGED.contains(&kind) { &self.pk } else { kind }
    }

    /// `pk` / `sk`.
    pub fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk.clone())),
            ("sk".to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

/// An item as it was read. Its values never print.
#[derive(Clone)]
pub struct Item(pub(super) HashMap<String, AttributeValue>);

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.key();
        write!(f, "Item({} / {})", key.pk, key.sk)
    }
}

impl Item {
    /// Reads the item as a type of ours.
    ///
    /// # Errors
    /// `corrupt_item` (a bug) when it does not have that type's shape; the message names the item's key only.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        super::parse::parse(&self.0).map_err(|e| {
            let key = self.key();
            Error::bug("corrupt_item", format!("{}: {}", key.logged(), said_of_type(&e.to_string())))
        })
    }

    /// The item's key.
    pub fn key(&self) -> Key {
        Key::new(self.text("pk").unwrap_or_default(), self.text("sk").unwrap_or_default())
    }

    /// A text attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    /// A whole number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(|value| value.as_n().ok()).and_then(|number| number.parse().ok())
    }
}

pub(super) fn attribute<T: Serialize>(value: &T) -> Result<AttributeValue> {
    serde_dynamo::to_attribute_value(value).map_err(|e| Error::bug("unwritable_value", "it is no item").caused_by(e))
}

/// A type's attributes and its key's, ready to be put. `None` fields are left out rather than written as NULL, so
/// that sparse indexes stay sparse and `attribute_not_exists` means what it says.
pub(super) fn attributes<T: Serialize>(key: &Key, value: &T) -> Result<HashMap<String, AttributeValue>> {
    let mut item: HashMap<String, AttributeValue> =
        serde_dynamo::to_item(value).map_err(|e| Error::bug("unwritable_value", "it is no item").caused_by(e))?;
    item.retain(|_, value| !value.is_null());
    item.extend(key.attributes());
    Ok(item)
}

/// What serde says of an item, without the value that it quotes.
fn said_of_type(message: &str) -> &str {
    if message.starts_with("missing field") { message } else { "a value of another type" }
}
