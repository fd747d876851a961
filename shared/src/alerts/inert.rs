//! Texts of others, made harmless: a name, an error text or a status reason must not call people, look like a line of ours, hide
//! a part of itself or lead anywhere.

/// What a text is cut to by default, in characters. Slack takes 3,000 in a block; nobody reads more than this at night.
pub(super) const TEXT_MAX_CHARS: usize = 600;
/// The same for a title.
pub(super) const TITLE_MAX_CHARS: usize = 120;

/// The text on one line, without what Slack, a terminal or an eye could take for something else.
///
/// * `<`, `>` and `&` begin Slack's mentions, links and entities (`<!channel>`, `<https://…|shown>`); they become characters that
///   look alike, so that no way of reading brings them back. (docs.slack.dev/messaging/formatting-message-text: escaping)
/// * Backticks would end a code span.
/// * `://` is broken: an address is shown and cannot be clicked.
/// * Control, bidirectional and invisible characters are dropped. (Unicode UAX #9 and UTS #39)
pub(super) fn inert(text: &str, max_chars: usize) -> String {
    let mut shown = String::new();
    let mut count = 0;
    for character in text.chars() {
        let character = match character {
            '<' => '‹',
            '>' => '›',
            '&' => '＆',
            '`' => '\'',
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
            hidden if is_hidden(hidden) => continue,
            other => other,
        };
        if character == ' ' && (shown.is_empty() || shown.ends_with(' ')) {
            continue;
        }
        if count == max_chars {
            shown.push('…');
            break;
        }
        shown.push(character);
        count += 1;
    }
    shown.replace("://", "[:]//").trim_end().to_owned()
}

/// Whether a character is not seen, or changes the order in which others are.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{inert, is_hidden};

    #[test]
    fn what_misleads_is_taken_out() {
        assert_eq!(inert("<!channel> pay & go", 100), "‹!channel› pay ＆ go");
        assert_eq!(inert("<https://evil.example|Runbook>", 100), "‹https[:]//evil.example|Runbook›");
        assert_eq!(inert("a\nTime: now\r\nb", 100), "a Time: now b");
        assert_eq!(inert("abc\u{202e}fed\u{200b}\u{7}x", 100), "abcfedx");
        assert_eq!(inert("```rm -rf```", 100), "'''rm -rf'''");
        assert_eq!(inert("abcdef", 3), "abc…");
        assert_eq!(inert(" \n ", 3), "");
    }

    proptest! {
        #[test]
        fn nothing_of_it_is_read_as_markup(text in any::<String>()) {
            let shown = inert(&text, 50);
            prop_assert!(!shown.contains(['<', '>', '&', '`', '\n']), "{shown}");
            prop_assert!(!shown.contains("://"), "{shown}");
            prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            prop_assert!(shown.chars().count() <= 51 + 2 * 50, "{shown}");
        }
    }
}
