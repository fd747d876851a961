//! Conditions and updates in DynamoDB's expression language, as far as the shipping code writes it: `#names` of whole
//! attributes, `:values`, comparisons of texts, whole numbers and flags. Whatever is not understood is `None`: then the
//! embedded database is asked.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::stored::Attributes;

/// `#name` to attribute.
pub(crate) type Names<'a> = BTreeMap<&'a str, &'a str>;
/// `:name` to value, as DynamoDB writes it.
pub(crate) type Values<'a> = BTreeMap<&'a str, &'a RawValue>;

/// What the expressions of one write are about. An item that is not there has no attributes.
pub(crate) struct Scope<'a> {
    pub(crate) item: &'a Attributes,
    pub(crate) names: &'a Names<'a>,
    pub(crate) values: &'a Values<'a>,
    /// The `#names` and `:values` seen so far.
    seen: Vec<&'a str>,
    /// An attribute that is assigned to another is not there: DynamoDB refuses the write, if its condition holds.
    pub(crate) lacks_an_attribute: bool,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(item: &'a Attributes, names: &'a Names<'a>, values: &'a Values<'a>) -> Self {
        Self { item, names, values, seen: Vec::new(), lacks_an_attribute: false }
    }

    /// Whether a condition holds.
    pub(crate) fn condition(&mut self, text: &'a str) -> Option<bool> {
        let mut reader = Reader { rest: text, scope: self };
        let holds = reader.any()?;
        reader.is_at_end().then_some(holds)
    }

    /// The item after an update.
    pub(crate) fn update(&mut self, text: &'a str) -> Option<Attributes> {
        let mut reader = Reader { rest: text, scope: self };
        let mut after = reader.scope.item.clone();
        let mut changed = Vec::new();
        while !reader.is_at_end() {
            let verb = reader.token()?;
            loop {
                let name = reader.attribute()?;
                if matches!(name, "pk" | "sk") || changed.contains(&name) {
                    return None;
                }
                changed.push(name);
                match verb {
                    "SET" => {
                        let value = reader.assigned()?;
                        set(&mut after, name, value.into());
                    }
                    "REMOVE" => {
                        after.remove(name);
                    }
                    "ADD" => {
                        let sum = reader.sum(name)?;
                        set(&mut after, name, format!("{{\"N\":\"{sum}\"}}").into());
                    }
                    _ => return None,
                }
                if !reader.takes(",") {
                    break;
                }
            }
        }
        Some(after)
    }

    /// Whether every name and value was used: DynamoDB refuses a request that gives more.
    pub(crate) fn all_are_used(&self) -> bool {
        let is_seen = |name: &&str| self.seen.contains(name);
        self.names.keys().all(&is_seen) && self.values.keys().all(is_seen)
    }

    fn see(&mut self, name: &'a str) {
        if !self.seen.contains(&name) {
            self.seen.push(name);
        }
    }
}

/// Sets an attribute; one that was there keeps its name's memory.
fn set(attributes: &mut Attributes, name: &str, value: std::sync::Arc<str>) {
    if let Some(was) = attributes.get_mut(name) {
        *was = value;
    } else {
        attributes.insert(name.into(), value);
    }
}

struct Reader<'a, 'b> {
    rest: &'a str,
    scope: &'b mut Scope<'a>,
}

