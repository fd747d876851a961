//! Customers, and the payment methods that they have saved.

use crossdock::domain::input::CreateCustomer;
use crossdock::domain::{CustomerId, PrintedName};
use crossdock::error::{Error, Result};
use crossdock::lambda::http::{Answer, ApiRequest};
use crossdock::vendors::payment_provider::{CUSTOMER_MISSING, MethodsPage};
use serde_json::json;

use crate::{PaymentInitiator, asker};

/// Payment methods on a page, unless the caller says otherwise: more than most shoppers have.
const LIMIT_DEFAULT: u8 = 10;
/// Entries on a page at most (of payment methods: Stripe's own limit).
const LIMIT_MAX: u8 = 100;
/// Longest cursor, in bytes: Stripe's ids have about 30.
const CURSOR_MAX_BYTES: usize = 255;

impl PaymentInitiator {
    /// `POST /customers`: makes the customer known to the payment provider, once for each id of the shop's.
    pub(crate) async fn create_customer(&self, request: &ApiRequest) -> Result<Answer> {
        let input = CreateCustomer::parse(request.json_body()?)?;
        let (customer, is_new) = self.payments.customer(&input, &asker(request)).await?;
        let status = match (customer.vendor_id.is_some(), is_new) {
            (false, _) => 202,
            (true, true) => 201,
            (true, false) => 200,
        };
        let mut body = customer.view();
        if let Some(Err(why)) = input.name.as_ref().map(PrintedName::of) {
            body["name_not_printed"] = json!(why);
        }
        Ok(Answer::new(status, body))
    }

    /// `GET /customers/{customer_id}/payment-methods`
    pub(crate) async fn payment_methods(&self, request: &ApiRequest, id: &str) -> Result<Answer> {
        let limit = limit(request.query.get("limit").map(String::as_str), LIMIT_DEFAULT)?;
        let cursor = request.query.get("cursor").map(String::as_str);
        if cursor.is_some_and(|cursor| cursor.is_empty() || cursor.len() > CURSOR_MAX_BYTES) {
            return Err(Error::invalid_field("cursor", "must be 1 to 255 bytes"));
        }
        let not_found = || Error::rejected(404, "customer_not_found", "There is no such customer.");
        let customer_id = CustomerId::parse(id).ok_or_else(not_found)?;
        let customer = self.payments.list.customer(&customer_id).await?;
        let customer = customer.ok_or_else(not_found)?;
        let Some(vendor_id) = customer.vendor_id else {
            // The provider does not know the customer yet, so nothing can be saved there.
            return Ok(Answer::new(200, json!({ "data": [] })));
        };
        let permit = request.lease().permit();
        let page = MethodsPage { customer: &vendor_id, limit, cursor };
        let page = match self.payments.methods(customer.provider, page, &request.correlation, &permit).await {
            Ok(page) => page,
            // Deleted there, with all that was saved: the next payment that needs a customer makes them anew.
            Err(error) if error.code == CUSTOMER_MISSING => {
                self.payments.forget_customer(&customer_id, &vendor_id).await?;
                return Ok(Answer::new(200, json!({ "data": [] })));
            }
            Err(error) => return Err(error),
        };
        let mut body = json!({ "data": page.data });
        if let Some(next) = page.next_cursor {
            body["next_cursor"] = json!(next);
        }
        Ok(Answer::new(200, body))
    }
}

/// How many a page has at most.
///
/// # Errors
/// 400 `invalid_input` naming `limit`.
pub(crate) fn limit(text: Option<&str>, default: u8) -> Result<u8> {
    let Some(text) = text else { return Ok(default) };
    let limit = text.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| Error::invalid_field("limit", "must be a number from 1 to 100"))
}
