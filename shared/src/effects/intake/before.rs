//! What a request made before, read and not written: for whoever cannot ask for it anew just now.

use crate::aws::Item;
use crate::domain::{OrderId, PaymentId};
use crate::effects::intake::request::{Repeatable, Request, StoredAnswer, same_request};
use crate::effects::list::WorkList;
use crate::effects::subject::payment::{self, FIRST_ORDINAL, ORDINAL_MAX, Payment};
use crate::error::Result;

impl WorkList {
    /// The payment that this request made, and its answer if that is kept; `None` when it made none.
    ///
    /// # Errors
    /// 422 `idempotency_key_reused`.
    pub async fn made_before(
        &self,
        order: &OrderId,
        repeatable: &Repeatable,
    ) -> Result<Option<(PaymentId, Option<StoredAnswer>)>> {
        for ordinal in FIRST_ORDINAL..=ORDINAL_MAX {
            let id = PaymentId::nth(&self.stack, order, ordinal);
            let Some(item) = self.table.get(&payment::key(&id)).await? else { return Ok(None) };
            let payment: Payment = item.parse()?;
            match &repeatable.key {
                Some(key) if payment.keyless || payment.request_key != *key => continue,
                Some(_) => same_request(&payment.request_hash, &repeatable.hash)?,
                None if payment.status.is_over() => continue,
                None if payment.request_hash != repeatable.hash => return Ok(None),
                None => {}
            }
            let record = self.table.get(&payment.request_record(repeatable.route)).await?;
            let record = record.as_ref().map(Item::parse::<Request>).transpose()?;
            let now_s = self.world.now().seconds();
            let kept = record.filter(|record| record.thing == id.as_str() && record.expires >= now_s);
            return Ok(Some((id, kept.and_then(|record| record.answer))));
        }
        Ok(None)
    }
}
