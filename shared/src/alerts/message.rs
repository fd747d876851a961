//! A message as people read it.
//!
//! ```text
//! 🚨 Shop Production Alert: Critical
//! Title: payments dead letters
//! Message: Messages are in this dead-letter queue. …
//! Time: 2026-02-23 14:30 UTC
//! Runbook · next: cargo crossdock dlq list
//! ```

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::severity::Severity;
use crate::domain::Timestamp;

/// A message that is told so much later than it happened says so.
const LATE_AFTER: Duration = Duration::from_secs(180);
/// The longest link and the longest command, in characters: what is longer is none of ours.
const NEXT_MAX_CHARS: usize = 300;
/// How the line with the next command begins in an alarm's description.
const NEXT: &str = "Next: ";
/// How the line with the page begins.
const RUNBOOK: &str = "Runbook: ";
/// What every command of ours begins with.
const COMMAND: &str = "cargo crossdock ";

/// What to do next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// The page about this kind of alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// The command to run first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl Next {
    /// The first line of an alarm's description, and what the others say. Only a page under `runbook_base` and a command of
    /// `cargo crossdock` are taken over: whoever can change an alarm's text must not lead the person on call away.
    pub fn in_description<'a>(description: &'a str, runbook_base: &str) -> (&'a str, Self) {
        let line = |begin: &str| description.lines().find_map(|line| line.trim().strip_prefix(begin)).map(str::trim);
        let base = format!("{}/", runbook_base.trim_end_matches('/'));
        let is_page = |url: &&str| {
            url.strip_prefix(base.as_str()).is_some_and(|page| {
                !page.is_empty() && page.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '/'))
            })
        };
        let is_command = |text: &&str| {
            text.starts_with(COMMAND)
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/' | ':'))
        };
        let short = |text: &&str| text.len() <= NEXT_MAX_CHARS;
        let next = Self {
            runbook: line(RUNBOOK).filter(short).filter(is_page).map(str::to_owned),
            command: line(NEXT).filter(short).filter(is_command).map(str::to_owned),
        };
        (description.lines().next().unwrap_or_default(), next)
    }
}

/// What kind of message it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An alarm has opened.
    Opened,
    /// It is still open.
    StillOpen,
    /// It is over.
    Over,
    /// It opened and ended before it was told.
    Passed,
    /// Something is told once.
    Notice,
}

/// A message to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) title: String,
    /// Lines of text, each harmless.
    pub(super) lines: Vec<String>,
    /// When it happened.
    pub(super) at: Timestamp,
    /// When it is told.
    pub(super) told_at: Timestamp,
    pub(super) next: Next,
}

impl Message {
    /// The first line: whose alert it is, and how urgent.
    fn heading(&self, shop: &str, stage: &str) -> String {
        let severity = self.severity.title();
        let (emoji, what) = match self.kind {
            Kind::Opened | Kind::Notice => (self.severity.emoji(), severity.to_owned()),
            Kind::StillOpen => (self.severity.emoji(), format!("{severity}, still open")),
            Kind::Over => ("✅", format!("{severity}, over")),
            Kind::Passed => (self.severity.emoji(), format!("{severity}, over by now")),
        };
        format!("{emoji} {shop} {} Alert: {what}", capitalised(stage))
    }

    /// The whole text, for a shop and a stage.
    pub fn text(&self, shop: &str, stage: &str) -> String {
        let mut text = self.heading(shop, stage);
        let mut line = |name: &str, content: &str| {
            if !content.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n{name}: {content}");
            }
        };
        line("Title", &self.title);
        line("Message", &self.lines.join(" "));
        let late = self.told_at.since(self.at);
        let late = if late > LATE_AFTER { format!(" (told {} late)", lasted(late)) } else { String::new() };
        line("Time", &format!("{}{late}", minute(self.at)));
        text
    }

    /// What Slack's incoming webhook takes. The text is in a block that knows no markup; only the link and the command, which are
    /// ours, are in one that does. `text` is what a notification shows.
    /// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks; docs.slack.dev/reference/block-kit/composition-objects/text-object)
    pub(super) fn for_slack(&self, shop: &str, stage: &str) -> Value {
        let text = self.text(shop, stage);
        let mut blocks =
            vec![json!({ "type": "section", "text": { "type": "plain_text", "text": text, "emoji": false } })];
        let runbook = self.next.runbook.as_ref().map(|url| format!("<{url}|Runbook>"));
        let command = self.next.command.as_ref().map(|command| format!("next: `{command}`"));
        let next: Vec<String> = [runbook, command].into_iter().flatten().collect();
        if !next.is_empty() && self.kind != Kind::Over {
            let text = json!({ "type": "mrkdwn", "text": next.join(" · "), "verbatim": true });
            blocks.push(json!({ "type": "section", "text": text }));
        }
        json!({
            "text": text,
            "mrkdwn": false,
            "link_names": false,
            "unfurl_links": false,
            "unfurl_media": false,
            "blocks": blocks,
        })
    }
}

/// `2026-02-23 14:30 UTC`
pub(super) fn minute(at: Timestamp) -> String {
    let text = at.to_rfc3339();
    let (day, time) = (text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default());
    format!("{day} {time} UTC")
}

/// `45 s`, `12 min`, `3 h 20 min`, `2 d 3 h`
pub(super) fn lasted(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind) -> Message {
        let next = Next {
            runbook: Some("https://example.com/dead-letters.md".to_owned()),
            command: Some("cargo crossdock dlq list".to_owned()),
        };
        Message {
            kind,
            severity: Severity::Critical,
            title: "Error spike detected".to_owned(),
            lines: vec!["8 errors in the last 60 seconds".to_owned()],
            at: Timestamp::parse_rfc3339("2026-02-23T14:30:10Z").unwrap_or_default(),
            told_at: Timestamp::parse_rfc3339("2026-02-23T14:31:10Z").unwrap_or_default(),
            next,
        }
    }

    #[test]
    fn it_has_the_form_that_people_know() {
        let text = message(Kind::Opened).text("Drop", "production");
        assert_eq!(
            text,
            "🚨 Drop Production Alert: Critical\nTitle: Error spike detected\n\
             Message: 8 errors in the last 60 seconds\nTime: 2026-02-23 14:30 UTC"
        );
        assert!(
            message(Kind::Over).text("Drop", "production").starts_with("✅ Drop Production Alert: Critical, over\n")
        );
    }

    #[test]
    fn what_is_told_late_says_so() {
        let late =
            Message { told_at: message(Kind::Opened).at.plus(Duration::from_secs(7_500)), ..message(Kind::Opened) };
        assert!(late.text("Drop", "production").ends_with("Time: 2026-02-23 14:30 UTC (told 2 h 5 min late)"));
    }

    #[test]
    fn only_what_is_ours_is_markup() {
        let slack = message(Kind::Opened).for_slack("Drop", "production");
        assert_eq!(slack["blocks"][0]["text"]["type"], "plain_text");
        let expected = "<https://example.com/dead-letters.md|Runbook> · next: `cargo crossdock dlq list`";
        assert_eq!(slack["blocks"][1]["text"]["text"], expected);
    }

    #[test]
    fn a_time_is_told_as_people_tell_it() {
        for (seconds, text) in [(45, "45 s"), (719, "11 min"), (12_000, "3 h 20 min"), (183_600, "2 d 3 h")] {
            assert_eq!(lasted(Duration::from_secs(seconds)), text);
        }
    }
}