/// A value that can be compared.
#[derive(Deserialize)]
enum Scalar<'a> {
    S(#[serde(borrow)] Cow<'a, str>),
    N(#[serde(borrow)] Cow<'a, str>),
    #[serde(rename = "BOOL")]
    Bool(bool),
    /// A list, of texts: it is the same or another, and has no order.
    L(#[serde(borrow)] Vec<Text<'a>>),
}

/// A text in a list.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Text<'a> {
    #[serde(rename = "S", borrow)]
    text: Cow<'a, str>,
}

impl<'a> Reader<'a, '_> {
    fn any(&mut self) -> Option<bool> {
        let mut holds = self.all()?;
        while self.takes("OR") {
            let next = self.all()?;
            holds = holds || next;
        }
        Some(holds)
    }

    fn all(&mut self) -> Option<bool> {
        let mut hold = self.one()?;
        while self.takes("AND") {
            let next = self.one()?;
            hold = hold && next;
        }
        Some(hold)
    }

    fn one(&mut self) -> Option<bool> {
        if self.takes("(") {
            let inside = self.rest.trim_start();
            let holds = self.any()?;
            // DynamoDB refuses parentheses around nothing but parentheses.
            let is_redundant = is_one_group(inside[..inside.len() - self.rest.len()].trim_end());
            return (self.takes(")") && !is_redundant).then_some(holds);
        }
        if self.takes("attribute_exists") {
            return self.exists();
        }
        if self.takes("attribute_not_exists") {
            return self.exists().map(|exists| !exists);
        }
        let left = self.operand()?;
        let sign = self.token()?;
        if sign != "IN" {
            let right = self.operand()?;
            return compare(left, sign, right);
        }
        let mut found = false;
        if !self.takes("(") {
            return None;
        }
        loop {
            let right = self.operand()?;
            found |= compare(left, "=", right)?;
            if !self.takes(",") {
                return self.takes(")").then_some(found);
            }
        }
    }

    fn exists(&mut self) -> Option<bool> {
        if !self.takes("(") {
            return None;
        }
        let name = self.attribute()?;
        self.takes(")").then(|| self.scope.item.contains_key(name))
    }

    /// What is on the right of an assignment.
    fn assigned(&mut self) -> Option<&'a str> {
        if !self.takes("=") {
            return None;
        }
        if !self.takes("if_not_exists") {
            if self.rest.trim_start().starts_with('#') {
                let value = self.operand()?;
                self.scope.lacks_an_attribute |= value.is_none();
                return Some(value.unwrap_or("{\"NULL\":true}"));
            }
            return self.value();
        }
        if !self.takes("(") {
            return None;
        }
        let name = self.attribute()?;
        if !self.takes(",") {
            return None;
        }
        let value = self.value()?;
        self.takes(")").then(|| self.scope.item.get(name).map_or(value, |is| &**is))
    }

    /// An attribute and what is added to it; a missing one counts as 0.
    fn sum(&mut self, name: &str) -> Option<i64> {
        let more = whole(self.value()?)?;
        self.scope.item.get(name).map_or(Some(0), |is| whole(is))?.checked_add(more)
    }

    /// A value, or an attribute's (`Some(None)`: there is none).
    #[expect(clippy::option_option, reason = "none: not understood; some none: an attribute that is not there")]
    fn operand(&mut self) -> Option<Option<&'a str>> {
        if self.rest.trim_start().starts_with(':') {
            return self.value().map(Some);
        }
        let name = self.attribute()?;
        Some(self.scope.item.get(name).map(|value| &**value))
    }

    fn attribute(&mut self) -> Option<&'a str> {
        let name = self.token()?;
        self.scope.see(name);
        self.scope.names.get(name).copied()
    }

    fn value(&mut self) -> Option<&'a str> {
        let name = self.token()?;
        self.scope.see(name);
        self.scope.values.get(name).map(|value| value.get())
    }

    /// The next word or sign.
    fn token(&mut self) -> Option<&'a str> {
        let text = self.rest.trim_start();
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '#' | ':');
        let is_sign = |c: char| matches!(c, '<' | '>' | '=');
        let first = text.chars().next()?;
        let end = match first {
            _ if is_word(first) => text.find(|c| !is_word(c)),
            _ if is_sign(first) => text.find(|c| !is_sign(c)),
            _ => Some(first.len_utf8()),
        };
        let (token, rest) = text.split_at(end.unwrap_or(text.len()));
        self.rest = rest;
        Some(token)
    }

    fn takes(&mut self, expected: &str) -> bool {
        let before = self.rest;
        let is_next = self.token() == Some(expected);
        if !is_next {
            self.rest = before;
        }
        is_next
    }

    fn is_at_end(&self) -> bool {
        self.rest.trim_start().is_empty()
    }
}

