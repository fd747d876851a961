//! A permit: until when a call may be made, and whether the quota has granted it already.

use std::sync::{Mutex, PoisonError};

use super::admission::Held;
use super::policy::Lane;
use crate::domain::Timestamp;

/// Leave to call until a time. A grant that was asked for ahead counts for one call; each further one asks for its own.
#[derive(Debug)]
pub struct Permit {
    call_by: Timestamp,
    lane: Lane,
    granted: Mutex<Option<Result<(), Held>>>,
}

impl Permit {
    /// Nothing was asked for ahead.
    pub const fn until(call_by: Timestamp, lane: Lane) -> Self {
        Self { call_by, lane, granted: Mutex::new(None) }
    }

    /// The quota was asked, and said this.
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
