//! Whether a vendor takes a key: one call that reads, or gets a token, and changes nothing.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Builder;
use http::{Method, Request};
use serde_json::{Map, Value};

use super::{ByHand, field};
use crate::stack::Stack;

const CALL_TIME: Duration = Duration::from_secs(15);
const FORM: &str = "application/x-www-form-urlencoded";

/// # Errors
/// When the vendor refuses the key, or cannot be asked: nothing was put then.
pub(super) async fn works(stack: &Stack, vendor: ByHand, secret: &Map<String, Value>) -> Result<()> {
    let (parameter, otherwise) = match vendor {
        ByHand::Stripe => ("StripeApiBase", crossdock::vendors::stripe::API_BASE),
        ByHand::Twilio => ("TwilioApiBase", crossdock::vendors::twilio::API_BASE),
        ByHand::Fedex => ("FedexApiBase", crossdock::vendors::fedex::API_BASE),
        ByHand::Ups => ("UpsApiBase", crossdock::vendors::ups::API_BASE),
        ByHand::Dhl => ("DhlApiBase", crossdock::vendors::dhl::API_BASE),
        ByHand::Postmark => ("PostmarkApiBase", crossdock::vendors::postmark::API_BASE),
    };
    let base = stack.parameter(parameter).unwrap_or(otherwise).trim_end_matches('/').to_owned();
    let (request, body) = question(vendor, &base, secret);
    let request = request.body(body.into()).context("the key's text is no header value")?;
    let answer = stack.world().http.send(request, CALL_TIME).await;
    let answer =
        answer.map_err(|error| anyhow::anyhow!("the vendor cannot be asked now, nothing was done: {error}"))?;
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        status @ (400 | 401 | 403) => bail!("the vendor refuses the key ({status}); nothing was done"),
        status => bail!("the vendor answered {status}: it cannot be said whether it takes the key; nothing was done"),
    }
}

/// The call, by the vendor's own way to show a key.
fn question(vendor: ByHand, base: &str, secret: &Map<String, Value>) -> (Builder, String) {
    let text = |path: &str| field(secret, path).expose().clone();
    let basic = |user: &str, password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let get = |path: &str| Request::builder().method(Method::GET).uri(format!("{base}{path}"));
    match vendor {
        ByHand::Stripe => {
            let bearer = format!("Bearer {}", text("api_key"));
            (get("/v1/payment_intents?limit=1").header(AUTHORIZATION, bearer), String::new())
        }
        ByHand::Twilio => {
            // A standard key may not read the account itself.
            let path = format!("/2010-04-01/Accounts/{}/Messages.json?PageSize=1", text("account_sid"));
            let credential = basic(&text("api_key.sid"), &text("api_key.secret"));
            (get(&path).header(AUTHORIZATION, credential), String::new())
        }
        ByHand::Postmark => (get("/server").header("x-postmark-server-token", text("server_token")), String::new()),
        ByHand::Dhl => {
            let path =
                "/address-validate?type=pickup&countryCode=DE&postalCode=53113&cityName=Bonn&strictValidation=false";
            (get(path).header(AUTHORIZATION, basic(&text("username"), &text("password"))), String::new())
        }
        ByHand::Fedex => {
            let form = form_urlencoded::Serializer::new(String::new())
                .append_pair("grant_type", "client_credentials")
                .append_pair("client_id", &text("client_id"))
                .append_pair("client_secret", &text("client_secret"))
                .finish();
            (Request::post(format!("{base}/oauth/token")).header(CONTENT_TYPE, FORM), form)
        }
        ByHand::Ups => {
            let credential = basic(&text("client_id"), &text("client_secret"));
            let post = Request::post(format!("{base}/security/v1/oauth/token")).header(CONTENT_TYPE, FORM);
            (post.header(AUTHORIZATION, credential), "grant_type=client_credentials".to_owned())
        }
    }
}
