//! What is known of one alarm: how it stands, what was told of it, and so what is to be told now. Pure: tell.rs reads, writes and
//! speaks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::message::Next;
use super::news::Alarm;
use super::severity::Severity;
use crate::aws::Key;
use crate::domain::Timestamp;

/// After an opening was told, the next opening of the same alarm is told only after this time; until then openings are counted.
const WINDOW: Duration = Duration::from_secs(300);
/// For an alarm that nobody gets up for the time doubles with each opening that is told without a calm hour before it, up to this:
/// one that flaps all day is told once an hour. A critical one keeps [`WINDOW`], which is at most twelve openings an hour.
const WINDOW_MAX: Duration = Duration::from_secs(3_600);
/// An opening within this time after the last end is the same trouble again.
const SOON: Duration = Duration::from_secs(3_600);
/// How often it is said that a critical alarm is still open: CloudWatch tells transitions only.
const REMINDER: Duration = Duration::from_secs(3_600);
/// How long whoever tells may take before another tries: the function's timeout and a margin.
pub(super) const TELLING: Duration = Duration::from_secs(75);
/// What an alarm about the notifier itself has in its name. It is not told in Slack: if Slack is why the notifier fails, each failure
/// would be the next one's cause. Its mail comes from SNS alone, and it opens an incident whatever its severity.
const ABOUT_THE_NOTIFIER: &str = "alert-notifier";
/// All alarms are in one partition: there are about a hundred, and they are read together each minute.
pub(super) const PARTITION: &str = "ALERTS";
/// What their sort keys begin with: DynamoDB refuses to look for those that begin with nothing.
pub(super) const PREFIX: &str = "ALARM#";
/// An incident stays open for this long at least. Better Stack mails after five minutes and calls after fifteen; an alarm on one data
/// point (a charge that nobody expected) ends a minute later by itself, and its incident would be over before anybody heard of it.
const INCIDENT_MIN: Duration = Duration::from_secs(1_200);
/// How long an alarm that says nothing is remembered.
pub(super) const KEPT_FOR: Duration = Duration::from_secs(90 * 24 * 3_600);

/// How an alarm stands, or was told to stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// Nothing is wrong.
    #[default]
    Ok,
    /// Something is.
    Alarm,
}

/// What the table knows of an alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// Its name.
    pub name: String,
    /// How urgent it is.
    pub severity: Severity,
    /// How it stands.
    pub state: State,
    /// When it came to stand so.
    pub changed_at: Timestamp,
    /// When it opened last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When it ended last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What it means.
    #[serde(default)]
    pub text: String,
    /// What CloudWatch saw when it opened.
    #[serde(default)]
    pub reason: String,
    /// What to do next.
    #[serde(default)]
    pub next: Next,
    /// Openings since the last message.
    #[serde(default)]
    pub openings: u32,
    /// Openings that were told since it was last calm.
    #[serde(default)]
    pub flaps: u32,
    /// How Slack was told that it stands.
    #[serde(default)]
    pub told: State,
    /// When Slack was last told of an opening.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening_told_at: Option<Timestamp>,
    /// When Slack was last told anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// How Better Stack was told that it stands.
    #[serde(default)]
    pub incident: State,
    /// Who is telling it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telling: Option<Telling>,
}

/// Somebody is telling it, until then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// Who: an invocation.
    pub owner: String,
    /// When another may try.
    pub until: Timestamp,
}

/// What is to be told now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// To Slack.
    pub slack: Option<Say>,
    /// To Better Stack.
    pub incident: Option<State>,
}

/// What Slack is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Say {
    /// It has opened.
    Opened,
    /// It is still open.
    StillOpen,
    /// It is over.
    Over,
    /// It opened and ended before anybody was told.
    Passed,
}

