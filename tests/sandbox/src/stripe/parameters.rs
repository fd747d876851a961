//! Parameters that several requests have in common, and their limits.

use super::failure::Failure;
use super::form::Form;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Metadata: how many keys, the longest key and the longest value in characters.
const METADATA_MAX: (usize, usize, usize) = (50, 40, 500);

/// Read for every request at one place, see `expand.rs`.
const ALWAYS_KNOWN: &str = "expand";

/// Stripe refuses parameters that it does not know; so does this, and those that are not simulated with them.
pub(super) fn refuse_unknown(form: &Form, known: &[&str]) -> Result<(), Failure> {
    match form.first_unknown(known, ALWAYS_KNOWN) {
        Some(name) => {
            Err(Failure::invalid(Some("parameter_unknown"), Some(name), format!("Received unknown parameter: {name}")))
        }
        None => Ok(()),
    }
}

/// A value that Stripe would take and this does not.
pub(super) fn not_simulated(param: &str, value: &str) -> Failure {
    Failure::invalid(None, Some(param), format!("The sandbox does not simulate {param}={value}."))
}

pub(super) fn boolean(form: &Form, name: &str) -> Result<bool, Failure> {
    match form.get(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(Failure::invalid(None, Some(name), format!("Invalid boolean: {other}"))),
    }
}

/// A value out of a fixed set.
pub(super) fn one_of(form: &Form, name: &str, allowed: &[&str]) -> Result<Option<String>, Failure> {
    match form.get(name) {
        Some(other) if !allowed.contains(&other) => {
            let message = format!("Invalid {name}: must be one of {}, not {other}", allowed.join(", "));
            Err(Failure::invalid(None, Some(name), message))
        }
        value => Ok(value.map(str::to_owned)),
    }
}

/// A text of at most `characters_max`.
pub(super) fn text(form: &Form, name: &str, characters_max: usize) -> Result<Option<String>, Failure> {
    let value = form.get(name);
    if value.is_some_and(|text| text.chars().count() > characters_max) {
        let message = format!("Invalid string: must be at most {characters_max} characters");
        return Err(Failure::invalid(Some("parameter_invalid_string"), Some(name), message));
    }
    Ok(value.map(str::to_owned))
}

pub(super) fn integer<T: FromStr>(text: &str, param: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| {
        Failure::invalid(Some("parameter_invalid_integer"), Some(param), format!("Invalid integer: {text}"))
    })
}

/// The metadata as sent: an empty value means that the key is to go.
pub(super) fn metadata(form: &Form) -> Result<BTreeMap<String, String>, Failure> {
    let (keys_max, key_max, value_max) = METADATA_MAX;
    let too_much = |message: String| Err(Failure::invalid(None, Some("metadata"), message));
    let metadata: BTreeMap<String, String> =
        form.parts("metadata").map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    if metadata.len() > keys_max {
        return too_much(format!("Metadata can have up to {keys_max} keys."));
    }
    for (key, value) in &metadata {
        if key.is_empty() || key.contains(['[', ']']) || key.chars().count() > key_max {
            return too_much(format!("Metadata keys can be up to {key_max} characters long, without brackets."));
        }
        if value.chars().count() > value_max {
            return too_much(format!("Metadata values can have up to {value_max} characters, {key} has more."));
        }
    }
    Ok(metadata)
}
