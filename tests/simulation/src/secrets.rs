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
    /// Versions by name, oldest first.
    secrets: Mutex<BTreeMap<String, Vec<Version>>>,
}

#[derive(Debug)]
struct Version {
    number: usize,
    text: String,
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

impl Secrets {
    pub(crate) fn new(clock: SimClock) -> Self {
        Self { clock, secrets: Mutex::default() }
    }

    /// Makes `value` the current version of the secret `name`; the one before becomes AWSPREVIOUS. This is creation and
    /// rotation alike.
    pub fn put(&self, name: &str, value: &Value) {
        let mut secrets = self.secrets.lock().unwrap();
        let versions = secrets.entry(name.to_owned()).or_default();
        let number = versions.len() + 1;
        versions.push(Version { number, text: value.to_string(), created_ms: self.clock.now_ms() });
    }

    /// The current version of a secret that exists.
    pub fn current(&self, name: &str) -> Value {
        let secrets = self.secrets.lock().unwrap();
        let newest = secrets.get(name).and_then(|versions| versions.last()).expect("the secret exists");
        serde_json::from_str(&newest.text).expect("a secret is JSON")
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
            _ => panic!("Secrets Manager is modelled without {operation}"),
        }
    }

    /// Everything but the value. (docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html)
    fn describe(&self, request: &GetSecretValue) -> Answer {
        match self.find(&request.secret_id, None, "AWSCURRENT") {
            Some(found) => Answer::ok(&json!({ "ARN": found["ARN"], "Name": found["Name"] })),
            None => Answer::error(
                400,
                &format!("com.amazonaws.secretsmanager#{NOT_FOUND}"),
                "Secrets Manager can't find the specified secret.",
            ),
        }
    }

    fn get(&self, request: &GetSecretValue) -> Answer {
        let stage = request.version_stage.as_deref().unwrap_or("AWSCURRENT");
        match self.find(&request.secret_id, request.version_id.as_deref(), stage) {
            Some(found) => Answer::ok(&found),
            None => Answer::error(
                400,
                &format!("com.amazonaws.secretsmanager#{NOT_FOUND}"),
                "Secrets Manager can't find the specified secret.",
            ),
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

    fn find(&self, id: &str, version_id: Option<&str>, stage: &str) -> Option<Value> {
        let secrets = self.secrets.lock().unwrap();
        let (name, versions) = secrets.iter().find(|(name, _)| *name == id || arn(name) == id)?;
        let version = versions.iter().find(|version| match version_id {
            Some(wanted) => version.id() == wanted,
            None => version.stage(versions.len()) == Some(stage),
        })?;
        let stages: Vec<&str> = version.stage(versions.len()).into_iter().collect();
        let created_s = version.created_ms / 1000;
        Some(json!({
            "ARN": arn(name),
            "Name": name,
            "VersionId": version.id(),
            "SecretString": version.text,
            "VersionStages": stages,
            "CreatedDate": created_s,
        }))
    }
}

impl Version {
    fn id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.number)
    }

    /// The label of this version among `newest` ones.
    fn stage(&self, newest: usize) -> Option<&'static str> {
        match newest - self.number {
            0 => Some("AWSCURRENT"),
            1 => Some("AWSPREVIOUS"),
            _ => None,
        }
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:secretsmanager:sim-region-1:000000000000:secret:{name}-abcdef")
}
