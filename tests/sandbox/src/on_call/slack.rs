//! Slack's incoming webhook, and what a reader of the channel sees.
//!
//! | rule | source |
//! |---|---|
//! | 200 `ok` | page: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks |
//! | 400 `invalid_payload`, 403 `action_prohibited`, 404 `channel_not_found`, 410 `channel_is_archived`, 500 `rollup_error` | page: api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks |
//! | 404 `no_service` for a webhook that was removed | report: routeforms.com/docs/slack-webhooks |
//! | 400 `no_text` without text and blocks | page: docs.slack.dev/messaging/sending-messages-using-incoming-webhooks |
//! | a section's text has at most 3,000 characters, else 400 `invalid_blocks` | page: docs.slack.dev/reference/block-kit/blocks/section-block |
//! | 429 with Retry-After | page: api.slack.com/docs/rate-limits |
//! | in `mrkdwn` `<…>` is a link or a mention, and `&lt;` is not | page: docs.slack.dev/messaging/formatting-message-text |
//! | `verbatim` makes no links of bare addresses | page: docs.slack.dev/reference/block-kit/composition-objects/text-object |
//! | a `plain_text` is shown as it is | the same page says so of formatting; that mentions and addresses in it are inert is believed: [`State::reads_plain_text`] turns it |

use super::{Next, Told, json_of, ordered, throttled};
use crate::answer::answer;
use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Serialize;
use std::collections::VecDeque;

/// The path of the webhook that the sandbox knows.
pub const PATH: &str = "/services/T0SANDBOX/B0SANDBOX/0123456789abcdefSANDBOX";
/// The longest text of a section.
const SECTION_MAX_CHARS: usize = 3_000;

/// A message as the channel shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// When it came, epoch milliseconds.
    pub at_ms: i64,
    /// All that can be read.
    pub text: String,
    /// Where a click leads.
    pub links: Vec<String>,
    /// Who is called: `!channel`, `@U1`.
    pub mentions: Vec<String>,
}

/// The channel.
#[derive(Debug, Default)]
pub struct State {
    messages: Vec<Shown>,
    next: VecDeque<Next>,
    /// The webhook was removed.
    pub is_removed: bool,
    /// Whether `plain_text` is read for mentions and addresses after all: nobody outside knows.
    pub reads_plain_text: bool,
}

impl State {
    /// What the channel shows, oldest first.
    pub fn messages(&self) -> &[Shown] {
        &self.messages
    }

    /// Orders what is answered next.
    pub fn answer_next(&mut self, next: impl IntoIterator<Item = Next>) {
        self.next.extend(next);
    }

    /// One post.
    pub fn call(&mut self, now_ms: i64, request: &Request<Bytes>) -> Told {
        match ordered(&mut self.next) {
            Next::Truth => Told::Answer(self.truth(now_ms, request)),
            Next::Throttled { retry_after_s } => Told::Answer(throttled(now_ms, retry_after_s)),
            Next::Refused { status } => Told::Answer(said(now_ms, status, word(status))),
            Next::Silent { after_ms } => Told::Broken { after_ms },
            Next::Lost => {
                let _ = self.truth(now_ms, request);
                Told::Broken { after_ms: 0 }
            }
        }
    }

    fn truth(&mut self, now_ms: i64, request: &Request<Bytes>) -> Response<Bytes> {
        if request.uri().path() != PATH || self.is_removed {
            return said(now_ms, 404, "no_service");
        }
        let Some(body) = json_of(request).filter(|_| request.method() == Method::POST) else {
            return said(now_ms, 400, "invalid_payload");
        };
        let blocks = body["blocks"].as_array().cloned().unwrap_or_default();
        if body["text"].as_str().unwrap_or_default().is_empty() && blocks.is_empty() {
            return said(now_ms, 400, "no_text");
        }
        let mut shown = Shown { at_ms: now_ms, text: String::new(), links: Vec::new(), mentions: Vec::new() };
        for block in &blocks {
            let (kind, text) = (block["text"]["type"].as_str(), block["text"]["text"].as_str().unwrap_or_default());
            if block["type"] != "section" || text.is_empty() || text.chars().count() > SECTION_MAX_CHARS {
                return said(now_ms, 400, "invalid_blocks");
            }
            match kind {
                Some("mrkdwn") => shown.reads(text, block["text"]["verbatim"] != true),
                Some("plain_text") if self.reads_plain_text => shown.reads(text, true),
                Some("plain_text") => shown.adds(text),
                _ => return said(now_ms, 400, "invalid_blocks"),
            }
        }
        // What a notification shows: with blocks it is not in the channel, but whoever it calls is called.
        let notification = body["text"].as_str().unwrap_or_default();
        if blocks.is_empty() {
            shown.reads(notification, true);
        } else {
            let mut aside = Shown { text: String::new(), links: Vec::new(), mentions: Vec::new(), ..shown };
            aside.reads(notification, true);
            shown.mentions.extend(aside.mentions);
        }
        self.messages.push(shown);
        said(now_ms, 200, "ok")
    }
}

impl Shown {
    fn adds(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }

    /// Reads markup: `<…>` is a mention or a link; bare addresses are links where Slack may make them.
    fn reads(&mut self, text: &str, makes_links: bool) {
        let mut shown = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            shown.push_str(before);
            let Some((inside, after)) = after.split_once('>') else {
                rest = after;
                continue;
            };
            let (target, label) = inside.split_once('|').unwrap_or((inside, inside));
            if target.starts_with(['!', '@', '#']) {
                self.mentions.push(target.to_owned());
            } else {
                self.links.push(target.to_owned());
            }
            shown.push_str(label);
            rest = after;
        }
        shown.push_str(rest);
        if makes_links {
            self.links.extend(shown.split_whitespace().filter(|word| word.contains("://")).map(str::to_owned));
        }
        self.adds(&shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
    }
}

fn word(status: u16) -> &'static str {
    match status {
        400 => "invalid_payload",
        403 => "action_prohibited",
        404 => "channel_not_found",
        410 => "channel_is_archived",
        _ => "rollup_error",
    }
}

fn said(now_ms: i64, status: u16, word: &'static str) -> Response<Bytes> {
    answer(now_ms, status, "text/html", word)
}
