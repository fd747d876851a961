//! A document in YAML, with what JSON has not (keys that are numbers) written as text.

use serde_json::Value;
use serde_yaml_ng::Value as Yaml;

pub(super) fn read(text: &[u8]) -> Result<Value, serde_yaml_ng::Error> {
    serde_yaml_ng::from_slice(text).map(as_json)
}

fn as_json(value: Yaml) -> Value {
    match value {
        Yaml::Mapping(fields) => fields.into_iter().map(|(key, value)| (as_key(&key), as_json(value))).collect(),
        Yaml::Sequence(elements) => elements.into_iter().map(as_json).collect(),
        Yaml::Tagged(tagged) => as_json(tagged.value),
        plain => serde_json::to_value(plain).unwrap_or_default(),
    }
}

fn as_key(key: &Yaml) -> String {
    match key {
        Yaml::String(text) => text.clone(),
        other => serde_json::to_value(other).unwrap_or_default().to_string(),
    }
}
