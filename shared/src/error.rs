//! One error type, five kinds: the queue and the HTTP edge can only do five things.
//!
//! `detail` may be shown to a caller; `context` is for our logs. Neither ever holds a body, an address or a secret, and nor does
//! a cause: an error whose own text may quote what it has read (serde's, of a secret or an item) is not kept as one.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
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
    pub context: Box<str>,
    /// The fields that are wrong, where fields are wrong.
    pub fields: Vec<FieldError>,
    /// Members of the problem document beyond the standard ones (`payment_id`, `user_message` …).
    pub members: Option<Box<serde_json::Map<String, serde_json::Value>>>,
    /// Where it was made.
    pub at: &'static Location<'static>,
    /// What caused it, where that is an error too.
    cause: Option<Arc<Cause>>,
}

/// One pointer for any error, so that results stay small.
struct Cause(Box<dyn StdError + Send + Sync>);

impl fmt::Debug for Cause {
    /// Its words only: other crates' errors may show whole requests as their fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
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
            context: Box::default(),
            fields: Vec::new(),
            members: None,
            at: Location::caller(),
            cause: None,
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
        self.context = context.to_string().into_boxed_str();
        self
    }

    /// Keeps what caused it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(Arc::new(Cause(cause.into())));
        self
    }

    /// It and its causes, for one line of a log.
    pub const fn chain(&self) -> Chain<'_> {
        Chain(self)
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

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| &*cause.0 as &(dyn StdError + 'static))
    }
}

/// An error and its causes, the nearest first: [`Error::chain`].
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(&'a Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(next) = cause {
            write!(f, ": {next}")?;
            cause = next.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, StdError};

    const SECRET: &str = "sk_live_51Mtq\n";

    /// What an error and its causes say, one after the other.
    fn walked(error: &Error) -> Vec<String> {
        let first: &(dyn StdError + 'static) = error;
        std::iter::successors(Some(first), |error: &&(dyn StdError + 'static)| (*error).source())
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_chain_is_walked_from_the_error_to_its_first_cause_and_no_secret_prints() {
        let unusable = http::Request::builder().header("authorization", SECRET).body(()).unwrap_err();
        let key = Error::misconfigured("wrong_key", "stripe").caused_by(unusable);
        let error = Error::bug("subject_missing", "int_1").caused_by(key);
        let said = walked(&error);
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("subject_missing") && said[1].starts_with("wrong_key"), "{said:?}");
        assert_eq!(said[2], "failed to parse header value");
        let logged = error.chain().to_string();
        assert_eq!(logged, said.join(": "));
        for printed in [logged, format!("{error:?}"), format!("{error:#?}")] {
            assert!(!printed.contains("sk_live"), "{printed}");
        }
    }

    #[test]
    fn an_error_without_a_cause_has_no_source_and_a_clone_keeps_its_cause() {
        let alone = Error::transient("aws_unavailable", "GetItem");
        assert!(alone.source().is_none());
        assert_eq!(alone.chain().to_string(), alone.to_string());
        let caused = alone.caused_by("connection refused").clone();
        assert_eq!(walked(&caused)[1], "connection refused");
    }
}
