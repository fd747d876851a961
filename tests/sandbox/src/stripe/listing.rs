//! GET /v1/payment_intents: newest first, page by page.

use super::State;
use super::command::refuse_unknown;
use super::failure::Failure;
use super::form::Form;
use super::objects::PaymentIntent;
use serde_json::{Value, json};

/// Page size when the caller names none, and the largest one.
const LIMIT: (usize, usize) = (10, 100);

const PARAMETERS: [&str; 5] = ["created", "customer", "ending_before", "limit", "starting_after"];

impl State {
    /// The page that the query asks for.
    pub(super) fn list(&self, query: &Form) -> Result<Value, Failure> {
        refuse_unknown(query, &PARAMETERS)?;
        let limit = match query.get("limit") {
            None => LIMIT.0,
            Some(text) => number(text, "limit")?,
        };
        if !(1..=LIMIT.1).contains(&limit) {
            let message = format!("This value must be between 1 and {}.", LIMIT.1);
            return Err(Failure::invalid(Some("parameter_invalid_integer"), Some("limit"), message));
        }
        let mut bounds = Vec::new();
        for (bound, text) in query.parts("created").chain(query.get("created").map(|text| ("eq", text))) {
            if !["eq", "gt", "gte", "lt", "lte"].contains(&bound) {
                return Err(Failure::invalid(
                    Some("parameter_unknown"),
                    Some("created"),
                    "Received unknown parameter.",
                ));
            }
            bounds.push((bound, number::<i64>(text, "created")?));
        }
        // Newest first; what was made in the same second comes in the order of making, turned round.
        let fitting: Vec<&PaymentIntent> = (self.payment_intents.iter().rev())
            .filter(|intent| query.get("customer").is_none() && bounds.iter().all(|b| within(intent.created_s, *b)))
            .collect();
        let position = |param: &str| {
            query.get(param).map(|id| {
                let found = fitting.iter().position(|intent| intent.id == id);
                found.ok_or_else(|| Failure::no_such("payment_intent", id, param, 400))
            })
        };
        let start = position("starting_after").transpose()?.map_or(0, |found| found + 1);
        let end = position("ending_before").transpose()?.unwrap_or(fitting.len());
        let window = fitting.get(start..end).unwrap_or_default();
        let page = match query.get("ending_before") {
            Some(_) => &window[window.len().saturating_sub(limit)..],
            None => &window[..window.len().min(limit)],
        };
        let data: Vec<Value> = page.iter().map(|intent| intent.to_json()).collect();
        Ok(json!({
            "object": "list",
            "data": data,
            "has_more": page.len() < window.len(),
            "url": "/v1/payment_intents",
        }))
    }
}

fn within(created_s: i64, (bound, limit_s): (&str, i64)) -> bool {
    match bound {
        "gt" => created_s > limit_s,
        "gte" => created_s >= limit_s,
        "lt" => created_s < limit_s,
        "lte" => created_s <= limit_s,
        _ => created_s == limit_s,
    }
}

fn number<T: std::str::FromStr>(text: &str, param: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| {
        Failure::invalid(Some("parameter_invalid_integer"), Some(param), format!("Invalid integer: {text}"))
    })
}
