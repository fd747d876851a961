//! What Twilio says when it refuses.

use serde_json::{Value, json};

/// An error of the API: the HTTP status and Twilio's own code.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    code: u32,
    message: String,
}

impl Failure {
    /// The request cannot be fulfilled as it is: HTTP 400.
    pub(super) fn invalid(code: u32, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }

    pub(super) fn unauthorized() -> Self {
        Self { status: 401, code: 20003, message: "Authenticate".to_owned() }
    }

    pub(super) fn not_found(path: &str) -> Self {
        Self { status: 404, code: 20404, message: format!("The requested resource {path} was not found") }
    }

    pub(super) fn wrong_method() -> Self {
        Self { status: 405, code: 20004, message: "Method not allowed".to_owned() }
    }

    pub(super) fn too_many_requests() -> Self {
        Self { status: 429, code: 20429, message: "Too Many Requests".to_owned() }
    }

    /// Twilio's own trouble: 503 has a code of its own.
    pub(super) fn internal(status: u16) -> Self {
        let code = if status == 503 { 20503 } else { 20500 };
        Self { status, code, message: "An internal server error has occurred".to_owned() }
    }

    /// The vendor has it, this simulator has not. Ignoring it would be worse.
    pub(super) fn not_simulated(parameter: &str) -> Self {
        let message = format!("The sandbox does not simulate the parameter {parameter}");
        Self { status: 501, code: 20001, message }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status,
        })
    }
}
