//! What somebody said about an object: a vendor in an answer or an event, or we ourselves.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::consent::ConsentChange;
use crate::domain::message::{Estimate, MessageStatus};
use crate::domain::payment::{DeclineCode, PaymentStatus, Settlement};
use crate::domain::refund::RefundStatus;
use crate::domain::shipping::{Carrier, PickupStatus, Scan, ShipmentStatus};
use crate::domain::{ContactId, Money, Private, Timestamp};
use crate::effects::list::opaque::Opaque;

/// One statement about one object.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Observation {
    /// About a payment.
    Payment(ObservedPayment),
    /// About a refund.
    Refund(ObservedRefund),
    /// About a customer.
    Customer(ObservedCustomer),
    /// About a message.
    Message(ObservedMessage),
    /// About a shipment.
    Shipment(ObservedShipment),
    /// About a pickup.
    Pickup(ObservedPickup),
    /// About somebody's wishes.
    Contact(ObservedContact),
}

/// A statement about a payment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObservedPayment {
    /// Its status.
    pub status: PaymentStatus,
    /// The vendor's time of the statement; `None` when we say it.
    pub vendor_at: Option<Timestamp>,
    /// The vendor's id of the payment.
    pub vendor_id: Option<String>,
    /// What is, or was, to be paid, as the vendor has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<VendorAmount>,
    /// What the shopper's browser needs to pay at the vendor.
    pub client_secret: Option<Private<String>>,
    /// What the shopper has to do next, in the vendor's own shape (the vendor's browser library reads it).
    pub next_action: Option<Value>,
    /// Why the last attempt was declined.
    pub decline: Option<DeclineCode>,
    /// The vendor's id of the last attempt.
    pub charge: Option<String>,
    /// What tells the failed attempt that this speaks of from every other one of the payment: the vendor's id of its
    /// charge, or, where there was none, second and code. Absent where a charge-less attempt is only remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
    /// Attempts that failed before this one, told in the words that this one took the place of.
    #[serde(skip)]
    pub failed_before: Vec<FailedAttempt>,
    /// What it cost, when the vendor was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// How the payment stood here before the vendor was asked. While it still does, this is newer, whatever the vendor's
    /// clock shows: that counts whole seconds. Only answers to our own calls say so.
    #[serde(skip)]
    pub asked_when: Option<PaymentStanding>,
}

/// An attempt to pay that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedAttempt {
    /// What tells it from every other one of its payment.
    pub attempt: String,
    /// Why it failed.
    pub code: DeclineCode,
}

/// How a payment stands, as far as a later word of the vendor's can change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentStanding {
    /// Its status.
    pub status: PaymentStatus,
    /// The vendor's time of it.
    pub vendor_at: Option<Timestamp>,
    /// Why the last attempt was declined.
    pub decline: Option<DeclineCode>,
}

/// A statement about a refund.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObservedRefund {
    /// Its status.
    pub status: RefundStatus,
    /// The vendor's time of the statement; `None` when we say it.
    pub vendor_at: Option<Timestamp>,
    /// The vendor's id of the refund.
    pub vendor_id: Option<String>,
    /// What goes back.
    pub amount: Option<Money>,
}

/// An amount in a vendor's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VendorAmount {
    /// This one.
    Amount(Money),
    /// One of a currency, or with a fraction, that we do not know: certainly none of ours.
    Unreadable,
}

/// A statement about a customer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObservedCustomer {
    /// The vendor's time of the statement; `None` when we say it.
    pub vendor_at: Option<Timestamp>,
    /// The vendor's id of the customer.
    pub vendor_id: Option<String>,
    /// The address as it is now at the vendor.
    pub email: Option<Private<String>>,
    /// Its id, once somebody has made it of the address.
    pub contact_id: Option<ContactId>,
    /// The name as it is now at the vendor.
    pub name: Option<Private<String>>,
    /// The phone number as it is now at the vendor.
    pub phone: Option<Private<String>>,
    /// What was changed and how it was before, where the vendor says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<CustomerBefore>,
    /// The vendor has it no longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deleted: bool,
}

/// What a change of a customer changed: each field that is here was changed, and had this value (or none) before.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CustomerBefore {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Was>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Was>,
    /// The phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Was>,
    /// The id of the address before, once somebody has made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
}

/// A value before a change; nothing where there was none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Was(pub Option<Private<String>>);

/// What somebody wants, said to the vendor: an answered SMS, a click in a mail program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObservedContact {
    /// Who says it, as addresses are stored.
    pub address: Private<String>,
    /// The address's id, once somebody has made it.
    pub contact_id: Option<ContactId>,
    /// The ids of the other ways in which their number is written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ContactId>,
    /// What they want.
    pub change: ConsentChange,
    /// When they said it.
    pub at: Timestamp,
    /// The vendor's id of the message in which they said it: it counts once, whenever it comes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

