//! Buying a label, once. No carrier knows idempotency keys: each purchase bears a reference of ours, and after an unknown
//! outcome the carrier is asked for it. What is found with its label is the purchase's answer; what is found without is
//! given back, and bought anew under another reference.

use std::time::Duration;

use super::carriers::Carriers;
use crate::domain::shipping::{Carrier, Consignment, Rate};
use crate::effects::intent::Intent;
use crate::effects::observation::{Observation, ObservedShipment};
use crate::effects::shipment::Shipment;
use crate::effects::{Opaque, Outcome, Reason, Verdict};
use crate::gateway::{Permit, Vendor};
use crate::guard::{Guard, holds};
use crate::telemetry::fields;
use crate::telemetry::metrics::Metric;
use crate::vendors::carrier::{CallContext, CarrierAnswer, Found, Label, LabelOrder, Refusal};

/// After an unknown outcome: the first question. Carriers show a shipment some seconds after they made it.
const ASK_AFTER: Duration = Duration::from_secs(10);
/// Questions that brought nothing are asked ever more rarely, each after as much time again as has passed since the call, but
/// at least this often: a carrier that cannot answer must not use up the hour's quota with one purchase.
const ASK_AT_LEAST_EVERY: Duration = Duration::from_secs(3_600);
/// After the last moment at which a call may have been running: until when a purchase that is not found may still appear.
/// Lookups by reference read another database than the one that labels are written to; no carrier says how late it is.
const APPEARS_WITHIN: Duration = Duration::from_secs(600);
/// Time for the other carriers' prices, when one does not do it.
const OTHER_PRICES: Duration = Duration::from_millis(2_500);

impl Carriers {
    /// The purchase's one call.
    pub(super) async fn buy(&self, intent: &Intent, shipment: &Shipment, context: CallContext<'_>) -> Outcome {
        let Ok(consignment) = shipment.consignment.read() else { return unreadable() };
        let reference = shipment.reference(intent, &self.stack);
        match self.get(shipment.carrier).buy(order(shipment, &consignment, &reference), context).await {
            CarrierAnswer::Done(label) => self.bought(shipment, &reference, label).await,
            CarrierAnswer::Refused(refusal) => {
                // What is wrong with the addresses or the declaration is wrong with every carrier.
                let hopeless = matches!(refusal, Refusal::Address | Refusal::Customs | Refusal::Time);
                let elsewhere = if hopeless { None } else { self.elsewhere(shipment, &consignment, context).await };
                elsewhere.unwrap_or_else(|| Outcome::of(Verdict::Refused { reason: refusal.reason() }))
            }
            CarrierAnswer::NotDone { reason, after, answered } => {
                let elsewhere = self.elsewhere(shipment, &consignment, context).await;
                elsewhere.unwrap_or_else(|| Outcome::not_done(reason, after, answered))
            }
            CarrierAnswer::Unknown if holds(Guard::FallbackCertain) => self.ask_soon(),
            CarrierAnswer::Unknown => {
                self.elsewhere(shipment, &consignment, context).await.unwrap_or_else(|| self.ask_soon())
            }
        }
    }

    /// The resolver: one call.
    pub(super) async fn find_out(&self, intent: &Intent, shipment: &Shipment, context: CallContext<'_>) -> Outcome {
        let api = self.get(shipment.carrier);
        if let Some(number) = &shipment.to_void {
            return match api.void(number, context).await {
                CarrierAnswer::Done(()) | CarrierAnswer::Refused(Refusal::NotFound) => Outcome {
                    verdict: Verdict::Absent,
                    observed: Some(Observation::Shipment(ObservedShipment::GivenBack)),
                },
                CarrierAnswer::Refused(_) => Outcome::of(Verdict::GivenUp { reason: Reason::LabelLost }),
                CarrierAnswer::NotDone { reason, after, answered } => Outcome::not_done(reason, after, answered),
                CarrierAnswer::Unknown => self.ask_later(intent),
            };
        }
        let Ok(consignment) = shipment.consignment.read() else { return unreadable() };
        let reference = shipment.reference(intent, &self.stack);
        if !holds(Guard::LabelSought) {
            return Outcome::of(Verdict::Absent);
        }
        match api.find(order(shipment, &consignment, &reference), context).await {
            CarrierAnswer::Done(Found::Whole(label)) => self.bought(shipment, &reference, label).await,
            CarrierAnswer::Done(Found::WithoutLabel { .. }) if !holds(Guard::LabelVoided) => {
                Outcome::of(Verdict::Absent)
            }
            CarrierAnswer::Done(Found::WithoutLabel { tracking_number }) => {
                let look_at = self.gateway.world().now();
                let observed = Observation::Shipment(ObservedShipment::ToVoid { tracking_number });
                Outcome { verdict: Verdict::Unknown { look_at, ask_the_list: false }, observed: Some(observed) }
            }
            CarrierAnswer::Done(Found::Nothing) => {
                let appears_until = intent.called_until.unwrap_or(intent.created_at).plus(APPEARS_WITHIN);
                if self.gateway.world().now() >= appears_until || !holds(Guard::LabelAppears) {
                    Outcome::of(Verdict::Absent)
                } else {
                    Outcome::of(Verdict::Unknown { look_at: appears_until, ask_the_list: false })
                }
            }
            CarrierAnswer::NotDone { reason, after, answered } => Outcome::not_done(reason, after, answered),
            // A look that was refused found nothing out.
            CarrierAnswer::Refused(_) | CarrierAnswer::Unknown => self.ask_later(intent),
        }
    }

