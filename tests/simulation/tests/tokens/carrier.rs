//! A carrier that gives tokens and looks at them, and instances that call it. It does one thing besides: it knows a parcel.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::aws::Transport;
use crossdock::domain::Correlation;
use crossdock::domain::shipping::Tracking;
use crossdock::gateway::{Lane, Permit};
use crossdock::lambda::{Env, System};
use crossdock::vendors::carrier::{CallContext, CarrierAnswer, CarrierApi as _};
use crossdock::vendors::fedex::Fedex;
use crossdock::world::{Http, HttpError, HttpRequest, HttpResponse, Rng, World};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use simulation::{Aws, Plan, Probe, SimClock, TABLE_NAME};

pub(crate) const SECRET: &str = "the-client-secret";
const START_MS: i64 = 1_767_225_600_000;
const KEY: (&str, &str) = ("TOKEN#fedex", "TOKEN");

/// What the token service answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TokenAnswer {
    Given,
    Status(u16),
    Unreadable,
}

struct State {
    tokens: TokenAnswer,
    delay_ms: u64,
    token_calls: u32,
    bearers: Vec<String>,
    revoked: BTreeSet<String>,
    refuses_all: bool,
    secrets: BTreeSet<String>,
}

/// The carrier, and the account in which its instances run.
#[derive(Clone)]
pub(crate) struct Carrier {
    aws: Aws,
    clock: SimClock,
    state: Arc<Mutex<State>>,
    instances: Arc<Mutex<u64>>,
}

/// One instance of a function that calls the carrier. A clone is the same instance.
#[derive(Clone)]
pub(crate) struct Instance {
    fedex: Fedex,
    system: System,
    probe: Probe,
}

