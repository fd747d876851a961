//! The sandbox behind real HTTP, with the real clock.

mod admin;
mod connection;
mod postman;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use connection::{Fuse, FusedListener};
use http::{StatusCode, Uri};
use sandbox::on_call::{OnCall, Told};
use sandbox::{Reply, Sandbox, Vendor};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The largest request that is read, in bytes: above every vendor's own limit, so that the vendor refuses it.
const BODY_MAX_BYTES: usize = 60 * 1024 * 1024;

/// The sandbox as all connections share it.
#[derive(Debug)]
struct Shared {
    sandbox: Mutex<Sandbox>,
    /// Something may have come up for the postman.
    changed: Notify,
}

impl Shared {
    fn sandbox(&self) -> MutexGuard<'_, Sandbox> {
        self.sandbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until it fails or is dropped.
pub(crate) async fn serve(listener: TcpListener, sandbox: Sandbox) -> anyhow::Result<()> {
    let shared = Arc::new(Shared { sandbox: Mutex::new(sandbox), changed: Notify::new() });
    tokio::spawn(postman::carry(shared.clone(), postman::client()?));
    let router = Router::new()
        .nest("/_sandbox", admin::router())
        .route("/stripe/{*path}", any(stripe))
        .route("/sendgrid/{*path}", any(sendgrid))
        .route("/twilio/{*path}", any(twilio))
        .route("/postmark/{*path}", any(postmark))
        .route("/fedex/{*path}", any(fedex))
        .route("/ups/{*path}", any(ups))
        .route("/dhl/{*path}", any(dhl))
        .route("/slack/{*path}", any(slack))
        .route("/betterstack/{*path}", any(betterstack))
        .with_state(shared);
    let service = router.into_make_service_with_connect_info::<Fuse>();
    axum::serve(FusedListener::new(listener), service).await.context("the server ended")
}

/// Epoch milliseconds.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

async fn stripe(State(shared): State<Arc<Shared>>, ConnectInfo(fuse): ConnectInfo<Fuse>, request: Request) -> Response {
    call(Vendor::Stripe, &shared, &fuse, request).await
}

async fn sendgrid(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(fuse): ConnectInfo<Fuse>,
    request: Request,
) -> Response {
    call(Vendor::SendGrid, &shared, &fuse, request).await
}

async fn twilio(State(shared): State<Arc<Shared>>, ConnectInfo(fuse): ConnectInfo<Fuse>, request: Request) -> Response {
    call(Vendor::Twilio, &shared, &fuse, request).await
}

async fn postmark(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(fuse): ConnectInfo<Fuse>,
    request: Request,
) -> Response {
    call(Vendor::Postmark, &shared, &fuse, request).await
}

async fn fedex(State(shared): State<Arc<Shared>>, ConnectInfo(fuse): ConnectInfo<Fuse>, request: Request) -> Response {
    call(Vendor::FedEx, &shared, &fuse, request).await
}

async fn ups(State(shared): State<Arc<Shared>>, ConnectInfo(fuse): ConnectInfo<Fuse>, request: Request) -> Response {
    call(Vendor::Ups, &shared, &fuse, request).await
}

async fn dhl(State(shared): State<Arc<Shared>>, ConnectInfo(fuse): ConnectInfo<Fuse>, request: Request) -> Response {
    call(Vendor::Dhl, &shared, &fuse, request).await
}

async fn slack(State(shared): State<Arc<Shared>>, ConnectInfo(fuse): ConnectInfo<Fuse>, request: Request) -> Response {
    tell(&shared, &fuse, "/slack", request, |on_call, request| on_call.slack.call(now_ms(), request)).await
}

async fn betterstack(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(fuse): ConnectInfo<Fuse>,
    request: Request,
) -> Response {
    tell(&shared, &fuse, "/betterstack", request, |on_call, request| on_call.betterstack.call(now_ms(), request)).await
}

/// One request to whom people on call are told by.
async fn tell(
    shared: &Shared,
    fuse: &Fuse,
    prefix: &str,
    request: Request,
    call: impl FnOnce(&mut OnCall, &http::Request<Bytes>) -> Told,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let Some(uri) = path.strip_prefix(prefix).and_then(|path| path.parse::<Uri>().ok()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    parts.uri = uri;
    let told = call(&mut shared.sandbox().on_call, &Request::from_parts(parts, body));
    match told {
        Told::Answer(response) => response.map(Body::from),
        Told::Broken { after_ms } => {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            fuse.blow();
            StatusCode::INTERNAL_SERVER_ERROR.into_response() // never leaves: the connection takes no more bytes
        }
    }
}

/// One API call over HTTP. An answer that is lost, and a connection that is refused, break the connection: here it has
/// been accepted already, so a caller sees both as "no answer".
async fn call(vendor: Vendor, shared: &Shared, fuse: &Fuse, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_MAX_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let vendors_path = path.strip_prefix('/').and_then(|path| path.strip_prefix(vendor.name()));
    let Some(uri) = vendors_path.and_then(|path| path.parse::<Uri>().ok()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    parts.uri = uri;
    let reply = shared.sandbox().call(vendor, now_ms(), Request::from_parts(parts, body));
    shared.changed.notify_one();
    let (delay_ms, answer) = match reply {
        Reply::Answer { response, delay_ms } => (delay_ms, Some(response)),
        Reply::Lost { delay_ms } => (delay_ms, None),
        Reply::Refused => (0, None),
    };
    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
    if let Some(response) = answer {
        return response.map(Body::from);
    }
    fuse.blow();
    StatusCode::INTERNAL_SERVER_ERROR.into_response() // never leaves: the connection takes no more bytes
}
