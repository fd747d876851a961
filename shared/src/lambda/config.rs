//! The environment, read once. The only file that reads it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::aws;
use crate::domain::Private;
use crate::error::{Error, Result};

/// The environment's variables as they were at start.
#[derive(Clone)]
pub struct Env(Arc<HashMap<String, String>>);

impl Env {
    /// The process's own environment.
    #[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
    pub fn of_process() -> Self {
        Self(Arc::new(std::env::vars().collect()))
    }

    /// Given variables, for tests.
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(Arc::new(variables.into_iter().collect()))
    }

    /// The same with these variables added or replaced, for programs that find more settings by themselves.
    #[must_use]
    pub fn with(&self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::of(self.0.iter().map(|(name, value)| (name.clone(), value.clone())).chain(variables))
    }

    /// A variable that may be missing; an empty one counts as missing.
    pub fn optional(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// A variable that must be there.
    ///
    /// # Errors
    /// `configuration` (misconfigured) with its name, which stops the init.
    pub fn required(&self, name: &str) -> Result<String> {
        self.optional(name).ok_or_else(|| Error::misconfigured("configuration", format!("variable {name} is missing")))
    }

    /// A time in whole seconds that only tests may change; `meant` if the variable is missing.
    ///
    /// # Errors
    /// `configuration` when it is no number and, in production, when it is another than `meant`.
    pub fn seconds_for_tests(&self, name: &str, meant: Duration) -> Result<Duration> {
        let wrong = |why: &str| Error::misconfigured("configuration", format!("variable {name} {why}"));
        let Some(text) = self.optional(name) else { return Ok(meant) };
        let wanted = text.parse().map(Duration::from_secs).map_err(|_| wrong("is no number of seconds"))?;
        if wanted != meant && self.is_production()? {
            return Err(wrong(&format!("must be {} in production: other values are for tests", meant.as_secs())));
        }
        Ok(wanted)
    }

    /// Whether this is the stage `production`, where real money moves.
    pub fn is_production(&self) -> Result<bool> {
        Ok(self.required("STAGE")? == "production")
    }

    /// A vendor's base URL, without a slash at its end.
    ///
    /// # Errors
    /// `configuration` when it is no http(s) URL or, in production, not https.
    pub fn vendor_base(&self, name: &str) -> Result<String> {
        let url = self.required(name)?;
        let wrong = |why: &str| Error::misconfigured("configuration", format!("variable {name} {why}"));
        let parsed: http::Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
        match parsed.scheme_str() {
            Some("https") => {}
            Some("http") if !self.is_production()? => {}
            _ => return Err(wrong("must be an https URL")),
        }
        Ok(url.trim_end_matches('/').to_owned())
    }

    /// How AWS is reached.
    pub fn aws(&self) -> Result<aws::Settings> {
        Ok(aws::Settings {
            region: self.required("AWS_REGION").or_else(|_| self.required("AWS_DEFAULT_REGION"))?,
            endpoint_url: self.optional("AWS_ENDPOINT_URL"),
            access_key_id: self.required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: Private::new(self.required("AWS_SECRET_ACCESS_KEY")?),
            session_token: self.optional("AWS_SESSION_TOKEN").map(Private::new),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn a_missing_variable_stops_the_start_with_its_name() {
        let error = env(&[("TABLE_NAME", "")]).required("TABLE_NAME").expect_err("missing");
        assert!(error.to_string().contains("TABLE_NAME"));
    }

    #[test]
    fn a_time_that_tests_shorten_is_refused_in_production_by_its_name() {
        let meant = Duration::from_secs(600);
        let window = |stage: &str, seconds: &str| {
            env(&[("STAGE", stage), ("MAIL_EVENT_WINDOW_S", seconds)]).seconds_for_tests("MAIL_EVENT_WINDOW_S", meant)
        };
        assert_eq!(window("local", "60").expect("allowed"), Duration::from_secs(60));
        assert_eq!(window("production", "600").expect("as it is meant"), meant);
        assert_eq!(window("production", "").expect("left out"), meant);
        for (stage, seconds) in [("production", "60"), ("production", "601"), ("local", "a minute"), ("local", "-1")] {
            let refused = window(stage, seconds).expect_err(seconds).to_string();
            assert!(refused.contains("MAIL_EVENT_WINDOW_S"), "{refused}");
        }
    }

    #[test]
    fn in_production_a_vendor_url_must_be_https() {
        let plain = [("STAGE", "production"), ("STRIPE_API_BASE", "http://stripe.test")];
        assert!(env(&plain).vendor_base("STRIPE_API_BASE").is_err());
        let local = [("STAGE", "local"), ("STRIPE_API_BASE", "http://127.0.0.1:9/stripe/")];
        assert_eq!(env(&local).vendor_base("STRIPE_API_BASE").expect("allowed"), "http://127.0.0.1:9/stripe");
    }
}
