//! The shipment as an item: what is known of it, and how what somebody says changes it.

mod observe;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::aws::{Key, Write};
use crate::domain::shipping::{Carrier, Consignment, ShipmentStatus};
use crate::domain::status::{Said, Status as _};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{ContactId, Correlation, IntentId, Money, OrderId, ShipmentId, Timestamp, id};
use crate::effects::list::intent::{Data, Intent, Kind, order_partition};
use crate::effects::list::observation::{Observation, ObservedShipment, StoredLabel};
use crate::effects::list::opaque::Opaque;
use crate::effects::list::outcome::Verdict;
use crate::effects::list::plan::{Context, Role, timeline_row};
use crate::effects::subject::parcels::ParcelState;
use crate::error::Result;

/// How long a shipment is kept: as long as the addresses of people whom we write to.
const KEPT_AFTER: Duration = Duration::from_secs(400 * 24 * 3_600);
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
    /// Where each of several parcels is; empty where there is one, and in what was stored before they were told apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parcels: Vec<ParcelState>,
    /// Whether the only parcel was sent back: its delivery is then the shipper's.
    #[serde(default)]
    pub sent_back: bool,
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
        let parcels = self.each_parcel();
        if !parcels.is_empty() {
            let parcel = |parcel: &ParcelState| json!({ "tracking_number": parcel.number, "status": parcel.status });
            view["parcels"] = parcels.iter().map(parcel).collect();
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
        Some(Observation::Shipment(ObservedShipment::Status(status)))
    }

    /// "It exists, under this number".
    pub(crate) fn named(number: &str) -> Result<Observation> {
        Ok(Observation::Shipment(ObservedShipment::Bought {
            tracking_number: number.to_owned(),
            parcel_numbers: vec![number.to_owned()],
            labels: Opaque::of(&Vec::new())?,
            billed: None,
        }))
    }

    /// Where each of several parcels is. Of what was stored before they were told apart, each is where the shipment is.
    fn each_parcel(&self) -> Vec<ParcelState> {
        if self.parcel_numbers.len() <= 1 || !self.parcels.is_empty() {
            return self.parcels.clone();
        }
        self.parcel_numbers.iter().map(|number| ParcelState::of(number.clone(), self.said())).collect()
    }

    fn said(&self) -> Said<ShipmentStatus> {
        Said { status: self.status, vendor_at: self.vendor_at }
    }

    fn row(&self, event: &str, detail: Option<String>, context: &Context) -> Result<(Role, Write)> {
        let entry = TimelineEntry {
            at: context.now,
            event: event.to_owned(),
            object: self.shipment_id.to_string(),
            detail,
            source: context.source.to_owned(),
            asked_by: context.asked_by.clone(),
        };
        timeline_row(&self.order_id, &entry, &context.occasion)
    }

    /// The shipment's items in the indexes.
    pub(crate) fn index(order: &OrderId, id: &ShipmentId, now: Timestamp) -> (String, String) {
        (order_partition(order), format!("{:013}#{id}", now.ms()))
    }

    /// Whether nothing that a carrier could say would change it any more.
    pub fn is_over(&self) -> bool {
        self.status.is_terminal() || self.status.is_over()
    }
}