impl Due {
    /// Whether there is nothing to tell.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// Where an alarm's episode is.
pub(super) fn key(name: &str) -> Key {
    Key::new(PARTITION, format!("{PREFIX}{name}"))
}

impl Episode {
    /// What the first news of an alarm makes; nothing was told yet.
    pub fn first(alarm: &Alarm) -> Self {
        let calm = Self {
            name: alarm.name.clone(),
            severity: alarm.severity,
            state: State::Ok,
            changed_at: Timestamp::from_ms(0),
            opened_at: None,
            ended_at: None,
            text: String::new(),
            reason: String::new(),
            next: Next::default(),
            openings: 0,
            flaps: 0,
            told: State::Ok,
            opening_told_at: None,
            told_at: None,
            incident: State::Ok,
            telling: None,
        };
        calm.after(alarm)
    }

    /// What news of the alarm make of it. What is as old as what is known is a delivery that came twice, and changes nothing.
    ///
    /// CloudWatch tells changes only, and SNS in no order. An opening that is older than the end that is known, and newer than each
    /// opening that is known, has come late: it is counted. An opening after an opening means that the end between them was lost.
    #[must_use]
    pub fn after(mut self, alarm: &Alarm) -> Self {
        if alarm.changed_at <= self.changed_at {
            let is_new = self.opened_at.is_none_or(|opened_at| opened_at < alarm.changed_at);
            if alarm.is_open && alarm.changed_at < self.changed_at && self.state == State::Ok && is_new {
                self.openings = self.openings.saturating_add(1);
                (self.opened_at, self.ended_at) = (Some(alarm.changed_at), Some(self.changed_at));
                (self.text, self.reason, self.next) = (alarm.text.clone(), alarm.reason.clone(), alarm.next.clone());
            }
            return self;
        }
        self.changed_at = alarm.changed_at;
        self.severity = alarm.severity;
        if !alarm.is_open {
            if self.state == State::Alarm {
                self.ended_at = Some(alarm.changed_at);
            }
            self.state = State::Ok;
            return self;
        }
        if self.state == State::Alarm {
            self.told = State::Ok;
            self.openings = self.openings.saturating_add(1);
            self.opened_at = Some(alarm.changed_at);
        } else {
            let is_soon = self.ended_at.is_some_and(|ended_at| alarm.changed_at.since(ended_at) < SOON);
            self.flaps = if is_soon { self.flaps } else { 0 };
            self.openings = self.openings.saturating_add(1);
            self.opened_at = Some(alarm.changed_at);
        }
        self.state = State::Alarm;
        (self.text, self.reason, self.next) = (alarm.text.clone(), alarm.reason.clone(), alarm.next.clone());
        self
    }

    /// What is to be told now.
    pub fn due(&self, now: Timestamp) -> Due {
        if self.telling.as_ref().is_some_and(|telling| telling.until > now) {
            return Due::default();
        }
        let slack = match (self.state, self.told) {
            (State::Alarm, State::Ok) => self.may_tell_opening(now).then_some(Say::Opened),
            (State::Alarm, State::Alarm) => {
                let is_time = self.told_at.is_none_or(|told_at| now.since(told_at) >= REMINDER);
                (self.severity == Severity::Critical && is_time).then_some(Say::StillOpen)
            }
            (State::Ok, State::Alarm) => Some(Say::Over),
            (State::Ok, State::Ok) => (self.openings > 0 && self.may_tell_opening(now)).then_some(Say::Passed),
        };
        // An incident is opened with the first message, and not by what is only counted.
        let wanted = match self.state {
            State::Alarm if self.severity != Severity::Critical && !self.is_about_the_notifier() => self.incident,
            State::Alarm if self.told == State::Alarm || slack == Some(Say::Opened) => State::Alarm,
            State::Alarm => self.incident,
            State::Ok if self.opened_at.is_some_and(|opened_at| now.since(opened_at) < INCIDENT_MIN) => self.incident,
            State::Ok => State::Ok,
        };
        Due { slack, incident: (wanted != self.incident).then_some(wanted) }
    }

    /// Whether the notifier's own failures are what it is about.
    pub fn is_about_the_notifier(&self) -> bool {
        self.name.contains(ABOUT_THE_NOTIFIER)
    }

