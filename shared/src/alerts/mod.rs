//! Alerts: what people on call are told, and how: messages in Slack, incidents at Better Stack, and a heartbeat.
//!
//! CloudWatch alarms, EventBridge events and people's own words come over SNS. [`News`] is what was said. An [`Episode`] is what
//! the table knows of one alarm: how it stands, and what was told of it. [`Alerts`] brings the two together: whatever differs is
//! told. A crash, a lost message or an hour without Slack therefore only delays a message; the next look makes up for it.
//!
//! Nothing here ends a request of a shopper: no other part of the crate waits for an alert.

mod episode;
mod heartbeat;
mod incident;
mod inert;
mod keys;
mod message;
mod news;
mod severity;
mod slack;
mod tell;

pub use episode::{Due, Episode, Say, State, Telling};
pub use heartbeat::{BEAT_BUDGET, FAILS_BEFORE_ALARM, Heartbeat};
pub use keys::{AlertKeys, MonitorToken};
pub use message::{Message, Next};
pub use news::{Alarm, Delivery, News, Notice};
pub use severity::Severity;
pub use tell::{Alerts, NoticeRecord, Outcome, Place, notice_key};
