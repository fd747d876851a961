//! A campaign's mails in one call: one personalization each, with the recipient's own link to unsubscribe, greeting and
//! custom args. SendGrid holds them for a while under the campaign's batch, so that they can be stopped.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::classify::classify;
use super::mail::{data, written};
use super::wire::{Address, CustomArgs, ListUnsubscribe, Mail, Personalization};
use super::{Keys, MESSAGE_ID, SendGrid, json_request, recipient_name};
use crate::domain::message::{Fields, MessageKind, MessageStatus, Wording, escaped, mail_fields};
use crate::domain::{PrintedName, Timestamp};
use crate::effects::campaign::{Campaign, HELD_FOR};
use crate::effects::contact::Contact;
use crate::effects::intent::Intent;
use crate::effects::observation::{Observation, ObservedMessage};
use crate::effects::{Broadcaster, Claimed, Outcome, Reason, Subject, Verdict};
use crate::error::{Error, Result};
use crate::gateway::{Call, Class, Lane, OperationClass, Permit, Reply, Vendor, said_at};

/// What SendGrid replaces in the shared text by each recipient's own.
const HELLO: &str = "-crossdock_hello-";
const HELLO_HTML: &str = "-crossdock_hello_html-";
const UNSUBSCRIBE: &str = "-crossdock_unsubscribe-";

/// One recipient of the call.
struct Addressee<'a> {
    intent: &'a Intent,
    address: &'a str,
    name: Option<PrintedName>,
    unsubscribe_url: String,
    fields: Fields,
}

impl SendGrid {
    async fn broadcast(&self, campaign: &Campaign, members: &[(Claimed, Subject)], permit: &Permit) -> Vec<Outcome> {
        let mut addressees = Vec::new();
        for (claimed, subject) in members {
            match self.addressee(campaign, &claimed.intent, subject).await {
                Ok(addressee) => addressees.push(addressee),
                Err(error) => {
                    tracing::error!(error = %error.chain(), "a campaign cannot be written");
                    return vec![Outcome::not_done(Reason::VendorCredentials, None, false); members.len()];
                }
            }
        }
        // Whose address was erased, or has expired, cannot be written to.
        let mut outcomes: Vec<Option<Outcome>> = addressees
            .iter()
            .map(|one| one.is_none().then(|| Outcome::of(Verdict::Refused { reason: Reason::NoAddress })))
            .collect();
        let present: Vec<Addressee<'_>> = addressees.into_iter().flatten().collect();
        let mut of_call = self.call_for(campaign, &present, permit).await.into_iter();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_none()) {
            *outcome = of_call.next();
        }
        outcomes.into_iter().flatten().collect()
    }

    async fn addressee<'a>(
        &self,
        campaign: &Campaign,
        intent: &'a Intent,
        subject: &'a Subject,
    ) -> Result<Option<Addressee<'a>>> {
        let Subject::Message { message, contact: Some(contact @ Contact { address: Some(address), .. }) } = subject
        else {
            return Ok(None);
        };
        let unsubscribe_url = self.unsubscribe_url(&message.contact_id).await?;
        let name = contact.printed_name(message.kind);
        let (shop, url) = (&self.sender.shop, Some(unsubscribe_url.as_str()));
        let fields = self.with_postal_address(mail_fields(&campaign.content, None, shop, name.as_ref(), url));
        Ok(Some(Addressee { intent, address: address.expose(), name, unsubscribe_url, fields }))
    }

    async fn call_for(&self, campaign: &Campaign, addressees: &[Addressee<'_>], permit: &Permit) -> Vec<Outcome> {
        let Some(first) = addressees.first() else { return Vec::new() };
        if self.sender.postal_address.is_none() {
            return vec![Outcome::of(Verdict::Refused { reason: Reason::PostalAddressMissing }); addressees.len()];
        }
        let held_until = self.gateway.world().now().plus(HELD_FOR);
        let body = match self.letters(campaign, addressees, &first.fields, held_until).await {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(error = %error.chain(), "a campaign cannot be written");
                return vec![Outcome::of(Verdict::Refused { reason: Reason::UnwritableMail }); addressees.len()];
            }
        };
        let call = Call {
            vendor: Vendor::SendGrid,
            operation: "mail_send",
            class: OperationClass::Effect,
            permit,
            attempt: first.intent.attempt,
            correlation: &campaign.correlation_id,
        };
        let url = format!("{}/v3/mail/send", self.base);
        let build = |keys: &Keys| json_request(&keys.marketing_api_key, &url, body.clone());
        let reply = self.gateway.call(&call, &self.marketing_keys, &build, classify).await;
        self.outcomes(&reply, addressees, held_until)
    }

    async fn letters(
        &self,
        campaign: &Campaign,
        addressees: &[Addressee<'_>],
        fields: &Fields,
        held_until: Timestamp,
    ) -> Result<Bytes> {
        let wording = Wording::of(&campaign.content).ok_or_else(|| Error::bug("unwritable_mail", "no wording"))?;
        let template_id = self.sender.templates.id_for(&wording, fields).await;
        let shared = mail_fields(&campaign.content, None, &self.sender.shop, None, Some(UNSUBSCRIBE));
        let mut shared = self.with_postal_address(shared);
        shared.iter_mut().filter(|(name, _)| *name == "hello").for_each(|(_, hello)| HELLO.clone_into(hello));
        let mut text = wording.filled(&shared);
        text.html = text.html.replace(HELLO, HELLO_HTML);
        let names: Vec<Option<String>> = addressees.iter().map(|one| one.name.as_ref().map(recipient_name)).collect();
        let personalizations = addressees.iter().zip(&names).map(|(one, name)| Personalization {
            to: [Address { email: one.address, name: name.as_deref() }],
            headers: Some(ListUnsubscribe::at(&one.unsubscribe_url)),
            substitutions: template_id.is_none().then(|| one.substitutions()),
            dynamic_template_data: template_id.is_some().then(|| data(&one.fields)),
            custom_args: CustomArgs {
                stack: self.stack.as_str(),
                order: None,
                campaign: Some(campaign.campaign_id.as_str()),
                intent: one.intent.intent_id.as_str(),
            },
        });
        let mail = Mail {
            personalizations: personalizations.collect(),
            batch_id: campaign.batch_id.as_deref(),
            send_at: Some(held_until.seconds()),
            ..self.letter(&text, template_id.as_deref(), MessageKind::Promotion)
        };
        written(&mail)
    }

    /// What the one answer says of each. A refusal that names some of them is theirs alone: the others are sent without.
    fn outcomes(&self, reply: &Reply, addressees: &[Addressee<'_>], held_until: Timestamp) -> Vec<Outcome> {
        let complaints = reply.response.as_ref().filter(|_| reply.class == Class::Refused);
        let named = complaints.map(|response| refused(response.body())).unwrap_or_default();
        if !named.is_empty() {
            let of_each = |n| {
                if named.contains(&n) {
                    return Outcome::of(Verdict::Refused { reason: Reason::VendorRefused });
                }
                Outcome::not_done(Reason::OthersRefused, None, true)
            };
            return (0..addressees.len()).map(of_each).collect();
        }
        addressees.iter().map(|one| self.outcome_of(reply, one.intent, held_until)).collect()
    }

    fn outcome_of(&self, reply: &Reply, intent: &Intent, held_until: Timestamp) -> Outcome {
        match (reply.class, &reply.response) {
            (Class::Done, Some(response)) => {
                let id = response.headers().get(MESSAGE_ID).and_then(|id| id.to_str().ok());
                Outcome::done(Observation::Message(ObservedMessage {
                    vendor_at: Some(said_at(response, self.gateway.world().now())),
                    vendor_id: id.map(|id| part_id(id, intent.intent_id.as_str())),
                    held_until: Some(held_until),
                    ..ObservedMessage::ours(MessageStatus::Sent)
                }))
            }
            _ => match self.outcome(intent.kind, reply) {
                Outcome { verdict: Verdict::Unknown { look_at, ask_the_list }, observed } => {
                    Outcome { verdict: Verdict::Unknown { look_at: look_at.plus(HELD_FOR), ask_the_list }, observed }
                }
                outcome => outcome,
            },
        }
    }
}

impl Addressee<'_> {
    /// What this recipient's mail says instead of the tags.
    fn substitutions(&self) -> super::wire::Substitutions {
        let hello = self.fields.iter().find(|(name, _)| *name == "hello").map(|(_, hello)| hello.clone());
        let hello = hello.unwrap_or_default();
        let html = escaped(&hello);
        [(HELLO, hello), (HELLO_HTML, html), (UNSUBSCRIBE, self.unsubscribe_url.clone())].into()
    }
}

