//! The outage drill: both vendors down, orders coming in, functions killed at random; then recovery. The table that it
//! prints is in infra/docs/testing.md.
//!
//! Small, unless `CROSSDOCK_DRILL=large` asks for the one of that page. A mail whose answer was lost is held back for ten
//! minutes, in case the vendor tells of it; the small one has a stack on which that is a minute (`MailEventWindowS`, which
//! no stack in stage `production` takes). Breakers and the ramp after them are the product's own in both.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use http::Method;
use local::Options;
use serde_json::{Value, json};

use crate::{Deployed, confirmed_payment, until};

/// How large the drill is.
struct Size {
    name: &'static str,
    /// Orders, all asked for while the vendors are down.
    orders: usize,
    /// How long the vendors answer 503, and then how long they do not answer at all.
    each_outage: Duration,
    /// Seconds in which an event of a mail must have come (`MailEventWindowS`); none: as it is in production.
    mail_event_window_s: Option<&'static str>,
}

/// Each outage is longer than five failures take, so that the breakers open, and the silence longer than a timeout for
/// mails (10 s) and for payments (30 s).
const SMALL: Size =
    Size { name: "small", orders: 40, each_outage: Duration::from_secs(35), mail_event_window_s: Some("60") };
const LARGE: Size =
    Size { name: "large", orders: 500, each_outage: Duration::from_secs(60), mail_event_window_s: None };

/// Storefronts that ask side by side.
const STOREFRONTS: usize = 8;
/// How long only SendGrid is down.
const MAILS_FIRST: Duration = Duration::from_secs(10);
/// Longer than any timeout of ours.
const NO_ANSWER_MS: u64 = 60_000;
/// How often a function's process is killed.
const KILL_EVERY: Duration = Duration::from_millis(1_500);
/// A shop repeats a request that got no answer; more often means that something is broken.
const REPEATS_MAX: usize = 40;
/// From the recovery until the last mail is delivered, in looks of two seconds and more: the longest reopening that two
/// minutes of outage lead to, the ramp, ten minutes for mails, and what the emulator can do with a tenth of a second for
/// each invocation. Six times what the large one takes.
const LOOKS_UNTIL_DRAINED: usize = 1_800;
/// Failures that open a breaker, as gateway/breaker.rs has it.
const OPENS_AFTER: u64 = 5;

/// What was seen until the vendors came back.
struct Outage {
    kills: BTreeMap<String, usize>,
    calls: BTreeMap<String, u64>,
    took: Duration,
}

pub(crate) fn outage(deployed: &Deployed) -> Result<()> {
    let size = match std::env::var("CROSSDOCK_DRILL").as_deref() {
        Err(_) | Ok("" | "small") => SMALL,
        Ok("large") => LARGE,
        Ok(other) => bail!("CROSSDOCK_DRILL is {other}, which is neither small nor large"),
    };
    let window = size.mail_event_window_s.map(|seconds| ("MailEventWindowS".to_owned(), seconds.to_owned()));
    let options = Options { parameters: window.into_iter().collect(), ..Options::named("e2e-drill") };
    deployed.on_a_stack_of_its_own(options, |beside| suffered_and_recovered(beside, &size))
}

fn suffered_and_recovered(deployed: &Deployed, size: &Size) -> Result<()> {
    let outage = suffer(deployed, size)?;
    heal(deployed)?;
    let recovered = Instant::now();
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
    until("every order of the drill paid and mailed", LOOKS_UNTIL_DRAINED, || is_drained(deployed, size.orders))?;
    let drained = recovered.elapsed();
    let most_a_second = most_a_second(deployed)?;
    nothing_twice(deployed, size.orders)?;
    deployed.dead_letter_queues_are_empty()?;
    // Stripe allows 100 a second and bursts of 200: 1.1 × of both.
    ensure!(most_a_second["stripe"] <= 330, "{most_a_second:?}");
    println!("{}", report(size, &outage, drained, &most_a_second));
    Ok(())
}

/// Orders come in and processes are killed while the vendors fail.
fn suffer(deployed: &Deployed, size: &Size) -> Result<Outage> {
    let orders = size.orders;
    let begun = Instant::now();
    let (over, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (kills, before) = std::thread::scope(|scope| {
        let killer = scope.spawn(|| kill_at_random(deployed, &over));
        let shops: Vec<_> = (0..STOREFRONTS).map(|_| scope.spawn(|| ask(deployed, orders, &next))).collect();
        let before = vendors_fail(deployed, size);
        let asked: Result<Vec<()>> = shops.into_iter().map(joined).collect();
        std::thread::sleep((MAILS_FIRST + size.each_outage * 2).saturating_sub(begun.elapsed()));
        over.store(true, Ordering::Relaxed);
        asked.and(before).map(|before| (killer.join().unwrap_or_default(), before))
    })?;
    let calls = calls(deployed)?.into_iter().map(|(vendor, calls)| (vendor.clone(), calls - before[&vendor])).collect();
    Ok(Outage { kills, calls, took: begun.elapsed() })
}

/// First SendGrid fails, so that there are mails that cannot be sent, then Stripe too, and at last neither answers at
/// all. Gives the calls that each had had when it went down.
fn vendors_fail(deployed: &Deployed, size: &Size) -> Result<BTreeMap<String, u64>> {
    let mut before = calls(deployed)?;
    down(deployed, &json!({ "outages": ["sendgrid"] }))?;
    std::thread::sleep(MAILS_FIRST);
    down(deployed, &json!({ "outages": ["stripe"] }))?;
    before.insert("stripe".to_owned(), calls(deployed)?["stripe"]);
    std::thread::sleep(size.each_outage);
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

/// `Some` when the vendors say that every order is paid and mailed, and we do too for the last ones asked for.
fn is_drained(deployed: &Deployed, orders: usize) -> Result<Option<()>> {
    std::thread::sleep(Duration::from_secs(2));
    let state = deployed.runtime.block_on(deployed.stack.sandbox().admin(Method::GET, "state", None))?;
    let charged = of_drill(&state["stripe"]["payment_intents"], "metadata").len();
    if charged < orders || of_drill(&state["sendgrid"]["mails"], "custom_args").len() < orders {
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

/// In one piece: others print beside it.
fn report(size: &Size, outage: &Outage, drained: Duration, most_a_second: &BTreeMap<String, u64>) -> String {
    let kills: usize = outage.kills.values().sum();
    let mut lines = vec![
        format!("\n| outage drill, {} | |\n|---|---|", size.name),
        format!("| orders, all asked for during the outage | {} |", size.orders),
        format!("| outage: 503, then no answer | {} s |", outage.took.as_secs()),
        format!("| function processes killed (SIGKILL) | {kills} |"),
    ];
    let taking_part = |vendor: &String| outage.calls.get(vendor).is_some_and(|calls| *calls > 0);
    for (vendor, calls) in outage.calls.iter().filter(|(vendor, _)| taking_part(vendor)) {
        lines.push(format!("| calls to {vendor} while it was down | {calls} |"));
    }
    lines.push(format!("| from recovery to the last mail delivered | {} s |", drained.as_secs()));
    for (vendor, calls) in most_a_second.iter().filter(|(vendor, _)| taking_part(vendor)) {
        lines.push(format!("| most calls to {vendor} in a second | {calls} |"));
    }
    lines.push("| charges, mails of each order | 1, 1 |\n| messages in dead-letter queues | 0 |\n".to_owned());
    lines.extend(outage.kills.iter().map(|(function, times)| format!("killed {times} × {function}")));
    lines.join("\n")
}
