//! The deployment that the bench pretends to be: variables as Lambda and template.yaml set them, and secrets.

use serde_json::{Value, json};

/// Any region; endpoints are given.
pub const REGION: &str = "eu-central-1";
/// What template.yaml gives every function, in MiB. Nothing here limits memory; runtimes read it.
const MEMORY_MIB: u32 = 256;
/// Stripe's signing secret.
pub const WEBHOOK_SECRET: &str = "whsec_bench";
/// The name of the table.
pub const TABLE: &str = "crossdock";
/// Stack id, in our objects' metadata.
pub const STACK_ID: &str = "000000000000/eu-central-1/crossdock-bench";
/// The queues, by the last part of their URL.
pub const QUEUES: [(&str, &str); 7] = [
    ("INBOUND_EVENTS_QUEUE_URL", "inbound-events"),
    ("INBOUND_WORK_QUEUE_URL", "inbound-work"),
    ("PAYMENTS_QUEUE_URL", "payments"),
    ("EMAIL_QUEUE_URL", "email"),
    ("EMAIL_BULK_QUEUE_URL", "email-bulk"),
    ("SMS_QUEUE_URL", "sms"),
    ("DOMAIN_EVENTS_QUEUE_URL", "domain-events"),
];

/// The vendors' accounts are the sandbox's, whoever answers.
pub fn secret(id: &str) -> Option<Value> {
    let sandbox = sandbox::Settings::default();
    match id {
        // The other languages' functions read it whole, as ours did before webhooks had a secret of their own.
        "bench/stripe" => {
            Some(json!({ "api_key": sandbox.stripe_api_key, "webhook_secrets": [{ "secret": WEBHOOK_SECRET }] }))
        }
        "bench/stripe-webhook" => Some(json!({ "webhook_secrets": [{ "secret": WEBHOOK_SECRET }] })),
        "bench/app" => Some(json!({ "person_key": "a key of the bench", "link_key": "another" })),
        "bench/sendgrid" => {
            Some(json!({ "transactional_api_key": sandbox.sendgrid_api_key, "marketing_api_key": "SG.bench" }))
        }
        "bench/sendgrid-webhook" => {
            let public_key = sandbox::Sandbox::new(sandbox.clone()).sendgrid_public_key();
            Some(json!({ "webhook_public_keys": [{ "secret": public_key }] }))
        }
        "bench/fedex" => Some(json!({
            "client_id": sandbox.fedex_client_id,
            "client_secret": sandbox.fedex_client_secret,
            "account_number": sandbox.fedex_account_number,
        })),
        "bench/ups" => Some(json!({
            "client_id": sandbox.ups_client_id,
            "client_secret": sandbox.ups_client_secret,
            "account_number": sandbox.ups_account_number,
        })),
        "bench/dhl" => Some(json!({
            "username": sandbox.dhl_username,
            "password": sandbox.dhl_password,
            "account_number": sandbox.dhl_account_number,
        })),
        _ => None,
    }
}

/// A queue's URL.
fn queue_url(server: &str, name: &str) -> String {
    format!("{server}/000000000000/{name}")
}

/// Everything that a function finds in its environment. `server` is the URL of AWS and of the vendors; `name` the
/// function's.
pub fn variables(name: &str, server: &str) -> Vec<(String, String)> {
    let lambda = [
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIABENCHBENCHBENCHB".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "benchbenchbenchbenchbenchbenchbenchbench".to_owned()),
        ("AWS_SESSION_TOKEN", "bench".repeat(160)), // a real one has about 800 characters, and each request carries it
        ("AWS_EXECUTION_ENV", "AWS_Lambda_bench".to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", MEMORY_MIB.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "2025/05/01/[$LATEST]bench".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("AWS_ENDPOINT_URL", server.to_owned()),
    ];
    let template = [
        ("STAGE", "bench"),
        ("LOG_LEVEL", "INFO"),
        ("STACK_ID", STACK_ID),
        ("TABLE_NAME", TABLE),
        ("ARCHIVE_BUCKET", "archive"),
        ("LABELS_BUCKET", "labels"),
        ("INBOUND_EVENTS_QUEUE_ARN", "arn:aws:sqs:eu-central-1:000000000000:inbound-events"),
        ("INBOUND_WORK_QUEUE_ARN", "arn:aws:sqs:eu-central-1:000000000000:inbound-work"),
        ("STRIPE_SECRET_ID", "bench/stripe"),
        ("STRIPE_WEBHOOK_SECRET_ID", "bench/stripe-webhook"),
        ("SENDGRID_SECRET_ID", "bench/sendgrid"),
        ("SENDGRID_WEBHOOK_SECRET_ID", "bench/sendgrid-webhook"),
        ("FEDEX_SECRET_ID", "bench/fedex"),
        ("UPS_SECRET_ID", "bench/ups"),
        ("DHL_SECRET_ID", "bench/dhl"),
        ("APP_SECRET_ID", "bench/app"),
        ("MAIL_FROM", "shop@example.com"),
        ("MAIL_FROM_NAME", "Shop"),
        ("SHOP_NAME", "Shop"),
        ("STRIPE_API_BASE", server),
        ("SENDGRID_API_BASE", server),
        ("FEDEX_API_BASE", server),
        ("UPS_API_BASE", server),
        ("DHL_API_BASE", server),
    ];
    let queues = QUEUES.iter().map(|(variable, queue)| ((*variable).to_owned(), queue_url(server, queue)));
    let template = template.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    lambda.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(template).chain(queues).collect()
}
