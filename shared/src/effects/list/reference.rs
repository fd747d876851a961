//! Where a vendor's id points to what is ours.

use serde::{Deserialize, Serialize};

use crate::aws::{Key, Write};
use crate::effects::list::plan::Role;
use crate::error::Result;
use crate::guard::{Guard, condition};

/// Where a vendor's id points to what is ours.
pub(crate) fn ref_key(vendor: &str, vendor_id: &str) -> Key {
    Key::new(format!("REF#{vendor}#{vendor_id}"), "REF")
}

/// A vendor's id and what it names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct VendorRef {
    /// Our id of the object.
    pub(crate) object: String,
    /// Where it lives.
    pub(crate) at: Key,
}

impl VendorRef {
    /// The write that gives a vendor's id to an object of ours.
    pub(crate) fn naming(vendor: &str, vendor_id: &str, object: &str, at: Key) -> Result<(Role, Write)> {
        let naming = Write::put(ref_key(vendor, vendor_id), &Self { object: object.to_owned(), at })?;
        Ok((Role::Ref, naming.when(&condition(Guard::RefFree, "attribute_not_exists(#pk)"))))
    }
}
