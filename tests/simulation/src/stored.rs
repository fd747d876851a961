//! An item as the table keeps it: each attribute as DynamoDB writes it, the whole as it goes over the wire, and as plain JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Attributes by name, each as DynamoDB writes it: `{"S":"text"}`.
pub(crate) type Attributes = BTreeMap<Arc<str>, Arc<str>>;

/// An item.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) attributes: Arc<Attributes>,
    pub(crate) plain: Arc<Value>,
    pub(crate) wire: Arc<str>,
}

impl Stored {
    /// An item of these attributes. What is still the same value as in `before` is not read again.
    pub(crate) fn of(attributes: Attributes, before: Option<&Self>) -> Self {
        // Both are in the order of names, so that neither has to be searched.
        let read = before.and_then(|item| Some(item.attributes.iter().zip(item.plain.as_object()?.values())));
        let mut read = read.into_iter().flatten().peekable();
        let mut wire = String::with_capacity(attributes.iter().map(|(name, value)| name.len() + value.len() + 4).sum());
        let mut plain_item = Map::new();
        for (name, value) in &attributes {
            wire.push(if wire.is_empty() { '{' } else { ',' });
            push_name(&mut wire, name);
            wire.push(':');
            wire.push_str(value);
            while read.next_if(|((earlier, _), _)| *earlier < name).is_some() {}
            let same = read.next_if(|((is, was), _)| *is == name && Arc::ptr_eq(was, value));
            plain_item.insert(String::from(&**name), same.map_or_else(|| plain(value), |(_, plain)| plain.clone()));
        }
        wire.push('}');
        Self { attributes: Arc::new(attributes), plain: Arc::new(Value::Object(plain_item)), wire: wire.into() }
    }

    /// A text attribute.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.plain.get(name)?.as_str()
    }

    /// An item as it came over the wire.
    pub(crate) fn parse(wire: &str) -> Self {
        let attributes: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(wire).expect("an item is an object");
        Self::of(attributes.into_iter().map(|(name, value)| (name.into(), value.get().into())).collect(), None)
    }
}

/// A value as DynamoDB writes it.
#[derive(Deserialize)]
enum Written {
    S(String),
    N(String),
    /// Base64.
    B(String),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(#[expect(dead_code, reason = "it is always true")] bool),
    #[serde(rename = "SS")]
    Texts(Vec<String>),
    #[serde(rename = "NS")]
    Numbers(Vec<String>),
    #[serde(rename = "BS")]
    Bytes(Vec<String>),
    L(Vec<Self>),
    M(BTreeMap<String, Self>),
}

/// Whether a text needs no escapes in JSON.
fn is_simple(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\'))
}

/// Writes an attribute's name as JSON.
fn push_name(wire: &mut String, name: &str) {
    if is_simple(name) {
        wire.push('"');
        wire.push_str(name);
        wire.push('"');
    } else {
        wire.push_str(&serde_json::to_string(name).expect("a name is text"));
    }
}

/// What most values are: a text without escapes, or a number, written without blanks.
fn plain_scalar(value: &str) -> Option<Value> {
    let inside = |begin: &str| value.strip_prefix(begin)?.strip_suffix("\"}").filter(|inside| is_simple(inside));
    inside("{\"S\":\"").map(Value::from).or_else(|| inside("{\"N\":\"").map(plain_number))
}

/// A value as plain JSON: texts, numbers, lists, objects; bytes as base64.
fn plain(value: &str) -> Value {
    fn of(value: Written) -> Value {
        match value {
            Written::S(text) | Written::B(text) => Value::String(text),
            Written::N(number) => plain_number(&number),
            Written::Bool(flag) => Value::Bool(flag),
            Written::Null(_) => Value::Null,
            Written::Texts(texts) | Written::Bytes(texts) => texts.into_iter().map(Value::String).collect(),
            Written::Numbers(numbers) => numbers.iter().map(|number| plain_number(number)).collect(),
            Written::L(list) => list.into_iter().map(of).collect(),
            Written::M(map) => Value::Object(map.into_iter().map(|(name, value)| (name, of(value))).collect()),
        }
    }
    plain_scalar(value).unwrap_or_else(|| of(serde_json::from_str(value).expect("DynamoDB's JSON")))
}

/// A number as JSON; what JSON cannot hold stays text.
fn plain_number(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
