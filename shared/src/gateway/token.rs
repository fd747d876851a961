//! Tokens (OAuth 2.0 client credentials) of vendors that want one: kept in memory and, for all instances, in the table.
//! The item is encrypted with a key that is derived from the vendor's client secret. So reading the table is not enough
//! to get the token. A token that was given for another secret cannot be decrypted and is fetched again.
//!
//! Token services limit their calls, so one instance fetches for all. An instance that finds no token, or one past 80 %
//! of its life, takes a lease by a conditional write and fetches. The others use the old token while it is valid, and
//! otherwise wait for the new one. If the fetch fails, the lease is kept until it ends, which limits the rate of tries;
//! if the secret was refused, it is given back. When the table cannot be asked, each instance fetches for itself.
//!
//! A token call passes the breaker for reads, as operation `token`. It does not count against the vendor's quota, which
//! is for API calls; its own limit is the lease.

mod seal;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use self::seal::{Seal, Token};
use super::admission::{Credential, Pass};
use super::{Call, Class, Classify, Gateway, Keyring, OperationClass, Reply, Vendor};
use crate::aws::table::Written;
use crate::aws::{Item, Key, Write};
use crate::domain::Private;
use crate::error::{Error, Result};
use crate::guard::{Guard, condition, holds};
use crate::telemetry::fields;
use crate::world::HttpRequest;

/// The name of token calls in logs and metrics.
pub(super) const OPERATION: &str = "token";
/// Timeout of a token service. It usually answers in less than a second, and a request waits for it.
const FETCH_TIME: Duration = Duration::from_secs(5);
/// The same while there is still a valid token.
const RENEWAL_TIME: Duration = Duration::from_secs(2);
/// How long a lease holds: the fetch, its write, and clocks that differ.
const LEASE: Duration = Duration::from_secs(7);
/// How often an instance that waits for another's fetch looks for the new token.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How long they wait: until a lease that was just taken has run out, and one fetch more.
const WAIT_MAX: Duration = Duration::from_secs(12);
/// The item is deleted so long after its token's end.
const KEPT_AFTER_END: Duration = Duration::from_secs(3_600);

/// Reads the token and its life from an answer; `None` when there is none in it.
pub type ReadToken = fn(&[u8]) -> Option<(Private<String>, Duration)>;

/// How a vendor gives tokens.
pub struct TokenRule<T> {
    /// The vendor's base URL.
    pub base: String,
    /// The request for a token, at the base URL.
    pub request: fn(&T, &str) -> Result<HttpRequest>,
    /// The token of an answer.
    pub read: ReadToken,
    /// The client secret that it is given for.
    pub secret: fn(&T) -> &str,
}

impl<T> Clone for TokenRule<T> {
    fn clone(&self) -> Self {
        Self { base: self.base.clone(), request: self.request, read: self.read, secret: self.secret }
    }
}

/// What an instance remembers of tokens. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Memory(Arc<Mutex<BTreeMap<Vendor, Place>>>);

/// One vendor's token here, and the line of those who want to fetch it.
#[derive(Clone, Default)]
struct Place {
    token: Option<Token>,
    line: Arc<tokio::sync::Mutex<()>>,
}

impl Memory {
    fn with<R>(&self, vendor: Vendor, what: impl FnOnce(&mut Place) -> R) -> R {
        what(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(vendor).or_default())
    }

    fn token(&self, vendor: Vendor, seal: &Seal) -> Option<Token> {
        self.with(vendor, |place| place.token.clone()).filter(|token| token.of == seal.id)
    }
}

/// Where a vendor's token lives.
fn key(vendor: Vendor) -> Key {
    Key::new(format!("TOKEN#{}", vendor.as_str()), "TOKEN")
}

/// Makes a request with the keys and the token. By reference: a copy of what calls it, for each kind of request of each
/// carrier, would be half a megabyte in a function.
type Build<'a, T> = dyn Fn(&T, &str) -> Result<HttpRequest> + Sync + 'a;

/// Why a call was not made, or not accepted.
enum Fault {
    /// The API refused the token.
    Token(Token),
    /// The client id or secret was refused, now or before.
    Key {
        /// By this very call, so that it is news.
        now: bool,
    },
}

