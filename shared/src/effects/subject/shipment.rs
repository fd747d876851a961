//! The shipment as an item: what is known of it, and how what somebody says changes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::shipping::{Carrier, Consignment, Scan, ShipmentStatus};
use crate::domain::status::{Move, Said, Status as _, decide};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{ContactId, Correlation, IntentId, Money, OrderId, ShipmentId, Timestamp, follow_up, id};
use crate::effects::list::intent::{Data, Intent, Kind, order_partition};
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::{Observation, ShipmentNews, StoredLabel};
use crate::effects::list::opaque::Opaque;
use crate::effects::list::outcome::Verdict;
use crate::effects::list::plan::{Context, Plan, Role, timeline_row};
use crate::effects::list::reference::VendorRef;
use crate::effects::subject::message::{Cause, Message};
use crate::error::Result;
use crate::guard::{Guard, condition};

/// How long a shipment is kept: as long as the addresses of people whom we write to.
const KEPT_AFTER: Duration = Duration::from_secs(400 * 24 * 3_600);
/// After a label was bought: the first look where the parcel is. Before that it mostly stands in the shop.
const FIRST_LOOK_AFTER: Duration = Duration::from_secs(6 * 3_600);
/// Scans of one look that become rows of the timeline, the newest: a transaction has room for twelve writes.
const SCAN_ROWS_MAX: usize = 4;

/// A shipment, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shipment {
    /// Tells items of one index partition apart.
    #[serde(rename = "type")]
    pub item_type: String,
    /// `shp_…`
    pub shipment_id: ShipmentId,
    /// The shop's order.
    pub order_id: OrderId,
    /// Which of the order's parcels.
    pub parcel_ref: String,
    /// Who carries it.
    pub carrier: Carrier,
    /// With which service.
    pub service: String,
    /// Whether another carrier may be asked.
    #[serde(default)]
    pub allow_fallback: bool,
    /// Carriers that certainly did not do it, by name, with a blank after each.
    #[serde(default)]
    pub tried: String,
    /// What goes where; names and addresses.
    pub consignment: Opaque<Consignment>,
    /// Where it stands.
    pub status: ShipmentStatus,
    /// The carrier's time of the status; absent before its first scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_at: Option<Timestamp>,
    /// The newest scan that is in the timeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_until: Option<Timestamp>,
    /// Grows with each change.
    pub version: u64,
    /// The intent that buys the label.
    pub intent_id: IntentId,
    /// Who gets mails about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<ContactId>,
    /// Who gets SMS about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_contact_id: Option<ContactId>,
    /// The key that asked for it; kept for good.
    pub request_key: String,
    /// Hash of the request that asked for it; kept for good.
    pub request_hash: String,
    /// The carrier's number, once it is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_id: Option<String>,
    /// One number a parcel.
    #[serde(default)]
    pub parcel_numbers: Vec<String>,
    /// Where the labels are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Opaque<Vec<StoredLabel>>>,
    /// A shipment whose label is lost, to be given back before another is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_void: Option<String>,
    /// What the carrier asked for it when it was quoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Money>,
    /// What it bills.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed: Option<Money>,
    /// Ties together what one request caused.
    pub correlation_id: Correlation,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Index by order.
    pub order_pk: String,
    /// Index by order.
    pub order_sk: String,
    /// Index by person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_pk: Option<String>,
    /// Index by person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_sk: Option<String>,
    /// TTL, in seconds.
    pub expires: i64,
}

/// Where a shipment lives.
pub fn key(id: &ShipmentId) -> Key {
    Key::new(format!("SHIPMENT#{id}"), "SHIPMENT")
}

/// When a new shipment will be forgotten.
pub(crate) fn expiry(now: Timestamp) -> i64 {
    now.plus(KEPT_AFTER).seconds()
}

impl Shipment {
    /// The shipment as the API shows it, without the links to its labels, which somebody has to sign.
    pub fn view(&self) -> Value {
        let mut view = json!({
            "shipment_id": self.shipment_id,
            "order_id": self.order_id,
            "parcel_ref": self.parcel_ref,
            "status": self.status,
            "carrier": self.carrier,
            "service": self.service,
            "created_at": self.created_at.to_rfc3339(),
            "updated_at": self.updated_at.to_rfc3339(),
        });
        if let Some(number) = &self.vendor_id {
            view["tracking_number"] = json!(number);
            view["tracking_numbers"] = json!(self.parcel_numbers);
        }
        for (name, price) in [("price_quoted", &self.quoted), ("price_billed", &self.billed)] {
            if let Some(price) = price {
                view[name] = json!(price);
            }
        }
        view
    }

