//! shipment-initiator: buys labels and has parcels fetched, once each, and shows what became of it.

mod answers;

use crossdock::domain::input::{Choice, CreateShipment};
use crossdock::domain::shipping::{Consignment, PickupRequest, PickupStatus, ShipmentStatus};
use crossdock::domain::{IntentId, Private, QuoteId, ShipmentId};
use crossdock::effects::contact::{AppKeys, contact_id};
use crossdock::effects::intake::{
    PickupCreated, Repeatable, ShipmentCreated, ShipmentDraft, request_hash, shipment_not_found,
};
use crossdock::effects::shipment::Shipment;
use crossdock::effects::{Subject, Verdict, WorkList, Worked};
use crossdock::error::{Error, Result};
use crossdock::gateway::Keyring;
use crossdock::lambda::System;
use crossdock::lambda::http::{Answer, ApiRequest, HttpFunction, no_such_route};
use crossdock::shipping::{Carriers, Chosen, Quotes, refused};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join};
use http::Method;

/// The route of a create in the record of requests.
const CREATE: &str = "POST /shipments";

/// The shipments' API.
pub struct ShipmentInitiator {
    list: WorkList,
    carriers: Carriers,
    quotes: Quotes,
    app_keys: Keyring<AppKeys>,
}

impl ShipmentInitiator {
    /// Takes its parts from the environment.
    pub fn new(system: &System) -> Result<Self> {
        let carriers = system.carriers()?;
        let (list, app_keys) = (system.work_list()?, system.app_keys()?);
        Ok(Self { list, quotes: system.quotes(&carriers)?, carriers, app_keys })
    }

    /// What is worth doing before the first request.
    pub fn warm_up(&self) -> Vec<BoxFuture<'_, ()>> {
        vec![self.app_keys.get().map(drop).boxed(), self.list.warm().boxed()]
    }

    async fn create(&self, request: &ApiRequest) -> Result<Answer> {
        let body = request.json_body()?;
        let input = CreateShipment::parse(body, request.received_at)?;
        let hash = request_hash("POST", &request.path, body);
        let repeatable = Repeatable { route: CREATE, key: request.idempotency_key()?, hash };
        let draft = match self.draft(&input).await {
            Ok(draft) => draft,
            // The shipment itself outlives the quote that it was asked for by.
            Err(refusal) => match self.asked_before(&input, &repeatable).await? {
                Some(before) => return self.repeated(request, before).await,
                None => return Err(refusal),
            },
        };
        let lease = request.lease();
        let creating = self.list.create_shipment(&draft, &repeatable, &request.correlation, &lease);
        let permit = async { Ok(self.carriers.permit_of(draft.carrier, &lease).await) };
        let (created, permit) = try_join(Box::pin(creating), Box::pin(permit)).await?;
        let worked = match created {
            ShipmentCreated::Repeat(id) => return self.repeated(request, self.list.shipment(&id).await?).await,
            ShipmentCreated::New(shipment, claimed) => {
                let subject = Subject::Shipment(shipment);
                self.list.carry_out(*claimed, subject, &self.carriers, &permit, 1, |_, _| Ok(None)).await?
            }
        };
        let worked = match worked {
            // One carrier certainly did not do it: the other one is asked at once.
            Worked::Settled(Subject::Shipment(shipment), Verdict::Absent) => {
                match self.list.work(&shipment.intent_id, &lease, &self.carriers, 1).await? {
                    Worked::Settled(subject, verdict) => Worked::Settled(subject, verdict),
                    _ => Worked::Settled(Subject::Shipment(shipment), Verdict::Absent),
                }
            }
            other => other,
        };
        answers::created(worked, self.carriers.labels())
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
    async fn repeated(&self, request: &ApiRequest, shipment: Shipment) -> Result<Answer> {
        let shipment = if shipment.vendor_id.is_none() && !shipment.is_over() {
            match self.list.work(&shipment.intent_id, &request.lease(), &self.carriers, 1).await? {
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
        Ok(answers::as_it_is(&shipment, self.carriers.labels())?.replayed())
    }

    /// Why the carrier refused, as it was said at first.
    async fn refusal(&self, id: &IntentId) -> Result<Error> {
        let refusal = self.list.intent(id).await?.and_then(|intent| intent.refusal);
        Ok(refused(refusal.as_deref().unwrap_or_default()))
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
        })
    }

    async fn pickup(&self, request: &ApiRequest) -> Result<Answer> {
        let key = request.required_idempotency_key()?;
        let body = request.json_body()?;
        let wish = PickupRequest::parse(body, request.received_at)?;
        let (hash, lease, carrier) = (request_hash("POST", &request.path, body), request.lease(), wish.carrier);
        let creating = self.list.create_pickup(&wish, (&key, &hash), &request.correlation, &lease);
        let permit = async { Ok(self.carriers.permit_of(carrier, &lease).await) };
        match try_join(Box::pin(creating), Box::pin(permit)).await? {
            (PickupCreated::Repeat(pickup), _) if pickup.status == PickupStatus::Failed => {
                Err(self.refusal(&pickup.intent_id).await?.with("pickup_id", pickup.pickup_id.as_str()))
            }
            (PickupCreated::Repeat(pickup), _) => Ok(answers::pickup(&pickup).replayed()),
            (PickupCreated::New(pickup, claimed), permit) => {
                let subject = Subject::Pickup(pickup);
                let worked = self.list.carry_out(*claimed, subject, &self.carriers, &permit, 1, |_, _| Ok(None));
                answers::scheduled(worked.await?)
            }
        }
    }
}

impl HttpFunction for ShipmentInitiator {
    async fn handle(&self, request: ApiRequest) -> Result<Answer> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (&request.method, segments.as_slice()) {
            (&Method::POST, ["shipments"]) => Box::pin(self.create(&request)).await,
            (&Method::GET, ["shipments", id]) => {
                let id = ShipmentId::parse(id).ok_or_else(shipment_not_found)?;
                answers::shown(200, &self.list.shipment(&id).await?, self.carriers.labels())
            }
            (&Method::POST, ["pickups"]) => Box::pin(self.pickup(&request)).await,
            _ => Err(no_such_route()),
        }
    }
}
