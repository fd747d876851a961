//! Lambda's side of the Runtime API (docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html): it hands out one event
//! after the other and takes the times.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use crate::http_server::{Answers, HttpServer};

/// The API's version in every path.
const VERSION: &str = "/2018-06-01/runtime";
/// What a function is told about its time: the timeout of our HTTP functions.
const TIME_LIMIT: Duration = Duration::from_secs(25);
/// The ARN that a function is told; nobody reads more than its shape.
const ARN: &str = "arn:aws:lambda:eu-central-1:000000000000:function:bench";
/// A trace that is not sampled, as most are.
const TRACE: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0";

/// What the function did.
#[derive(Debug)]
enum Heard {
    /// It asked for the next event.
    Next(Instant),
    /// It answered one.
    Answered { at: Instant, body: Bytes },
    /// It says that its init or an invocation failed.
    Failed(String),
}

/// One invocation, seen from outside.
#[derive(Clone, Debug)]
pub struct Invoked {
    /// From handing out the event to having read the whole answer.
    pub took: Duration,
    /// The answer.
    pub body: Bytes,
}

/// The Runtime API of one function instance.
#[derive(Debug)]
pub struct RuntimeApi {
    server: HttpServer,
    events: mpsc::UnboundedSender<Bytes>,
    heard: mpsc::UnboundedReceiver<Heard>,
    handed_out: Arc<Mutex<Option<Instant>>>,
}

#[derive(Debug)]
struct Stub {
    events: AsyncMutex<mpsc::UnboundedReceiver<Bytes>>,
    heard: mpsc::UnboundedSender<Heard>,
    handed_out: Arc<Mutex<Option<Instant>>>,
    invocations: Mutex<u64>,
}

impl RuntimeApi {
    /// Starts one on a free loopback port.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start() -> Result<Self> {
        let (events, to_hand_out) = mpsc::unbounded_channel();
        let (telling, heard) = mpsc::unbounded_channel();
        let handed_out = Arc::default();
        let stub = Stub {
            events: AsyncMutex::new(to_hand_out),
            heard: telling,
            handed_out: Arc::clone(&handed_out),
            invocations: Mutex::new(0),
        };
        Ok(Self { server: HttpServer::start(Arc::new(stub), None).await?, events, heard, handed_out })
    }

    /// What goes into `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// Puts an event in line; it is handed out when the function asks.
    pub fn put(&self, event: Bytes) {
        // The receiver lives as long as the server.
        let _ = self.events.send(event);
    }

    /// Waits until the function asks for an event, and says when it did. Returns `None` after `within`.
    ///
    /// # Errors
    /// What the function says went wrong.
    pub async fn ready(&mut self, within: Duration) -> Result<Option<Instant>> {
        match tokio::time::timeout(within, self.heard.recv()).await {
            Err(_) => Ok(None),
            Ok(Some(Heard::Next(at))) => Ok(Some(at)),
            Ok(Some(Heard::Failed(why))) => bail!("the function reports: {why}"),
            Ok(Some(Heard::Answered { .. }) | None) => bail!("an answer to nothing"),
        }
    }

    /// Waits for the answer to the event in line. Returns `None` after `within`.
    ///
    /// # Errors
    /// What the function says went wrong.
    pub async fn answered(&mut self, within: Duration) -> Result<Option<Invoked>> {
        match tokio::time::timeout(within, self.heard.recv()).await {
            Err(_) => Ok(None),
            Ok(Some(Heard::Answered { at, body })) => {
                let handed_out = *self.handed_out.lock().unwrap_or_else(PoisonError::into_inner);
                let took = handed_out.map_or(Duration::ZERO, |then| at.duration_since(then));
                Ok(Some(Invoked { took, body }))
            }
            Ok(Some(Heard::Failed(why))) => bail!("the function reports: {why}"),
            Ok(Some(Heard::Next(_)) | None) => bail!("the function asked again without an answer"),
        }
    }
}

impl Stub {
    fn tell(&self, heard: Heard) {
        // Nobody listens any more once the instance was given up.
        let _ = self.heard.send(heard);
    }

    async fn next(&self) -> Response<Bytes> {
        self.tell(Heard::Next(Instant::now()));
        let Some(event) = self.events.lock().await.recv().await else {
            return status(StatusCode::GONE);
        };
        let number = {
            let mut invocations = self.invocations.lock().unwrap_or_else(PoisonError::into_inner);
            *invocations += 1;
            *invocations
        };
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TIME_LIMIT;
        let response = Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", format!("00000000-0000-4000-8000-{number:012}"))
            .header("lambda-runtime-deadline-ms", deadline.as_millis().to_string())
            .header("lambda-runtime-invoked-function-arn", ARN)
            .header("lambda-runtime-trace-id", TRACE)
            .body(event)
            .unwrap_or_default();
        *self.handed_out.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        response
    }
}

impl Answers for Stub {
    fn answer(self: Arc<Self>, request: Request<Bytes>) -> BoxFuture<'static, Response<Bytes>> {
        Box::pin(async move {
            let path = request.uri().path().strip_prefix(VERSION).unwrap_or_default().to_owned();
            if path == "/invocation/next" {
                return self.next().await;
            }
            let body = request.into_body();
            if path.starts_with("/invocation/") && path.ends_with("/response") {
                self.tell(Heard::Answered { at: Instant::now(), body });
            } else if path == "/init/error" || path.starts_with("/invocation/") && path.ends_with("/error") {
                self.tell(Heard::Failed(String::from_utf8_lossy(&body).into_owned()));
            } else {
                return status(StatusCode::NOT_FOUND);
            }
            status(StatusCode::ACCEPTED)
        })
    }
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    response
}
