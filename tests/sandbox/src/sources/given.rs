//! What a sandbox has given so far, read from the answers and the webhooks themselves.

use super::{EDGE_PAGE, What, entry};
use crate::Vendor;
use bytes::Bytes;
use http::Response;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

/// Names a file: every process adds to it what its sandboxes give. With the files of all tests together, `sources` shows
/// which lines of the list no test needs.
pub const GIVEN_FILE: &str = "CROSSDOCK_GIVEN_FILE";

/// What this process has written down already.
static WRITTEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Everything that one sandbox has given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// By vendor; true: the list names it.
    seen: BTreeMap<(Vendor, String), bool>,
}

impl Given {
    /// Takes note of an answer.
    pub(crate) fn answered(&mut self, vendor: Vendor, operation: &'static str, response: &Response<Bytes>) {
        let status = response.status().as_u16();
        for code in codes(vendor, operation, response) {
            self.note(vendor, &What::Answer { operation, status, code: &code });
        }
    }

    /// Takes note of a webhook.
    pub(crate) fn posted(&mut self, vendor: Vendor, body: &[u8]) {
        for kind in kinds(vendor, body) {
            self.note(vendor, &What::Event(&kind));
        }
    }

    /// What the list does not name, once.
    pub(crate) fn take_unlisted(&mut self) -> Vec<String> {
        let unlisted = self.seen.iter_mut().filter_map(|((vendor, what), listed)| {
            let was_listed = std::mem::replace(listed, true);
            (!was_listed)
                .then(|| format!("{} gave what tests/sandbox/src/sources does not name: {what}", vendor.name()))
        });
        unlisted.collect()
    }

    fn note(&mut self, vendor: Vendor, what: &What<'_>) {
        let text = what.to_string();
        if let std::collections::btree_map::Entry::Vacant(new) = self.seen.entry((vendor, text)) {
            write_down(vendor, &new.key().1);
            new.insert(entry(vendor, what).is_some());
        }
    }
}

/// Adds a line to the file of what was given, if there is to be one.
fn write_down(vendor: Vendor, what: &str) {
    #[allow(clippy::disallowed_methods, reason = "a switch for the tests, in no configuration")]
    let Some(path) = std::env::var_os(GIVEN_FILE) else { return };
    let line = format!("{} {what}\n", vendor.name());
    if !WRITTEN.lock().unwrap_or_else(PoisonError::into_inner).insert(line.clone()) {
        return;
    }
    if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
        let _ = file.write_all(line.as_bytes());
    }
}

/// The vendor's codes in an answer; one that is empty where it has none.
fn codes(vendor: Vendor, operation: &str, response: &Response<Bytes>) -> BTreeSet<String> {
    let can_have_some_in_success = vendor == Vendor::Postmark || operation.starts_with("track");
    if response.status().is_success() && !can_have_some_in_success {
        return BTreeSet::from([String::new()]);
    }
    let Ok(body) = serde_json::from_slice::<Value>(response.body()) else {
        let is_page = response.body().starts_with(b"<");
        return BTreeSet::from([if is_page { EDGE_PAGE.to_owned() } else { String::new() }]);
    };
    let found = match vendor {
        Vendor::Stripe => {
            let error = &body["error"];
            let code = error["code"].as_str().or(error["type"].as_str()).unwrap_or_default();
            vec![error["decline_code"].as_str().map_or(code.to_owned(), |decline| format!("{code}/{decline}"))]
        }
        // A field's name without what was made up for it: the numbers of list members.
        Vendor::SendGrid => each(&body["errors"], |error| Some(without_numbers(error["field"].as_str()?))),
        Vendor::Twilio => vec![body["code"].to_string()],
        Vendor::Postmark => match body.as_array() {
            Some(mails) => mails.iter().map(|mail| mail["ErrorCode"].to_string()).collect(),
            None => vec![body["ErrorCode"].to_string()],
        },
        Vendor::FedEx if response.status().is_success() => each(&body["output"]["completeTrackResults"], |result| {
            Some(result["trackResults"][0]["error"]["code"].as_str()?.to_owned())
        }),
        Vendor::FedEx => each(&body["errors"], |error| Some(error["code"].as_str()?.to_owned())),
        Vendor::Ups => {
            let errors = body.get("errors").unwrap_or(&body["response"]["errors"]);
            each(errors, |error| Some(error["code"].as_str()?.to_owned()))
        }
        Vendor::Dhl => vec![body["title"].as_str().unwrap_or_default().replace(' ', "_")],
    };
    let found: BTreeSet<String> = found.into_iter().filter(|code| code != "null").collect();
    if found.is_empty() { BTreeSet::from([String::new()]) } else { found }
}

/// The types of what a webhook tells.
fn kinds(vendor: Vendor, body: &[u8]) -> BTreeSet<String> {
    if vendor == Vendor::Twilio {
        let form: BTreeMap<_, _> = form_urlencoded::parse(body).into_owned().collect();
        let field = |name: &str| form.get(name).map(String::as_str);
        let status = field("MessageStatus").or(field("SmsStatus")).unwrap_or_default();
        return BTreeSet::from([joined(
            status,
            field("ErrorCode").filter(|code| *code != "0").or(field("OptOutType")),
        )]);
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        // Not JSON: UPS asks the shop for a token.
        return BTreeSet::from(["token".to_owned()]);
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = match vendor {
        Vendor::SendGrid => each(&body, |event| Some(joined(event["event"].as_str()?, event["type"].as_str()))),
        Vendor::Postmark => {
            let kind = if body["RecordType"] == "Bounce" { body["Type"].as_str() } else { None };
            vec![joined(&text(&body["RecordType"]), kind)]
        }
        Vendor::FedEx => each(&body["output"]["completeTrackResults"], |result| {
            let scan = &result["trackResults"][0]["scanEvents"][0];
            Some(joined(scan["eventType"].as_str()?, scan["exceptionCode"].as_str().filter(|code| !code.is_empty())))
        }),
        Vendor::Ups => vec![joined(&text(&body["activityStatus"]["type"]), body["activityStatus"]["code"].as_str())],
        _ => vec![text(&body["type"])],
    };
    found.into_iter().collect()
}

fn joined(kind: &str, detail: Option<&str>) -> String {
    detail.map_or(kind.to_owned(), |detail| format!("{kind}/{detail}"))
}

fn each(list: &Value, read: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(read).collect()
}

/// `personalizations.0.to.1` and `personalizations[0].to[1]` are `personalizations.to`.
fn without_numbers(field: &str) -> String {
    let steps = field.split(['.', '[', ']']).filter(|step| !step.is_empty() && step.parse::<u64>().is_err());
    steps.collect::<Vec<_>>().join(".")
}
