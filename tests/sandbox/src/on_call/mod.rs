//! Who people on call are told by: Slack's incoming webhook and Better Stack. They are no vendors of the shop: nothing is bought there,
//! and no fault of theirs may reach an order. So they have a dial of their own: what they answer next.

pub mod betterstack;
pub mod slack;

use crate::answer::{answer, set};
use bytes::Bytes;
use http::{Request, Response, header};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What is answered next in place of the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "next")]
pub enum Next {
    /// The truth.
    Truth,
    /// 429 with these seconds in Retry-After. Source: page, api.slack.com/docs/rate-limits ("including Incoming Webhooks").
    Throttled {
        /// Seconds; none leaves the header out, which nobody documents.
        retry_after_s: Option<u64>,
    },
    /// This status with this word.
    Refused {
        /// The status.
        status: u16,
    },
    /// No answer, after this time.
    Silent {
        /// Milliseconds.
        after_ms: u64,
    },
    /// The work is done, and no answer comes.
    Lost,
}

/// What a caller sees.
#[derive(Debug)]
pub enum Told {
    /// An answer.
    Answer(Response<Bytes>),
    /// The connection breaks after this time.
    Broken {
        /// Milliseconds.
        after_ms: u64,
    },
}

/// The receivers of one shop.
#[derive(Debug)]
pub struct OnCall {
    /// Slack.
    pub slack: slack::State,
    /// Better Stack.
    pub betterstack: betterstack::State,
}

impl Default for OnCall {
    fn default() -> Self {
        Self { slack: slack::State::default(), betterstack: betterstack::State::new(betterstack::CONFIGURATION) }
    }
}

/// The answers that were ordered.
pub(crate) fn ordered(queue: &mut VecDeque<Next>) -> Next {
    queue.pop_front().unwrap_or(Next::Truth)
}

pub(crate) fn throttled(now_ms: i64, retry_after_s: Option<u64>) -> Response<Bytes> {
    let mut response =
        answer(now_ms, 429, "application/json", r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#);
    if let Some(seconds) = retry_after_s {
        set(&mut response, header::RETRY_AFTER, &seconds.to_string());
    }
    response
}

/// The JSON of a request, if it is declared and is some.
pub(crate) fn json_of(request: &Request<Bytes>) -> Option<serde_json::Value> {
    let kind = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    let is_json = kind.split(';').next()?.trim().eq_ignore_ascii_case("application/json");
    if is_json { serde_json::from_slice(request.body()).ok() } else { None }
}
