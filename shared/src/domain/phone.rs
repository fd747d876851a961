//! Phone numbers, in the one form that an SMS provider takes and that contact ids are made of.

/// The longest text that is looked at, in bytes: fifteen digits with every separator between them fit many times.
const TEXT_MAX_BYTES: usize = 40;

/// The number in E.164 (`+4798765432`), when it is one of a known country and of a length that its numbering plan has.
///
/// Only international numbers are taken, those that begin with `+`: without it the country would be a guess, and a wrong
/// guess writes to a stranger. Blanks, hyphens, dots and brackets between digits are taken out. What the plans are is
/// the library's to know; whether the number is in use only the provider can say.
pub fn normalised_phone(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix('+').filter(|_| text.len() <= TEXT_MAX_BYTES)?;
    // The library would also read letters as on old dials, extensions and other scripts' digits.
    let is_plain = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')');
    rest.chars().all(is_plain).then(|| phonelib::normalize_phone_number(text))?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_many_countries_become_e_164() {
        for (text, number) in [
            ("+4798765432", "+4798765432"),
            ("+47 987 65 432", "+4798765432"),
            (" +47-98.76-54.32 ", "+4798765432"),
            ("+1 (415) 555-2671", "+14155552671"),
            ("+44 (0)7911 123456", "+447911123456"),
            ("+491711234567", "+491711234567"),
            ("+4915123456789", "+4915123456789"),
            ("+39 06 1234 5678", "+390612345678"),
            ("+8613800138000", "+8613800138000"),
            ("+5511987654321", "+5511987654321"),
            // What Twilio's test credentials send from and to.
            ("+15005550006", "+15005550006"),
        ] {
            assert_eq!(normalised_phone(text).as_deref(), Some(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_international_number_is_none() {
        for text in [
            "",
            "+",
            "98765432",
            "0047987654321",
            "+12",
            "+999123456789",
            "+479876543",
            "+47987654321",
            "++4798765432",
            "+1-800-FLOWERS",
            "+4798765432;ext=7",
            "tel:+4798765432",
            "+４７９８７６５４３２",
            "+47 987 65 432\0",
            "ada@example.com",
        ] {
            assert_eq!(normalised_phone(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_normalised_number_is_a_plus_and_at_most_fifteen_digits_and_stays_as_it_is(
            text in "\\+?[0-9 ().-]{0,24}|\\PC{0,48}",
        ) {
            if let Some(number) = normalised_phone(&text) {
                let digits = number.strip_prefix('+').expect("a plus");
                prop_assert!((4..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
                prop_assert_eq!(normalised_phone(&number), Some(number.clone()));
            }
        }
    }
}
