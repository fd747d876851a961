//! A customer: made known to the payment provider once, and found again by the shop's id.

use crate::aws::table::Written;
use crate::aws::{Item, Transacted, Write};
use crate::domain::input::CreateCustomer;
use crate::domain::{ContactId, Correlation, CustomerId, IntentId, Private, Provider, id};
use crate::effects::intake::request::claim_at_birth;
use crate::effects::list::WorkList;
use crate::effects::list::intent::{Data, Intent, Phase, VendorRequest, person_partition};
use crate::effects::subject::contact::{self, Called};
use crate::effects::subject::customer::{self, Customer};
use crate::effects::work::claim::{Claimed, Lease};
use crate::error::{Error, Result};

/// Reads and writes tried to forget one: each that lost means that somebody else changed it.
const FORGET_ROUNDS_MAX: u32 = 3;

/// What counts of the name. A customer who is made on the way to a payment is at the checkout: the payment tells the name.
fn called(input: &CreateCustomer) -> Called<'_> {
    input.name.as_ref().filter(|_| !input.at_checkout).map_or(Called::Unsaid, Called::AtFirst)
}

/// What asking for a customer came to.
#[derive(Debug)]
pub enum Known {
    /// It is new, and this request has claimed its intent.
    New(Box<Customer>, Box<Claimed>),
    /// We know this customer; the vendor perhaps not yet.
    Before(Box<Customer>),
}

impl WorkList {
    /// Asks for a customer. `build` makes the vendor's request.
    pub async fn create_customer(
        &self,
        provider: Provider,
        input: &CreateCustomer,
        contact_id: &ContactId,
        correlation: &Correlation,
        lease: &Lease,
        build: impl Fn(&IntentId) -> VendorRequest,
    ) -> Result<Known> {
        let now = self.world.now();
        let customer_id = &input.id;
        let intent = self.new_customer_intent(provider, input, 0, contact_id, correlation, lease, &build);
        let intent_id = intent.intent_id.clone();
        let customer = Customer {
            item_type: "customer".to_owned(),
            customer_id: customer_id.clone(),
            contact_id: contact_id.clone(),
            name: input.name.clone(),
            phone: input.phone.clone(),
            intent_id,
            provider,
            vendor_id: None,
            former_vendor_ids: Vec::new(),
            generation: 0,
            changes: Vec::new(),
            vendor_at: None,
            version: 1,
            correlation_id: correlation.clone(),
            created_at: now,
            updated_at: now,
            person_pk: person_partition(contact_id),
            person_sk: format!("{:013}#{customer_id}", now.ms()),
        };
        let writes = [
            Write::put_new(customer::key(customer_id), &customer)?,
            Write::put_new(intent.key(), &intent)?,
            contact::remember(contact_id, &input.email, called(input), now)?,
        ];
        let obstacles = match self.table.transact(&writes).await? {
            Transacted::Done => {
                return Ok(Known::New(Box::new(customer), Box::new(Claimed::at_birth(intent, lease))));
            }
            Transacted::Lost(obstacles) => obstacles,
        };
        let item = |index| obstacles.iter().find(|o| o.index == index).and_then(|o| o.item.as_ref());
        let found = item(1).map(Item::parse::<Intent>).transpose()?;
        if let Some(own) = found.and_then(|found| Claimed::own(&found, lease)) {
            return Ok(Known::New(Box::new(customer), Box::new(own)));
        }
        let before: Option<Customer> = item(0).map(Item::parse).transpose()?;
        let before = before.ok_or_else(|| Error::bug("intake", "a customer met something that is no customer"))?;
        self.create_anew(before, input, contact_id, correlation, lease, &build).await
    }

    /// Whom the vendor has deleted is made anew: another intent, so another key and other bytes.
    async fn create_anew(
        &self,
        before: Customer,
        input: &CreateCustomer,
        contact_id: &ContactId,
        correlation: &Correlation,
        lease: &Lease,
        build: &impl Fn(&IntentId) -> VendorRequest,
    ) -> Result<Known> {
        let intent =
            self.new_customer_intent(before.provider, input, before.generation, contact_id, correlation, lease, build);
        if before.generation == 0 || before.vendor_id.is_some() || before.intent_id == intent.intent_id {
            return Ok(Known::Before(Box::new(before)));
        }
        let now = self.world.now();
        let mut after = before.clone();
        after.intent_id = intent.intent_id.clone();
        after.version += 1;
        after.updated_at = now;
        let writes = [
            Write::update(customer::key(&input.id))
                .set("intent_id", &after.intent_id)?
                .set("updated_at", &now)?
                .add("version", 1)
                .when("#version = :version")
                .bind(":version", &before.version)?,
            Write::put_new(intent.key(), &intent)?,
            contact::remember(contact_id, &input.email, called(input), now)?,
        ];
        match self.table.transact(&writes).await? {
            Transacted::Done => Ok(Known::New(Box::new(after), Box::new(Claimed::at_birth(intent, lease)))),
            Transacted::Lost(obstacles) => {
                let found = obstacles.iter().find(|o| o.index == 1).and_then(|o| o.item.as_ref());
                let found = found.map(Item::parse::<Intent>).transpose()?;
                if let Some(own) = found.and_then(|found| Claimed::own(&found, lease)) {
                    return Ok(Known::New(Box::new(after), Box::new(own)));
                }
                // Somebody else was faster.
                let now_is = self.customer(&input.id).await?;
                now_is
                    .map(|customer| Known::Before(Box::new(customer)))
                    .ok_or_else(|| Error::bug("intake", "a customer has vanished"))
            }
        }
    }