    fn may_tell_opening(&self, now: Timestamp) -> bool {
        self.opening_told_at.is_none_or(|told_at| now.since(told_at) >= self.window())
    }

    fn window(&self) -> Duration {
        if self.severity == Severity::Critical {
            return WINDOW;
        }
        WINDOW.saturating_mul(1 << self.flaps.saturating_sub(1).min(8)).min(WINDOW_MAX)
    }

    /// The same while somebody tells it.
    #[must_use]
    pub fn being_told(mut self, owner: &str, now: Timestamp) -> Self {
        self.telling = Some(Telling { owner: owner.to_owned(), until: now.plus(TELLING) });
        self
    }

    /// What telling has come to. It may have changed meanwhile: only what was told counts.
    #[must_use]
    pub fn told(mut self, slack: Option<Say>, openings: u32, incident: Option<State>, now: Timestamp) -> Self {
        if let Some(say) = slack {
            self.told = if matches!(say, Say::Over | Say::Passed) { State::Ok } else { State::Alarm };
            self.told_at = Some(now);
            self.openings = self.openings.saturating_sub(openings);
            if matches!(say, Say::Opened | Say::Passed) {
                self.opening_told_at = Some(now);
                self.flaps = self.flaps.saturating_add(1);
            }
        }
        self.incident = incident.unwrap_or(self.incident);
        self.telling = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_ms(1_700_000_000_000 + minute * MINUTE_MS)
    }

    fn news(severity: Severity, minute: i64, is_open: bool) -> Alarm {
        Alarm {
            name: "a".to_owned(),
            severity,
            is_open,
            changed_at: at(minute),
            text: "what".to_owned(),
            reason: "why".to_owned(),
            next: Next::default(),
        }
    }

    fn tell(episode: Episode, now: Timestamp) -> (Episode, Due) {
        let due = episode.due(now);
        let openings = episode.openings;
        (episode.told(due.slack, openings, due.incident, now), due)
    }

    #[test]
    fn the_first_opening_and_the_end_are_told_at_once() {
        let (episode, due) = tell(Episode::first(&news(Severity::Critical, 0, true)), at(0));
        assert_eq!(due, Due { slack: Some(Say::Opened), incident: Some(State::Alarm) });
        let (episode, due) = tell(episode.after(&news(Severity::Critical, 25, false)), at(25));
        assert_eq!(due, Due { slack: Some(Say::Over), incident: Some(State::Ok) });
        assert!(episode.due(at(600)).is_empty());
    }

    #[test]
    fn an_incident_outlasts_an_alarm_that_ends_before_anybody_is_called() {
        let (episode, _) = tell(Episode::first(&news(Severity::Critical, 0, true)), at(0));
        let (episode, due) = tell(episode.after(&news(Severity::Critical, 1, false)), at(1));
        assert_eq!(due, Due { slack: Some(Say::Over), incident: None });
        assert!(episode.due(at(19)).is_empty(), "it is looked at each minute");
        let (episode, due) = tell(episode, at(20));
        assert_eq!(due, Due { slack: None, incident: Some(State::Ok) });
        assert!(episode.due(at(600)).is_empty());
    }

    #[test]
    fn what_ended_before_it_was_told_is_told_as_passed() {
        let unheard = Episode::first(&news(Severity::Warning, 0, true)).after(&news(Severity::Warning, 1, false));
        let (episode, due) = tell(unheard, at(3));
        assert_eq!(due.slack, Some(Say::Passed), "Slack was away for three minutes");
        assert!(episode.due(at(600)).is_empty());
        // Again within the five minutes: when they are over.
        let episode = episode.after(&news(Severity::Warning, 4, true)).after(&news(Severity::Warning, 5, false));
        assert!(episode.due(at(7)).is_empty(), "told a moment ago");
        let (episode, due) = tell(episode, at(8));
        assert_eq!(due.slack, Some(Say::Passed));
        assert!(episode.due(at(600)).is_empty());
    }

