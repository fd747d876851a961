//! Lists: newest first, page by page.

use super::State;
use super::failure::Failure;
use super::form::Form;
use super::objects::PaymentIntent;
use super::parameters::{integer, refuse_unknown};
use serde_json::{Value, json};

/// Page size when the caller names none, and the largest one.
const LIMIT: (usize, usize) = (10, 100);

const PARAMETERS: [&str; 5] = ["created", "customer", "ending_before", "limit", "starting_after"];

/// An object that lists can hold.
pub(super) trait Listed {
    /// The kind, as error messages call it.
    const WHAT: &'static str;

    fn id(&self) -> &str;

    /// Epoch seconds.
    fn created_s(&self) -> i64;

    fn to_json(&self) -> Value;
}

impl Listed for PaymentIntent {
    const WHAT: &'static str = "payment_intent";

    fn id(&self) -> &str {
        &self.id
    }

    fn created_s(&self) -> i64 {
        self.created_s
    }

    fn to_json(&self) -> Value {
        Self::to_json(self)
    }
}

impl State {
    /// GET /v1/payment_intents
    pub(super) fn list_intents(&self, query: &Form) -> Result<Value, Failure> {
        refuse_unknown(query, &PARAMETERS)?;
        let customer = query.get("customer");
        self.look_up_customer(customer)?;
        let fits = |intent: &&PaymentIntent| customer.is_none() || intent.customer.as_deref() == customer;
        page(query, "/v1/payment_intents", self.payment_intents.iter().rev().filter(fits).collect())
    }
}

/// The page that the query asks for, out of the objects that fit it, newest first. What was made in the same second
/// comes in the order of making, turned round. Bounds on `created` are applied here.
pub(super) fn page<T: Listed>(query: &Form, url: &str, fitting: Vec<&T>) -> Result<Value, Failure> {
    let limit = match query.get("limit") {
        None => LIMIT.0,
        Some(text) => integer(text, "limit")?,
    };
    if !(1..=LIMIT.1).contains(&limit) {
        let message = format!("This value must be between 1 and {}.", LIMIT.1);
        return Err(Failure::invalid(Some("parameter_invalid_integer"), Some("limit"), message));
    }
    let mut bounds = Vec::new();
    for (bound, text) in query.parts("created").chain(query.get("created").map(|text| ("eq", text))) {
        if !["eq", "gt", "gte", "lt", "lte"].contains(&bound) {
            let code = Some("parameter_unknown");
            return Err(Failure::invalid(code, Some("created"), "Received unknown parameter."));
        }
        bounds.push((bound, integer::<i64>(text, "created")?));
    }
    let fitting: Vec<&T> =
        fitting.into_iter().filter(|object| bounds.iter().all(|bound| within(object.created_s(), *bound))).collect();
    let position = |param: &str| {
        query.get(param).map(|id| {
            let found = fitting.iter().position(|object| object.id() == id);
            found.ok_or_else(|| Failure::no_such(T::WHAT, id, param, 400))
        })
    };
    let start = position("starting_after").transpose()?.map_or(0, |found| found + 1);
    let end = position("ending_before").transpose()?.unwrap_or(fitting.len());
    let window = fitting.get(start..end).unwrap_or_default();
    let page = match query.get("ending_before") {
        Some(_) => &window[window.len().saturating_sub(limit)..],
        None => &window[..window.len().min(limit)],
    };
    let data: Vec<Value> = page.iter().map(|object| object.to_json()).collect();
    Ok(json!({ "object": "list", "data": data, "has_more": page.len() < window.len(), "url": url }))
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
