//! Errors as `application/problem+json` (RFC 9457) with a stable code. They contain no internals of ours or of a
//! vendor.

use serde_json::{Map, Value, json};

use crate::error::{Error, ErrorKind};

/// The default for `Retry-After`, in seconds.
const RETRY_AFTER_DEFAULT_S: u64 = 5;

/// Status, document and, if waiting helps, the seconds to wait. The correlation id is added later: it is that of the
/// request that gets the document.
pub(super) fn problem(error: &Error) -> (u16, Value, Option<u64>) {
    let (status, code, retry_after) = match error.kind {
        ErrorKind::Rejected { status } => (status, error.code, None),
        ErrorKind::Transient { after } => {
            let seconds = after.map_or(RETRY_AFTER_DEFAULT_S, |after| after.as_secs().max(1));
            (503, "temporarily_unavailable", Some(seconds))
        }
        ErrorKind::Uncertain => (503, "temporarily_unavailable", Some(RETRY_AFTER_DEFAULT_S)),
        ErrorKind::Misconfigured => (500, "misconfigured", None),
        ErrorKind::Bug => (500, "internal_error", None),
    };
    let title = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let mut document = Map::new();
    document.insert("type".to_owned(), json!(format!("urn:crossdock:problem:{code}")));
    document.insert("title".to_owned(), json!(title.unwrap_or("Error")));
    document.insert("status".to_owned(), json!(status));
    document.insert("detail".to_owned(), json!(error.detail));
    document.insert("code".to_owned(), json!(code));
    if !error.fields.is_empty() {
        document.insert("errors".to_owned(), json!(error.fields));
    }
    if let Some(members) = &error.members {
        document.extend(members.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    (status, Value::Object(document), retry_after)
}
