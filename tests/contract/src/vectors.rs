//! Webhook signatures, made and judged by the vendors' own SDKs; `vectors/make_vectors.py` wrote them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, de::Error as _};

/// What the vendor's SDKs said about a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// Theirs.
    Accept,
    /// Not theirs, or too old.
    Reject,
}

/// One `Stripe-Signature`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeVector {
    /// What is special about it.
    pub name: String,
    /// The endpoint's secret, `whsec_…`.
    pub secret: String,
    /// The whole header.
    pub header: String,
    /// The receiver's clock, seconds since 1970.
    pub now: i64,
    /// The raw body.
    #[serde(rename = "body_base64", deserialize_with = "from_base64")]
    pub body: Vec<u8>,
    /// What must come of it.
    pub expect: Expect,
    /// Whose code signed it.
    pub made_by: String,
    /// The vendor's SDKs whose verifiers came to `expect`.
    pub agreed_by: Vec<String>,
}

/// One signed call of SendGrid's event webhook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendgridVector {
    /// What is special about it.
    pub name: String,
    /// Base64 of DER SubjectPublicKeyInfo, as SendGrid's API gives it.
    pub public_key: String,
    /// The header `X-Twilio-Email-Event-Webhook-Signature`.
    pub signature: String,
    /// The header `X-Twilio-Email-Event-Webhook-Timestamp`.
    pub timestamp: String,
    /// The raw body.
    #[serde(rename = "body_base64", deserialize_with = "from_base64")]
    pub body: Vec<u8>,
    /// What must come of it.
    pub expect: Expect,
    /// Whose code signed it.
    pub made_by: String,
    /// The vendor's SDKs whose verifiers came to `expect`.
    pub agreed_by: Vec<String>,
}

/// One signed call of Twilio's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwilioVector {
    /// What is special about it.
    pub name: String,
    /// The account's auth token.
    pub token: String,
    /// The URL at which it was received, without a fragment.
    pub url: String,
    /// The header `X-Twilio-Signature`.
    pub signature: String,
    /// The raw body: a form, or anything whose hash is in the URL.
    #[serde(rename = "body_base64", deserialize_with = "from_base64")]
    pub body: Vec<u8>,
    /// What must come of it.
    pub expect: Expect,
    /// Whose code signed it.
    pub made_by: String,
    /// The vendor's SDKs whose validators came to `expect`.
    pub agreed_by: Vec<String>,
}

/// Stripe's vectors.
///
/// # Panics
/// When the checked-in file is not what the script writes.
pub fn stripe() -> Vec<StripeVector> {
    serde_json::from_str(include_str!("../vectors/stripe.json")).unwrap_or_else(|e| panic!("vectors/stripe.json: {e}"))
}

/// SendGrid's vectors.
///
/// # Panics
/// When the checked-in file is not what the script writes.
pub fn sendgrid() -> Vec<SendgridVector> {
    serde_json::from_str(include_str!("../vectors/sendgrid.json"))
        .unwrap_or_else(|e| panic!("vectors/sendgrid.json: {e}"))
}

/// Twilio's vectors.
///
/// # Panics
/// When the checked-in file is not what the script writes.
pub fn twilio() -> Vec<TwilioVector> {
    serde_json::from_str(include_str!("../vectors/twilio.json")).unwrap_or_else(|e| panic!("vectors/twilio.json: {e}"))
}

fn from_base64<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<u8>, D::Error> {
    STANDARD.decode(String::deserialize(source)?).map_err(D::Error::custom)
}
