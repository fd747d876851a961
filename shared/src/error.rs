//! One error type, five kinds: the queue and the HTTP edge can only do five things.
//!
//! `detail` may be shown to a caller; `context` is for our logs. Neither ever holds a body, an address or a secret.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

/// The field whose members callers name themselves. A document names them; the log, which is for others, does not.
const CALLERS_KEYS: &str = "metadata";

/// What is true, and so what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// It will be refused every time. HTTP: the given 4xx status.
    Rejected {
        /// The HTTP status, 400 to 499.
        status: u16,
    },
    /// It certainly did not happen, and may work later.
    Transient {
        /// How long to wait, when somebody said so.
        after: Option<Duration>,
    },
    /// It may have happened.
    Uncertain,
    /// An operator must act.
    Misconfigured,
    /// An invariant broke.
    Bug,
}

/// What is wrong with one field of the input.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The field's path, `customer.email`.
    pub field: String,
    /// What is wrong with it, in a sentence.
    pub message: String,
}

/// Any failure inside Crossdock.
#[derive(Clone, Debug)]
pub struct Error {
    /// What is true.
    pub kind: ErrorKind,
    /// Stable and greppable (`invalid_input`, `order_already_has_payment`); callers and alarms match on it.
    pub code: &'static str,
    /// For the caller, in a sentence.
    pub detail: String,
    /// For our logs.
    pub context: String,
    /// The fields that are wrong, where fields are wrong.
    pub fields: Vec<FieldError>,
    /// Members of the problem document beyond the standard ones (`payment_id`, `user_message` …).
    pub members: Option<Box<serde_json::Map<String, serde_json::Value>>>,
    /// Where it was made.
    pub at: &'static Location<'static>,
}

/// Shorthand for everything fallible here.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    #[track_caller]
    fn new(kind: ErrorKind, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            detail: detail.into(),
            context: String::new(),
            fields: Vec::new(),
            members: None,
            at: Location::caller(),
        }
    }

    /// Refused for good, with the HTTP status that says so.
    #[track_caller]
    pub fn rejected(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Rejected { status }, code, detail)
    }

    /// Input that names its bad fields: HTTP 400 `invalid_input`.
    #[track_caller]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let mut error = Self::rejected(400, "invalid_input", "The request has invalid fields.");
        error.fields = fields;
        error
    }

    /// Input with one bad field.
    #[track_caller]
    pub fn invalid_field(field: &str, message: &str) -> Self {
        Self::invalid(vec![FieldError { field: field.to_owned(), message: message.to_owned() }])
    }

    /// It did not happen; later it may work.
    #[track_caller]
    pub fn transient(code: &'static str, context: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Transient { after: None }, code, "Temporarily unavailable. Please try again.")
            .because(context)
    }

    /// It may have happened.
    #[track_caller]
    pub fn uncertain(code: &'static str, context: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Uncertain, code, "The outcome is not known yet.").because(context)
    }

    /// An operator must act.
    #[track_caller]
    pub fn misconfigured(code: &'static str, context: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Misconfigured, code, "The service is not configured.").because(context)
    }

    /// An invariant broke.
    #[track_caller]
    pub fn bug(code: &'static str, context: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Bug, code, "Something went wrong on our side.").because(context)
    }

    /// Adds what our logs should know.
    #[must_use]
    pub fn because(mut self, context: impl fmt::Display) -> Self {
        self.context = context.to_string();
        self
    }

    /// Adds a member to the problem document.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<serde_json::Value>) -> Self {
        self.members.get_or_insert_default().insert(member.to_owned(), value.into());
        self
    }

    /// Whether it is refused every time.
    pub const fn is_rejected(&self) -> bool {
        matches!(self.kind, ErrorKind::Rejected { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        if !self.context.is_empty() {
            write!(f, " ({})", self.context)?;
        }
        for wrong in &self.fields {
            // The keys below it are the caller's own words.
            let field = if wrong.field.starts_with(CALLERS_KEYS) { CALLERS_KEYS } else { &wrong.field };
            write!(f, " [{field}]")?;
        }
        write!(f, " at {}:{}", self.at.file(), self.at.line())
    }
}

impl std::error::Error for Error {}
