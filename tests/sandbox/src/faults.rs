//! The fault dial: what goes wrong, where, and how often.

use crate::parcels::Rules;
use crate::{Course, MessageRule, Vendor};
use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The operation of a [`CallRule`] that fits every call.
const EVERY_OPERATION: &str = "*";

/// The operation that no [`CallLimit`] counts: a carrier's token service is not the API.
const TOKEN_OPERATION: &str = "token";

/// What an outage answers.
pub(crate) const OUTAGE_STATUS: u16 = 503;

/// The longest random delay of an answer, in milliseconds: past every timeout that a caller is likely to have.
const RANDOM_DELAY_MAX_MS: u64 = 40_000;

/// The longest random lateness of a webhook, in milliseconds.
const RANDOM_LATE_MAX_MS: u64 = 600_000;

/// What goes wrong with one API call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum CallFault {
    /// Answered with this status at the vendor's edge: nothing is done, nothing is remembered.
    ErrorBefore {
        /// The HTTP status, 5xx as a rule.
        status: u16,
    },
    /// The vendor fails while it works: nothing is done, but the error is remembered under the idempotency key.
    ErrorDuring {
        /// The HTTP status, 5xx as a rule.
        status: u16,
    },
    /// The vendor does the work and then answers with this status, remembered under the idempotency key (the "stored
    /// 500").
    ErrorAfter {
        /// The HTTP status, 5xx as a rule.
        status: u16,
    },
    /// 429: nothing is done, nothing is remembered.
    Throttled {
        /// The `Retry-After` header, in seconds.
        retry_after_s: u64,
    },
    /// 429 because another request holds the object (Stripe: `lock_timeout`): nothing is done, nothing is remembered, and
    /// nobody says when to come back.
    LockTimeout,
    /// The work is done, the answer comes late. Goes together with one of the other faults.
    Delay {
        /// Milliseconds between the request and its answer.
        ms: u64,
    },
    /// The connection breaks before the vendor has read the request: nothing is done, and the caller cannot know.
    LostRequest,
    /// The work is done and the connection breaks before the answer.
    LostAnswer,
    /// The connection is refused: nothing is done, and the caller knows.
    Refused,
    /// The work is done, and the body of the answer breaks off in the middle.
    Garbled,
}

/// What goes wrong with one webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum WebhookFault {
    /// The same event (for SendGrid: batch) is sent that many times more.
    Duplicate {
        /// Copies on top of the first.
        copies: u32,
    },
    /// It arrives after the vendor's next one.
    Reordered,
    /// It is sent later than usual.
    Late {
        /// Milliseconds on top of the usual.
        ms: i64,
    },
    /// It is never sent.
    Dropped,
}

/// A fault for calls of one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRule {
    /// Whose calls.
    pub vendor: Vendor,
    /// Stripe: `create_payment_intent`, `confirm`, `cancel`, `retrieve`, `list` (payment intents); `create_refund`,
    /// `retrieve_refund`, `list_refunds`; `create_customer`, `update_customer`, `retrieve_customer`, `list_customers`;
    /// `attach_payment_method`, `retrieve_payment_method`, `list_payment_methods`; `retrieve_charge`;
    /// `retrieve_balance_transaction`. SendGrid: `mail_send`; `create_batch`, `retrieve_batch`, `stop_batch`,
    /// `list_stops`, `update_stop`, `resume_batch`; `create_template`, `create_version`, `retrieve_template`,
    /// `list_templates`; `stats`. Twilio: `create_message`, `retrieve_message`, `list_messages`. Postmark: `email`,
    /// `email_batch`. FedEx, UPS, DHL, as far as each has it: `token`, `rates`, `ship`, `void`, `recover_label`, `track`,
    /// `track_reference`, `validate_address`, `pickup`, `cancel_pickup`, `subscribe`. `*` is every call.
    pub operation: String,
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: CallFault,
    /// For how many calls; none: until the dial is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// Only calls whose path, query or body has this text (an order's id): others are left alone.
    #[serde(default)]
    pub about: Option<String>,
}

/// A fault for webhooks of one vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookRule {
    /// Whose webhooks.
    pub vendor: Vendor,
    /// What goes wrong.
    #[serde(flatten)]
    pub fault: WebhookFault,
    /// For how many webhooks; none: until the dial is cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// Only webhooks whose body has this text.
    #[serde(default)]
    pub about: Option<String>,
}

/// The probability (0 to 1) of each fault, drawn from the seed where no rule fits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomFaults {
    /// [`CallFault::ErrorBefore`] with 503.
    pub error_before: f64,
    /// [`CallFault::ErrorDuring`] with 500.
    pub error_during: f64,
    /// [`CallFault::ErrorAfter`] with 500.
    pub error_after: f64,
    /// [`CallFault::Throttled`] for a second.
    pub throttled: f64,
    /// [`CallFault::LostRequest`].
    pub lost_request: f64,
    /// [`CallFault::LostAnswer`].
    pub lost_answer: f64,
    /// [`CallFault::Refused`].
    pub refused: f64,
    /// [`CallFault::Delay`] of up to 40 s, besides any other fault.
    pub delay: f64,
    /// [`WebhookFault::Duplicate`], one copy.
    pub webhook_duplicate: f64,
    /// [`WebhookFault::Reordered`].
    pub webhook_reordered: f64,
    /// [`WebhookFault::Late`] by up to 10 min.
    pub webhook_late: f64,
    /// [`WebhookFault::Dropped`].
    pub webhook_dropped: f64,
}

