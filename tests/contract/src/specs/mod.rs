//! A request that we send, against the vendor's own OpenAPI file.
//!
//! The files are the vendors' and are not checked in; `CROSSDOCK_SPECS` names the folder that has them.

mod differences;
mod document;
mod form;
mod schema;
mod yaml;

use std::path::{Path, PathBuf};

use serde_json::Value;

pub use differences::{Difference, STRIPE_DIFFERENCES, STRIPE_SPEC_VERSION};
use document::Document;
pub use document::Example;

/// What a caller prints where [`Specs::from_env`] gives nothing.
pub const SKIPPED: &str = "skipped: CROSSDOCK_SPECS is not set; it names the folder with the vendors' OpenAPI files (a relative path counts \
     from the workspace's root)";

/// The carriers' files: each has one for every API, whose paths stand below a prefix of their own.
const CARRIERS: [(&str, &str, &str); 14] = [
    ("fedex", "fedex_authorization_v1.json", ""),
    ("fedex", "fedex_rate_quotes_v1.json", ""),
    ("fedex", "fedex_ship_v1.json", ""),
    ("fedex", "fedex_track_v1.json", ""),
    ("fedex", "fedex_address_validation_v1.json", ""),
    ("fedex", "fedex_pickup_v1.json", ""),
    ("ups", "ups_OAuthClientCredentials.yaml", ""),
    ("ups", "ups_Rating.yaml", "/api"),
    ("ups", "ups_Shipping.yaml", "/api"),
    ("ups", "ups_Tracking.yaml", "/api"),
    ("ups", "ups_AddressValidation.yaml", "/api"),
    ("ups", "ups_Pickup.yaml", "/api"),
    ("ups", "ups_UPSTrackAlert.yaml", "/api/track/v2"),
    ("dhl", "dhl_express_mydhl_3.1.1.yaml", "/mydhlapi"),
];

/// The specs of all vendors that we call.
#[derive(Debug)]
pub struct Specs {
    stripe: Document,
    sendgrid: Document,
    /// SendGrid has a file for each part of its API.
    more_of_sendgrid: Vec<Document>,
    twilio: Document,
    carriers: Vec<Part>,
}

/// One of a carrier's documents.
#[derive(Debug)]
struct Part {
    vendor: &'static str,
    prefix: &'static str,
    document: Document,
}

impl Specs {
    /// The specs of the folder that `CROSSDOCK_SPECS` names; a relative path counts from the workspace's root.
    /// Nothing when the variable is not set: the caller then prints [`SKIPPED`].
    ///
    /// # Panics
    /// When it is set but a file is missing or neither JSON nor YAML: a check that was asked for is never skipped silently.
    pub fn from_env() -> Option<Self> {
        let folder = std::env::var("CROSSDOCK_SPECS").ok().filter(|folder| !folder.is_empty())?;
        let folder = crate::workspace_root().join(PathBuf::from(folder));
        let spec = |name: &str| read(&folder.join(name));
        let (stripe, sendgrid) = (spec("stripe_spec3_subset.json"), spec("sendgrid_mail_v3.json"));
        let carriers = CARRIERS.map(|(vendor, file, prefix)| {
            let document = Document::new(whole_schemas_only(spec(file)));
            Part { vendor, prefix, document }
        });
        let more = ["sendgrid_scheduled_sends_v3.json", "sendgrid_stats_v3.json", "sendgrid_templates_v3.json"];
        let more_of_sendgrid = more.into_iter().map(|name| Document::new(spec(name))).collect();
        let own = Self::of(stripe, sendgrid, spec("twilio_api_v2010.json"));
        Some(Self { carriers: carriers.into(), more_of_sendgrid, ..own })
    }

    /// The specs of given OpenAPI documents.
    pub fn of(stripe: Value, sendgrid: Value, twilio: Value) -> Self {
        Self {
            stripe: Document::new(stripe),
            sendgrid: Document::new(sendgrid),
            more_of_sendgrid: Vec::new(),
            twilio: Document::new(twilio),
            carriers: Vec::new(),
        }
    }

    /// The API version of Stripe's file.
    pub fn stripe_version(&self) -> &str {
        self.stripe.version()
    }

    /// Checks one request: path, query and body. `path_and_query` begins with a slash; `content_type` is the
    /// header's value, if there is one.
    ///
    /// An object whose properties the spec lists is taken as closed even where the spec does not say so: a misspelt
    /// optional field, which the vendor ignores, is what this check is for.
    ///
    /// # Errors
    /// Everything that is wrong, one sentence each; the vendor and the operation are in it.
    pub fn check(
        &self,
        vendor: &str,
        method: &str,
        path_and_query: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(), Vec<String>> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let since = if vendor == "stripe" { differences::lacking(method, path, body) } else { Vec::new() };
        let (document, path) = match vendor {
            "stripe" => (&self.stripe, path),
            "sendgrid" => {
                (self.more_of_sendgrid.iter().find(|part| part.has_path(path)).unwrap_or(&self.sendgrid), path)
            }
            "twilio" => (&self.twilio, path),
            other => self.part(other, path).map_err(|why| vec![why])?,
        };
        let by_file = document.check(method, path, query, content_type, body).err().unwrap_or_default();
        let by_file = by_file.into_iter().map(|what| format!("{vendor}, {method} {path}: {what}"));
        let wrong: Vec<String> = by_file.chain(since).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Every answer that a carrier's documents give as an example.
    pub fn examples(&self, vendor: &str) -> Vec<Example> {
        let parts = self.carriers.iter().filter(|part| part.vendor == vendor);
        parts.flat_map(|part| part.document.examples()).collect()
    }

    /// A carrier's document that has this path, and the path in it.
    fn part<'a>(&self, vendor: &str, path: &'a str) -> Result<(&Document, &'a str), String> {
        let parts: Vec<&Part> = self.carriers.iter().filter(|part| part.vendor == vendor).collect();
        if parts.is_empty() {
            return Err(format!("no spec is known for vendor {vendor:?}"));
        }
        let below = |part: &&Part| path.strip_prefix(part.prefix).filter(|path| part.document.has_path(path));
        let own = parts.iter().find_map(|part| Some((&part.document, below(part)?)));
        own.ok_or_else(|| format!("{vendor}, {path}: no spec has such a path"))
    }
}

/// FedEx's files offer examples beside the schema of a body, as if they were schemas: everything is valid by them.
fn whole_schemas_only(mut value: Value) -> Value {
    let is_whole = |choice: &Value| choice["$ref"].as_str().is_some_and(|name| name.contains("/Full_Schema"));
    match &mut value {
        Value::Object(fields) => {
            if let Some(Value::Array(choices)) = fields.get_mut("anyOf")
                && choices.iter().any(is_whole)
            {
                choices.retain(is_whole);
            }
            for field in fields.values_mut() {
                *field = whole_schemas_only(field.take());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = whole_schemas_only(value.take())),
        _ => {}
    }
    value
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|e| panic!("CROSSDOCK_SPECS: {}: {e}", path.display()));
    let broken = |e: &dyn std::fmt::Display| -> ! { panic!("CROSSDOCK_SPECS: {}: {e}", path.display()) };
    if path.extension().is_some_and(|extension| extension == "yaml") {
        yaml::read(&text).unwrap_or_else(|e| broken(&e))
    } else {
        serde_json::from_slice(&text).unwrap_or_else(|e| broken(&e))
    }
}