    /// What tells a customer's first intent of one generation from those of others.
    fn generation_of(&self, generation: u32) -> String {
        let stack = self.stack.as_str();
        if generation == 0 { stack.to_owned() } else { format!("{stack}#{generation}") }
    }

    /// The intent that makes a customer at the vendor, claimed by whoever asks.
    #[expect(clippy::too_many_arguments, reason = "the parts of one new item")]
    fn new_customer_intent(
        &self,
        provider: Provider,
        input: &CreateCustomer,
        generation: u32,
        contact_id: &ContactId,
        correlation: &Correlation,
        lease: &Lease,
        build: &impl Fn(&IntentId) -> VendorRequest,
    ) -> Intent {
        let now = self.world.now();
        let discriminator = self.generation_of(generation);
        let kind = customer::create_kind(provider);
        let intent_id = IntentId::of(kind.as_str(), input.id.as_str(), &discriminator);
        let request = build(&intent_id);
        let data = Data::Customer { customer_id: input.id.clone(), contact_id: contact_id.clone(), request };
        let mut intent = Intent::new(intent_id, kind, data, None, correlation.clone(), now);
        claim_at_birth(&mut intent, lease, now);
        intent
    }

    /// The vendor no longer knows a customer under this id. Nothing happens when we know them under another one.
    pub async fn forget_customer(&self, id: &CustomerId, vendor_id: &str) -> Result<()> {
        for _ in 0..FORGET_ROUNDS_MAX {
            let Some(mut customer) = self.customer(id).await? else { return Ok(()) };
            if customer.vendor_id.as_deref() != Some(vendor_id) {
                return Ok(());
            }
            let version = customer.version;
            customer.forget(vendor_id);
            let write = Write::update(customer::key(id))
                .remove("vendor_id")
                .set("former_vendor_ids", &customer.former_vendor_ids)?
                .set("generation", &customer.generation)?
                .set("updated_at", &self.world.now())?
                .add("version", 1)
                .when("#version = :version")
                .bind(":version", &version)?;
            if let Written::Done(_) = self.table.update(write).await? {
                return Ok(());
            }
        }
        Err(Error::transient("object_contended", "others kept changing the customer"))
    }

    /// Asks once more for a customer whom the vendor refused, with other words: those are another request, and so another
    /// intent. `None` when they are the refused ones, or were refused before. What was refused so long ago that nobody
    /// knows its words any more is asked again.
    #[expect(clippy::too_many_arguments, reason = "the parts of one new item, and of the one that it follows")]
    pub async fn create_customer_anew(
        &self,
        before: &Customer,
        refused: Option<&Intent>,
        input: &CreateCustomer,
        contact_id: &ContactId,
        correlation: &Correlation,
        lease: &Lease,
        build: impl Fn(&IntentId) -> VendorRequest,
    ) -> Result<Option<(Box<Customer>, Box<Claimed>)>> {
        let words_of = |intent: &Intent| match &intent.data {
            Data::Customer { request, .. } => Some(request.clone()),
            _ => None,
        };
        if refused.and_then(words_of).is_some_and(|refused| refused == build(&before.intent_id)) {
            return Ok(None);
        }
        let now = self.world.now();
        let word =
            |text: &Option<Private<String>>| text.as_ref().map_or_else(String::new, |text| text.expose().clone());
        let words = id::digest(&[input.email.expose(), &word(&input.name), &word(&input.phone)]);
        let discriminator = format!("{}#{words}", self.generation_of(before.generation));
        let kind = customer::create_kind(before.provider);
        let intent_id = IntentId::of(kind.as_str(), input.id.as_str(), &discriminator);
        let data = Data::Customer {
            customer_id: input.id.clone(),
            contact_id: contact_id.clone(),
            request: build(&intent_id),
        };
        let mut intent = Intent::new(intent_id.clone(), kind, data, None, correlation.clone(), now);
        claim_at_birth(&mut intent, lease, now);
        let mut after = before.clone();
        after.contact_id = contact_id.clone();
        after.name.clone_from(&input.name);
        after.phone.clone_from(&input.phone);
        after.intent_id = intent_id;
        after.updated_at = now;
        after.person_pk = person_partition(contact_id);
        let customer = Write::update(customer::key(&input.id))
            .set("contact_id", &after.contact_id)?
            .set("name", &after.name)?
            .set("phone", &after.phone)?
            .set("intent_id", &after.intent_id)?
            .set("person_pk", &after.person_pk)?
            .set("updated_at", &now)?
            .add("version", 1)
            .when("#version = :version")
            .bind(":version", &before.version)?;
        after.version += 1;
        let writes = [
            customer,
            Write::put_new(intent.key(), &intent)?,
            contact::remember(contact_id, &input.email, called(input), now)?,
        ];
        let obstacles = match self.table.transact(&writes).await? {
            Transacted::Done => return Ok(Some((Box::new(after), Box::new(Claimed::at_birth(intent, lease))))),
            Transacted::Lost(obstacles) => obstacles,
        };
        let there = obstacles.iter().find(|o| o.index == 1).and_then(|o| o.item.as_ref());
        let Some(there) = there.map(Item::parse::<Intent>).transpose()? else {
            return Err(Error::transient("object_contended", "the customer is being changed"));
        };
        match Claimed::own(&there, lease) {
            Some(own) => Ok(Some((Box::new(after), Box::new(own)))),
            None if there.phase == Phase::Refused => Ok(None),
            None => Err(Error::transient("object_contended", "somebody else asks for the customer")),
        }
    }
}
