//! dead-letter-archiver: copies what lies in the dead-letter queue of InboundEvents into the archive, and leaves it in the queue,
//! from where an operator sends it back. A webhook that could not be archived before is then not lost with its queue. Copying
//! one again changes nothing: the same message has the same key and the same bytes.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use crossdock::aws::Queues;
use crossdock::aws::queue::Received;
use crossdock::effects::archive::Archive;
use crossdock::error::{Error, ErrorKind, Result};
use crossdock::lambda::batch::Record;
use crossdock::lambda::schedule::Scheduled;
use crossdock::lambda::{System, Webhook};
use crossdock::world::World;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

/// For how long a message is hidden while others are received: as long as a run takes at most, so that none comes twice in it.
const HIDDEN: Duration = Duration::from_secs(300);
/// A run stops receiving after this and lets all go; the function ends at 300 s. Ten messages take some 50 ms, so this is some
/// 40,000 messages; of more, the next runs find others, because SQS gives them in no order.
const LOOKING_MAX: Duration = Duration::from_secs(200);
/// The queue, as keys of the archive name it.
const QUEUE: &str = "InboundEvents";

/// The schedule's target.
pub struct DeadLetterArchiver {
    queues: Queues,
    url: String,
    archive: Archive,
    world: World,
}

impl DeadLetterArchiver {
    /// Takes the queue and the archive from the environment.
    pub fn new(system: &System) -> Result<Self> {
        let url = system.env().required("INBOUND_EVENTS_DLQ_URL")?;
        Ok(Self { queues: system.queues(), url, archive: system.archive()?, world: system.world().clone() })
    }

    /// Keeps a webhook where it would have been kept, so that `crossdock replay` finds it; anything else as it is.
    async fn keep(&self, message: &Received) -> Result<()> {
        // What has killed event-processor may do so here; then the message is kept without being read.
        let read = AssertUnwindSafe(self.keep_webhook(message)).catch_unwind().await;
        match read {
            Ok(Ok(true)) => Ok(()),
            // The archive said no, and would say it again.
            Ok(Err(error)) if error.kind != ErrorKind::Bug => Err(error),
            Ok(Ok(false) | Err(_)) | Err(_) => self.archive.keep_dead_letter(QUEUE, message).await,
        }
    }

    /// Whether it is a webhook, which is then in the archive.
    async fn keep_webhook(&self, message: &Received) -> Result<bool> {
        let Some(webhook) = Webhook::of(&Record::of_received(message))? else { return Ok(false) };
        if webhook.replay.is_none() {
            let key = webhook.archive_key();
            self.archive.keep(&key, webhook.bytes.into(), &webhook.delivery).await?;
        }
        Ok(true)
    }
}

impl Scheduled for DeadLetterArchiver {
    const NAME: &str = env!("CARGO_PKG_NAME");

    /// One message that cannot be kept does not keep the others; then the run fails, and the next one tries again.
    async fn tick(&self) -> Result<()> {
        let until = self.world.now().plus(LOOKING_MAX);
        let mut seen: HashMap<String, String> = HashMap::new();
        let mut failed = None;
        while self.world.now() < until {
            let messages = match self.queues.receive(&self.url, HIDDEN).await {
                Ok(messages) => messages,
                Err(error) => {
                    // What was received so far is let go below: hidden, it would look as if it were gone.
                    failed = Some(error);
                    break;
                }
            };
            let fresh: Vec<&Received> = messages.iter().filter(|message| !seen.contains_key(&message.id)).collect();
            if fresh.is_empty() {
                break;
            }
            let kept = join_all(fresh.iter().map(|message| self.keep(message))).await;
            for (message, kept) in fresh.iter().zip(kept) {
                if let Err(error) = kept {
                    tracing::error!(message.id = message.id, code = error.code, error = %error.chain(), "a dead letter was not kept");
                    failed = Some(error);
                }
            }
            // A standard queue may give one twice; the later receipt is the one that counts.
            seen.extend(messages.into_iter().map(|message| (message.id, message.receipt)));
        }
        // The queue's alarm counts what can be seen. One that cannot be let go comes back by itself.
        let receipts: Vec<String> = seen.into_values().collect();
        for some in receipts.chunks(10) {
            join_all(some.iter().map(|receipt| self.queues.release(&self.url, receipt))).await;
        }
        tracing::info!(dead_letters = receipts.len(), "archived");
        failed.map_or(Ok(()), |error: Error| Err(error))
    }
}
