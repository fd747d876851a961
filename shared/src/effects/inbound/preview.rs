//! What applying an event would change, without changing anything.

use crate::aws::Key;
use crate::domain::Correlation;
use crate::effects::inbound::apply::leaves_open;
use crate::effects::inbound::event::Event;
use crate::effects::list::WorkList;
use crate::effects::list::intent::Kind;
use crate::effects::list::observation::Observation;
use crate::effects::subject::contact::CONTACT;
use crate::error::Result;
use crate::gateway::Vendor;

/// What an event would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preview {
    /// It belongs to another deployment on the same vendor account.
    Foreign,
    /// It matches nothing, and would wait or only be recorded.
    Unmatched,
    /// It says nothing of a status.
    Recorded,
    /// Only the vendor can say what it means: payment-worker would ask, and write down what it says.
    Asked,
    /// Somebody says what may be sent to an address.
    Wish {
        /// What, in the ledger's words.
        change: &'static str,
    },
    /// It speaks of this object.
    Applied {
        /// Our id of it.
        object: String,
        /// Its status now; none for what has none.
        from: &'static str,
        /// Its status afterwards.
        to: &'static str,
        /// What would be put into the work list, unless it is there already.
        follow_ups: Vec<Kind>,
        /// Whether it changes what may be sent to an address.
        changes_consent: bool,
    },
}

impl WorkList {
    /// Plans an event on its object as it is, and writes nothing.
    pub async fn preview(&self, vendor: Vendor, event: &Event, correlation: &Correlation) -> Result<Preview> {
        if event.stack.as_deref().is_some_and(|stack| stack != self.stack.as_str()) {
            return Ok(Preview::Foreign);
        }
        // Under which id the address is known, only event-processor's key says.
        if let Some(Observation::Contact(observed)) = &event.observed {
            return Ok(Preview::Wish { change: observed.change.as_str() });
        }
        let Some(target) = self.target(vendor, event).await? else {
            return Ok(match &event.otherwise {
                Some(Observation::Contact(observed)) => Preview::Wish { change: observed.change.as_str() },
                _ => Preview::Unmatched,
            });
        };
        if leaves_open(event, &target.subject) {
            return Ok(Preview::Asked);
        }
        let Some(observed) = &event.observed else { return Ok(Preview::Recorded) };
        let context = self.context(vendor, event, correlation.clone());
        let (plan, after) = target.subject.observe(observed, &context)?;
        Ok(Preview::Applied {
            object: target.subject.id().to_owned(),
            from: target.subject.status(),
            to: after.status(),
            follow_ups: plan.nudges.iter().map(|nudge| nudge.kind).collect(),
            changes_consent: plan.writes.iter().any(|(_, write)| write.key().sk == CONTACT),
        })
    }

    /// Whether the event was applied, and where in the archive the webhook is that told it.
    pub async fn recorded(&self, vendor: Vendor, event_id: &str) -> Result<Option<Option<String>>> {
        let key = Key::new(format!("EVENT#{}#{event_id}", vendor.as_str()), "EVENT");
        Ok(self.table.get(&key).await?.map(|item| item.text("archive_key").map(str::to_owned)))
    }
}
