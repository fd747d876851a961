//! What carriers ask for a consignment: all at once, under one deadline.
//!
//! One wave: all carriers' earlier answers are read at once, beside the leave to call each, and where one is fresh nobody
//! is called. At the deadline the caller gets what has come. Who is late is not dropped: the next request to this instance
//! finds it at work, and its answer in the cache.
//!
//! A quote's id is a hash of what was asked, what was answered and when. Whoever buys by it sends the same consignment, so
//! the answer that it stands for is found by the consignment alone: no quote is stored by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, Either, Shared, join, select};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};

use super::carriers::Carriers;
use crate::aws::table::Written;
use crate::aws::{Key, Table, Write};
use crate::domain::shipping::{Carrier, Consignment, Rate, consignment_hash};
use crate::domain::{Correlation, Money, QuoteId, Timestamp};
use crate::effects::Reason;
use crate::error::{Error, Result};
use crate::gateway::{Lane, Vendor};
use crate::guard::{Guard, holds};
use crate::telemetry::metrics::Metric;
use crate::vendors::carrier::{CallContext, CarrierAnswer};

/// How long an answer counts, and with it the quotes made of it. Carriers change prices daily; surcharges for a busy day
/// and a lane's capacity may change within the hour.
const FRESH_FOR: Duration = Duration::from_secs(20 * 60);
/// How long it is shown, as old, while its carrier cannot be asked.
const KEPT_FOR: Duration = Duration::from_secs(24 * 3_600);
/// How long a carrier may take for the cache's sake, after the caller has gone.
const LATE_MAX: Duration = Duration::from_secs(10);
/// Late answers that one instance waits for at once; the oldest are dropped first. Three carriers, ten requests.
const LATE_ANSWERS_MAX: usize = 30;
/// Answers kept in memory: a busy hour's consignments.
const IN_MEMORY_MAX: usize = 1_000;

/// A service at its price.
#[derive(Clone, Debug)]
pub struct Quote {
    /// What it can be bought by; none when it is old.
    pub quote_id: Option<QuoteId>,
    /// The service and its price.
    pub rate: Rate,
    /// When the carrier said so.
    pub asked_at: Timestamp,
}

/// What the carriers say.
#[derive(Clone, Debug, Default)]
pub struct Quoted {
    /// The cheapest first, by currency.
    pub quotes: Vec<Quote>,
    /// Who does not say anything new, and why: a stable code.
    pub errors: Vec<(Carrier, Reason)>,
}

/// The service that somebody buys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The carrier that offers it.
    pub carrier: Carrier,
    /// The carrier's code of the service.
    pub service: String,
    /// Its price.
    pub price: Money,
}

/// One carrier's answer about one consignment, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    #[serde(rename = "type")]
    item_type: String,
    rates: Vec<Rate>,
    asked_at: Timestamp,
    expires: i64,
}

/// Asks carriers and remembers what they said.
#[derive(Clone)]
pub struct Quotes {
    carriers: Carriers,
    table: Table,
    memory: RateMemory,
}

/// What a process remembers of prices, and whom it still waits for. Clones are the same memory.
#[derive(Clone, Default)]
pub struct RateMemory(Arc<Remembered>);

#[derive(Default)]
struct Remembered {
    answers: Mutex<HashMap<(Carrier, String), Arc<Known>>>,
    late: Mutex<FuturesUnordered<BoxFuture<'static, Finished>>>,
}

/// What carriers said before, read once for all of them and only when somebody waits for it.
type Earlier = Shared<BoxFuture<'static, Arc<HashMap<Carrier, Arc<Known>>>>>;

/// One carrier's part of one request.
struct Finished {
    request: u128,
    carrier: Carrier,
    /// What it says now, or why it says nothing.
    said: std::result::Result<Arc<Known>, Reason>,
}

/// What is asked, of everybody alike.
#[derive(Clone)]
struct Question {
    request: u128,
    consignment: Arc<Consignment>,
    hash: String,
    earlier: Earlier,
    call_by: Timestamp,
    correlation: Correlation,
}

impl Quotes {
    /// Quotes of these carriers, remembered in this table and this memory.
    pub const fn new(carriers: Carriers, table: Table, memory: RateMemory) -> Self {
        Self { carriers, table, memory }
    }

    /// Now, by the world's clock.
    pub fn now(&self) -> Timestamp {
        self.carriers.gateway.world().now()
    }

    /// Opens the connection to the table; failing is no matter.
    pub async fn warm(&self) {
        let _ = self.table.get(&Key::new("WARM", "WARM")).await;
    }

