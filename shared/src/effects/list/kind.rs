//! What is to be done: the kinds of intents, and what an intent of each needs to know. A kind decides everything that intents
//! of it share: queue, worker, vendor, breaker and budget.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::event::DomainEvent;
use crate::domain::message::{Channel, MessageKind};
use crate::domain::{
    ContactId, CustomerId, MessageId, PaymentId, PickupId, Private, Provider, RefundId, ShipmentId, Timestamp,
};
use crate::effects::list::queue::Queue;
use crate::gateway::breaker::{Right, Switch};
use crate::gateway::{OperationClass, Vendor};

/// What kind of thing is to be done; decides queue, worker and budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// Create a payment at the payment provider.
    #[serde(rename = "payment.create")]
    PaymentCreate,
    /// Confirm one with a payment method.
    #[serde(rename = "payment.confirm")]
    PaymentConfirm,
    /// Cancel one.
    #[serde(rename = "payment.cancel")]
    PaymentCancel,
    /// Look up what a paid payment cost: a read, so one of unknown outcome is simply repeated.
    #[serde(rename = "payment.settlement")]
    PaymentSettlement,
    /// Refund all or a part of one.
    #[serde(rename = "refund.create")]
    RefundCreate,
    /// Make a customer known to the payment provider.
    #[serde(rename = "customer.create")]
    CustomerCreate,
    /// Send a transactional mail.
    #[serde(rename = "mail.send")]
    MailSend,
    /// Send the link with which somebody chooses a new password.
    #[serde(rename = "mail.password_reset")]
    MailPasswordReset,
    /// Send a marketing mail.
    #[serde(rename = "mail.promotion")]
    MailPromotion,
    /// Send a transactional SMS.
    #[serde(rename = "sms.send")]
    SmsSend,
    /// Send a code that is good for two minutes.
    #[serde(rename = "sms.two_factor_code")]
    SmsTwoFactorCode,
    /// Send a marketing SMS.
    #[serde(rename = "sms.promotion")]
    SmsPromotion,
    /// Ask how an SMS stands whose callbacks have said nothing final: a read, so one of unknown outcome is simply repeated.
    #[serde(rename = "sms.status")]
    SmsStatus,
    /// Buy a label.
    #[serde(rename = "shipment.create")]
    ShipmentCreate,
    /// Look where a shipment is, until it has arrived: a read.
    #[serde(rename = "shipment.track")]
    ShipmentTrack,
    /// Have the carrier tell of a shipment's scans; asked again before that ends. Harmless to repeat.
    #[serde(rename = "shipment.subscribe")]
    ShipmentSubscribe,
    /// Have parcels fetched.
    #[serde(rename = "pickup.create")]
    PickupCreate,
    /// Do at a vendor what a key's rotation has left to do. Repeatable, and worked by the rotator alone: no queue has it.
    #[serde(rename = "key.step")]
    KeyStep,
    /// Publish a domain event: repeatable, so a publication of unknown outcome is simply repeated.
    #[serde(rename = "publish")]
    Publish,
}

/// What is done of a payment. Each provider has kinds of its own for it, so that a kind says whose API it calls: breakers,
/// quotas and the sweeper go by that, and an older version leaves alone what it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentAct {
    /// Create it.
    Create,
    /// Confirm it.
    Confirm,
    /// Cancel it.
    Cancel,
    /// Look up what it cost.
    Settlement,
    /// Refund it, or a part of it.
    Refund,
    /// Make its customer known.
    Customer,
}

impl Kind {
    /// Every kind, for routing.
    pub const ALL: [Self; 19] = [
        Self::PaymentCreate,
        Self::PaymentConfirm,
        Self::PaymentCancel,
        Self::PaymentSettlement,
        Self::RefundCreate,
        Self::CustomerCreate,
        Self::MailSend,
        Self::MailPasswordReset,
        Self::MailPromotion,
        Self::SmsSend,
        Self::SmsTwoFactorCode,
        Self::SmsPromotion,
        Self::SmsStatus,
        Self::ShipmentCreate,
        Self::ShipmentTrack,
        Self::ShipmentSubscribe,
        Self::PickupCreate,
        Self::KeyStep,
        Self::Publish,
    ];

