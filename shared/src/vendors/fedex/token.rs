//! FedEx's tokens: the credentials go in the form, not in Basic, and the life is a number of seconds. (POST /oauth/token.)

use std::time::Duration;

use form_urlencoded::Serializer;
use http::Method;
use http::header::CONTENT_TYPE;
use serde::Deserialize;

use super::Keys;
use crate::domain::Private;
use crate::error::{Error, Result};
use crate::gateway::TokenRule;
use crate::world::HttpRequest;

/// The longest life that we take FedEx's word for: its tokens live an hour.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3_600);

pub(super) fn rule(base: String) -> TokenRule<Keys> {
    TokenRule { base, request, read, secret: |keys| keys.client_secret.expose() }
}

fn request(keys: &Keys, base: &str) -> Result<HttpRequest> {
    let form = Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("client_id", &keys.client_id)
        .append_pair("client_secret", keys.client_secret.expose())
        .finish();
    http::Request::builder()
        .method(Method::POST)
        .uri(format!("{base}/oauth/token"))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.into_bytes().into())
        .map_err(|_| Error::misconfigured("wrong_key", "the base URL is none"))
}

fn read(body: &[u8]) -> Option<(Private<String>, Duration)> {
    #[derive(Deserialize)]
    struct Given {
        access_token: Private<String>,
        expires_in: u64,
    }
    let given: Given = serde_json::from_slice(body).ok()?;
    let life = Duration::from_secs(given.expires_in).min(LIFE_MAX);
    (!given.access_token.expose().is_empty() && !life.is_zero()).then_some((given.access_token, life))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_and_its_life_are_read_and_anything_else_is_none() {
        let read = |json: &str| read(json.as_bytes()).map(|(token, life)| (token.expose().clone(), life.as_secs()));
        let given = r#"{"access_token":"eyJ","token_type":"bearer","expires_in":3600,"scope":"CXS"}"#;
        assert_eq!(read(given), Some(("eyJ".to_owned(), 3_600)));
        for none in
            ["", "{}", "<html>", r#"{"access_token":"","expires_in":3600}"#, r#"{"access_token":"a","expires_in":0}"#]
        {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn the_credentials_go_in_the_form() {
        let secret = "s&=+".to_owned();
        let keys = Keys { client_id: "l7x".to_owned(), client_secret: secret.into(), account_number: String::new() };
        let request = request(&keys, "https://x.example").expect("a request");
        assert_eq!(request.uri(), "https://x.example/oauth/token");
        assert_eq!(&request.body()[..], b"grant_type=client_credentials&client_id=l7x&client_secret=s%26%3D%2B");
        assert!(!request.headers().contains_key("authorization"));
    }
}
