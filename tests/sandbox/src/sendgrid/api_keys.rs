//! The API keys of the account: made, listed and deleted with a key that may do that. (github.com/twilio/sendgrid-oai:
//! tsg_api_keys_v3.json) A key's text is said once.

use super::checks::Complaint;
use super::mail::ApiKey;
use super::outcome::{Done, Refusal};
use super::{Route, State};
use serde_json::{Map, Value, json};

/// How many an account may have.
const KEYS_MAX: usize = 100;

/// A key that was made by the API.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// The second part of its text.
    pub id: String,
    /// The account's own name for it; more than one may have it.
    pub name: String,
    /// `SG.<id>.<secret>`
    pub text: String,
    /// What it may do. Without a list: everything.
    pub scopes: Option<Vec<String>>,
}

/// Who calls.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// One of the keys that the account has from the start, or one that was made.
    Key { sends: ApiKey, scopes: Option<Vec<String>> },
    /// The key that may make keys.
    Admin,
}

impl Caller {
    /// Whether it may make this request.
    pub(super) fn may(&self, route: Route<'_>) -> bool {
        match (self, route) {
            (_, Route::Scopes) => true,
            (Self::Admin, _) => matches!(route, Route::CreateKey | Route::ListKeys | Route::Key(_)),
            (Self::Key { .. }, Route::CreateKey | Route::ListKeys | Route::Key(_)) => false,
            (Self::Key { scopes, .. }, Route::MailSend) => {
                scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|scope| scope == "mail.send"))
            }
            (Self::Key { .. }, _) => true,
        }
    }

    pub(super) fn sends(&self) -> ApiKey {
        match self {
            Self::Key { sends, .. } => *sends,
            Self::Admin => ApiKey::Transactional,
        }
    }
}

/// The id in a key's text.
fn id(text: &str) -> &str {
    text.split('.').nth(1).unwrap_or_default()
}

impl State {
    /// The keys that were made by the API and not deleted, oldest first.
    pub fn made_keys(&self) -> &[MadeKey] {
        &self.made_keys
    }

    /// Whether a key is accepted, for a test that asks whether it is gone.
    pub fn takes_key(&self, text: &str) -> bool {
        self.caller(text).is_some()
    }

    pub(super) fn caller(&self, text: &str) -> Option<Caller> {
        if text == self.admin_api_key {
            return Some(Caller::Admin);
        }
        if let Some(made) = self.made_keys.iter().find(|key| key.text == text) {
            let is_marketing = made.name.contains("marketing");
            let sends = if is_marketing { ApiKey::Marketing } else { ApiKey::Transactional };
            return Some(Caller::Key { sends, scopes: made.scopes.clone() });
        }
        let first = [(&self.api_key, ApiKey::Transactional), (&self.marketing_api_key, ApiKey::Marketing)];
        let (_, sends) = first.into_iter().find(|(key, _)| *key == text && !self.revoked.contains(*key))?;
        Some(Caller::Key { sends, scopes: None })
    }

    pub(super) fn scopes_of(caller: &Caller) -> Done {
        let scopes = match caller {
            Caller::Admin => {
                vec!["api_keys.create".to_owned(), "api_keys.delete".to_owned(), "api_keys.read".to_owned()]
            }
            Caller::Key { scopes, .. } => scopes.clone().unwrap_or_else(|| vec!["mail.send".to_owned()]),
        };
        Done::with(200, json!({ "scopes": scopes }))
    }

    pub(super) fn create_key(&mut self, body: &Map<String, Value>) -> Result<Done, Refusal> {
        let Some(name) = body.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
            let complaint = Complaint::new("name".to_owned(), "missing required argument");
            return Err(Refusal { status: 400, complaints: vec![complaint] });
        };
        if self.made_keys.len() >= KEYS_MAX {
            return Err(Refusal::new(403, "Cannot create more than 100 API Keys"));
        }
        let scopes = body
            .get("scopes")
            .and_then(Value::as_array)
            .map(|scopes| scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>());
        let id = self.ids.next("api_key_id", 22);
        let text = format!("SG.{id}.{}", self.ids.next("api_key", 43));
        let made = MadeKey { id: id.clone(), name: name.to_owned(), text: text.clone(), scopes: scopes.clone() };
        self.made_keys.push(made);
        Ok(Done::with(201, json!({ "api_key": text, "api_key_id": id, "name": name, "scopes": scopes })))
    }

    pub(super) fn list_keys(&self) -> Done {
        let first = [("transactional", &self.api_key), ("marketing", &self.marketing_api_key)];
        let first = first.into_iter().filter(|(_, key)| !self.revoked.contains(*key));
        let first = first.map(|(name, key)| json!({ "name": name, "api_key_id": id(key) }));
        let made = self.made_keys.iter().map(|key| json!({ "name": key.name, "api_key_id": key.id }));
        Done::with(200, json!({ "result": first.chain(made).collect::<Vec<_>>() }))
    }

    pub(super) fn delete_key(&mut self, key_id: &str) -> Result<Done, Refusal> {
        let first = [self.api_key.clone(), self.marketing_api_key.clone()];
        if let Some(key) = first.into_iter().find(|key| id(key) == key_id && !self.revoked.contains(key)) {
            self.revoked.insert(key);
            return Ok(Done::empty(204));
        }
        let at = self.made_keys.iter().position(|key| key.id == key_id).ok_or_else(Refusal::not_found)?;
        self.made_keys.remove(at);
        Ok(Done::empty(204))
    }
}
