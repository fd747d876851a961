//! Slack's incoming webhook. (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks)

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use serde_json::Value;

use crate::domain::Private;
use crate::error::{Error, Result};
use crate::world::{HttpRequest, HttpResponse, World};

/// How long we wait for an answer. Slack takes a message in well under a second.
const TIMEOUT: Duration = Duration::from_secs(8);
/// How long we wait in all because Slack says "later" (429 with Retry-After): the function has a minute, and what must wait for longer
/// waits in its queue. (docs.slack.dev/apis/web-api/rate-limits: one message a second, and Retry-After in seconds)
const WAIT_MAX: Duration = Duration::from_secs(20);
/// After this no message is sent again: with the last answer, and Better Stack beside it, the function's minute is enough.
const POSTING_MAX: Duration = Duration::from_secs(30);
/// What we wait where a 429 does not say for how long.
const WAIT_DEFAULT: Duration = Duration::from_secs(1);

/// Posts a message.
///
/// # Errors
/// `alert_not_posted` (transient), whatever Slack says: each of its answers can be put right without our message (a webhook that was
/// removed, a channel in the archive), and then the message should come. The context has the status and Slack's word, never the URL.
pub(super) async fn post(world: &World, url: &Private<String>, message: &Value) -> Result<()> {
    let mut left = WAIT_MAX;
    let until = world.now().plus(POSTING_MAX);
    loop {
        let answer = send(world, url, message, TIMEOUT, "Slack").await?;
        if answer.status().is_success() {
            return Ok(());
        }
        let wait = retry_after(&answer);
        if answer.status() != StatusCode::TOO_MANY_REQUESTS || wait > left || world.now().plus(wait) > until {
            return Err(refused("Slack", &answer));
        }
        left -= wait;
        world.clock.sleep(wait).await;
    }
}

/// Sends one JSON document. An error names the receiver, never its URL, which is a secret.
pub(super) async fn send(
    world: &World,
    url: &Private<String>,
    document: &Value,
    timeout: Duration,
    receiver: &'static str,
) -> Result<HttpResponse> {
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(url.expose().as_str())
        .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
        .body(Bytes::from(document.to_string()));
    let unusable = || Error::misconfigured("alert_url_unusable", format!("{receiver}: the URL in the secret is none"));
    let request: HttpRequest = request.map_err(|_| unusable())?;
    if !matches!(request.uri().scheme_str(), Some("https" | "http")) {
        return Err(unusable());
    }
    let answer = world.http.send(request, timeout).await;
    answer.map_err(|error| Error::transient("alert_not_posted", format!("{receiver}: {error}")))
}

/// What an answer that is no success means. The receiver's word is cut: what it says is not ours.
pub(super) fn refused(receiver: &str, answer: &HttpResponse) -> Error {
    let word: String = String::from_utf8_lossy(answer.body())
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { ' ' })
        .collect();
    Error::transient("alert_not_posted", format!("{receiver}: {} {}", answer.status().as_u16(), word.trim()))
}

fn retry_after(answer: &HttpResponse) -> Duration {
    let text = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    text.and_then(|text| text.trim().parse().ok()).map_or(WAIT_DEFAULT, Duration::from_secs).max(WAIT_DEFAULT)
}
