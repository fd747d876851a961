//! Who is simulated, and the accounts that the simulated vendors know.

use serde::{Deserialize, Serialize};

/// A simulated vendor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    /// Stripe: payments. Paths start with `/v1/`.
    Stripe,
    /// SendGrid: mail. Paths start with `/v3/`.
    #[serde(rename = "sendgrid")]
    SendGrid,
    /// Twilio: SMS. Paths start with `/2010-04-01/`.
    Twilio,
    /// Postmark: mail. Paths start with `/email`.
    Postmark,
    /// FedEx: parcels. Paths such as `/ship/v1/shipments`.
    #[serde(rename = "fedex")]
    FedEx,
    /// UPS: parcels. Paths start with `/api/`, but for the token's.
    Ups,
    /// DHL Express (MyDHL API): parcels. Paths such as `/shipments`, without `/mydhlapi`.
    Dhl,
}

impl Vendor {
    /// Every vendor of the sandbox.
    pub const ALL: [Self; 7] =
        [Self::Stripe, Self::SendGrid, Self::Twilio, Self::Postmark, Self::FedEx, Self::Ups, Self::Dhl];

    /// The carriers.
    pub const CARRIERS: [Self; 3] = [Self::FedEx, Self::Ups, Self::Dhl];

    /// The name in paths and JSON: `stripe`, `sendgrid`, `twilio`, `postmark`, `fedex`, `ups`, `dhl`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::SendGrid => "sendgrid",
            Self::Twilio => "twilio",
            Self::Postmark => "postmark",
            Self::FedEx => "fedex",
            Self::Ups => "ups",
            Self::Dhl => "dhl",
        }
    }
}

/// The accounts at the vendors, and the seed that decides every id and key.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Same seed and same calls: same bytes.
    pub seed: u64,
    /// Where Stripe posts events. Empty: no endpoint is registered, and events go nowhere.
    pub stripe_webhook_url: String,
    /// Where SendGrid posts events. Empty: the event webhook is off, and events go nowhere.
    pub sendgrid_webhook_url: String,
    /// The one API key that Stripe accepts.
    pub stripe_api_key: String,
    /// Signs Stripe's webhooks; used as text, prefix included.
    pub stripe_webhook_secret: String,
    /// The event types that Stripe's endpoint is registered for.
    pub stripe_event_types: Vec<String>,
    /// The API version of Stripe's endpoint, which decides what it is sent of refunds.
    pub stripe_endpoint_version: String,
    /// The currency of the Stripe account's balance, ISO 4217, lower case; charges in others are exchanged.
    pub stripe_settlement_currency: String,
    /// The key with which webhook endpoints are made at Stripe.
    pub stripe_admin_api_key: String,
    /// The key with which API keys are made at SendGrid.
    pub sendgrid_admin_api_key: String,
    /// The API key that SendGrid accepts for transactional mail.
    pub sendgrid_api_key: String,
    /// The API key that SendGrid accepts for promotions.
    pub sendgrid_marketing_api_key: String,
    /// Where Twilio posts what people text to the account's numbers. Empty: nowhere. Status callbacks go where each
    /// message says.
    pub twilio_webhook_url: String,
    /// Twilio's account, `AC` and 32 hexadecimal digits.
    pub twilio_account_sid: String,
    /// Every auth token that Twilio accepts. The first is the primary one, which signs.
    pub twilio_auth_tokens: Vec<String>,
    /// The account's API key, `SK` and 32 hexadecimal digits. (www.twilio.com/docs/iam/api-keys)
    pub twilio_api_key_sid: String,
    /// Its secret.
    pub twilio_api_key_secret: String,
    /// The numbers of the account, in E.164. The first one sends for the messaging service.
    pub twilio_numbers: Vec<String>,
    /// The one messaging service of the account, `MG` and 32 hexadecimal digits.
    pub twilio_messaging_service_sid: String,
    /// Whether the service has Advanced Opt-Out, which tells in `OptOutType` what a text was taken for.
    pub twilio_advanced_opt_out: bool,
    /// Where Postmark posts events. Empty: nowhere.
    pub postmark_webhook_url: String,
    /// The one server token that Postmark accepts, besides the one for tests.
    pub postmark_server_token: String,
    /// User and password with a colon between them, which go with every webhook of Postmark.
    pub postmark_webhook_credentials: String,
    /// Where FedEx posts what happens to the account's parcels. Empty: the account has no webhook.
    pub fedex_webhook_url: String,
    /// The one client that FedEx gives tokens to, and its secret.
    pub fedex_client_id: String,
    /// See [`Settings::fedex_client_id`].
    pub fedex_client_secret: String,
    /// The account that is billed, nine digits.
    pub fedex_account_number: String,
    /// Signs FedEx's webhooks.
    pub fedex_webhook_token: String,
    /// Where UPS posts the events of subscriptions that name no destination. Empty: nowhere.
    pub ups_webhook_url: String,
    /// The one client that UPS gives tokens to, and its secret.
    pub ups_client_id: String,
    /// See [`Settings::ups_client_id`].
    pub ups_client_secret: String,
    /// The account that is billed, six letters and digits.
    pub ups_account_number: String,
    /// The `credential` header of events that go to [`Settings::ups_webhook_url`].
    pub ups_webhook_credential: String,
    /// The shop's own token service, at which UPS asks for a token for those events. Empty: it sends the credential.
    pub ups_webhook_token_url: String,
    /// What UPS names itself there, and in `x-api-key`.
    pub ups_webhook_client_id: String,
    /// See [`Settings::ups_webhook_client_id`].
    pub ups_webhook_client_secret: String,
    /// The one user that DHL accepts, and the password.
    pub dhl_username: String,
    /// See [`Settings::dhl_username`].
    pub dhl_password: String,
    /// The account that is billed, nine digits.
    pub dhl_account_number: String,
    /// How long after a failed webhook the first retry follows, in milliseconds. Each further gap is twice as long.
    pub first_retry_ms: i64,
}

