//! GET …/Messages.json: newest first, page by page.

use super::State;
use super::create::Form;
use super::failure::Failure;
use super::message::{API_VERSION, Message};
use form_urlencoded::Serializer;
use serde_json::{Value, json};
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::{Date, OffsetDateTime};

/// Page size when the caller names none, and the largest one.
const PAGE_SIZE: (usize, usize) = (50, 1000);

const PARAMETERS: [&str; 8] = ["DateSent", "DateSent<", "DateSent>", "From", "Page", "PageSize", "PageToken", "To"];

const DAY_S: i64 = 86_400;

/// A bound on the time of sending: a day of GMT or a second, as first and last epoch second.
#[derive(Clone, Copy)]
struct Moment {
    first_s: i64,
    last_s: i64,
}

impl State {
    /// The page that the query asks for. A message that has not been sent has no date and fits no bound.
    pub(super) fn list(&self, query: &Form) -> Result<Value, Failure> {
        query.only(&PARAMETERS)?;
        let number = |name: &str| query.get(name).map(|text| text.parse::<usize>().map_err(|_| bad(name))).transpose();
        let page = number("Page")?.unwrap_or(0);
        let size = number("PageSize")?.unwrap_or(PAGE_SIZE.0).min(PAGE_SIZE.1);
        if size == 0 {
            return Err(bad("PageSize"));
        }
        let mut fitting = self.fitting(query)?;
        fitting.sort_by_key(|message| std::cmp::Reverse(message.created_ms));
        let after = query.get("PageToken").map(|token| token.strip_prefix("PA").unwrap_or(token));
        let start = match after {
            None => 0,
            Some(last) => 1 + fitting.iter().position(|m| m.sid == last).ok_or_else(|| bad("PageToken"))?,
        };
        let shown: Vec<&Message> = fitting.iter().skip(start).take(size).copied().collect();
        let more = start + shown.len() < fitting.len();
        let next = shown.last().filter(|_| more).map(|last| self.page_uri(query, size, page + 1, Some(&last.sid)));
        Ok(json!({
            "messages": shown.iter().map(|message| message.to_json(&self.account_sid)).collect::<Vec<_>>(),
            "start": start,
            "end": start + shown.len().saturating_sub(1),
            "page": page,
            "page_size": size,
            "uri": self.page_uri(query, size, page, after),
            "first_page_uri": self.page_uri(query, size, 0, None),
            "next_page_uri": next,
            "previous_page_uri": null,
        }))
    }

    /// What fits the filters; of two made in the same millisecond the later one stands first.
    fn fitting(&self, query: &Form) -> Result<Vec<&Message>, Failure> {
        let (to, from) = (query.get("To"), query.get("From"));
        let bound = |name: &str| query.get(name).map(|text| moment(text).ok_or_else(|| bad(name))).transpose();
        let (on, until, since) = (bound("DateSent")?, bound("DateSent<")?, bound("DateSent>")?);
        let in_time = |sent_s: i64| {
            on.is_none_or(|on| (on.first_s..=on.last_s).contains(&sent_s))
                && until.is_none_or(|until| sent_s <= until.last_s)
                && since.is_none_or(|since| sent_s >= since.first_s)
        };
        let bounded = on.or(until).or(since).is_some();
        let all = self.messages.iter().rev().chain(self.received.iter().rev());
        Ok(all
            .filter(|message| {
                to.is_none_or(|to| message.to == to)
                    && from.is_none_or(|from| message.from.as_deref() == Some(from))
                    && message.sent_ms.map_or(!bounded, |sent_ms| in_time(sent_ms.div_euclid(1000)))
            })
            .collect())
    }

    fn page_uri(&self, query: &Form, size: usize, page: usize, after: Option<&str>) -> String {
        let mut pairs = Serializer::new(String::new());
        pairs.extend_pairs(query.pairs().iter().filter(|(name, _)| !name.starts_with("Page")));
        pairs.append_pair("PageSize", &size.to_string()).append_pair("Page", &page.to_string());
        if let Some(sid) = after {
            pairs.append_pair("PageToken", &format!("PA{sid}"));
        }
        format!("/{API_VERSION}/Accounts/{}/Messages.json?{}", self.account_sid, pairs.finish())
    }
}

fn bad(parameter: &str) -> Failure {
    Failure::invalid(20001, format!("The parameter {parameter} is not valid."))
}

/// A day, or a second in one of the two forms that HTTP clients write.
fn moment(text: &str) -> Option<Moment> {
    if let Ok(day) = Date::parse(text, time::macros::format_description!("[year]-[month]-[day]")) {
        let first_s = day.midnight().assume_utc().unix_timestamp();
        return Some(Moment { first_s, last_s: first_s + DAY_S - 1 });
    }
    let at = OffsetDateTime::parse(text, &Rfc3339).or_else(|_| OffsetDateTime::parse(text, &Rfc2822)).ok()?;
    Some(Moment { first_s: at.unix_timestamp(), last_s: at.unix_timestamp() })
}
