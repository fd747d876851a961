//! Customers that Stripe no longer has: how it says so, and the same payment for another customer.

use form_urlencoded::Serializer;

use super::wire::ErrorBody;
use crate::effects::intent::VendorRequest;

/// Whether an error says that the customer does not exist. (docs.stripe.com/error-codes#resource-missing)
pub(super) fn is_missing(error: &ErrorBody) -> bool {
    error.code.as_deref() == Some("resource_missing") && error.param.as_deref() == Some("customer")
}

/// The customer that a request names.
pub(super) fn customer_of(request: &VendorRequest) -> Option<String> {
    let mut fields = form_urlencoded::parse(request.body.expose().as_bytes());
    fields.find(|(name, _)| name == "customer").map(|(_, value)| value.into_owned())
}

/// Whether a request makes no sense without its customer: it saves a card for them, or charges one that they saved.
pub(super) fn needs_customer(request: &VendorRequest) -> bool {
    form_urlencoded::parse(request.body.expose().as_bytes())
        .any(|(name, _)| matches!(&*name, "setup_future_usage" | "off_session"))
}

/// The same request for another customer, or for none.
pub(super) fn with_customer(request: &VendorRequest, customer: Option<&str>) -> VendorRequest {
    let mut form = Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(request.body.expose().as_bytes()) {
        match (&*name, customer) {
            ("customer", Some(customer)) => drop(form.append_pair(&name, customer)),
            ("customer", None) => {}
            _ => drop(form.append_pair(&name, &value)),
        }
    }
    VendorRequest { body: form.finish().into(), ..request.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_the_customer_stays_as_it_was() {
        let request = VendorRequest {
            operation: "create_payment_intent".to_owned(),
            path: "/v1/payment_intents".to_owned(),
            body: "amount=1099&customer=cus_1&description=a%26b+%C3%A9&metadata%5Bx%5D=%5B1%5D".to_owned().into(),
        };
        let other = with_customer(&request, Some("cus_2"));
        assert_eq!(other.body.expose(), "amount=1099&customer=cus_2&description=a%26b+%C3%A9&metadata%5Bx%5D=%5B1%5D");
        assert_eq!((other.path, customer_of(&request)), (request.path.clone(), Some("cus_1".to_owned())));
        assert_eq!(customer_of(&with_customer(&request, None)), None);
    }
}
