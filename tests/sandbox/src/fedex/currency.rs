//! FedEx's own codes of currencies, where a dial says that it has no others.

use super::failure::Failure;
use serde_json::Value;

/// The code of ISO 4217, and FedEx's. (FedEx Web Services Developer Guide 2014, appendix F, as Odoo quotes it.)
const OWN: [(&str, &str); 5] = [("GBP", "UKL"), ("CHF", "SFR"), ("JPY", "JYE"), ("MXN", "NMP"), ("SGD", "SID")];

/// Refuses a request that names a currency by ISO's code though FedEx has one of its own.
pub(super) fn check(request: &Value) -> Result<(), Failure> {
    let mut named = Vec::new();
    walk(&mut request.clone(), &mut |currency| named.push(currency.to_owned()));
    match named.iter().find(|code| OWN.iter().any(|(iso, _)| iso == code)) {
        Some(code) => Err(Failure::invalid("CUSTOMSVALUE.CURRENCY.INVALID", format!("{code} is no currency code."))),
        None => Ok(()),
    }
}

/// The answer with FedEx's own codes.
pub(super) fn answered(mut output: Value) -> Value {
    walk(&mut output, &mut |currency| {
        if let Some((_, own)) = OWN.iter().find(|(iso, _)| iso == currency) {
            *currency = (*own).to_owned();
        }
    });
    output
}

/// Every currency, wherever it stands.
fn walk(value: &mut Value, with: &mut impl FnMut(&mut String)) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                match inner {
                    Value::String(currency) if name == "currency" => with(currency),
                    inner => walk(inner, with),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, with)),
        _ => {}
    }
}
