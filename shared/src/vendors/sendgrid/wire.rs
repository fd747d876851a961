//! SendGrid's words for a mail (POST /v3/mail/send).

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::message::MessageKind;

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
    #[serde(rename = "tracking_settings")]
    pub(super) tracking: Tracking,
}

/// How a mail is handled.
#[derive(Serialize)]
pub(super) struct MailSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_mode: Option<Setting>,
    /// It goes to those who have unsubscribed at SendGrid, from everything or so it seems: what they get all the same is decided
    /// here. (The specification of mail/send; not to be combined with the bypass of everything, but with each other.)
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass_unsubscribe_management: Option<Setting>,
    /// It goes to those who have called a mail spam.
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass_spam_management: Option<Setting>,
}

#[derive(Serialize)]
struct Setting {
    enable: bool,
}

impl Setting {
    fn when(enable: bool) -> Option<Self> {
        enable.then_some(Self { enable })
    }
}

impl MailSettings {
    /// How a mail of this kind is handled; in the sandbox it is checked, and not sent. Bounces count for all.
    pub(super) fn of(kind: MessageKind, in_sandbox: bool) -> Option<Self> {
        let (is_owed, is_marketing) = (kind.is_owed(), kind.is_marketing());
        (in_sandbox || !is_marketing).then(|| Self {
            sandbox_mode: Setting::when(in_sandbox),
            bypass_unsubscribe_management: Setting::when(!is_marketing),
            bypass_spam_management: Setting::when(is_owed),
        })
    }
}

/// Whether it is watched what becomes of a mail, whatever the account's own setting is.
#[derive(Serialize)]
pub(super) struct Tracking {
    click_tracking: ClickTracking,
    open_tracking: Setting,
}

#[derive(Serialize)]
struct ClickTracking {
    enable: bool,
    enable_text: bool,
}

impl Tracking {
    pub(super) const fn switched(enable: bool) -> Self {
        Self { click_tracking: ClickTracking { enable, enable_text: enable }, open_tracking: Setting { enable } }
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
