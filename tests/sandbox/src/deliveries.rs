//! The webhooks on their way: when each is due, how often it was tried, when its sender gives up.

use crate::{Vendor, WebhookFault};
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use std::collections::BTreeMap;

/// The longest gap between two tries, in milliseconds (12 h): gaps double up to it.
const RETRY_GAP_MAX_MS: i64 = 12 * 3_600_000;

/// How long a reordered webhook waits for the one that shall overtake it, in milliseconds.
const OVERTAKING_WAIT_MS: i64 = 10_000;

/// How far behind the overtaking one it then comes, in milliseconds: enough for a real receiver to see the order.
const OVERTAKEN_BY_MS: i64 = 250;

/// One webhook request, signed and ready to be posted. The carrier reports what became of it by its id.
#[derive(Debug)]
pub struct Delivery {
    /// Names the delivery in [`crate::Sandbox::delivered`].
    pub id: u64,
    /// Who sends it.
    pub vendor: Vendor,
    /// The POST: whole URL, headers with the signature, body.
    pub request: http::Request<Bytes>,
    /// 1 for the first try.
    pub attempt: u32,
}

/// A webhook as its vendor hands it over to be posted.
#[derive(Clone, Debug)]
pub(crate) struct Posting {
    pub(crate) body: Bytes,
    /// Epoch milliseconds.
    pub(crate) due_ms: i64,
    /// Where it goes, as it is signed; none: to the endpoint that is registered for the vendor.
    pub(crate) url: Option<String>,
    /// Headers that are the same at every try.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) patience: Patience,
    /// The vendor's endpoint that it is for, where a vendor has several at one address; none: the vendor has one.
    pub(crate) sender: Option<String>,
}

impl Posting {
    /// A webhook for the vendor's endpoint, tried for `window_ms` at growing gaps.
    pub(crate) fn to_endpoint(body: Bytes, due_ms: i64, window_ms: i64) -> Self {
        Self {
            body,
            due_ms,
            url: None,
            headers: Vec::new(),
            patience: Patience::Window { ms: window_ms, until: None },
            sender: None,
        }
    }
}

/// How long a sender goes on when a webhook is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// At growing gaps, until so many milliseconds have passed since it was due first, or a receiver gives this answer.
    Window { ms: i64, until: Option<u16> },
    /// At equal gaps, so many times, and only after a failure that fits.
    Times { retries: u32, gap_ms: i64, after: Failures },
}

/// The failures after which a sender tries again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    /// The receiver was not reached, or gave no answer in time.
    pub(crate) no_answer: bool,
    /// 4xx.
    pub(crate) client_error: bool,
    /// 5xx.
    pub(crate) server_error: bool,
}

impl Failures {
    fn fits(self, status: Option<u16>) -> bool {
        match status {
            None => self.no_answer,
            Some(400..=499) => self.client_error,
            Some(500..=599) => self.server_error,
            Some(_) => false,
        }
    }
}

/// What became of the webhooks of one vendor so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryCounts {
    /// Not yet accepted, and to be tried (again).
    pub waiting: u64,
    /// Tries so far.
    pub tries: u64,
    /// Answered with 2xx.
    pub accepted: u64,
    /// Not accepted within the sender's retry window.
    pub given_up: u64,
    /// Never sent, because the fault dial said so.
    pub dropped: u64,
}

#[derive(Debug)]
struct Letter {
    vendor: Vendor,
    posting: Posting,
    created_ms: i64,
    due_ms: i64,
    attempt: u32,
    in_flight: bool,
    waits_for_next: bool,
}

/// A letter that is due now, before it is signed.
pub(crate) struct DueLetter {
    pub(crate) id: u64,
    pub(crate) vendor: Vendor,
    pub(crate) posting: Posting,
    pub(crate) attempt: u32,
}

/// All webhooks that are not yet accepted or given up.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    letters: BTreeMap<u64, Letter>,
    last_id: u64,
    counts: BTreeMap<Vendor, DeliveryCounts>,
}

