//! SendGrid's words for a mail (POST /v3/mail/send).

use serde::Serialize;

#[derive(Serialize)]
pub(super) struct Mail<'a> {
    pub(super) personalizations: [Personalization<'a>; 1],
    pub(super) from: Address<'a>,
    pub(super) subject: &'a str,
    /// Plain text first: mail programs take the last part that they understand.
    pub(super) content: [Content<'a>; 2],
    pub(super) categories: [&'a str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<ListUnsubscribe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mail_settings: Option<MailSettings>,
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
    /// Come back as top-level keys of every event.
    pub(super) custom_args: CustomArgs<'a>,
}

#[derive(Serialize)]
pub(super) struct CustomArgs<'a> {
    #[serde(rename = "crossdock_stack")]
    pub(super) stack: &'a str,
    #[serde(rename = "crossdock_order", skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<&'a str>,
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
