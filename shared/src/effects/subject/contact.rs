//! A contact: the one place where an address is stored.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::aws::{Key, Transacted, Write};
use crate::domain::consent::{Consent, ConsentChange, Suppression};
use crate::domain::message::{Channel, MessageKind};
use crate::domain::{ContactId, Correlation, PaymentId, PrintedName, Private, Timestamp, id, mail_address, phone};
use crate::effects::list::WorkList;
use crate::effects::list::intent::person_partition;
use crate::effects::list::observation::ObservedContact;
use crate::effects::list::plan::{Context, Plan, Role};
use crate::error::{Error, Result};
use crate::gateway::Keyring;
use crate::guard::{Guard, condition};
use crate::world::World;

/// How long an address is kept after its last use: a year's guarantee and returns, and a month.
const KEPT_AFTER: Duration = Duration::from_secs(400 * 24 * 3_600);

/// How long the ledger is kept: claims about unwanted messages lapse after four years (TCPA), and a year more.
const LEDGER_KEPT: Duration = Duration::from_secs(5 * 365 * 24 * 3_600);

/// The app's own secret.
#[derive(Clone, Debug, Deserialize)]
pub struct AppKeys {
    /// Keys the HMAC that contact ids are made of. Never rotated: the ids would change.
    pub person_key: Private<String>,
    /// Keys the links with which somebody unsubscribes: one, or all that there ever were.
    #[serde(default)]
    pub link_key: LinkKeys,
}

/// The keys of links. A link counts that any of them has made: a mail may be opened years later.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
pub enum LinkKeys {
    /// As the deployment generates it.
    One(Private<String>),
    /// After it was renewed.
    Several(Vec<LinkKey>),
    /// There is none.
    #[default]
    None,
}

/// One of several keys of links.
#[derive(Clone, Debug, Deserialize)]
pub struct LinkKey {
    /// The key.
    pub key: Private<String>,
    /// From when on links are made with it, in Unix seconds: by then everybody who checks links knows it.
    #[serde(default)]
    pub since: i64,
}

impl LinkKeys {
    /// All of them that are not empty.
    fn all(&self) -> impl Iterator<Item = (&str, i64)> {
        let (one, several) = match self {
            Self::One(key) => (Some((key.expose().as_str(), 0)), [].as_slice()),
            Self::Several(keys) => (None, keys.as_slice()),
            Self::None => (None, [].as_slice()),
        };
        let several = several.iter().map(|key| (key.key.expose().as_str(), key.since));
        // With an empty one anybody could make links.
        one.into_iter().chain(several).filter(|(key, _)| !key.is_empty())
    }

    /// The one that makes links now: the newest whose time has come, or the oldest of all.
    fn newest(&self, now: Timestamp) -> Option<&str> {
        let come = self.all().filter(|(_, since)| *since <= now.seconds()).max_by_key(|(_, since)| *since);
        come.or_else(|| self.all().min_by_key(|(_, since)| *since)).map(|(key, _)| key)
    }
}

/// Who is written to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// HMAC of the normalised address.
    pub contact_id: ContactId,
    /// The normalised address; none of somebody of whom only a wish is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Private<String>>,
    /// How to address them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Private<String>>,
    /// Whether they asked for marketing; nobody is asked by default.
    #[serde(default)]
    pub marketing: bool,
    /// When they last said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing_at: Option<Timestamp>,
    /// Why it is not written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
    /// When that was last said, or taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_at: Option<Timestamp>,
    /// Whether its owner called a mail of ours spam. Earlier versions wrote that as `suppressed`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complained: bool,
    /// When that was last said, or taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complained_at: Option<Timestamp>,
    /// The contacts of the same phone, whose number is written in another way. What they agree to counts here as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ContactId>,
}

impl Contact {
    /// What they agree to.
    pub const fn consent(&self) -> Consent {
        Consent { marketing: self.marketing, suppressed: self.suppressed, complained: self.complained }
    }

    /// When the reason why it is not written to was last said; when the last one was taken back where there is none.
    pub fn reason_at(&self) -> Option<Timestamp> {
        match (self.suppressed, self.complained) {
            (Some(_), _) => self.suppressed_at,
            (None, true) => self.complained_at,
            (None, false) => self.suppressed_at.max(self.complained_at),
        }
    }