    /// What does this of a payment at its provider.
    pub const fn of_payment(provider: Provider, act: PaymentAct) -> Self {
        match provider {
            Provider::Stripe => match act {
                PaymentAct::Create => Self::PaymentCreate,
                PaymentAct::Confirm => Self::PaymentConfirm,
                PaymentAct::Cancel => Self::PaymentCancel,
                PaymentAct::Settlement => Self::PaymentSettlement,
                PaymentAct::Refund => Self::RefundCreate,
                PaymentAct::Customer => Self::CustomerCreate,
            },
        }
    }

    /// What it does of a payment, if it does; whoever the provider is.
    pub const fn payment_act(self) -> Option<PaymentAct> {
        Some(match self {
            Self::PaymentCreate => PaymentAct::Create,
            Self::PaymentConfirm => PaymentAct::Confirm,
            Self::PaymentCancel => PaymentAct::Cancel,
            Self::PaymentSettlement => PaymentAct::Settlement,
            Self::RefundCreate => PaymentAct::Refund,
            Self::CustomerCreate => PaymentAct::Customer,
            Self::MailSend
            | Self::MailPasswordReset
            | Self::MailPromotion
            | Self::SmsSend
            | Self::SmsTwoFactorCode
            | Self::SmsPromotion
            | Self::SmsStatus
            | Self::ShipmentCreate
            | Self::ShipmentTrack
            | Self::ShipmentSubscribe
            | Self::PickupCreate
            | Self::KeyStep
            | Self::Publish => return None,
        })
    }

    /// The payment provider whose API it calls, if it calls one.
    pub fn provider(self) -> Option<Provider> {
        self.vendor().and_then(Vendor::provider)
    }

    /// What sends a message.
    pub const fn of_message(channel: Channel, kind: MessageKind) -> Self {
        match (channel, kind) {
            (Channel::Email, MessageKind::PasswordReset) => Self::MailPasswordReset,
            (Channel::Email, MessageKind::Promotion) => Self::MailPromotion,
            (Channel::Email, _) => Self::MailSend,
            (Channel::Sms, MessageKind::TwoFactorCode) => Self::SmsTwoFactorCode,
            (Channel::Sms, MessageKind::Promotion) => Self::SmsPromotion,
            (Channel::Sms, _) => Self::SmsSend,
        }
    }

