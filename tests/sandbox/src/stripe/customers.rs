//! Customers: made, changed, found by their address.

use super::State;
use super::events::Origin;
use super::failure::Failure;
use super::form::Form;
use super::listing::{Listed, page};
use super::parameters::{metadata, refuse_unknown, text};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The plain texts of a customer, each with its longest value in characters.
const TEXTS: [(&str, usize); 4] = [("description", 5000), ("email", 512), ("name", 256), ("phone", 20)];

/// The parts of an address.
const ADDRESS_PARTS: [&str; 6] = ["city", "country", "line1", "line2", "postal_code", "state"];

/// The longest part of an address, in characters.
const ADDRESS_PART_MAX: usize = 5000;

const PARAMETERS: [&str; 6] = ["address", "description", "email", "metadata", "name", "phone"];

const LIST_PARAMETERS: [&str; 5] = ["created", "email", "ending_before", "limit", "starting_after"];

/// Somebody who pays, perhaps more than once.
#[derive(Clone, Debug, Serialize)]
pub struct Customer {
    /// `cus_…`
    pub id: String,
    /// Epoch seconds.
    pub created_s: i64,
    /// `address`, `description`, `email`, `name`, `phone`, as the API shows them.
    pub details: BTreeMap<&'static str, Value>,
    /// The caller's own keys and values.
    pub metadata: BTreeMap<String, String>,
    /// The idempotency key of the request that made it.
    pub idempotency_key: Option<String>,
    /// Whether somebody has deleted it: then nothing finds it any more.
    pub is_deleted: bool,
}

impl Customer {
    /// The object as the API and the events show it.
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "id": self.id,
            "object": "customer",
            "balance": 0,
            "created": self.created_s,
            "currency": null,
            "default_source": null,
            "delinquent": false,
            "discount": null,
            "livemode": false,
            "metadata": self.metadata,
            "preferred_locales": [],
            "shipping": null,
            "tax_exempt": "none",
        });
        for name in ["address", "description", "email", "name", "phone"] {
            object[name] = self.detail(name).clone();
        }
        object
    }

    /// One detail by its name; null when it is not set.
    pub fn detail(&self, name: &str) -> &Value {
        self.details.get(name).unwrap_or(&Value::Null)
    }
}

impl Listed for Customer {
    const WHAT: &'static str = "customer";

    fn id(&self) -> &str {
        &self.id
    }

    fn created_s(&self) -> i64 {
        self.created_s
    }

    fn to_json(&self) -> Value {
        Self::to_json(self)
    }
}

/// What is to be set on a customer.
#[derive(Debug, Default)]
pub(crate) struct CustomerChanges {
    /// Null unsets.
    details: BTreeMap<&'static str, Value>,
    /// An empty value takes the key away.
    metadata: BTreeMap<String, String>,
    /// All metadata goes before the new one comes.
    clear_metadata: bool,
}

/// Checks what is to be set on a new or a known customer.
pub(super) fn changes(form: &Form) -> Result<CustomerChanges, Failure> {
    refuse_unknown(form, &PARAMETERS)?;
    let mut details = BTreeMap::new();
    for (name, characters_max) in TEXTS {
        match text(form, name, characters_max)? {
            Some(value) => drop(details.insert(name, value.into())),
            None if form.unsets(name) => drop(details.insert(name, Value::Null)),
            None => {}
        }
    }
    if let Some(email) = details.get("email").and_then(Value::as_str)
        && !email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
    {
        let message = format!("Invalid email address: {email}");
        return Err(Failure::invalid(Some("email_invalid"), Some("email"), message));
    }
    if form.unsets("address") {
        details.insert("address", Value::Null);
    } else if let Some(address) = address(form)? {
        details.insert("address", address);
    }
    Ok(CustomerChanges { details, metadata: metadata(form)?, clear_metadata: form.unsets("metadata") })
}

/// An address is replaced as a whole: parts that are not sent are empty.
fn address(form: &Form) -> Result<Option<Value>, Failure> {
    let mut address: Map<String, Value> =
        ADDRESS_PARTS.map(|part| (part.to_owned(), Value::Null)).into_iter().collect();
    let mut sent = false;
    for (part, value) in form.parts("address") {
        let name = format!("address[{part}]");
        if !ADDRESS_PARTS.contains(&part) {
            let message = format!("Received unknown parameter: {name}");
            return Err(Failure::invalid(Some("parameter_unknown"), Some(&name), message));
        }
        if let Some(value) = text(form, &name, ADDRESS_PART_MAX)?.filter(|_| !value.is_empty()) {
            address.insert(part.to_owned(), value.into());
        }
        sent = true;
    }
    Ok(sent.then_some(Value::Object(address)))
}