    /// The name that is printed in a message of this kind. A mail about a password greets nobody: whoever asks for it has not
    /// shown yet who they are.
    pub fn printed_name(&self, kind: MessageKind) -> Option<PrintedName> {
        let is_anonymous = matches!(kind, MessageKind::PasswordReset);
        self.name.as_ref().filter(|_| !is_anonymous).and_then(|name| PrintedName::of(name).ok())
    }

    /// Somebody of whom nothing is known.
    pub(crate) fn unknown(id: &ContactId) -> Self {
        Self {
            item_type: "contact".to_owned(),
            contact_id: id.clone(),
            address: None,
            name: None,
            marketing: false,
            marketing_at: None,
            suppressed: None,
            suppressed_at: None,
            complained: false,
            complained_at: None,
            also: Vec::new(),
        }
    }

    /// What is known of an address of this channel, as the API shows it: without the address.
    pub fn view(&self, channel: Channel) -> Value {
        let consent = self.consent();
        let kinds = MessageKind::ALL.into_iter().filter(|kind| kind.fits(channel));
        let withheld = kinds.filter_map(|kind| Some((kind.as_str().to_owned(), json!(consent.forbids(kind)?))));
        let mut view = json!({
            "channel": channel,
            "marketing": self.marketing,
            "suppressed": consent.reason().is_some(),
            "not_sent": withheld.collect::<Map<String, Value>>(),
        });
        if let Some(why) = consent.reason() {
            view["suppressed_because"] = json!(why);
        }
        for (name, at) in [("marketing_at", self.marketing_at), ("suppressed_at", self.reason_at())] {
            if let Some(at) = at {
                view[name] = json!(at.to_rfc3339());
            }
        }
        view
    }

    /// Takes over what was said of the same phone under another way of writing its number, where that is newer. Of the
    /// same age, the stricter counts.
    fn join(&mut self, other: &Self) {
        if other.marketing_at > self.marketing_at || (other.marketing_at == self.marketing_at && !other.marketing) {
            (self.marketing, self.marketing_at) = (other.marketing, other.marketing_at);
        }
        let is_same_age = other.suppressed_at == self.suppressed_at;
        if other.suppressed_at > self.suppressed_at || (is_same_age && other.suppressed.is_some()) {
            (self.suppressed, self.suppressed_at) = (other.suppressed, other.suppressed_at);
        }
        let is_same_age = other.complained_at == self.complained_at;
        if other.complained_at > self.complained_at || (is_same_age && other.complained) {
            (self.complained, self.complained_at) = (other.complained, other.complained_at);
        }
    }
}

/// One row of the ledger of consents: what an address said, when, and how we know.
#[derive(Clone, Debug, Serialize)]
struct ConsentRow {
    #[serde(rename = "type")]
    item_type: &'static str,
    /// `opted_in`, `opted_out`, `suppressed`, `lifted`
    change: &'static str,
    /// Why it is suppressed; of a complaint that is taken back, that it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Suppression>,
    /// When it was said.
    at: Timestamp,
    /// When we learned of it.
    received_at: Timestamp,
    /// Who told us: a vendor, or `crossdock` for our own API and unsubscribe links.
    source: String,
    /// In which form, event or request it was said.
    proof: String,
    /// Which caller of our API told us.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_by: Option<Private<String>>,
    expires: i64,
}

/// A message in which somebody said what they want.
#[derive(Clone, Debug, Serialize)]
struct SaidRow<'a> {
    #[serde(rename = "type")]
    item_type: &'static str,
    /// The vendor's id of it.
    message_id: &'a str,
}

/// The id of an address: an HMAC, because addresses can be enumerated and plain hashes of them reversed.
pub fn contact_id(keys: &AppKeys, normalised_address: &str) -> Result<ContactId> {
    id_of(keys, &mail_address::compared(normalised_address))
}

