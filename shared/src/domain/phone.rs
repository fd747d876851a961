//! Phone numbers, in the one form that an SMS provider takes and that contact ids are made of.

/// The longest text that is looked at, in bytes: fifteen digits with every separator between them fit many times.
const TEXT_MAX_BYTES: usize = 40;

/// Country codes of numbers that are written in two ways.
const MEXICO: &str = "52";
const ARGENTINA: &str = "54";
const BRAZIL: &str = "55";
const ITALY: &str = "39";
/// Digits of a number of Mexico or Argentina, area code included.
const NATIONAL_DIGITS: usize = 10;

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
    if !rest.chars().all(is_plain) {
        return None;
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    match digits.strip_prefix(MEXICO).and_then(|rest| rest.strip_prefix('1')) {
        Some(national) if national.len() == NATIONAL_DIGITS => {
            phonelib::normalize_phone_number(&format!("+{MEXICO}{national}"))
        }
        _ => phonelib::normalize_phone_number(text),
    }
}

/// The other ways in which the number of one phone is written, in E.164. A carrier may write the sender of an answer in
/// another way than the shop writes the recipient.
///
/// | country | ways | source |
/// |---|---|---|
/// | Argentina | mobiles with a 9 after +54 from abroad, without it at home | ITU E.129, Argentina: +54 9 before area code and number |
/// | Brazil | mobiles with a 9 before their eight digits, since 2012 to 2016 | Anatel, Resolution 553/2010; libphonenumber keeps both lengths |
/// | Italy | the area code with its 0, which some leave out, and mobiles, to which some add one | ITU E.129, Italy: the 0 is dialled from abroad |
///
/// Mexico's +52 1, which mobiles had until 2019, has one form here: [`normalised_phone`] leaves the 1 out.
pub fn other_ways(number: &str) -> Vec<String> {
    let digits = number.strip_prefix('+').unwrap_or_default();
    let other = if let Some(national) = digits.strip_prefix(ARGENTINA) {
        match national.strip_prefix('9') {
            Some(without) if without.len() == NATIONAL_DIGITS => Some(format!("+{ARGENTINA}{without}")),
            None if national.len() == NATIONAL_DIGITS => Some(format!("+{ARGENTINA}9{national}")),
            _ => None,
        }
    } else if let Some(national) = digits.strip_prefix(BRAZIL) {
        let (area, local) = national.split_at_checked(2).unwrap_or_default();
        match (local.len(), local.as_bytes().first()) {
            (9, Some(b'9')) if matches!(local.as_bytes()[1], b'6'..=b'9') => {
                Some(format!("+{BRAZIL}{area}{}", &local[1..]))
            }
            // Fixed lines begin with 2 to 5, and have no ninth digit; mobiles that begin so behind it were never shorter.
            (8, Some(b'6'..=b'9')) => Some(format!("+{BRAZIL}{area}9{local}")),
            _ => None,
        }
    } else if let Some(national) = digits.strip_prefix(ITALY) {
        match national.strip_prefix('0') {
            Some(rest) => (!rest.starts_with('0')).then(|| format!("+{ITALY}{rest}")),
            None => Some(format!("+{ITALY}0{national}")),
        }
    } else {
        None
    };
    other.into_iter().filter(|other| normalised_phone(other).as_deref() == Some(other)).collect()
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
    fn a_number_of_mexico_has_one_form_with_and_without_the_1_that_mobiles_had() {
        for text in ["+52 55 1234 5678", "+52 1 55 1234 5678", "+5215512345678", "+52 (1) 55-1234-5678"] {
            assert_eq!(normalised_phone(text).as_deref(), Some("+525512345678"), "{text}");
        }
    }

    #[test]
    fn the_two_ways_of_a_number_are_each_others_and_another_number_has_one() {
        for (one, other) in [
            ("+5491123456789", "+541123456789"),
            ("+5493511234567", "+543511234567"),
            ("+5511987654321", "+551187654321"),
            ("+393471234567", "+3903471234567"),
            ("+390612345678", "+39612345678"),
        ] {
            assert_eq!(other_ways(one), [other]);
            assert_eq!(other_ways(other), [one]);
        }
        // A fixed line in São Paulo.
        for only in [
            "+551132345678",
            "+5511912345678",
            "+3900612345678",
            "+4798765432",
            "+525512345678",
            "+14155552671",
            "",
            "+",
            "+54",
            "+55",
            "+39",
        ] {
            assert_eq!(other_ways(only), [""; 0], "{only}");
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
                for other in other_ways(&number) {
                    prop_assert_eq!(other_ways(&other), vec![number.clone()]);
                }
            }
        }
    }
}
