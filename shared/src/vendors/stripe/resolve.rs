//! Whether a Stripe effect of unknown outcome happened. Within 23 hours the same request under the same idempotency
//! key both asks and heals; a stored 500, a key that Stripe may have forgotten, or a charge that nobody wants any more,
//! needs a look at the objects.

use std::time::Duration;

use super::Stripe;
use super::answer::{called_off, not_canceled, parse};
use super::request::path_segment;
use super::wire::{Customer, Object, Page, PaymentIntent, Refund};
use crate::domain::payment::PaymentStatus;
use crate::domain::{Correlation, Timestamp};
use crate::effects::intent::{Data, Intent, Kind};
use crate::effects::observation::Observation;
use crate::effects::{CALL_TIME_MIN, Outcome, Reason, Subject, Verdict};
use crate::gateway::{Class, Permit, said_at};
use crate::guard::{Guard, holds};

/// Stripe keeps idempotency keys for at least 24 hours; an hour less covers clocks and a slow call.
const KEY_HORIZON: Duration = Duration::from_secs(23 * 3_600);
/// "Did not happen" is concluded at earliest so long after the last call may have been running.
const ABSENT_AFTER: Duration = Duration::from_secs(60);
/// How far before the first call the list is searched: clocks differ.
const LIST_MARGIN: Duration = Duration::from_secs(600);
/// Objects on a page (Stripe's largest).
const PAGE_SIZE: usize = 100;
/// Pages looked through at once: a worker's call has 30 seconds, and a page takes about half of one. More than these 5,000
/// objects in the window: a person has to look.
const PAGES_MAX: usize = 50;
/// When the list or the object could not be read: look again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Stripe {
    /// Whether the key may be forgotten under which an earlier call may have done something: then a repeat would be another
    /// request, and the objects must tell.
    pub(super) fn is_beyond_its_key(&self, intent: &Intent) -> bool {
        let now = self.gateway.world().now();
        intent.in_doubt && intent.first_called_at.is_some_and(|first| now.since(first) >= KEY_HORIZON)
    }

    pub(super) async fn resolved(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let now = self.gateway.world().now();
        let first = intent.first_called_at.unwrap_or(now);
        // A read is simply made again, however long ago the first one was.
        let is_read = intent.kind == Kind::PaymentSettlement;
        let is_off = is_called_off(intent, subject) && charges(intent) && holds(Guard::CancelSeeks);
        if is_read || !is_off && !intent.ask_the_list && now.since(first) < KEY_HORIZON {
            return self.seek_if_refused(self.called(intent, subject, permit).await, intent.kind);
        }
        match intent.kind {
            Kind::PaymentCreate => {
                let of = customer_of(intent).map(|customer| format!("&customer={}", path_segment(&customer)));
                let of = of.unwrap_or_default();
                self.look_for::<PaymentIntent>("payment_intents", &of, intent, first, now, permit).await
            }
            Kind::CustomerCreate => self.look_for::<Customer>("customers", "", intent, first, now, permit).await,
            Kind::RefundCreate => match subject {
                Subject::Refund(refund) => {
                    let payment = refund.payment_vendor_id.as_deref().unwrap_or_default();
                    let of = format!("&payment_intent={}", path_segment(payment));
                    self.look_for::<Refund>("refunds", &of, intent, first, now, permit).await
                }
                _ => Outcome::of(Verdict::GivenUp { reason: Reason::VendorObjectUnknown }),
            },
            _ => self.look_at_object(intent, subject, first, now, permit).await,
        }
    }

    /// A repeat that is refused says nothing of the call before it, which may have made something: while there was a
    /// customer, while the card was good, or so that there is nothing left to refund. Whether it has, the list tells.
    pub(super) fn seek_if_refused(&self, outcome: Outcome, kind: Kind) -> Outcome {
        let is_refused = match outcome.verdict {
            Verdict::NotDone { reason: Reason::CustomerMissing, .. } => true,
            // A confirm or a cancel is of an object that we know, and what became of that the object says. A customer costs
            // nothing, and its event tells of it.
            Verdict::Refused { .. } => {
                let moves_money = matches!(kind, Kind::PaymentCreate | Kind::RefundCreate);
                moves_money && outcome.observed.is_none() && holds(Guard::DoubtIsSought)
            }
            _ => false,
        };
        let look_at = self.gateway.world().now().plus(LOOK_AGAIN);
        if is_refused { Outcome::of(Verdict::Unknown { look_at, ask_the_list: true }) } else { outcome }
    }

    /// Looks through what was created from shortly before the first call until shortly after the last moment at which one may
    /// have been under way (each repeat under the same key is a call too), page by page, for an object with our metadata. `of`
    /// narrows the list.
    async fn look_for<T: Object>(
        &self,
        objects: &str,
        of: &str,
        intent: &Intent,
        first: Timestamp,
        now: Timestamp,
        permit: &Permit,
    ) -> Outcome {
        let again = Outcome::of(Verdict::Unknown { look_at: now.plus(LOOK_AGAIN), ask_the_list: true });
        let may_conclude_at = may_conclude_at(intent, first);
        let (from, to) = (first.minus(LIST_MARGIN).seconds(), may_conclude_at.seconds());
        let mut list = format!("/v1/{objects}?created[gte]={from}&created[lte]={to}{of}&limit={PAGE_SIZE}");
        let mut path = list.clone();
        for _ in 0..PAGES_MAX {
            let mut reply = self.get("list_created", &path, intent.attempt, &intent.correlation_id, permit).await;
            if reply.class == Class::Refused && !of.is_empty() && path == list {
                // Nobody lists what belongs to a customer whom Stripe has deleted: then all is looked through.
                list = format!("/v1/{objects}?created[gte]={from}&created[lte]={to}&limit={PAGE_SIZE}");
                reply = self.get("list_created", &list, intent.attempt, &intent.correlation_id, permit).await;
            }
            let (Class::Done, Some(response)) = (reply.class, &reply.response) else { return again };
            let Some(page) = parse::<Page<T>>(response) else { return again };
            let last = page.data.last().map(|last| path_segment(last.id()));
            let found = page.data.into_iter().find(|found| found.is_of(self.stack.as_str(), &intent.intent_id));
            if let Some(found) = found {
                return Outcome::done(found.observation(said_at(response, now)));
            }
            if !page.has_more || !holds(Guard::EveryPage) {
                if now < may_conclude_at && holds(Guard::UnderWay) {
                    return Outcome::of(Verdict::Unknown { look_at: may_conclude_at, ask_the_list: true });
                }
                return Outcome::of(Verdict::Absent);
            }
            let Some(last) = last else { return again };
            if permit.call_by().since(self.gateway.world().now()) < CALL_TIME_MIN {
                return again;
            }
            path = format!("{list}&starting_after={last}");
        }
        Outcome::of(Verdict::GivenUp { reason: Reason::TooManyToSearch })
    }

    /// A confirm or cancel: the object itself says how it stands.
    async fn look_at_object(
        &self,
        intent: &Intent,
        subject: &Subject,
        first: Timestamp,
        now: Timestamp,
        permit: &Permit,
    ) -> Outcome {
        let again = Outcome::of(Verdict::Unknown { look_at: now.plus(LOOK_AGAIN), ask_the_list: true });
        let Some(vendor_id) = subject.vendor_id() else {
            return Outcome::of(Verdict::GivenUp { reason: Reason::VendorObjectUnknown });
        };
        let path = format!("/v1/payment_intents/{}", path_segment(vendor_id));
        let reply = self.get("retrieve_payment_intent", &path, intent.attempt, &intent.correlation_id, permit).await;
        let (Class::Done, Some(response)) = (reply.class, &reply.response) else { return again };
        let Some(found) = parse::<PaymentIntent>(response) else { return again };
        let status = found.status();
        let verdict = match intent.kind {
            Kind::PaymentCancel if holds(Guard::CancelHappened) => not_canceled(Some(status)),
            Kind::PaymentConfirm if is_called_off(intent, subject) => called_off(status),
            _ => Verdict::Done,
        };
        let may_conclude_at = may_conclude_at(intent, first);
        // While the call may be under way, an open object proves nothing; what is over is over.
        let is_open = !matches!(verdict, Verdict::Done) && status != PaymentStatus::Succeeded;
        if is_open && now < may_conclude_at && holds(Guard::UnderWay) {
            return Outcome::of(Verdict::Unknown { look_at: may_conclude_at, ask_the_list: true });
        }
        let verdict = match (verdict, status) {
            // It waits for the bank, and is asked for again when that may have answered.
            (verdict @ Verdict::NotDone { .. }, PaymentStatus::Processing) => verdict,
            (Verdict::NotDone { .. }, _) => Verdict::Absent,
            (verdict, _) => verdict,
        };
        Outcome { verdict, observed: Some(found.observation(said_at(response, now))) }
    }

    pub(super) async fn fetched(&self, vendor_id: &str, correlation: &Correlation) -> Option<Observation> {
        let now = self.gateway.world().now();
        let path = format!("/v1/payment_intents/{}", path_segment(vendor_id));
        let permit = self.look_permit()?;
        let reply = self.get("retrieve_payment_intent", &path, 0, correlation, &permit).await;
        let response = reply.response.filter(|_| reply.class == Class::Done)?;
        let found = parse::<PaymentIntent>(&response)?;
        Some(found.observation(said_at(&response, now)))
    }
}

/// "Did not happen" is concluded at earliest then.
fn may_conclude_at(intent: &Intent, first: Timestamp) -> Timestamp {
    intent.called_until.unwrap_or(first).plus(ABSENT_AFTER)
}

/// Whether somebody wants what this is about canceled.
fn is_called_off(intent: &Intent, subject: &Subject) -> bool {
    matches!(subject, Subject::Payment(payment) if payment.cancel_requested && intent.kind.is_called_off())
}

/// Whether the request, sent once more, might charge. A create without confirm makes what can be canceled.
fn charges(intent: &Intent) -> bool {
    intent.kind == Kind::PaymentConfirm || field_of(intent, "confirm").as_deref() == Some("true")
}

/// The customer at Stripe that a payment was to be created for: a short list even after hours.
fn customer_of(intent: &Intent) -> Option<String> {
    field_of(intent, "customer")
}

/// A field of the request that creates a payment.
fn field_of(intent: &Intent, wanted: &str) -> Option<String> {
    let Data::Payment { request: Some(request), .. } = &intent.data else { return None };
    let mut fields = form_urlencoded::parse(request.body.expose().as_bytes());
    fields.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}
