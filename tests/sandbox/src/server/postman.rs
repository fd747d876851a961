//! Carries webhooks to their receivers.

use super::{Shared, now_ms};
use sandbox::Delivery;
use std::sync::Arc;
use std::time::Duration;

/// How long a receiver may take to answer: what SendGrid is said to allow.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the postman rests when nothing is on its way; whoever makes something calls.
const REST: Duration = Duration::from_mins(1);

/// The HTTP client. It trusts no certificate, so it speaks plain HTTP only: the receivers are on this machine.
pub(super) fn client() -> anyhow::Result<reqwest::Client> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).timeout(ANSWER_TIMEOUT).no_proxy();
    Ok(client.redirect(reqwest::redirect::Policy::none()).build()?)
}

/// Posts whatever is due, for ever. Deliveries go side by side: a slow receiver holds up its own webhook only.
pub(super) async fn carry(shared: Arc<Shared>, client: reqwest::Client) {
    loop {
        let now_ms = now_ms();
        let (due, next_ms) = {
            let mut sandbox = shared.sandbox();
            (sandbox.take_due(now_ms), sandbox.next_delivery_at())
        };
        for delivery in due {
            tokio::spawn(post(shared.clone(), client.clone(), delivery));
        }
        let rest = next_ms.map_or(REST, |at_ms| Duration::from_millis(u64::try_from(at_ms - now_ms).unwrap_or(0)));
        tokio::select! {
            () = shared.changed.notified() => {}
            () = tokio::time::sleep(rest) => {}
        }
    }
}

async fn post(shared: Arc<Shared>, client: reqwest::Client, delivery: Delivery) {
    let answer = match delivery.request.try_into() {
        Ok(request) => client.execute(request).await.ok(),
        Err(_) => None,
    };
    let status = answer.as_ref().map(|answer| answer.status().as_u16());
    let body = match answer {
        Some(answer) => answer.bytes().await.unwrap_or_default(),
        None => bytes::Bytes::new(),
    };
    shared.sandbox().answered(delivery.id, status, &body, now_ms());
    shared.changed.notify_one();
}
