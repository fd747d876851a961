//! What we send to Stripe: form-encoded, nested with brackets, every object with our metadata.

use form_urlencoded::Serializer;

use super::amount::in_stripe_units;
use crate::domain::input::{ConfirmPayment, CreatePayment};
use crate::domain::{IntentId, StackId};
use crate::effects::intent::VendorRequest;
use crate::error::Result;

/// The request that creates a payment. No field is sent without a value.
pub(super) fn create(input: &CreatePayment, stack: &StackId, intent: &IntentId) -> Result<VendorRequest> {
    let mut form = Serializer::new(String::new());
    form.append_pair("amount", &in_stripe_units(input.amount)?.to_string());
    form.append_pair("currency", &input.amount.currency.code().to_ascii_lowercase());
    form.append_pair("payment_method_types[]", "card");
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
    for (key, value) in &input.metadata {
        form.append_pair(&format!("metadata[{key}]"), value);
    }
    form.append_pair("metadata[crossdock_stack]", stack.as_str());
    form.append_pair("metadata[crossdock_order]", input.order_id.as_str());
    form.append_pair("metadata[crossdock_intent]", intent.as_str());
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

/// Stripe's ids are letters, digits and underscores; anything else is encoded rather than trusted.
pub(super) fn path_segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect()
}