impl Default for Settings {
    /// Test accounts whose webhooks go to `https://shop.example/`; the first retry comes after a minute.
    fn default() -> Self {
        Self {
            seed: 1,
            stripe_webhook_url: "https://shop.example/webhooks/stripe".to_owned(),
            sendgrid_webhook_url: "https://shop.example/webhooks/sendgrid".to_owned(),
            stripe_api_key: "sk_test_sandbox".to_owned(),
            stripe_webhook_secret: "whsec_sandbox".to_owned(),
            stripe_event_types: crate::stripe::EVENT_TYPES.map(str::to_owned).to_vec(),
            stripe_endpoint_version: crate::stripe::API_VERSION.to_owned(),
            stripe_settlement_currency: "eur".to_owned(),
            stripe_admin_api_key: "rk_test_sandbox_admin".to_owned(),
            sendgrid_admin_api_key: "SG.sandbox-admin".to_owned(),
            sendgrid_api_key: "SG.sandbox".to_owned(),
            sendgrid_marketing_api_key: "SG.sandbox-marketing".to_owned(),
            twilio_webhook_url: "https://shop.example/webhooks/twilio".to_owned(),
            twilio_account_sid: "AC00000000000000000000000000000001".to_owned(),
            twilio_auth_tokens: vec!["twilio-sandbox-token".to_owned()],
            twilio_api_key_sid: "SK00000000000000000000000000000001".to_owned(),
            twilio_api_key_secret: "twilio-sandbox-api-key".to_owned(),
            twilio_numbers: vec!["+15005550006".to_owned()],
            twilio_messaging_service_sid: "MG00000000000000000000000000000001".to_owned(),
            twilio_advanced_opt_out: false,
            postmark_webhook_url: "https://shop.example/webhooks/postmark".to_owned(),
            postmark_server_token: "postmark-sandbox".to_owned(),
            postmark_webhook_credentials: "postmark:sandbox-password".to_owned(),
            fedex_webhook_url: "https://shop.example/webhooks/fedex".to_owned(),
            fedex_client_id: "fedex-sandbox".to_owned(),
            fedex_client_secret: "fedex-sandbox-secret".to_owned(),
            fedex_account_number: "740561073".to_owned(),
            fedex_webhook_token: "fedex-sandbox-token".to_owned(),
            ups_webhook_url: "https://shop.example/webhooks/ups".to_owned(),
            ups_client_id: "ups-sandbox".to_owned(),
            ups_client_secret: "ups-sandbox-secret".to_owned(),
            ups_account_number: "A1B2C3".to_owned(),
            ups_webhook_credential: "ups-sandbox-credential".to_owned(),
            ups_webhook_token_url: String::new(),
            ups_webhook_client_id: "ups-at-the-shop".to_owned(),
            ups_webhook_client_secret: "ups-at-the-shop-secret".to_owned(),
            dhl_username: "dhl-sandbox".to_owned(),
            dhl_password: "dhl-sandbox-password".to_owned(),
            dhl_account_number: "123456789".to_owned(),
            first_retry_ms: 60_000,
        }
    }
}
