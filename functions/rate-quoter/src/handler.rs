//! rate-quoter: what carriers ask for it, whether an address is right, where a parcel is. It changes nothing anywhere.

mod answers;

use std::time::Duration;

use crossdock::domain::input::{QuoteRates, ValidateAddress};
use crossdock::domain::shipping::Carrier;
use crossdock::effects::Reason;
use crossdock::error::Result;
use crossdock::gateway::{Keyring, Lane, Permit};
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use crossdock::shipping::{Carriers, Quotes, into_result, no_such_parcel, refused};
use crossdock::vendors::carrier::CallContext;
use crossdock::vendors::{dhl, fedex, ups};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;

/// How long a shopper waits for prices, unless the shop asks for less.
const DEADLINE: Duration = Duration::from_millis(2_500);
/// The same for one carrier's word on an address or a parcel.
const LOOK_TIME: Duration = Duration::from_secs(8);
/// The longest tracking number, in characters: FedEx's longest has 34.
const NUMBER_MAX_CHARS: usize = 35;

/// The API of prices and looks.
pub struct RateQuoter {
    quotes: Quotes,
    carriers: Carriers,
    fedex_keys: Keyring<fedex::Keys>,
    ups_keys: Keyring<ups::Keys>,
    dhl_keys: Keyring<dhl::Keys>,
}

impl RateQuoter {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        let carriers = system.carriers()?;
        Ok(Self {
            quotes: system.quotes(&carriers)?,
            carriers,
            fedex_keys: system.fedex_keys()?,
            ups_keys: system.ups_keys()?,
            dhl_keys: system.dhl_keys()?,
        })
    }

    /// What is worth doing before the first request.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        let (fedex, ups) = (self.fedex_keys.get().map(drop).boxed(), self.ups_keys.get().map(drop).boxed());
        vec![fedex, ups, self.dhl_keys.get().map(drop).boxed(), self.quotes.warm().boxed()]
    }

    async fn rates(&self, request: &ApiRequest) -> Result<Answer> {
        let input = QuoteRates::parse(request.json_body()?, request.received_at)?;
        let deadline = request.received_at.plus(input.deadline.unwrap_or(DEADLINE));
        let asked = self.quotes.ask(input.consignment, &input.carriers, deadline, &request.correlation);
        Ok(answers::quoted(&asked.await, self.quotes.now()))
    }

    async fn validate(&self, request: &ApiRequest) -> Result<Answer> {
        let input = ValidateAddress::parse(request.json_body()?)?;
        let permit = permit(request);
        let checked = self.carriers.get(input.carrier).check_address(&input.address, context(request, &permit));
        Ok(answers::checked(&into_result(checked.await)?))
    }

    async fn track(&self, request: &ApiRequest, carrier: &str, number: &str) -> Result<Answer> {
        let carrier = Carrier::parse(carrier).ok_or_else(no_such_route)?;
        let fits = (1..=NUMBER_MAX_CHARS).contains(&number.len());
        if !fits || !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(no_such_parcel(refused(&Reason::CarrierNotFound)));
        }
        let permit = permit(request);
        let tracked = self.carriers.get(carrier).track(number, context(request, &permit));
        Ok(answers::tracked(&into_result(tracked.await).map_err(no_such_parcel)?))
    }
}

fn permit(request: &ApiRequest) -> Permit {
    let lease = request.lease();
    Permit::until(lease.call_by.min(request.received_at.plus(LOOK_TIME)), Lane::Interactive)
}

const fn context<'a>(request: &'a ApiRequest, permit: &'a Permit) -> CallContext<'a> {
    CallContext { permit, attempt: 0, correlation: &request.correlation }
}

impl HttpFunction for RateQuoter {
    const NAME: &str = env!("CARGO_PKG_NAME");

    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::POST, ["rates"]) => self.rates(&request).await,
            (&Method::POST, ["addresses", "validate"]) => self.validate(&request).await,
            (&Method::GET, ["tracking", carrier, number]) => self.track(&request, carrier, number).await,
            _ => Err(no_such_route()),
        }
    }
}