    /// The name in items and ids.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentCreate => "payment.create",
            Self::PaymentConfirm => "payment.confirm",
            Self::PaymentCancel => "payment.cancel",
            Self::PaymentSettlement => "payment.settlement",
            Self::RefundCreate => "refund.create",
            Self::CustomerCreate => "customer.create",
            Self::MailSend => "mail.send",
            Self::MailPasswordReset => "mail.password_reset",
            Self::MailPromotion => "mail.promotion",
            Self::SmsSend => "sms.send",
            Self::SmsTwoFactorCode => "sms.two_factor_code",
            Self::SmsPromotion => "sms.promotion",
            Self::SmsStatus => "sms.status",
            Self::ShipmentCreate => "shipment.create",
            Self::ShipmentTrack => "shipment.track",
            Self::ShipmentSubscribe => "shipment.subscribe",
            Self::PickupCreate => "pickup.create",
            Self::KeyStep => "key.step",
            Self::Publish => "publish",
        }
    }

    /// Whose workers look at it.
    pub const fn queue(self) -> Queue {
        match self {
            Self::PaymentCreate
            | Self::PaymentConfirm
            | Self::PaymentCancel
            | Self::PaymentSettlement
            | Self::RefundCreate
            | Self::CustomerCreate => Queue::Payments,
            Self::MailSend | Self::MailPasswordReset => Queue::Email,
            Self::MailPromotion => Queue::EmailBulk,
            Self::SmsSend | Self::SmsTwoFactorCode | Self::SmsStatus => Queue::Sms,
            Self::SmsPromotion => Queue::SmsBulk,
            Self::ShipmentCreate | Self::ShipmentTrack | Self::ShipmentSubscribe | Self::PickupCreate => {
                Queue::Shipments
            }
            Self::KeyStep => Queue::Keys,
            Self::Publish => Queue::InboundWork,
        }
    }

    /// Whether its subject having a vendor's id proves that it happened.
    pub const fn creates(self) -> bool {
        let creates = matches!(
            self,
            Self::PaymentCreate | Self::RefundCreate | Self::CustomerCreate | Self::ShipmentCreate | Self::PickupCreate
        );
        creates || self.is_message()
    }

    /// Whether it sends a message.
    pub const fn is_message(self) -> bool {
        matches!(
            self,
            Self::MailSend
                | Self::MailPasswordReset
                | Self::MailPromotion
                | Self::SmsSend
                | Self::SmsTwoFactorCode
                | Self::SmsPromotion
        )
    }

    /// Whether a cancel of its payment calls it off: it would charge, or make what can be charged.
    pub const fn is_called_off(self) -> bool {
        matches!(self, Self::PaymentCreate | Self::PaymentConfirm)
    }

    /// Whether sending the same request again is a way to find out what became of it: its vendor deduplicates.
    pub const fn is_resolved_by_repeating(self) -> bool {
        matches!(
            self,
            Self::PaymentCreate
                | Self::PaymentConfirm
                | Self::PaymentCancel
                | Self::RefundCreate
                | Self::CustomerCreate
        )
    }

    /// What a person has to decide on when it is given up, in a word.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::PaymentCreate | Self::PaymentConfirm | Self::PaymentCancel => "payment",
            Self::RefundCreate => "refund",
            Self::ShipmentCreate => "shipment",
            _ => "other",
        }
    }

    /// Whether a person has to decide at once: money or a parcel hangs on it.
    pub fn is_urgent(self) -> bool {
        self.subject() != "other"
    }

    /// Whether another provider does it where one is configured and its own certainly did not. Marketing waits for its own.
    pub const fn falls_back(self) -> bool {
        matches!(self, Self::MailSend | Self::MailPasswordReset)
    }

    /// Which of its vendor's breakers its call passes.
    pub const fn operation_class(self) -> OperationClass {
        match self {
            Self::PaymentSettlement | Self::SmsStatus | Self::ShipmentTrack | Self::ShipmentSubscribe => {
                OperationClass::Read
            }
            _ => OperationClass::Effect,
        }
    }

    /// Which of its vendor's switches its call passes: its key's, its operation class', and its permission's where keys have
    /// some only.
    pub fn switches(self) -> impl Iterator<Item = Switch> {
        let key = match self {
            Self::MailPromotion => Switch::MarketingKey,
            _ => Switch::Key,
        };
        let right = match self {
            Self::PaymentCreate | Self::PaymentConfirm | Self::PaymentCancel => Some(Right::Payments),
            Self::PaymentSettlement => Some(Right::Fees),
            Self::RefundCreate => Some(Right::Refunds),
            Self::CustomerCreate => Some(Right::Customers),
            _ => None,
        };
        [key, Switch::Class(self.operation_class())].into_iter().chain(right.map(Switch::Right))
    }

    /// Whose API it calls; none for what we do ourselves, and where the object says whose.
    pub const fn vendor(self) -> Option<Vendor> {
        match self {
            Self::PaymentCreate
            | Self::PaymentConfirm
            | Self::PaymentCancel
            | Self::PaymentSettlement
            | Self::RefundCreate
            | Self::CustomerCreate => Some(Vendor::Stripe),
            Self::MailSend | Self::MailPasswordReset | Self::MailPromotion => Some(Vendor::SendGrid),
            Self::SmsSend | Self::SmsTwoFactorCode | Self::SmsPromotion | Self::SmsStatus => Some(Vendor::Twilio),
            Self::ShipmentCreate
            | Self::ShipmentTrack
            | Self::ShipmentSubscribe
            | Self::PickupCreate
            | Self::KeyStep
            | Self::Publish => None,
        }
    }

    /// How long we keep trying before a person has to look.
    pub const fn budget(self) -> Duration {
        match self {
            Self::PaymentCreate
            | Self::PaymentCancel
            | Self::RefundCreate
            | Self::CustomerCreate
            | Self::MailSend
            | Self::SmsSend
            | Self::SmsStatus => Duration::from_secs(24 * 3_600),
            // A shopper waits for these, and pays some other way, or asks for another link, after a quarter of an hour.
            Self::PaymentConfirm | Self::MailPasswordReset => Duration::from_secs(15 * 60),
            // Nobody types in a code that comes later.
            Self::SmsTwoFactorCode => Duration::from_secs(2 * 60),
            // An offer of yesterday.
            Self::MailPromotion => Duration::from_secs(12 * 3_600),
            // The same, when it has waited for the day: longest is that to a country of eleven time zones, 23 hours.
            Self::SmsPromotion => Duration::from_secs(36 * 3_600),
            // A parcel that has no label after an afternoon misses the day's truck.
            Self::ShipmentCreate | Self::PickupCreate => Duration::from_secs(4 * 3_600),
            // What has not arrived after a month is for the shop and the carrier to talk about.
            Self::ShipmentTrack | Self::ShipmentSubscribe => Duration::from_secs(30 * 24 * 3_600),
            // Nobody waits for these, and repeating them does no harm.
            Self::PaymentSettlement | Self::KeyStep | Self::Publish => Duration::from_secs(7 * 24 * 3_600),
        }
    }
}

