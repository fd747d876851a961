//! A message asked for: into the list in one transaction, under its Idempotency-Key.

use std::time::Duration;

use crate::aws::{Item, Key, Obstacle, Transacted, Write};
use crate::domain::input::CreateMessage;
use crate::domain::message::{Channel, Estimate, MessageKind};
use crate::domain::{ContactId, Correlation, IntentId, MessageId, OrderId, Timestamp};
use crate::effects::intake::request::{claim_at_birth, same_request};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Intent, Kind, order_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::plan::Context;
use crate::effects::subject::contact::{self, Called};
use crate::effects::subject::message::{self, Draft, Message};
use crate::effects::subject::payment::Payment;
use crate::effects::work::claim::{Claimed, Lease};
use crate::error::{Error, Result};
use crate::guard::{Guard, condition};

/// Codes that one number may be sent in an hour: a person mistypes two or three. Whoever asks for more is after the
/// price of the messages (toll fraud), not after the code.
const CODES_PER_HOUR_MAX: u32 = 5;
/// The window in which codes are counted.
const CODE_WINDOW: Duration = Duration::from_secs(3_600);
/// Objects of an order that are looked through for its customer's address.
const ORDER_OBJECTS_MAX: i32 = 20;

/// Who asks for a message, and how it may be repeated.
#[derive(Debug)]
pub struct MessageRequest<'a> {
    /// The caller's Idempotency-Key.
    pub key: &'a str,
    /// Hash of method, path and body.
    pub hash: &'a str,
    /// What it is estimated to cost.
    pub estimate: Estimate,
    /// Whom the address belongs to.
    pub contact_id: &'a ContactId,
    /// The ids of the other ways in which a phone's number is written.
    pub also: &'a [ContactId],
    /// Ties together what the request causes.
    pub correlation: &'a Correlation,
    /// The request's own time, for what it sends itself.
    pub lease: &'a Lease,
}

/// What asking for a message came to.
#[derive(Debug)]
pub enum MessageCreated {
    /// It is new, and in the list.
    Queued(Box<Message>, Nudge),
    /// It is new, and this request has claimed its intent: a code waits behind nobody.
    Claimed(Box<Message>, Box<Claimed>),
    /// This request was made before.
    Repeat(Box<Message>),
}

impl WorkList {
    /// Asks for a message. Waits: one transaction, and a read before it for an SMS that a mail could replace.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`, 429 `too_many_codes`.
    pub async fn create_message(&self, input: &CreateMessage, asked: &MessageRequest<'_>) -> Result<MessageCreated> {
        let now = self.world.now();
        let kind = input.content.kind();
        let message_id = MessageId::of_request(asked.key);
        let intent_kind = Kind::of_message(input.content.channel(), kind);
        let draft = Draft {
            intent_id: IntentId::of(intent_kind.as_str(), message_id.as_str(), self.stack.as_str()),
            message_id,
            contact_id: asked.contact_id.clone(),
            content: input.content.clone(),
            order_id: input.order_id.clone(),
            instead: self.who_gets_a_mail_instead(input).await?,
            estimate: Some(asked.estimate),
            send_at: input.send_at.filter(|at| *at > now),
            request_hash: Some(asked.hash.to_owned()),
        };
        let context =
            Context::ours(now, asked.correlation, draft.intent_id.to_string()).asked_by(asked.lease.asked_by.as_ref());
        let (message, mut intent) = Message::of(draft, &context);
        let at_once = kind == MessageKind::TwoFactorCode;
        if at_once {
            claim_at_birth(&mut intent, asked.lease, now);
        }
        let mut writes = vec![
            Write::put_new(message::key(&message.message_id), &message)?,
            Write::put_new(intent.key(), &intent)?,
            contact::knowing(contact::remember(asked.contact_id, &input.to, Called::Unsaid, now)?, asked.also)?,
            message.queued_row(&context)?.1,
        ];
        if at_once {
            writes.push(count_code(asked.contact_id, now)?);
        }
        match self.table.transact(&writes).await? {
            Transacted::Done if at_once => {
                Ok(MessageCreated::Claimed(Box::new(message), Box::new(Claimed::at_birth(intent, asked.lease))))
            }
            Transacted::Done => Ok(MessageCreated::Queued(Box::new(message), Nudge::of(&intent))),
            Transacted::Lost(obstacles) => Self::stood_in_the_way(&obstacles, message, asked),
        }
    }

    /// Nudges a new message, unless it is for later: then the sweeper does.
    pub async fn nudge_when_due(&self, message: &Message, nudge: Nudge) {
        if message.send_at.is_none() {
            self.nudge(&[nudge]).await;
        }
    }

    fn stood_in_the_way(obstacles: &[Obstacle], wanted: Message, asked: &MessageRequest<'_>) -> Result<MessageCreated> {
        let item = |index| obstacles.iter().find(|o| o.index == index).and_then(|o| o.item.as_ref());
        if let Some(found) = item(1).map(Item::parse::<Intent>).transpose()?
            && let Some(own) = Claimed::own(&found, asked.lease)
        {
            return Ok(MessageCreated::Claimed(Box::new(wanted), Box::new(own)));
        }
        if let Some(before) = item(0).map(Item::parse::<Message>).transpose()? {
            same_request(before.request_hash.as_deref().unwrap_or_default(), asked.hash)?;
            return Ok(MessageCreated::Repeat(Box::new(before)));
        }
        let detail = "This number was sent too many codes within the hour.";
        Err(Error::rejected(429, "too_many_codes", detail))
    }

    /// Whose mailbox an SMS may go to instead: the customer's, if the caller names one, or that of the order's payment.
    async fn who_gets_a_mail_instead(&self, input: &CreateMessage) -> Result<Option<ContactId>> {
        if input.content.channel() != Channel::Sms || input.content.as_mail().is_none() {
            return Ok(None);
        }
        if let Some(customer_id) = &input.customer_id
            && let Some(customer) = self.customer(customer_id).await?
        {
            return Ok(Some(customer.contact_id));
        }
        match &input.order_id {
            Some(order) => self.payer_of(order).await,
            None => Ok(None),
        }
    }

    /// Who pays, or paid, for an order, if anybody was asked to.
    pub async fn payer_of(&self, order: &OrderId) -> Result<Option<ContactId>> {
        let index = crate::aws::table::Index::ByOrder;
        let objects = self.table.query_index(index, &order_partition(order), ORDER_OBJECTS_MAX).await?;
        let payment = objects.iter().find(|item| item.text("type") == Some("payment"));
        Ok(payment.map(Item::parse::<Payment>).transpose()?.map(|payment| payment.contact_id))
    }
}

/// Counts a code of this hour, if there is room for one.
fn count_code(contact_id: &ContactId, now: Timestamp) -> Result<Write> {
    let window = i64::try_from(CODE_WINDOW.as_millis()).unwrap_or(i64::MAX);
    let hour = now.ms().div_euclid(window);
    let key = format!("LIMIT#two_factor_code#{contact_id}#{hour}");
    Write::update(Key::new(key.clone(), key))
        .set("type", &"limit")?
        .set("expires", &now.plus(2 * CODE_WINDOW).seconds())?
        .add("codes", 1)
        .when(&condition(Guard::CodeLimit, "attribute_not_exists(#codes) OR #codes < :most"))
        .bind(":most", &CODES_PER_HOUR_MAX)
}
