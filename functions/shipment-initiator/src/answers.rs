//! What a storefront is told.

use crossdock::domain::shipping::{PickupStatus, ShipmentStatus};
use crossdock::effects::pickup::Pickup;
use crossdock::effects::shipment::Shipment;
use crossdock::effects::{Reason, Subject, Verdict, Worked};
use crossdock::error::{Error, Result};
use crossdock::lambda::http::Answer;
use crossdock::shipping::{Labels, refused};
use serde_json::json;

/// The answer to a create that was carried out.
pub(crate) fn created(worked: Worked, labels: &Labels) -> Result<Answer> {
    match worked {
        Worked::Settled(Subject::Shipment(shipment), Verdict::Done) => shown(201, &shipment, labels),
        Worked::Settled(Subject::Shipment(shipment), Verdict::Refused { reason }) => {
            Err(refused(&reason).with("shipment_id", shipment.shipment_id.as_str()))
        }
        Worked::Settled(_, Verdict::NotDone { reason: Reason::VendorCredentials, .. }) => {
            Err(Error::misconfigured("vendor_credentials", "the carrier does not accept our account"))
        }
        Worked::Settled(Subject::Shipment(shipment), _) => shown(202, &shipment, labels),
        Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => {
            Err(Error::uncertain("outcome_unknown", "somebody else settles this shipment"))
        }
    }
}

/// The shipment as it is, for a repeat.
pub(crate) fn as_it_is(shipment: &Shipment, labels: &Labels) -> Result<Answer> {
    let open =
        matches!(shipment.status, ShipmentStatus::Processing | ShipmentStatus::Deferred | ShipmentStatus::Manual);
    shown(if open { 202 } else { 201 }, shipment, labels)
}

/// The shipment with links to its labels.
pub(crate) fn shown(status: u16, shipment: &Shipment, labels: &Labels) -> Result<Answer> {
    let mut view = shipment.view();
    let signed = labels.signed(shipment)?;
    if let Some(first) = signed.first() {
        view["label_url"] = json!(first.label_url);
        view["labels"] = json!(signed);
    }
    Ok(Answer::new(status, view))
}

/// The answer to a pickup that was carried out.
pub(crate) fn scheduled(worked: Worked) -> Result<Answer> {
    match worked {
        Worked::Settled(Subject::Pickup(pickup), Verdict::Refused { reason }) => {
            Err(refused(&reason).with("pickup_id", pickup.pickup_id.as_str()))
        }
        Worked::Settled(_, Verdict::NotDone { reason: Reason::VendorCredentials, .. }) => {
            Err(Error::misconfigured("vendor_credentials", "the carrier does not accept our account"))
        }
        Worked::Settled(Subject::Pickup(pickup), _) => Ok(self::pickup(&pickup)),
        Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => {
            Err(Error::uncertain("outcome_unknown", "somebody else settles this pickup"))
        }
    }
}

/// The pickup as it is.
pub(crate) fn pickup(pickup: &Pickup) -> Answer {
    let open = matches!(pickup.status, PickupStatus::Processing | PickupStatus::Deferred | PickupStatus::Manual);
    Answer::new(if open { 202 } else { 201 }, pickup.view())
}
