//! The vendors' side of a signature, from their documents: written here a second time, so that no verifier is tested
//! with its own code.

use hmac::{Hmac, KeyInit, Mac};
use lambda_http::Body;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::EncodePublicKey as _;
use serde_json::{Value, json};
use sha2::Sha256;
use simulation::universe::{Function, Response, Universe};

/// The endpoint's secret as the sandbox's account begins.
pub(crate) const SECRET: &str = "whsec_sandbox";

/// Lower-case hex of HMAC-SHA256 over `<t>.<body>`.
pub(crate) fn v1(secret: &str, t: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{t}.").as_bytes());
    mac.update(body);
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    mac.finalize().into_bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The seconds that Stripe's clock shows.
pub(crate) fn now_s(universe: &Universe) -> i64 {
    universe.now_ms() / 1_000
}

/// Posts to stripe-webhook with this header.
pub(crate) async fn post_stripe(universe: &mut Universe, header: Option<&str>, body: impl Into<Body>) -> Response {
    let mut request = http::Request::post("https://webhook.sim/");
    if let Some(header) = header {
        request = request.header("Stripe-Signature", header);
    }
    universe.call_raw(Function::StripeWebhook, request.body(body.into()).unwrap(), "/").await
}

/// Posts an event as Stripe would, signed now with the account's secret.
pub(crate) async fn stripe_says(universe: &mut Universe, event: &Value) -> Response {
    let body = format!("{event:#}");
    let t = now_s(universe);
    let header = format!("t={t},v1={}", v1(SECRET, t, body.as_bytes()));
    post_stripe(universe, Some(&header), body).await
}

/// A key pair for SendGrid's event webhook, of the tests' own.
pub(crate) fn sendgrid_key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

/// The secret of an account whose webhook is signed with the tests' key.
pub(crate) fn sendgrid_secret() -> Value {
    let der = sendgrid_key().verifying_key().to_public_key_der().unwrap();
    json!({ "webhook_public_keys": [{ "secret": base64(der.as_bytes()) }] })
}

/// Posts to sendgrid-webhook, signed with the tests' key: ECDSA over timestamp and raw body.
pub(crate) async fn sendgrid_says(universe: &mut Universe, body: impl Into<Vec<u8>>) -> Response {
    let body = body.into();
    let timestamp = now_s(universe).to_string();
    let signature: Signature = sendgrid_key().sign(&[timestamp.as_bytes(), &body].concat());
    let signature = base64(signature.to_der().as_bytes());
    post_sendgrid(universe, &signature, &timestamp, body).await
}

/// Posts to sendgrid-webhook with these headers.
pub(crate) async fn post_sendgrid(
    universe: &mut Universe,
    signature: &str,
    timestamp: &str,
    body: impl Into<Body>,
) -> Response {
    let request = http::Request::post("https://webhook.sim/")
        .header("X-Twilio-Email-Event-Webhook-Signature", signature)
        .header("X-Twilio-Email-Event-Webhook-Timestamp", timestamp)
        .body(body.into());
    universe.call_raw(Function::SendGridWebhook, request.unwrap(), "/").await
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
