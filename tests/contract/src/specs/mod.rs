//! A request that we send, against the vendor's own OpenAPI file.
//!
//! The files are the vendors' and are not checked in; `CROSSDOCK_SPECS` names the folder that has them.

mod document;
mod form;
mod schema;

use std::path::{Path, PathBuf};

use serde_json::Value;

use document::Document;

/// What a caller prints where [`Specs::from_env`] gives nothing.
pub const SKIPPED: &str = "skipped: CROSSDOCK_SPECS is not set; it names the folder with the vendors' OpenAPI files (a relative path counts \
     from the workspace's root)";

/// The specs of all vendors that we call.
#[derive(Debug)]
pub struct Specs {
    stripe: Document,
    sendgrid: Document,
    /// SendGrid has a file for each part of its API.
    more_of_sendgrid: Vec<Document>,
    twilio: Document,
}

impl Specs {
    /// The specs of the folder that `CROSSDOCK_SPECS` names; a relative path counts from the workspace's root.
    /// Nothing when the variable is not set: the caller then prints [`SKIPPED`].
    ///
    /// # Panics
    /// When it is set but a file is missing or no JSON: a check that was asked for is never skipped silently.
    pub fn from_env() -> Option<Self> {
        let folder = std::env::var("CROSSDOCK_SPECS").ok().filter(|folder| !folder.is_empty())?;
        let folder = crate::workspace_root().join(PathBuf::from(folder));
        let spec = |name: &str| read(&folder.join(name));
        let (stripe, sendgrid) = (spec("stripe_spec3_subset.json"), spec("sendgrid_mail_v3.json"));
        let more = ["sendgrid_scheduled_sends_v3.json", "sendgrid_stats_v3.json", "sendgrid_templates_v3.json"];
        let more_of_sendgrid = more.into_iter().map(|name| Document::new(spec(name))).collect();
        Some(Self { more_of_sendgrid, ..Self::of(stripe, sendgrid, spec("twilio_api_v2010.json")) })
    }

    /// The specs of given OpenAPI documents.
    pub fn of(stripe: Value, sendgrid: Value, twilio: Value) -> Self {
        Self {
            stripe: Document::new(stripe),
            sendgrid: Document::new(sendgrid),
            more_of_sendgrid: Vec::new(),
            twilio: Document::new(twilio),
        }
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
        let document = match vendor {
            "stripe" => &self.stripe,
            "sendgrid" => self.more_of_sendgrid.iter().find(|part| part.has(path)).unwrap_or(&self.sendgrid),
            "twilio" => &self.twilio,
            other => return Err(vec![format!("no spec is known for vendor {other:?}")]),
        };
        document
            .check(method, path, query, content_type, body)
            .map_err(|wrong| wrong.into_iter().map(|what| format!("{vendor}, {method} {path}: {what}")).collect())
    }
}

fn read(path: &Path) -> Value {
    let text = std::fs::read(path).unwrap_or_else(|e| panic!("CROSSDOCK_SPECS: {}: {e}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|e| panic!("CROSSDOCK_SPECS: {}: {e}", path.display()))
}
