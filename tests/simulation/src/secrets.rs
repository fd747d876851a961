//! A model of Secrets Manager: named secrets with versions.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::SimClock;
use crate::answer::Answer;

/// Error shape of a secret or version that does not exist.
const NOT_FOUND: &str = "ResourceNotFoundException";

/// The secrets of the account.
#[derive(Debug)]
pub struct Secrets {
    clock: SimClock,
    secrets: Mutex<BTreeMap<String, Secret>>,
}

/// A secret with its versions, oldest first, and which of them has which label.
#[derive(Debug, Default)]
struct Secret {
    versions: Vec<Version>,
    current: Option<String>,
    previous: Option<String>,
    pending: Option<String>,
    changed_ms: i64,
}

#[derive(Debug)]
struct Version {
    id: String,
    /// None while a rotation has only named it.
    text: Option<String>,
    created_ms: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGetSecretValue {
    secret_id_list: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutSecretValue {
    secret_id: String,
    client_request_token: String,
    secret_string: String,
    version_stages: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateSecretVersionStage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

impl Secret {
    fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    fn label(&mut self, stage: &str) -> Option<&mut Option<String>> {
        match stage {
            "AWSCURRENT" => Some(&mut self.current),
            "AWSPREVIOUS" => Some(&mut self.previous),
            "AWSPENDING" => Some(&mut self.pending),
            _ => None,
        }
    }

    fn stages(&self, id: &str) -> Vec<&'static str> {
        let labels = [("AWSCURRENT", &self.current), ("AWSPREVIOUS", &self.previous), ("AWSPENDING", &self.pending)];
        labels.into_iter().filter(|(_, on)| on.as_deref() == Some(id)).map(|(label, _)| label).collect()
    }

    /// "If this operation moves AWSCURRENT, the version that it is removed from gets AWSPREVIOUS."
    /// (docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html)
    fn make_current(&mut self, id: &str) {
        if self.current.as_deref() != Some(id) {
            self.previous = self.current.replace(id.to_owned());
        }
    }
}

impl Secrets {
    pub(crate) fn new(clock: SimClock) -> Self {
        Self { clock, secrets: Mutex::default() }
    }

    /// Makes `value` the current version of the secret `name`; the one before becomes AWSPREVIOUS. This is creation and
    /// an operator's put alike.
    pub fn put(&self, name: &str, value: &Value) {
        let now_ms = self.clock.now_ms();
        let mut secrets = self.secrets.lock().unwrap();
        let secret = secrets.entry(name.to_owned()).or_default();
        let id = format!("00000000-0000-4000-8000-{:012}", secret.versions.len() + 1);
        secret.versions.push(Version { id: id.clone(), text: Some(value.to_string()), created_ms: now_ms });
        secret.make_current(&id);
        secret.changed_ms = now_ms;
    }

    /// A rotation begins: the version of this id is pending, and has no value. One that is pending already goes on: "a
    /// previous rotation isn't complete. That rotation will be reattempted." Gives the id of the version that is.
    /// (docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot_rotation.html)
    pub fn begin_rotation(&self, name: &str, token: &str) -> String {
        let now_ms = self.clock.now_ms();
        let mut secrets = self.secrets.lock().unwrap();
        let secret = secrets.get_mut(name).expect("the secret exists");
        if let Some(pending) = secret.pending.clone().filter(|pending| secret.current.as_ref() != Some(pending)) {
            return pending;
        }
        secret.versions.push(Version { id: token.to_owned(), text: None, created_ms: now_ms });
        secret.pending = Some(token.to_owned());
        token.to_owned()
    }

    /// The current version of a secret that exists.
    pub fn current(&self, name: &str) -> Value {
        let secrets = self.secrets.lock().unwrap();
        let secret = secrets.get(name).expect("the secret exists");
        let current = secret.current.as_deref().and_then(|id| secret.version(id)).expect("it has a current version");
        serde_json::from_str(current.text.as_deref().expect("it has a value")).expect("a secret is JSON")
    }

    /// The id of the current version, and of the pending one.
    pub fn labels(&self, name: &str) -> (Option<String>, Option<String>) {
        let secrets = self.secrets.lock().unwrap();
        let secret = secrets.get(name).expect("the secret exists");
        (secret.current.clone(), secret.pending.clone())
    }

    /// Deletes a secret with all its versions.
    pub fn remove(&self, name: &str) {
        self.secrets.lock().unwrap().remove(name);
    }

    pub(crate) fn answer(&self, operation: &str, body: &[u8]) -> Answer {
        match operation {
            "GetSecretValue" => self.get(&serde_json::from_slice(body).expect("a GetSecretValue request")),
            "BatchGetSecretValue" => {
                self.batch_get(&serde_json::from_slice(body).expect("a BatchGetSecretValue request"))
            }
            "DescribeSecret" => self.describe(&serde_json::from_slice(body).expect("a DescribeSecret request")),
            "PutSecretValue" => self.put_value(serde_json::from_slice(body).expect("a PutSecretValue request")),
            "UpdateSecretVersionStage" => {
                self.update_stage(&serde_json::from_slice(body).expect("an UpdateSecretVersionStage request"))
            }
            _ => panic!("Secrets Manager is modelled without {operation}"),
        }
    }

    fn get(&self, request: &GetSecretValue) -> Answer {
        let stage = request.version_stage.as_deref().unwrap_or("AWSCURRENT");
        match self.find(&request.secret_id, request.version_id.as_deref(), stage) {
            Some(found) => Answer::ok(&found),
            None => refused(NOT_FOUND, "Secrets Manager can't find the specified secret."),
        }
    }

    fn batch_get(&self, request: &BatchGetSecretValue) -> Answer {
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for id in &request.secret_id_list {
            match self.find(id, None, "AWSCURRENT") {
                Some(found) => values.push(found),
                None => errors.push(json!({ "SecretId": id, "ErrorCode": NOT_FOUND, "Message": "no such secret" })),
            }
        }
        Answer::ok(&json!({ "SecretValues": values, "Errors": errors }))
    }

    /// Everything but the value. (docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html)
    fn describe(&self, request: &GetSecretValue) -> Answer {
        let secrets = self.secrets.lock().unwrap();
        let found = secrets.iter().find(|(name, _)| **name == request.secret_id || arn(name) == request.secret_id);
        let Some((name, secret)) = found else { return refused(NOT_FOUND, "no such secret") };
        let stages: BTreeMap<&str, Vec<&str>> = secret
            .versions
            .iter()
            .map(|version| (version.id.as_str(), secret.stages(&version.id)))
            .filter(|(_, stages)| !stages.is_empty())
            .collect();
        Answer::ok(&json!({
            "ARN": arn(name),
            "Name": name,
            "VersionIdsToStages": stages,
            "LastChangedDate": secret.changed_ms / 1000,
        }))
    }

    /// The same token again with the same value changes nothing, with another one it is refused.
    /// (docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html)
    fn put_value(&self, request: PutSecretValue) -> Answer {
        let now_ms = self.clock.now_ms();
        let mut secrets = self.secrets.lock().unwrap();
        let Some(secret) = secrets.get_mut(&request.secret_id) else { return refused(NOT_FOUND, "no such secret") };
        let token = request.client_request_token;
        match secret.versions.iter_mut().find(|version| version.id == token) {
            Some(Version { text: Some(text), .. }) if *text != request.secret_string => {
                return refused("ResourceExistsException", "You can't modify an existing version.");
            }
            Some(version) => version.text = Some(request.secret_string),
            None => {
                let text = Some(request.secret_string);
                secret.versions.push(Version { id: token.clone(), text, created_ms: now_ms });
            }
        }
        secret.changed_ms = now_ms;
        for stage in &request.version_stages {
            match stage.as_str() {
                "AWSCURRENT" => secret.make_current(&token),
                stage => *secret.label(stage).expect("a label that is modelled") = Some(token.clone()),
            }
        }
        Answer::ok(&json!({ "Name": request.secret_id, "VersionId": token, "VersionStages": request.version_stages }))
    }

    fn update_stage(&self, request: &UpdateSecretVersionStage) -> Answer {
        let mut secrets = self.secrets.lock().unwrap();
        let Some(secret) = secrets.get_mut(&request.secret_id) else { return refused(NOT_FOUND, "no such secret") };
        let now_ms = self.clock.now_ms();
        let label = secret.label(&request.version_stage).expect("a label that is modelled");
        // "If the label is attached and you either do not specify this parameter, or the version ID does not match, then the
        // operation fails."
        if label.is_some() && *label != request.remove_from_version_id {
            return refused("InvalidParameterException", "The label is on another version.");
        }
        match &request.move_to_version_id {
            Some(to) if request.version_stage == "AWSCURRENT" => {
                let to = to.clone();
                secret.make_current(&to);
                secret.changed_ms = now_ms;
            }
            to => label.clone_from(to),
        }
        Answer::ok(&json!({ "Name": request.secret_id }))
    }

    fn find(&self, id: &str, version_id: Option<&str>, stage: &str) -> Option<Value> {
        let secrets = self.secrets.lock().unwrap();
        let (name, secret) = secrets.iter().find(|(name, _)| *name == id || arn(name) == id)?;
        let version = secret.versions.iter().find(|version| match version_id {
            Some(wanted) => version.id == wanted,
            None => secret.stages(&version.id).contains(&stage),
        })?;
        Some(json!({
            "ARN": arn(name),
            "Name": name,
            "VersionId": version.id,
            "SecretString": version.text.as_ref()?,
            "VersionStages": secret.stages(&version.id),
            "CreatedDate": version.created_ms / 1000,
        }))
    }
}

fn refused(code: &str, message: &str) -> Answer {
    Answer::error(400, &format!("com.amazonaws.secretsmanager#{code}"), message)
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:sim-region-1:000000000000:secret:{name}-abcdef")
}
