//! `POST /campaigns`: one promotion by mail to many, each recipient checked before anything is queued.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::message::{Fields, send_at};
use super::{Findings, TEXT_MAX_CHARS, json};
use crate::domain::mail_address::compared;
use crate::domain::message::{Channel, Content, MessageKind};
use crate::domain::{PrintedName, Private, Timestamp};
use crate::error::Result;

/// Recipients of one campaign: what SendGrid takes in one call.
pub const RECIPIENTS_MAX: usize = 1_000;
/// Longest name of a campaign, in characters.
const NAME_MAX_CHARS: usize = 100;

/// `POST /campaigns`, checked.
#[derive(Clone, Debug)]
pub struct CreateCampaign {
    /// What the shop calls it.
    pub name: String,
    /// What its mails say.
    pub content: Content,
    /// Who gets one. Whoever is named twice gets one.
    pub recipients: Vec<Recipient>,
    /// When, if not at once.
    pub send_at: Option<Timestamp>,
}

/// Somebody who is to get a campaign's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address, as it is stored.
    pub email: Private<String>,
    /// How to address them.
    pub name: Option<Private<String>>,
}

#[derive(serde::Deserialize)]
struct RawCampaign {
    name: String,
    recipients: Vec<RawRecipient>,
    #[serde(default)]
    data: Map<String, Value>,
    send_at: Option<String>,
}

#[derive(serde::Deserialize)]
struct RawRecipient {
    email: String,
    name: Option<String>,
}

impl CreateCampaign {
    /// Reads and checks a request body at this time.
    ///
    /// # Errors
    /// `invalid_input` (400) naming every bad field: `recipients.<n>.email`, `data.<field>`.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self> {
        let raw: RawCampaign = json(body)?;
        let mut bad = Findings::default();
        let name = raw.name.trim();
        let fits = !name.is_empty() && name.chars().count() <= NAME_MAX_CHARS && !name.chars().any(char::is_control);
        bad.unless(fits, "name", "must be 1 to 100 characters on one line");
        let count = raw.recipients.len();
        bad.unless((1..=RECIPIENTS_MAX).contains(&count), "recipients", "must be 1 to 1000 recipients");
        let send_at = send_at(raw.send_at.as_deref(), Some(MessageKind::Promotion), now, &mut bad);
        let mut data = Fields { data: &raw.data, bad: &mut bad };
        let content = super::message::content(Channel::Email, MessageKind::Promotion, &mut data);
        let mut recipients = BTreeMap::new();
        for (n, recipient) in raw.recipients.iter().take(RECIPIENTS_MAX).enumerate() {
            let email = bad.email(&format!("recipients.{n}.email"), &recipient.email);
            let name = recipient.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
            let fits =
                name.is_none_or(|name| name.chars().count() <= TEXT_MAX_CHARS && !name.chars().any(char::is_control));
            bad.unless(fits, &format!("recipients.{n}.name"), "must be at most 500 characters on one line");
            if let Some(email) = email {
                recipients.entry(compared(&email)).or_insert_with(|| (email, name.map(str::to_owned)));
            }
        }
        bad.into_result()?;
        let Some(content) = content else { return Err(super::findings_incomplete()) };
        let recipients = recipients.into_values();
        let recipients = recipients.map(|(email, name)| Recipient { email: email.into(), name: name.map(Into::into) });
        Ok(Self { name: name.to_owned(), content, recipients: recipients.collect(), send_at })
    }

    /// How many recipients have a name that is not printed: they are greeted without it. One odd name must not keep the
    /// others from getting their mail.
    pub fn names_not_printed(&self) -> usize {
        let names = self.recipients.iter().filter_map(|recipient| recipient.name.as_ref());
        names.filter(|name| PrintedName::of(name).is_err()).count()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(body: &Value) -> Result<CreateCampaign> {
        CreateCampaign::parse(body.to_string().as_bytes(), Timestamp::default())
    }

    fn campaign(recipients: &Value) -> Value {
        json!({ "name": "Spring", "recipients": recipients, "data": { "subject": "Half price", "text": "Today." } })
    }

    #[test]
    fn every_recipient_that_is_none_is_named_by_its_place() {
        let body = campaign(&json!([{ "email": "ada@example.com" }, { "email": "ada" }, { "email": "b@example.com" }]));
        let fields = parsed(&body).expect_err("refused").fields;
        assert_eq!(fields.into_iter().map(|wrong| wrong.field).collect::<Vec<_>>(), ["recipients.1.email"]);
    }

    #[test]
    fn who_is_named_twice_gets_one_mail() {
        let body = campaign(&json!([
            { "email": "ada@example.com", "name": "Ada" }, { "email": " ada@EXAMPLE.com " }, { "email": "b@example.com" },
            { "email": "Ada@example.com" }, { "email": "c@müller.example" }, { "email": "C@xn--mller-kva.example" },
        ]));
        let recipients = parsed(&body).expect("a campaign").recipients;
        assert_eq!(recipients.len(), 3);
        assert_eq!(recipients[0].name.as_ref().map(|name| name.expose().as_str()), Some("Ada"));
    }

    #[test]
    fn a_campaign_has_a_thousand_recipients_at_most_and_one_at_least() {
        let many = |count: usize| {
            let all = (0..count).map(|n| json!({ "email": format!("a{n}@example.com") }));
            campaign(&all.collect())
        };
        assert!(parsed(&many(1_000)).is_ok() && parsed(&many(1)).is_ok());
        assert!(parsed(&many(1_001)).is_err() && parsed(&many(0)).is_err());
    }
}
