//! What UPS says when it refuses.

use crate::parcels::checks::{Problem, Wrong};
use serde_json::{Value, json};

/// An error of the API: the HTTP status and UPS's own code.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: u16,
    code: String,
    message: String,
    /// Members beside `response`.
    more: Value,
    /// Without `response` around the errors.
    bare: bool,
}

impl Failure {
    fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), more: Value::Null, bare: false }
    }

    /// 400: the request cannot be fulfilled as it is.
    pub(super) fn invalid(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// 401: no token, or none that was given out.
    pub(super) fn unauthorized() -> Self {
        Self::new(401, "250002", "Invalid Authentication Information.")
    }

    pub(super) fn token_expired() -> Self {
        Self::new(401, "251004", "Bearer Token expired (oauth)")
    }

    /// 401 of the token service.
    pub(super) fn wrong_client() -> Self {
        Self::new(401, "10401", "ClientId is Invalid")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "404", "The requested resource was not found.")
    }

    pub(super) fn no_tracking() -> Self {
        Self::new(404, "TW0001", "Tracking Information Not Found")
    }

    /// 400: nothing has this reference (9801031), or what had it is void (9801040), without the wrapper of all others.
    pub(super) fn no_reference(is_void: bool) -> Self {
        let (code, message) = if is_void {
            ("9801040", "The shipment of this reference number is void")
        } else {
            ("9801031", "The reference number does not exist")
        };
        Self { bare: true, ..Self::new(400, code, message) }
    }

    pub(super) fn wrong_method() -> Self {
        Self::new(405, "405", "Method Not Allowed.")
    }

    pub(super) fn throttled() -> Self {
        Self::new(429, "10429", "Too Many Requests")
    }

    /// UPS's own trouble; it calls these transient.
    pub(super) fn internal(status: u16) -> Self {
        Self::new(status, "10004", "Something went wrong while processing your request, please try again later")
    }

    /// The vendor has it, this simulator has not. Ignoring it would be worse.
    pub(super) fn not_simulated(what: &str) -> Self {
        Self::new(501, "501", format!("The sandbox does not simulate {what}"))
    }

    /// The same, with members beside `response`.
    pub(super) fn with(mut self, more: Value) -> Self {
        self.more = more;
        self
    }

    pub(super) fn to_json(&self) -> Value {
        let errors = json!({ "errors": [{ "code": self.code, "message": self.message }] });
        let mut body = if self.bare { errors } else { json!({ "response": errors }) };
        for (name, value) in self.more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        let field = wrong.path;
        match wrong.problem {
            Problem::Missing => Self::invalid("20007", format!("Missing Required field, {field}.")),
            Problem::Invalid => Self::invalid("20008", format!("The field, {field}, contains invalid data.")),
            Problem::TooLong(most) => {
                let message = format!("The field, {field}, contains invalid data, more than {most} characters.");
                Self::invalid("20008", message)
            }
        }
    }
}