/// What is to be done, exactly.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Data {
    /// Send these bytes to the payment provider. They are kept because a repeat under the same idempotency key must
    /// have the same bytes.
    Payment {
        /// The payment it is about.
        payment_id: PaymentId,
        /// The request; none for a cancel or a look, which have nothing but the vendor's id to say.
        request: Option<VendorRequest>,
    },
    /// Send these bytes to the payment provider.
    Refund {
        /// The refund.
        refund_id: RefundId,
        /// The payment it is part of.
        payment_id: PaymentId,
        /// The request.
        request: VendorRequest,
    },
    /// Send these bytes to the payment provider.
    Customer {
        /// The customer.
        customer_id: CustomerId,
        /// Who it is: the request has their address.
        contact_id: ContactId,
        /// The request.
        request: VendorRequest,
    },
    /// Send this message; content and address are in MESSAGE and CONTACT.
    Message {
        /// The message.
        message_id: MessageId,
        /// To whom.
        contact_id: ContactId,
    },
    /// Do this for a shipment; whose it is, the shipment says.
    Shipment {
        /// The shipment.
        shipment_id: ShipmentId,
    },
    /// Have these parcels fetched.
    Pickup {
        /// The pickup.
        pickup_id: PickupId,
    },
    /// Do this at a vendor, after its key was rotated.
    KeyStep {
        /// The secret, by the last part of its name.
        secret: String,
        /// What: a word of the rotator's.
        step: String,
        /// To what: the vendor's id of a key or endpoint.
        of: String,
        /// The version of the secret whose rotation it completes.
        version: String,
    },
    /// Publish this event.
    Publish {
        /// The CloudEvents id.
        event_id: String,
        /// When it happened.
        at: Timestamp,
        /// The event.
        event: DomainEvent,
    },
}

/// A request to a vendor, as bytes that can be sent again. The body never prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorRequest {
    /// The operation's name in logs and metrics.
    pub operation: String,
    /// Below the vendor's base URL, beginning with `/`.
    pub path: String,
    /// Form-encoded.
    pub body: Private<String>,
}

impl Data {
    /// The person it is about, if it is about one.
    pub(crate) const fn person(&self) -> Option<&ContactId> {
        match self {
            Self::Message { contact_id, .. } | Self::Customer { contact_id, .. } => Some(contact_id),
            Self::Payment { .. }
            | Self::Refund { .. }
            | Self::Shipment { .. }
            | Self::Pickup { .. }
            | Self::KeyStep { .. }
            | Self::Publish { .. } => None,
        }
    }
}