/// How many calls of one vendor are answered, before the rest is throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallLimit {
    /// So many calls …
    pub calls: usize,
    /// … within so many milliseconds. Calls for a token do not count.
    pub window_ms: i64,
}

/// Decides for every call and every webhook whether something goes wrong. Rules come first, in the order in which they
/// were added; then chance.
#[derive(Debug)]
pub struct FaultDial {
    calls: Vec<CallRule>,
    webhooks: Vec<WebhookRule>,
    messages: Vec<MessageRule>,
    outages: BTreeSet<Vendor>,
    /// With the times of the calls that count still, epoch milliseconds.
    limits: BTreeMap<Vendor, (CallLimit, VecDeque<i64>)>,
    pub(crate) carriers: Rules,
    random: RandomFaults,
    chance: fastrand::Rng,
}

/// What the dial decided for one call.
pub(crate) struct CallFate {
    pub(crate) delay_ms: u64,
    pub(crate) fault: Option<CallFault>,
}

/// What goes wrong inside the vendor while it works on one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    None,
    /// Fails with this status before anything is done.
    During(u16),
    /// Does the work, then fails with this status.
    After(u16),
    /// Refuses for lack of capacity; seconds for `Retry-After`.
    Throttled(u64),
    /// Refuses because another request is at work on the same object.
    Locked,
}

