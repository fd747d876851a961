//! The adapters before a carrier that answers what it is told to, and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use crossdock::aws::Transport;
use crossdock::domain::{Correlation, Timestamp};
use crossdock::gateway::{Lane, Permit};
use crossdock::lambda::{Env, System};
use crossdock::vendors::carrier::CallContext;
use crossdock::vendors::dhl::Dhl;
use crossdock::vendors::fedex::Fedex;
use crossdock::vendors::ups::Ups;
use crossdock::world::{Http, HttpError, HttpRequest, HttpResponse, Rng, World};
use futures_util::future::{BoxFuture, ready};
use serde_json::{Value, json};
use simulation::{Aws, Probe, SimClock, TABLE_NAME};

/// Thursday, 1 May 2025, 10:00 UTC.
pub(crate) const NOW: i64 = 1_746_093_600;
pub(crate) const ACCOUNT: &str = "A1B2C3";

const VARIABLES: [(&str, &str); 13] = [
    ("STAGE", "sim"),
    ("STACK_ID", "000000000000/sim/crossdock"),
    ("TABLE_NAME", TABLE_NAME),
    ("FEDEX_SECRET_ID", "fedex"),
    ("FEDEX_API_BASE", "https://fedex.sim"),
    ("UPS_SECRET_ID", "ups"),
    ("UPS_API_BASE", "https://ups.sim"),
    ("DHL_SECRET_ID", "dhl"),
    ("DHL_API_BASE", "https://dhl.sim/mydhlapi"),
    ("AWS_REGION", "eu-central-1"),
    ("AWS_ACCESS_KEY_ID", "sim"),
    ("AWS_SECRET_ACCESS_KEY", "sim"),
    ("LOG_LEVEL", "off"),
];

/// The adapters, and the other end.
pub(crate) struct Carriers {
    pub(crate) fedex: Fedex,
    pub(crate) ups: Ups,
    pub(crate) dhl: Dhl,
    office: Office,
    correlation: Correlation,
    permit: Permit,
}

/// The other end: what came, and what it answers.
#[derive(Clone, Default)]
struct Office(Arc<Mutex<(Vec<HttpRequest>, u16, String)>>);

/// The way to both: AWS for the secrets, and the other end.
struct Outside {
    aws: Aws,
    office: Office,
}

impl Carriers {
    pub(crate) fn new() -> Self {
        let clock = SimClock::new(NOW * 1_000);
        let aws = Aws::new(clock, 1);
        let fedex = json!({ "client_id": "id", "client_secret": "secret", "account_number": "740561073" });
        aws.secrets().put("fedex", &fedex);
        aws.secrets().put("ups", &json!({ "client_id": "id", "client_secret": "secret", "account_number": ACCOUNT }));
        aws.secrets().put("dhl", &json!({ "username": "user", "password": "password", "account_number": "123456789" }));
        let office = Office::default();
        let rng = Arc::new(Counter(Mutex::new(0)));
        let outside = Outside { aws: aws.clone(), office: office.clone() };
        let world = World { http: Arc::new(outside), clock: Arc::new(clock), rng };
        let transport = Transport::of(aws.http_client(Probe::new()));
        let env = Env::of(VARIABLES.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let system = System::with(env, world, &transport).unwrap();
        let (fedex, ups, dhl) = (system.fedex().unwrap(), system.ups().unwrap(), system.dhl().unwrap());
        let permit = Permit::until(Timestamp::from_seconds(NOW + 86_400), Lane::Background);
        let correlation = Correlation::parse("correlation-1").unwrap();
        Self { fedex, ups, dhl, office, correlation, permit }
    }

    /// What every request from now on is answered with.
    pub(crate) fn answer(&self, status: u16, body: &Value) {
        self.answer_raw(status, &body.to_string());
    }

    /// The same with bytes of any kind.
    pub(crate) fn answer_raw(&self, status: u16, body: &str) {
        let mut office = self.office.0.lock().unwrap();
        (office.1, office.2) = (status, body.to_owned());
    }

    /// The circumstances of every call.
    pub(crate) fn context(&self) -> CallContext<'_> {
        CallContext { permit: &self.permit, attempt: 0, correlation: &self.correlation }
    }

    /// Every request that left, with those for tokens.
    pub(crate) fn sent(&self) -> Vec<HttpRequest> {
        self.office.0.lock().unwrap().0.clone()
    }

    /// The last request that left.
    pub(crate) fn last(&self) -> HttpRequest {
        self.sent().pop().expect("something was sent")
    }

    /// Its body.
    pub(crate) fn last_body(&self) -> Value {
        serde_json::from_slice(self.last().body()).expect("a body in JSON")
    }
}

impl Http for Outside {
    fn send(&self, request: HttpRequest, _: Duration) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        if Aws::is_for_secrets(&request) {
            return Box::pin(async move { self.aws.carry_signed(&Probe::new(), request).await });
        }
        let mut office = self.office.0.lock().unwrap();
        let token = json!({ "token_type": "Bearer", "access_token": "t0ken", "expires_in": "14399", "issued_at": "1" });
        let (status, body) = match request.uri().path() {
            "/security/v1/oauth/token" => (200, token.to_string()),
            "/oauth/token" => {
                (200, json!({ "token_type": "bearer", "access_token": "t", "expires_in": 3_600 }).to_string())
            }
            _ => (office.1, office.2.clone()),
        };
        office.0.push(request);
        let response = http::Response::builder().status(status).body(Bytes::from(body)).unwrap();
        Box::pin(ready(Ok(response)))
    }
}

struct Counter(Mutex<u128>);

impl Rng for Counter {
    fn next(&self) -> u128 {
        let mut count = self.0.lock().unwrap();
        *count += 1;
        *count
    }
}