    /// Asks these carriers. Returns when all have answered, and at the deadline in any case.
    pub async fn ask(
        &self,
        consignment: Consignment,
        carriers: &[Carrier],
        deadline: Timestamp,
        correlation: &Correlation,
    ) -> Quoted {
        let world = self.carriers.gateway.world();
        let now = world.now();
        let hash = consignment_hash(&consignment);
        let question = Question {
            request: world.rng.next(),
            earlier: self.earlier(carriers, &hash),
            hash,
            consignment: Arc::new(consignment),
            call_by: now.plus(LATE_MAX),
            correlation: correlation.clone(),
        };
        let mut asked = std::mem::take(&mut *lock(&self.memory.0.late));
        let mut missing: Vec<(Carrier, Arc<OnceLock<Arc<Known>>>)> = Vec::new();
        for carrier in carriers {
            let earlier = Arc::new(OnceLock::new());
            missing.push((*carrier, Arc::clone(&earlier)));
            let price = self.clone().asked(*carrier, question.clone(), earlier);
            asked.push(Box::pin(price) as BoxFuture<'static, Finished>);
        }
        let mut quoted = Quoted::default();
        let mut timer = world.clock.sleep(deadline.since(now));
        while !missing.is_empty() {
            let finished = match select(asked.next(), &mut timer).await {
                Either::Left((Some(finished), _)) => finished,
                Either::Left((None, _)) | Either::Right(_) => break,
            };
            if finished.request != question.request {
                continue;
            }
            let Some(place) = missing.iter().position(|(carrier, _)| *carrier == finished.carrier) else { continue };
            let (carrier, earlier) = missing.remove(place);
            match finished.said {
                Ok(known) => quoted.add(carrier, &known, &question.hash, world.now()),
                Err(reason) => quoted.add_missing(carrier, reason, earlier.get(), &question.hash, world.now()),
            }
        }
        for (carrier, earlier) in missing {
            quoted.add_missing(carrier, Reason::Deadline, earlier.get(), &question.hash, world.now());
        }
        self.keep_late(asked);
        quoted.quotes.sort_by_key(|quote| (quote.rate.price.currency.code(), quote.rate.price.value));
        quoted
    }

    /// The service that a quote stands for, if it is of this consignment and still counts.
    ///
    /// # Errors
    /// 422 `quote_not_found` (of another consignment, or forgotten), 422 `quote_expired`.
    pub async fn chosen(&self, id: &QuoteId, consignment: &Consignment) -> Result<Chosen> {
        let hash = consignment_hash(consignment);
        let keys: Vec<Key> = Carrier::ALL.iter().map(|carrier| key(*carrier, &hash)).collect();
        let now = self.now();
        for item in self.table.get_many(&keys).await?.into_iter().flatten() {
            let known: Known = item.parse()?;
            let Some(rate) = known.rates.iter().find(|rate| quote_id(rate, &hash, known.asked_at) == *id) else {
                continue;
            };
            if !known.is_fresh(now) && holds(Guard::QuoteExpiry) {
                let detail = "This quote has expired: ask for rates again.";
                return Err(Error::rejected(422, "quote_expired", detail));
            }
            return Ok(Chosen { carrier: rate.carrier, service: rate.service.clone(), price: rate.price });
        }
        let detail = "There is no such quote for these parcels, addresses and this day: ask for rates again.";
        Err(Error::rejected(422, "quote_not_found", detail))
    }

    /// Those who are late stay at work while this instance lives.
    fn keep_late(&self, asked: FuturesUnordered<BoxFuture<'static, Finished>>) {
        let mut late = lock(&self.memory.0.late);
        late.extend(asked);
        let count = late.len();
        if count > LATE_ANSWERS_MAX {
            *late = std::mem::take(&mut *late).into_iter().skip(count - LATE_ANSWERS_MAX).collect();
        }
    }

    async fn asked(self, carrier: Carrier, question: Question, earlier: Arc<OnceLock<Arc<Known>>>) -> Finished {
        let request = question.request;
        let said = Box::pin(self.says(carrier, &question, &earlier)).await;
        Finished { request, carrier, said }
    }

    /// What a carrier says: from memory, from the table, or asked now. `earlier` is set as soon as an answer of before is
    /// known, whatever its age.
    async fn says(
        &self,
        carrier: Carrier,
        question: &Question,
        earlier: &OnceLock<Arc<Known>>,
    ) -> std::result::Result<Arc<Known>, Reason> {
        let gateway = &self.carriers.gateway;
        let world = gateway.world();
        let place = (carrier, question.hash.clone());
        let remembered = lock(&self.memory.0.answers).get(&place).cloned();
        if let Some(known) = remembered.filter(|known| known.is_fresh(world.now())) {
            return Ok(known);
        }
        let permit = gateway.permit(Vendor::from(carrier), Lane::Interactive, question.call_by);
        let (stored, permit) = Box::pin(join(question.earlier.clone(), permit)).await;
        if let Some(known) = stored.get(&carrier) {
            let _ = earlier.set(Arc::clone(known));
            if known.is_fresh(world.now()) {
                self.remember(place, known);
                return Ok(Arc::clone(known));
            }
        }
        let context = CallContext { permit: &permit, attempt: 0, correlation: &question.correlation };
        let answer = self.carriers.get(carrier).rates(&question.consignment, None, context).await;
        let is_priced = matches!(&answer, CarrierAnswer::Done(rates) if !rates.is_empty());
        Metric::Quotes.count(world.now(), &[carrier.as_str(), if is_priced { "priced" } else { "failed" }]);
        match answer {
            CarrierAnswer::Done(rates) => {
                let now = world.now();
                let expires = now.plus(KEPT_FOR).seconds();
                let known = Arc::new(Known { item_type: "rates".to_owned(), rates, asked_at: now, expires });
                // A quote that is not in the table cannot be bought by its id, and that is all: it is told all the same.
                let kept = self.keep(key(carrier, &question.hash), &known).await.unwrap_or_else(|error| {
                    tracing::warn!(error = %error.chain(), "a carrier's answer could not be kept");
                    known
                });
                self.remember(place, &kept);
                Ok(kept)
            }
            CarrierAnswer::Refused(refusal) => Err(refusal.reason()),
            CarrierAnswer::NotDone { reason, .. } => Err(reason),
            CarrierAnswer::Unknown => Err(Reason::VendorUnavailable),
        }
    }

    /// What these carriers said of this consignment before. One that cannot be read counts as none.
    fn earlier(&self, carriers: &[Carrier], hash: &str) -> Earlier {
        let (table, carriers) = (self.table.clone(), carriers.to_vec());
        let keys: Vec<Key> = carriers.iter().map(|carrier| key(*carrier, hash)).collect();
        let read = async move {
            let unreadable = |error: &Error| tracing::warn!(error = %error.chain(), "an earlier answer cannot be read");
            let items = table.get_many(&keys).await.inspect_err(unreadable).unwrap_or_default();
            let known = carriers.into_iter().zip(items).filter_map(|(carrier, item)| {
                let known = item?.parse::<Known>().inspect_err(unreadable).ok()?;
                Some((carrier, Arc::new(known)))
            });
            Arc::new(known.collect())
        };
        read.boxed().shared()
    }

    /// Writes the whole item, in a plain write: a transaction of one costs twice as much, and takes longer. Gives what is
    /// kept: of two who asked at once the first one's answer, because its quotes were told, and have to be found.
    async fn keep(&self, key: Key, known: &Arc<Known>) -> Result<Arc<Known>> {
        let Known { item_type, rates, asked_at, expires } = known.as_ref();
        let write = Write::update(key)
            .set("type", item_type)?
            .set("rates", rates)?
            .set("asked_at", asked_at)?
            .set("expires", expires)?
            .when("attribute_not_exists(#asked_at) OR #asked_at <= :old")
            .bind(":old", &asked_at.minus(FRESH_FOR))?;
        match self.table.update(write).await? {
            Written::Lost(Some(first)) => first.parse().map(Arc::new),
            Written::Done(_) | Written::Lost(None) => Ok(Arc::clone(known)),
        }
    }

    fn remember(&self, place: (Carrier, String), known: &Arc<Known>) {
        let mut memory = lock(&self.memory.0.answers);
        if memory.len() >= IN_MEMORY_MAX {
            memory.clear();
        }
        memory.insert(place, Arc::clone(known));
    }
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.asked_at) < FRESH_FOR
    }
}

