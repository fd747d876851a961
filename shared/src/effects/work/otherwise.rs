//! The same effect, asked for in other words: where the vendor certainly did nothing because of something in the request
//! that is not true any more.

use crate::aws::Write;
use crate::aws::table::Written;
use crate::effects::WorkList;
use crate::effects::list::intent::{Data, Intent, Phase, VendorRequest};
use crate::error::{Error, Result};

impl WorkList {
    /// Gives a payment's intent other bytes, and with them another key at the vendor: it is due now. False when somebody has
    /// taken it meanwhile.
    pub async fn ask_otherwise(&self, intent: &Intent, request: VendorRequest) -> Result<bool> {
        let Data::Payment { payment_id, .. } = &intent.data else {
            return Err(Error::bug("intent_mismatch", "only a payment is asked for in other words"));
        };
        let data = Data::Payment { payment_id: payment_id.clone(), request: Some(request) };
        let write = Write::update(intent.key())
            .set("data", &data)?
            .set("generation", &(intent.generation + 1))?
            .set("due", &self.world.now())?
            .remove("first_called_at")
            .remove("held_until")
            .when("#phase = :ready AND #epoch = :epoch")
            .bind(":ready", &Phase::Ready)?
            .bind(":epoch", &intent.epoch)?;
        Ok(matches!(self.table.update(write).await?, Written::Done(_)))
    }
}
