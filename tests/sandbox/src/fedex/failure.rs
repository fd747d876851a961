//! What FedEx says when it refuses.

use crate::parcels::checks::{Problem, Wrong};
use serde_json::{Value, json};

/// An error of the API: the HTTP status and FedEx's own code.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    code: String,
    message: String,
    /// The field that it is about.
    field: Option<String>,
}

impl Failure {
    fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), field: None }
    }

    /// 400: the request cannot be fulfilled as it is.
    pub(super) fn invalid(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(401, "NOT.AUTHORIZED.ERROR", message)
    }

    pub(super) fn forbidden() -> Self {
        let message = "We could not authorize your credentials. Please check your permissions and try again.";
        Self::new(403, "FORBIDDEN.ERROR", message)
    }

    pub(super) fn not_found() -> Self {
        let message = "The resource you requested is no longer available. Please modify your request and try again.";
        Self::new(404, "NOT.FOUND.ERROR", message)
    }

    pub(super) fn throttled() -> Self {
        let message = "We have received too many requests in a short duration. Please wait a while to try again.";
        Self::new(429, "TOO.MANY.REQUESTS", message)
    }

    /// FedEx's own trouble: 503 has a code of its own.
    pub(super) fn internal(status: u16) -> Self {
        let code = if status == 503 { "SERVICE.UNAVAILABLE.ERROR" } else { "INTERNAL.SERVER.ERROR" };
        let message = "We encountered an unexpected error and are working to resolve the issue. We apologize for any \
            inconvenience. Please check back at a later time.";
        Self::new(status, code, message)
    }

    /// The vendor has it, this simulator has not. Ignoring it would be worse.
    pub(super) fn not_simulated(what: &str) -> Self {
        Self::new(501, "SANDBOX.NOT.SIMULATED", format!("The sandbox does not simulate {what}"))
    }

    pub(super) fn to_json(&self, transaction: &str, customer_transaction: Option<&str>) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(field) = &self.field {
            error["parameterList"] = json!([{ "key": "field", "value": field }]);
        }
        let mut body = json!({ "transactionId": transaction, "errors": [error] });
        if let Some(id) = customer_transaction {
            body["customerTransactionId"] = id.into();
        }
        body
    }
}

/// The last two names of the path, and what is wrong: `ADDRESS.CITY.REQUIRED`.
impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        let names: Vec<&str> = wrong.path.split('.').map(|step| step.split('[').next().unwrap_or_default()).collect();
        let field = names[names.len().saturating_sub(2)..].join(".").to_uppercase();
        let (what, message) = match wrong.problem {
            Problem::Missing => ("REQUIRED", "is required".to_owned()),
            Problem::Invalid => ("INVALID", "is not valid".to_owned()),
            Problem::TooLong(most) => ("TOO.LONG", format!("has more than {most} characters")),
        };
        let mut failure = Self::invalid(format!("{field}.{what}"), format!("{} {message}.", wrong.path));
        failure.field = Some(wrong.path);
        failure
    }
}