/// A statement about a message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ObservedMessage {
    /// What was said.
    pub what: MessageFact,
    /// The vendor's time of the statement; `None` when we say it.
    pub vendor_at: Option<Timestamp>,
    /// The provider's id of the message.
    pub vendor_id: Option<String>,
    /// The provider's code of why it did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<u32>,
    /// What it is estimated to cost, said by whoever sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<Estimate>,
    /// Of one that was dropped: the recipient's server did not take it from this provider, which says nothing of the address.
    /// Another provider may bring it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_blocked: bool,
    /// Of one that was opened: by a program that loads pictures ahead of its reader, as mail programs do for privacy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_machine: bool,
    /// Of one that was sent: until when the provider holds it, where it was told to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
}

/// What can be said about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageFact {
    /// Its status.
    Status(MessageStatus),
    /// The recipient's server asked for patience.
    Deferred,
    /// It was opened.
    Opened,
    /// A link in it was clicked.
    Clicked,
    /// The recipient called it spam.
    SpamReported,
    /// Nobody could find out what became of it.
    GivenUp,
    /// The recipient wants no more of its like.
    OptedOut,
    /// The recipient wants them again.
    OptedIn,
}

/// What can be said about a shipment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservedShipment {
    /// Its status; only we say this.
    Status(ShipmentStatus),
    /// The label was bought. (Events bring scans only; whoever says the others says them at once, so they are not written.)
    #[serde(skip)]
    Bought {
        /// The carrier's number.
        tracking_number: String,
        /// One number a parcel.
        parcel_numbers: Vec<String>,
        /// Where the labels are; none when a person knows only the number.
        labels: Opaque<Vec<StoredLabel>>,
        /// What the carrier bills, when it says so.
        billed: Option<Money>,
    },
    /// The carrier certainly did not do it: another one is asked, and this is how.
    #[serde(skip)]
    Switched {
        /// The carrier that is asked instead.
        carrier: Carrier,
        /// Its service.
        service: String,
        /// What it asks for it.
        quoted: Option<Money>,
    },
    /// It was found bought, but its label is lost: it is to be given back.
    #[serde(skip)]
    ToVoid {
        /// The carrier's number.
        tracking_number: String,
    },
    /// What was to be given back was.
    #[serde(skip)]
    GivenBack,
    /// Where it was seen, oldest first.
    Scanned(Vec<Scan>),
}

/// A label as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredLabel {
    /// The object's key.
    pub key: String,
    /// `application/pdf`, `image/gif`, `image/png`.
    pub media_type: String,
}

/// What can be said about a pickup.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObservedPickup {
    /// Its status; only we say this.
    Status(PickupStatus),
    /// The carrier will come, and calls it this.
    Scheduled {
        /// The confirmation's number.
        confirmation: String,
    },
}

impl ObservedPayment {
    /// What we say ourselves.
    pub const fn ours(status: PaymentStatus) -> Self {
        Self {
            status,
            vendor_at: None,
            vendor_id: None,
            amount: None,
            client_secret: None,
            next_action: None,
            decline: None,
            charge: None,
            attempt: None,
            failed_before: Vec::new(),
            settlement: None,
            asked_when: None,
        }
    }
}

impl ObservedPayment {
    /// The failed attempts that this tells of, each once, the newest last.
    pub(crate) fn failed_attempts(&self) -> Vec<FailedAttempt> {
        let mut failed = self.failed_before.clone();
        if let (Some(code), Some(attempt)) = (self.decline, self.attempt.clone()) {
            failed.retain(|before| before.attempt != attempt);
            failed.push(FailedAttempt { attempt, code });
        }
        failed
    }
}

impl Observation {
    /// This in place of what was said before, with the attempts that only that tells of: how a payment stands now is all that
    /// a look at it shows.
    pub(crate) fn in_place_of(mut self, before: &Self) -> Self {
        if let (Self::Payment(observed), Self::Payment(before)) = (&mut self, before) {
            observed.failed_before = before.failed_attempts();
        }
        self
    }
}

impl ObservedRefund {
    /// What we say ourselves.
    pub const fn ours(status: RefundStatus) -> Self {
        Self { status, vendor_at: None, vendor_id: None, amount: None }
    }
}

impl ObservedContact {
    /// This is said of an address; whoever has the keys gives it an id.
    pub const fn of(address: Private<String>, change: ConsentChange, at: Timestamp) -> Self {
        Self { address, contact_id: None, also: Vec::new(), change, at, message_id: None }
    }
}

impl ObservedMessage {
    /// What we say ourselves.
    pub const fn ours(status: MessageStatus) -> Self {
        Self::of(MessageFact::Status(status))
    }

    /// This, said without a time or an id.
    pub const fn of(what: MessageFact) -> Self {
        Self {
            what,
            vendor_at: None,
            vendor_id: None,
            error_code: None,
            estimate: None,
            is_blocked: false,
            by_machine: false,
            held_until: None,
        }
    }
}