    /// What the carrier knows this purchase by: of the stack, the intent and its generation, so that each purchase that
    /// certainly did not happen, or was given back, is followed by one of another name. 29 characters.
    pub fn reference(&self, intent: &Intent, stack: &crate::domain::StackId) -> String {
        let generation = intent.generation.to_string();
        format!("CD-{}", id::digest(&[stack.as_str(), intent.intent_id.as_str(), &generation]))
    }

    /// The intent that buys the label.
    pub(crate) fn create_intent(&self, context: &Context) -> Intent {
        self.intent(Kind::ShipmentCreate, self.intent_id.clone(), context.now, context)
    }

    /// The row of its being asked for.
    pub(crate) fn requested_row(&self, context: &Context) -> Result<(Role, Write)> {
        self.row("shipment.requested", Some(format!("{} {}", self.carrier.as_str(), self.service)), context)
    }

    fn intent(&self, kind: Kind, id: IntentId, due: Timestamp, context: &Context) -> Intent {
        let data = Data::Shipment { shipment_id: self.shipment_id.clone() };
        let order = Some(self.order_id.clone());
        let mut intent = Intent::new(id, kind, data, order, context.correlation.clone(), context.now);
        intent.due = due;
        intent
    }

    /// What follows when somebody says this of the shipment.
    pub(crate) fn observe(&self, news: &ShipmentNews, context: &Context) -> Result<(Plan, Self)> {
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        match news {
            ShipmentNews::Status(status) => self.say(&mut after, *status, &mut plan, context)?,
            ShipmentNews::Bought { tracking_number, parcel_numbers, labels, billed } if self.vendor_id.is_none() => {
                after.vendor_id = Some(tracking_number.clone());
                after.parcel_numbers.clone_from(parcel_numbers);
                after.labels = Some(labels.clone());
                after.billed = *billed;
                after.to_void = None;
                after.status = ShipmentStatus::LabelCreated;
                after.vendor_at = None;
                after.bought(&mut plan, context)?;
            }
            // Known already, as when a person was faster.
            ShipmentNews::Bought { .. } => {}
            ShipmentNews::Switched { carrier, service, quoted } => {
                after.tried = format!("{}{} ", self.tried, self.carrier.as_str());
                (after.carrier, after.quoted) = (*carrier, *quoted);
                after.service.clone_from(service);
                let detail = format!("{} {}", carrier.as_str(), service);
                plan.writes.push(after.row("shipment.switched", Some(detail), context)?);
            }
            ShipmentNews::ToVoid { tracking_number } => {
                after.to_void = Some(tracking_number.clone());
                plan.writes.push(self.row("shipment.label_lost", Some(tracking_number.clone()), context)?);
            }
            ShipmentNews::GivenBack => {
                plan.writes.push(self.row("shipment.label_voided", after.to_void.take(), context)?);
            }
            ShipmentNews::Scanned(scans) => self.scanned(&mut after, scans, &mut plan, context)?,
        }
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        Ok((plan, after))
    }

    /// What a verdict says of a shipment where its carrier has said nothing of it.
    pub(crate) fn statement(kind: Kind, verdict: &Verdict) -> Option<Observation> {
        if kind != Kind::ShipmentCreate {
            return None;
        }
        let status = match verdict {
            Verdict::Done => return None,
            Verdict::Refused { .. } => ShipmentStatus::Failed,
            Verdict::NotDone { .. } | Verdict::ProbablyNotDone { .. } | Verdict::Absent => ShipmentStatus::Deferred,
            Verdict::Unknown { .. } => ShipmentStatus::Processing,
            Verdict::GivenUp { .. } => ShipmentStatus::Manual,
        };
        Some(Observation::Shipment(ShipmentNews::Status(status)))
    }

    /// "It exists, under this number".
    pub(crate) fn named(number: &str) -> Result<Observation> {
        Ok(Observation::Shipment(ShipmentNews::Bought {
            tracking_number: number.to_owned(),
            parcel_numbers: vec![number.to_owned()],
            labels: Opaque::of(&Vec::new())?,
            billed: None,
        }))
    }

    /// What we say ourselves never hides that the carrier has it.
    fn say(&self, after: &mut Self, status: ShipmentStatus, plan: &mut Plan, context: &Context) -> Result<()> {
        let (current, incoming) = (self.said(), Said { status, vendor_at: None });
        if self.vendor_id.is_none() && decide(current, incoming) == Move::Advance && status != self.status {
            after.status = status;
            plan.writes.push(self.row(&format!("shipment.{}", status.as_str()), None, context)?);
        }
        Ok(())
    }

