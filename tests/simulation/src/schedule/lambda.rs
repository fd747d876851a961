//! Lambda's part, and the postmen's: webhooks to their receivers, messages to workers side by side, the schedule.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use lambda_http::Body;
use sandbox::{Delivery, Vendor};

use super::chance::{Mishap, one_of};
use super::identity::{of_messages, of_webhook};
use super::stage::Stage;
use super::tomorrow;
use crate::invocation::{Done, Job};
use crate::universe::{Function, QUEUES, START_MS, SWEEP_EVERY_MS};

/// Workers of one queue side by side, at most.
const WORKERS_MAX: usize = 8;
/// The longest that a message waits to be looked at when something delays it, in milliseconds.
const MESSAGE_LATE_MAX_MS: u64 = 60_000;
/// The longest way of a webhook that others overtake, in milliseconds: its signature is 300 s good.
const OVERTAKEN_MAX_MS: u64 = 60_000;
/// Copies of one webhook or batch at the same time, at most.
const COPIES_MAX: usize = 50;
/// Tries of a webhook that do not come through, at most: the gaps double from a minute, so ten of them take 17 hours.
const LATE_TRIES_MAX: u32 = 10;

/// How soon DynamoDB deletes what has expired, at the latest, when nothing goes wrong: events of a voided label, which match
/// nothing, are looked at until then.
const DELETED_WITHIN: Duration = Duration::from_secs(2 * 86_400);

/// Ticks of the schedule in a row that do not come, at most.
const MISSED_TICKS_MAX: i64 = 4;

type Actor = LocalBoxFuture<'static, ()>;

/// What Lambda remembers from one moment to the next.
struct Pollers {
    busy: BTreeMap<&'static str, Rc<Cell<usize>>>,
    /// Queues that are not looked at before this time.
    rests_until_ms: BTreeMap<&'static str, i64>,
    batches: u64,
    swept_ms: i64,
}

/// Runs until all actors are done and nothing is due any more; when nothing may go wrong any more, that is rest.
pub(super) async fn run(stage: &Rc<Stage>, actors: Vec<Actor>) {
    let mut running: FuturesUnordered<Actor> = FuturesUnordered::new();
    let left = Rc::new(RefCell::new(actors.len()));
    for actor in actors {
        let left = Rc::clone(&left);
        running.push(Box::pin(async move {
            actor.await;
            *left.borrow_mut() -= 1;
        }));
    }
    let busy = QUEUES.iter().map(|(name, ..)| (*name, Rc::default())).collect();
    let batches = stage.with(|universe| universe.invocations.len()) as u64;
    let mut pollers = Pollers { busy, rests_until_ms: BTreeMap::new(), batches, swept_ms: stage.now_ms() };
    loop {
        Pollers::post_webhooks(stage, &running);
        pollers.feed_workers(stage, &running);
        pollers.tick(stage, &running);
        let actors_left = *left.borrow();
        if running.is_empty() && stage.with(|universe| universe.is_quiet()) {
            return;
        }
        if actors_left == 0 && !stage.is_calm() {
            // Whatever still runs comes to its end; the rest is for the time without mishaps.
            while running.next().await.is_some() {}
            return;
        }
        let next = Duration::from_millis(pollers.next_ms(stage).unwrap_or(3_600_000));
        let is_long = stage.is_calm() && next >= DELETED_WITHIN;
        if is_long && stage.with(|universe| universe.aws().table().delete_expired()) > 0 {
            continue;
        }
        tokio::select! {
            biased;
            Some(()) = running.next(), if !running.is_empty() => {}
            () = stage.news.notified() => {}
            () = tokio::time::sleep(next) => {}
        }
    }
}

impl Pollers {
    /// Milliseconds until something is due.
    fn next_ms(&self, stage: &Stage) -> Option<u64> {
        let now_ms = stage.now_ms();
        let queues =
            QUEUES.iter().filter(|(name, ..)| self.busy[name].get() < workers(stage, name)).filter_map(|(name, ..)| {
                let visible = stage.with(|universe| universe.aws().sqs().next_visible_at_ms(name))?;
                Some(visible.max(self.rests_until_ms.get(name).copied().unwrap_or(0)))
            });
        let next = queues
            .chain(stage.with(|universe| universe.sandbox().next_delivery_at()))
            .chain(self.next_tick_ms(stage))
            .min()?;
        Some(u64::try_from(next - now_ms).unwrap_or(0).max(1))
    }

    fn post_webhooks(stage: &Rc<Stage>, running: &FuturesUnordered<Actor>) {
        let now_ms = stage.now_ms();
        let due = stage.with(|universe| universe.sandbox().take_due(now_ms));
        for delivery in due {
            running.push(Box::pin(post(Rc::clone(stage), delivery)));
        }
    }

