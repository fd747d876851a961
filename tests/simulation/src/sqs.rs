//! A model of SQS standard queues: at least once, in any order, with visibility, delay and redrive.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::SimClock;

/// What queue URLs begin with; the name follows.
const URL_BASE: &str = "https://sqs.sim/000000000000/";

/// How a queue behaves.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// Seconds for which a received message is hidden.
    pub visibility_timeout_s: u32,
    /// Where messages go that are received too often; `None` keeps them for ever, as a dead-letter queue does.
    pub redrive: Option<Redrive>,
}

/// The way to a dead-letter queue.
#[derive(Clone, Debug)]
pub struct Redrive {
    /// Name of the dead-letter queue, which must exist.
    pub dlq: String,
    /// A message that was received this often and becomes visible again moves there.
    pub max_receive_count: u32,
}

/// A message attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// `String`, `Number` or `Binary`.
    pub data_type: String,
    /// The text; base64 for `Binary`.
    pub value: String,
}

impl Attribute {
    /// A `String` attribute.
    pub fn string(value: impl Into<String>) -> Self {
        Self { data_type: "String".to_owned(), value: value.into() }
    }
}

/// A message as a consumer gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same at every delivery.
    pub id: String,
    /// Of this delivery: for [`Sqs::delete`] and [`Sqs::change_visibility`].
    pub receipt_handle: String,
    /// The body.
    pub body: String,
    /// The attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Deliveries so far, this one included.
    pub receive_count: u32,
    /// When it was sent, in Unix milliseconds.
    pub sent_at_ms: i64,
}

/// The queues of the account. Methods that take a queue's name panic when it does not exist.
#[derive(Debug)]
pub struct Sqs {
    clock: SimClock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queues: BTreeMap<String, Queue>,
    rng: fastrand::Rng,
    duplicate_probability: f64,
}

#[derive(Debug)]
struct Queue {
    settings: QueueSettings,
    messages: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    message: Message,
    visible_at_ms: i64,
}

impl Stored {
    fn is_visible(&self, now_ms: i64) -> bool {
        self.visible_at_ms <= now_ms
    }

    fn is_delayed(&self, now_ms: i64) -> bool {
        !self.is_visible(now_ms) && self.message.receive_count == 0
    }
}

impl Sqs {
    pub(crate) fn new(clock: SimClock, seed: u64) -> Self {
        let state = State { queues: BTreeMap::new(), rng: fastrand::Rng::with_seed(seed), duplicate_probability: 0.0 };
        Self { clock, state: Mutex::new(state) }
    }

    /// Creates an empty queue and gives its URL.
    pub fn create(&self, name: &str, settings: QueueSettings) -> String {
        let queue = Queue { settings, messages: Vec::new() };
        self.state.lock().unwrap().queues.insert(name.to_owned(), queue);
        Self::url(name)
    }

    /// The URL of the queue `name`.
    pub fn url(name: &str) -> String {
        format!("{URL_BASE}{name}")
    }

    /// The ARN of the queue `name`.
    pub fn arn(name: &str) -> String {
        format!("arn:aws:sqs:eu-central-1:000000000000:{name}")
    }

    /// The queue's name in `url`, when there is such a queue.
    pub(crate) fn name_of(&self, url: &str) -> Option<String> {
        let name = url.strip_prefix(URL_BASE)?;
        self.state.lock().unwrap().queues.contains_key(name).then(|| name.to_owned())
    }

    /// From now on a delivered message stays visible with this probability (0 to 1), so that it is delivered once more
    /// while the first delivery is worked on.
    pub fn set_duplicate_probability(&self, probability: f64) {
        self.state.lock().unwrap().duplicate_probability = probability;
    }

    /// Puts a message into the queue, receivable after `delay_s` seconds. Gives its id. Limits are not checked on this
    /// side.
    pub fn send(&self, queue: &str, body: &str, attributes: BTreeMap<String, Attribute>, delay_s: u32) -> String {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.lock().unwrap();
        let id = state.fresh_id();
        let message = Message {
            id: id.clone(),
            receipt_handle: String::new(),
            body: body.to_owned(),
            attributes,
            receive_count: 0,
            sent_at_ms: now_ms,
        };
        state.queue(queue).messages.push(Stored { message, visible_at_ms: now_ms + seconds(delay_s) });
        id
    }

    /// Takes up to `max` visible messages in random order and hides them for the visibility timeout.
    pub fn receive(&self, queue: &str, max: usize) -> Vec<Message> {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.lock().unwrap();
        state.redrive(queue, now_ms);
        let stored = &state.queue(queue).messages;
        let mut visible: Vec<usize> = (0..stored.len()).filter(|&i| stored[i].is_visible(now_ms)).collect();
        state.rng.shuffle(&mut visible);
        visible.truncate(max);
        visible.into_iter().map(|i| state.deliver(queue, i, now_ms)).collect()
    }

    /// Deletes the message of this delivery. `false`, and nothing happens, when the handle is not that of its latest
    /// delivery: AWS promises no more.
    pub fn delete(&self, queue: &str, receipt_handle: &str) -> bool {
        let mut state = self.state.lock().unwrap();
        let messages = &mut state.queue(queue).messages;
        let before = messages.len();
        messages.retain(|stored| stored.message.receipt_handle != receipt_handle);
        messages.len() < before
    }

