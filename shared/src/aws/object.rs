//! Objects in S3: bytes under a key, with a note beside them. Signed requests over our own HTTP client instead of the
//! SDK's client for S3: see infra/decisions/0011-webhooks-are-archived-by-signed-puts.md.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use sha2::{Digest as _, Sha256};

use super::client::Settings;
use super::signed::{Question, Service, domain, elements};
use crate::error::{Error, Result};
use crate::world::World;

/// The field that carries an object's note: user metadata, which S3 keeps and gives back with the object.
const NOTE: &str = "x-amz-meta-note";
/// The longest note in bytes: S3 takes 2 kB of user metadata, names included.
pub const NOTE_MAX_BYTES: usize = 2_000;

/// An object as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    /// The bytes.
    pub bytes: Bytes,
    /// The note that was put with them; empty where none was.
    pub note: String,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object({} bytes)", self.bytes.len())
    }
}

/// The objects of one bucket. Keys may have letters, digits and `/ - _ .`, so that nothing has to be escaped.
#[derive(Clone)]
pub struct Objects {
    service: Service,
}

impl Objects {
    /// The bucket of that name; nothing is sent yet.
    pub fn new(settings: Settings, bucket: &str, world: World) -> Self {
        let base = match &settings.endpoint_url {
            // Emulators have no host name for each bucket.
            Some(endpoint) => format!("{}/{bucket}", endpoint.trim_end_matches('/')),
            None => format!("https://{bucket}.s3.{}.{}", settings.region, domain(&settings.region)),
        };
        Self { service: Service::new("s3", base, settings, world) }
    }

    /// Stores the bytes. When this returns without an error, they are durable. An existing object is replaced. `note`
    /// is of visible ASCII, at most [`NOTE_MAX_BYTES`].
    ///
    /// # Errors
    /// `aws_unavailable` (transient) after the last try, `aws_refused` (misconfigured) when the role or the bucket is
    /// wrong.
    pub async fn put(&self, key: &str, bytes: Bytes, media_type: &str, note: &str) -> Result<()> {
        if note.len() > NOTE_MAX_BYTES {
            return Err(Error::bug("aws_request_invalid", format!("a note of {} bytes", note.len())));
        }
        let question = Question {
            operation: "PutObject",
            method: Method::PUT,
            path_and_query: &format!("/{key}"),
            headers: &[("content-type", media_type), (NOTE, note)],
            body: bytes,
        };
        self.service.ask(&question).await.map(drop)
    }

    /// The same for a bucket that locks its objects: there S3 wants a checksum with each put.
    ///
    /// # Errors
    /// The same.
    pub async fn put_locked(&self, key: &str, bytes: Bytes, media_type: &str) -> Result<()> {
        let sum = STANDARD.encode(Sha256::digest(&bytes));
        let question = Question {
            operation: "PutObject",
            method: Method::PUT,
            path_and_query: &format!("/{key}"),
            headers: &[("content-type", media_type), ("x-amz-checksum-sha256", &sum)],
            body: bytes,
        };
        self.service.ask(&question).await.map(drop)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// The same; one that does not exist is `aws_refused` too.
    pub async fn get(&self, key: &str) -> Result<Object> {
        let answer = self.service.ask(&read("GetObject", &format!("/{key}"))).await?;
        let note = answer.headers().get(NOTE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Ok(Object { bytes: answer.into_body(), note })
    }

    /// A URL with which anybody can read the object for a limited time (at most seven days, a limit of AWS). No request
    /// is sent, so the object may not exist.
    ///
    /// # Errors
    /// `aws_request_invalid` (a bug) when the key cannot be part of a URL.
    pub fn link(&self, key: &str, valid_for: Duration) -> Result<String> {
        self.service.link(&format!("/{key}"), valid_for)
    }

    /// All keys that begin with `prefix`, in order, a thousand to a call.
    ///
    /// # Errors
    /// The same.
    pub async fn list(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = prefix.replace('/', "%2F");
        let mut keys: Vec<String> = Vec::new();
        loop {
            let after = keys.last().map(|key| format!("&start-after={}", key.replace('/', "%2F"))).unwrap_or_default();
            let query = format!("/?list-type=2&prefix={prefix}{after}");
            let answer = self.service.ask(&read("ListObjectsV2", &query)).await?;
            let text = std::str::from_utf8(answer.body()).unwrap_or_default();
            keys.extend(elements(text, "Key").map(str::to_owned));
            if elements(text, "IsTruncated").next() != Some("true") {
                return Ok(keys);
            }
        }
    }

    /// Opens the connection ahead of its first use. A failure does not matter.
    pub async fn warm(&self) {
        self.service.warm().await;
    }
}

fn read<'a>(operation: &'static str, path_and_query: &'a str) -> Question<'a> {
    Question { operation, method: Method::GET, path_and_query, headers: &[], body: Bytes::new() }
}
