//! One mail in SendGrid's words: written here, or by a template that is kept there.

use bytes::Bytes;

use super::wire::{Address, Content, CustomArgs, ListUnsubscribe, Mail, MailSettings, Personalization, Tracking};
use super::{SendGrid, recipient_name};
use crate::domain::message::{Fields, MailText, MessageKind, POSTAL_ADDRESS, Wording, mail_fields};
use crate::domain::{ContactId, OrderId, PrintedName};
use crate::effects::intent::Intent;
use crate::effects::message::Message;
use crate::error::{Error, Result};

impl SendGrid {
    /// The mail of an intent.
    ///
    /// # Errors
    /// When a promotion's link to unsubscribe cannot be made: without it none is sent.
    pub(super) async fn mail(
        &self,
        intent: &Intent,
        message: &Message,
        address: &str,
        name: Option<&PrintedName>,
    ) -> Result<Bytes> {
        let unsubscribe_url =
            if message.kind.is_marketing() { Some(self.unsubscribe_url(&message.contact_id).await?) } else { None };
        let link = unsubscribe_url.as_deref();
        let wording = Wording::of(&message.content).ok_or_else(|| Error::bug("unwritable_mail", "no wording"))?;
        let order = message.order_id.as_ref();
        let fields = mail_fields(&message.content, order, &self.sender.shop, name, link);
        let fields = if message.kind.is_marketing() { self.with_postal_address(fields) } else { fields };
        let template_id = self.sender.templates.id_for(&wording, &fields).await;
        let text = wording.filled(&fields);
        let name = name.map(recipient_name);
        let mail = Mail {
            personalizations: vec![Personalization {
                to: [Address { email: address, name: name.as_deref() }],
                headers: None,
                substitutions: None,
                dynamic_template_data: template_id.is_some().then(|| data(&fields)),
                custom_args: CustomArgs {
                    stack: self.stack.as_str(),
                    order: message.order_id.as_ref().map(OrderId::as_str),
                    campaign: None,
                    intent: intent.intent_id.as_str(),
                },
            }],
            headers: link.map(ListUnsubscribe::at),
            batch_id: None,
            send_at: None,
            ..self.letter(&text, template_id.as_deref(), message.kind)
        };
        written(&mail)
    }

    /// What all mails have: sender, content, category.
    pub(super) fn letter<'a>(
        &'a self,
        text: &'a MailText,
        template_id: Option<&'a str>,
        kind: MessageKind,
    ) -> Mail<'a> {
        let is_written_here = template_id.is_none();
        let content = [("text/plain", &text.plain), ("text/html", &text.html)].into_iter().filter(|_| is_written_here);
        Mail {
            personalizations: Vec::new(),
            from: Address { email: &self.sender.address, name: Some(&self.sender.name) },
            subject: is_written_here.then_some(&text.subject),
            content: content.map(|(mime, value)| Content { mime, value }).collect(),
            template_id,
            categories: [kind.as_str()],
            headers: None,
            batch_id: None,
            send_at: None,
            settings: MailSettings::of(kind, self.sender.sandbox),
            tracking: Tracking::switched(kind.may_be_tracked() && self.sender.tracked.contains(&kind)),
        }
    }

    /// The fields of marketing mail, which says where the shop is.
    pub(super) fn with_postal_address(&self, mut fields: Fields) -> Fields {
        fields.extend(self.sender.postal_address.clone().map(|address| (POSTAL_ADDRESS, address)));
        fields
    }

    /// Where somebody unsubscribes.
    pub(super) async fn unsubscribe_url(&self, contact: &ContactId) -> Result<String> {
        let missing = || Error::misconfigured("configuration", "variable UNSUBSCRIBE_URL is missing");
        self.sender.unsubscribe.as_ref().ok_or_else(missing)?.of(contact).await
    }
}

/// What fills a template.
pub(super) fn data<'a>(fields: &'a [(&'static str, String)]) -> super::wire::Data<'a> {
    fields.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

pub(super) fn written(mail: &Mail<'_>) -> Result<Bytes> {
    serde_json::to_vec(mail).map(Into::into).map_err(|e| Error::bug("unwritable_mail", "it is no JSON").caused_by(e))
}
