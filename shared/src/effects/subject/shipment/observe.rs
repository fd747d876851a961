//! How what somebody says of a shipment changes it, and what follows.

use std::time::Duration;

use super::{Shipment, key};
use crate::aws::Write;
use crate::domain::shipping::{Scan, ShipmentStatus};
use crate::domain::status::{Move, Said, decide};
use crate::domain::timeline::TimelineEntry;
use crate::domain::{IntentId, follow_up};
use crate::effects::list::intent::Kind;
use crate::effects::list::nudge::Nudge;
use crate::effects::list::observation::ObservedShipment;
use crate::effects::list::plan::{Context, Plan, Role, timeline_row};
use crate::effects::list::reference::VendorRef;
use crate::effects::subject::message::{Cause, Message};
use crate::effects::subject::parcels::{ParcelState, status_of};
use crate::error::Result;
use crate::guard::{Guard, condition};

/// After a label was bought: the first look where the parcel is. Before that it mostly stands in the shop.
const FIRST_LOOK_AFTER: Duration = Duration::from_secs(6 * 3_600);
/// Scans of one look that become rows of the timeline, the newest: a transaction has room for twelve writes.
const SCAN_ROWS_MAX: usize = 4;

/// Whether a scan is of this parcel: by its number, or because it is told of all of them.
fn is_of(scan: &Scan, parcel: &ParcelState) -> bool {
    scan.parcel.as_ref().is_none_or(|number| *number == parcel.number)
}