impl FaultDial {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            calls: Vec::new(),
            webhooks: Vec::new(),
            messages: Vec::new(),
            outages: BTreeSet::new(),
            limits: BTreeMap::new(),
            carriers: Rules::default(),
            random: RandomFaults::default(),
            chance: fastrand::Rng::with_seed(seed),
        }
    }

    /// The next `times` calls of this operation (`*`: any) go wrong in this way.
    pub fn next_calls(&mut self, vendor: Vendor, operation: &str, times: u32, fault: CallFault) {
        self.add_call_rule(CallRule {
            vendor,
            operation: operation.to_owned(),
            fault,
            times: Some(times),
            about: None,
        });
    }

    /// Every call of this operation (`*`: any) goes wrong in this way, until [`Self::clear`].
    pub fn every_call(&mut self, vendor: Vendor, operation: &str, fault: CallFault) {
        self.add_call_rule(CallRule { vendor, operation: operation.to_owned(), fault, times: None, about: None });
    }

    /// The next `times` webhooks of this vendor that come into being go wrong in this way.
    pub fn next_webhooks(&mut self, vendor: Vendor, times: u32, fault: WebhookFault) {
        self.add_webhook_rule(WebhookRule { vendor, fault, times: Some(times), about: None });
    }

    /// Every webhook of this vendor goes wrong in this way, until [`Self::clear`].
    pub fn every_webhook(&mut self, vendor: Vendor, fault: WebhookFault) {
        self.add_webhook_rule(WebhookRule { vendor, fault, times: None, about: None });
    }

    /// The next `times` messages that this vendor accepts take this course, whatever their address says.
    pub fn next_messages(&mut self, vendor: Vendor, times: u32, course: Course) {
        self.add_message_rule(MessageRule { vendor, course, times: Some(times) });
    }

    /// Adds a rule for messages.
    pub fn add_message_rule(&mut self, rule: MessageRule) {
        self.messages.push(rule);
    }

    /// Adds a rule for calls.
    pub fn add_call_rule(&mut self, rule: CallRule) {
        self.calls.push(rule);
    }

    /// Adds a rule for webhooks.
    pub fn add_webhook_rule(&mut self, rule: WebhookRule) {
        self.webhooks.push(rule);
    }

    /// Starts (`true`) or ends (`false`) an outage: every call is answered 503 and nothing is done. Webhooks that are
    /// already on their way keep coming.
    pub fn outage(&mut self, vendor: Vendor, on: bool) {
        if on {
            self.outages.insert(vendor);
        } else {
            self.outages.remove(&vendor);
        }
    }

    /// From now on so many calls are answered in that time, and the others throttled; none: as many as come.
    pub fn limit(&mut self, vendor: Vendor, limit: Option<CallLimit>) {
        match limit {
            Some(limit) => drop(self.limits.insert(vendor, (limit, VecDeque::new()))),
            None => drop(self.limits.remove(&vendor)),
        }
    }

    /// Turns on chance; `RandomFaults::default()` turns it off.
    pub fn random(&mut self, random: RandomFaults) {
        self.random = random;
    }

    /// Everything works again: no rule, no outage, no limit, no chance.
    pub fn clear(&mut self) {
        self.calls.clear();
        self.webhooks.clear();
        self.messages.clear();
        self.outages.clear();
        self.limits.clear();
        self.carriers = Rules::default();
        self.random = RandomFaults::default();
    }

    /// Takes away the rules that are about this text, and no others.
    pub fn clear_about(&mut self, text: &str) {
        self.calls.retain(|rule| rule.about.as_deref() != Some(text));
        self.webhooks.retain(|rule| rule.about.as_deref() != Some(text));
    }

    pub(crate) fn for_call(
        &mut self,
        now_ms: i64,
        vendor: Vendor,
        operation: &str,
        request: &Request<Bytes>,
    ) -> CallFate {
        if self.outages.contains(&vendor) {
            return CallFate { delay_ms: 0, fault: Some(CallFault::ErrorBefore { status: OUTAGE_STATUS }) };
        }
        let mut fate = CallFate { delay_ms: 0, fault: None };
        for rule in &mut self.calls {
            let fits = rule.vendor == vendor
                && [EVERY_OPERATION, operation].contains(&rule.operation.as_str())
                && rule.about.as_deref().is_none_or(|text| is_about(request, text));
            match rule.fault {
                CallFault::Delay { ms } if fits && fate.delay_ms == 0 && spend(&mut rule.times) => fate.delay_ms = ms,
                CallFault::Delay { .. } => {}
                fault if fits && fate.fault.is_none() && spend(&mut rule.times) => fate.fault = Some(fault),
                _ => {}
            }
        }
        self.calls.retain(|rule| rule.times != Some(0));
        if fate.fault.is_none() && operation != TOKEN_OPERATION && self.is_over_limit(now_ms, vendor) {
            fate.fault = Some(CallFault::Throttled { retry_after_s: 1 });
        }
        if fate.fault.is_none() && fate.delay_ms == 0 {
            fate.fault = self.random_call_fault();
            if self.chance.f64() < self.random.delay {
                fate.delay_ms = self.chance.u64(1..=RANDOM_DELAY_MAX_MS);
            }
        }
        fate
    }

    /// Counts a call, unless it is one too many.
    fn is_over_limit(&mut self, now_ms: i64, vendor: Vendor) -> bool {
        let Some((limit, counted)) = self.limits.get_mut(&vendor) else { return false };
        while counted.front().is_some_and(|at_ms| at_ms + limit.window_ms <= now_ms) {
            counted.pop_front();
        }
        let over = counted.len() >= limit.calls;
        if !over {
            counted.push_back(now_ms);
        }
        over
    }

    pub(crate) fn for_webhook(&mut self, vendor: Vendor, body: &[u8]) -> Option<WebhookFault> {
        let ruled = self.webhooks.iter_mut().find_map(|rule| {
            let fits = rule.vendor == vendor && rule.about.as_deref().is_none_or(|text| has(body, text));
            (fits && spend(&mut rule.times)).then_some(rule.fault)
        });
        self.webhooks.retain(|rule| rule.times != Some(0));
        ruled.or_else(|| self.random_webhook_fault())
    }

    /// The course of a message to one recipient, if a rule decides it.
    pub(crate) fn for_message(&mut self, vendor: Vendor) -> Option<Course> {
        let mut rules = self.messages.iter_mut();
        let ruled = rules.find_map(|rule| (rule.vendor == vendor && spend(&mut rule.times)).then_some(rule.course));
        self.messages.retain(|rule| rule.times != Some(0));
        ruled
    }

    fn random_call_fault(&mut self) -> Option<CallFault> {
        let random = self.random;
        pick(
            self.chance.f64(),
            &[
                (random.error_before, CallFault::ErrorBefore { status: 503 }),
                (random.error_during, CallFault::ErrorDuring { status: 500 }),
                (random.error_after, CallFault::ErrorAfter { status: 500 }),
                (random.throttled, CallFault::Throttled { retry_after_s: 1 }),
                (random.lost_request, CallFault::LostRequest),
                (random.lost_answer, CallFault::LostAnswer),
                (random.refused, CallFault::Refused),
            ],
        )
    }

    fn random_webhook_fault(&mut self) -> Option<WebhookFault> {
        let random = self.random;
        let late_ms = i64::try_from(self.chance.u64(1..=RANDOM_LATE_MAX_MS)).unwrap_or_default();
        pick(
            self.chance.f64(),
            &[
                (random.webhook_duplicate, WebhookFault::Duplicate { copies: 1 }),
                (random.webhook_reordered, WebhookFault::Reordered),
                (random.webhook_late, WebhookFault::Late { ms: late_ms }),
                (random.webhook_dropped, WebhookFault::Dropped),
            ],
        )
    }
}

/// Whether a request names `text` in its path, query or body.
fn is_about(request: &Request<Bytes>, text: &str) -> bool {
    has(request.uri().to_string().as_bytes(), text) || has(request.body(), text)
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len().max(1)).any(|window| window == text.as_bytes())
}

/// Takes one use from a rule; false when it has none left.
pub(crate) fn spend(times: &mut Option<u32>) -> bool {
    match times {
        None => true,
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
    }
}

/// The fault in whose share of 0..1 the draw falls.
fn pick<T: Copy>(draw: f64, shares: &[(f64, T)]) -> Option<T> {
    let mut edge = 0.0;
    shares.iter().find_map(|(share, fault)| {
        edge += share;
        (draw < edge).then_some(*fault)
    })
}