impl Broadcaster for SendGrid {
    fn name_batch<'a>(
        &'a self,
        intent: &'a Intent,
        permit: &'a Permit,
    ) -> BoxFuture<'a, std::result::Result<String, Outcome>> {
        // The quota that was asked counts mails, and this is none.
        let own = Permit::until(permit.call_by(), Lane::Background);
        Box::pin(async move { self.batches.make(&intent.correlation_id, &own).await })
    }

    fn call_for_all<'a>(
        &'a self,
        campaign: &'a Campaign,
        members: &'a [(Claimed, Subject)],
        permit: &'a Permit,
    ) -> BoxFuture<'a, Vec<Outcome>> {
        Box::pin(self.broadcast(campaign, members, permit))
    }
}

/// All mails of a call have one id at SendGrid; ours of one of them.
pub(super) fn part_id(message_id: &str, intent_id: &str) -> String {
    format!("{message_id}/{intent_id}")
}

/// The personalizations that a refusal names: `personalizations.3.to.0.email`.
fn refused(body: &[u8]) -> BTreeSet<usize> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        errors: Vec<Complaint>,
    }
    #[derive(Deserialize)]
    struct Complaint {
        field: Option<String>,
    }
    let errors = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.errors).unwrap_or_default();
    let fields = errors.iter().filter_map(|error| error.field.as_deref()?.strip_prefix("personalizations."));
    fields.filter_map(|place| place.split('.').next()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_personalizations_that_it_is_about() {
        let body =
            br#"{"errors":[{"message":"no","field":"personalizations.3.to.0.email"},{"message":"x","field":null},
            {"message":"no","field":"personalizations.11.to"},{"message":"x","field":"subject"}]}"#;
        assert_eq!(refused(body).into_iter().collect::<Vec<_>>(), [3, 11]);
        assert!(refused(b"{}").is_empty() && refused(b"<html>").is_empty());
    }
}
