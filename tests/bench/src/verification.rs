//! How long it takes to know that Stripe sent an event and what it says, in this process, without any call.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use crossdock::domain::Timestamp;
use crossdock::vendors::stripe::{object_id, read_event, verify};
use serde::Serialize;

use crate::environment::WEBHOOK_SECRET;
use crate::events::signature;
use crate::statistics::Spread;

/// Verifications between two looks at the clock.
const BATCH: u32 = 200;
/// Batches of a measurement.
const BATCHES: u32 = 100;
/// A name for each way of looking at an event.
type Way<'a> = (&'static str, &'a dyn Fn() -> bool);

/// One way of looking at an event.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
    /// Who and what.
    pub label: String,
    /// Microseconds for one event.
    pub micros: Spread,
    /// Events in a second on one CPU.
    pub per_second: f64,
}

/// Ours, on an event of this body.
///
/// # Errors
/// When the event is not accepted: then nothing was measured.
pub fn ours(body: &str) -> Result<Vec<Verification>> {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let (header, now) = (signature(body, now_s), Timestamp::from_seconds(i64::try_from(now_s)?));
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let verified = || {
        let secrets = std::iter::once(WEBHOOK_SECRET);
        verify::verify(secrets, black_box(&header), black_box(bytes.clone()), now).ok()
    };
    let ways: [Way<'_>; 3] = [
        ("signature", &|| verified().is_some()),
        ("signature + envelope", &|| verified().is_some_and(|event| object_id(&event.get().body).is_some())),
        ("signature + typed event", &|| verified().is_some_and(|event| read_event(&event.get().body, now).is_ok())),
    ];
    ways.into_iter().map(|(label, way)| measured(&format!("Crossdock: {label}"), way)).collect()
}

fn measured(label: &str, way: &dyn Fn() -> bool) -> Result<Verification> {
    let mut micros = Vec::new();
    for batch in 0..=BATCHES {
        let started = Instant::now();
        let mut accepted = true;
        for _ in 0..BATCH {
            accepted &= black_box(way());
        }
        ensure!(accepted, "{label}: the event was not accepted");
        // The first batch only warms the caches.
        if batch > 0 {
            micros.push(started.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH));
        }
    }
    let micros = Spread::of(&micros).context("batches were measured")?;
    Ok(Verification { label: label.to_owned(), micros, per_second: 1e6 / micros.median })
}

/// A competitor's, by its own script: it is given body, header and secret, and prints microseconds, one batch a line.
///
/// # Errors
/// When the script fails.
pub fn peer(label: &str, program: &Path, script: &Path, directory: &Path, body: &str) -> Result<Verification> {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let output = Command::new(program)
        .arg(script)
        .current_dir(directory)
        .env("BODY", body)
        .env("HEADER", signature(body, now_s))
        .env("SECRET", WEBHOOK_SECRET)
        .output()?;
    ensure!(output.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let micros: Vec<f64> = said.lines().filter_map(|line| line.trim().parse().ok()).collect();
    let micros = Spread::of(&micros).context("the script printed no number")?;
    Ok(Verification { label: label.to_owned(), micros, per_second: 1e6 / micros.median })
}