/// Whether the first parenthesis of a text is closed by its last character.
fn is_one_group(text: &str) -> bool {
    let mut depth = 0_usize;
    let closed = text.char_indices().find(|(_, character)| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    });
    text.starts_with('(') && closed.is_some_and(|(at, _)| at + 1 == text.len())
}

fn compare(left: Option<&str>, sign: &str, right: Option<&str>) -> Option<bool> {
    let (Some(left), Some(right)) = (left, right) else { return Some(sign == "<>") };
    let parsed = |value| serde_json::from_str::<Scalar<'_>>(value).ok();
    let is_equality = matches!(sign, "=" | "<>");
    let order = match (parsed(left)?, parsed(right)?) {
        (Scalar::S(left), Scalar::S(right)) => left.as_bytes().cmp(right.as_bytes()),
        (Scalar::N(left), Scalar::N(right)) => left.parse::<i64>().ok()?.cmp(&right.parse().ok()?),
        (Scalar::Bool(left), Scalar::Bool(right)) if is_equality => left.cmp(&right),
        (Scalar::L(left), Scalar::L(right)) if is_equality => left.cmp(&right),
        (Scalar::Bool(_), Scalar::Bool(_)) | (Scalar::L(_), Scalar::L(_)) => return None,
        // Values of different types are not equal, and neither comes first.
        _ => return Some(sign == "<>"),
    };
    Some(match sign {
        "=" => order == Ordering::Equal,
        "<>" => order != Ordering::Equal,
        "<" => order == Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        ">=" => order != Ordering::Less,
        _ => return None,
    })
}

/// A whole number.
fn whole(value: &str) -> Option<i64> {
    match serde_json::from_str(value).ok()? {
        Scalar::N(number) => number.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(condition: &str) -> Option<bool> {
        let item = Attributes::from([
            ("a".into(), r#"{"N":"10"}"#.into()),
            ("b".into(), r#"{"S":"x"}"#.into()),
            ("d".into(), r#"{"L":[{"S":"x"}]}"#.into()),
        ]);
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let (nine, x) = (raw(r#"{"N":"9"}"#), raw(r#"{"S":"x"}"#));
        let (same, longer) = (raw(r#"{"L":[{"S":"x"}]}"#), raw(r#"{"L":[{"S":"x"},{"S":"y"}]}"#));
        let names = Names::from([("#a", "a"), ("#b", "b"), ("#c", "c"), ("#d", "d")]);
        let values = Values::from([(":nine", &*nine), (":x", &*x), (":same", &*same), (":longer", &*longer)]);
        Scope::new(&item, &names, &values).condition(condition)
    }

    #[test]
    fn conditions_hold_as_in_dynamodb() {
        for (condition, expected) in [
            ("#a > :nine", true),
            ("#a <= :nine", false),
            ("#b = :x", true),
            ("#b = :nine", false),
            ("#b <> :nine", true),
            ("#c = :x", false),
            ("#c <> :x", true),
            ("#b IN (:nine, :x)", true),
            ("#d = :same", true),
            ("#d = :longer", false),
            ("#d <> :longer", true),
            ("#c = :same", false),
            ("attribute_exists(#c) OR attribute_not_exists(#c) AND #b = :x", true),
            ("(attribute_not_exists(#a) OR #a < :nine) AND #b = :x", false),
        ] {
            assert_eq!(holds(condition), Some(expected), "{condition}");
        }
    }

    #[test]
    fn what_is_not_understood_is_left_to_the_database() {
        for condition in
            ["", "a = :x", "#a = :missing", "size(#a) > :nine", "#a BETWEEN :nine AND :x", "(#a = :nine", "#d < :same"]
        {
            assert_eq!(holds(condition), None, "{condition}");
        }
    }
}
