//! Shipments and pickups, as HTTP requests ask for them: into the work list, to the carrier, settled; and repeats.

use futures_util::future::try_join;

use super::carriers::Carriers;
use super::labels::Labels;
use super::problems::refused;
use super::quoting::{Chosen, Quotes};
use crate::domain::input::{Choice, CreateShipment};
use crate::domain::shipping::{Consignment, PickupRequest, PickupStatus, ShipmentStatus};
use crate::domain::{Correlation, IntentId, Private, QuoteId, ShipmentId};
use crate::effects::contact::{AppKeys, contact_id, other_ids};
use crate::effects::intake::{PickupCreated, Repeatable, ShipmentCreated, ShipmentDraft};
use crate::effects::pickup::Pickup;
use crate::effects::shipment::Shipment;
use crate::effects::{Lease, Reason, Subject, Verdict, WorkList, Worked};
use crate::error::{Error, Result};
use crate::gateway::Keyring;

/// The work list and the carriers, together.
pub struct Shipments {
    /// The work list.
    pub list: WorkList,
    carriers: Carriers,
    quotes: Quotes,
    app_keys: Keyring<AppKeys>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Ties together what this causes.
    pub correlation: &'a Correlation,
    /// Until when the asker may call.
    pub lease: &'a Lease,
}

/// What asking came to.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one a request, on the stack for a moment")]
pub enum Asked<T> {
    /// The carrier was called, and the answer is settled or taken over by somebody else.
    Worked(Worked),
    /// It was asked for before; this is how it stands now.
    Standing(Box<T>),
}

impl Shipments {
    /// Shipments over this work list and these carriers; `app_keys` make contact ids.
    pub const fn new(list: WorkList, carriers: Carriers, quotes: Quotes, app_keys: Keyring<AppKeys>) -> Self {
        Self { list, carriers, quotes, app_keys }
    }

    /// Where labels are kept.
    pub const fn labels(&self) -> &Labels {
        self.carriers.labels()
    }

    /// Buys a label. The request that is repeated finds its shipment, or the refusal that it ended with.
    ///
    /// # Errors
    /// What [`WorkList::create_shipment`] and [`Quotes::chosen`] refuse; `carrier_…` for a repeat of what was refused.
    pub async fn create(
        &self,
        input: &CreateShipment,
        repeatable: &Repeatable,
        asker: Asker<'_>,
    ) -> Result<Asked<Shipment>> {
        let draft = match self.draft(input).await {
            Ok(draft) => draft,
            // The shipment itself outlives the quote that it was asked for by.
            Err(refusal) => match self.asked_before(input, repeatable).await? {
                Some(before) => return self.repeated(before, asker).await,
                None => return Err(refusal),
            },
        };
        let Asker { correlation, lease } = asker;
        let creating = self.list.create_shipment(&draft, repeatable, correlation, lease);
        let permit = async { Ok(self.carriers.permit_of(draft.carrier, lease).await) };
        let (created, permit) = try_join(Box::pin(creating), Box::pin(permit)).await?;
        let worked = match created {
            ShipmentCreated::Repeat(id) => return self.repeated(self.list.shipment(&id).await?, asker).await,
            ShipmentCreated::New(shipment, claimed) => {
                let subject = Subject::Shipment(shipment);
                self.list.carry_out(*claimed, subject, &self.carriers, &permit, 1, |_, _| Ok(None)).await?
            }
        };
        Ok(Asked::Worked(match worked {
            // One carrier certainly did not do it: the other one is asked at once.
            Worked::Settled(Subject::Shipment(shipment), Verdict::Absent) => {
                match self.list.work(&shipment.intent_id, lease, &self.carriers, 1).await? {
                    Worked::Settled(subject, verdict) => Worked::Settled(subject, verdict),
                    _ => Worked::Settled(Subject::Shipment(shipment), Verdict::Absent),
                }
            }
            other => other,
        }))
    }

