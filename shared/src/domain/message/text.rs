//! What a mail or an SMS says, in the shop's name.

use super::{Content, DeliveryStep};
use crate::domain::OrderId;

/// A mail's parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailText {
    /// The subject line.
    pub subject: String,
    /// For programs that show no HTML.
    pub plain: String,
    /// The same as HTML; whatever came from outside is text in it.
    pub html: String,
}

/// The text of a mail to somebody of this name. Promotions end with where to unsubscribe.
pub fn mail_text(
    content: &Content,
    order: Option<&OrderId>,
    shop: &str,
    name: Option<&str>,
    unsubscribe_url: Option<&str>,
) -> MailText {
    let hello = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
    let order = order.map_or("", OrderId::as_str);
    let (subject, said, link) = match content {
        Content::OrderConfirmation { amount } => (
            format!("Your order {order} at {shop}"),
            format!("Thank you. We have received your order {order} and your payment of {amount}."),
            None,
        ),
        Content::RefundNotice { amount } => (
            format!("Your refund for order {order} at {shop}"),
            format!(
                "We have refunded {amount} of your order {order}. Your bank shows it within five to ten working days."
            ),
            None,
        ),
        Content::ShippingNotification { carrier, tracking_number, tracking_url } => (
            format!("Your order {order} is on its way"),
            format!("We have sent your order {order} with {carrier}. Its tracking number is {tracking_number}."),
            tracking_url.as_deref(),
        ),
        Content::PasswordReset { reset_url } => (
            format!("Your new password at {shop}"),
            "Choose a new password here. If you did not ask for this, nothing has changed and you can ignore this mail."
                .to_owned(),
            Some(reset_url.expose().as_str()),
        ),
        Content::Welcome {} => {
            (format!("Welcome to {shop}"), "Your account is ready. It is good to have you here.".to_owned(), None)
        }
        Content::MailPromotion { subject, text, url } => {
            (subject.expose().clone(), text.expose().clone(), url.as_deref())
        }
        Content::AccountNotification { subject, text } => (subject.expose().clone(), text.expose().clone(), None),
        // An SMS that is to be a mail is one by then (`Content::as_mail`).
        Content::OrderStatus { .. }
        | Content::DeliveryNotification { .. }
        | Content::TwoFactorCode { .. }
        | Content::SmsPromotion { .. } => (shop.to_owned(), String::new(), None),
    };
    let mut plain = vec![format!("{hello}\n\n{said}\n")];
    let mut html = vec![format!("<p>{}</p><p>{}</p>", escaped(&hello), escaped(&said))];
    if let Some(link) = link {
        plain.push(format!("{link}\n"));
        html.push(format!("<p><a href=\"{0}\">{0}</a></p>", escaped(link)));
    }
    plain.push(format!("{shop}\n"));
    html.push(format!("<p>{}</p>", escaped(shop)));
    if let Some(url) = unsubscribe_url {
        plain.push(format!("You get this because you asked for it. Unsubscribe: {url}\n"));
        let url = escaped(url);
        html.push(format!("<p>You get this because you asked for it. <a href=\"{url}\">Unsubscribe</a></p>"));
    }
    MailText { subject, plain: plain.join("\n"), html: html.concat() }
}

/// The text of an SMS. A promotion says how to stop it (TCPA, and the carriers' rules).
pub fn sms_text(content: &Content, order: Option<&OrderId>, shop: &str) -> String {
    let order = order.map_or("", OrderId::as_str);
    match content {
        Content::OrderStatus { text } => format!("{shop}: {}", text.expose()),
        Content::DeliveryNotification { step, tracking_url } => {
            let said = match step {
                DeliveryStep::OutForDelivery => "is out for delivery",
                DeliveryStep::Delivered => "was delivered",
            };
            let follow = tracking_url.as_deref().map(|url| format!(" {url}")).unwrap_or_default();
            format!("{shop}: your order {order} {said}.{follow}")
        }
        Content::TwoFactorCode { code } => format!("{} is your code at {shop}. Tell it to nobody.", code.expose()),
        Content::SmsPromotion { text } => format!("{shop}: {} Reply STOP to get no more.", text.expose()),
        Content::OrderConfirmation { .. }
        | Content::ShippingNotification { .. }
        | Content::PasswordReset { .. }
        | Content::Welcome {}
        | Content::MailPromotion { .. }
        | Content::AccountNotification { .. }
        | Content::RefundNotice { .. } => String::new(),
    }
}

/// What comes from strangers is text in HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_from_outside_is_text_in_the_html_part() {
        let content = Content::AccountNotification {
            subject: "News".to_owned().into(),
            text: "<script>alert(1)</script>".to_owned().into(),
        };
        let text = mail_text(&content, None, "Shop & Co", Some("<b>Ada & 'co'</b>"), None);
        assert!(text.html.contains("&lt;b&gt;Ada &amp; &#39;co&#39;&lt;/b&gt;"), "{}", text.html);
        assert!(text.html.contains("&lt;script&gt;") && !text.html.contains("<script>"), "{}", text.html);
        assert!(text.plain.contains("<script>"), "plain text has no markup");
    }

    #[test]
    fn a_promotion_says_how_to_get_no_more_of_them() {
        let sms = Content::SmsPromotion { text: "20 % off today.".to_owned().into() };
        assert!(sms_text(&sms, None, "Shop").contains("STOP"));
        let mail = Content::MailPromotion { subject: "x".to_owned().into(), text: "y".to_owned().into(), url: None };
        let text = mail_text(&mail, None, "Shop", None, Some("https://u.example/t"));
        assert!(text.plain.contains("https://u.example/t") && text.html.contains("https://u.example/t"));
    }
}
