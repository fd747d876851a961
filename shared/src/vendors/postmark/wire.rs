//! Postmark's words: a mail (POST /email), and what was sent (GET /messages/outbound).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The stream of transactional mails, which every server has.
pub(super) const STREAM: &str = "outbound";
/// The longest value of a metadata field, in characters; a longer one is refused with the whole mail.
const METADATA_MAX_CHARS: usize = 80;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Mail<'a> {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: &'a str,
    pub(super) text_body: &'a str,
    pub(super) html_body: &'a str,
    pub(super) message_stream: &'static str,
    pub(super) tag: &'a str,
    pub(super) track_opens: bool,
    pub(super) track_links: &'static str,
    /// Comes back with every event.
    pub(super) metadata: BTreeMap<&'static str, &'a str>,
}

/// The answer to a mail, good or bad.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SendResponse {
    #[serde(default)]
    pub(super) error_code: Option<u32>,
    #[serde(default, rename = "MessageID")]
    pub(super) message_id: Option<String>,
}

/// The id in an answer to a mail; only what was accepted has one.
pub(super) fn message_id(body: &[u8]) -> Option<String> {
    serde_json::from_slice::<SendResponse>(body).ok()?.message_id.filter(|id| !id.is_empty())
}

/// What was sent, as far as we read it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found {
    pub(super) messages: Vec<FoundMessage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FoundMessage {
    #[serde(rename = "MessageID")]
    pub(super) message_id: String,
}

/// Which links are watched. (postmarkapp.com/developer/user-guide/tracking-links.)
pub(super) const fn tracked_links(is_tracked: bool) -> &'static str {
    if is_tracked { "HtmlAndText" } else { "None" }
}

/// The metadata by which events find what is ours. What is too long is left out rather than the mail: the intent's id,
/// which is the one that is needed, never is.
pub(super) fn metadata<'a>(stack: &'a str, order: Option<&'a str>, intent: &'a str) -> BTreeMap<&'static str, &'a str> {
    let fields = [("crossdock_stack", Some(stack)), ("crossdock_order", order), ("crossdock_intent", Some(intent))];
    let fits = |value: &&str| value.chars().count() <= METADATA_MAX_CHARS;
    fields.into_iter().filter_map(|(name, value)| Some((name, value.filter(fits)?))).collect()
}

/// An address with a display name. Names come from strangers: what would end the quotes is taken out.
pub(super) fn mailbox(address: &str, name: Option<&str>) -> String {
    let plain = |c: &char| !matches!(c, '"' | '\\' | '<' | '>') && !c.is_control();
    let name: String = name.unwrap_or_default().chars().filter(plain).collect();
    if name.trim().is_empty() { address.to_owned() } else { format!("\"{}\" <{address}>", name.trim()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_written_in_postmarks_names() {
        let mail = Mail {
            from: mailbox("shop@example.com", Some("Shop")),
            to: mailbox("ada@example.com", None),
            subject: "Order o-1",
            text_body: "Thanks",
            html_body: "<p>Thanks</p>",
            message_stream: STREAM,
            tag: "order_confirmation",
            track_opens: false,
            track_links: tracked_links(false),
            metadata: metadata("123/eu-north-1/crossdock", Some("o-1"), "int_1"),
        };
        let expected = serde_json::json!({
            "From": "\"Shop\" <shop@example.com>", "To": "ada@example.com", "Subject": "Order o-1",
            "TextBody": "Thanks", "HtmlBody": "<p>Thanks</p>", "MessageStream": "outbound",
            "Tag": "order_confirmation", "TrackOpens": false, "TrackLinks": "None",
            "Metadata": {
                "crossdock_stack": "123/eu-north-1/crossdock", "crossdock_order": "o-1", "crossdock_intent": "int_1",
            },
        });
        assert_eq!(serde_json::to_value(&mail).expect("JSON"), expected);
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(
            mailbox("a@b.example", Some("Eve\" <eve@x.example>,\r\n\"")),
            "\"Eve eve@x.example,\" <a@b.example>"
        );
        assert_eq!(mailbox("a@b.example", Some(" \"\" ")), "a@b.example");
    }

    #[test]
    fn metadata_that_postmark_would_refuse_is_left_out() {
        let long = "x".repeat(81);
        assert_eq!(metadata(&long, Some(&long), "int_1"), BTreeMap::from([("crossdock_intent", "int_1")]));
    }
}
