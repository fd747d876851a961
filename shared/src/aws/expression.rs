//! Conditional writes in DynamoDB's expression language, with the bookkeeping of `#names` and `:values` done once.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use serde::Serialize;

use super::item::{Key, attribute, attributes};
use crate::error::Result;

/// One conditional write: put, update, delete, or a check that writes nothing.
///
/// Conditions name attributes as `#attribute` and values as `:value`:
/// `Write::update(key).set("phase", &phase)?.when("#phase = :ready").bind(":ready", &"ready")?`.
#[derive(Clone, Debug)]
pub struct Write {
    pub(super) key: Key,
    operation: Operation,
    sets: Vec<String>,
    removes: Vec<String>,
    adds: Vec<String>,
    condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

#[derive(Clone, Debug)]
enum Operation {
    Put(HashMap<String, AttributeValue>),
    Update,
    Delete,
    Check,
}

pub(super) struct Parts {
    pub(super) key: HashMap<String, AttributeValue>,
    pub(super) update: Option<String>,
    pub(super) condition: Option<String>,
    pub(super) names: Option<HashMap<String, String>>,
    pub(super) values: Option<HashMap<String, AttributeValue>>,
}

impl Write {
    fn new(key: Key, operation: Operation) -> Self {
        Self { key, operation, sets: vec![], removes: vec![], adds: vec![], condition: None, values: HashMap::new() }
    }

    /// Writes the whole item.
    pub fn put<T: Serialize>(key: Key, value: &T) -> Result<Self> {
        let item = attributes(&key, value)?;
        Ok(Self::new(key, Operation::Put(item)))
    }

    /// Writes the whole item unless there is one under this key.
    pub fn put_new<T: Serialize>(key: Key, value: &T) -> Result<Self> {
        Ok(Self::put(key, value)?.when("attribute_not_exists(#pk)"))
    }

    /// Changes some attributes.
    pub fn update(key: Key) -> Self {
        Self::new(key, Operation::Update)
    }

    /// Deletes the item.
    pub fn delete(key: Key) -> Self {
        Self::new(key, Operation::Delete)
    }

    /// Writes nothing, but the transaction happens only when the condition holds.
    pub fn check(key: Key) -> Self {
        Self::new(key, Operation::Check)
    }

    /// Sets an attribute; a value that serialises to nothing removes it.
    pub fn set<T: Serialize>(self, name: &str, value: &T) -> Result<Self> {
        Ok(self.set_attribute(name, attribute(value)?))
    }

    /// One copy of it in a function, whatever is set.
    fn set_attribute(mut self, name: &str, value: AttributeValue) -> Self {
        if value.is_null() {
            return self.remove(name);
        }
        // Its own prefix: a condition on the same attribute binds another value.
        self.sets.push(format!("#{name} = :set_{name}"));
        self.values.insert(format!(":set_{name}"), value);
        self
    }

    /// Sets an attribute unless it has a value.
    pub fn set_if_absent<T: Serialize>(mut self, name: &str, value: &T) -> Result<Self> {
        self.sets.push(format!("#{name} = if_not_exists(#{name}, :set_{name})"));
        self.values.insert(format!(":set_{name}"), attribute(value)?);
        Ok(self)
    }

    /// Sets an attribute to what another one of the same item is.
    #[must_use]
    pub fn set_from(mut self, name: &str, other: &str) -> Self {
        self.sets.push(format!("#{name} = #{other}"));
        self
    }

    /// Adds to a number; a missing one counts as 0.
    #[must_use]
    pub fn add(mut self, name: &str, by: i64) -> Self {
        self.adds.push(format!("#{name} :add_{name}"));
        self.values.insert(format!(":add_{name}"), AttributeValue::N(by.to_string()));
        self
    }

    /// Removes an attribute.
    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        self.removes.push(format!("#{name}"));
        self
    }

    /// The write happens only when this holds; several conditions must all hold.
    #[must_use]
    pub fn when(mut self, condition: &str) -> Self {
        self.condition = Some(match self.condition {
            Some(first) => format!("({first}) AND ({condition})"),
            None => condition.to_owned(),
        });
        self
    }

    /// Gives a condition's `:value`.
    pub fn bind<T: Serialize>(mut self, name: &str, value: &T) -> Result<Self> {
        self.values.insert(name.to_owned(), attribute(value)?);
        Ok(self)
    }

    /// Whether it writes a whole item.
    pub const fn is_put(&self) -> bool {
        matches!(self.operation, Operation::Put(_))
    }

    /// The item that it is about.
    pub fn key(&self) -> &Key {
        &self.key
    }

    pub(super) fn parts(self) -> Parts {
        let mut update = String::new();
        for (verb, clauses) in [("SET ", &self.sets), ("REMOVE ", &self.removes), ("ADD ", &self.adds)] {
            if !clauses.is_empty() {
                update.push_str(verb);
                update.push_str(&clauses.join(", "));
                update.push(' ');
            }
        }
        let mut names = HashMap::new();
        for text in [Some(&update), self.condition.as_ref()].into_iter().flatten() {
            collect_names(text, &mut names);
        }
        Parts {
            key: self.key.attributes(),
            update: (!update.is_empty()).then_some(update),
            condition: self.condition,
            names: (!names.is_empty()).then_some(names),
            values: (!self.values.is_empty()).then_some(self.values),
        }
    }

    pub(super) fn into_transact_item(mut self, table: &str) -> Result<TransactWriteItem> {
        let operation = std::mem::replace(&mut self.operation, Operation::Check);
        let parts = self.parts();
        let old = ReturnValuesOnConditionCheckFailure::AllOld;
        let bug = |e| crate::error::Error::bug("unwritable_value", "a write cannot be built").caused_by(e);
        let item = TransactWriteItem::builder();
        Ok(match operation {
            Operation::Put(attributes) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(attributes))
                    .set_condition_expression(parts.condition)
                    .set_expression_attribute_names(parts.names)
                    .set_expression_attribute_values(parts.values)
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(bug)?,
            ),
            Operation::Update => item.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(parts.key))
                    .set_update_expression(parts.update)
                    .set_condition_expression(parts.condition)
                    .set_expression_attribute_names(parts.names)
                    .set_expression_attribute_values(parts.values)
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(bug)?,
            ),
            Operation::Delete => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(parts.key))
                    .set_condition_expression(parts.condition)
                    .set_expression_attribute_names(parts.names)
                    .set_expression_attribute_values(parts.values)
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(bug)?,
            ),
            Operation::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(parts.key))
                    .set_condition_expression(parts.condition)
                    .set_expression_attribute_names(parts.names)
                    .set_expression_attribute_values(parts.values)
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .map_err(bug)?,
            ),
        }
        .build())
    }
}

/// Finds every `#attribute` of an expression.
fn collect_names(expression: &str, names: &mut HashMap<String, String>) {
    for (at, _) in expression.match_indices('#') {
        let rest = &expression[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let named = &expression[at..=at + end];
        if !names.contains_key(named) {
            names.insert(named.to_owned(), rest[..end].to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_on_an_attribute_that_is_set_compares_the_value_before() {
        let write = Write::update(Key::new("a", "b"))
            .set("phase", &"DONE")
            .and_then(|write| write.when("#phase = :phase").bind(":phase", &"READY"))
            .expect("writable");
        let parts = write.parts();
        let values = parts.values.expect("values");
        assert_eq!(values[":set_phase"], AttributeValue::S("DONE".to_owned()));
        assert_eq!(values[":phase"], AttributeValue::S("READY".to_owned()));
    }
}
