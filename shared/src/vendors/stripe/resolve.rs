//! Whether a Stripe effect of unknown outcome happened. Within 23 hours the same request under the same idempotency
//! key both asks and heals; a stored 500, or a key that Stripe may have forgotten, needs a look at the objects.

use std::time::Duration;

use super::Stripe;
use super::answer::parse;
use super::request::path_segment;
use super::wire::{Customer, Object, Page, PaymentIntent, Refund};
use crate::domain::{Correlation, Timestamp};
use crate::effects::intent::{Data, Intent, Kind};
use crate::effects::observation::Observation;
use crate::effects::{Outcome, Subject, Verdict};
use crate::gateway::{Class, Lane, Permit, said_at};

/// Stripe keeps idempotency keys for at least 24 hours; an hour less covers clocks and a slow call.
const KEY_HORIZON: Duration = Duration::from_secs(23 * 3_600);
/// "Did not happen" is concluded at earliest so long after the last call may have been running.
const ABSENT_AFTER: Duration = Duration::from_secs(60);
/// How far before the first call the list is searched: clocks differ.
const LIST_MARGIN: Duration = Duration::from_secs(600);
/// Objects looked at (Stripe's largest page). More than 100 in the window: a person has to look.
const LIST_MAX: usize = 100;
/// When the list or the object could not be read: look again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Stripe {
    pub(super) async fn resolved(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let now = self.gateway.world().now();
        let first = intent.first_called_at.unwrap_or(now);
        // A read is simply made again, however long ago the first one was.
        let is_read = intent.kind == Kind::PaymentSettlement;
        if is_read || !intent.ask_the_list && now.since(first) < KEY_HORIZON {
            return self.called(intent, subject, permit).await;
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
                _ => Outcome::of(Verdict::GivenUp { code: "vendor_object_unknown" }),
            },
            _ => self.look_at_object(intent, subject, now, permit).await,
        }
    }

    /// Looks through what was created since the first call for an object with our metadata: until now, because each
    /// repeat under the same key was a call too, and any of them may have made it. `of` narrows the list.
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
        let may_conclude_at = intent.called_until.unwrap_or(first).plus(ABSENT_AFTER);
        let from = first.minus(LIST_MARGIN).seconds();
        let path = format!("/v1/{objects}?created[gte]={from}{of}&limit={LIST_MAX}");
        let reply = self.get("list_created", &path, intent.attempt, &intent.correlation_id, permit).await;
        let (Class::Done, Some(response)) = (reply.class, &reply.response) else { return again };
        let Some(page) = parse::<Page<T>>(response) else { return again };
        let found = page.data.into_iter().find(|found| found.is_of(self.stack.as_str(), &intent.intent_id));
        match found {
            Some(found) => Outcome::done(found.observation(said_at(response, now))),
            None if page.has_more => Outcome::of(Verdict::GivenUp { code: "too_many_objects_to_search" }),
            None if now < may_conclude_at => {
                Outcome::of(Verdict::Unknown { look_at: may_conclude_at, ask_the_list: true })
            }
            None => Outcome::of(Verdict::Absent),
        }
    }

    /// A confirm or cancel: the object itself says how it stands.
    async fn look_at_object(&self, intent: &Intent, subject: &Subject, now: Timestamp, permit: &Permit) -> Outcome {
        let again = Outcome::of(Verdict::Unknown { look_at: now.plus(LOOK_AGAIN), ask_the_list: true });
        let Some(vendor_id) = subject.vendor_id() else {
            return Outcome::of(Verdict::GivenUp { code: "vendor_object_unknown" });
        };
        let path = format!("/v1/payment_intents/{}", path_segment(vendor_id));
        let reply = self.get("retrieve_payment_intent", &path, intent.attempt, &intent.correlation_id, permit).await;
        let (Class::Done, Some(response)) = (reply.class, &reply.response) else { return again };
        let Some(found) = parse::<PaymentIntent>(response) else { return again };
        Outcome::done(found.observation(said_at(response, now)))
    }

    pub(super) async fn fetched(&self, vendor_id: &str, correlation: &Correlation) -> Option<Observation> {
        let now = self.gateway.world().now();
        let path = format!("/v1/payment_intents/{}", path_segment(vendor_id));
        let permit = Permit::until(now.plus(super::FETCH_TIME), Lane::Background);
        let reply = self.get("retrieve_payment_intent", &path, 0, correlation, &permit).await;
        let response = reply.response.filter(|_| reply.class == Class::Done)?;
        let found = parse::<PaymentIntent>(&response)?;
        Some(found.observation(said_at(&response, now)))
    }
}

/// The customer at Stripe that a payment was to be created for: a short list even after hours.
fn customer_of(intent: &Intent) -> Option<String> {
    let Data::Payment { request: Some(request), .. } = &intent.data else { return None };
    let mut fields = form_urlencoded::parse(request.body.expose().as_bytes());
    fields.find(|(name, _)| name == "customer").map(|(_, value)| value.into_owned())
}
