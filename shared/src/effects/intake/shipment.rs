//! A shipment asked for: into the list in one transaction.

use crate::aws::{Item, Key, Obstacle, Transacted, Write};
use crate::domain::shipping::{Carrier, Consignment, ShipmentStatus};
use crate::domain::{ContactId, Correlation, IntentId, Money, OrderId, Private, ShipmentId};
use crate::effects::intake::request::{Repeatable, Request, claim_at_birth, same_request};
use crate::effects::list::WorkList;
use crate::effects::list::intent::{self, Intent, Kind, person_partition};
use crate::effects::list::opaque::Opaque;
use crate::effects::list::plan::Context;
use crate::effects::subject::contact::{self, Called};
use crate::effects::subject::shipment::{self, Shipment};
use crate::effects::work::claim::{Claimed, Lease};
use crate::error::{Error, Result};

/// A shipment to be.
#[derive(Clone, Debug)]
pub struct ShipmentDraft {
    /// The shop's order.
    pub order_id: OrderId,
    /// Which of its parcels.
    pub parcel_ref: String,
    /// Who carries it.
    pub carrier: Carrier,
    /// With which service.
    pub service: String,
    /// What it was quoted at, if it was.
    pub quoted: Option<Money>,
    /// Whether another carrier may be asked.
    pub allow_fallback: bool,
    /// What goes where.
    pub consignment: Consignment,
    /// Who gets mails about it: whose the address is, and the address where it is new.
    pub mail_to: Option<(ContactId, Option<Private<String>>)>,
    /// Who gets SMS about it.
    pub text_to: Option<(ContactId, Private<String>)>,
    /// The ids of the other ways in which that number is written.
    pub text_to_also: Vec<ContactId>,
}

/// What asking for a shipment came to.
#[derive(Debug)]
pub enum ShipmentCreated {
    /// It is new, and this request has claimed its intent.
    New(Box<Shipment>, Box<Claimed>),
    /// This request was made before.
    Repeat(ShipmentId),
}

impl WorkList {
    /// Asks for a shipment. Waits: one transaction.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`, 409 `parcel_already_has_shipment` (with `shipment_id`).
    pub async fn create_shipment(
        &self,
        draft: &ShipmentDraft,
        repeatable: &Repeatable,
        correlation: &Correlation,
        lease: &Lease,
    ) -> Result<ShipmentCreated> {
        let now = self.world.now();
        let shipment_id = ShipmentId::of(&self.stack, &draft.order_id, &draft.parcel_ref);
        let intent_id = IntentId::of(Kind::ShipmentCreate.as_str(), shipment_id.as_str(), self.stack.as_str());
        let context = Context::ours(now, correlation, intent_id.to_string()).asked_by(lease.asked_by.as_ref());
        let (order_pk, order_sk) = Shipment::index(&draft.order_id, &shipment_id, now);
        let person = draft.mail_to.as_ref().map(|(id, _)| id).or(draft.text_to.as_ref().map(|(id, _)| id));
        let key = repeatable.key.clone().unwrap_or_else(|| format!("{}#{}", draft.order_id, draft.parcel_ref));
        let shipment = Shipment {
            item_type: "shipment".to_owned(),
            order_id: draft.order_id.clone(),
            parcel_ref: draft.parcel_ref.clone(),
            carrier: draft.carrier,
            service: draft.service.clone(),
            allow_fallback: draft.allow_fallback,
            tried: String::new(),
            consignment: Opaque::of(&draft.consignment)?,
            status: ShipmentStatus::Processing,
            vendor_at: None,
            scanned_until: None,
            version: 1,
            intent_id,
            person_pk: person.map(person_partition),
            person_sk: person.map(|_| order_sk.clone()),
            contact_id: draft.mail_to.as_ref().map(|(id, _)| id.clone()),
            phone_contact_id: draft.text_to.as_ref().map(|(id, _)| id.clone()),
            request_key: key.clone(),
            request_hash: repeatable.hash.clone(),
            vendor_id: None,
            parcel_numbers: Vec::new(),
            parcels: Vec::new(),
            sent_back: false,
            labels: None,
            to_void: None,
            quoted: draft.quoted,
            billed: None,
            correlation_id: correlation.clone(),
            created_at: now,
            updated_at: now,
            order_pk,
            order_sk,
            expires: shipment::expiry(now),
            shipment_id,
        };
        let mut intent = shipment.create_intent(&context);
        claim_at_birth(&mut intent, lease, now);
        let mut writes = vec![
            Request::record(
                Request::key(repeatable.route, &key),
                &repeatable.hash,
                shipment.shipment_id.as_str(),
                now,
            )?,
            Write::put_new(shipment::key(&shipment.shipment_id), &shipment)?,
            Write::put_new(intent.key(), &intent)?,
            shipment.requested_row(&context)?.1,
        ];
        if let Some((id, Some(address))) = &draft.mail_to {
            writes.push(contact::remember(id, address, Called::Unsaid, now)?);
        }
        if let Some((id, number)) = &draft.text_to {
            writes.push(contact::knowing(contact::remember(id, number, Called::Unsaid, now)?, &draft.text_to_also)?);
        }
        match self.table.transact(&writes).await? {
            Transacted::Done => {
                Ok(ShipmentCreated::New(Box::new(shipment), Box::new(Claimed::at_birth(intent, lease))))
            }
            Transacted::Lost(obstacles) => {
                let request_key = Request::key(repeatable.route, &key);
                Self::shipment_was_there(&obstacles, &request_key, shipment, repeatable, lease)
            }
        }
    }

    fn shipment_was_there(
        obstacles: &[Obstacle],
        request_key: &Key,
        wanted: Shipment,
        repeatable: &Repeatable,
        lease: &Lease,
    ) -> Result<ShipmentCreated> {
        let item = |key: &Key| obstacles.iter().find(|o| o.key == *key).and_then(|o| o.item.as_ref());
        if let Some(found) = item(&intent::key(&wanted.intent_id)).map(Item::parse::<Intent>).transpose()?
            && let Some(own) = Claimed::own(&found, lease)
        {
            return Ok(ShipmentCreated::New(Box::new(wanted), Box::new(own)));
        }
        if let Some(request) = item(request_key).map(Item::parse::<Request>).transpose()? {
            same_request(&request.hash, &repeatable.hash)?;
            return Ok(ShipmentCreated::Repeat(ShipmentId::from_stored(request.thing)));
        }
        let before = item(&shipment::key(&wanted.shipment_id)).map(Item::parse::<Shipment>).transpose()?;
        let Some(before) = before else {
            return Err(Error::transient("object_contended", "the order's shipments changed meanwhile"));
        };
        if before.request_key == wanted.request_key {
            same_request(&before.request_hash, &repeatable.hash)?;
            return Ok(ShipmentCreated::Repeat(before.shipment_id));
        }
        let detail = "This parcel of the order was asked for before. Another parcel needs another parcel_ref.";
        Err(Error::rejected(409, "parcel_already_has_shipment", detail)
            .with("shipment_id", before.shipment_id.as_str()))
    }
}
