//! What comes of a call: an answer or a refusal.

use super::checks::Complaint;
use crate::faults::Mishap;
use serde_json::{Value, json};

/// What SendGrid does not accept.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) complaints: Vec<Complaint>,
}

impl Refusal {
    pub(super) fn new(status: u16, message: &str) -> Self {
        Self { status, complaints: vec![Complaint::new(None, message)] }
    }

    /// 400 for one field.
    pub(super) fn of(field: &str, message: &str) -> Self {
        Self { status: 400, complaints: vec![Complaint::new(field.to_owned(), message)] }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "The provided authorization grant is invalid, expired, or revoked")
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "not found")
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "errors": self.complaints.iter().map(Complaint::to_json).collect::<Vec<_>>() })
    }
}

/// What SendGrid answers when all is well.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
    pub(super) message_id: Option<String>,
}

impl Done {
    pub(super) fn with(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), message_id: None }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, body: None, message_id: None }
    }
}

/// Fails before anything is done, if the vendor is to.
pub(super) fn before(mishap: Mishap) -> Result<(), Refusal> {
    match mishap {
        Mishap::During(status) => Err(Refusal::new(status, "Internal server error")),
        _ => Ok(()),
    }
}

/// Fails after all is done, if the vendor is to.
pub(super) fn after(mishap: Mishap) -> Result<(), Refusal> {
    match mishap {
        Mishap::After(status) => Err(Refusal::new(status, "Internal server error")),
        _ => Ok(()),
    }
}
