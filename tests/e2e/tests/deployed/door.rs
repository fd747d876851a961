//! A door on loopback for programs that cannot sign as AWS wants it, or cannot say the virtual host that the emulator
//! routes by: plain HTTP comes in, and the same request goes on to where the door leads.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, StatusCode, header};
use local::{Answer, Stack};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Larger than anything that the API or a receiver takes, in bytes.
const BODY_MAX_BYTES: usize = 8 * 1024 * 1024;
/// What each side of a proxy says for itself.
const OF_THE_CONNECTION: [HeaderName; 5] =
    [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::AUTHORIZATION];

/// Where a door leads.
#[derive(Clone, Copy)]
pub(crate) enum To {
    /// The REST API, with a signature; paths begin after the stage.
    Api,
    /// The receiver of Stripe's webhooks.
    StripeReceiver,
}

/// An open door. Dropping it closes it.
pub(crate) struct Door {
    /// `http://127.0.0.1:<port>`
    pub(crate) url: String,
    requests: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

/// What the door knows at a request.
#[derive(Clone)]
struct Way {
    stack: Weak<Stack>,
    to: To,
    requests: Arc<AtomicUsize>,
}

impl Door {
    /// Opens a door to a part of `stack`, on a free port. It does not keep the stack running.
    pub(crate) async fn open(stack: &Arc<Stack>, to: To) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let requests = Arc::new(AtomicUsize::new(0));
        let way = Way { stack: Arc::downgrade(stack), to, requests: Arc::clone(&requests) };
        let router = Router::new().fallback(pass_on).with_state(way);
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, requests, serving })
    }

    /// How many requests have come to it so far.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass_on(State(way): State<Way>, request: Request) -> Response {
    way.requests.fetch_add(1, Ordering::Relaxed);
    match passed_on(&way.stack, way.to, request).await {
        Ok(answer) => {
            let mut response = Response::new(Body::from(answer.body));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            for name in OF_THE_CONNECTION {
                response.headers_mut().remove(name);
            }
            response
        }
        // A status that no part of the system answers with: whoever asked must not take it for the system's.
        Err(error) => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, format!("{error:#}")).into_response(),
    }
}

async fn passed_on(stack: &Weak<Stack>, to: To, request: Request) -> Result<Answer> {
    let stack = stack.upgrade().context("the stack has ended")?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_MAX_BYTES).await?;
    let of_the_request = parts.headers.iter().filter(|(name, _)| !OF_THE_CONNECTION.contains(name));
    let texts: Vec<_> =
        of_the_request.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()))).collect();
    let headers: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_ref())).collect();
    match to {
        To::Api => {
            let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
            stack.call_with_bytes(parts.method, path, &headers, body).await
        }
        To::StripeReceiver => stack.webhook("Stripe", &headers, body).await,
    }
}