    fn said(&self) -> Said<ShipmentStatus> {
        Said { status: self.status, vendor_at: self.vendor_at }
    }

    /// What follows from the label: the carrier's numbers are ours, the customer hears of it, and somebody looks where the
    /// parcel is.
    fn bought(&self, plan: &mut Plan, context: &Context) -> Result<()> {
        let Some(number) = &self.vendor_id else { return Ok(()) };
        plan.learned = Some((context.source, number.clone()));
        let at = key(&self.shipment_id);
        plan.writes.push(VendorRef::naming(self.carrier.as_str(), number, self.shipment_id.as_str(), at)?);
        plan.writes.push(self.row("shipment.label_created", Some(number.clone()), context)?);
        let look = IntentId::of(Kind::ShipmentTrack.as_str(), self.shipment_id.as_str(), number);
        let look = self.intent(Kind::ShipmentTrack, look, context.now.plus(FIRST_LOOK_AFTER), context);
        plan.writes.push((Role::Once, Write::put_new(look.key(), &look)?));
        if self.carrier.wants_subscriptions() {
            let subscribe = IntentId::of(Kind::ShipmentSubscribe.as_str(), self.shipment_id.as_str(), number);
            let subscribe = self.intent(Kind::ShipmentSubscribe, subscribe, context.now, context);
            plan.writes.push((Role::Once, Write::put_new(subscribe.key(), &subscribe)?));
            plan.nudges.push(Nudge::of(&subscribe));
        }
        self.tell(plan, context)
    }

    /// The message that its status causes, if somebody is there to get it.
    fn tell(&self, plan: &mut Plan, context: &Context) -> Result<()> {
        let Some(number) = &self.vendor_id else { return Ok(()) };
        let url = Some(self.carrier.tracking_url(number));
        let content = follow_up::message_after_shipment(self.status, self.carrier.display(), number, url);
        let Some(content) = content else { return Ok(()) };
        let phone = content.as_mail().and(self.phone_contact_id.as_ref());
        let (contact_id, content, instead) = match (phone, &self.contact_id) {
            (Some(phone), mail) => (phone, content, mail.as_ref()),
            (None, Some(mail)) => (mail, content.as_mail().unwrap_or(content), None),
            (None, None) => return Ok(()),
        };
        let cause = Cause {
            object: self.shipment_id.as_str(),
            reached: self.status.as_str(),
            order_id: Some(&self.order_id),
            contact_id,
            instead,
        };
        Message::plan(plan, &cause, content, context)
    }

    /// Scans move the status by their own times, whatever order they come in.
    fn scanned(&self, after: &mut Self, scans: &[Scan], plan: &mut Plan, context: &Context) -> Result<()> {
        for scan in scans {
            let Some(status) = scan.status else { continue };
            let incoming = Said { status, vendor_at: Some(scan.at) };
            if decide(after.said(), incoming) == Move::Advance {
                (after.status, after.vendor_at) = (status, Some(scan.at));
            }
        }
        // A look brings the whole history, of which the most is in the timeline. What is told alone may come late, or be of
        // the same second as another; its row's name tells whether it is there.
        let is_new = |scan: &&Scan| scans.len() == 1 || self.scanned_until.is_none_or(|until| scan.at > until);
        let new: Vec<&Scan> = scans.iter().filter(is_new).collect();
        for scan in &new[new.len().saturating_sub(SCAN_ROWS_MAX)..] {
            plan.writes.push(self.scan_row(scan, context)?);
        }
        after.scanned_until = new.iter().map(|scan| scan.at).max().max(self.scanned_until);
        if after.status != self.status {
            plan.scan_known_after = after.vendor_at.map(|at| (self.carrier, context.now.since(at)));
            after.tell(plan, context)?;
        }
        Ok(())
    }

    /// A row at the scan's own time, named by the scan: a push and a look tell of it once.
    fn scan_row(&self, scan: &Scan, context: &Context) -> Result<(Role, Write)> {
        let event = scan.status.map_or("shipment.scanned".to_owned(), |status| format!("shipment.{}", status.as_str()));
        let place = scan.place.as_deref().map(|place| format!(" ({place})")).unwrap_or_default();
        let entry = TimelineEntry {
            at: scan.at,
            event,
            object: self.shipment_id.to_string(),
            detail: Some(format!("{} {}{place}", scan.code, scan.description)),
            source: context.source.to_owned(),
        };
        timeline_row(&self.order_id, &entry, &format!("scan/{}/{}", scan.code, scan.at.ms()))
    }