impl Gateway {
    /// Makes one call with the vendor's token. When the token is refused, it is dropped, and the call made once more with
    /// another; when the client secret is refused, or was refused before, with the secret read anew. `build` makes the
    /// request with the keys and the token.
    ///
    /// A token that cannot be got is `Transient` (the call was certainly not made), or `Credentials` when the client id or
    /// secret is wrong.
    pub async fn call_with_token<T: DeserializeOwned + Sync>(
        &self,
        call: &Call<'_>,
        keyring: &Keyring<T>,
        rule: &TokenRule<T>,
        build: &Build<'_, T>,
        classify: Classify,
    ) -> Reply {
        let Ok((mut keys, mut version)) = keyring.versioned().await.inspect_err(|e| unusable(call.vendor, e)) else {
            return refused();
        };
        let (mut was_renewed, mut was_reread) = (false, false);
        let mut owner = None;
        loop {
            let made =
                self.call_once(call, &keys, keyring.credential(&version), rule, build, classify, &mut owner).await;
            let (reply, fault) = match made {
                Ok(made) => made,
                Err(error) => {
                    unusable(call.vendor, &error);
                    return refused();
                }
            };
            match fault {
                None => return reply,
                Some(Fault::Token(token)) if !was_renewed && holds(Guard::TokenRenewal) => {
                    was_renewed = true;
                    self.drop_token(call.vendor, &token).await;
                }
                Some(Fault::Token(_)) => {
                    self.admission.key_refused(call.vendor, keyring.credential(&version)).await;
                    return reply;
                }
                Some(Fault::Key { now }) => {
                    let newer = if was_reread { Ok(None) } else { keyring.reread(&version).await };
                    was_reread = true;
                    match newer.inspect_err(|e| unusable(call.vendor, e)) {
                        Ok(Some((newer_keys, newer))) if newer != version => {
                            (keys, version) = (newer_keys, newer);
                        }
                        _ => {
                            if now {
                                self.admission.key_refused(call.vendor, keyring.credential(&version)).await;
                            }
                            return reply;
                        }
                    }
                }
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one turn of the loop above, and of nothing else")]
    async fn call_once<T: Sync>(
        &self,
        call: &Call<'_>,
        keys: &T,
        credential: Credential<'_>,
        rule: &TokenRule<T>,
        build: &Build<'_, T>,
        classify: Classify,
        owner: &mut Option<String>,
    ) -> Result<(Reply, Option<Fault>)> {
        let seal = Seal::of(call.vendor, (rule.secret)(keys))?;
        let owner = owner.get_or_insert_with(|| format!("{:032x}", self.world.rng.next()));
        let request = || (rule.request)(keys, &rule.base);
        let fetch = Fetch { gateway: self, call, seal: &seal, credential, owner, request: &request, read: rule.read };
        let token = match fetch.token().await {
            Ok(token) => token,
            Err(instead) => return Ok(instead),
        };
        let request = build(keys, token.bearer.expose())?;
        let (reply, held) = self.call_with(call, credential, request, classify).await;
        let fault = if reply.status() == Some(StatusCode::UNAUTHORIZED) {
            Some(Fault::Token(token))
        } else if held == Some("key_refused") {
            Some(Fault::Key { now: false })
        } else {
            None
        };
        Ok((reply, fault))
    }

    /// Nobody uses a token any more that was refused; unless another is there already, which stays.
    async fn drop_token(&self, vendor: Vendor, token: &Token) {
        self.tokens.with(vendor, |place| {
            place.token.take_if(|kept| kept.sealed == token.sealed);
        });
        let write =
            Write::update(key(vendor)).remove("sealed").when("#sealed = :sealed").bind(":sealed", &token.sealed);
        let _ = self.admission.in_time(async { self.table.update(write?).await }).await;
    }
}

/// Getting the token for one call.
struct Fetch<'a> {
    gateway: &'a Gateway,
    call: &'a Call<'a>,
    seal: &'a Seal,
    credential: Credential<'a>,
    /// Who takes the lease.
    owner: &'a str,
    request: &'a (dyn Fn() -> Result<HttpRequest> + Sync),
    read: ReadToken,
}

/// What the call comes to without a token.
type Instead = (Reply, Option<Fault>);

/// What asking for the lease came to.
enum Lease {
    /// It is ours.
    Taken,
    /// It is not; the item as it is.
    Lost(Option<Item>),
    /// The table cannot be asked.
    Unknown,
}

impl Fetch<'_> {
    /// A token that is good: from memory, else from the table, else from the vendor.
    async fn token(self) -> std::result::Result<Token, Instead> {
        let tokens = &self.gateway.tokens;
        let vendor = self.call.vendor;
        let known = tokens.token(vendor, self.seal);
        let now = self.gateway.world.now();
        if let Some(token) = known.clone().filter(|token| token.is_fresh(now)) {
            return Ok(token);
        }
        let line = tokens.with(vendor, |place| Arc::clone(&place.line));
        // One of this instance asks; the others use what they have, or wait for it.
        let _first = match (line.try_lock(), known.filter(|token| token.is_good(now))) {
            (Ok(first), _) => first,
            (Err(_), Some(token)) => return Ok(token),
            (Err(_), None) => line.lock().await,
        };
        let now = self.gateway.world.now();
        let known = tokens.token(vendor, self.seal);
        match known {
            Some(token) if token.is_fresh(now) => Ok(token),
            known => {
                // Once an hour, and as deep as a call of its own: on the heap it adds nothing to every call's future.
                let token = Box::pin(self.renewed(known)).await?;
                tokens.with(vendor, |place| place.token = Some(token.clone()));
                Ok(token)
            }
        }
    }

    /// The token that this instance knows is none, or not fresh: another's, or a new one. A good one is used rather than
    /// waited for.
    async fn renewed(self, known: Option<Token>) -> std::result::Result<Token, Instead> {
        let world = &self.gateway.world;
        let wait_until = world.now().plus(WAIT_MAX).min(self.call.permit.call_by());
        let mut best = known;
        // Whoever knows one need not read: the lease is refused when there is another.
        let mut seen = best.as_ref().map(|token| token.sealed.clone());
        if best.is_none() {
            let Some(item) = self.stored().await else { return self.fetched(false, FETCH_TIME).await };
            seen = item.as_ref().and_then(|item| item.text("sealed")).map(str::to_owned);
            best = item.as_ref().and_then(|item| self.seal.opened(item));
        }
        loop {
            if let Some(token) = best.as_ref().filter(|token| token.is_fresh(world.now())) {
                return Ok(token.clone());
            }
            match self.lease(seen.as_deref()).await {
                Lease::Taken => {
                    let good = best.filter(|token| token.is_good(world.now()));
                    let longest = if good.is_some() { RENEWAL_TIME } else { FETCH_TIME };
                    return match (self.fetched(true, longest).await, good) {
                        // Its time is not over: the next lease tries again.
                        (Err(_), Some(token)) => Ok(token),
                        (fetched, _) => fetched,
                    };
                }
                Lease::Unknown => match best.filter(|token| token.is_good(world.now())) {
                    Some(token) => return Ok(token),
                    None => return self.fetched(false, FETCH_TIME).await,
                },
                Lease::Lost(item) => {
                    seen = item.as_ref().and_then(|item| item.text("sealed")).map(str::to_owned);
                    // One that was dropped by somebody is not good any more; one for another secret says nothing of ours.
                    best = match &item {
                        Some(item) if seen.is_some() => self.seal.opened(item).or(best),
                        _ => None,
                    };
                }
            }
            if let Some(token) = best.as_ref().filter(|token| token.is_good(world.now())) {
                return Ok(token.clone());
            }
            let wait = LOOK_EVERY.mul_f64(0.5 + world.fraction());
            if world.now().plus(wait) >= wait_until {
                tracing::warn!({ fields::VENDOR } = self.call.vendor.as_str(), "waited in vain for another's token");
                return Err((Reply { class: Class::Transient, response: None }, None));
            }
            world.clock.sleep(wait).await;
        }
    }

    /// The item; `None` when the table cannot be asked.
    async fn stored(&self) -> Option<Option<Item>> {
        let key = key(self.call.vendor);
        self.gateway.admission.in_time(async { self.gateway.table.get(&key).await }).await
    }

    /// Leave to fetch, if nobody else has it and the token is still the one that was seen.
    async fn lease(&self, seen: Option<&str>) -> Lease {
        let now = self.gateway.world.now();
        let write = || {
            let write = Write::update(key(self.call.vendor))
                .set("type", &"token")?
                .set("lease_owner", &self.owner)?
                .set("lease_until", &now.plus(LEASE))?
                .when(&condition(
                    Guard::TokenLease,
                    "attribute_not_exists(#lease_until) OR #lease_until <= :now OR #lease_owner = :me",
                ))
                .bind(":now", &now)?
                .bind(":me", &self.owner)?;
            match seen {
                Some(sealed) => write.when("#sealed = :seen").bind(":seen", &sealed),
                None => Ok(write.when("attribute_not_exists(#sealed)")),
            }
        };
        match self.gateway.admission.in_time(async { self.gateway.table.update(write()?).await }).await {
            Some(Written::Done(_)) => Lease::Taken,
            Some(Written::Lost(item)) => Lease::Lost(item),
            None => Lease::Unknown,
        }
    }

    /// Asks the vendor; with a lease the token is written for the others.
    async fn fetched(self, is_leased: bool, longest: Duration) -> std::result::Result<Token, Instead> {
        let (gateway, seal, owner, vendor) = (self.gateway, self.seal, self.owner, self.call.vendor);
        let world = &gateway.world;
        let asked_at = world.now();
        let (bearer, life) = match self.asked(longest).await {
            Err((reply, Some(fault))) if is_leased => {
                self.let_go().await;
                return Err((reply, Some(fault)));
            }
            asked => asked?,
        };
        let ends_at = asked_at.plus(life);
        let token = seal.closed(bearer.expose(), asked_at, ends_at, world).map_err(|error| {
            tracing::error!({ fields::VENDOR } = vendor.as_str(), error = %error.chain(), "a token could not be kept");
            (Reply { class: Class::Transient, response: None }, None)
        })?;
        if is_leased {
            let write = || {
                Write::update(key(vendor))
                    .set("sealed", &token.sealed)?
                    .set("given_at", &asked_at)?
                    .set("ends_at", &ends_at)?
                    .set("expires", &ends_at.plus(KEPT_AFTER_END).seconds())?
                    .remove("lease_owner")
                    .remove("lease_until")
                    .when("#lease_owner = :me")
                    .bind(":me", &owner)
            };
            let _ = gateway.admission.in_time(async { gateway.table.update(write()?).await }).await;
        }
        Ok(token)
    }

    /// A refused secret needs no pacing, the credential switch does that: whoever waits with another need not wait longer.
    async fn let_go(&self) {
        let write = Write::update(key(self.call.vendor)).remove("lease_owner").remove("lease_until");
        let write = write.when("#lease_owner = :me").bind(":me", &self.owner);
        let _ = self.gateway.admission.in_time(async { self.gateway.table.update(write?).await }).await;
    }

    async fn asked(&self, longest: Duration) -> std::result::Result<(Private<String>, Duration), Instead> {
        let call = Call { operation: OPERATION, class: OperationClass::Read, attempt: 0, ..*self.call };
        let Ok(request) = (self.request)().inspect_err(|error| unusable(call.vendor, error)) else {
            return Err((refused(), None));
        };
        let pass: Pass = match self.gateway.admission.pass(call.vendor, call.class, self.credential).await {
            Ok(pass) => pass,
            Err(held) => {
                let fault = (held.why == "key_refused").then_some(Fault::Key { now: false });
                return Err((self.gateway.held(&call, &held), fault));
            }
        };
        let read = self.read;
        let classify = |status: StatusCode, _: &HeaderMap, body: &[u8]| match status.as_u16() {
            200 if read(body).is_some() => Class::Done,
            // RFC 6749, section 5.2: the client is not known, or its secret is wrong.
            400 | 401 => Class::Credentials,
            // Too many (FedEx says 403 then), or down. Nothing was done with or without a token.
            403 | 429 | 500.. => Class::Transient,
            _ => Class::Unknown,
        };
        let reply = self.gateway.sent(&call, pass, request, &classify, longest).await;
        let token = reply.response.as_ref().filter(|_| reply.class == Class::Done).and_then(|r| read(r.body()));
        token.ok_or_else(|| {
            // Whatever became of the token: the call itself was not made.
            let (class, fault) = match reply.class {
                Class::Credentials => (Class::Credentials, Some(Fault::Key { now: true })),
                _ => (Class::Transient, None),
            };
            (Reply { class, response: None }, fault)
        })
    }
}

fn refused() -> Reply {
    Reply { class: Class::Credentials, response: None }
}

fn unusable(vendor: Vendor, error: &Error) {
    tracing::error!(
        { fields::VENDOR } = vendor.as_str(),
        error = %error.chain(),
        "no usable key: put one into the vendor's secret"
    );
}
