//! Which of the shop's customers the payment provider knows, as far as this process has met them. Whom the provider deletes is
//! forgotten when it says so to a call; until then a call costs one refusal. Forgetting costs one read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::CustomerId;

/// Customers remembered: at about 100 bytes each, 100 kB.
const REMEMBERED_MAX: usize = 1_000;

/// Shared by all of its clones.
#[derive(Clone, Default)]
pub struct KnownCustomers(Arc<Mutex<BTreeMap<CustomerId, String>>>);

impl KnownCustomers {
    /// The vendor's id of a customer.
    pub(super) fn get(&self, id: &CustomerId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// Remembers the vendor's id of a customer. When there are too many, all are forgotten.
    pub(super) fn keep(&self, id: &CustomerId, vendor_id: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(id.clone(), vendor_id.to_owned());
    }
    /// Forgets a customer, unless it is known under another id by now.
    pub(super) fn forget(&self, id: &CustomerId, vendor_id: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.get(id).is_some_and(|known| known == vendor_id) {
            known.remove(id);
        }
    }
}