fn id_of(keys: &AppKeys, form: &str) -> Result<ContactId> {
    let key = keys.person_key.expose();
    if key.is_empty() {
        return Err(Error::misconfigured("secret_unusable", "app: person_key is empty"));
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .map_err(|e| Error::bug("hmac", "the key of contacts").caused_by(e))?;
    mac.update(form.as_bytes());
    let code = mac.finalize().into_bytes();
    Ok(ContactId::from_stored(format!("con_{}", id::first_128_bits(&code))))
}

/// The ids of the other ways in which a phone's number is written, or under which earlier versions kept a mail address.
pub fn other_ids(keys: &AppKeys, normalised_address: &str) -> Result<Vec<ContactId>> {
    let others = [phone::other_ways(normalised_address), mail_address::compared_before(normalised_address)].concat();
    others.iter().map(|other| id_of(keys, other)).collect()
}

/// The links with which somebody unsubscribes: each names one contact, and only we can make it.
#[derive(Clone)]
pub struct UnsubscribeLinks {
    keys: Keyring<AppKeys>,
    base: String,
    world: World,
}

impl std::fmt::Debug for UnsubscribeLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsubscribeLinks").field("base", &self.base).finish_non_exhaustive()
    }
}

impl UnsubscribeLinks {
    /// Links below this URL, made with these keys.
    pub fn new(keys: Keyring<AppKeys>, base: String, world: World) -> Self {
        Self { keys, base, world }
    }

    /// The link of a contact. It never expires: a mail may be opened years later.
    ///
    /// # Errors
    /// `secret_unusable` without a link key.
    pub async fn of(&self, id: &ContactId) -> Result<String> {
        let keys = self.keys.get().await?;
        let missing = || Error::misconfigured("secret_unusable", "app: link_key is empty");
        let code = link_code(keys.link_key.newest(self.world.now()).ok_or_else(missing)?, id)?;
        Ok(format!("{}/unsubscribe/{id}.{}", self.base, URL_SAFE_NO_PAD.encode(code.finalize().into_bytes())))
    }
}

/// The contact that the last segment of such a link names.
///
/// # Errors
/// 404 `not_found` when it is none of ours.
pub fn linked(keys: &AppKeys, segment: &str) -> Result<ContactId> {
    let none = || Error::rejected(404, "not_found", "There is nothing at this path.");
    let (id, code) = segment.split_once('.').ok_or_else(none)?;
    let id = ContactId::from_stored(id);
    let code = URL_SAFE_NO_PAD.decode(code).map_err(|_| none())?;
    if keys.link_key.all().next().is_none() {
        return Err(Error::misconfigured("secret_unusable", "app: link_key is empty"));
    }
    let mut is_ours = false;
    for (key, _) in keys.link_key.all() {
        // Constant time, and every key is tried.
        is_ours |= link_code(key, &id)?.verify_slice(&code).is_ok();
    }
    if is_ours { Ok(id) } else { Err(none()) }
}

fn link_code(key: &str, id: &ContactId) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .map_err(|e| Error::bug("hmac", "the key of contacts").caused_by(e))?;
    mac.update(b"unsubscribe");
    mac.update(id.as_str().as_bytes());
    Ok(mac)
}

/// The sort key of every contact.
pub(crate) const CONTACT: &str = "CONTACT";

/// Where a contact lives.
pub fn key(id: &ContactId) -> Key {
    Key::new(format!("CONTACT#{id}"), CONTACT)
}

