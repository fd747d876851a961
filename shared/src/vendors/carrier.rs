//! What every carrier does, in one shape. Its words stay in its folder.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::domain::shipping::{Address, AddressCheck, Carrier, Consignment, PickupRequest, Rate, Scan, Tracking};
use crate::domain::{Correlation, Private};
use crate::effects::Reason;
use crate::gateway::{Class, Permit, Reply};

/// The circumstances of one call.
#[derive(Clone, Copy, Debug)]
pub struct CallContext<'a> {
    /// Until when it may be sent, and whose part of the quota it uses.
    pub permit: &'a Permit,
    /// Answered calls before this one, for the log.
    pub attempt: u32,
    /// For the log.
    pub correlation: &'a Correlation,
}

/// What a carrier's answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CarrierAnswer<T> {
    /// It did, and says this.
    Done(T),
    /// Its final no.
    Refused(Refusal),
    /// Certainly not done; later it may work.
    NotDone {
        /// Why: throttled, held back, unavailable, credentials, or unreadable.
        reason: Reason,
        /// How long to wait, when somebody said so.
        after: Option<Duration>,
        /// Whether the carrier answered (only answered calls count as attempts).
        answered: bool,
    },
    /// It may have been done, or the answer cannot be read.
    Unknown,
}

/// A carrier's final no, in words that hold for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not know one of the addresses, or part of one is missing.
    Address,
    /// It does not carry such parcels: too heavy, too large.
    Parcel,
    /// It does not go from here to there, or not with this service.
    Service,
    /// The customs data is missing or wrong.
    Customs,
    /// The day or the hours do not work.
    Time,
    /// It knows nothing of this number.
    NotFound,
    /// It is too late for that: the parcel is on its way, or it was done before.
    TooLate,
    /// Anything else; the log has the carrier's code.
    Other,
}

impl Refusal {
    /// The reason in problem documents and items.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Address => Reason::CarrierAddress,
            Self::Parcel => Reason::CarrierParcel,
            Self::Service => Reason::CarrierService,
            Self::Customs => Reason::CarrierCustoms,
            Self::Time => Reason::CarrierTime,
            Self::NotFound => Reason::CarrierNotFound,
            Self::TooLate => Reason::CarrierTooLate,
            Self::Other => Reason::CarrierRefused,
        }
    }
}

impl<T> CarrierAnswer<T> {
    /// What a reply means by its class alone: `Done` reads the body (`None`: unreadable, so unknown), `Refused` asks for
    /// the reason.
    pub fn of(reply: &Reply, read: impl FnOnce(&[u8]) -> Option<T>, refusal: impl FnOnce(&[u8]) -> Refusal) -> Self {
        let body = reply.response.as_ref().map_or(&[][..], |response| response.body());
        let answered = reply.response.is_some();
        let not_done = |reason, after, answered| Self::NotDone { reason, after, answered };
        match reply.class {
            Class::Done => read(body).map_or(Self::Unknown, Self::Done),
            Class::Refused => Self::Refused(refusal(body)),
            Class::Throttled { after } => not_done(Reason::Throttled, after, true),
            Class::Transient => not_done(Reason::VendorUnavailable, None, answered),
            Class::Credentials => not_done(Reason::VendorCredentials, None, answered),
            Class::Held { after } => not_done(Reason::HeldBack, Some(after), false),
            Class::Unavailable { .. } | Class::Unknown => Self::Unknown,
        }
    }

    /// The same of something else.
    pub fn map<U>(self, to: impl FnOnce(T) -> U) -> CarrierAnswer<U> {
        match self {
            Self::Done(value) => CarrierAnswer::Done(to(value)),
            Self::Refused(refusal) => CarrierAnswer::Refused(refusal),
            Self::NotDone { reason, after, answered } => CarrierAnswer::NotDone { reason, after, answered },
            Self::Unknown => CarrierAnswer::Unknown,
        }
    }
}

impl CarrierAnswer<Vec<Rate>> {
    /// What a carrier asks. An answer with offers of which none can be read is no offer of nothing: the shop and we hear of it
    /// by another code than that of a carrier that does not answer.
    pub fn priced(
        reply: &Reply,
        read: impl FnOnce(&[u8]) -> Option<Vec<Rate>>,
        refusal: impl FnOnce(&[u8]) -> Refusal,
    ) -> Self {
        match Self::of(reply, read, refusal) {
            Self::Unknown if reply.class == Class::Done => {
                Self::NotDone { reason: Reason::VendorUnreadable, after: None, answered: true }
            }
            answer => answer,
        }
    }
}

