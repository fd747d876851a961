//! What banks do some time after the request. Time passes when somebody calls or looks for webhooks.

use super::State;

/// How long the bank takes for a payment in `processing`, in milliseconds.
pub(super) const PAYMENT_TAKES_MS: i64 = 60_000;

/// How long the bank takes for a refund, in milliseconds.
pub(super) const REFUND_TAKES_MS: i64 = 60_000;

/// The bank's late answer, about an object by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Later {
    /// A payment in `processing` is charged or declined.
    Payment(String, bool),
    /// A refund arrives or comes back.
    Refund(String, bool),
}

impl State {
    /// The bank will answer at `due_ms` (epoch milliseconds).
    pub(super) fn plan(&mut self, due_ms: i64, later: Later) {
        self.planned.push((due_ms, later));
    }

    /// When the next bank answers, in epoch milliseconds.
    pub(crate) fn next_planned_ms(&self) -> Option<i64> {
        self.planned.iter().map(|(due_ms, _)| *due_ms).min()
    }

    /// Everything that banks have done by `now_ms`, earliest first. Whoever was faster by hand has settled it: then
    /// the late answer changes nothing.
    pub(crate) fn pass_time(&mut self, now_ms: i64) {
        while let Some(due_ms) = self.next_planned_ms().filter(|due_ms| *due_ms <= now_ms) {
            let Some(next) = self.planned.iter().position(|(at_ms, _)| *at_ms == due_ms) else { return };
            match self.planned.remove(next).1 {
                Later::Payment(id, charged) => {
                    if let Ok(position) = self.position(&id) {
                        let _ = self.settle_processing(due_ms, position, charged);
                    }
                }
                Later::Refund(id, arrived) => {
                    let _ = self.settle_refund(due_ms, &id, arrived);
                }
            }
        }
    }
}
