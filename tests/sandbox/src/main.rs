//! The vendors' simulators behind real HTTP, for the local stack: `/stripe/v1/…`, `/sendgrid/v3/…`,
//! `/twilio/2010-04-01/…`, `/postmark/email…`, `/fedex/…`, `/ups/…`, `/dhl/…`, and `/_sandbox/…` to look inside and to turn the fault dial.

#![allow(clippy::disallowed_methods, reason = "the simulators run outside the system, on the real clock")]

mod server;

use anyhow::Context;
use clap::Parser;
use sandbox::{Sandbox, Settings, Vendor};
use std::io::Write;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Deterministic simulators of the vendors, with a fault dial.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Port on the loopback interface; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Decides every id and key.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where Stripe posts events (http only). Left out: nowhere, until PUT /_sandbox/webhook-urls.
    #[arg(long, default_value = "")]
    stripe_webhook_url: String,
    /// Replaces the Host header of Stripe's webhooks.
    #[arg(long)]
    stripe_webhook_host: Option<String>,
    /// Where SendGrid posts events (http only). Left out: nowhere, until PUT /_sandbox/webhook-urls.
    #[arg(long, default_value = "")]
    sendgrid_webhook_url: String,
    /// Replaces the Host header of SendGrid's webhooks.
    #[arg(long)]
    sendgrid_webhook_host: Option<String>,
    /// Where Twilio posts what people text (http only). Left out: nowhere, until PUT /_sandbox/webhook-urls.
    #[arg(long, default_value = "")]
    twilio_webhook_url: String,
    /// Replaces the Host header of Twilio's webhooks; status callbacks to this host go to the same address.
    #[arg(long)]
    twilio_webhook_host: Option<String>,
    /// Where Postmark posts events (http only). Left out: nowhere, until PUT /_sandbox/webhook-urls.
    #[arg(long, default_value = "")]
    postmark_webhook_url: String,
    /// Replaces the Host header of Postmark's webhooks.
    #[arg(long)]
    postmark_webhook_host: Option<String>,
    /// Where FedEx posts events (http only). Left out: nowhere, until PUT /_sandbox/webhook-urls.
    #[arg(long, default_value = "")]
    fedex_webhook_url: String,
    /// Replaces the Host header of FedEx's webhooks.
    #[arg(long)]
    fedex_webhook_host: Option<String>,
    /// Where UPS posts events (http only). Left out: nowhere, until PUT /_sandbox/webhook-urls.
    #[arg(long, default_value = "")]
    ups_webhook_url: String,
    /// Replaces the Host header of UPS's webhooks; destinations of subscriptions at this host go to the same address.
    #[arg(long)]
    ups_webhook_host: Option<String>,
    /// The API key that Stripe accepts.
    #[arg(long, default_value_t = Settings::default().stripe_api_key)]
    stripe_api_key: String,
    /// Signs Stripe's webhooks.
    #[arg(long, default_value_t = Settings::default().stripe_webhook_secret)]
    stripe_webhook_secret: String,
    /// The API key that SendGrid accepts for transactional mail.
    #[arg(long, default_value_t = Settings::default().sendgrid_api_key)]
    sendgrid_api_key: String,
    /// The API key that SendGrid accepts for promotions.
    #[arg(long, default_value_t = Settings::default().sendgrid_marketing_api_key)]
    sendgrid_marketing_api_key: String,
    /// Twilio's account.
    #[arg(long, default_value_t = Settings::default().twilio_account_sid)]
    twilio_account_sid: String,
    /// The auth tokens that Twilio accepts; the first one signs.
    #[arg(long, value_delimiter = ',', default_values_t = Settings::default().twilio_auth_tokens)]
    twilio_auth_tokens: Vec<String>,
    /// The SID of Twilio's API key.
    #[arg(long, default_value_t = Settings::default().twilio_api_key_sid)]
    twilio_api_key_sid: String,
    /// The secret of Twilio's API key.
    #[arg(long, default_value_t = Settings::default().twilio_api_key_secret)]
    twilio_api_key_secret: String,
    /// The key with which webhook endpoints are made at Stripe.
    #[arg(long, default_value_t = Settings::default().stripe_admin_api_key)]
    stripe_admin_api_key: String,
    /// The key with which API keys are made at SendGrid.
    #[arg(long, default_value_t = Settings::default().sendgrid_admin_api_key)]
    sendgrid_admin_api_key: String,
    /// The numbers that the Twilio account can send from.
    #[arg(long, value_delimiter = ',', default_values_t = Settings::default().twilio_numbers)]
    twilio_numbers: Vec<String>,
    /// The server token that Postmark accepts.
    #[arg(long, default_value_t = Settings::default().postmark_server_token)]
    postmark_server_token: String,
    /// User and password, with a colon between them, of Postmark's webhooks.
    #[arg(long, default_value_t = Settings::default().postmark_webhook_credentials)]
    postmark_webhook_credentials: String,
    /// The client that FedEx gives tokens to.
    #[arg(long, default_value_t = Settings::default().fedex_client_id)]
    fedex_client_id: String,
    /// Its secret.
    #[arg(long, default_value_t = Settings::default().fedex_client_secret)]
    fedex_client_secret: String,
    /// The account that FedEx bills.
    #[arg(long, default_value_t = Settings::default().fedex_account_number)]
    fedex_account_number: String,
    /// Signs FedEx's webhooks.
    #[arg(long, default_value_t = Settings::default().fedex_webhook_token)]
    fedex_webhook_token: String,
    /// The client that UPS gives tokens to.
    #[arg(long, default_value_t = Settings::default().ups_client_id)]
    ups_client_id: String,
    /// Its secret.
    #[arg(long, default_value_t = Settings::default().ups_client_secret)]
    ups_client_secret: String,
    /// The account that UPS bills.
    #[arg(long, default_value_t = Settings::default().ups_account_number)]
    ups_account_number: String,
    /// Goes with UPS's webhooks, unless a subscription names its own.
    #[arg(long, default_value_t = Settings::default().ups_webhook_credential)]
    ups_webhook_credential: String,
    /// Where UPS asks for the token of its webhooks (http only). Left out: the credential goes with them.
    #[arg(long, default_value = "")]
    ups_webhook_token_url: String,
    /// The user that DHL accepts.
    #[arg(long, default_value_t = Settings::default().dhl_username)]
    dhl_username: String,
    /// The password.
    #[arg(long, default_value_t = Settings::default().dhl_password)]
    dhl_password: String,
    /// The account that DHL bills.
    #[arg(long, default_value_t = Settings::default().dhl_account_number)]
    dhl_account_number: String,
    /// The gap before the first retry of a webhook, in milliseconds; each further one is twice as long.
    #[arg(long, default_value_t = Settings::default().first_retry_ms)]
    first_retry_ms: i64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let endpoints = [
        (Vendor::Stripe, arguments.stripe_webhook_url.clone(), arguments.stripe_webhook_host.clone()),
        (Vendor::SendGrid, arguments.sendgrid_webhook_url.clone(), arguments.sendgrid_webhook_host.clone()),
        (Vendor::Twilio, arguments.twilio_webhook_url.clone(), arguments.twilio_webhook_host.clone()),
        (Vendor::Postmark, arguments.postmark_webhook_url.clone(), arguments.postmark_webhook_host.clone()),
        (Vendor::FedEx, arguments.fedex_webhook_url.clone(), arguments.fedex_webhook_host.clone()),
        (Vendor::Ups, arguments.ups_webhook_url.clone(), arguments.ups_webhook_host.clone()),
    ];
    let mut sandbox = Sandbox::new(Settings {
        seed: arguments.seed,
        stripe_webhook_url: String::new(),
        sendgrid_webhook_url: String::new(),
        twilio_webhook_url: String::new(),
        postmark_webhook_url: String::new(),
        fedex_webhook_url: String::new(),
        ups_webhook_url: String::new(),
        stripe_api_key: arguments.stripe_api_key,
        stripe_webhook_secret: arguments.stripe_webhook_secret,
        sendgrid_api_key: arguments.sendgrid_api_key,
        sendgrid_marketing_api_key: arguments.sendgrid_marketing_api_key,
        twilio_account_sid: arguments.twilio_account_sid,
        twilio_auth_tokens: arguments.twilio_auth_tokens,
        twilio_api_key_sid: arguments.twilio_api_key_sid,
        twilio_api_key_secret: arguments.twilio_api_key_secret,
        stripe_admin_api_key: arguments.stripe_admin_api_key,
        sendgrid_admin_api_key: arguments.sendgrid_admin_api_key,
        twilio_numbers: arguments.twilio_numbers,
        postmark_server_token: arguments.postmark_server_token,
        postmark_webhook_credentials: arguments.postmark_webhook_credentials,
        fedex_client_id: arguments.fedex_client_id,
        fedex_client_secret: arguments.fedex_client_secret,
        fedex_account_number: arguments.fedex_account_number,
        fedex_webhook_token: arguments.fedex_webhook_token,
        ups_client_id: arguments.ups_client_id,
        ups_client_secret: arguments.ups_client_secret,
        ups_account_number: arguments.ups_account_number,
        ups_webhook_credential: arguments.ups_webhook_credential,
        ups_webhook_token_url: arguments.ups_webhook_token_url,
        dhl_username: arguments.dhl_username,
        dhl_password: arguments.dhl_password,
        dhl_account_number: arguments.dhl_account_number,
        first_retry_ms: arguments.first_retry_ms,
        ..Settings::default()
    });
    for (vendor, url, host) in endpoints {
        let registered = sandbox.set_webhook(vendor, &url, host.as_deref());
        anyhow::ensure!(registered || url.is_empty(), "the webhook URL of {} is not a URL: {url}", vendor.name());
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(("127.0.0.1", arguments.port)).await.context("cannot listen")?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    tokio::select! {
        ended = server::serve(listener, sandbox) => ended,
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot wait for Ctrl-C"),
    }
}
