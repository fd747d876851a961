//! Reading an object by our id of it.

use crate::domain::{CampaignId, CustomerId, MessageId, PaymentId, RefundId, ShipmentId};
use crate::effects::list::WorkList;
use crate::effects::subject::campaign::{self, Campaign};
use crate::effects::subject::customer::{self, Customer};
use crate::effects::subject::message::{self, Message};
use crate::effects::subject::payment::{self, Payment};
use crate::effects::subject::refund::{self, Refund};
use crate::effects::subject::shipment::{self, Shipment};
use crate::error::{Error, Result};

impl WorkList {
    /// Reads a payment.
    ///
    /// # Errors
    /// 404 `payment_not_found`.
    pub async fn payment(&self, id: &PaymentId) -> Result<Payment> {
        match self.table.get(&payment::key(id)).await? {
            Some(item) => item.parse(),
            None => Err(payment_not_found()),
        }
    }

    /// Reads a refund.
    pub async fn refund(&self, payment_id: &PaymentId, id: &RefundId) -> Result<Refund> {
        let item = self.table.get(&refund::key(payment_id, id)).await?;
        item.ok_or_else(|| Error::bug("refund_missing", id.as_str()))?.parse()
    }

    /// Reads a customer; `None` when we do not know them.
    pub async fn customer(&self, id: &CustomerId) -> Result<Option<Customer>> {
        self.table.get(&customer::key(id)).await?.map(|item| item.parse()).transpose()
    }

    /// Reads a message.
    ///
    /// # Errors
    /// 404 `message_not_found`.
    pub async fn message(&self, id: &MessageId) -> Result<Message> {
        match self.table.get(&message::key(id)).await? {
            Some(item) => item.parse(),
            None => Err(message_not_found()),
        }
    }

    /// Reads a campaign.
    ///
    /// # Errors
    /// 404 `campaign_not_found`.
    pub async fn campaign(&self, id: &CampaignId) -> Result<Campaign> {
        match self.table.get(&campaign::key(id)).await? {
            Some(item) => item.parse(),
            None => Err(campaign_not_found()),
        }
    }

    /// Reads a shipment.
    ///
    /// # Errors
    /// 404 `shipment_not_found`.
    pub async fn shipment(&self, id: &ShipmentId) -> Result<Shipment> {
        match self.table.get(&shipment::key(id)).await? {
            Some(item) => item.parse(),
            None => Err(shipment_not_found()),
        }
    }
}

/// 404 for an id that nobody has.
pub fn payment_not_found() -> Error {
    Error::rejected(404, "payment_not_found", "There is no such payment.")
}

/// 404 for an id that nobody has.
pub fn message_not_found() -> Error {
    Error::rejected(404, "message_not_found", "There is no such message.")
}

/// 404 for an id that nobody has.
pub fn campaign_not_found() -> Error {
    Error::rejected(404, "campaign_not_found", "There is no such campaign.")
}

/// 404 for an id that nobody has.
pub fn shipment_not_found() -> Error {
    Error::rejected(404, "shipment_not_found", "There is no such shipment.")
}
