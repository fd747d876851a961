//! What a mail says: one wording a kind, with names in `{{…}}` where its fields go. It is filled here, or kept at the
//! provider as a template and filled there; both say the same.

use super::Content;
use crate::domain::{OrderId, PrintedName, id};

/// A mail's wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The name of its template.
    pub name: &'static str,
    subject: &'static str,
    said: &'static str,
    /// Whether there may be a link below the text.
    may_link: bool,
    /// Promotions end with where to unsubscribe.
    is_marketing: bool,
}

/// What fills a wording, by name.
pub type Fields = Vec<(&'static str, String)>;

/// The field that holds the link.
const LINK: &str = "link";
/// The field that holds where the shop is, in letters: whoever advertises must say so (15 U.S.C. 7704(a)(5)(A)(iii)).
pub const POSTAL_ADDRESS: &str = "postal_address";

const ORDER_CONFIRMATION: Wording = Wording {
    name: "order_confirmation",
    subject: "Your order {{order}} at {{shop}}",
    said: "Thank you. We have received your order {{order}} and your payment of {{amount}}.",
    may_link: false,
    is_marketing: false,
};
const REFUND_NOTICE: Wording = Wording {
    name: "refund_notice",
    subject: "Your refund for order {{order}} at {{shop}}",
    said: "We have refunded {{amount}} of your order {{order}}. Your bank shows it within five to ten working days.",
    ..ORDER_CONFIRMATION
};
const SHIPPING_NOTIFICATION: Wording = Wording {
    name: "shipping_notification",
    subject: "Your order {{order}} is on its way",
    said: "We have sent your order {{order}} with {{carrier}}. Its tracking number is {{tracking_number}}.",
    may_link: true,
    is_marketing: false,
};
const PASSWORD_RESET: Wording = Wording {
    name: "password_reset",
    subject: "Your new password at {{shop}}",
    said: "Choose a new password here. If you did not ask for this, nothing has changed and you can ignore this mail.",
    ..SHIPPING_NOTIFICATION
};
const WELCOME: Wording = Wording {
    name: "welcome",
    subject: "Welcome to {{shop}}",
    said: "Your account is ready. It is good to have you here.",
    ..ORDER_CONFIRMATION
};
const PROMOTION: Wording =
    Wording { name: "promotion", subject: "{{subject}}", said: "{{text}}", may_link: true, is_marketing: true };
const ACCOUNT_NOTIFICATION: Wording =
    Wording { name: "account_notification", subject: "{{subject}}", said: "{{text}}", ..ORDER_CONFIRMATION };

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

impl Wording {
    /// Every wording.
    pub const ALL: [Self; 7] = [
        ORDER_CONFIRMATION,
        REFUND_NOTICE,
        SHIPPING_NOTIFICATION,
        PASSWORD_RESET,
        WELCOME,
        PROMOTION,
        ACCOUNT_NOTIFICATION,
    ];

    /// The wording of a mail; `None` for what is no mail.
    pub const fn of(content: &Content) -> Option<Self> {
        Some(match content {
            Content::OrderConfirmation { .. } => ORDER_CONFIRMATION,
            Content::RefundNotice { .. } => REFUND_NOTICE,
            Content::ShippingNotification { .. } => SHIPPING_NOTIFICATION,
            Content::PasswordReset { .. } => PASSWORD_RESET,
            Content::Welcome {} => WELCOME,
            Content::MailPromotion { .. } => PROMOTION,
            Content::AccountNotification { .. } => ACCOUNT_NOTIFICATION,
            // The text of a campaign's mail is the campaign's, and an SMS that is to be a mail is one by then.
            Content::OfCampaign { .. }
            | Content::OrderStatus { .. }
            | Content::DeliveryNotification { .. }
            | Content::TwoFactorCode { .. }
            | Content::SmsPromotion { .. } => return None,
        })
    }

    /// The wording filled.
    pub fn filled(&self, fields: &Fields) -> MailText {
        let with = self.with_names(fields.iter().any(|(name, _)| *name == LINK));
        MailText {
            subject: fill(&with.subject, fields, str::to_owned),
            plain: fill(&with.plain, fields, str::to_owned),
            html: fill(&with.html, fields, escaped_lines),
        }
    }

    /// The wording as a template whose fields the provider fills in. Two braces escape what is filled in as HTML, three do
    /// not, and only the HTML part is HTML.
    pub fn template(&self) -> MailText {
        let with = self.with_names(self.may_link);
        let unescaped = |text: &str| text.replace("{{", "{{{").replace("}}", "}}}");
        MailText { subject: unescaped(&with.subject), plain: unescaped(&with.plain), html: with.html }
    }

    /// Tells one wording of a template from another.
    pub fn version(&self) -> String {
        let MailText { subject, plain, html } = self.template();
        id::digest(&[&subject, &plain, &html])
    }

    /// Whether these fill every name in the template; a link that is missing would leave a hole.
    pub fn is_filled_by(&self, fields: &Fields) -> bool {
        !self.may_link || fields.iter().any(|(name, _)| *name == LINK)
    }

    fn with_names(&self, has_link: bool) -> MailText {
        let mut plain = format!("{{{{hello}}}}\n\n{}\n", self.said);
        // Templates keep the breaks of a text by its style; what is filled in here has them as elements, too.
        let mut html = format!("<p>{{{{hello}}}}</p><p style=\"white-space:pre-line\">{}</p>", self.said);
        if has_link {
            plain += "\n{{link}}\n";
            html += "<p><a href=\"{{link}}\">{{link}}</a></p>";
        }
        plain += "\n{{shop}}\n";
        html += "<p>{{shop}}</p>";
        if self.is_marketing {
            plain += "{{postal_address}}\n";
            html += "<p>{{postal_address}}</p>";
            plain += "\nYou get this because you asked for it. Unsubscribe: {{unsubscribe_url}}\n";
            html += "<p>You get this because you asked for it. <a href=\"{{unsubscribe_url}}\">Unsubscribe</a></p>";
        }
        MailText { subject: self.subject.to_owned(), plain, html }
    }
}

/// What fills the wording of a mail to somebody of this name.
pub fn mail_fields(
    content: &Content,
    order: Option<&OrderId>,
    shop: &str,
    name: Option<&PrintedName>,
    unsubscribe_url: Option<&str>,
) -> Fields {
    let hello = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {},", name.as_str()));
    let mut fields = vec![("hello", hello), ("shop", shop.to_owned())];
    fields.extend(order.map(|order| ("order", order.as_str().to_owned())));
    fields.extend(unsubscribe_url.map(|url| ("unsubscribe_url", url.to_owned())));
    match content {
        Content::OrderConfirmation { amount } | Content::RefundNotice { amount } => {
            fields.push(("amount", amount.to_string()));
        }
        Content::ShippingNotification { carrier, tracking_number, tracking_url } => {
            fields.extend([("carrier", carrier.clone()), ("tracking_number", tracking_number.clone())]);
            fields.extend(tracking_url.clone().map(|url| (LINK, url)));
        }
        Content::PasswordReset { reset_url } => fields.push((LINK, reset_url.expose().clone())),
        Content::MailPromotion { subject, text, url } => {
            fields.extend([("subject", subject.expose().clone()), ("text", text.expose().clone())]);
            fields.extend(url.clone().map(|url| (LINK, url)));
        }
        Content::AccountNotification { subject, text } => {
            fields.extend([("subject", subject.expose().clone()), ("text", text.expose().clone())]);
        }
        Content::Welcome {}
        | Content::OfCampaign { .. }
        | Content::OrderStatus { .. }
        | Content::DeliveryNotification { .. }
        | Content::TwoFactorCode { .. }
        | Content::SmsPromotion { .. } => {}
    }
    fields
}

/// The text of a mail to somebody of this name. Promotions end with where to unsubscribe.
pub fn mail_text(
    content: &Content,
    order: Option<&OrderId>,
    shop: &str,
    name: Option<&PrintedName>,
    unsubscribe_url: Option<&str>,
) -> MailText {
    let fields = mail_fields(content, order, shop, name, unsubscribe_url);
    Wording::of(content).unwrap_or(WELCOME).filled(&fields)
}

/// Puts fields in place of their names; what has none becomes nothing.
fn fill(template: &str, fields: &Fields, written: fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = fields.iter().find(|(field, _)| *field == name);
        filled.push_str(before);
        filled.push_str(&value.map(|(_, value)| written(value)).unwrap_or_default());
        rest = after;
    }
    filled + rest
}