impl<T> CarrierAnswer<Result<T, Refusal>> {
    /// A no that a carrier says in an answer of the kind that usually is a yes.
    pub fn flat(self) -> CarrierAnswer<T> {
        match self {
            Self::Done(Ok(value)) => CarrierAnswer::Done(value),
            Self::Done(Err(refusal)) | Self::Refused(refusal) => CarrierAnswer::Refused(refusal),
            Self::NotDone { reason, after, answered } => CarrierAnswer::NotDone { reason, after, answered },
            Self::Unknown => CarrierAnswer::Unknown,
        }
    }
}

/// A label to buy.
#[derive(Clone, Copy, Debug)]
pub struct LabelOrder<'a> {
    /// What goes where.
    pub consignment: &'a Consignment,
    /// The carrier's code of the service.
    pub service: &'a str,
    /// Ours, unique for each purchase, at most 30 characters of `A-Z 0-9 -`: it is on the label, and finds the shipment when the answer
    /// was lost.
    pub reference: &'a str,
}

/// A label that was bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The carrier's number of the whole shipment; a single parcel's own.
    pub tracking_number: String,
    /// One number a parcel, in the consignment's order where the carrier keeps it.
    pub parcel_numbers: Vec<String>,
    /// What to print, one document a parcel or one for all.
    pub documents: Vec<Document>,
    /// What the carrier will bill, when it says so.
    pub price: Option<crate::domain::Money>,
}

/// Something to print. Its content bears names and addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// `application/pdf`, `image/gif`, `image/png`.
    pub media_type: &'static str,
    /// The bytes.
    pub content: Private<Bytes>,
}

/// A shipment that was found by our reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// With its label: it can be taken for the purchase's answer.
    Whole(Label),
    /// Without: the carrier does not give a label twice. To be voided, and bought again.
    WithoutLabel {
        /// The carrier's number.
        tracking_number: String,
    },
    /// The carrier has nothing under this reference.
    Nothing,
}

/// What a carrier tells unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The parcel's number.
    pub tracking_number: String,
    /// What happened to it.
    pub scan: Scan,
    /// An id of ours: a hash of what names the scan, since carriers give none.
    pub event_id: String,
}

/// One carrier's API.
#[async_trait]
pub trait CarrierApi: Send + Sync {
    /// Which carrier it is.
    fn carrier(&self) -> Carrier;

    /// What it asks for this; every service that it offers, or one. An odd rate is left out, never the whole answer.
    async fn rates(
        &self,
        consignment: &Consignment,
        service: Option<&str>,
        context: CallContext<'_>,
    ) -> CarrierAnswer<Vec<Rate>>;

    /// Buys a label. No carrier knows idempotency keys: after an unknown outcome, [`CarrierApi::find`].
    async fn buy(&self, order: LabelOrder<'_>, context: CallContext<'_>) -> CarrierAnswer<Label>;

    /// Looks for a purchase by its reference, with one call.
    async fn find(&self, order: LabelOrder<'_>, context: CallContext<'_>) -> CarrierAnswer<Found>;

    /// Gives a label back. [`Refusal::NotFound`] and [`Refusal::TooLate`] tell what was wrong. A carrier that bills only
    /// what it was handed (DHL) has nothing to give back and says `Done` without a call.
    async fn void(&self, tracking_number: &str, context: CallContext<'_>) -> CarrierAnswer<()>;

    /// Where a parcel was seen.
    async fn track(&self, tracking_number: &str, context: CallContext<'_>) -> CarrierAnswer<Tracking>;

    /// Where each parcel of a shipment of several was seen. One call a parcel, where the carrier has none for all; parcels that
    /// it does not know yet are left out.
    async fn track_all(
        &self,
        shipment: &str,
        parcels: &[String],
        context: CallContext<'_>,
    ) -> CarrierAnswer<Vec<Tracking>> {
        let _ = shipment;
        let mut all = Vec::with_capacity(parcels.len());
        for number in parcels {
            match self.track(number, context).await {
                CarrierAnswer::Done(tracking) => all.push(tracking),
                CarrierAnswer::Refused(Refusal::NotFound) => {}
                other if all.is_empty() => return other.map(|tracking| vec![tracking]),
                // What was told already counts; the others are asked for at the next look.
                _ => break,
            }
        }
        if all.is_empty() { CarrierAnswer::Refused(Refusal::NotFound) } else { CarrierAnswer::Done(all) }
    }

    /// What it says of an address.
    async fn check_address(&self, address: &Address, context: CallContext<'_>) -> CarrierAnswer<AddressCheck>;

    /// Has parcels fetched; gives the confirmation's number.
    async fn schedule_pickup(&self, pickup: &PickupRequest, context: CallContext<'_>) -> CarrierAnswer<String>;

    /// Takes that back.
    async fn cancel_pickup(
        &self,
        confirmation: &str,
        pickup: &PickupRequest,
        context: CallContext<'_>,
    ) -> CarrierAnswer<()>;
}
