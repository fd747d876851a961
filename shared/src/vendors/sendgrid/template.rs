//! Templates that are kept at SendGrid, made of the wordings here. (GET and POST /v3/templates, POST
//! /v3/templates/{id}/versions.) They are found again by name, so putting them there twice, or once more after it was
//! interrupted, leaves one of each. A wording that is there already is left alone, whatever somebody made of it since.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Keys, get_request, json_request};
use crate::domain::message::{MailText, Wording};
use crate::domain::{Correlation, StackId, id};
use crate::effects::WorkList;
use crate::effects::template::{ByName, Template};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Gateway, Keyring, Lane, OperationClass, Permit, Vendor, retry_after};

/// Templates of one page of the list: SendGrid's most.
const PAGE_SIZE: usize = 200;
/// Pages read at most: an account has 300 templates of a generation.
const PAGES_MAX: usize = 10;
/// Time for one call.
const CALL_TIME: Duration = Duration::from_secs(10);

/// The account's templates.
#[derive(Clone)]
pub struct Library {
    gateway: Gateway,
    base: String,
    keys: Keyring<Keys>,
    stack: StackId,
}

/// What became of one wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The wording's name.
    pub name: &'static str,
    /// Whether SendGrid had no template of it.
    pub is_new: bool,
    /// Whether this wording was put there.
    pub is_changed: bool,
}

#[derive(Deserialize)]
struct Page {
    result: Vec<Listed>,
    #[serde(default, rename = "_metadata")]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    next: Option<String>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    name: String,
}

impl Library {
    /// The templates of the account at this base URL that are this stack's.
    pub const fn new(gateway: Gateway, base: String, keys: Keyring<Keys>, stack: StackId) -> Self {
        Self { gateway, base, keys, stack }
    }

    /// Puts every wording there that is not, and writes down which template has which.
    ///
    /// # Errors
    /// `vendor_unavailable` when SendGrid did not answer as it should; what is there by then is found next time.
    pub async fn push(&self, list: &WorkList) -> Result<Vec<Pushed>> {
        let world = self.gateway.world();
        let correlation = Correlation::generate(world.now(), world.rng.next());
        let there = self.listed(&correlation).await?;
        let (mut templates, mut pushed) = (ByName::new(), Vec::new());
        for wording in Wording::ALL {
            let name = self.name_of(&wording);
            let version = wording.version();
            let found = there.iter().filter(|listed| listed.name == name).min_by(|a, b| a.id.cmp(&b.id));
            let is_new = found.is_none();
            let template_id = match found {
                Some(listed) => listed.id.clone(),
                None => self.create(&name, &correlation).await?,
            };
            let is_changed = !found.is_some_and(|listed| listed.versions.iter().any(|other| other.name == version));
            if is_changed {
                self.add_version(&template_id, &version, &wording, &correlation).await?;
            }
            templates.insert(wording.name.to_owned(), Template { id: template_id, version });
            pushed.push(Pushed { name: wording.name, is_new, is_changed });
        }
        list.keep_templates(templates).await?;
        Ok(pushed)
    }

    /// One account may serve several stacks.
    fn name_of(&self, wording: &Wording) -> String {
        format!("crossdock {} {}", id::digest(&[self.stack.as_str()]), wording.name)
    }

    async fn listed(&self, correlation: &Correlation) -> Result<Vec<Listed>> {
        let (mut all, mut from) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let path = format!("/v3/templates?generations=dynamic&page_size={PAGE_SIZE}{from}");
            let page: Page = parsed(&self.ask("list_templates", &path, None, correlation).await?)?;
            all.extend(page.result);
            let next = page.metadata.next.as_deref().and_then(|url| url.split_once('?'));
            let token = next.and_then(|(_, query)| {
                form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "page_token").map(|(_, token)| token)
            });
            let Some(token) = token else { return Ok(all) };
            let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
            from = format!("&page_token={token}");
        }
        Err(Error::transient("vendor_unavailable", "SendGrid's list of templates has no end"))
    }

    async fn create(&self, name: &str, correlation: &Correlation) -> Result<String> {
        let body = json!({ "name": name, "generation": "dynamic" });
        let listed: Listed = parsed(&self.ask("create_template", "/v3/templates", Some(&body), correlation).await?)?;
        Ok(listed.id)
    }

    async fn add_version(&self, id: &str, version: &str, wording: &Wording, correlation: &Correlation) -> Result<()> {
        let MailText { subject, plain, html } = wording.template();
        let body = json!({
            "name": version,
            "subject": subject,
            "plain_content": plain,
            "html_content": html,
            "generate_plain_content": false,
            "active": 1,
        });
        let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
        self.ask("create_version", &format!("/v3/templates/{id}/versions"), Some(&body), correlation).await.map(drop)
    }

    async fn ask(
        &self,
        operation: &'static str,
        path: &str,
        body: Option<&Value>,
        correlation: &Correlation,
    ) -> Result<Bytes> {
        let permit = Permit::until(self.gateway.world().now().plus(CALL_TIME), Lane::Background);
        let class = if body.is_some() { OperationClass::Effect } else { OperationClass::Read };
        let call = Call { vendor: Vendor::SendGrid, operation, class, permit: &permit, attempt: 0, correlation };
        let url = format!("{}{path}", self.base);
        let build = |keys: &Keys| match body {
            Some(body) => json_request(&keys.transactional_api_key, &url, body.to_string().into()),
            None => get_request(&keys.transactional_api_key, &url),
        };
        let reply = self.gateway.call(&call, &self.keys, &build, classify).await;
        match (reply.class, reply.response) {
            (Class::Done, Some(response)) => Ok(response.into_body()),
            (Class::Credentials, _) => {
                Err(Error::misconfigured("wrong_key", "the key may not read or write templates"))
            }
            _ => Err(Error::transient("vendor_unavailable", format!("SendGrid did not do {operation}; ask again"))),
        }
    }
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T> {
    let unreadable = |e: serde_json::Error| Error::transient("vendor_unavailable", format!("column {}", e.column()));
    serde_json::from_slice(body).map_err(unreadable)
}

fn classify(status: StatusCode, headers: &HeaderMap, _body: &[u8]) -> Class {
    match status.as_u16() {
        200 | 201 => Class::Done,
        400 | 404 | 405 | 413 => Class::Refused,
        401 | 403 => Class::Credentials,
        429 => Class::Throttled { after: retry_after(headers) },
        503 => Class::Transient,
        _ => Class::Unknown,
    }
}
