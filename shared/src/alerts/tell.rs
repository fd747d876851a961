//! Telling: what was heard is written down, and whatever was not told yet is told.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::episode::{Due, Episode, KEPT_FOR, PARTITION, PREFIX, Say, State, TELLING, key};
use super::incident::{self, Incident};
use super::keys::AlertKeys;
use super::message::{Kind, Message, Next, lasted};
use super::news::{Alarm, Delivery, News, Notice};
use super::severity::Severity;
use super::slack;
use crate::aws::table::Written;
use crate::aws::{Item, Key, Secrets, Table, Write};
use crate::domain::Timestamp;
use crate::error::{Error, Result};
use crate::telemetry::metrics::Metric;
use crate::world::World;

/// How often a write that somebody else was faster with is tried again.
const TRIES_MAX: u32 = 5;
/// How many changes a process remembers that it told without the table: more than there are alarms.
const REMEMBERED_MAX: usize = 500;
/// Where a deployment's alerts come from and go to.
#[derive(Clone, Debug)]
pub struct Place {
    /// The secret with the URLs.
    pub secret_id: String,
    /// The shop's name, which messages begin with.
    pub shop: String,
    /// The stage.
    pub stage: String,
    /// Where the runbooks are.
    pub runbook_base: String,
}

/// The alerts of one deployment.
#[derive(Clone)]
pub struct Alerts {
    table: Table,
    secrets: Secrets,
    world: World,
    place: Place,
    /// What this process told while the table could not be reached.
    told_without_table: Arc<Mutex<BTreeSet<(String, Timestamp)>>>,
}

/// What became of telling one receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was told.
    Told,
    /// The secret has no URL for it.
    NotConfigured,
    /// There was nothing to tell it.
    NotWanted,
}

/// What the table knows of something that is told once: that it was told, for `cargo crossdock alert`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeRecord {
    /// Until when whoever tells it may take.
    pub until: Timestamp,
    /// What Slack was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Outcome>,
    /// What Better Stack was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Outcome>,
    /// Why it could not be told last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl NoticeRecord {
    /// Nobody was told.
    fn new(until: Timestamp) -> Self {
        Self { until, slack: None, incident: None, failure: None }
    }
}

#[derive(Deserialize)]
struct NoticeItem {
    record: NoticeRecord,
    #[serde(default)]
    told: Option<Timestamp>,
}

/// Who tells a notice.
enum Claim {
    /// This invocation does; what is known of it.
    Ours(NoticeRecord),
    /// Everybody was told.
    Told,
    /// Another invocation does.
    BeingTold,
}

/// Where the record of a notice is, by SNS's id of its message.
pub fn notice_key(message_id: &str) -> Key {
    let key = format!("ALERT#{message_id}");
    Key::new(key.clone(), key)
}

impl Alerts {
    /// The alerts of a deployment.
    pub fn new(table: Table, secrets: Secrets, world: World, place: Place) -> Self {
        Self { table, secrets, world, place, told_without_table: Arc::default() }
    }

    /// Hears one delivery, and tells what is to be told. `owner` names the invocation.
    ///
    /// # Errors
    /// Somebody could not be told: the same delivery should come again. Whoever was told already is not told twice.
    pub async fn hear(&self, delivery: &Delivery, owner: &str) -> Result<()> {
        let heard = match News::of(delivery, &self.place.runbook_base) {
            News::Alarm(alarm) => self.hear_alarm(&alarm, owner).await,
            News::Notice(notice) => self.hear_notice(&notice).await,
            News::Nothing => Ok(()),
        };
        if let Err(error) = &heard {
            tracing::error!(error = %error.chain(), "an alert did not reach everybody");
            Metric::AlertsUndelivered.count(self.world.now(), &[]);
        }
        heard
    }

    /// Looks at all alarms: tells what was held back or could not be told, and reminds of critical ones that are open.
    ///
    /// # Errors
    /// The first alarm that could not be told; the next look tries again.
    pub async fn look(&self, owner: &str) -> Result<()> {
        let items = self.table.query(PARTITION, PREFIX).await?;
        let now = self.world.now();
        let parsed: Vec<Result<(Episode, i64)>> = items.iter().map(read).collect();
        let telling = parsed.into_iter().map(async |read| {
            let (episode, revision) = read?;
            if episode.due(now).is_empty() { Ok(()) } else { Box::pin(self.tell(episode, revision, owner)).await }
        });
        join_all(telling).await.into_iter().collect()
    }

