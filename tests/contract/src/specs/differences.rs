//! What Stripe has changed between the specification at hand and the API version that we speak, as far as its changelog and
//! its SDKs' release notes tell: requests are checked with the file, and with this list.

/// The API version of the file.
pub const STRIPE_SPEC_VERSION: &str = "2023-08-16";

/// A version between the file's and ours, what it changed, and where that is said.
#[derive(Debug)]
pub struct Difference {
    /// The API version.
    pub version: &'static str,
    /// What it changed, and what that is to us.
    pub what: &'static str,
    /// Where it is said.
    pub source: &'static str,
    /// A field that requests to a path must name since then, because its default has changed.
    pub must_name: Option<(&'static str, &'static str)>,
}

/// In order; the last is the version that we speak.
pub const STRIPE_DIFFERENCES: [Difference; 5] = [
    Difference {
        version: "2023-10-16",
        what: "a field of persons of connected accounts: none of ours",
        source: "github.com/stripe/stripe-php, release notes of 13.0.0",
        must_name: None,
    },
    Difference {
        version: "2024-04-10",
        what: "a payment intent without capture_method is captured asynchronously: we name it",
        source: "docs.stripe.com/changelog/2024-04-10/automatic-sync-default-paymentintents",
        must_name: Some(("/v1/payment_intents", "capture_method")),
    },
    Difference {
        version: "2024-06-20",
        what: "believed to change nothing that we send or read (not seen in full)",
        source: "guess",
        must_name: None,
    },
    Difference {
        version: "2024-09-30.acacia",
        what: "parameters of billing alerts and of terminal readers: none of ours",
        source: "github.com/stripe/stripe-node, release notes of 17.0.0",
        must_name: None,
    },
    Difference {
        version: "2024-10-28.acacia",
        what: "refund.created, refund.updated and refund.failed for every refund: events, no requests",
        source: "docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update",
        must_name: None,
    },
];

/// What a request to Stripe lacks since the file was written.
pub(super) fn lacking(method: &str, path: &str, body: &[u8]) -> Vec<String> {
    let names = |field: &str| form_urlencoded::parse(body).any(|(name, _)| name == field);
    STRIPE_DIFFERENCES
        .iter()
        .filter_map(|difference| Some((difference.version, difference.must_name?)))
        .filter(|(_, (of, field))| method == "POST" && path == *of && !names(field))
        .map(|(version, (_, field))| {
            format!("stripe, {method} {path}: the default of {field} has changed in {version}")
        })
        .collect()
}
