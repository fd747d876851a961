//! Floods of forged webhooks and links. Whatever comes to a public URL unsigned costs no request to the table or to a queue, and
//! no secret beyond the cached one, which is read again at most every 30 seconds.

use crossdock::telemetry::captured::written;
use crossdock::telemetry::metrics::Metric;
use lambda_http::Body;
use serde_json::json;
use simulation::universe::{Function, Universe};

use crate::logs::Log;

/// Every door that strangers can knock at, and where.
const DOORS: [(Function, &str); 8] = [
    (Function::StripeWebhook, "/"),
    (Function::SendGridWebhook, "/"),
    (Function::TwilioWebhook, "/"),
    (Function::PostmarkWebhook, "/"),
    (Function::FedexWebhook, "/"),
    (Function::UpsWebhook, "/"),
    (Function::UpsWebhook, "/oauth/token"),
    (Function::Unsubscriber, "/unsubscribe/con_00000000000000000000000000.Zm9yZ2Vk"),
];
/// How many knock.
const KNOCKS: u32 = 200;
/// Between two of them.
const EVERY_MS: u64 = 600;
/// How long they knock, divided by how often the secret may be read again, and the first time.
const READS_MAX: u64 = KNOCKS as u64 * EVERY_MS / 30_000 + 2;

fn forged(path: &str, body: &str) -> http::Request<Body> {
    let request = http::Request::post(format!("https://webhook.sim{path}"))
        .header("stripe-signature", "t=1714265330,v1=00")
        .header("x-twilio-signature", "Zm9yZ2Vk")
        .header("x-twilio-email-event-webhook-signature", "Zm9yZ2Vk")
        .header("x-twilio-email-event-webhook-timestamp", "1714265330")
        .header("fdx-signature", "Zm9yZ2Vk")
        .header("credential", "forged-credential-of-a-stranger")
        .header("authorization", "Basic Zm9yZ2VkOmZvcmdlZC1mb3JnZWQtZm9yZ2Vk");
    request.body(Body::from(body)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_flood_at_any_door_costs_no_request_but_the_secret_now_and_then() {
    for (door, path) in DOORS {
        let mut universe = Universe::new(1);
        universe.keeps_instances = true;
        let items = universe.aws().table().items().len();
        let (refused, tokens) = (written(Metric::WebhooksRefused), written(Metric::TokenRequestsRefused));
        for _ in 0..KNOCKS {
            let answer = universe.call_raw(door, forged(path, r#"{"id":"evt_forged"}"#), path).await;
            assert!((400..500).contains(&answer.status()), "{door:?} {path}: {answer:?}");
            universe.sleep_ms(EVERY_MS).await;
        }
        let waves: Vec<&String> = universe.invocations.iter().flat_map(|one| one.waves.iter().flatten()).collect();
        assert!(waves.iter().all(|request| request.contains("GetSecretValue")), "{door:?} {path}: {waves:?}");
        assert!(waves.len() as u64 <= READS_MAX, "{door:?} {path}: {} requests", waves.len());
        assert_eq!(universe.aws().table().items().len(), items);
        assert!(universe.aws().sqs().messages("inbound-events").is_empty());
        let told = (written(Metric::WebhooksRefused) - refused, written(Metric::TokenRequestsRefused) - tokens);
        let expected = match (door, path) {
            (Function::Unsubscriber, _) => (0, 0),
            (_, "/oauth/token") => (0, u64::from(KNOCKS)),
            _ => (u64::from(KNOCKS), 0),
        };
        assert_eq!(told, expected, "{door:?} {path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_webhook_password_that_can_be_guessed_lets_nobody_in_and_the_log_says_what_to_do() {
    for (door, secret, key, credential) in [
        (Function::PostmarkWebhook, "postmark-webhook", "webhook_credentials", "a-name-that-is-long:brief"),
        (Function::UpsWebhook, "ups-webhook", "webhook_credentials", "a-name-that-is-long:brief"),
        (Function::FedexWebhook, "fedex-webhook", "webhook_tokens", "brief-token"),
    ] {
        let (log, guard) = Log::listen();
        let mut universe = Universe::new(1);
        universe.aws().secrets().put(secret, &json!({ key: [{ "secret": credential }] }));
        // With the very password.
        let basic = format!("Basic {}", crate::signing::base64(credential.as_bytes()));
        let request = http::Request::post("https://webhook.sim/")
            .header("authorization", &basic)
            .header("credential", credential);
        let answer = universe.call_raw(door, request.body(Body::from("{}")).unwrap(), "/").await;
        assert_eq!((answer.status(), &answer.body()["code"]), (500, &json!("misconfigured")), "{door:?}");
        assert!(!answer.body().to_string().contains("16 characters"), "what is wrong is nobody's business outside");
        drop(guard);
        let lines = log.lines();
        let said = |line: &&String| {
            line.contains("webhook_password_too_short") && line.contains("openssl rand") && line.contains(secret)
        };
        assert!(lines.iter().find(said).is_some(), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains(credential)));
        assert!(universe.aws().sqs().messages("inbound-events").is_empty());
    }
}
