//! The payment methods that a customer has saved.

use http::StatusCode;
use serde_json::{Value, json};

use super::Stripe;
use super::answer::parse;
use super::customer::is_missing;
use super::request::path_segment;
use super::wire::{ErrorResponse, Page, PaymentMethod};
use crate::domain::Correlation;
use crate::error::{Error, Result};
use crate::gateway::{Class, Permit, Reply};
use crate::vendors::payment_provider::{CUSTOMER_MISSING, Methods, MethodsPage};

impl Stripe {
    /// Reads a page of a customer's payment methods.
    pub(super) async fn methods_on(
        &self,
        page: MethodsPage<'_>,
        correlation: &Correlation,
        permit: &Permit,
    ) -> Result<Methods> {
        let MethodsPage { customer, limit, cursor } = page;
        let mut path = format!("/v1/payment_methods?customer={}&type=card&limit={limit}", path_segment(customer));
        if let Some(cursor) = cursor {
            path.push_str("&starting_after=");
            path.push_str(&path_segment(cursor));
        }
        let reply = self.get("list_payment_methods", &path, 0, correlation, permit).await;
        let page: Page<PaymentMethod> = match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => {
                parse(response).ok_or_else(|| Error::bug("vendor_answer", "a page of payment methods"))?
            }
            _ => return Err(failure(&reply, cursor.is_some())),
        };
        let last = page.data.last().map(|method| method.id.clone());
        Ok(Methods { next_cursor: last.filter(|_| page.has_more), data: page.data.into_iter().map(shown).collect() })
    }
}

fn shown(method: PaymentMethod) -> Value {
    let mut view = json!({ "payment_method": method.id, "type": method.kind });
    if let Some(card) = method.card {
        view["card"] = json!(card);
    }
    view
}

fn names_missing_customer(reply: &Reply) -> bool {
    reply.response.as_ref().and_then(parse::<ErrorResponse>).is_some_and(|answer| is_missing(&answer.error))
}

fn failure(reply: &Reply, has_cursor: bool) -> Error {
    let status = reply.response.as_ref().map(http::Response::status);
    match reply.class {
        Class::Refused if has_cursor && !names_missing_customer(reply) && status == Some(StatusCode::BAD_REQUEST) => {
            Error::invalid_field("cursor", "is none that this list gave")
        }
        Class::Refused if names_missing_customer(reply) => {
            Error::rejected(404, CUSTOMER_MISSING, "The payment provider does not know this customer any more.")
        }
        Class::Refused => Error::bug("vendor_refused", "a list of payment methods"),
        Class::Credentials => Error::misconfigured("vendor_credentials", "the payment provider refuses our key"),
        _ => Error::transient("vendor_unavailable", "a list of payment methods"),
    }
}
