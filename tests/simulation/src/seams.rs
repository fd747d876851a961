//! The shipping code's three seams, in simulated form: vendors are the sandbox, time is tokio's paused clock, and
//! randomness comes from the seed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossdock::domain::Timestamp;
use crossdock::world::{Clock, Http, HttpError, HttpRequest, HttpResponse, Rng, Sleep, World};
use futures_util::future::BoxFuture;
use sandbox::on_call::Told;
use sandbox::{Reply, Sandbox, Vendor};

use crate::{Aws, Fault, Probe, SimClock};

/// The host names under which the sandbox is reached.
pub(crate) const STRIPE_BASE: &str = "https://stripe.sim";
pub(crate) const SENDGRID_BASE: &str = "https://sendgrid.sim";
pub(crate) const TWILIO_BASE: &str = "https://twilio.sim";
pub(crate) const POSTMARK_BASE: &str = "https://postmark.sim";
pub(crate) const FEDEX_BASE: &str = "https://fedex.sim";
pub(crate) const UPS_BASE: &str = "https://ups.sim";
pub(crate) const DHL_BASE: &str = "https://dhl.sim/mydhlapi";

/// One instance's world: its probe sees every vendor request, and those to S3, which go the same way.
pub(crate) fn world(clock: SimClock, aws: &Aws, sandbox: &Arc<Mutex<Sandbox>>, probe: &Probe, seed: u64) -> World {
    World {
        http: Arc::new(SimHttp { clock, aws: aws.clone(), sandbox: Arc::clone(sandbox), probe: probe.clone() }),
        clock: Arc::new(Time(clock, probe.clone())),
        rng: Arc::new(SimRng(Mutex::new(fastrand::Rng::with_seed(seed)))),
    }
}

/// An instance's clock, as fast or slow as its probe says.
#[derive(Debug)]
struct Time(SimClock, Probe);

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.now_ms() + self.1.clock_offset_ms())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.0.sleep(duration)
    }
}

/// As an instance sees it whose clock is right.
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

struct SimRng(Mutex<fastrand::Rng>);

impl Rng for SimRng {
    fn next(&self) -> u128 {
        self.0.lock().unwrap().u128(..)
    }
}

struct SimHttp {
    clock: SimClock,
    aws: Aws,
    sandbox: Arc<Mutex<Sandbox>>,
    probe: Probe,
}

impl Http for SimHttp {
    fn send(&self, request: HttpRequest, timeout: Duration) -> BoxFuture<'_, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let timed_out = || HttpError::NoAnswer("timed out".to_owned());
            if request.uri().host().is_some_and(|host| host.ends_with(".s3.eu-central-1.amazonaws.com")) {
                let answered = self.aws.s3().carry(&self.probe, request);
                return tokio::time::timeout(timeout, answered).await.unwrap_or_else(|_| Err(timed_out()));
            }
            if Aws::is_for_secrets(&request) {
                let answered = self.aws.carry_signed(&self.probe, request);
                return tokio::time::timeout(timeout, answered).await.unwrap_or_else(|_| Err(timed_out()));
            }
            if let Some(host @ ("slack.sim" | "betterstack.sim")) = request.uri().host() {
                let name = format!("{} {}", host.trim_end_matches(".sim"), request.method());
                let told = async {
                    let call = self.probe.before(name).await;
                    let told = {
                        let on_call = &mut self.sandbox.lock().unwrap().on_call;
                        let now_ms = self.clock.now_ms();
                        if host == "slack.sim" {
                            on_call.slack.call(now_ms, &request)
                        } else {
                            on_call.betterstack.call(now_ms, &request)
                        }
                    };
                    self.probe.after(call).await;
                    match told {
                        Told::Answer(response) => Ok(response),
                        Told::Broken { after_ms } => {
                            tokio::time::sleep(Duration::from_millis(after_ms)).await;
                            Err(HttpError::NoAnswer("the connection broke".to_owned()))
                        }
                    }
                };
                return tokio::time::timeout(timeout, told).await.unwrap_or_else(|_| Err(timed_out()));
            }
            let vendor = match request.uri().host() {
                Some("stripe.sim") => Vendor::Stripe,
                Some("sendgrid.sim") => Vendor::SendGrid,
                Some("twilio.sim") => Vendor::Twilio,
                Some("postmark.sim") => Vendor::Postmark,
                Some("fedex.sim") => Vendor::FedEx,
                Some("ups.sim") => Vendor::Ups,
                Some("dhl.sim") => Vendor::Dhl,
                other => panic!("the shipping code called {other:?}"),
            };
            let name = format!("{}.{} {}", vendor.name(), request.method(), request.uri().path());
            let answered = async {
                let call = self.probe.before(name).await;
                let fault = call.fault();
                if fault == Some(Fault::RequestLost) {
                    self.probe.after(call).await;
                    return Err(HttpError::NoAnswer("the request was lost".to_owned()));
                }
                let reply = {
                    let mut sandbox = self.sandbox.lock().unwrap();
                    if let Some(fault) = call.vendor_fault() {
                        sandbox.faults().next_calls(vendor, "*", 1, fault);
                    }
                    sandbox.call(vendor, self.clock.now_ms(), request)
                };
                let (delay_ms, result) = match reply {
                    Reply::Answer { response, delay_ms } => (delay_ms, Ok(response)),
                    Reply::Lost { delay_ms } => (delay_ms, Err(HttpError::NoAnswer("the answer was lost".to_owned()))),
                    Reply::Refused => (0, Err(HttpError::NotSent("connection refused".to_owned()))),
                };
                tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                self.probe.after(call).await;
                if fault == Some(Fault::AnswerLost) {
                    return Err(HttpError::NoAnswer("the answer was lost".to_owned()));
                }
                result
            };
            tokio::time::timeout(timeout, answered).await.unwrap_or_else(|_| Err(timed_out()))
        })
    }
}