impl Quoted {
    fn add(&mut self, carrier: Carrier, known: &Known, hash: &str, now: Timestamp) {
        if known.rates.is_empty() {
            self.errors.push((carrier, Reason::CarrierService));
        }
        let fresh = known.is_fresh(now);
        self.quotes.extend(known.rates.iter().map(|rate| Quote {
            quote_id: fresh.then(|| quote_id(rate, hash, known.asked_at)),
            rate: rate.clone(),
            asked_at: known.asked_at,
        }));
    }

    /// Who says nothing new is named, and what it said before is shown, as old.
    fn add_missing(
        &mut self,
        carrier: Carrier,
        reason: Reason,
        earlier: Option<&Arc<Known>>,
        hash: &str,
        now: Timestamp,
    ) {
        // A carrier that refuses has changed its mind since.
        let refuses = reason.is_of_carrier();
        self.errors.push((carrier, reason));
        if let Some(known) = earlier.filter(|known| !refuses && now.since(known.asked_at) < KEPT_FOR) {
            self.add(carrier, known, hash, now);
        }
    }
}

impl Quote {
    /// Until when it can be bought; none when it is old.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.quote_id.as_ref().map(|_| self.asked_at.plus(FRESH_FOR))
    }
}

fn key(carrier: Carrier, hash: &str) -> Key {
    Key::new(format!("RATES#{}#{hash}", carrier.as_str()), "RATES")
}

fn quote_id(rate: &Rate, hash: &str, asked_at: Timestamp) -> QuoteId {
    let (price, at) = (rate.price.to_string(), asked_at.ms().to_string());
    QuoteId::of(&["quote", hash, rate.carrier.as_str(), &rate.service, &price, &at])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
