//! A permit: until when a call may be made, and whether the quota has already granted it.

use std::sync::{Mutex, PoisonError};

use super::admission::Held;
use super::policy::Lane;
use crate::domain::Timestamp;

/// Permission to call until a given time. A grant that was requested ahead is for one call; each further call requests
/// its own.
#[derive(Debug)]
pub struct Permit {
    call_by: Timestamp,
    lane: Lane,
    granted: Mutex<Option<Result<(), Held>>>,
}

impl Permit {
    /// Without a grant that was requested ahead.
    pub const fn until(call_by: Timestamp, lane: Lane) -> Self {
        Self { call_by, lane, granted: Mutex::new(None) }
    }

    /// With this answer of the quota.
    pub(super) const fn asked(call_by: Timestamp, lane: Lane, granted: Result<(), Held>) -> Self {
        Self { call_by, lane, granted: Mutex::new(Some(granted)) }
    }

    /// No call is sent at or after this time.
    pub const fn call_by(&self) -> Timestamp {
        self.call_by
    }

    /// Whose part of the quota is used.
    pub const fn lane(&self) -> Lane {
        self.lane
    }

    /// The same, but only until an earlier time.
    #[must_use]
    pub fn shortened(&self, call_by: Timestamp) -> Self {
        Self { call_by: call_by.min(self.call_by), lane: self.lane, granted: Mutex::new(self.take()) }
    }

    /// What the quota said ahead: once.
    pub(super) fn take(&self) -> Option<Result<(), Held>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
