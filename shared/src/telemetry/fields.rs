//! The names of log fields.

/// The vendor that was called.
pub const VENDOR: &str = "vendor.name";
/// The vendor's operation.
pub const OPERATION: &str = "vendor.operation";
/// The vendor's HTTP status; 0 when there was no answer.
pub const STATUS: &str = "vendor.status";
/// The class of the answer: see `gateway::Class`.
pub const CLASS: &str = "vendor.class";
/// How long the call took, in milliseconds.
pub const DURATION_MS: &str = "duration_ms";
/// How many calls of this intent were answered before.
pub const ATTEMPT: &str = "attempt";
/// The correlation id: the same in all log lines of one request.
pub const CORRELATION: &str = "correlation_id";
