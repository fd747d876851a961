//! A model of S3: objects under keys, each with its note. It is reached as the shipping code reaches S3 itself, by signed
//! requests over the world's HTTP client.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;
use crossdock::world::{HttpError, HttpRequest, HttpResponse};

use crate::{Fault, Probe};

/// The bucket of webhooks, and that of labels. Their keys begin with different words, so that one map holds both.
pub(crate) const ARCHIVE: &str = "archive";
pub(crate) const LABELS: &str = "labels";
/// The field with an object's note.
const NOTE: &str = "x-amz-meta-note";

/// Keys of one page of a list. S3 gives a thousand; few let a test see the second page.
const PAGE: usize = 3;

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The bytes.
    pub bytes: Bytes,
    /// Its note.
    pub note: String,
    /// How often it was put.
    pub puts: usize,
}

/// The objects of the account's buckets.
#[derive(Debug, Default)]
pub struct S3 {
    objects: Mutex<BTreeMap<String, Stored>>,
    refused: Mutex<Option<(String, u16)>>,
}

impl S3 {
    /// Everything that is stored, by key.
    pub fn objects(&self) -> BTreeMap<String, Stored> {
        self.objects.lock().unwrap().clone()
    }

    /// From now on requests for keys with `part` in them are answered with this status; `None` ends it.
    pub fn refuse(&self, part_of_key: Option<(&str, u16)>) {
        *self.refused.lock().unwrap() = part_of_key.map(|(part, status)| (part.to_owned(), status));
    }

    /// Takes one request of an instance, which passes its probe.
    pub(crate) async fn carry(&self, probe: &Probe, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let call = probe.before(format!("S3.{}", operation(&request))).await;
        let fault = call.fault();
        let answer = match fault {
            None | Some(Fault::Partial) => Ok(self.answer(&request)),
            Some(Fault::RequestLost) => Err(()),
            Some(Fault::AnswerLost) => {
                self.answer(&request);
                Err(())
            }
            Some(Fault::Throttled) => Ok(error(503, "SlowDown")),
            Some(Fault::ServerError | Fault::Conflict) => Ok(error(500, "InternalError")),
        };
        probe.after(call).await;
        answer.map_err(|()| HttpError::NoAnswer("the connection was reset".to_owned()))
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let field = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_signed =
            field("authorization").contains("/s3/aws4_request") && !field("x-amz-content-sha256").is_empty();
        if !is_signed {
            return error(403, "AccessDenied");
        }
        let key = request.uri().path().trim_start_matches('/').to_owned();
        if let Some((part, status)) = self.refused.lock().unwrap().as_ref()
            && key.contains(part)
        {
            return error(*status, "Refused");
        }
        let mut objects = self.objects.lock().unwrap();
        match operation(request) {
            "PutObject" => {
                let puts = objects.get(&key).map_or(0, |before| before.puts) + 1;
                let note = field(NOTE).to_owned();
                objects.insert(key, Stored { bytes: request.body().clone(), note, puts });
                http::Response::new(Bytes::new())
            }
            "GetObject" => match objects.get(&key) {
                Some(object) => {
                    let answer = http::Response::builder().header(NOTE, &object.note);
                    answer.body(object.bytes.clone()).unwrap()
                }
                None => error(404, "NoSuchKey"),
            },
            _ => {
                let query = request.uri().query().unwrap_or_default().replace("%2F", "/");
                let parameter =
                    |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
                let (prefix, after) = (parameter("prefix").unwrap_or_default(), parameter("start-after"));
                let is_wanted =
                    |key: &&String| key.starts_with(prefix) && after.is_none_or(|after| key.as_str() > after);
                let wanted: Vec<&String> = objects.keys().filter(is_wanted).collect();
                let truncated = wanted.len() > PAGE;
                let page: Vec<&str> = wanted.iter().take(PAGE).map(|key| key.as_str()).collect();
                let keys =
                    if page.is_empty() { String::new() } else { format!("<Key>{}</Key>", page.join("</Key><Key>")) };
                let body = format!("<L>{keys}<IsTruncated>{truncated}</IsTruncated></L>");
                http::Response::new(Bytes::from(body))
            }
        }
    }
}

fn operation(request: &HttpRequest) -> &'static str {
    match *request.method() {
        http::Method::PUT => "PutObject",
        http::Method::GET if request.uri().path() == "/" => "ListObjectsV2",
        http::Method::GET => "GetObject",
        _ => panic!("S3 is modelled without {} {}", request.method(), request.uri()),
    }
}

fn error(status: u16, code: &str) -> HttpResponse {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>");
    http::Response::builder().status(status).body(Bytes::from(body)).unwrap()
}