    #[test]
    fn an_opening_that_comes_after_its_end_is_told_once() {
        let episode = Episode::first(&news(Severity::Critical, 1, false)).after(&news(Severity::Critical, 0, true));
        let (episode, due) = tell(episode, at(1));
        assert_eq!(due.slack, Some(Say::Passed));
        assert!(episode.after(&news(Severity::Critical, 0, true)).due(at(600)).is_empty(), "it came twice");
    }

    #[test]
    fn an_opening_after_an_opening_is_another_one_because_the_end_between_them_was_lost() {
        for severity in [Severity::Warning, Severity::Critical] {
            let (episode, _) = tell(Episode::first(&news(severity, 0, true)), at(0));
            let (episode, due) = tell(episode.after(&news(severity, 50, true)), at(50));
            assert_eq!(due, Due { slack: Some(Say::Opened), incident: None });
            assert_eq!((episode.state, episode.openings), (State::Alarm, 0));
        }
    }

    #[test]
    fn what_comes_twice_or_late_changes_nothing() {
        let opened = Episode::first(&news(Severity::Warning, 5, true));
        assert_eq!(opened.clone().after(&news(Severity::Warning, 5, true)), opened);
        assert_eq!(opened.clone().after(&news(Severity::Warning, 4, false)), opened);
    }

    #[test]
    fn an_opening_within_five_minutes_is_counted_and_told_later_if_it_lasts() {
        let (episode, _) = tell(Episode::first(&news(Severity::Critical, 0, true)), at(0));
        let (episode, _) = tell(episode.after(&news(Severity::Critical, 1, false)), at(1));
        let episode = episode.after(&news(Severity::Critical, 2, true));
        assert!(episode.due(at(2)).is_empty(), "told a moment ago");
        let episode = episode.after(&news(Severity::Critical, 3, false)).after(&news(Severity::Critical, 4, true));
        assert_eq!(episode.openings, 2);
        assert_eq!(episode.due(at(5)).slack, Some(Say::Opened), "it lasts: told when the five minutes are over");
    }

    #[test]
    fn an_alarm_that_flaps_for_a_day_is_told_a_bounded_number_of_times() {
        for (severity, most) in [(Severity::Warning, 2 * 30), (Severity::Critical, 2 * 12 * 24)] {
            let mut episode = Episode::first(&news(severity, 0, true));
            let mut messages = 0;
            for minute in 0..24 * 60 {
                episode = episode.after(&news(severity, minute, minute % 2 == 0));
                let (next, due) = tell(episode, at(minute));
                (episode, messages) = (next, messages + usize::from(due.slack.is_some()));
            }
            assert!(messages <= most, "{severity:?}: {messages}");
            assert!(messages > 20, "{severity:?}: {messages}");
        }
    }

    #[test]
    fn a_critical_alarm_that_stays_open_is_told_each_hour_and_another_is_not() {
        for (severity, expected) in [(Severity::Critical, 5), (Severity::Warning, 0)] {
            let (mut episode, _) = tell(Episode::first(&news(severity, 0, true)), at(0));
            let mut reminders = 0;
            for minute in 1..=5 * 60 {
                let (next, due) = tell(episode, at(minute));
                reminders += usize::from(due.slack == Some(Say::StillOpen));
                assert_eq!(due.incident, None);
                episode = next;
            }
            assert_eq!(reminders, expected, "{severity:?}");
        }
    }

    #[test]
    fn only_one_tells_at_a_time_and_another_takes_over() {
        let episode = Episode::first(&news(Severity::Critical, 0, true)).being_told("first", at(0));
        assert!(episode.due(at(1)).is_empty());
        assert!(!episode.due(at(2)).is_empty(), "the first one has died");
    }

    #[test]
    fn a_calm_hour_makes_the_next_opening_the_first_again() {
        let (episode, _) = tell(Episode::first(&news(Severity::Warning, 0, true)), at(0));
        let (episode, _) = tell(episode.after(&news(Severity::Warning, 1, false)), at(1));
        let episode = episode.after(&news(Severity::Warning, 90, true));
        assert_eq!(episode.flaps, 0);
        assert_eq!(episode.due(at(90)).slack, Some(Say::Opened));
    }
}
