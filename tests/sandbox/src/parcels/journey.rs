//! The way of a parcel after its label was made: by the clock, or scan by scan at somebody's word.

use super::{Parcels, Shipment};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

const HOUR_MS: i64 = 3_600_000;

/// How long after the scan before it each scan of an ordinary way comes, in milliseconds.
const PICKED_UP_AFTER_MS: i64 = 4 * HOUR_MS;
const IN_TRANSIT_AFTER_MS: i64 = 6 * HOUR_MS;
const OUT_FOR_DELIVERY_AFTER_MS: i64 = 20 * HOUR_MS;
const DELIVERED_AFTER_MS: i64 = 4 * HOUR_MS;

/// How long the way across a border takes on top, in milliseconds.
const ACROSS_BORDER_MS: i64 = 24 * HOUR_MS;

/// How long after a failed delivery the parcel goes back, and how long that takes, in milliseconds.
const SENT_BACK_AFTER_MS: i64 = 24 * HOUR_MS;
const RETURNED_AFTER_MS: i64 = 24 * HOUR_MS;

/// Something that a carrier says has happened to a parcel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scan {
    /// The label was made; the carrier has nothing yet.
    Created,
    /// The carrier has it.
    PickedUp,
    /// It is between two places.
    InTransit,
    /// It could not be delivered, or is held up.
    Exception,
    /// It is on the last van.
    OutForDelivery,
    /// It is there.
    Delivered,
    /// It is on its way back.
    SentBack,
    /// It is back where it came from.
    Returned,
    /// A code that nobody has heard of.
    Unknown,
}

/// A scan and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Scanned {
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub scan: Scan,
}

/// What becomes of the parcels of a shipment; [`ParcelCourse::Delivered`] unless a [`super::ParcelRule`] says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParcelCourse {
    /// Picked up, in transit, out for delivery, delivered, by the clock.
    #[default]
    Delivered,
    /// Nobody is at home the first time.
    Exception,
    /// Nobody is at home, and it goes back.
    Returned,
    /// A code that nobody has heard of comes in between.
    Strange,
    /// As [`ParcelCourse::Delivered`], but nothing happens by the clock: only at the word of a test or of `/_sandbox/`.
    Still,
}

/// The scans that are to come, each with its distance from the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    next: VecDeque<(i64, Scan)>,
    /// When the next one comes by the clock, epoch milliseconds.
    due_ms: Option<i64>,
    still: bool,
}

impl Plan {
    pub(super) fn new(now_ms: i64, course: ParcelCourse, abroad: bool) -> Self {
        let mut next = vec![(PICKED_UP_AFTER_MS, Scan::PickedUp), (IN_TRANSIT_AFTER_MS, Scan::InTransit)];
        if abroad {
            next.push((ACROSS_BORDER_MS, Scan::InTransit));
        }
        let last_van = (OUT_FOR_DELIVERY_AFTER_MS, Scan::OutForDelivery);
        let nobody_home = (DELIVERED_AFTER_MS, Scan::Exception);
        let at_door = (DELIVERED_AFTER_MS, Scan::Delivered);
        next.extend(match course {
            ParcelCourse::Delivered | ParcelCourse::Still => vec![last_van, at_door],
            ParcelCourse::Exception => vec![last_van, nobody_home, last_van, at_door],
            ParcelCourse::Returned => {
                vec![last_van, nobody_home, (SENT_BACK_AFTER_MS, Scan::SentBack), (RETURNED_AFTER_MS, Scan::Returned)]
            }
            ParcelCourse::Strange => vec![(IN_TRANSIT_AFTER_MS, Scan::Unknown), last_van, at_door],
        });
        let mut plan = Self { next: next.into(), due_ms: None, still: course == ParcelCourse::Still };
        plan.wait_from(now_ms);
        plan
    }

    fn wait_from(&mut self, at_ms: i64) {
        let gap_ms = self.next.front().map(|(gap_ms, _)| *gap_ms);
        self.due_ms = gap_ms.filter(|_| !self.still).map(|gap_ms| at_ms + gap_ms);
    }
}

impl Shipment {
    /// The next scan of its plan happens at `at_ms`; none when it has arrived, or is voided.
    fn advance(&mut self, at_ms: i64) -> Option<Scanned> {
        let (_, scan) = self.plan.next.front().copied().filter(|_| self.voided_ms.is_none())?;
        self.plan.next.pop_front();
        self.plan.wait_from(at_ms);
        Some(self.record(at_ms, scan))
    }

    fn record(&mut self, at_ms: i64, scan: Scan) -> Scanned {
        let scanned = Scanned { at_ms, scan };
        self.scans.push(scanned);
        scanned
    }
}

impl Parcels {
    /// When the next parcel moves by the clock, in epoch milliseconds.
    pub(crate) fn next_planned_ms(&self) -> Option<i64> {
        self.next_planned_ms_of(|_| true)
    }

    /// The same, of those shipments.
    pub(crate) fn next_planned_ms_of(&self, counts: impl Fn(&Shipment) -> bool) -> Option<i64> {
        let moving = self.shipments.iter().filter(|shipment| shipment.voided_ms.is_none() && counts(shipment));
        moving.filter_map(|shipment| shipment.plan.due_ms).min()
    }

    /// Everything that has happened by `now_ms`, earliest first: the position of the shipment, and the scan.
    pub(crate) fn pass_time(&mut self, now_ms: i64) -> Vec<(usize, Scanned)> {
        let mut happened = Vec::new();
        while let Some(at_ms) = self.next_planned_ms().filter(|at_ms| *at_ms <= now_ms) {
            for (position, shipment) in self.shipments.iter_mut().enumerate() {
                if shipment.plan.due_ms == Some(at_ms) && shipment.voided_ms.is_none() {
                    happened.extend(shipment.advance(at_ms).map(|scanned| (position, scanned)));
                }
            }
        }
        happened
    }

    /// The next scan of one shipment happens now.
    pub(crate) fn advance(&mut self, now_ms: i64, number: &str) -> Option<(usize, Scanned)> {
        let position = self.shipments.iter().position(|shipment| shipment.has_number(number))?;
        Some((position, self.shipments.get_mut(position)?.advance(now_ms)?))
    }

    /// A scan that is not of its plan happens to one shipment now. After an end, nothing comes by the clock any more.
    pub(crate) fn scan(&mut self, now_ms: i64, number: &str, scan: Scan) -> Option<(usize, Scanned)> {
        let position = self.shipments.iter().position(|shipment| shipment.has_number(number))?;
        let shipment = self.shipments.get_mut(position)?;
        if matches!(scan, Scan::Delivered | Scan::Returned) {
            shipment.plan = Plan::default();
        }
        Some((position, shipment.record(now_ms, scan)))
    }
}
