//! What we send to Stripe: form-encoded, nested with brackets, every object with our metadata.

use form_urlencoded::Serializer;

use super::amount::in_stripe_units;
use crate::domain::input::{ConfirmPayment, CreateCustomer, CreatePayment};
use crate::domain::refund::RefundReason;
use crate::domain::{IntentId, Money, OrderId, StackId};
use crate::effects::intent::VendorRequest;
use crate::error::Result;

/// The request that creates a payment, of this customer of Stripe's. No field is sent without a value.
pub(super) fn create(
    input: &CreatePayment,
    customer: Option<&str>,
    stack: &StackId,
    intent: &IntentId,
) -> Result<VendorRequest> {
    let mut form = Serializer::new(String::new());
    form.append_pair("amount", &in_stripe_units(input.amount)?.to_string());
    form.append_pair("currency", &input.amount.currency.code().to_ascii_lowercase());
    form.append_pair("payment_method_types[]", "card");
    // Since 2024-04-10 the default is `automatic_async`, with which a charge does not say for an hour what it cost.
    form.append_pair("capture_method", "automatic");
    if let Some(customer) = customer {
        form.append_pair("customer", customer);
    }
    if let Some(description) = &input.description {
        form.append_pair("description", description.expose());
    }
    if let Some(method) = &input.payment_method {
        form.append_pair("payment_method", method);
    }
    if input.confirm {
        form.append_pair("confirm", "true");
        if let Some(url) = &input.return_url {
            form.append_pair("return_url", url);
        }
    }
    if input.off_session {
        form.append_pair("off_session", "true");
    }
    if input.save_payment_method {
        form.append_pair("setup_future_usage", "off_session");
    }
    for (key, value) in &input.metadata {
        form.append_pair(&format!("metadata[{key}]"), value);
    }
    sign(&mut form, stack, Some(&input.order_id), intent);
    Ok(VendorRequest {
        operation: "create_payment_intent".to_owned(),
        path: "/v1/payment_intents".to_owned(),
        body: form.finish().into(),
    })
}

/// The request that confirms one.
pub(super) fn confirm(input: &ConfirmPayment, vendor_id: &str) -> VendorRequest {
    let mut form = Serializer::new(String::new());
    form.append_pair("payment_method", &input.payment_method);
    if let Some(url) = &input.return_url {
        form.append_pair("return_url", url);
    }
    VendorRequest {
        operation: "confirm_payment_intent".to_owned(),
        path: format!("/v1/payment_intents/{}/confirm", path_segment(vendor_id)),
        body: form.finish().into(),
    }
}

/// The request that cancels one.
pub(super) fn cancel(vendor_id: &str) -> VendorRequest {
    VendorRequest {
        operation: "cancel_payment_intent".to_owned(),
        path: format!("/v1/payment_intents/{}/cancel", path_segment(vendor_id)),
        body: String::new().into(),
    }
}

/// The request that refunds a payment, or a part of it.
///
/// # Errors
/// 422 `amount_not_representable`.
pub(super) fn refund(
    vendor_id: &str,
    amount: Money,
    reason: Option<RefundReason>,
    order: &OrderId,
    stack: &StackId,
    intent: &IntentId,
) -> Result<VendorRequest> {
    let mut form = Serializer::new(String::new());
    form.append_pair("payment_intent", vendor_id);
    form.append_pair("amount", &in_stripe_units(amount)?.to_string());
    if let Some(reason) = reason {
        form.append_pair("reason", reason.as_str());
    }
    sign(&mut form, stack, Some(order), intent);
    Ok(VendorRequest {
        operation: "create_refund".to_owned(),
        path: "/v1/refunds".to_owned(),
        body: form.finish().into(),
    })
}

/// The request that creates a customer.
pub(super) fn customer(input: &CreateCustomer, stack: &StackId, intent: &IntentId) -> VendorRequest {
    let mut form = Serializer::new(String::new());
    form.append_pair("email", input.email.expose());
    if let Some(name) = &input.name {
        form.append_pair("name", name.expose());
    }
    if let Some(phone) = &input.phone {
        form.append_pair("phone", phone.expose());
    }
    form.append_pair("metadata[crossdock_customer]", input.id.as_str());
    sign(&mut form, stack, None, intent);
    VendorRequest {
        operation: "create_customer".to_owned(),
        path: "/v1/customers".to_owned(),
        body: form.finish().into(),
    }
}

/// Our metadata, by which events and resolvers find what is ours.
fn sign(form: &mut Serializer<'_, String>, stack: &StackId, order: Option<&OrderId>, intent: &IntentId) {
    form.append_pair("metadata[crossdock_stack]", stack.as_str());
    if let Some(order) = order {
        form.append_pair("metadata[crossdock_order]", order.as_str());
    }
    form.append_pair("metadata[crossdock_intent]", intent.as_str());
}

/// Stripe's ids are letters, digits and underscores; anything else is encoded rather than trusted.
pub(super) fn path_segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
