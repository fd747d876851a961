//! What people did by hand: who, when, what. Written with what they did, in the same transaction where there is one, and
//! shown in the order's timeline where there is an order.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::aws::table::there_may_be_more;
use crate::aws::{Key, Write};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{OrderId, Timestamp, id};
use crate::effects::list::WorkList;
use crate::effects::list::plan::{Role, timeline_row};
use crate::error::{Error, Result};

/// How long it is kept: longer than a year, so that last year's same week is still there.
const KEPT: Duration = Duration::from_secs(400 * 24 * 3_600);

/// What the sort keys of a day's records begin with; time follows.
const ROW: &str = "AT#";

/// A person at work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Whose credentials it was done with, or another name that others know.
    pub who: String,
    /// Why, in a few words without personal data.
    pub why: Option<String>,
}

/// One thing that somebody did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    item_type: String,
    /// When it was done.
    pub at: Timestamp,
    /// The operator who did it.
    pub who: String,
    /// What: `manual.retry`, `dlq.redrive` …
    pub action: String,
    /// To what: an intent's id, a queue's name …
    pub target: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Why, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    expires: i64,
}

impl Audit {
    /// What this operator does now.
    pub fn of(operator: &Operator, action: &str, target: &str, detail: Option<String>, now: Timestamp) -> Self {
        Self {
            item_type: "audit".to_owned(),
            at: now,
            who: operator.who.clone(),
            action: action.to_owned(),
            target: target.to_owned(),
            detail,
            why: operator.why.clone(),
            expires: now.plus(KEPT).seconds(),
        }
    }

    /// The object that keeps it a second time, where nobody can change it: its key and its bytes. `occasion` makes it unique.
    ///
    /// # Errors
    /// `audit` (a bug) when it cannot be written, which it always can.
    pub fn object(&self, occasion: &str) -> Result<(String, Vec<u8>)> {
        let at = self.at.to_rfc3339().replace(':', "");
        let key =
            format!("audit/{}/{at}-{}.json", at.get(..10).unwrap_or_default(), id::digest(&[occasion, &self.action]));
        Ok((key, serde_json::to_vec(self).map_err(|e| Error::bug("audit", e))?))
    }

    /// The writes that keep it: the record, and a row in the order's timeline. `occasion` makes them unique.
    pub(crate) fn writes(&self, order: Option<&OrderId>, occasion: &str) -> Result<Vec<(Role, Write)>> {
        let sk = format!("{ROW}{:013}#{}", self.at.ms(), id::digest(&[occasion, &self.action]));
        let mut writes = vec![(Role::Once, Write::put_new(Key::new(partition(self.at), sk), self)?)];
        if let Some(order) = order {
            let entry = TimelineEntry {
                at: self.at,
                event: format!("operator.{}", self.action),
                object: self.target.clone(),
                detail: self.detail.clone(),
                source: "operator".to_owned(),
                asked_by: None,
            };
            writes.push(timeline_row(order, &entry, occasion)?);
        }
        Ok(writes)
    }
}

impl WorkList {
    /// Keeps what is about to be done, before it is done.
    pub async fn audit(&self, audit: &Audit, occasion: &str) -> Result<()> {
        let writes: Vec<Write> = audit.writes(None, occasion)?.into_iter().map(|(_, write)| write).collect();
        self.table.transact(&writes).await.map(drop)
    }

    /// What was done on the (UTC) day of `at`, in order of time.
    pub async fn audits(&self, at: Timestamp) -> Result<Audited> {
        let rows = self.table.query(&partition(at), ROW).await?;
        let audits: Vec<Audit> = rows.iter().filter_map(|item| item.parse().ok()).collect();
        Ok(Audited { unreadable: rows.len() - audits.len(), audits, there_may_be_more: there_may_be_more(&rows) })
    }
}

/// What was done by hand on a day.
#[derive(Debug)]
pub struct Audited {
    /// In order of time, at most 500.
    pub audits: Vec<Audit>,
    /// How many more this version cannot read.
    pub unreadable: usize,
    /// Whether these are only the first.
    pub there_may_be_more: bool,
}

/// One partition a day.
fn partition(at: Timestamp) -> String {
    let day = at.to_rfc3339();
    format!("AUDIT#{}", day.get(..10).unwrap_or_default())
}