    /// Hides the message of this delivery for `visibility_s` seconds from now; 0 makes it visible at once. `false`, and
    /// nothing happens, when the handle is not that of its latest delivery or the message is visible already.
    pub fn change_visibility(&self, queue: &str, receipt_handle: &str, visibility_s: u32) -> bool {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.lock().unwrap();
        let found =
            state.queue(queue).messages.iter_mut().find(|stored| stored.message.receipt_handle == receipt_handle);
        match found {
            Some(stored) if !stored.is_visible(now_ms) => {
                stored.visible_at_ms = now_ms + seconds(visibility_s);
                true
            }
            _ => false,
        }
    }

    /// How many messages could be received now.
    pub fn visible(&self, queue: &str) -> usize {
        self.count(queue, Stored::is_visible)
    }

    /// How many messages are hidden because they were received.
    pub fn in_flight(&self, queue: &str) -> usize {
        self.count(queue, |stored, now_ms| !stored.is_visible(now_ms) && !stored.is_delayed(now_ms))
    }

    /// How many messages wait for the end of their delay.
    pub fn delayed(&self, queue: &str) -> usize {
        self.count(queue, Stored::is_delayed)
    }

    /// Every message in the queue, visible or not, oldest first; nothing is received by this.
    pub fn messages(&self, queue: &str) -> Vec<Message> {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.lock().unwrap();
        state.redrive(queue, now_ms);
        state.queue(queue).messages.iter().map(|stored| stored.message.clone()).collect()
    }

    /// When the queue next has something to receive, in Unix milliseconds: now or earlier when it has it already, `None`
    /// when it is empty.
    pub fn next_visible_at_ms(&self, queue: &str) -> Option<i64> {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.lock().unwrap();
        state.redrive(queue, now_ms);
        state.queue(queue).messages.iter().map(|stored| stored.visible_at_ms).min()
    }

    /// Whether nothing is in the queue, hidden or not.
    pub fn is_empty(&self, queue: &str) -> bool {
        self.next_visible_at_ms(queue).is_none()
    }

    /// The names of all queues.
    pub fn queues(&self) -> Vec<String> {
        self.state.lock().unwrap().queues.keys().cloned().collect()
    }

    /// The settings of a queue.
    pub fn settings(&self, queue: &str) -> QueueSettings {
        self.state.lock().unwrap().queue(queue).settings.clone()
    }

    fn count(&self, queue: &str, is: impl Fn(&Stored, i64) -> bool) -> usize {
        let now_ms = self.clock.now_ms();
        let mut state = self.state.lock().unwrap();
        state.redrive(queue, now_ms);
        state.queue(queue).messages.iter().filter(|stored| is(stored, now_ms)).count()
    }
}

impl State {
    fn queue(&mut self, name: &str) -> &mut Queue {
        self.queues.get_mut(name).unwrap_or_else(|| panic!("there is no queue {name}"))
    }

    fn deliver(&mut self, queue: &str, index: usize, now_ms: i64) -> Message {
        let receipt_handle = format!("receipt-{}", self.fresh_id());
        let again_at_once = self.rng.f64() < self.duplicate_probability;
        let queue = self.queue(queue);
        let hidden_ms = if again_at_once { 0 } else { seconds(queue.settings.visibility_timeout_s) };
        let stored = &mut queue.messages[index];
        stored.visible_at_ms = now_ms + hidden_ms;
        stored.message.receive_count += 1;
        stored.message.receipt_handle = receipt_handle;
        stored.message.clone()
    }

    /// Moves what is visible again after its last allowed delivery, out of the queue that somebody looks at, or into it.
    /// AWS does it at the next receive; nobody sees the difference.
    fn redrive(&mut self, queue: &str, now_ms: i64) {
        let asked = self.queue(queue);
        if let Some(redrive) = &asked.settings.redrive {
            if !asked.messages.is_empty() {
                let redrive = redrive.clone();
                self.redrive_from(queue, &redrive, now_ms);
            }
            return;
        }
        let into_it = |(name, other): (&String, &Queue)| {
            let redrive = other.settings.redrive.as_ref().filter(|redrive| redrive.dlq == queue)?;
            Some((name.clone(), redrive.clone()))
        };
        let sources: Vec<_> = self.queues.iter().filter_map(into_it).collect();
        for (name, redrive) in sources {
            self.redrive_from(&name, &redrive, now_ms);
        }
    }

    fn redrive_from(&mut self, queue: &str, redrive: &Redrive, now_ms: i64) {
        let over = |stored: &mut Stored| {
            stored.is_visible(now_ms) && stored.message.receive_count >= redrive.max_receive_count
        };
        let moved: Vec<Stored> = self.queue(queue).messages.extract_if(.., over).collect();
        for mut stored in moved {
            stored.visible_at_ms = now_ms;
            self.queue(&redrive.dlq).messages.push(stored);
        }
    }

    fn fresh_id(&mut self) -> String {
        let bits = self.rng.u128(..);
        format!(
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            bits >> 96,
            (bits >> 80) & 0xffff,
            (bits >> 64) & 0xffff,
            (bits >> 48) & 0xffff,
            bits & 0xffff_ffff_ffff
        )
    }
}

fn seconds(s: u32) -> i64 {
    i64::from(s) * 1000
}
