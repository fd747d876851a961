//! GET /v3/stats: counts of what has happened, by day, week or month.

use super::State;
use super::outcome::{Done, Refusal};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use time::{Date, Duration, OffsetDateTime};

/// The names of all counts.
const METRICS: [&str; 16] = [
    "blocks",
    "bounce_drops",
    "bounces",
    "clicks",
    "deferred",
    "delivered",
    "invalid_emails",
    "opens",
    "processed",
    "requests",
    "spam_report_drops",
    "spam_reports",
    "unique_clicks",
    "unique_opens",
    "unsubscribe_drops",
    "unsubscribes",
];

/// Something that counts, whether or not its event has been posted.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) at_ms: i64,
    pub(super) metric: &'static str,
    /// The copy of a message: opens and clicks of the same one are also counted once.
    pub(super) copy: String,
}

/// The count that an event goes into, if any.
pub(super) fn metric(event: &Value) -> Option<&'static str> {
    Some(match event["event"].as_str()? {
        "processed" => "processed",
        "deferred" => "deferred",
        "delivered" => "delivered",
        "bounce" if event["type"] == "blocked" => "blocks",
        "bounce" => "bounces",
        "dropped" => "bounce_drops",
        "open" => "opens",
        "click" => "clicks",
        "spamreport" => "spam_reports",
        "unsubscribe" | "group_unsubscribe" => "unsubscribes",
        _ => return None,
    })
}

impl State {
    pub(super) fn stats(&self, now_ms: i64, query: &[(String, String)]) -> Result<Done, Refusal> {
        let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let date = |name: &'static str| {
            let parse = |text: &str| Date::parse(text, time::macros::format_description!("[year]-[month]-[day]"));
            let wrong = move |_| Refusal::of(name, "The date must follow the format YYYY-MM-DD.");
            value(name).map(|text| parse(text).map_err(wrong)).transpose()
        };
        let first = date("start_date")?.ok_or_else(|| Refusal::of("start_date", "The start_date is required."))?;
        let last = date("end_date")?.unwrap_or_else(|| day(now_ms));
        let period = value("aggregated_by").unwrap_or("day");
        if !["day", "week", "month"].contains(&period) {
            return Err(Refusal::of("aggregated_by", "It is day, week or month."));
        }
        let count = |name: &'static str, otherwise: usize| match value(name) {
            None => Ok(otherwise),
            Some(text) => text.parse().map_err(|_| Refusal::of(name, "It is a number.")),
        };
        let (limit, offset) = (count("limit", usize::MAX)?, count("offset", 0)?);
        let mut periods: BTreeMap<Date, Map<String, Value>> = BTreeMap::new();
        let mut today = first;
        while today <= last {
            let zeros = || METRICS.iter().map(|name| ((*name).to_owned(), Value::from(0))).collect();
            periods.entry(start_of(period, today)).or_insert_with(zeros);
            today = today.next_day().unwrap_or(Date::MAX);
        }
        let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
        for fact in self.facts.iter().filter(|fact| fact.at_ms <= now_ms && (first..=last).contains(&day(fact.at_ms))) {
            let Some(counts) = periods.get_mut(&start_of(period, day(fact.at_ms))) else { continue };
            add(counts, fact.metric);
            let unique = match fact.metric {
                "opens" => Some("unique_opens"),
                "clicks" => Some("unique_clicks"),
                _ => None,
            };
            if let Some(unique) = unique.filter(|unique| seen.insert((*unique, &fact.copy))) {
                add(counts, unique);
            }
        }
        let shown = periods.into_iter().skip(offset).take(limit);
        Ok(Done::with(
            200,
            shown.map(|(date, counts)| json!({ "date": date.to_string(), "stats": [{ "metrics": counts }] })).collect(),
        ))
    }
}

fn add(counts: &mut Map<String, Value>, metric: &str) {
    let count = counts.get(metric).and_then(Value::as_u64).unwrap_or_default();
    counts.insert(metric.to_owned(), (count + 1).into());
}

fn day(at_ms: i64) -> Date {
    OffsetDateTime::from_unix_timestamp(at_ms / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH).date()
}

/// Weeks start on Monday.
fn start_of(period: &str, day: Date) -> Date {
    match period {
        "week" => day.saturating_sub(Duration::days(i64::from(day.weekday().number_days_from_monday()))),
        "month" => day.replace_day(1).unwrap_or(day),
        _ => day,
    }
}
