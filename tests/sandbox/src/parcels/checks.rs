//! Holding a JSON request against what a carrier demands of it.

use serde_json::Value;

/// What a field may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Characters, least and most.
    Text(usize, usize),
    OneOf(&'static [&'static str]),
    /// A number above zero.
    Number,
    /// A text that is a number above zero.
    NumberText,
    Flag,
    Object,
}

/// A path and what stands there. Each step is a member's name; `[]` after it is every element of a list, which has one at
/// least; `?` at the end allows that the step is missing, with all that follows.
pub(crate) type Rule = (&'static str, Shape);

/// The first thing that is not as demanded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Such as `requestedShipment.recipients[0].address.city`.
    pub(crate) path: String,
    pub(crate) problem: Problem,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Missing,
    /// It is there, and cannot be what it is.
    Invalid,
    TooLong(usize),
}

/// Holds a body against the rules, in their order.
pub(crate) fn hold(body: &Value, rules: &[Rule]) -> Result<(), Wrong> {
    for (path, shape) in rules {
        let steps: Vec<&str> = path.split('.').collect();
        walk(body, &steps, String::new(), *shape)?;
    }
    Ok(())
}

fn walk(value: &Value, steps: &[&str], path: String, shape: Shape) -> Result<(), Wrong> {
    let Some((step, rest)) = steps.split_first() else {
        return match problem(value, shape) {
            None => Ok(()),
            Some(problem) => Err(Wrong { path, problem }),
        };
    };
    let (name, optional) = step.strip_suffix('?').map_or((*step, false), |name| (name, true));
    let (name, each) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
    let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let missing = |path| if optional { Ok(()) } else { Err(Wrong { path, problem: Problem::Missing }) };
    match value.get(name).filter(|inner| !inner.is_null()) {
        None => missing(path),
        Some(Value::Array(items)) if each && items.is_empty() => missing(path),
        Some(Value::Array(items)) if each => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(i, item)| walk(item, rest, format!("{path}[{i}]"), shape))
        }
        Some(_) if each => Err(Wrong { path, problem: Problem::Invalid }),
        Some(inner) => walk(inner, rest, path, shape),
    }
}

fn problem(value: &Value, shape: Shape) -> Option<Problem> {
    let fits = match shape {
        Shape::Text(least, most) => match value.as_str().map(|text| text.chars().count()) {
            Some(length) if length > most => return Some(Problem::TooLong(most)),
            Some(0) if least > 0 => return Some(Problem::Missing),
            length => length.is_some_and(|length| length >= least),
        },
        Shape::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Shape::Number => value.as_f64().is_some_and(|number| number > 0.0),
        Shape::NumberText => value.as_str().is_some_and(|text| decimal(text).is_some_and(|number| number > 0.0)),
        Shape::Flag => value.is_boolean(),
        Shape::Object => value.is_object(),
    };
    (!fits).then_some(Problem::Invalid)
}

/// A number as carriers write it: digits and perhaps a point.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|_| plain)
}

/// The text at a JSON pointer, empty when there is none.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer, empty when there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