    /// The label is kept before anybody hears of it: one that cannot be printed is none.
    async fn bought(&self, shipment: &Shipment, reference: &str, label: Label) -> Outcome {
        let kept = self.labels.keep(&shipment.shipment_id, reference, &label.documents).await;
        let kept = kept.or_else(|error| if holds(Guard::LabelKept) { Err(error) } else { Ok(Vec::new()) });
        let labels = match kept.and_then(|labels| Opaque::of(&labels)) {
            Ok(labels) => labels,
            Err(error) => {
                tracing::error!(error = %error.chain(), "a label was bought and could not be kept; the carrier is asked for it again");
                return self.ask_soon();
            }
        };
        self.count_accuracy(shipment, &label);
        Outcome::done(Observation::Shipment(ObservedShipment::Bought {
            tracking_number: label.tracking_number,
            parcel_numbers: label.parcel_numbers,
            labels,
            billed: label.price,
        }))
    }

    /// Billed as a part of quoted: what a shop wants to be near 100.
    fn count_accuracy(&self, shipment: &Shipment, label: &Label) {
        let (Some(quoted), Some(billed)) = (shipment.quoted, label.price) else { return };
        if quoted.currency != billed.currency || quoted.value <= 0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "prices of labels are far below 2^52 cents")]
        let percent = billed.value as f64 / quoted.value as f64 * 100.0;
        Metric::LabelPriceOfQuotePercent.record(self.gateway.world().now(), percent, &[shipment.carrier.as_str()]);
    }

    /// Another carrier, where the shop allows one and this one certainly did nothing: the cheapest of those that were not
    /// tried. `None` when none answers: then this one is tried again.
    async fn elsewhere(
        &self,
        shipment: &Shipment,
        consignment: &Consignment,
        context: CallContext<'_>,
    ) -> Option<Outcome> {
        if !shipment.allow_fallback && holds(Guard::FallbackAllowed) {
            return None;
        }
        let untried = |carrier: &Carrier| {
            *carrier != shipment.carrier && !shipment.tried.split(' ').any(|name| name == carrier.as_str())
        };
        let (now, permit) = (self.gateway.world().now(), context.permit);
        let call_by = permit.call_by().min(now.plus(OTHER_PRICES));
        let prices = Carrier::ALL.into_iter().filter(untried).map(|carrier| async move {
            // Each has a quota of its own.
            let permit = Permit::until(call_by, permit.lane());
            let context = CallContext { permit: &permit, ..context };
            match self.get(carrier).rates(consignment, None, context).await {
                CarrierAnswer::Done(rates) => rates,
                CarrierAnswer::Refused(_) | CarrierAnswer::NotDone { .. } | CarrierAnswer::Unknown => Vec::new(),
            }
        });
        let rates: Vec<Rate> = futures_util::future::join_all(prices).await.into_iter().flatten().collect();
        // Prices of two currencies cannot be compared: those in the quote's count, or in the first one's.
        let currency = shipment.quoted.or(rates.first().map(|rate| rate.price)).map(|price| price.currency);
        let comparable = rates.into_iter().filter(|rate| Some(rate.price.currency) == currency);
        let cheapest = comparable.min_by_key(|rate| rate.price.value)?;
        tracing::warn!(
            { fields::VENDOR } = Vendor::from(shipment.carrier).as_str(),
            to = cheapest.carrier.as_str(),
            "a carrier did not make a label; another one is asked"
        );
        let observed = ObservedShipment::Switched {
            carrier: cheapest.carrier,
            service: cheapest.service,
            quoted: Some(cheapest.price),
        };
        Some(Outcome { verdict: Verdict::Absent, observed: Some(Observation::Shipment(observed)) })
    }

    fn ask_soon(&self) -> Outcome {
        let look_at = self.gateway.world().now().plus(ASK_AFTER);
        Outcome::of(Verdict::Unknown { look_at, ask_the_list: false })
    }

    /// After a question that brought nothing.
    fn ask_later(&self, intent: &Intent) -> Outcome {
        let now = self.gateway.world().now();
        let since = now.since(intent.called_until.unwrap_or(intent.created_at));
        let look_at = now.plus(since.clamp(ASK_AFTER, ASK_AT_LEAST_EVERY));
        Outcome::of(Verdict::Unknown { look_at, ask_the_list: false })
    }
}

fn order<'a>(shipment: &'a Shipment, consignment: &'a Consignment, reference: &'a str) -> LabelOrder<'a> {
    LabelOrder { consignment, service: &shipment.service, reference }
}

/// Another version wrote what this one cannot read: a person has to look.
fn unreadable() -> Outcome {
    Outcome::of(Verdict::GivenUp { reason: Reason::ConsignmentUnreadable })
}
