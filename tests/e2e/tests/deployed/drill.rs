//! The outage drill: both vendors down, orders coming in, functions killed at random; then recovery. The table that it
//! prints is in the README.
//!
//! A mail whose answer was lost is held back for ten minutes, in case the vendor tells of it. So the drill has a stack of
//! its own and two tests: the outage itself, and, when the others are through, what became of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use local::{Options, Stack};
use serde_json::{Value, json};

use crate::{Deployed, confirmed_payment, until};

/// Orders, all asked for while the vendors are down, unless `CROSSDOCK_DRILL_ORDERS` says otherwise.
const ORDERS: usize = 500;
/// Storefronts that ask side by side.
const STOREFRONTS: usize = 8;
/// How long only SendGrid is down.
const MAILS_FIRST: Duration = Duration::from_secs(10);
/// How long the vendors answer 503, and then how long they do not answer at all.
const EACH_OUTAGE: Duration = Duration::from_secs(60);
/// Longer than any timeout of ours.
const NO_ANSWER_MS: u64 = 60_000;
/// How often a function's process is killed.
const KILL_EVERY: Duration = Duration::from_millis(1_500);
/// A shop repeats a request that got no answer; more often means that something is broken.
const REPEATS_MAX: usize = 40;
/// From the recovery until the last mail is delivered: the longest reopening that two minutes of outage lead to, the ramp,
/// and what the emulator can do with a tenth of a second for each invocation.
const DRAINED_WITHIN: Duration = Duration::from_secs(900);
/// Failures that open a breaker, as gateway/breaker.rs has it.
const OPENS_AFTER: u64 = 5;

/// The drill between its two tests.
#[derive(Default)]
pub(crate) struct Drill {
    deployed: OnceLock<Deployed>,
    outage: OnceLock<Outage>,
    drained: Mutex<Option<JoinHandle<Result<Duration>>>>,
    /// Set when nobody asks for the second test any more.
    given_up: Arc<AtomicBool>,
}

/// What was seen until the vendors came back.
struct Outage {
    orders: usize,
    kills: BTreeMap<String, usize>,
    calls: BTreeMap<String, u64>,
    took: Duration,
}

impl Drill {
    /// The outage, until nine in ten orders are charged. What is left then waits for something, and is waited for beside
    /// other tests.
    pub(crate) fn begin(&self, others: &Deployed) -> Result<()> {
        let stack = others.runtime.block_on(Stack::up(Options::named("e2e-drill")))?;
        let deployed = Deployed { runtime: Arc::clone(&others.runtime), stack: Arc::new(stack) };
        let deployed = self.deployed.get_or_init(|| deployed);
        let outage = suffer(deployed)?;
        heal(deployed)?;

        let (patient, orders, recovered) = (deployed.clone(), outage.orders, Instant::now());
        let given_up = Arc::clone(&self.given_up);
        let drained = std::thread::spawn(move || {
            until("every order of the drill paid and mailed", DRAINED_WITHIN, || {
                ensure!(!given_up.load(Ordering::Relaxed), "the drill was not followed to its end");
                is_drained(&patient, orders)
            })?;
            Ok(recovered.elapsed())
        });
        *self.drained.lock().unwrap_or_else(PoisonError::into_inner) = Some(drained);
        let outage = self.outage.get_or_init(|| outage);
        until("most orders of the drill charged", DRAINED_WITHIN, || is_charged(deployed, orders - orders / 10))?;

        // Five failures open a breaker; what is under way then, one call a process, cannot be called back; after that
        // there is a probe a minute, which a killed prober costs once more.
        let bound = OPENS_AFTER
            + STOREFRONTS as u64 * 2
            + 10
            + outage.took.as_secs() / 30
            + outage.kills.values().sum::<usize>() as u64;
        for (vendor, calls) in &outage.calls {
            ensure!(*calls <= bound, "{vendor} got {calls} calls while it was down, more than {bound}");
        }
        Ok(())
    }

    /// What became of it: waits for the last mail.
    pub(crate) fn end(&self, _: &Deployed) -> Result<()> {
        let drained = self.drained.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(deployed), Some(outage), Some(drained)) = (self.deployed.get(), self.outage.get(), drained) else {
            bail!("there was no outage before: `cargo test -p e2e an_outage` runs both parts of the drill");
        };
        let drained = drained.join().unwrap_or_else(|_| bail!("whoever waited for the drill's mails panicked"))?;
        let most_a_second = most_a_second(deployed)?;
        print(outage, drained, &most_a_second);
        nothing_twice(deployed, outage.orders)?;
        for queue in ["InboundEvents", "Payments", "Email", "EmailBulk", "Sms", "SmsBulk", "DomainEvents"] {
            let queue = &format!("{queue}DlqUrl");
            let depth = deployed.runtime.block_on(deployed.stack.queue(queue))?;
            ensure!(depth.visible + depth.in_flight == 0, "the outage left {} messages in {queue}", depth.visible);
        }
        // Stripe allows 100 a second and bursts of 200: 1.1 × of both.
        ensure!(most_a_second["stripe"] <= 330, "{most_a_second:?}");
        Ok(())
    }

    /// Its stack, once there is one.
    pub(crate) fn stack(&self) -> Option<&Arc<Stack>> {
        self.deployed.get().map(|deployed| &deployed.stack)
    }
}

