//! Two mail providers, one after the other: SendGrid, and Postmark where one is configured and SendGrid certainly did not
//! take the mail. Which of them a try belongs to is part of the intent's generation (even: SendGrid, odd: Postmark), so
//! whoever resolves an unknown outcome asks the one that was called, and a mail that may have been sent never goes to the
//! other.

use futures_util::future::BoxFuture;

use crate::domain::Correlation;
use crate::effects::intent::Intent;
use crate::effects::observation::Observation;
use crate::effects::{Agent, Broadcaster, Outcome, Subject, Verdict};
use crate::gateway::{Gateway, OperationClass, Permit, Vendor};
use crate::vendors::postmark::Postmark;
use crate::vendors::sendgrid::SendGrid;

/// The mail providers of this stack.
pub struct Mailer {
    sendgrid: SendGrid,
    postmark: Option<Postmark>,
}

impl Mailer {
    /// SendGrid, and Postmark where it stands in.
    pub const fn new(sendgrid: SendGrid, postmark: Option<Postmark>) -> Self {
        Self { sendgrid, postmark }
    }

    /// Who sends marketing mails: many with one call, and never through the other provider.
    pub fn broadcaster(&self) -> &dyn Broadcaster {
        &self.sendgrid
    }

    /// Who makes this try.
    fn provider(&self, intent: &Intent) -> &dyn Agent {
        match &self.postmark {
            Some(postmark) if intent.generation % 2 == 1 => postmark,
            _ => &self.sendgrid,
        }
    }

    /// Who could make the next try instead; none for marketing, which Postmark does not take.
    fn other(&self, intent: &Intent, subject: &Subject) -> Option<&dyn Agent> {
        let postmark = self.postmark.as_ref()?;
        let Subject::Message { message, .. } = subject else { return None };
        let other: &dyn Agent = if intent.generation % 2 == 1 { &self.sendgrid } else { postmark };
        let is_shut = self.gateway().looks_shut(other.vendor(), &[OperationClass::Effect]);
        (!message.kind.is_marketing() && !is_shut).then_some(other)
    }

    /// What was certainly not done is to be done by the other provider: another request, so another generation.
    async fn send(&self, intent: &Intent, subject: &Subject, permit: &Permit) -> Outcome {
        let provider = self.provider(intent);
        // The quota that was asked beside the claim is SendGrid's.
        let own = Permit::until(permit.call_by(), permit.lane());
        let permit = if provider.vendor() == self.vendor() { permit } else { &own };
        let outcome = provider.call(intent, subject, permit).await;
        if outcome.is_not_done() && self.other(intent, subject).is_some() {
            return Outcome::of(Verdict::Absent);
        }
        outcome
    }
}

impl Agent for Mailer {
    fn vendor(&self) -> Vendor {
        self.sendgrid.vendor()
    }

    fn vendor_of(&self, intent: &Intent, _subject: &Subject) -> Vendor {
        self.provider(intent).vendor()
    }

    fn gateway(&self) -> &Gateway {
        self.sendgrid.gateway()
    }

    fn is_shut(&self, class: OperationClass) -> bool {
        self.sendgrid.is_shut(class) && self.postmark.as_ref().is_none_or(|postmark| postmark.is_shut(class))
    }

    fn is_repeatable(&self, _intent: &Intent) -> bool {
        false
    }

    fn call<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        Box::pin(self.send(intent, subject, permit))
    }

    fn resolve<'a>(&'a self, intent: &'a Intent, subject: &'a Subject, permit: &'a Permit) -> BoxFuture<'a, Outcome> {
        self.provider(intent).resolve(intent, subject, permit)
    }

    fn fetch<'a>(
        &'a self,
        _vendor: Vendor,
        _vendor_id: &'a str,
        _correlation: &'a Correlation,
    ) -> BoxFuture<'a, Option<Observation>> {
        Box::pin(std::future::ready(None))
    }
}
