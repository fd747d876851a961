//! How a text travels as SMS: its alphabet, and into how many segments it is cut; and the words that people answer with.
//! (3GPP TS 23.038 for the alphabet, TS 23.040 for the lengths.)

mod allowance;
pub mod failure;
mod keyword;

pub use allowance::{Caps, Destinations, calling_code};
pub use keyword::Keyword;

/// The longest text that a provider takes, in characters; beyond it the message is refused, not cut. (Twilio's OpenAPI file,
/// `Body` of `CreateMessage`: "up to 1,600 characters".)
pub const TEXT_MAX_CHARS: usize = 1_600;

/// What stands in the basic table of the GSM alphabet, beside ASCII letters, digits and the marks in
/// [`BASIC_ASCII_MARKS`]: one septet each.
const BASIC: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà";
/// The marks of ASCII that the basic table has.
const BASIC_ASCII_MARKS: &str = "\n\r @$_!\"#%&'()*+,-./:;<=>?";
/// The extension table: an escape and a septet.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// The alphabet that a text needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Septets, when every character is in the GSM alphabet.
    Gsm7,
    /// UTF-16 code units, as soon as one is not.
    Ucs2,
}

impl Alphabet {
    /// Units in a text that fits one segment.
    const fn alone(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units in each of several segments: a header of six bytes says which of them it is.
    const fn joined(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    /// Units that a character takes.
    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => septets(c).unwrap_or(1),
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// A text, counted as carriers count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// Its alphabet.
    pub alphabet: Alphabet,
    /// Its length in the alphabet's units.
    pub units: usize,
    /// Segments; an empty text is one.
    pub count: usize,
    /// Whether a provider takes it.
    pub fits: bool,
}

/// Counts a text. A character is never cut in two: an escape and its septet, and the two halves of a surrogate pair,
/// stay in one segment.
pub fn segments(text: &str) -> Segments {
    let alphabet = if text.chars().all(|c| septets(c).is_some()) { Alphabet::Gsm7 } else { Alphabet::Ucs2 };
    let units = text.chars().map(|c| alphabet.units(c)).sum();
    let mut count = 1;
    if units > alphabet.alone() {
        let mut used = 0;
        for size in text.chars().map(|c| alphabet.units(c)) {
            if used + size > alphabet.joined() {
                count += 1;
                used = 0;
            }
            used += size;
        }
    }
    Segments { alphabet, units, count, fits: text.chars().count() <= TEXT_MAX_CHARS }
}

fn septets(c: char) -> Option<usize> {
    if c.is_ascii_alphanumeric() || BASIC_ASCII_MARKS.contains(c) || BASIC.contains(c) {
        Some(1)
    } else {
        EXTENSION.contains(c).then_some(2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(text: &str) -> (Alphabet, usize, usize) {
        let counted = segments(text);
        (counted.alphabet, counted.units, counted.count)
    }

    #[test]
    fn a_text_of_the_gsm_alphabet_has_160_septets_alone_and_153_in_each_of_several_segments() {
        for (length, count) in [(0, 1), (1, 1), (160, 1), (161, 2), (306, 2), (307, 3), (1_530, 10), (1_531, 11)] {
            assert_eq!(counted(&"a".repeat(length)), (Alphabet::Gsm7, length, count), "{length}");
        }
    }

    #[test]
    fn one_character_outside_of_the_gsm_alphabet_makes_70_and_67() {
        for (length, count) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3)] {
            let text = format!("ç{}", "a".repeat(length - 1));
            assert_eq!(counted(&text), (Alphabet::Ucs2, length, count), "{length}");
        }
    }

    #[test]
    fn an_extended_character_takes_two_septets_and_is_not_cut_in_two() {
        assert_eq!(counted(&"€".repeat(80)), (Alphabet::Gsm7, 160, 1));
        assert_eq!(counted(&"€".repeat(81)), (Alphabet::Gsm7, 162, 2));
        // 76 fit into the 153 septets of a segment, with one left over each time.
        assert_eq!(counted(&"€".repeat(152)), (Alphabet::Gsm7, 304, 2));
        assert_eq!(counted(&"€".repeat(153)), (Alphabet::Gsm7, 306, 3));
    }

    #[test]
    fn an_emoji_takes_two_units_and_is_not_cut_in_two() {
        assert_eq!(counted(&"🫐".repeat(35)), (Alphabet::Ucs2, 70, 1));
        assert_eq!(counted(&"🫐".repeat(66)), (Alphabet::Ucs2, 132, 2));
        assert_eq!(counted(&"🫐".repeat(67)), (Alphabet::Ucs2, 134, 3));
    }

    #[test]
    fn the_gsm_alphabet_has_137_characters_beside_the_escape() {
        let all = (0..=0xffff_u32).filter_map(char::from_u32);
        let (basic, extended): (Vec<char>, Vec<char>) =
            all.filter(|c| septets(*c).is_some()).partition(|c| septets(*c) == Some(1));
        assert_eq!((basic.len(), extended.len()), (127, 10));
        assert!("`´çáíóúÅ".chars().filter(|c| septets(*c).is_some()).eq("Å".chars()));
    }

    #[test]
    fn a_text_of_1600_characters_fits_and_a_longer_one_does_not() {
        assert!(segments(&"a".repeat(1_600)).fits);
        assert!(!segments(&"a".repeat(1_601)).fits);
        assert!(segments(&"🫐".repeat(1_600)).fits);
        assert!(!segments(&"🫐".repeat(1_601)).fits);
    }

    proptest! {
        #[test]
        fn a_text_fills_its_segments_and_none_of_them_is_too_full(text in "[a-zé€^ ]{0,400}|\\PC{0,200}|[🫐a]{0,200}") {
            let counted = segments(&text);
            let (alone, joined) = (counted.alphabet.alone(), counted.alphabet.joined());
            prop_assert_eq!(counted.count == 1, counted.units <= alone);
            if counted.count > 1 {
                // A segment is left with at most one unit free.
                prop_assert!(counted.units <= counted.count * joined);
                prop_assert!(counted.units > (counted.count - 1) * (joined - 1));
            }
        }

        #[test]
        fn a_longer_text_never_has_fewer_segments(text in "\\PC{0,200}", more in "\\PC{0,40}") {
            let longer = format!("{text}{more}");
            prop_assert!(segments(&longer).count >= segments(&text).count);
        }
    }
}
