//! Mail that waits for its time, and the batches by which it is stopped.

use super::State;
use super::mail::{Disposition, text};
use super::outcome::{Done, Refusal};
use crate::FaultDial;
use crate::dials::Dial;
use serde_json::{Map, Value, json};

/// How long before its time a mail is no longer stopped, in milliseconds.
const STOPPED_AHEAD_MS: i64 = 600_000;

/// What has been said about a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Pause,
    Cancel,
}

impl Stop {
    fn of(body: &Map<String, Value>) -> Result<Self, Refusal> {
        match text(body.get("status")).as_str() {
            "pause" => Ok(Self::Pause),
            "cancel" => Ok(Self::Cancel),
            _ => Err(Refusal::of("status", "The status is pause or cancel.")),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Cancel => "cancel",
        }
    }
}

impl State {
    /// POST /v3/mail/batch: reserves an id and nothing more.
    pub(super) fn create_batch(&mut self) -> Done {
        let id = self.ids.next("batch", 32);
        let shown = json!({ "batch_id": id });
        self.batches.insert(id, None);
        Done::with(201, shown)
    }

    /// GET /v3/mail/batch/{id}
    pub(super) fn retrieve_batch(&self, id: &str) -> Result<Done, Refusal> {
        self.batch(id)?;
        Ok(Done::with(200, json!({ "batch_id": id })))
    }

    /// POST /v3/user/scheduled_sends. A second word about the same batch is refused: that is for PATCH. So is one that comes
    /// too late for any of its mails, or it is accepted and of no effect, as the dial says.
    pub(super) fn stop_batch(&mut self, now_ms: i64, body: &Map<String, Value>) -> Result<Done, Refusal> {
        let id = text(body.get("batch_id"));
        let stop = Stop::of(body)?;
        let is_late = self
            .mails
            .iter()
            .any(|mail| mail.batch_id.as_deref() == Some(id.as_str()) && now_ms > mail.send_ms - STOPPED_AHEAD_MS);
        if is_late && !self.dials.is_turned(Dial::LateStopsAreAccepted) {
            return Err(Refusal::of("batch_id", "The batch can no longer be paused or canceled."));
        }
        if self.batch(&id)?.is_some() {
            return Err(Refusal::of("batch_id", "A status for this batch id has been set already; update it instead."));
        }
        // What goes out within ten minutes is no longer held by its batch.
        for mail in self.mails.iter_mut().filter(|mail| mail.batch_id.as_deref() == Some(id.as_str())) {
            mail.is_past_stopping = now_ms > mail.send_ms - STOPPED_AHEAD_MS;
        }
        self.batches.insert(id.clone(), Some(stop));
        Ok(Done::with(201, shown(&id, stop)))
    }

    /// PATCH /v3/user/scheduled_sends/{id}
    pub(super) fn update_stop(&mut self, id: &str, body: &Map<String, Value>) -> Result<Done, Refusal> {
        let stop = Stop::of(body)?;
        if self.batch(id)?.is_none() {
            return Err(Refusal::not_found());
        }
        self.batches.insert(id.to_owned(), Some(stop));
        Ok(Done::empty(204))
    }

    /// DELETE /v3/user/scheduled_sends/{id}: what was paused goes on, late if its time is over.
    pub(super) fn resume_batch(&mut self, now_ms: i64, id: &str) -> Result<Done, Refusal> {
        if self.batch(id)?.is_none() {
            return Err(Refusal::not_found());
        }
        for position in &self.scheduled {
            if let Some(mail) = self.mails.get_mut(*position).filter(|mail| mail.batch_id.as_deref() == Some(id)) {
                mail.send_ms = mail.send_ms.max(now_ms);
            }
        }
        self.batches.insert(id.to_owned(), None);
        Ok(Done::empty(204))
    }

    /// GET /v3/user/scheduled_sends, or of one batch: a list in both cases.
    pub(super) fn list_stops(&self, only: Option<&str>) -> Done {
        let fits = |id: &str| only.is_none_or(|only| only == id);
        let stopped = self.batches.iter().filter_map(|(id, stop)| Some((id, (*stop)?)));
        Done::with(200, stopped.filter(|(id, _)| fits(id)).map(|(id, stop)| shown(id, stop)).collect())
    }

    fn batch(&self, id: &str) -> Result<Option<Stop>, Refusal> {
        self.batches.get(id).copied().ok_or_else(|| Refusal::of("batch_id", "invalid batch id"))
    }

    /// When the next scheduled mail goes out, in epoch milliseconds. What is paused has no time.
    pub(crate) fn next_send_ms(&self) -> Option<i64> {
        let waiting = self.scheduled.iter().filter_map(|position| self.mails.get(*position));
        waiting
            .filter(|mail| mail.is_past_stopping || self.stop_of(mail.batch_id.as_deref()) != Some(Stop::Pause))
            .map(|mail| mail.send_ms)
            .min()
    }

    fn stop_of(&self, batch_id: Option<&str>) -> Option<Stop> {
        batch_id.and_then(|id| self.batches.get(id).copied().flatten())
    }

    /// Sends what is due by `now_ms`, in the order of sending, and throws away what was canceled.
    pub(crate) fn pass_time(&mut self, now_ms: i64, dial: &mut FaultDial) {
        if self.scheduled.is_empty() {
            return;
        }
        let mut due = Vec::new();
        let mut waiting = Vec::new();
        for position in std::mem::take(&mut self.scheduled) {
            let Some(mail) = self.mails.get(position) else { continue };
            let stop = self.stop_of(mail.batch_id.as_deref()).filter(|_| !mail.is_past_stopping);
            if mail.send_ms > now_ms || stop == Some(Stop::Pause) {
                waiting.push(position);
            } else {
                due.push((mail.send_ms, position, stop));
            }
        }
        self.scheduled = waiting;
        due.sort_by_key(|(send_ms, position, _)| (*send_ms, *position));
        for (_, position, stop) in due {
            let canceled = stop == Some(Stop::Cancel);
            if let Some(mail) = self.mails.get_mut(position) {
                mail.disposition = if canceled { Disposition::Canceled } else { Disposition::Sent };
            }
            if !canceled {
                self.send(position, dial);
            }
        }
    }
}

fn shown(id: &str, stop: Stop) -> Value {
    json!({ "batch_id": id, "status": stop.name() })
}
