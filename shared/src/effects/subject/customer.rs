//! The customer as an item: who pays, and under which id the payment provider knows them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::{ContactId, Correlation, CustomerId, IntentId, Private, Provider, Timestamp};
use crate::effects::list::intent::{Kind, PaymentAct, person_partition};
use crate::effects::list::observation::{Observation, ObservedCustomer, Was};
use crate::effects::list::plan::{Context, Plan, Role};
use crate::effects::list::reference::VendorRef;
use crate::effects::subject::contact::{self, Called};
use crate::effects::subject::doubt::{Difference, Doubted};
use crate::error::Result;

/// Ids of before that are kept: more deletions than anybody makes by hand, and one item never grows without end.
const FORMER_MAX: usize = 20;

/// Changes of one second that are kept: more than anybody makes by hand.
const CHANGES_MAX: usize = 20;

/// What can be changed of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The name.
    Name,
    /// The phone number.
    Phone,
    /// The address, by its id.
    Contact,
}

/// One change of a customer at the vendor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    field: Field,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was: Option<Private<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<Private<String>>,
}

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
    /// The payment provider, from birth on.
    #[serde(default, skip_serializing_if = "Provider::is_default")]
    pub provider: Provider,
    /// The payment provider's id, once it knows the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// Ids under which the vendor knew them before, and deleted them: never theirs again. The latest ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_vendor_ids: Vec<String>,
    /// How often the vendor has deleted them: each time another intent makes them anew.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub generation: u32,
    /// The vendor's time of the latest news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_at: Option<Timestamp>,
    /// What was changed in the second of the latest news: its events may come in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls with")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The kind of intent that makes a customer known to a provider.
