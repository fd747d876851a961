//! A carrier's answer as a storefront hears of it: stable codes, no carrier's words.

use crate::effects::Reason;
use crate::error::{Error, Result};
use crate::vendors::carrier::CarrierAnswer;

/// What the carrier said, or the problem that it is.
///
/// # Errors
/// `carrier_…` (422), `vendor_credentials`, `vendor_unavailable`.
pub fn into_result<T>(answer: CarrierAnswer<T>) -> Result<T> {
    match answer {
        CarrierAnswer::Done(value) => Ok(value),
        CarrierAnswer::Refused(refusal) => Err(refused(&refusal.reason())),
        CarrierAnswer::NotDone { reason: Reason::VendorCredentials, .. } => {
            Err(Error::misconfigured("vendor_credentials", "the carrier does not accept our account"))
        }
        CarrierAnswer::NotDone { reason: Reason::VendorUnreadable, .. } => {
            Err(Error::transient("vendor_unreadable", "the carrier's answer cannot be read"))
        }
        CarrierAnswer::NotDone { .. } => Err(Error::transient("vendor_unavailable", "the carrier cannot be asked now")),
        CarrierAnswer::Unknown => Err(Error::transient("vendor_unavailable", "the carrier's answer cannot be read")),
    }
}

/// The problem that a carrier's refusal is. A code that is none of a carrier's, such as an operator's, is any other refusal.
pub fn refused(reason: &Reason) -> Error {
    let (code, detail) = match reason {
        Reason::CarrierAddress => ("carrier_address", "The carrier does not accept one of the addresses."),
        Reason::CarrierParcel => ("carrier_parcel", "The carrier does not take such parcels."),
        Reason::CarrierService => ("carrier_service", "The carrier does not offer this service between these places."),
        Reason::CarrierCustoms => ("carrier_customs", "The carrier needs other customs data."),
        Reason::CarrierTime => ("carrier_time", "The carrier does not come, or take parcels, at this time."),
        Reason::CarrierNotFound => ("carrier_not_found", "The carrier does not know this."),
        Reason::CarrierTooLate => ("carrier_too_late", "It is too late for that."),
        _ => ("carrier_refused", "The carrier refuses this request."),
    };
    Error::rejected(422, code, detail)
}

/// The problem that a parcel is whose number the carrier does not know: where the number is all that was asked for, there is
/// nothing at its path.
pub fn no_such_parcel(refusal: Error) -> Error {
    match refusal.code {
        "carrier_not_found" => Error::rejected(404, "carrier_not_found", refusal.detail),
        _ => refusal,
    }
}
