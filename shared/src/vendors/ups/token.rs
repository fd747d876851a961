//! UPS's tokens (POST /security/v1/oauth/token), which last about four hours. Everything in the answer is text.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::Deserialize;

use super::Keys;
use crate::domain::Private;
use crate::error::{Error, Result};
use crate::gateway::TokenRule;
use crate::vendors::lenient;
use crate::world::HttpRequest;

/// How UPS gives tokens, at this base URL.
pub(super) fn rule(base: String) -> TokenRule<Keys> {
    TokenRule { base, request, read, secret: |keys| keys.client_secret.expose() }
}

fn request(keys: &Keys, base: &str) -> Result<HttpRequest> {
    let credential = STANDARD.encode(format!("{}:{}", keys.client_id, keys.client_secret.expose()));
    http::Request::post(format!("{base}/security/v1/oauth/token"))
        .header(AUTHORIZATION, format!("Basic {credential}"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials".into())
        .map_err(|e| Error::misconfigured("wrong_key", "the key is no header value").caused_by(e))
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: Private<String>,
    #[serde(default, deserialize_with = "lenient::text")]
    expires_in: Option<String>,
}

fn read(body: &[u8]) -> Option<(Private<String>, Duration)> {
    let answer: TokenResponse = serde_json::from_slice(body).ok()?;
    let seconds = answer.expires_in?.parse().ok()?;
    (!answer.access_token.expose().is_empty()).then_some((answer.access_token, Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_s_life_is_told_as_text() {
        let body = br#"{"token_type":"Bearer","issued_at":"1714557600000","access_token":"t","expires_in":"14399","status":"approved"}"#;
        assert_eq!(read(body), Some((Private::new("t".to_owned()), Duration::from_secs(14_399))));
        for none in ["{}", r#"{"access_token":"t"}"#, r#"{"access_token":"","expires_in":"1"}"#, "<html>"] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }
}
