//! Stripe's errors: an HTTP status and an `error` object.

use super::cards::decline_message;
use serde_json::{Map, Value, json};

/// An answer that is not 2xx.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    pub(crate) decline_code: Option<&'static str>,
    pub(crate) param: Option<String>,
    pub(crate) message: String,
    pub(crate) charge: Option<String>,
    pub(crate) payment_method: Option<Value>,
    pub(crate) payment_intent: Option<Value>,
}

impl Failure {
    /// 400 `invalid_request_error`: the request makes no sense, whatever the state.
    pub(crate) fn invalid(code: Option<&'static str>, param: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            kind: "invalid_request_error",
            code,
            param: param.map(str::to_owned),
            message: message.into(),
            ..Self::default()
        }
    }

    /// A required parameter is not there.
    pub(crate) fn missing_parameter(param: &str) -> Self {
        Self::invalid(Some("parameter_missing"), Some(param), format!("Missing required param: {param}."))
    }

    /// `resource_missing`: 404 when the path names the object, 400 when a parameter does.
    pub(crate) fn no_such(what: &str, id: &str, param: &str, status: u16) -> Self {
        let message = format!("No such {what}: '{id}'");
        Self { status, ..Self::invalid(Some("resource_missing"), Some(param), message) }
    }

    /// 401: no key, or not the account's.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self { status: 401, ..Self::invalid(None, None, message) }
    }

    /// 403: the key is restricted, and may not do this.
    pub(crate) fn forbidden(resource: &str) -> Self {
        let message = format!("The provided key does not have the permissions for `{resource}` that this needs.");
        Self { status: 403, ..Self::invalid(None, None, message) }
    }

    /// 5xx `api_error`.
    pub(crate) fn server(status: u16) -> Self {
        let message = "An unknown error occurred. If the problem persists, get in touch with support.".to_owned();
        Self { status, kind: "api_error", message, ..Self::default() }
    }

    /// 429.
    pub(crate) fn throttled() -> Self {
        Self { status: 429, ..Self::invalid(Some("rate_limit"), None, "Request rate limit exceeded.") }
    }

    /// 429: another request holds the object. Nothing was done.
    pub(crate) fn locked() -> Self {
        let message = "This object cannot be accessed right now because another API request or Stripe process is \
            currently accessing it. Retry the request.";
        Self { status: 429, ..Self::invalid(Some("lock_timeout"), None, message) }
    }

    /// 402: the bank says no.
    pub(crate) fn declined(code: &'static str, decline_code: &'static str) -> Self {
        Self {
            status: 402,
            kind: "card_error",
            code: Some(code),
            decline_code: Some(decline_code),
            message: decline_message(code, decline_code).to_owned(),
            ..Self::default()
        }
    }

    /// The members that an intent keeps as `last_payment_error`.
    pub(crate) fn last_payment_error(&self) -> Value {
        Value::Object(self.members())
    }

    /// The whole body; the request's id leads to its log entry.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut error = self.members();
        if let Some(intent) = &self.payment_intent {
            error.insert("payment_intent".to_owned(), intent.clone());
        }
        error.insert(
            "request_log_url".to_owned(),
            format!("https://dashboard.stripe.com/test/logs/{request_id}").into(),
        );
        json!({ "error": error })
    }

    fn members(&self) -> Map<String, Value> {
        let doc_url = self.code.map(|code| format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-")));
        [
            ("charge", self.charge.clone().map(Value::from)),
            ("code", self.code.map(Value::from)),
            ("decline_code", self.decline_code.map(Value::from)),
            ("doc_url", doc_url.map(Value::from)),
            ("message", Some(self.message.clone().into())),
            ("param", self.param.clone().map(Value::from)),
            ("payment_method", self.payment_method.clone()),
            ("type", Some(self.kind.into())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}