    async fn hear_alarm(&self, alarm: &Alarm, owner: &str) -> Result<()> {
        match self.write_down(alarm, owner).await {
            Ok(Some((episode, due))) => self.say_and_note(&episode, due, owner).await,
            Ok(None) => Ok(()),
            // Better twice than never: without the table nobody knows what was told.
            Err(error) => {
                tracing::error!(error = %error, alarm = alarm.name, "an alarm is told without the table: repeats are not counted");
                self.tell_without_table(alarm, error).await
            }
        }
    }

    /// Writes down how the alarm stands, and that this invocation tells it. `None`: there is nothing to tell, or somebody else does.
    async fn write_down(&self, alarm: &Alarm, owner: &str) -> Result<Option<(Episode, Due)>> {
        for _ in 0..TRIES_MAX {
            let found = self.table.get(&key(&alarm.name)).await?;
            let known = found.as_ref().map(read).transpose()?;
            let (before, revision) = match known {
                Some((episode, revision)) => (Some(episode), revision),
                None => (None, 0),
            };
            let after = before.clone().map_or_else(|| Episode::first(alarm), |episode| episode.after(alarm));
            let due = after.due(self.world.now());
            let next = if due.is_empty() { after } else { after.being_told(owner, self.world.now()) };
            if before.as_ref() == Some(&next) {
                return Ok(None);
            }
            if self.put(&next, revision).await? {
                return Ok((!due.is_empty()).then_some((next, due)));
            }
        }
        Err(Error::transient("alert_contended", "an alarm's item changes faster than we can write it"))
    }

    /// Tells what is due of an episode that was read, unless somebody else is faster.
    async fn tell(&self, episode: Episode, revision: i64, owner: &str) -> Result<()> {
        let due = episode.due(self.world.now());
        let episode = episode.being_told(owner, self.world.now());
        if due.is_empty() || !self.put(&episode, revision).await? {
            return Ok(());
        }
        self.say_and_note(&episode, due, owner).await
    }

    /// Tells both receivers side by side, and notes whom it could tell.
    async fn say_and_note(&self, episode: &Episode, due: Due, owner: &str) -> Result<()> {
        let said = Box::pin(self.say(episode, due)).await;
        let (slack, incident) = match &said {
            Ok((slack, incident)) => (slack.is_ok(), incident.is_ok()),
            Err(_) => (false, false),
        };
        let noted = self.note(episode, owner, due.slack.filter(|_| slack), due.incident.filter(|_| incident)).await;
        let (slack, incident) = said?;
        noted?;
        slack.and(incident).map(drop)
    }

    async fn say(&self, episode: &Episode, due: Due) -> Result<(Result<Outcome>, Result<Outcome>)> {
        let (keys, _) = self.secrets.get::<AlertKeys>(&self.place.secret_id).await?;
        let message = due.slack.map(|say| self.message(episode, say));
        let incident = due.incident.map(|state| Self::incident(episode, state));
        let slack = self.to_slack(&keys, message.as_ref().filter(|_| !episode.is_about_the_notifier()));
        Ok(futures_util::future::join(slack, self.to_betterstack(&keys, incident.as_ref())).await)
    }

    /// Writes down who was told. Whatever was heard meanwhile stays.
    async fn note(&self, told: &Episode, owner: &str, slack: Option<Say>, incident: Option<State>) -> Result<()> {
        for _ in 0..TRIES_MAX {
            let Some(item) = self.table.get(&key(&told.name)).await? else { return Ok(()) };
            let (episode, revision) = read(&item)?;
            if episode.telling.as_ref().is_none_or(|telling| telling.owner != owner) {
                return Ok(());
            }
            let now = self.world.now();
            if self.put(&episode.told(slack, told.openings, incident, now), revision).await? {
                return Ok(());
            }
        }
        Err(Error::transient("alert_contended", "an alarm's item changes faster than we can write it"))
    }

    /// Writes an episode, unless somebody has written it since it was read. Whether it was written.
    async fn put(&self, episode: &Episode, revision: i64) -> Result<bool> {
        let expires = self.world.now().plus(KEPT_FOR).seconds();
        let write = Write::update(key(&episode.name))
            .set("type", &"alert")?
            .set("episode", episode)?
            .set("revision", &(revision + 1))?
            .set("expires", &expires)?
            .when(if revision == 0 { "attribute_not_exists(#revision)" } else { "#revision = :revision" });
        let write = if revision == 0 { write } else { write.bind(":revision", &revision)? };
        Ok(matches!(self.table.update(write).await?, Written::Done(_)))
    }

