//! What Stripe remembers under an `Idempotency-Key`.

use super::failure::Failure;
use super::form::Form;
use bytes::Bytes;
use std::collections::BTreeMap;

/// How long a key is kept, in milliseconds (24 h). After that it is new again.
const KEPT_MS: i64 = 24 * 3_600_000;

/// The longest key, in characters.
const KEY_MAX: usize = 255;

/// The first answer to a key.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    path: String,
    form: Form,
    started_ms: i64,
    finished_ms: i64,
    pub(crate) request_id: String,
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}

/// All keys of the account.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    remembered: BTreeMap<String, Remembered>,
}

impl Keys {
    /// The answer to replay, if there is one. Fails when the key was used for something else or is still at work.
    pub(crate) fn look_up(
        &self,
        now_ms: i64,
        key: &str,
        path: &str,
        form: &Form,
    ) -> Result<Option<Remembered>, Failure> {
        if key.chars().count() > KEY_MAX {
            let message = format!("Idempotency keys can be at most {KEY_MAX} characters long.");
            return Err(Failure::invalid(None, None, message));
        }
        let Some(first) = self.remembered.get(key).filter(|first| now_ms < first.started_ms + KEPT_MS) else {
            return Ok(None);
        };
        if first.path != path || first.form != *form {
            let sameness = if first.path == path { "with the same parameters" } else { "for the same endpoint" };
            let message = format!(
                "Keys for idempotent requests can only be used {sameness} they were first used with. Try using a key \
                other than '{key}' if you meant to execute a different request."
            );
            return Err(Failure { kind: "idempotency_error", ..Failure::invalid(None, None, message) });
        }
        if now_ms < first.finished_ms {
            let message = format!("There is currently another in-progress request using this Idempotency Key: {key}.");
            let code = Some("idempotency_key_in_use");
            return Err(Failure { status: 409, kind: "idempotency_error", ..Failure::invalid(code, None, message) });
        }
        Ok(Some(first.clone()))
    }

    /// The key is new again.
    pub(crate) fn forget(&mut self, key: &str) {
        self.remembered.remove(key);
    }

    /// Keeps the first answer. `took_ms` is the time until the caller could have had it.
    pub(crate) fn remember(
        &mut self,
        now_ms: i64,
        took_ms: u64,
        key: &str,
        path: &str,
        form: &Form,
        answer: &Answered,
    ) {
        let first = Remembered {
            path: path.to_owned(),
            form: form.clone(),
            started_ms: now_ms,
            finished_ms: now_ms.saturating_add(i64::try_from(took_ms).unwrap_or(i64::MAX)),
            request_id: answer.request_id.clone(),
            status: answer.status,
            body: answer.body.clone(),
        };
        self.remembered.insert(key.to_owned(), first);
    }
}

/// An answer before it becomes HTTP.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) request_id: String,
    pub(crate) status: u16,
    pub(crate) body: Bytes,
}
