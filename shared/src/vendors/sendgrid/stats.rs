//! What became of a day's mails, by SendGrid's own count. (GET /v3/stats.)

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::{Keys, get_request};
use crate::domain::{Correlation, Timestamp};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, Lane, OperationClass, Permit, Vendor, retry_after};
use crate::telemetry::metrics::Metric;

/// Time for the call.
const CALL_TIME: Duration = Duration::from_secs(10);

/// SendGrid's statistics.
#[derive(Clone)]
pub struct Stats {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
}

/// One day's mails.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayStats {
    /// `2026-01-31`, as the account counts days.
    pub day: String,
    /// Mails asked for.
    pub requests: u64,
    /// With the recipient.
    pub delivered: u64,
    /// Mails that were opened, each once.
    pub opened: u64,
    /// Mails in which a link was clicked, each once.
    pub clicked: u64,
    /// Refused for good.
    pub bounced: u64,
    /// Called spam.
    pub spam_reported: u64,
    /// Unsubscribed by.
    pub unsubscribed: u64,
}

#[derive(Deserialize)]
struct Day {
    date: String,
    #[serde(default)]
    stats: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    metrics: Counts,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Counts {
    requests: u64,
    delivered: u64,
    unique_opens: u64,
    unique_clicks: u64,
    bounces: u64,
    spam_reports: u64,
    unsubscribes: u64,
}

impl DayStats {
    /// Writes the day as metrics of that day. What became of mails afterwards is counted from their events, see
    /// effects/subject/message: this is the vendor's word to compare it with.
    pub fn write(&self, at: Timestamp) {
        #[expect(clippy::cast_precision_loss, reason = "counts of a day, for a metric")]
        let number = |count: u64| count as f64;
        Metric::MailReportRequests.record(at, number(self.requests), &[]);
        Metric::MailReportDelivered.record(at, number(self.delivered), &[]);
        Metric::MailReportUnsubscribed.record(at, number(self.unsubscribed), &[]);
        tracing::info!(
            day = self.day,
            requests = self.requests,
            delivered = self.delivered,
            opened = self.opened,
            clicked = self.clicked,
            bounced = self.bounced,
            called_spam = self.spam_reported,
            unsubscribed = self.unsubscribed,
            "a day's mails by the vendor's own count"
        );
    }
}

impl Stats {
    /// The statistics of the account at this base URL.
    pub const fn new(gateway: Gateway, base: String, keys: Keyring<Keys>) -> Self {
        Self { gateway, base, keys }
    }

    /// The days from the first to the last, both included, as `2026-01-31`.
    ///
    /// # Errors
    /// `vendor_unavailable` (transient) when SendGrid did not say.
    pub async fn between(&self, first: &str, last: &str) -> Result<Vec<DayStats>> {
        let world = self.gateway.world();
        let correlation = Correlation::generate(world.now(), world.rng.next());
        let permit = Permit::until(world.now().plus(CALL_TIME), Lane::Background);
        let call = Call {
            vendor: Vendor::SendGrid,
            operation: "stats",
            class: OperationClass::Read,
            permit: &permit,
            attempt: 0,
            correlation: &correlation,
        };
        let url = format!("{}/v3/stats?start_date={first}&end_date={last}&aggregated_by=day", self.base);
        let build = |keys: &Keys| get_request(&keys.transactional_api_key, &url);
        let reply = self.gateway.call(&call, &self.keys, &build, classify).await;
        let days = reply.response.filter(|_| reply.class == Class::Done);
        let days = days.and_then(|response| serde_json::from_slice::<Vec<Day>>(response.body()).ok());
        let days = days.ok_or_else(|| Error::transient("vendor_unavailable", "SendGrid gave no statistics"))?;
        Ok(days.into_iter().map(day).filter(|day| is_asked_for(&day.day, first, last)).collect())
    }
}

fn day(day: Day) -> DayStats {
    let mut all = DayStats { day: day.date, ..DayStats::default() };
    for Group { metrics } in day.stats {
        all.requests += metrics.requests;
        all.delivered += metrics.delivered;
        all.opened += metrics.unique_opens;
        all.clicked += metrics.unique_clicks;
        all.bounced += metrics.bounces;
        all.spam_reported += metrics.spam_reports;
        all.unsubscribed += metrics.unsubscribes;
    }
    all
}

/// Whether a day is one of those that were asked for; what is told of others would be counted for a day that it is not of.
fn is_asked_for(day: &str, first: &str, last: &str) -> bool {
    day.len() == first.len() && (first..=last).contains(&day)
}

fn classify(status: StatusCode, headers: &HeaderMap, _body: &[u8]) -> Class {
    match status.as_u16() {
        200 => Class::Done,
        400 | 404 | 405 => Class::Refused,
        401 | 403 => Class::Credentials,
        429 => Class::Throttled { after: retry_after(headers) },
        _ => Class::Transient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_days_that_were_asked_for_are_counted() {
        let is = |day| is_asked_for(day, "2026-01-30", "2026-01-31");
        assert!(is("2026-01-30") && is("2026-01-31"));
        assert!(!is("2026-01-29") && !is("2026-02-01") && !is("2026-01-31T00:00:00Z") && !is(""));
    }

    #[test]
    fn a_day_is_the_sum_of_its_groups_and_counts_that_we_do_not_know_are_no_matter() {
        let json = r#"{"date":"2026-01-31","stats":[{"type":"category","metrics":{"requests":2,"blocks":7}},
            {"metrics":{"requests":3,"unique_opens":1}}]}"#;
        let stats = day(serde_json::from_str(json).expect("a day"));
        assert_eq!((stats.day.as_str(), stats.requests, stats.opened), ("2026-01-31", 5, 1));
    }
}
