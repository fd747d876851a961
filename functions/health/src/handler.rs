//! health: says that the API is up, and which version of it.

use crossdock::error::Result;
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction};
use serde_json::json;

/// `GET /health`.
pub struct Health {
    stage: String,
}

impl Health {
    /// Takes the stage from the environment.
    pub fn new(system: &System) -> Result<Self> {
        Ok(Self { stage: system.env().required("STAGE")? })
    }
}

impl HttpFunction for Health {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, _: ApiRequest) -> Result<Answer> {
        Ok(Answer::new(200, json!({ "status": "ok", "stage": self.stage, "version": env!("CARGO_PKG_VERSION") })))
    }
}