impl State {
    /// A customer that a parameter names must exist; none is fine.
    pub(super) fn look_up_customer(&self, id: Option<&str>) -> Result<(), Failure> {
        match id {
            Some(id) if self.customer(id).is_none() => Err(Failure::no_such("customer", id, "customer", 400)),
            _ => Ok(()),
        }
    }

    pub(super) fn create_customer(&mut self, now_ms: i64, changes: &CustomerChanges, origin: &Origin) -> Value {
        let mut customer = Customer {
            id: format!("cus_{}", self.ids.next("cus", 14)),
            created_s: now_ms / 1000,
            details: BTreeMap::new(),
            metadata: BTreeMap::new(),
            idempotency_key: origin.idempotency_key.clone(),
            is_deleted: false,
        };
        apply(&mut customer, changes);
        let object = customer.to_json();
        self.customers.push(customer);
        self.emit(now_ms, "customer.created", &object, origin);
        object
    }

    /// Changes a customer. The event says what it was before; without a change there is none.
    pub(super) fn update_customer(
        &mut self,
        now_ms: i64,
        id: &str,
        changes: &CustomerChanges,
        origin: &Origin,
    ) -> Result<Value, Failure> {
        let missing = || Failure::no_such("customer", id, "id", 404);
        let found = |customer: &&mut Customer| customer.id == id && !customer.is_deleted;
        let customer = self.customers.iter_mut().find(found).ok_or_else(missing)?;
        let before = customer.to_json();
        apply(customer, changes);
        let object = customer.to_json();
        let previous = previous_attributes(&before, &object);
        if !previous.is_empty() {
            self.emit_change(now_ms, "customer.updated", &object, &previous, origin);
        }
        Ok(object)
    }

    /// Somebody deletes a customer in the dashboard: what was saved for it is detached, and cannot be used again.
    pub(super) fn delete_customer(&mut self, now_ms: i64, id: &str) -> Result<Value, Failure> {
        let missing = || Failure::no_such("customer", id, "id", 404);
        let found = |customer: &&mut Customer| customer.id == id && !customer.is_deleted;
        let customer = self.customers.iter_mut().find(found).ok_or_else(missing)?;
        customer.is_deleted = true;
        let object = customer.to_json();
        for method in self.payment_methods.iter_mut().filter(|method| method.customer.as_deref() == Some(id)) {
            method.customer = None;
            method.used_up = true;
        }
        self.emit(now_ms, "customer.deleted", &object, &Origin::default());
        Ok(object)
    }

    /// GET /v1/customers
    pub(super) fn list_customers(&self, query: &Form) -> Result<Value, Failure> {
        refuse_unknown(query, &LIST_PARAMETERS)?;
        let email = query.get("email");
        let fits = |customer: &&Customer| {
            !customer.is_deleted && (email.is_none() || customer.detail("email").as_str() == email)
        };
        page(query, "/v1/customers", self.customers.iter().rev().filter(fits).collect())
    }
}

fn apply(customer: &mut Customer, changes: &CustomerChanges) {
    customer.details.extend(changes.details.iter().map(|(name, value)| (*name, value.clone())));
    if changes.clear_metadata {
        customer.metadata.clear();
    }
    customer.metadata.extend(changes.metadata.clone());
    customer.metadata.retain(|_, value| !value.is_empty());
}

/// What changed, as it was. Of metadata only the keys that changed; a key that was not there was null.
fn previous_attributes(before: &Value, after: &Value) -> Map<String, Value> {
    let (Some(old), Some(new)) = (before.as_object(), after.as_object()) else { return Map::new() };
    let mut previous: Map<String, Value> = old
        .iter()
        .filter(|(name, value)| new.get(*name) != Some(*value))
        .map(|(name, value)| {
            let deeper = previous_attributes(value, new.get(name).unwrap_or(&Value::Null));
            (name.clone(), if name == "metadata" { deeper.into() } else { value.clone() })
        })
        .collect();
    previous.extend(new.keys().filter(|name| !old.contains_key(*name)).map(|name| (name.clone(), Value::Null)));
    previous
}