    /// Tells at once, and fails all the same: the delivery has to come again, so that the table learns of it. Otherwise it would
    /// take what is over for open, or never end an incident. Then it may be told once more.
    async fn tell_without_table(&self, alarm: &Alarm, error: Error) -> Result<()> {
        let change = (alarm.name.clone(), alarm.changed_at);
        if self.told_without_table.lock().is_ok_and(|told| told.contains(&change)) {
            return Err(error);
        }
        let episode = Episode::first(alarm);
        let (say, state) = if alarm.is_open { (Say::Opened, State::Alarm) } else { (Say::Over, State::Ok) };
        let incident = (alarm.severity == Severity::Critical).then_some(state);
        let (slack, incident) = Box::pin(self.say(&episode, Due { slack: Some(say), incident })).await?;
        slack.and(incident)?;
        if let Ok(mut told) = self.told_without_table.lock() {
            if told.len() >= REMEMBERED_MAX {
                told.clear();
            }
            told.insert(change);
        }
        Err(error)
    }

    async fn hear_notice(&self, notice: &Notice) -> Result<()> {
        let known = match self.claim(notice).await {
            Ok(Claim::Ours(known)) => known,
            Ok(Claim::Told) => return Ok(()),
            // Whoever tells it may die: then this delivery tells it.
            Ok(Claim::BeingTold) => {
                return Err(Error::transient("alert_being_told", "another invocation tells the same notice"));
            }
            Err(error) => {
                tracing::error!(error = %error.chain(), "a notice is told without the table: it may be told twice");
                NoticeRecord::new(self.world.now())
            }
        };
        let (slack, incident) = match Box::pin(self.say_notice(notice, &known)).await {
            Ok(said) => said,
            Err(error) => (Err(error.clone()), Err(error)),
        };
        let failure = slack.as_ref().err().or(incident.as_ref().err()).map(|error| error.context.to_string());
        // Whoever was told is not told again when the other one could not be.
        let record = NoticeRecord {
            until: self.world.now(),
            slack: slack.as_ref().ok().copied(),
            incident: incident.as_ref().ok().copied(),
            failure,
        };
        if let Err(error) = self.put_notice(&notice.id, &record).await {
            tracing::warn!(error = %error.chain(), "it is not written down what became of a notice");
        }
        slack.and(incident).map(drop)
    }

    /// Tells whoever was not told before.
    async fn say_notice(&self, notice: &Notice, known: &NoticeRecord) -> Result<(Result<Outcome>, Result<Outcome>)> {
        let (keys, _) = self.secrets.get::<AlertKeys>(&self.place.secret_id).await?;
        let now = self.world.now();
        let message = Message {
            kind: Kind::Notice,
            severity: notice.severity,
            title: notice.title.clone(),
            lines: vec![notice.text.clone()],
            at: notice.at,
            told_at: now,
            next: Next::default(),
        };
        let alert_id = format!("notice-{}", notice.id);
        let incident = |is_open| Incident {
            alert_id: &alert_id,
            is_open,
            title: notice.title.clone(),
            cause: message.text(&self.place.shop, &self.place.stage),
            at: notice.at,
            runbook: None,
        };
        let wanted = (notice.severity == Severity::Critical).then(|| incident(true));
        let slack = match known.slack {
            Some(outcome) => Ok(outcome),
            None => self.to_slack(&keys, Some(&message)).await,
        };
        let mut told = match known.incident {
            Some(outcome) => Ok(outcome),
            None => self.to_betterstack(&keys, wanted.as_ref()).await,
        };
        if notice.is_test && known.incident.is_none() && matches!(told, Ok(Outcome::Told)) {
            told = self.to_betterstack(&keys, Some(&incident(false))).await;
        }
        Ok((slack, told))
    }

    /// Takes a notice, unless it was told or somebody is telling it.
    async fn claim(&self, notice: &Notice) -> Result<Claim> {
        let now = self.world.now();
        let found = self.table.get(&notice_key(&notice.id)).await?;
        let known = found.map(|item| item.parse::<NoticeItem>()).transpose()?;
        if known.as_ref().is_some_and(|known| known.told.is_some()) {
            return Ok(Claim::Told);
        }
        let known = known.map_or_else(|| NoticeRecord::new(now), |known| known.record);
        let write = self.notice_write(&notice.id, &NoticeRecord { until: now.plus(TELLING), ..known.clone() })?;
        let write = write.when("attribute_not_exists(#record) OR (attribute_not_exists(#told) AND #until <= :now)");
        Ok(match self.table.update(write.bind(":now", &now)?).await? {
            Written::Done(_) => Claim::Ours(known),
            Written::Lost(_) => Claim::BeingTold,
        })
    }

