//! `application/x-www-form-urlencoded` with brackets (`metadata[order]=o-1`, `expand[]=x`, `created[gte]=1`) as
//! nested JSON, typed by the schema that it is meant for.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::schema;

/// A form before anybody knows its types: all leaves are text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text(String),
    /// `name[]=`, in order.
    List(Vec<String>),
    /// `name[key]=`; a list of objects comes as `name[0][key]=`, so keys may be numbers.
    Fields(BTreeMap<String, Form>),
}

/// Reads the pairs.
///
/// # Errors
/// The first pair that has no place: unbalanced brackets, or a name that is given twice or as two different things.
pub(super) fn parse(body: &[u8]) -> Result<Form, String> {
    let mut root = Form::Fields(BTreeMap::new());
    for (name, value) in form_urlencoded::parse(body) {
        let keys = keys(&name).ok_or_else(|| format!("{name:?} has unbalanced brackets"))?;
        root.put(&keys, value.into_owned()).ok_or_else(|| format!("{name:?} is given twice, or as two things"))?;
    }
    Ok(root)
}

/// `a[b][]` → `a`, `b`, ``.
fn keys(name: &str) -> Option<Vec<&str>> {
    let Some((first, rest)) = name.split_once('[') else {
        return (!name.is_empty() && !name.contains(']')).then(|| vec![name]);
    };
    let inside = rest.strip_suffix(']')?;
    let keys: Vec<&str> = std::iter::once(first).chain(inside.split("][")).collect();
    let clean = !first.is_empty() && keys.iter().all(|key| !key.contains(['[', ']']));
    clean.then_some(keys)
}

impl Form {
    /// Puts one value at its place; nothing when the place is taken or of another shape.
    fn put(&mut self, keys: &[&str], value: String) -> Option<()> {
        let Self::Fields(fields) = self else {
            return None;
        };
        let (first, rest) = keys.split_first()?;
        match rest {
            [] if fields.contains_key(*first) => None,
            [] => {
                fields.insert((*first).to_owned(), Self::Text(value));
                Some(())
            }
            [""] => match fields.entry((*first).to_owned()).or_insert_with(|| Self::List(Vec::new())) {
                Self::List(list) => {
                    list.push(value);
                    Some(())
                }
                _ => None,
            },
            _ => fields.entry((*first).to_owned()).or_insert_with(|| Self::Fields(BTreeMap::new())).put(rest, value),
        }
    }

    /// As JSON. Where the schema wants a number or a boolean and the text is one, it becomes one; where it is none,
    /// it stays text, and the validation says so.
    pub(super) fn typed(&self, root: &Value, expected: &Value) -> Value {
        let expected = schema::followed(root, expected);
        if let Some(choices) = ["anyOf", "oneOf"].iter().find_map(|word| expected.get(word)?.as_array()) {
            let mut attempts = choices.iter().map(|choice| (choice, self.typed(root, choice)));
            let fitting = attempts.clone().find(|(choice, value)| {
                schema::validator(root, choice).is_ok_and(|validator| validator.is_valid(value))
            });
            return fitting.or_else(|| attempts.next()).map_or(Value::Null, |(_, value)| value);
        }
        match self {
            Self::Text(text) => typed_text(text, expected),
            Self::List(list) => list.iter().map(|text| typed_text(text, &expected["items"])).collect(),
            Self::Fields(fields) if expected["type"] == "array" && is_numbered(fields) => {
                let mut numbered: Vec<_> = fields.iter().collect();
                numbered.sort_by_key(|(key, _)| key.parse::<usize>().unwrap_or(usize::MAX));
                numbered.into_iter().map(|(_, form)| form.typed(root, &expected["items"])).collect()
            }
            Self::Fields(fields) => {
                let of = |name: &str| expected["properties"].get(name).unwrap_or(&expected["additionalProperties"]);
                let typed = fields.iter().map(|(name, form)| (name.clone(), form.typed(root, of(name))));
                typed.collect::<Map<_, _>>().into()
            }
        }
    }
}

fn typed_text(text: &str, expected: &Value) -> Value {
    let read = match expected["type"].as_str() {
        Some("integer") => text.parse::<i64>().ok().map(Value::from),
        Some("number") => text.parse::<f64>().ok().map(Value::from),
        Some("boolean") => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    read.unwrap_or_else(|| Value::from(text))
}

/// Whether the keys are 0, 1, 2 …, without a gap.
fn is_numbered(fields: &BTreeMap<String, Form>) -> bool {
    (0..fields.len()).all(|index| fields.contains_key(&index.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn typed(body: &str, expected: &Value) -> Value {
        match parse(body.as_bytes()) {
            Ok(form) => form.typed(&json!({}), expected),
            Err(why) => Value::from(why),
        }
    }

    #[test]
    fn brackets_nest_and_percent_signs_are_undone() {
        assert_eq!(
            typed("metadata%5Border%5D=o+1%26&a[b][c]=d", &json!({})),
            json!({"metadata": {"order": "o 1&"}, "a": {"b": {"c": "d"}}})
        );
    }

    #[test]
    fn both_spellings_of_a_list_are_lists() {
        let list = json!({"properties": {"l": {"type": "array", "items": {"type": "integer"}}}});
        assert_eq!(typed("l[]=1&l[]=2", &list), json!({"l": [1, 2]}));
        assert_eq!(typed("l[1]=2&l[0]=1", &list), json!({"l": [1, 2]}));
        assert_eq!(typed("l[0]=1&l[2]=3", &list), json!({"l": {"0": "1", "2": "3"}}), "a gap is no list");
    }

    #[test]
    fn text_becomes_what_the_schema_wants_or_stays_text() {
        let schema = json!({"properties": {
            "n": {"type": "integer"}, "b": {"type": "boolean"}, "s": {"type": "string"},
            "either": {"anyOf": [{"type": "boolean"}, {"type": "string", "enum": ["one_off"]}]},
        }});
        assert_eq!(typed("n=7&b=true&s=7", &schema), json!({"n": 7, "b": true, "s": "7"}));
        assert_eq!(typed("n=7.5&b=yes", &schema), json!({"n": "7.5", "b": "yes"}));
        assert_eq!(typed("either=true", &schema), json!({"either": true}));
        assert_eq!(typed("either=one_off", &schema), json!({"either": "one_off"}));
    }

    #[test]
    fn a_name_without_a_place_of_its_own_is_refused() {
        for body in ["a=1&a=2", "a=1&a[b]=2", "a[b]=1&a=2", "a[]=1&a[b]=2", "a[b=1", "a]=1", "a[b]c=1", "[b]=1", "=1"] {
            assert!(parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
