//! SendGrid's words for a mail (POST /v3/mail/send).

use std::collections::BTreeMap;

use serde::Serialize;

/// What fills a template of SendGrid's.
pub(super) type Data<'a> = BTreeMap<&'static str, &'a str>;

/// What stands in a recipient's mail in place of tags.
pub(super) type Substitutions = BTreeMap<&'static str, String>;

#[derive(Serialize)]
pub(super) struct Mail<'a> {
    pub(super) personalizations: Vec<Personalization<'a>>,
    pub(super) from: Address<'a>,
    /// Of a mail that is written here, like its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<&'a String>,
    /// Plain text first: mail programs take the last part that they understand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) content: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) template_id: Option<&'a str>,
    pub(super) categories: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<ListUnsubscribe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) batch_id: Option<&'a str>,
    /// Until when SendGrid holds it, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) send_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[serde(rename = "mail_settings")]
    pub(super) settings: Option<MailSettings>,
}

/// How a mail is handled.
#[derive(Serialize)]
pub(super) struct MailSettings {
    sandbox_mode: Setting,
}

#[derive(Serialize)]
struct Setting {
    enable: bool,
}

impl MailSettings {
    /// It is checked, and not sent.
    pub(super) fn sandbox() -> Self {
        Self { sandbox_mode: Setting { enable: true } }
    }
}

/// Unsubscribing with one click, in the mail program itself (RFC 8058).
#[derive(Serialize)]
pub(super) struct ListUnsubscribe {
    #[serde(rename = "List-Unsubscribe")]
    url: String,
    #[serde(rename = "List-Unsubscribe-Post")]
    post: &'static str,
}

impl ListUnsubscribe {
    pub(super) fn at(url: &str) -> Self {
        Self { url: format!("<{url}>"), post: "List-Unsubscribe=One-Click" }
    }
}

#[derive(Serialize)]
pub(super) struct Personalization<'a> {
    pub(super) to: [Address<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<ListUnsubscribe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) substitutions: Option<Substitutions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dynamic_template_data: Option<Data<'a>>,
    /// Come back as top-level keys of every event.
    pub(super) custom_args: CustomArgs<'a>,
}

#[derive(Serialize)]
pub(super) struct CustomArgs<'a> {
    #[serde(rename = "crossdock_stack")]
    pub(super) stack: &'a str,
    #[serde(rename = "crossdock_order", skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<&'a str>,
    #[serde(rename = "crossdock_campaign", skip_serializing_if = "Option::is_none")]
    pub(super) campaign: Option<&'a str>,
    #[serde(rename = "crossdock_intent")]
    pub(super) intent: &'a str,
}

#[derive(Serialize)]
pub(super) struct Address<'a> {
    pub(super) email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Content<'a> {
    #[serde(rename = "type")]
    pub(super) mime: &'static str,
    pub(super) value: &'a str,
}
