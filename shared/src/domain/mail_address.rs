//! Mail addresses: how one is written to, and by which of its forms a person is told from others.
//!
//! A domain is written in ASCII (IDNA: `müller.example` is `xn--mller-kva.example`), which every provider takes. What stands
//! before the `@` is sent as it was given, since its server may tell cases apart; two people never differ by case alone, so
//! addresses are compared in lower case. For addresses of plain ASCII in lower case both forms are the address itself.
//!
//! | rule | source |
//! |---|---|
//! | domains in ASCII, mapped and composed as browsers do | UTS 46; RFC 5891 (labels), RFC 3492 (Punycode) |
//! | no other characters before the `@` than ASCII | neither SendGrid nor Postmark speaks SMTPUTF8 (RFC 6531); sendgrid-csharp issue 656 |
//! | dots at the end or one after the other are put into quotes, at carriers that gave out such addresses | RFC 5321 4.1.2; exceedone/exment issue 800, cakephp-sendgrid PR 25, PHPMailer issue 418 |

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Longest e-mail address, in bytes (RFC 5321: 254).
const ADDRESS_MAX_BYTES: usize = 254;
/// Longest part of a host name between dots, in bytes (RFC 1035).
const LABEL_MAX_BYTES: usize = 63;
/// What begins a label that stands for another one.
const ACE_PREFIX: &str = "xn--";
/// Mobile carriers of Japan that gave out addresses with dots where RFC 5321 has none.
const DOTS_ANYWHERE: [&str; 2] = ["docomo.ne.jp", "ezweb.ne.jp"];

/// An address as it is stored and written to: trimmed, its domain in ASCII and lower case. `None` when it is none.
pub fn normalised_email(text: &str) -> Option<String> {
    let (local, domain) = text.trim().rsplit_once('@').filter(|(local, _)| local.is_ascii())?;
    let domain = ascii_domain(domain)?;
    let needs_quotes = DOTS_ANYWHERE.contains(&domain.as_str()) && is_of_atoms(local) && !has_dots_between(local);
    let address = if needs_quotes { format!("\"{local}\"@{domain}") } else { format!("{local}@{domain}") };
    let options = email_address::Options::default().with_required_tld().without_display_text().without_domain_literal();
    let is_good = email_address::EmailAddress::parse_with_options(&address, options).is_ok();
    (address.len() <= ADDRESS_MAX_BYTES && is_good).then_some(address)
}

/// What is wrong with a text that is no address.
pub fn what_is_wrong(text: &str) -> &'static str {
    match text.trim().rsplit_once('@') {
        Some((local, _)) if !local.is_ascii() => "must have only ASCII characters before the @",
        _ => "must be an e-mail address",
    }
}

/// The form by which an address is told from others; of what is no mail address, itself.
pub fn compared(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return address.to_owned() };
    let quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let plain = quoted.filter(|inner| is_of_atoms(inner) && has_dots_between(inner)).unwrap_or(local);
    format!("{}@{}", plain.to_ascii_lowercase(), domain.to_ascii_lowercase())
}

/// The forms by which earlier versions told this address from others: as it was given, and with its domain as people read it.
pub fn compared_before(address: &str) -> Vec<String> {
    let Some((local, domain)) = address.rsplit_once('@') else { return Vec::new() };
    let read = |label: &str| {
        label.strip_prefix(ACE_PREFIX).and_then(idna::punycode::decode_to_string).unwrap_or_else(|| label.to_owned())
    };
    let as_read: Vec<String> = domain.split('.').map(read).collect();
    let mut forms = vec![address.to_owned(), format!("{local}@{}", as_read.join("."))];
    forms.dedup();
    let now = compared(address);
    forms.retain(|form| *form != now);
    forms
}

/// A domain in ASCII and lower case.
fn ascii_domain(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_ascii_lowercase());
    }
    let composed: String = domain.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let labels = composed.split(['.', '\u{3002}']).map(ascii_label).collect::<Option<Vec<_>>>()?;
    Some(labels.join("."))
}

fn ascii_label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    // Between letters of Catalan, and of Japanese.
    let is_of_names = |c: char| c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '-' | '\u{b7}' | '\u{30fb}');
    let is_good = label.chars().all(is_of_names) && !label.starts_with(['-', '\u{b7}']) && !label.ends_with('-');
    let begins_with_mark = label.chars().next().is_some_and(is_combining_mark);
    let ascii = format!("{ACE_PREFIX}{}", idna::punycode::encode_str(label)?);
    (is_good && !begins_with_mark && ascii.len() <= LABEL_MAX_BYTES).then_some(ascii)
}