/// What is said of somebody's name together with their address. Anybody can type anybody's address into a form.
#[derive(Clone, Copy, Debug)]
pub enum Called<'a> {
    /// Nothing, or nothing that counts.
    Unsaid,
    /// By the shop itself, or by whoever has shown who they are: it counts from now on.
    From(&'a Private<String>),
    /// By somebody who opens an account: it counts unless a name is known.
    AtFirst(&'a Private<String>),
    /// By somebody at the checkout: it counts once this payment succeeds ([`paid`]).
    OncePaid(&'a Private<String>, &'a PaymentId),
}

/// Writes the contact, or renews what is known of it.
pub fn remember(id: &ContactId, address: &Private<String>, called: Called<'_>, now: Timestamp) -> Result<Write> {
    let write = Write::update(key(id))
        .set("type", &"contact")?
        .set("contact_id", id)?
        .set("address", address)?
        .set_if_absent("created_at", &now)?
        .set_if_absent("person_pk", &person_partition(id))?
        .set_if_absent("person_sk", &format!("{:013}#{id}", now.ms()))?
        .set("expires", &now.plus(KEPT_AFTER).seconds())?;
    match called {
        Called::Unsaid => Ok(write),
        Called::From(name) => write.set("name", name),
        Called::AtFirst(name) => write.set_if_absent("name", name),
        Called::OncePaid(name, payment) => write.set(ASKED_NAME, name)?.set(ASKED_NAME_OF, payment),
    }
}

/// The name that the latest checkout with this address gave.
const ASKED_NAME: &str = "asked_name";
/// The payment of that checkout.
const ASKED_NAME_OF: &str = "asked_name_of";

/// The payment has succeeded: the name of its checkout is the person's name from now on, unless a later checkout has given
/// another one, which then waits for its own payment.
pub(crate) fn paid(id: &ContactId, payment: &PaymentId) -> Result<Write> {
    Write::update(key(id))
        .set_from("name", ASKED_NAME)
        .remove(ASKED_NAME)
        .remove(ASKED_NAME_OF)
        .when(&format!("#{ASKED_NAME_OF} = :payment AND attribute_exists(#{ASKED_NAME})"))
        .bind(":payment", payment)
}

/// Has a contact know the others of the same phone.
pub(crate) fn knowing(contact: Write, also: &[ContactId]) -> Result<Write> {
    if also.is_empty() { Ok(contact) } else { contact.set("also", &also) }
}

/// The writes that a change of consent makes: the contact as it is from now on, unless something newer is known, and a
/// row of the ledger in any case. The context's occasion is the proof.
pub(crate) fn change(
    id: &ContactId,
    change: ConsentChange,
    at: Timestamp,
    context: &Context,
) -> Result<Vec<(Role, Write)>> {
    let row = ConsentRow {
        item_type: "consent",
        change: change.as_str(),
        why: match change {
            ConsentChange::Suppressed(why) => Some(why),
            ConsentChange::ComplaintLifted => Some(Suppression::SpamReported),
            ConsentChange::OptedIn | ConsentChange::OptedOut | ConsentChange::Lifted | ConsentChange::BounceLifted => {
                None
            }
        },
        at,
        received_at: context.now,
        source: context.source.to_owned(),
        proof: context.occasion.clone(),
        asked_by: context.asked_by.clone(),
        expires: context.now.plus(LEDGER_KEPT).seconds(),
    };
    let place = key(id);
    let row_id = id::digest(&[&context.occasion]);
    let row_key = Key::new(&place.pk, format!("CONSENT#{:013}#{row_id}", at.ms()));
    // Of the same time, or where nobody knows which came first, a no counts.
    let is_yes = matches!(change, ConsentChange::OptedIn | ConsentChange::Lifted);
    let newest = |write: Write, time: &str| {
        let than = if is_yes { "<" } else { "<=" };
        let newer = format!("attribute_not_exists(#{time}) OR #{time} {than} :at");
        write.set(time, &at)?.when(&condition(Guard::ConsentOrder, &newer)).bind(":at", &at)
    };
    let write = Write::update(place)
        .set("type", &"contact")?
        .set("contact_id", id)?
        .set_if_absent("expires", &context.now.plus(KEPT_AFTER).seconds())?;
    let write = match change {
        ConsentChange::OptedIn => newest(write.set("marketing", &true)?, "marketing_at")?,
        ConsentChange::OptedOut => newest(write.set("marketing", &false)?, "marketing_at")?,
        ConsentChange::Suppressed(Suppression::SpamReported) => {
            newest(write.set("complained", &true)?, "complained_at")?
        }
        ConsentChange::ComplaintLifted => newest(write.set("complained", &false)?, "complained_at")?,
        ConsentChange::Suppressed(why) => newest(write.set("suppressed", &why)?, "suppressed_at")?,
        ConsentChange::Lifted | ConsentChange::BounceLifted => newest(write.remove("suppressed"), "suppressed_at")?,
    };
    Ok(vec![(Role::Once, write), (Role::Once, Write::put_new(row_key, &row)?)])
}

/// In the ledger, and for good: this message was counted. It says nothing of the person but the key it stands under. A signature
/// of Twilio's bears no time, so whoever holds a START of last year could have it delivered after a STOP of today.
fn said_once(id: &ContactId, message_id: &str) -> Result<Write> {
    let row = SaidRow { item_type: "consent_message", message_id };
    Write::put_new(Key::new(key(id).pk, format!("SAID#{}", id::digest(&[message_id]))), &row)
}

/// Who was written to under another way of writing the address is found from there.
fn points_back(other: &ContactId, to: &ContactId, now: Timestamp) -> Result<Write> {
    let write = Write::update(key(other)).set("type", &"contact")?.set("contact_id", other)?;
    let write = write.set_if_absent("expires", &now.plus(KEPT_AFTER).seconds())?;
    knowing(write, std::slice::from_ref(to))
}

/// What follows when somebody says this of their wishes.
pub(crate) fn observe(id: &ContactId, observed: &ObservedContact, context: &Context) -> Result<Plan> {
    let mut plan = Plan { writes: change(id, observed.change, observed.at, context)?, ..Plan::default() };
    for other in &observed.also {
        plan.writes.push((Role::Sum, points_back(other, id, context.now)?));
    }
    if let Some(message_id) = &observed.message_id {
        plan.writes.push((Role::Fence, said_once(id, message_id)?));
    }
    Ok(plan)
}

impl WorkList {
    /// Writes down what an address wants, with the proof, and the address with the other contacts of the same phone. Something
    /// newer stays as it is; the ledger has both.
    ///
    /// # Errors
    /// `object_contended` when others keep changing it.
    pub async fn change_consent(
        &self,
        id: &ContactId,
        address: Option<(&Private<String>, &[ContactId])>,
        (to, at): (ConsentChange, Timestamp),
        proof: &str,
        (correlation, asked_by): (&Correlation, Option<&Private<String>>),
    ) -> Result<Consent> {
        let now = self.world.now();
        let context = Context::ours(now, correlation, proof.to_owned()).asked_by(asked_by);
        let mut writes: Vec<Write> = change(id, to, at, &context)?.into_iter().map(|(_, write)| write).collect();
        for _ in 0..=writes.len() {
            match self.table.transact(&writes).await? {
                Transacted::Done => break,
                Transacted::Lost(obstacles) => {
                    let lost: Vec<usize> = obstacles.iter().map(|obstacle| obstacle.index).collect();
                    let mut index = 0..;
                    writes.retain(|_| index.next().is_some_and(|index| !lost.contains(&index)));
                }
            }
            if writes.is_empty() {
                break;
            }
        }
        if let Some((address, also)) = address {
            let known = knowing(remember(id, address, Called::Unsaid, now)?, also)?;
            let others = also.iter().map(|other| points_back(other, id, now));
            let writes: Vec<Write> = std::iter::once(Ok(known)).chain(others).collect::<Result<_>>()?;
            self.table.transact(&writes).await?;
        }
        let item = self.table.get(&key(id)).await?;
        let contact: Option<Contact> = item.map(|item| item.parse()).transpose()?;
        let contact = self.as_one_person(contact).await?;
        Ok(contact.map(|contact| contact.consent()).unwrap_or_default())
    }

    /// What is known of somebody, also under the other ids of the same person.
    pub async fn contact(&self, id: &ContactId, also: &[ContactId]) -> Result<Contact> {
        let item = self.table.get(&key(id)).await?;
        let mut contact: Contact = item.map(|item| item.parse()).transpose()?.unwrap_or_else(|| Contact::unknown(id));
        let news = also.iter().filter(|other| !contact.also.contains(other)).cloned().collect::<Vec<_>>();
        contact.also.extend(news);
        Ok(self.as_one_person(Some(contact)).await?.unwrap_or_else(|| Contact::unknown(id)))
    }

    /// A contact with what the others of the same phone agree to. One read more where a country writes numbers in two ways.
    pub(crate) async fn as_one_person(&self, contact: Option<Contact>) -> Result<Option<Contact>> {
        let Some(mut contact) = contact else { return Ok(None) };
        if contact.also.is_empty() {
            return Ok(Some(contact));
        }
        let keys: Vec<Key> = contact.also.iter().map(key).collect();
        for other in self.table.get_many(&keys).await?.into_iter().flatten() {
            contact.join(&other.parse()?);
        }
        Ok(Some(contact))
    }
}