impl Shipment {
    /// What follows when somebody says this of the shipment.
    pub(crate) fn observe(&self, observed: &ObservedShipment, context: &Context) -> Result<(Plan, Self)> {
        let mut plan = Plan::default();
        let mut after = self.clone();
        after.updated_at = context.now;
        match observed {
            ObservedShipment::Status(status) => self.say(&mut after, *status, &mut plan, context)?,
            ObservedShipment::Bought { tracking_number, parcel_numbers, labels, billed }
                if self.vendor_id.is_none() =>
            {
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
            ObservedShipment::Bought { .. } => {}
            ObservedShipment::Switched { carrier, service, quoted } => {
                after.tried = format!("{}{} ", self.tried, self.carrier.as_str());
                (after.carrier, after.quoted) = (*carrier, *quoted);
                after.service.clone_from(service);
                let detail = format!("{} {}", carrier.as_str(), service);
                plan.writes.push(after.row("shipment.switched", Some(detail), context)?);
            }
            ObservedShipment::ToVoid { tracking_number } => {
                after.to_void = Some(tracking_number.clone());
                plan.writes.push(self.row("shipment.label_lost", Some(tracking_number.clone()), context)?);
            }
            ObservedShipment::GivenBack => {
                plan.writes.push(self.row("shipment.label_voided", after.to_void.take(), context)?);
            }
            ObservedShipment::Scanned(scans) => self.scanned(&mut after, scans, &mut plan, context)?,
        }
        plan.writes.push((Role::Object, self.write(&after)?));
        after.version += 1;
        Ok((plan, after))
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

    /// What follows from the label: the carrier's numbers are ours, the customer hears of it, and somebody looks where the
    /// parcel is.
    fn bought(&self, plan: &mut Plan, context: &Context) -> Result<()> {
        let Some(number) = &self.vendor_id else { return Ok(()) };
        // Whatever is told under the number of one of its parcels is the shipment's.
        let mut numbers = vec![number];
        for parcel in self.parcel_numbers.iter().filter(|parcel| !parcel.is_empty()) {
            if !numbers.contains(&parcel) {
                numbers.push(parcel);
            }
        }
        for number in numbers {
            plan.learned.push((context.source, number.clone()));
            let at = key(&self.shipment_id);
            plan.writes.push(VendorRef::naming(self.carrier.as_str(), number, self.shipment_id.as_str(), at)?);
        }
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
        after.parcels = self.each_parcel();
        let has_several = !after.parcels.is_empty();
        let scans = &after.meant(scans)[..];
        for scan in scans {
            if has_several {
                after.parcels.iter_mut().filter(|parcel| is_of(scan, parcel)).for_each(|parcel| parcel.take(scan));
                continue;
            }
            let Some(status) = scan.status else { continue };
            let incoming = Said { status, vendor_at: Some(scan.at) };
            if decide(after.said(), incoming) == Move::Advance {
                (after.status, after.vendor_at) = (status, Some(scan.at));
            }
        }
        if let Some(said) =
            status_of(&after.parcels).filter(|said| !self.is_over() || said.status == ShipmentStatus::Returned)
        {
            (after.status, after.vendor_at) = (said.status, said.vendor_at);
        }
        // A look brings the whole history, of which the most is in the timeline. What is told alone may come late, or be of
        // the same second as another; its row's name tells whether it is there.
        let parcels = after.parcels.clone();
        let until = |scan: &Scan| {
            let own = parcels.iter().find(|parcel| is_of(scan, parcel));
            own.map_or(self.scanned_until, |parcel| parcel.scanned_until)
        };
        let is_new = |scan: &&Scan| scans.len() == 1 || until(scan).is_none_or(|until| scan.at > until);
        let mut new: Vec<&Scan> = scans.iter().filter(is_new).collect();
        new.sort_by_key(|scan| scan.at);
        for scan in &new[new.len().saturating_sub(SCAN_ROWS_MAX)..] {
            plan.writes.push(self.scan_row(scan, has_several, context)?);
        }
        after.scanned_until = new.iter().map(|scan| scan.at).max().max(self.scanned_until);
        for parcel in &mut after.parcels {
            let newest = new.iter().filter(|scan| is_of(scan, parcel)).map(|scan| scan.at).max();
            parcel.scanned_until = newest.max(parcel.scanned_until);
        }
        if after.status != self.status {
            plan.scan_known_after = after.vendor_at.map(|at| (self.carrier, context.now.since(at)));
            after.tell(plan, context)?;
        }
        Ok(())
    }

    /// The scans as they are meant: what was sent back is delivered to its shipper, in whatever order both are heard of.
    fn meant(&mut self, scans: &[Scan]) -> Vec<Scan> {
        for scan in scans.iter().filter(|scan| scan.sends_back) {
            self.sent_back |= self.parcels.is_empty();
            self.parcels.iter_mut().filter(|parcel| is_of(scan, parcel)).for_each(|parcel| parcel.sent_back = true);
        }
        let came_back = |status: &mut ShipmentStatus, is_back: bool| {
            if is_back && *status == ShipmentStatus::Delivered {
                *status = ShipmentStatus::Returned;
            }
        };
        came_back(&mut self.status, self.sent_back);
        self.parcels.iter_mut().for_each(|parcel| came_back(&mut parcel.status, parcel.sent_back));
        let mut scans = scans.to_vec();
        for scan in &mut scans {
            let is_back = self.sent_back || self.parcels.iter().any(|parcel| is_of(scan, parcel) && parcel.sent_back);
            if let Some(status) = &mut scan.status {
                came_back(status, is_back);
            }
        }
        scans
    }

    /// A row at the scan's own time, named by the scan: a push and a look tell of it once.
    fn scan_row(&self, scan: &Scan, has_several: bool, context: &Context) -> Result<(Role, Write)> {
        let which = scan.parcel.as_deref().filter(|_| has_several);
        let parcel = which.map(|number| format!(" [{number}]")).unwrap_or_default();
        let event = scan.status.map_or("shipment.scanned".to_owned(), |status| format!("shipment.{}", status.as_str()));
        let place = scan.place.as_deref().map(|place| format!(" ({place})")).unwrap_or_default();
        let entry = TimelineEntry {
            at: scan.at,
            event,
            object: self.shipment_id.to_string(),
            detail: Some(format!("{} {}{place}{parcel}", scan.code, scan.description)),
            source: context.source.to_owned(),
            asked_by: context.asked_by.clone(),
        };
        let which = which.map(|number| format!("/{number}")).unwrap_or_default();
        timeline_row(&self.order_id, &entry, &format!("scan/{}/{}{which}", scan.code, scan.at.ms()))
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
            .set("parcels", &after.parcels)?
            .set("sent_back", &after.sent_back)?
            .set("labels", &after.labels)?
            .set("to_void", &after.to_void)?
            .set("quoted", &after.quoted)?
            .set("billed", &after.billed)?
            .set("updated_at", &after.updated_at)?
            .add("version", 1)
            .when(&condition(Guard::ObjectVersion, "#version = :version"))
            .bind(":version", &self.version)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Timestamp;
    use crate::domain::shipping::Carrier;
    use crate::effects::list::opaque::Opaque;

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
            other_mailer: false,
            asked_by: None,
        }
    }

    fn in_transit(after_s: i64) -> Scan {
        Scan {
            at: Timestamp::from_seconds(LABEL_AT_S + after_s),
            status: Some(ShipmentStatus::InTransit),
            code: "X".to_owned(),
            description: String::new(),
            place: None,
            parcel: None,
            sends_back: false,
        }
    }

    fn of_two() -> Shipment {
        Shipment { parcel_numbers: vec!["1Z1".to_owned(), "1Z2".to_owned()], ..shipment() }
    }

    fn scan_of(parcel: Option<&str>, status: ShipmentStatus, after_s: i64) -> Scan {
        Scan { status: Some(status), parcel: parcel.map(str::to_owned), ..in_transit(after_s) }
    }

    fn told(before: &Shipment, scans: Vec<Scan>) -> (Shipment, usize) {
        let (plan, after) = before.observe(&ObservedShipment::Scanned(scans), &context()).unwrap();
        (after, plan.writes.iter().filter(|(role, _)| matches!(role, Role::Once)).count())
    }

    #[test]
    fn each_parcel_has_its_scans_and_the_shipment_has_arrived_when_all_have() {
        use ShipmentStatus::{Delivered, InTransit, LabelCreated};
        let (first, rows) = told(&of_two(), vec![scan_of(Some("1Z1"), Delivered, 900)]);
        assert_eq!((first.status, rows), (LabelCreated, 1), "of two parcels one has arrived");
        assert_eq!(
            first.view()["parcels"],
            json!([
                { "tracking_number": "1Z1", "status": "delivered" },
                { "tracking_number": "1Z2", "status": "label_created" },
            ])
        );
        let (second, _) = told(&first, vec![scan_of(Some("1Z2"), InTransit, 900)]);
        assert_eq!(second.status, InTransit);
        let both = vec![scan_of(Some("1Z1"), Delivered, 900), scan_of(Some("1Z2"), Delivered, 950)];
        let (third, rows) = told(&second, both);
        assert_eq!((third.status, rows), (Delivered, 1), "the second one's delivery is new");
        let (all, _) = told(&of_two(), vec![scan_of(None, Delivered, 900)]);
        assert_eq!(all.status, Delivered, "what is told of the whole shipment is of each");
        assert_eq!(shipment().view().get("parcels"), None);
    }

    #[test]
    fn what_was_stored_before_parcels_were_told_apart_does_not_go_back() {
        let mut before = of_two();
        before.status = ShipmentStatus::InTransit;
        before.vendor_at = Some(Timestamp::from_seconds(LABEL_AT_S + 100));
        let (after, _) = told(&before, vec![scan_of(Some("1Z2"), ShipmentStatus::InTransit, 500)]);
        assert_eq!((after.status, after.parcels.len()), (ShipmentStatus::InTransit, 2));
    }

    #[test]
    fn what_was_sent_back_is_delivered_to_the_shipper_in_whatever_order_it_is_told() {
        use ShipmentStatus::{Delivered, Exception, InTransit, Returned};
        let sent_back = |parcel| Scan { sends_back: true, ..scan_of(parcel, Exception, 500) };
        let delivered = |parcel| scan_of(parcel, Delivered, 900);
        for (first, second) in [(sent_back(None), delivered(None)), (delivered(None), sent_back(None))] {
            let (after, _) = told(&shipment(), vec![first.clone()]);
            let expected = first.status.unwrap();
            assert_eq!((after.status, told(&after, vec![second]).0.status), (expected, Returned));
        }
        let (one, _) = told(&of_two(), vec![sent_back(Some("1Z1"))]);
        let (both, _) = told(&one, vec![delivered(Some("1Z1")), scan_of(Some("1Z2"), InTransit, 900)]);
        assert_eq!((both.status, both.parcels[0].status), (InTransit, Returned));
        let (one, _) = told(&of_two(), vec![delivered(Some("1Z1")), delivered(Some("1Z2"))]);
        let (late, _) = told(&one, vec![sent_back(Some("1Z2"))]);
        assert_eq!((one.status, late.status, late.parcels[0].status), (Delivered, Returned, Delivered));
    }

    #[test]
    fn what_is_told_under_the_number_of_any_parcel_is_the_shipment_s() {
        let mut unbought = of_two();
        (unbought.vendor_id, unbought.parcel_numbers) = (None, Vec::new());
        let bought = ObservedShipment::Bought {
            tracking_number: "1Z1".to_owned(),
            parcel_numbers: vec!["1Z1".to_owned(), "1Z2".to_owned()],
            labels: Opaque::of(&Vec::new()).unwrap(),
            billed: None,
        };
        let (plan, _) = unbought.observe(&bought, &context()).unwrap();
        let named = plan.writes.iter().filter(|(role, _)| matches!(role, Role::Ref)).count();
        assert_eq!((named, plan.learned.len()), (2, 2));
    }

    #[test]
    fn a_scan_that_is_told_alone_has_its_row_however_late_it_comes_and_a_history_only_its_new_ones() {
        let mut observed = shipment();
        observed.scanned_until = Some(Timestamp::from_seconds(LABEL_AT_S + 500));
        let told = |scans: Vec<Scan>| {
            let (plan, after) = observed.observe(&ObservedShipment::Scanned(scans), &context()).unwrap();
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
        let observed = |scans| ObservedShipment::Scanned(scans);
        let (moved, _) = shipment().observe(&observed(vec![in_transit(400), in_transit(700)]), &context()).unwrap();
        assert_eq!(moved.scan_known_after, Some((Carrier::Ups, Duration::from_secs(300))));
        let (nothing_new, _) = shipment().observe(&observed(vec![]), &context()).unwrap();
        assert_eq!(nothing_new.scan_known_after, None);
    }
}
