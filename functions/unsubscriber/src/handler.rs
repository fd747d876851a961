//! unsubscriber: where the links to unsubscribe lead. A mail program posts there by itself (RFC 8058); a person sees a
//! page with a button, because programs that look at every link in a mail must not unsubscribe anybody.

use crossdock::domain::consent::ConsentChange;
use crossdock::effects::WorkList;
use crossdock::effects::contact::{AppKeys, linked};
use crossdock::error::Result;
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;

/// What a person sees before they unsubscribe. The form posts to the page's own address.
const ASK: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
<title>Unsubscribe</title><body style='font:1.1em sans-serif;max-width:30em;margin:4em auto;padding:0 1em'>\
<p>You will get no more offers at this address. Messages about your orders still come.</p>\
<form method=post><button style='font:inherit;padding:.5em 1em'>Unsubscribe</button></form>";
/// What they see afterwards.
const DONE: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
<title>Unsubscribed</title><body style='font:1.1em sans-serif;max-width:30em;margin:4em auto;padding:0 1em'>\
<p>Done. You will get no more offers at this address.</p>";

/// The links' target.
pub struct Unsubscriber {
    list: WorkList,
    app_keys: Keyring<AppKeys>,
}

impl Unsubscriber {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { list: system.work_list()?, app_keys: system.app_keys()? })
    }

    /// What is worth doing before the first request.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.app_keys.get().map(drop).boxed(), self.list.warm().boxed()]
    }
}

impl HttpFunction for Unsubscriber {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let ["unsubscribe", link] = request.segments.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
            return Err(no_such_route());
        };
        let id = linked(&self.app_keys.get().await?, link)?;
        match request.method {
            // Programs that look whether a link is good ask so.
            Method::GET | Method::HEAD => Ok(Answer::page(200, ASK)),
            Method::POST => {
                let change = (ConsentChange::OptedOut, request.received_at);
                // The same link twice is the same wish, but a later one is newer than an opt-in in between.
                let proof = format!("unsubscribe link/{}", request.request_id);
                self.list.change_consent(&id, None, change, &proof, (&request.correlation, None)).await?;
                Ok(Answer::page(200, DONE))
            }
            _ => Err(no_such_route()),
        }
    }
}