    async fn put_notice(&self, id: &str, record: &NoticeRecord) -> Result<()> {
        self.table.update(self.notice_write(id, record)?).await.map(drop)
    }

    fn notice_write(&self, id: &str, record: &NoticeRecord) -> Result<Write> {
        let told = (record.slack.is_some() && record.incident.is_some()).then(|| self.world.now());
        Write::update(notice_key(id))
            .set("type", &"alert_notice")?
            .set("record", record)?
            .set("until", &record.until)?
            .set("told", &told)?
            .set("expires", &self.world.now().plus(KEPT_FOR).seconds())
    }

    async fn to_slack(&self, keys: &AlertKeys, message: Option<&Message>) -> Result<Outcome> {
        let Some(message) = message else { return Ok(Outcome::NotWanted) };
        let Some(url) = &keys.slack_webhook_url else {
            tracing::warn!(
                title = message.title,
                "an alert is not told in Slack: slack_webhook_url is missing in the secret"
            );
            return Ok(Outcome::NotConfigured);
        };
        let document = message.for_slack(&self.place.shop, &self.place.stage);
        slack::post(&self.world, url, &document).await.map(|()| Outcome::Told)
    }

    async fn to_betterstack(&self, keys: &AlertKeys, incident: Option<&Incident<'_>>) -> Result<Outcome> {
        let Some(incident) = incident else { return Ok(Outcome::NotWanted) };
        let Some(url) = &keys.betterstack_incidents_url else { return Ok(Outcome::NotConfigured) };
        incident::tell(&self.world, url, incident).await.map(|()| Outcome::Told)
    }

    fn message(&self, episode: &Episode, say: Say) -> Message {
        let now = self.world.now();
        let opened_at = episode.opened_at.unwrap_or(episode.changed_at);
        let ended_at = episode.ended_at.unwrap_or(episode.changed_at);
        let again =
            (episode.openings > 1).then(|| format!("It has opened {} times since the last message.", episode.openings));
        let (kind, at, lines) = match say {
            Say::Opened => {
                (Kind::Opened, opened_at, vec![Some(episode.text.clone()), Some(episode.reason.clone()), again])
            }
            Say::StillOpen => {
                let open_for = format!("It has been open for {}.", lasted(now.since(opened_at)));
                // A reminder is never late: it is about now.
                (Kind::StillOpen, now, vec![Some(open_for), Some(episode.text.clone()), again])
            }
            Say::Passed => {
                let often = format!("It has opened {} times, and is over.", episode.openings);
                let what = if episode.openings > 1 { often } else { "It has opened and is over.".to_owned() };
                (Kind::Passed, opened_at, vec![Some(what), Some(episode.text.clone()), Some(episode.reason.clone())])
            }
            Say::Over => {
                let known = episode.opened_at.is_some();
                let length = known.then(|| format!("It lasted {}.", lasted(ended_at.since(opened_at))));
                (Kind::Over, episode.changed_at, vec![length, again])
            }
        };
        Message {
            kind,
            severity: episode.severity,
            title: title(&episode.name),
            lines: lines.into_iter().flatten().filter(|line| !line.is_empty()).collect(),
            at,
            told_at: now,
            next: episode.next.clone(),
        }
    }

    fn incident(episode: &Episode, state: State) -> Incident<'_> {
        let is_open = state == State::Alarm;
        Incident {
            alert_id: &episode.name,
            is_open,
            title: title(&episode.name),
            cause: episode.text.clone(),
            at: episode.changed_at,
            runbook: episode.next.runbook.as_deref(),
        }
    }
}

/// An alarm's name as a title. What is not a name of ours is shown harmless.
fn title(name: &str) -> String {
    super::inert::inert(&name.replace('-', " "), super::inert::TITLE_MAX_CHARS)
}

fn read(item: &Item) -> Result<(Episode, i64)> {
    #[derive(Deserialize)]
    struct Row {
        episode: Episode,
        revision: i64,
    }
    let row: Row = item.parse()?;
    Ok((row.episode, row.revision))
}
