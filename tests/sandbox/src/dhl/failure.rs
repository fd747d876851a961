//! What DHL says when it refuses.

use crate::parcels::checks::{Problem, Wrong};
use http::Uri;
use serde_json::{Value, json};

/// An error of the API.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    title: &'static str,
    message: &'static str,
    detail: String,
}

impl Failure {
    /// 400: the request cannot be fulfilled as it is.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self { status: 400, title: "Bad request", message: "Bad request", detail: detail.into() }
    }

    pub(super) fn missing_parameters(names: &str) -> Self {
        Self { title: "Missing parameters", ..Self::invalid(format!("Missing mandatory parameters: {names}")) }
    }

    /// 422: the body has not the shape that it should have.
    pub(super) fn shape(detail: String) -> Self {
        Self { status: 422, title: "Validation error", message: "Unprocessable Entity", detail }
    }

    pub(super) fn unauthorized() -> Self {
        Self { status: 401, title: "Unauthorized", message: "Unauthorized", detail: "Invalid Credentials".to_owned() }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self { status: 404, title: "Not data found", message: "Not data found", detail: detail.into() }
    }

    pub(super) fn throttled() -> Self {
        let detail = "Too many requests within defined time period, please try again later.".to_owned();
        Self { status: 429, title: "Too Many Requests", message: "Too Many Requests", detail }
    }

    /// DHL's own trouble.
    pub(super) fn internal(status: u16) -> Self {
        let detail =
            "999: Process failure occurred. Process ID associated for that transaction (1234567890)".to_owned();
        Self { status, title: "Internal Server Error", message: "Internal Server Error", detail }
    }

    /// The vendor has it, this simulator has not. Ignoring it would be worse.
    pub(super) fn not_simulated(what: &str) -> Self {
        let detail = format!("The sandbox does not simulate {what}");
        Self { status: 501, title: "Not implemented", message: "Not implemented", detail }
    }

    pub(super) fn to_json(&self, uri: &Uri) -> Value {
        json!({
            "instance": format!("/expressapi{}", uri.path_and_query().map_or("", |path| path.as_str())),
            "detail": self.detail,
            "title": self.title,
            "message": self.message,
            "status": self.status.to_string(),
        })
    }
}

/// `#/content/packages/0: required key [weight] not found`.
impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        let path = wrong.path.replace(['.', '['], "/").replace(']', "");
        let (holder, name) = path.rsplit_once('/').unwrap_or(("", path.as_str()));
        let slash = if holder.is_empty() { "" } else { "/" };
        Self::shape(match wrong.problem {
            Problem::Missing => format!("#{slash}{holder}: required key [{name}] not found"),
            Problem::Invalid => format!("#/{path}: not a valid value"),
            Problem::TooLong(most) => format!("#/{path}: expected maxLength: {most}"),
        })
    }
}