impl Drop for Drill {
    /// Whoever waits owns the stack too, which would be left running.
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
        let waiting = self.drained.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waiting) = waiting {
            let _given_up = waiting.join();
        }
    }
}

/// Orders come in and processes are killed while the vendors fail.
fn suffer(deployed: &Deployed) -> Result<Outage> {
    let orders = std::env::var("CROSSDOCK_DRILL_ORDERS").ok().and_then(|n| n.parse().ok()).unwrap_or(ORDERS);
    let begun = Instant::now();
    let (over, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (kills, before) = std::thread::scope(|scope| {
        let killer = scope.spawn(|| kill_at_random(deployed, &over));
        let shops: Vec<_> = (0..STOREFRONTS).map(|_| scope.spawn(|| ask(deployed, orders, &next))).collect();
        let before = vendors_fail(deployed);
        let asked: Result<Vec<()>> = shops.into_iter().map(joined).collect();
        std::thread::sleep(EACH_OUTAGE.saturating_sub(begun.elapsed().saturating_sub(MAILS_FIRST + EACH_OUTAGE)));
        over.store(true, Ordering::Relaxed);
        asked.and(before).map(|before| (killer.join().unwrap_or_default(), before))
    })?;
    let calls = calls(deployed)?.into_iter().map(|(vendor, calls)| (vendor.clone(), calls - before[&vendor])).collect();
    Ok(Outage { orders, kills, calls, took: begun.elapsed() })
}

/// First SendGrid fails, so that there are mails that cannot be sent, then Stripe too, and at last neither answers at
/// all. Gives the calls that each had had when it went down.
fn vendors_fail(deployed: &Deployed) -> Result<BTreeMap<String, u64>> {
    let mut before = calls(deployed)?;
    down(deployed, &json!({ "outages": ["sendgrid"] }))?;
    std::thread::sleep(MAILS_FIRST);
    down(deployed, &json!({ "outages": ["stripe"] }))?;
    before.insert("stripe".to_owned(), calls(deployed)?["stripe"]);
    std::thread::sleep(EACH_OUTAGE);
    let silence = |vendor: &str| json!({ "vendor": vendor, "operation": "*", "fault": "delay", "ms": NO_ANSWER_MS });
    let loss = |vendor: &str| json!({ "vendor": vendor, "operation": "*", "fault": "lost_request" });
    let rules = ["stripe", "sendgrid"].map(|vendor| [silence(vendor), loss(vendor)]).concat();
    heal(deployed)?;
    down(deployed, &json!({ "calls": rules }))?;
    Ok(before)
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| bail!("a storefront panicked"))
}

fn down(deployed: &Deployed, faults: &Value) -> Result<()> {
    deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::POST, "faults", Some(faults))).map(drop)
}

fn heal(deployed: &Deployed) -> Result<()> {
    deployed.runtime.block_on(deployed.stack.sandbox().heal())
}

/// One storefront: it takes the next order, and repeats what was not answered, as a shop would.
fn ask(deployed: &Deployed, orders: usize, next: &AtomicUsize) -> Result<()> {
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= orders {
            return Ok(());
        }
        let order = order_id(number);
        let taken = (0..REPEATS_MAX).any(|_| {
            let answer = deployed.post("/payments", &[], &confirmed_payment(&order, "pm_card_visa"));
            let taken = answer.is_ok_and(|answer| matches!(answer.status.as_u16(), 201 | 202));
            if !taken {
                std::thread::sleep(Duration::from_millis(500));
            }
            taken
        });
        ensure!(taken, "order {order} was not taken");
    }
}

fn order_id(number: usize) -> String {
    format!("drill-{number}")
}

/// SIGKILL to one function's process after the other, until it is over; how many of each.
fn kill_at_random(deployed: &Deployed, over: &AtomicBool) -> BTreeMap<String, usize> {
    let (mut kills, mut turn) = (BTreeMap::new(), 0_usize);
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(KILL_EVERY);
        let running = deployed.stack.function_processes();
        // Not random numbers but a stride that is prime to most counts: every process has its turn.
        turn = turn.wrapping_add(7);
        if let Some(process) = running.get(turn % running.len().max(1))
            && process.kill().is_ok()
        {
            *kills.entry(process.function.clone()).or_default() += 1;
        }
    }
    kills
}