    fn feed_workers(&mut self, stage: &Rc<Stage>, running: &FuturesUnordered<Actor>) {
        for (name, function, _, batch) in QUEUES {
            let busy = Rc::clone(&self.busy[name]);
            while busy.get() < workers(stage, name)
                && self.rests_until_ms.get(name).is_none_or(|until| *until <= stage.now_ms())
            {
                let mut rng = stage.chance.stream("batch", self.batches);
                let most = if stage.is_calm() { batch } else { rng.usize(1..=batch) };
                let messages = stage.with(|universe| universe.aws().sqs().receive(name, most));
                if messages.is_empty() {
                    break;
                }
                self.batches += 1;
                let number = stage.identity(&of_messages(&messages));
                if stage.strikes(Mishap::MessageLate, number) {
                    let rest = i64::try_from(rng.u64(1..=MESSAGE_LATE_MAX_MS)).unwrap_or(0);
                    self.rests_until_ms.insert(name, stage.now_ms() + rest);
                }
                let messages = if stage.strikes(Mishap::UnknownFields, number) {
                    tomorrow::with_more_fields(&messages)
                } else {
                    messages
                };
                let copies = if stage.strikes(Mishap::MessageDoubled, number) { few(&mut rng, COPIES_MAX) } else { 0 };
                for copy in 0..=copies {
                    let most_ms = if copy == 0 { 0 } else { one_of(&mut rng, [5, 500, 40_000]) };
                    let wait_ms = rng.u64(0..=most_ms);
                    let (stage, busy, messages) = (Rc::clone(stage), Rc::clone(&busy), messages.clone());
                    busy.set(busy.get() + 1);
                    running.push(Box::pin(async move {
                        stage.sleep_ms(wait_ms).await;
                        let (_, done) = stage.invoke(Job::Batch(function, name.to_owned(), messages.clone())).await;
                        stage.with(|universe| universe.acknowledge(name, &messages, &done));
                        busy.set(busy.get() - 1);
                    }));
                }
            }
        }
    }

    /// The first tick of the schedule that finds something due. Those that find nothing are left out to save time, and
    /// some that would find something are missed.
    fn next_tick_ms(&self, stage: &Stage) -> Option<i64> {
        let first_due_ms = stage.with(|universe| universe.aws().table().first_due_ms())?;
        let earliest = first_due_ms.max(self.swept_ms + 1) - START_MS;
        let tick = (earliest + SWEEP_EVERY_MS - 1) / SWEEP_EVERY_MS;
        // A tick is missed for everybody or for nobody, however often somebody asks.
        let missed = (0..MISSED_TICKS_MAX).take_while(|missed| {
            let number = u64::try_from(tick + missed).unwrap_or(0);
            stage.chance.stream("tick", number).bool()
        });
        Some(START_MS + (tick + i64::try_from(missed.count()).unwrap_or(0)) * SWEEP_EVERY_MS)
    }

    fn tick(&mut self, stage: &Rc<Stage>, running: &FuturesUnordered<Actor>) {
        if self.next_tick_ms(stage).is_none_or(|at_ms| stage.now_ms() < at_ms) {
            return;
        }
        self.swept_ms = stage.now_ms();
        let number = stage.identity("two ticks");
        let ticks = if stage.strikes(Mishap::TickDoubled, number) { 2 } else { 1 };
        for _ in 0..ticks {
            let stage = Rc::clone(stage);
            running.push(Box::pin(async move {
                stage.invoke(Job::Tick).await;
            }));
        }
    }
}

/// One to eight, the same for a queue during all of a run.
fn workers(stage: &Stage, queue: &str) -> usize {
    stage.chance.stream(queue, 0).usize(1..=WORKERS_MAX)
}

/// One, seldom more, hardly ever as many as that.
fn few(rng: &mut fastrand::Rng, most: usize) -> usize {
    match rng.usize(0..60) {
        0 => rng.usize(1..=most),
        1..12 => rng.usize(1..=4),
        _ => 1,
    }
}

/// Carries one webhook to its receiver, if it gets through.
async fn post(stage: Rc<Stage>, delivery: Delivery) {
    let id = delivery.id;
    let number = stage.identity_of_webhook(id, &of_webhook(delivery.request.body()));
    let mut rng = stage.chance.stream("webhook", number);
    let (late_tries, repeats) = (few_tries(&mut rng), few_tries(&mut rng));
    let tells = |stage: &Stage, status| {
        let now_ms = stage.now_ms();
        stage.with(|universe| universe.sandbox().delivered(id, status, now_ms));
        stage.news.notify_one();
    };
    let lost_on_the_way = delivery.attempt <= late_tries && stage.strikes(Mishap::WebhookLate, number);
    if lost_on_the_way {
        return tells(&stage, None);
    }
    let way_ms =
        if stage.strikes(Mishap::WebhookOvertaken, number) { rng.u64(0..=OVERTAKEN_MAX_MS) } else { rng.u64(0..=20) };
    let doubles = delivery.attempt == 1 && stage.strikes(Mishap::WebhookDoubled, number);
    let copies = if doubles { few(&mut rng, COPIES_MAX) } else { 0 };
    stage.sleep_ms(if stage.is_calm() { 0 } else { way_ms }).await;
    let function = match delivery.vendor {
        Vendor::Stripe => Function::StripeWebhook,
        Vendor::SendGrid => Function::SendGridWebhook,
        Vendor::Twilio => Function::TwilioWebhook,
        Vendor::Postmark => Function::PostmarkWebhook,
        Vendor::FedEx => Function::FedexWebhook,
        Vendor::Ups => Function::UpsWebhook,
        Vendor::Dhl => panic!("DHL tells nothing unasked"),
    };
    let job = || {
        let request = delivery.request.clone().map(|body: Bytes| Body::Binary(body.to_vec()));
        Job::Request(function, Box::new(request), "/".to_owned())
    };
    let others = futures_util::future::join_all((0..copies).map(|_| stage.invoke(job())));
    let ((_, done), _) = futures_util::join!(stage.invoke(job()), others);
    let status = match done {
        Done::Answered(answer) => Some(answer.status()),
        _ => None,
    };
    if status == Some(200) {
        stage.with(|universe| universe.acknowledged.push((function, delivery.request.clone())));
    }
    let forgotten = delivery.attempt <= repeats && stage.strikes(Mishap::WebhookRepeated, number);
    tells(&stage, status.filter(|_| !forgotten));
}

/// Tries to which something happens: one mostly, now and then all of a day's.
fn few_tries(rng: &mut fastrand::Rng) -> u32 {
    if rng.usize(0..10) == 0 { rng.u32(1..=LATE_TRIES_MAX) } else { rng.u32(1..=3) }
}