impl Outbox {
    /// Takes a webhook that is due when it says, unless the fault says otherwise.
    pub(crate) fn put(&mut self, vendor: Vendor, posting: &Posting, fault: Option<WebhookFault>) {
        let due_ms = posting.due_ms;
        for overtaken in self.letters.values_mut().filter(|l| l.vendor == vendor && l.waits_for_next) {
            overtaken.waits_for_next = false;
            overtaken.due_ms = due_ms + OVERTAKEN_BY_MS;
        }
        let (copies, due_ms, waits_for_next) = match fault {
            None => (1, due_ms, false),
            Some(WebhookFault::Duplicate { copies }) => (1 + copies, due_ms, false),
            Some(WebhookFault::Reordered) => (1, due_ms + OVERTAKING_WAIT_MS, true),
            Some(WebhookFault::Late { ms }) => (1, due_ms + ms, false),
            Some(WebhookFault::Dropped) => (0, due_ms, false),
        };
        let counts = self.counts.entry(vendor).or_default();
        counts.waiting += u64::from(copies);
        counts.dropped += u64::from(copies == 0);
        for _ in 0..copies {
            self.last_id += 1;
            let letter = Letter {
                vendor,
                posting: posting.clone(),
                created_ms: due_ms,
                due_ms,
                attempt: 0,
                in_flight: false,
                waits_for_next,
            };
            self.letters.insert(self.last_id, letter);
        }
    }

    /// When the next webhook is due, in epoch milliseconds. Without an address of its own it waits for a vendor's
    /// endpoint to be `open`.
    pub(crate) fn next_due_ms(&self, open: impl Fn(Vendor) -> bool) -> Option<i64> {
        let can_go = |l: &&Letter| !l.in_flight && (l.posting.url.is_some() || open(l.vendor));
        self.letters.values().filter(can_go).map(|l| l.due_ms).min()
    }

    /// Takes what is due, earliest first. Each stays in flight until [`Self::delivered`].
    pub(crate) fn take_due(&mut self, now_ms: i64, open: impl Fn(Vendor) -> bool) -> Vec<DueLetter> {
        let mut due: Vec<(i64, u64)> = self
            .letters
            .iter()
            .filter(|(_, l)| !l.in_flight && l.due_ms <= now_ms && (l.posting.url.is_some() || open(l.vendor)))
            .map(|(id, l)| (l.due_ms, *id))
            .collect();
        due.sort_unstable();
        due.into_iter()
            .filter_map(|(_, id)| {
                let letter = self.letters.get_mut(&id)?;
                letter.in_flight = true;
                letter.waits_for_next = false;
                letter.attempt += 1;
                self.counts.entry(letter.vendor).or_default().tries += 1;
                Some(DueLetter { id, vendor: letter.vendor, posting: letter.posting.clone(), attempt: letter.attempt })
            })
            .collect()
    }

    /// Books the answer to a try (`None`: no answer). Only 2xx counts as accepted; a redirect does not.
    ///
    /// `first_gap_ms` is the gap before the first retry of who retries at growing gaps.
    pub(crate) fn delivered(&mut self, id: u64, status: Option<u16>, now_ms: i64, first_gap_ms: i64) {
        let Some(letter) = self.letters.get_mut(&id) else { return };
        let accepted = status.is_some_and(|status| (200..300).contains(&status));
        letter.in_flight = false;
        let given_up = match letter.posting.patience {
            Patience::Window { ms, until } => {
                let doublings = letter.attempt.saturating_sub(1).min(20);
                letter.due_ms = now_ms + first_gap_ms.saturating_mul(1 << doublings).min(RETRY_GAP_MAX_MS);
                letter.due_ms > letter.created_ms + ms || (status.is_some() && status == until)
            }
            Patience::Times { retries, gap_ms, after } => {
                letter.due_ms = now_ms + gap_ms;
                letter.attempt > retries || !after.fits(status)
            }
        };
        if accepted || given_up {
            let counts = self.counts.entry(letter.vendor).or_default();
            counts.waiting -= 1;
            counts.accepted += u64::from(accepted);
            counts.given_up += u64::from(!accepted);
            self.letters.remove(&id);
        }
    }

    /// The address that a webhook brought along.
    /// Its sender is gone: it is not tried again.
    pub(crate) fn forget(&mut self, id: u64) {
        if let Some(letter) = self.letters.remove(&id) {
            let counts = self.counts.entry(letter.vendor).or_default();
            counts.waiting -= 1;
            counts.dropped += 1;
        }
    }

    pub(crate) fn url_of(&self, id: u64) -> Option<&str> {
        self.letters.get(&id).and_then(|letter| letter.posting.url.as_deref())
    }

    /// The counts of one vendor.
    pub(crate) fn counts(&self, vendor: Vendor) -> DeliveryCounts {
        self.counts.get(&vendor).copied().unwrap_or_default()
    }
}
