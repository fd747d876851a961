//! Attributes as serde reads them, borrowed from the item. serde_dynamo takes an item over: it would be copied first, and
//! then put together once more.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, IntoDeserializer, Visitor};

/// Why an item does not have a type's shape. It names no value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Misshapen(String);

impl de::Error for Misshapen {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Reads an item as a type of ours.
pub(super) fn parse<'de, T: Deserialize<'de>>(item: &'de HashMap<String, AttributeValue>) -> Result<T, Misshapen> {
    T::deserialize(MapDeserializer::new(item.iter().map(|(name, value)| (name.as_str(), Attribute(value)))))
}

#[derive(Clone, Copy)]
struct Attribute<'de>(&'de AttributeValue);

impl<'de> IntoDeserializer<'de, Misshapen> for Attribute<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Attribute<'de> {
    type Error = Misshapen;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshapen> {
        match self.0 {
            AttributeValue::S(text) => visitor.visit_borrowed_str(text),
            AttributeValue::N(number) => visit_number(number, visitor),
            AttributeValue::Bool(value) => visitor.visit_bool(*value),
            AttributeValue::Null(_) => visitor.visit_unit(),
            AttributeValue::B(bytes) => visitor.visit_borrowed_bytes(bytes.as_ref()),
            AttributeValue::L(list) => visitor.visit_seq(SeqDeserializer::new(list.iter().map(Attribute))),
            AttributeValue::M(map) => visitor
                .visit_map(MapDeserializer::new(map.iter().map(|(name, value)| (name.as_str(), Attribute(value))))),
            AttributeValue::Ss(set) => visitor.visit_seq(SeqDeserializer::new(set.iter().map(String::as_str))),
            _ => Err(de::Error::custom("an attribute of a type that we do not write")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshapen> {
        match self.0 {
            AttributeValue::Null(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misshapen> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misshapen> {
        match self.0 {
            AttributeValue::S(name) => visitor.visit_enum(name.as_str().into_deserializer()),
            AttributeValue::M(map) => {
                let entries = map.iter().map(|(name, value)| (name.as_str(), Attribute(value)));
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(entries)))
            }
            _ => Err(de::Error::custom("neither a name nor a map")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// A number as the smallest type that has it.
fn visit_number<'de, V: Visitor<'de>>(number: &str, visitor: V) -> Result<V::Value, Misshapen> {
    if let Ok(whole) = number.parse() {
        return visitor.visit_u64(whole);
    }
    if let Ok(whole) = number.parse() {
        return visitor.visit_i64(whole);
    }
    match number.parse() {
        Ok(fraction) => visitor.visit_f64(fraction),
        Err(_) => Err(de::Error::custom("no number")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use aws_sdk_dynamodb::types::AttributeValue;
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Plain {
        First,
        Second,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum With {
        None,
        One(u8),
        Fields { a: i64 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        A { text: String },
        B,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Id(String);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct All {
        id: Id,
        plain: Vec<Plain>,
        with: Vec<With>,
        tagged: Vec<Tagged>,
        small: u8,
        large: u64,
        below: i64,
        fraction: f64,
        whole_fraction: f64,
        yes: bool,
        there: Option<String>,
        not_there: Option<String>,
        nothing: Option<Vec<u8>>,
        pair: (i32, String),
        map: BTreeMap<String, Option<i64>>,
        any: Value,
        #[serde(flatten)]
        others: BTreeMap<String, Value>,
    }

    fn all() -> All {
        All {
            id: Id("x".to_owned()),
            plain: vec![Plain::First, Plain::Second],
            with: vec![With::None, With::One(7), With::Fields { a: -1 }],
            tagged: vec![Tagged::A { text: "t".to_owned() }, Tagged::B],
            small: 255,
            large: u64::MAX,
            below: i64::MIN,
            fraction: -0.5,
            whole_fraction: 3.0,
            yes: true,
            there: Some(String::new()),
            not_there: None,
            nothing: Some(vec![]),
            pair: (-3, "p".to_owned()),
            map: [("one".to_owned(), Some(1)), ("none".to_owned(), None)].into(),
            any: serde_json::json!({ "a": [1, -2, 1.5, null, true, "s", {}] }),
            others: [("other".to_owned(), Value::from(1))].into(),
        }
    }

    #[test]
    fn what_serde_dynamo_writes_is_read_back_as_serde_dynamo_reads_it() {
        let item: HashMap<String, AttributeValue> = serde_dynamo::to_item(all()).expect("an item");
        assert_eq!(super::parse::<All>(&item).expect("read"), all());
        assert_eq!(serde_dynamo::from_item::<_, All>(item).expect("read"), all());
    }

    #[test]
    fn what_has_another_shape_is_refused() {
        let mut item: HashMap<String, AttributeValue> = serde_dynamo::to_item(all()).expect("an item");
        item.insert("small".to_owned(), AttributeValue::N("256".to_owned()));
        assert!(super::parse::<All>(&item).is_err());
        item.insert("small".to_owned(), AttributeValue::S("1".to_owned()));
        assert!(super::parse::<All>(&item).is_err());
        item.remove("small");
        assert!(super::parse::<All>(&item).is_err());
    }
}
