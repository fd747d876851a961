//! What a mail says.

use crate::domain::message::MessageKind;
use crate::effects::message::Message;

pub(super) struct MailText {
    pub(super) subject: String,
    pub(super) plain: String,
    pub(super) html: String,
}

/// The text of a message in the shop's name.
pub(super) fn mail_text(message: &Message, shop: &str, name: Option<&str>) -> MailText {
    let hello = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
    let (order, amount) = (&message.order_id, message.amount);
    let (subject, said) = match message.kind {
        MessageKind::OrderConfirmation => (
            format!("Your order {order} at {shop}"),
            format!("Thank you. We have received your order {order} and your payment of {amount}."),
        ),
        MessageKind::AccountNotification => (
            format!("Your refund for order {order} at {shop}"),
            format!(
                "We have refunded {amount} of your order {order}. Your bank shows it within five to ten working days."
            ),
        ),
    };
    MailText {
        subject,
        plain: format!("{hello}\n\n{said}\n\n{shop}\n"),
        html: format!("<p>{}</p><p>{}</p><p>{}</p>", escaped(&hello), escaped(&said), escaped(shop)),
    }
}

/// Names come from strangers: in HTML they are text.
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

/// SendGrid refuses `;` and `,` in the names of recipients.
pub(super) fn recipient_name(name: &str) -> String {
    name.chars().map(|c| if matches!(c, ';' | ',') { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_markup_is_text_in_the_html_part() {
        assert_eq!(escaped("<b>Ada & 'co'</b>"), "&lt;b&gt;Ada &amp; &#39;co&#39;&lt;/b&gt;");
    }

    #[test]
    fn a_recipients_name_has_none_of_the_characters_that_sendgrid_refuses() {
        assert_eq!(recipient_name("Lovelace, Ada; Dr."), "Lovelace  Ada  Dr.");
    }
}