impl Carrier {
    pub(crate) fn new() -> Self {
        let clock = SimClock::new(START_MS);
        let state = State {
            tokens: TokenAnswer::Given,
            delay_ms: 300,
            token_calls: 0,
            bearers: Vec::new(),
            revoked: BTreeSet::new(),
            refuses_all: false,
            secrets: [SECRET.to_owned(), "another-secret".to_owned()].into(),
        };
        let carrier =
            Self { aws: Aws::new(clock, 7), clock, state: Arc::new(Mutex::new(state)), instances: Arc::default() };
        carrier.put_secret(SECRET);
        carrier
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn instance(&self) -> Instance {
        self.instance_with(Plan::default())
    }

    pub(crate) fn instance_with(&self, plan: Plan) -> Instance {
        let probe = Probe::with(plan);
        let seed = {
            let mut instances = self.instances.lock().unwrap();
            *instances += 1;
            *instances
        };
        let world = World {
            http: Arc::new(self.clone()),
            clock: Arc::new(self.clock),
            rng: Arc::new(Drawn(Mutex::new(fastrand::Rng::with_seed(seed)))),
        };
        let env = [
            ("STAGE", "sim"),
            ("STACK_ID", "123456789012/eu-central-1/sim"),
            ("TABLE_NAME", TABLE_NAME),
            ("FEDEX_API_BASE", "https://fedex.sim"),
            ("FEDEX_SECRET_ID", "fedex"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "sim"),
            ("AWS_SECRET_ACCESS_KEY", "sim"),
        ];
        let env = Env::of(env.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let transport = Transport::of(self.aws.http_client(probe.clone()));
        let system = System::with(env, world, &transport).unwrap();
        Instance { fedex: system.fedex().unwrap(), system, probe }
    }

    pub(crate) fn put_secret(&self, client_secret: &str) {
        let secret = json!({ "client_id": "l7x", "client_secret": client_secret, "account_number": "740561073" });
        self.aws.secrets().put("fedex", &secret);
    }

    pub(crate) fn accept_only(&self, client_secret: &str) {
        self.state().secrets = [client_secret.to_owned()].into();
    }

    pub(crate) fn answer_tokens_with(&self, answer: TokenAnswer) {
        self.state().tokens = answer;
    }

    pub(crate) fn answer_tokens_after(&self, delay_ms: u64) {
        self.state().delay_ms = delay_ms;
    }

    pub(crate) fn revoke(&self, token: &str) {
        self.state().revoked.insert(token.to_owned());
    }

    pub(crate) fn refuse_every_token(&self) {
        self.state().refuses_all = true;
    }

    pub(crate) fn token_calls(&self) -> u32 {
        self.state().token_calls
    }

    pub(crate) fn api_calls(&self) -> usize {
        self.state().bearers.len()
    }

    /// The tokens that API calls came with, in order.
    pub(crate) fn bearers(&self) -> Vec<String> {
        self.state().bearers.clone()
    }

    pub(crate) fn items(&self) -> Vec<Value> {
        self.aws.table().items()
    }

    /// The item of that partition that there is one of.
    pub(crate) fn item(&self, pk: &str) -> Value {
        self.items().into_iter().find(|item| item["pk"] == pk).unwrap_or_default()
    }

    pub(crate) fn change_item(&self, name: &str, value: &Value) {
        self.aws.table().set_attributes(KEY.0, KEY.1, &[(name, value)]);
    }

    pub(crate) async fn sleep_ms(&self, ms: u64) {
        self.clock.sleep_ms(ms).await;
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Since the beginning.
    pub(crate) fn running_ms(&self) -> i64 {
        self.clock.now_ms() - START_MS
    }

    fn token(&self, form: &[u8]) -> (u16, String) {
        let form: std::collections::BTreeMap<_, _> = form_urlencoded::parse(form).into_owned().collect();
        let mut state = self.state();
        state.token_calls += 1;
        let is_known = form.get("client_secret").is_some_and(|secret| state.secrets.contains(secret));
        match state.tokens {
            TokenAnswer::Status(status) => (status, r#"{"errors":[{"code":"FORBIDDEN.ERROR"}]}"#.to_owned()),
            TokenAnswer::Unreadable => (200, "<html>".to_owned()),
            TokenAnswer::Given if !is_known => (401, r#"{"errors":[{"code":"NOT.AUTHORIZED.ERROR"}]}"#.to_owned()),
            TokenAnswer::Given => {
                let token = format!("token-{}", state.token_calls);
                (200, json!({ "access_token": token, "token_type": "bearer", "expires_in": 3_600 }).to_string())
            }
        }
    }

    fn tracked(&self, bearer: &str) -> (u16, String) {
        let mut state = self.state();
        state.bearers.push(bearer.to_owned());
        if state.refuses_all || state.revoked.contains(bearer) {
            return (401, r#"{"errors":[{"code":"NOT.AUTHORIZED.ERROR"}]}"#.to_owned());
        }
        let scan = json!({ "date": "2025-05-03T09:30:00-05:00", "eventType": "PU" });
        let results = json!([{ "trackResults": [{ "scanEvents": [scan] }] }]);
        (200, json!({ "output": { "completeTrackResults": results } }).to_string())
    }
}

impl Http for Carrier {
    fn send(&self, request: HttpRequest, timeout: Duration) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            if Aws::is_for_secrets(&request) {
                return self.aws.carry_signed(&Probe::new(), request).await;
            }
            let answered = async {
                let ((status, body), delay_ms) = match request.uri().path() {
                    "/oauth/token" => (self.token(request.body()), self.state().delay_ms),
                    "/track/v1/trackingnumbers" => {
                        let bearer = request.headers()["authorization"].to_str().unwrap();
                        (self.tracked(bearer.strip_prefix("Bearer ").unwrap()), 50)
                    }
                    other => panic!("nobody asked for {other}"),
                };
                self.clock.sleep_ms(delay_ms).await;
                http::Response::builder().status(status).body(body.into()).unwrap()
            };
            let timed_out = |_| HttpError::NoAnswer("timed out".to_owned());
            tokio::time::timeout(timeout, answered).await.map_err(timed_out)
        })
    }
}

impl Instance {
    pub(crate) async fn track(&self) -> CarrierAnswer<Tracking> {
        self.track_within_ms(20_000).await
    }

    pub(crate) async fn track_within_ms(&self, ms: u64) -> CarrierAnswer<Tracking> {
        let world = self.system.world();
        let correlation = Correlation::generate(world.now(), world.rng.next());
        let permit = Permit::until(world.now().plus(Duration::from_millis(ms)), Lane::Interactive);
        let context = CallContext { permit: &permit, attempt: 0, correlation: &correlation };
        self.fedex.track("122816215025810", context).await
    }

    /// How often it has looked for a token in the table: breakers are read in batches, quotas not at all.
    pub(crate) fn looks(&self) -> usize {
        self.probe.requests().iter().filter(|request| request.name == "DynamoDB.GetItem").count()
    }
}

struct Drawn(Mutex<fastrand::Rng>);

impl Rng for Drawn {
    fn next(&self) -> u128 {
        self.0.lock().unwrap().u128(..)
    }
}

pub(crate) fn base64(text: &str) -> String {
    STANDARD.encode(text).trim_end_matches('=').to_owned()
}
