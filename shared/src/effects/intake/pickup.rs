//! A pickup asked for: into the list in one transaction.

use crate::aws::{Item, Transacted, Write};
use crate::domain::shipping::PickupRequest;
use crate::domain::{Correlation, PickupId};
use crate::effects::intake::request::{claim_at_birth, same_request};
use crate::effects::list::WorkList;
use crate::effects::list::intent::Intent;
use crate::effects::list::plan::Context;
use crate::effects::subject::pickup::{self, Pickup};
use crate::effects::work::claim::{Claimed, Lease};
use crate::error::{Error, Result};

/// What asking for a pickup came to.
#[derive(Debug)]
pub enum PickupCreated {
    /// It is new, and this request has claimed its intent.
    New(Box<Pickup>, Box<Claimed>),
    /// This request was made before.
    Repeat(Box<Pickup>),
}

impl WorkList {
    /// Asks for a pickup. Waits: one transaction.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    pub async fn create_pickup(
        &self,
        wish: &PickupRequest,
        (key, hash): (&str, &str),
        correlation: &Correlation,
        lease: &Lease,
    ) -> Result<PickupCreated> {
        let now = self.world.now();
        let pickup_id = PickupId::of_request(key);
        let context = Context::ours(now, correlation, pickup_id.to_string()).asked_by(lease.asked_by.as_ref());
        let (pickup, mut intent) = Pickup::of(pickup_id, wish, hash, &self.stack, &context)?;
        claim_at_birth(&mut intent, lease, now);
        let writes = [Write::put_new(pickup::key(&pickup.pickup_id), &pickup)?, Write::put_new(intent.key(), &intent)?];
        let obstacles = match self.table.transact(&writes).await? {
            Transacted::Done => {
                return Ok(PickupCreated::New(Box::new(pickup), Box::new(Claimed::at_birth(intent, lease))));
            }
            Transacted::Lost(obstacles) => obstacles,
        };
        let item = |index| obstacles.iter().find(|o| o.index == index).and_then(|o| o.item.as_ref());
        if let Some(found) = item(1).map(Item::parse::<Intent>).transpose()?
            && let Some(own) = Claimed::own(&found, lease)
        {
            return Ok(PickupCreated::New(Box::new(pickup), Box::new(own)));
        }
        let before: Option<Pickup> = item(0).map(Item::parse).transpose()?;
        let before = before.ok_or_else(|| Error::transient("object_contended", "the pickup is being changed"))?;
        same_request(&before.request_hash, hash)?;
        Ok(PickupCreated::Repeat(Box::new(before)))
    }
}