    /// The shipment that this very request asked for before, if it did.
    async fn asked_before(&self, input: &CreateShipment, repeatable: &Repeatable) -> Result<Option<Shipment>> {
        let id = ShipmentId::of(self.list.stack(), &input.order_id, &input.parcel_ref);
        match self.list.shipment(&id).await {
            Ok(before) if before.request_hash == repeatable.hash => Ok(Some(before)),
            Ok(_) => Ok(None),
            Err(error) if error.code == "shipment_not_found" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A repeat: the shipment as it is, or the refusal that it ended with; and where whoever asked first died at it, it is
    /// worked on.
    async fn repeated(&self, shipment: Shipment, asker: Asker<'_>) -> Result<Asked<Shipment>> {
        let shipment = if shipment.vendor_id.is_none() && !shipment.is_over() {
            match self.list.work(&shipment.intent_id, asker.lease, &self.carriers, 1).await? {
                Worked::Settled(Subject::Shipment(shipment), _) => *shipment,
                _ => self.list.shipment(&shipment.shipment_id).await?,
            }
        } else {
            shipment
        };
        if shipment.status == ShipmentStatus::Failed {
            let refusal = self.refusal(&shipment.intent_id).await?;
            return Err(refusal.with("shipment_id", shipment.shipment_id.as_str()));
        }
        Ok(Asked::Standing(Box::new(shipment)))
    }

    /// Why the carrier refused, as it was said at first.
    async fn refusal(&self, id: &IntentId) -> Result<Error> {
        let refusal = self.list.intent(id).await?.and_then(|intent| intent.refusal);
        Ok(refused(&refusal.unwrap_or(Reason::CarrierRefused)))
    }

    /// What a quote stands for. Where the shop names no day, a quote of before midnight is one of yesterday.
    async fn chosen(&self, id: &QuoteId, input: &CreateShipment) -> Result<Chosen> {
        let yesterday = input.consignment.ship_date.previous().filter(|_| !input.is_dated);
        match (self.quotes.chosen(id, &input.consignment).await, yesterday) {
            (Err(error), Some(ship_date)) if error.code == "quote_not_found" => {
                let of_yesterday = Consignment { ship_date, ..input.consignment.clone() };
                self.quotes.chosen(id, &of_yesterday).await
            }
            (chosen, _) => chosen,
        }
    }

    /// Who carries it and at which price, and who is written to.
    async fn draft(&self, input: &CreateShipment) -> Result<ShipmentDraft> {
        let (carrier, service, quoted) = match &input.choice {
            Choice::Service { carrier, service } => (*carrier, service.clone(), None),
            Choice::Quote(id) => {
                let chosen = self.chosen(id, input).await?;
                (chosen.carrier, chosen.service, Some(chosen.price))
            }
        };
        let recipient = &input.consignment.recipient;
        let keys = self.app_keys.get().await?;
        let known = |address: &Private<String>| contact_id(&keys, address.expose());
        let mail_to = match &recipient.email {
            Some(email) => Some((known(email)?, Some(email.clone()))),
            None => self.list.payer_of(&input.order_id).await?.map(|id| (id, None)),
        };
        let also = recipient.phone.as_ref().map(|phone| other_ids(&keys, phone.expose())).transpose()?;
        let text_to = recipient.phone.as_ref().map(|phone| Ok((known(phone)?, phone.clone()))).transpose()?;
        Ok(ShipmentDraft {
            order_id: input.order_id.clone(),
            parcel_ref: input.parcel_ref.clone(),
            carrier,
            service,
            quoted,
            allow_fallback: input.allow_fallback,
            consignment: input.consignment.clone(),
            mail_to,
            text_to,
            text_to_also: also.unwrap_or_default(),
        })
    }

    /// Has parcels fetched. `key` and `hash` are the request's Idempotency-Key and hash.
    ///
    /// # Errors
    /// What [`WorkList::create_pickup`] refuses; `carrier_…` for a repeat of what was refused.
    pub async fn pickup(
        &self,
        wish: &PickupRequest,
        (key, hash): (&str, &str),
        asker: Asker<'_>,
    ) -> Result<Asked<Pickup>> {
        let Asker { correlation, lease } = asker;
        let creating = self.list.create_pickup(wish, (key, hash), correlation, lease);
        let permit = async { Ok(self.carriers.permit_of(wish.carrier, lease).await) };
        match try_join(Box::pin(creating), Box::pin(permit)).await? {
            (PickupCreated::Repeat(pickup), _) if pickup.status == PickupStatus::Failed => {
                Err(self.refusal(&pickup.intent_id).await?.with("pickup_id", pickup.pickup_id.as_str()))
            }
            (PickupCreated::Repeat(pickup), _) => Ok(Asked::Standing(pickup)),
            (PickupCreated::New(pickup, claimed), permit) => {
                let subject = Subject::Pickup(pickup);
                let worked = self.list.carry_out(*claimed, subject, &self.carriers, &permit, 1, |_, _| Ok(None));
                Ok(Asked::Worked(worked.await?))
            }
        }
    }
}