    fn row(&self, event: &str, detail: Option<String>, context: &Context) -> Result<(Role, Write)> {
        let entry = TimelineEntry {
            at: context.now,
            event: event.to_owned(),
            object: self.shipment_id.to_string(),
            detail,
            source: context.source.to_owned(),
        };
        timeline_row(&self.order_id, &entry, &context.occasion)
    }

    /// The shipment's items in the indexes.
    pub(crate) fn index(order: &OrderId, id: &ShipmentId, now: Timestamp) -> (String, String) {
        (order_partition(order), format!("{:013}#{id}", now.ms()))
    }

    fn write(&self, after: &Self) -> Result<Write> {
        Write::update(key(&self.shipment_id))
            .set("status", &after.status)?
            .set("vendor_at", &after.vendor_at)?
            .set("scanned_until", &after.scanned_until)?
            .set("carrier", &after.carrier)?
            .set("service", &after.service)?
            .set("tried", &after.tried)?
            .set("vendor_id", &after.vendor_id)?
            .set("parcel_numbers", &after.parcel_numbers)?
            .set("labels", &after.labels)?
            .set("to_void", &after.to_void)?
            .set("quoted", &after.quoted)?
            .set("billed", &after.billed)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when(&condition(Guard::ObjectVersion, "#version = :version"))
            .bind(":version", &self.version)
    }

    /// Whether nothing that a carrier could say would change it any more.
    pub fn is_over(&self) -> bool {
        self.status.is_terminal() || self.status.is_over()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL_AT_S: i64 = 1_700_000_000;

    fn shipment() -> Shipment {
        serde_json::from_value(json!({
            "type": "shipment", "shipment_id": "shp_1", "order_id": "o-1", "parcel_ref": "1", "carrier": "ups",
            "service": "03", "consignment": "{}", "status": "label_created", "version": 3, "intent_id": "int_1",
            "request_key": "k", "request_hash": "h", "vendor_id": "1Z1", "correlation_id": "cor-1",
            "created_at": LABEL_AT_S * 1_000, "updated_at": LABEL_AT_S * 1_000, "order_pk": "ORDER#o-1", "order_sk": "1",
            "expires": LABEL_AT_S + 100,
        }))
        .unwrap()
    }

    fn context() -> Context {
        Context {
            now: Timestamp::from_seconds(LABEL_AT_S + 1_000),
            correlation: serde_json::from_value(json!("cor-1")).unwrap(),
            source: "ups",
            occasion: "evt".to_owned(),
            settles_confirm: false,
            is_cancel: false,
            gives_cancel_up: false,
            asker_hears: false,
        }
    }

    fn in_transit(after_s: i64) -> Scan {
        Scan {
            at: Timestamp::from_seconds(LABEL_AT_S + after_s),
            status: Some(ShipmentStatus::InTransit),
            code: "X".to_owned(),
            description: String::new(),
            place: None,
        }
    }

    #[test]
    fn a_scan_that_is_told_alone_has_its_row_however_late_it_comes_and_a_history_only_its_new_ones() {
        let mut seen = shipment();
        seen.scanned_until = Some(Timestamp::from_seconds(LABEL_AT_S + 500));
        let told = |scans: Vec<Scan>| {
            let (plan, after) = seen.observe(&ShipmentNews::Scanned(scans), &context()).unwrap();
            let rows = plan.writes.iter().filter(|(role, _)| matches!(role, Role::Once)).count();
            (rows, after.scanned_until.map(|until| until.seconds() - LABEL_AT_S))
        };
        let rows_of = |status, scans: Vec<Scan>| told(scans.into_iter().map(|scan| Scan { status, ..scan }).collect());
        assert_eq!(rows_of(None, vec![in_transit(400)]), (1, Some(500)));
        assert_eq!(rows_of(None, vec![in_transit(500)]), (1, Some(500)));
        assert_eq!(rows_of(None, vec![in_transit(400), in_transit(500)]), (0, Some(500)));
        assert_eq!(rows_of(None, vec![in_transit(400), in_transit(600)]), (1, Some(600)));
    }

    #[test]
    fn how_late_we_know_of_a_scan_is_told_when_it_moves_the_status_and_only_then() {
        let news = |scans| ShipmentNews::Scanned(scans);
        let (moved, _) = shipment().observe(&news(vec![in_transit(400), in_transit(700)]), &context()).unwrap();
        assert_eq!(moved.scan_known_after, Some((Carrier::Ups, Duration::from_secs(300))));
        let (nothing_new, _) = shipment().observe(&news(vec![]), &context()).unwrap();
        assert_eq!(nothing_new.scan_known_after, None);
    }
}