pub(crate) const fn create_kind(provider: Provider) -> Kind {
    Kind::of_payment(provider, PaymentAct::Customer)
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
    pub(crate) fn observe(&self, observed: &ObservedCustomer, context: &Context) -> Result<(Plan, Self)> {
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        let is_former = observed.vendor_id.as_ref().is_some_and(|id| self.former_vendor_ids.contains(id));
        if let Some(vendor_id) = observed.vendor_id.as_ref().filter(|_| observed.is_deleted && !is_former) {
            after.forget(vendor_id);
            if self.vendor_id.as_ref() != Some(vendor_id) {
                // Deleted before we heard that it exists: it stays known, as one of before.
                let at = key(&self.customer_id);
                plan.writes.push(VendorRef::naming(context.source, vendor_id, self.customer_id.as_str(), at)?);
            }
        } else if is_former {
            // News of somebody whom the vendor has deleted since: it may come late, and says nothing of who is there now.
        } else {
            if let (None, Some(vendor_id)) = (&self.vendor_id, &observed.vendor_id) {
                after.vendor_id = Some(vendor_id.clone());
                let at = key(&self.customer_id);
                plan.writes.push(VendorRef::naming(context.source, vendor_id, self.customer_id.as_str(), at)?);
            }
            if let Some((email, contact_id)) = after.take(observed) {
                // Whoever has saved a card may give any name and any address on a page of the vendor's: that is no proof that
                // the address is theirs.
                plan.writes.push((Role::Sum, contact::remember(contact_id, email, Called::Unsaid, context.now)?));
            }
        }
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        Ok((plan, after))
    }

    /// What differs between this customer and what is said of them.
    pub(crate) fn difference(&self, observed: &Observation) -> Option<Difference> {
        let Observation::Customer(observed) = observed else { return Difference::of_kinds(observed) };
        self.difference_of_object("customer", observed.vendor_id.as_deref())
    }

    /// The same for an event that says nothing but whom it is about.
    pub(crate) fn difference_of_object(&self, kind: &str, vendor_id: Option<&str>) -> Option<Difference> {
        let is_former = |id: &str| self.former_vendor_ids.iter().any(|former| former == id);
        Difference::of_ids(self.vendor_id.as_deref(), vendor_id.filter(|id| !is_former(id)), kind)
    }

    /// What is written when something is said of them that cannot be.
    pub(crate) fn doubted(&self, difference: &Difference, context: &Context) -> Result<Plan> {
        let object = self.customer_id.as_str();
        difference.plan(&Doubted { object, order_id: None, event: "customer.in_doubt" }, context)
    }

    /// "They exist, under this id".
    pub(crate) fn named(vendor_id: &str) -> Observation {
        Observation::Customer(ObservedCustomer {
            vendor_at: None,
            vendor_id: Some(vendor_id.to_owned()),
            email: None,
            contact_id: None,
            name: None,
            phone: None,
            before: None,
            is_deleted: false,
        })
    }

    /// The vendor has deleted them: nobody is known under this id any more, and another intent may make them anew.
    pub(crate) fn forget(&mut self, vendor_id: &str) {
        self.former_vendor_ids.push(vendor_id.to_owned());
        let too_many = self.former_vendor_ids.len().saturating_sub(FORMER_MAX);
        self.former_vendor_ids.drain(..too_many);
        self.vendor_id = None;
        self.generation += 1;
    }

    /// Takes over what the vendor says of who they are; gives the address where it is another one.
    ///
    /// Of a later second all of it counts. Within one second each change counts for what it changed, and of several changes
    /// of one thing the one that no other follows.
    fn take<'a>(&mut self, observed: &'a ObservedCustomer) -> Option<(&'a Private<String>, &'a ContactId)> {
        let is_newer = observed.vendor_at > self.vendor_at;
        if observed.vendor_at.is_none() || observed.vendor_at < self.vendor_at || !is_newer && observed.before.is_none()
        {
            return None;
        }
        if is_newer {
            self.changes.clear();
        }
        self.vendor_at = observed.vendor_at;
        if let Some(before) = &observed.before {
            let contact = |id: &ContactId| Private::new(id.as_str().to_owned());
            let had = before.contact_id.as_ref().map(contact);
            self.note(Field::Name, before.name.clone(), observed.name.as_ref());
            self.note(Field::Phone, before.phone.clone(), observed.phone.as_ref());
            let has = observed.contact_id.as_ref().map(contact);
            self.note(Field::Contact, before.email.as_ref().map(|_| Was(had)), has.as_ref());
        }
        if is_newer || self.is_latest(Field::Name, observed.name.as_ref()) {
            self.name = observed.name.clone().or(self.name.take());
        }
        if is_newer || self.is_latest(Field::Phone, observed.phone.as_ref()) {
            self.phone = observed.phone.clone().or(self.phone.take());
        }
        let (contact_id, email) = (observed.contact_id.as_ref()?, observed.email.as_ref()?);
        let has = Private::new(contact_id.as_str().to_owned());
        if !is_newer && !self.is_latest(Field::Contact, Some(&has)) {
            return None;
        }
        self.contact_id.clone_from(contact_id);
        self.person_pk = person_partition(contact_id);
        Some((email, contact_id))
    }

    /// Notes a change of this second, where there was one.
    fn note(&mut self, field: Field, was: Option<Was>, is: Option<&Private<String>>) {
        if let Some(Was(was)) = was.filter(|_| self.changes.len() < CHANGES_MAX) {
            self.changes.push(Change { field, was, is: is.cloned() });
        }
    }

    /// Whether a field was changed to this in this second, and nothing changed it on.
    fn is_latest(&self, field: Field, is: Option<&Private<String>>) -> bool {
        let of_field = || self.changes.iter().filter(|change| change.field == field);
        of_field().any(|change| change.is.as_ref() == is) && !of_field().any(|change| change.was.as_ref() == is)
    }

    fn write(&self, after: &Self) -> Result<Write> {
        Write::update(key(&self.customer_id))
            .set("contact_id", &after.contact_id)?
            .set("name", &after.name)?
            .set("phone", &after.phone)?
            .set("vendor_id", &after.vendor_id)?
            .set("vendor_at", &after.vendor_at)?
            .set("former_vendor_ids", &after.former_vendor_ids)?
            .set("generation", &after.generation)?
            .set("changes", &after.changes)?
            .set("person_pk", &after.person_pk)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when("#version = :version")
            .bind(":version", &self.version)
    }
}
