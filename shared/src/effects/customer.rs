//! The customer as an item: who pays, and under which id the payment provider knows them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::commit::{Context, Plan, Role};
use super::contact;
use super::intent::person_partition;
use super::observation::CustomerSeen;
use super::payment::VendorRef;
use super::work::Subject;
use crate::aws::{Key, Write};
use crate::domain::{ContactId, Correlation, CustomerId, IntentId, Private, Timestamp};
use crate::error::Result;

/// A customer, as it is stored. The address is in CONTACT.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Customer {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// The shop's id.
    pub customer_id: CustomerId,
    /// Who it is.
    pub contact_id: ContactId,
    /// How to address them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Private<String>>,
    /// Where to call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Private<String>>,
    /// The intent that makes it at the vendor.
    pub intent_id: IntentId,
    /// The payment provider's id, once it knows the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// The vendor's time of the latest news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_at: Option<Timestamp>,
    /// Grows with each change.
    pub version: u64,
    /// Ties together what one request caused.
    pub correlation_id: Correlation,
    /// When we first heard of them.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Index by person.
    pub person_pk: String,
    /// Index by person.
    pub person_sk: String,
}

/// Where a customer lives.
pub fn key(id: &CustomerId) -> Key {
    Key::new(format!("CUSTOMER#{id}"), "CUSTOMER")
}

impl Customer {
    /// The customer as the API shows it: no personal data, which the shop has itself.
    pub fn view(&self) -> Value {
        json!({
            "customer_id": self.customer_id,
            "created_at": self.created_at.to_rfc3339(),
            "updated_at": self.updated_at.to_rfc3339(),
        })
    }

    /// What follows when the vendor says this of the customer.
    pub(crate) fn observe(&self, seen: &CustomerSeen, context: &Context) -> Result<Plan> {
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        if let (None, Some(vendor_id)) = (&self.vendor_id, &seen.vendor_id) {
            after.vendor_id = Some(vendor_id.clone());
            plan.learned = Some((context.source, vendor_id.clone()));
            let at = key(&self.customer_id);
            plan.writes.push(VendorRef::naming(context.source, vendor_id, self.customer_id.as_str(), at)?);
        }
        if seen.vendor_at > self.vendor_at {
            after.vendor_at = seen.vendor_at;
            after.name = seen.name.clone().or(after.name);
            after.phone = seen.phone.clone().or(after.phone);
            if let (Some(contact_id), Some(email)) = (&seen.contact_id, &seen.email) {
                after.contact_id.clone_from(contact_id);
                after.person_pk = person_partition(contact_id);
                let name = after.name.as_ref();
                plan.writes.push((Role::Sum, contact::remember(contact_id, email, name, context.now)?));
            }
        }
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        plan.after = Some(Subject::Customer(Box::new(after)));
        Ok(plan)
    }

    fn write(&self, after: &Self) -> Result<Write> {
        Write::update(key(&self.customer_id))
            .set("contact_id", &after.contact_id)?
            .set("name", &after.name)?
            .set("phone", &after.phone)?
            .set("vendor_id", &after.vendor_id)?
            .set("vendor_at", &after.vendor_at)?
            .set("person_pk", &after.person_pk)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when("#version = :version")
            .bind(":version", &self.version)
    }
}