/// Text in HTML, with its line breaks.
fn escaped_lines(text: &str) -> String {
    escaped(text).replace("\r\n", "<br>").replace(['\n', '\r'], "<br>")
}

/// What comes from strangers is text in HTML.
pub fn escaped(text: &str) -> String {
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
    use crate::domain::Private;

    fn private(text: &str) -> Private<String> {
        text.to_owned().into()
    }

    #[test]
    fn markup_from_outside_is_text_in_the_html_part() {
        let content =
            Content::AccountNotification { subject: private("News"), text: private("<script>alert(1)</script>") };
        let name = PrintedName::of(&private("Ada & 'co'")).expect("a name");
        let text = mail_text(&content, None, "Shop & Co", Some(&name), None);
        assert!(text.html.contains("Ada &amp; &#39;co&#39;"), "{}", text.html);
        assert!(text.html.contains("&lt;script&gt;") && !text.html.contains("<script>"), "{}", text.html);
        assert!(text.plain.contains("<script>"), "plain text has no markup");
    }

    #[test]
    fn lines_stay_lines_in_the_html_part_and_markup_stays_text() {
        let content = Content::AccountNotification { subject: private("x"), text: private("one\ntwo\r\n<br>three") };
        let text = mail_text(&content, None, "Shop", None, None);
        assert!(text.html.contains("one<br>two<br>&lt;br&gt;three"), "{}", text.html);
        assert!(text.plain.contains("one\ntwo"), "{}", text.plain);
        assert!(ACCOUNT_NOTIFICATION.template().html.contains("white-space:pre-line"));
    }

    #[test]
    fn a_promotion_says_how_to_get_no_more_of_them() {
        let mail = Content::MailPromotion { subject: private("x"), text: private("y"), url: None };
        let text = mail_text(&mail, None, "Shop", None, Some("https://u.example/t"));
        assert!(text.plain.contains("https://u.example/t") && text.html.contains("https://u.example/t"));
    }

    #[test]
    fn what_looks_like_a_name_in_somebodys_text_is_not_filled_in() {
        let content = Content::AccountNotification { subject: private("x"), text: private("{{hello}} {{shop}}") };
        assert!(mail_text(&content, None, "Shop", None, None).plain.contains("{{hello}} {{shop}}"));
    }

    #[test]
    fn a_template_with_a_link_is_not_used_for_a_mail_without_one() {
        let mail = |url: Option<&str>| Content::MailPromotion {
            subject: private("x"),
            text: private("y"),
            url: url.map(str::to_owned),
        };
        let fits = |content: &Content| {
            PROMOTION.is_filled_by(&mail_fields(content, None, "Shop", None, Some("https://u.example/t")))
        };
        assert!(fits(&mail(Some("https://shop.example/"))) && !fits(&mail(None)));
    }

    #[test]
    fn only_the_html_part_of_a_template_escapes_what_is_filled_in() {
        for wording in Wording::ALL {
            let MailText { subject, plain, html } = wording.template();
            assert!(!html.contains("{{{"), "{html}");
            assert!([subject, plain].iter().all(|text| !text.replace("{{{", "").contains("{{")), "{}", wording.name);
        }
        assert_ne!(WELCOME.version(), PROMOTION.version());
    }
}