/// Calls that each vendor has had.
fn calls(deployed: &Deployed) -> Result<BTreeMap<String, u64>> {
    let state = deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "state", None))?;
    let calls = state["calls"].as_object().context("the sandbox counts no calls")?;
    Ok(calls.iter().map(|(vendor, n)| (vendor.clone(), n.as_u64().unwrap_or(0))).collect())
}

/// The busiest second of each vendor.
fn most_a_second(deployed: &Deployed) -> Result<BTreeMap<String, u64>> {
    let calls = deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "calls", None))?;
    let mut seconds: BTreeMap<(String, i64), u64> = BTreeMap::new();
    for call in calls.as_array().into_iter().flatten() {
        let vendor = call["vendor"].as_str().unwrap_or_default().to_owned();
        *seconds.entry((vendor, call["at_ms"].as_i64().unwrap_or(0) / 1_000)).or_default() += 1;
    }
    let mut most = BTreeMap::from([("stripe".to_owned(), 0), ("sendgrid".to_owned(), 0)]);
    for ((vendor, _), calls) in seconds {
        let so_far = most.entry(vendor).or_default();
        *so_far = calls.max(*so_far);
    }
    Ok(most)
}

/// `Some` when Stripe has payments for so many orders.
fn is_charged(deployed: &Deployed, orders: usize) -> Result<Option<()>> {
    let state = deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "state", None))?;
    Ok((of_drill(&state["stripe"]["payment_intents"], "metadata").len() >= orders).then_some(()))
}

/// `Some` when the vendors say that every order is paid and mailed, and we do too for the last ones asked for.
fn is_drained(deployed: &Deployed, orders: usize) -> Result<Option<()>> {
    std::thread::sleep(Duration::from_secs(2));
    let state = deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "state", None))?;
    if of_drill(&state["sendgrid"]["mails"], "custom_args").len() < orders || is_charged(deployed, orders)?.is_none() {
        return Ok(None);
    }
    for number in 0..orders {
        let order = deployed.runtime.block_on(deployed.stack.order(&order_id(number)))?.context("an order is gone")?;
        let (paid, mailed) = (&order["payment"]["status"], &order["messages"][0]["status"]);
        if paid != "succeeded" || mailed != "delivered" {
            return Ok(None);
        }
    }
    Ok(Some(()))
}

/// The orders of the drill that a vendor knows, with how often.
fn of_drill(objects: &Value, labels: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for object in objects.as_array().into_iter().flatten() {
        let order = object[labels]["crossdock_order"].as_str().unwrap_or_default();
        if order.starts_with("drill-") {
            *found.entry(order.to_owned()).or_default() += 1;
        }
    }
    found
}

fn nothing_twice(deployed: &Deployed, orders: usize) -> Result<()> {
    let state = deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "state", None))?;
    for (what, objects, labels) in [
        ("charges", &state["stripe"]["payment_intents"], "metadata"),
        ("mails", &state["sendgrid"]["mails"], "custom_args"),
    ] {
        let found = of_drill(objects, labels);
        ensure!(found.len() == orders, "{what} for {} of {orders} orders", found.len());
        let twice: Vec<_> = found.iter().filter(|(_, times)| **times != 1).collect();
        ensure!(twice.is_empty(), "{what} made more than once: {twice:?}");
    }
    Ok(())
}

fn print(outage: &Outage, drained: Duration, most_a_second: &BTreeMap<String, u64>) {
    let kills: usize = outage.kills.values().sum();
    println!("\n| outage drill | |\n|---|---|");
    println!("| orders, all asked for during the outage | {} |", outage.orders);
    println!("| outage: 503, then no answer | {} s |", outage.took.as_secs());
    println!("| function processes killed (SIGKILL) | {kills} |");
    let taking_part = |vendor: &String| outage.calls.get(vendor).is_some_and(|calls| *calls > 0);
    for (vendor, calls) in outage.calls.iter().filter(|(vendor, _)| taking_part(vendor)) {
        println!("| calls to {vendor} while it was down | {calls} |");
    }
    println!("| from recovery to the last mail delivered | {} s |", drained.as_secs());
    for (vendor, calls) in most_a_second.iter().filter(|(vendor, _)| taking_part(vendor)) {
        println!("| most calls to {vendor} in a second | {calls} |");
    }
    println!("| charges, mails of each order | 1, 1 |\n| messages in dead-letter queues | 0 |\n");
    for (function, times) in &outage.kills {
        println!("killed {times} × {function}");
    }
}