/// Whether it has only what may stand there without quotes, and dots. (RFC 5322: atext.)
fn is_of_atoms(local: &str) -> bool {
    !local.is_empty() && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b))
}

fn has_dots_between(local: &str) -> bool {
    local.split('.').all(|atom| !atom.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Option<String> {
        normalised_email(text)
    }

    #[test]
    fn a_domain_is_written_in_ascii() {
        for (text, expected) in [
            ("ada@müller.example", "ada@xn--mller-kva.example"),
            ("Ada@MÜLLER.example", "Ada@xn--mller-kva.example"),
            // With the dots of the u as a character of their own.
            ("ada@mu\u{308}ller.example", "ada@xn--mller-kva.example"),
            ("ada@XN--MLLER-KVA.Example", "ada@xn--mller-kva.example"),
            ("ada@straße.example", "ada@xn--strae-oqa.example"),
            ("ada@例え.テスト", "ada@xn--r8jz45g.xn--zckzah"),
            ("ada@例え。テスト", "ada@xn--r8jz45g.xn--zckzah"),
            ("ada@ｅｘａｍｐｌｅ．com", "ada@example.com"),
            ("ada@почта.рф", "ada@xn--80a1acny.xn--p1ai"),
            ("ada@bücher.bücher.example", "ada@xn--bcher-kva.xn--bcher-kva.example"),
        ] {
            assert_eq!(written(text).as_deref(), Some(expected), "{text}");
            assert_eq!(written(expected).as_deref(), Some(expected), "it stays as it is");
        }
        for none in
            ["ada@mül ler.example", "ada@☃.example", "ada@-ü.example", "ada@ü\u{200b}.example", "ada@ü..example"]
        {
            assert_eq!(written(none), None, "{none}");
        }
        assert_eq!(written(&format!("ada@{}.example", "ü".repeat(60))), None);
    }

    #[test]
    fn what_no_provider_takes_before_the_at_is_refused_and_said() {
        assert_eq!(written("jürgen@example.com"), None);
        assert_eq!(what_is_wrong("jürgen@example.com"), "must have only ASCII characters before the @");
        assert_eq!(what_is_wrong("jurgen@"), "must be an e-mail address");
    }

    #[test]
    fn dots_where_there_should_be_none_are_quoted_where_a_carrier_gave_them_out() {
        assert_eq!(written("a..b.@docomo.ne.jp").as_deref(), Some("\"a..b.\"@docomo.ne.jp"));
        assert_eq!(written("\"a..b.\"@docomo.ne.jp").as_deref(), Some("\"a..b.\"@docomo.ne.jp"));
        assert_eq!(written(".a@EZWEB.ne.jp").as_deref(), Some("\".a\"@ezweb.ne.jp"));
        assert_eq!(written("a.b@docomo.ne.jp").as_deref(), Some("a.b@docomo.ne.jp"));
        assert_eq!(written("a..b@example.com"), None);
    }

    #[test]
    fn one_person_is_one_form_however_the_address_is_written() {
        for same in ["p@example.com", "P@example.com", "P@EXAMPLE.com", "\"p\"@example.com", " p@Example.COM "] {
            assert_eq!(compared(&written(same).expect(same)), "p@example.com", "{same}");
        }
        let quoted = compared(&written("A..B.@docomo.ne.jp").expect("an address"));
        assert_eq!(quoted, "\"a..b.\"@docomo.ne.jp");
        assert_eq!(compared("+4798765432"), "+4798765432");
        assert_ne!(compared("p.q@example.com"), compared("pq@example.com"), "dots are no matter of case");
    }

    #[test]
    fn the_forms_of_earlier_versions_are_known_and_of_plain_addresses_there_is_none() {
        assert_eq!(compared_before("p@example.com"), [""; 0]);
        assert_eq!(compared_before("+4798765432"), [""; 0]);
        assert_eq!(compared_before("P@example.com"), ["P@example.com"]);
        assert_eq!(compared_before("p@xn--mller-kva.example"), ["p@müller.example"]);
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_an_address_is_ascii_and_stays_what_it_is(text in "[a-zA-Zü.\"]{0,6}@[a-zäßü例.。-]{1,12}\\.[a-z]{2,5}") {
            if let Some(address) = written(&text) {
                proptest::prop_assert!(address.is_ascii());
                let again = written(&address);
                proptest::prop_assert_eq!(again.as_ref(), Some(&address));
                let form = compared(&address);
                proptest::prop_assert_eq!(compared(&form), form);
            }
        }
    }
}
