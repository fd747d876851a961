//! A person's name, as it is printed in a mail: in the greeting, and beside the address.
//!
//! A name comes from a form that anybody can fill in, with anybody's mail address. Without a rule, a stranger has the shop send
//! "Hello 50 % off: evil.example/x," to people of their choice. So a name is printed only if nobody can take it for a link, an
//! address or a number to call. A name that breaks the rule is left out: the greeting is "Hello,". Nothing is refused for it,
//! because people do have long and unusual names.

use std::fmt;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::Private;

/// Longest name that is printed, in characters: what fits on one line of a mail. Names of several people, or with all titles,
/// are longer; they are greeted without it.
const CHARS_MAX: usize = 60;
/// Most digits in a name ("Henry the 8th", "Studio 1234"). Mail programs make links of numbers to call from seven digits on.
const DIGITS_MAX: usize = 4;
/// Most marks on one letter. Vietnamese and Hebrew need three; dozens of them run over the lines around the name.
const MARKS_MAX: usize = 4;
/// From here on a dot makes a domain: there is no top-level domain of one character, and initials have one letter ("J.R.R.").
const TOP_LEVEL_CHARS_MIN: usize = 2;
/// The first character of the scripts (Arabic and later ones) that need joiners inside of words. In others nobody misses them.
const FIRST_JOINED: char = '\u{600}';

/// Why a name is not printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotPrinted {
    /// It has more than 60 characters.
    TooLong,
    /// It has characters that no name needs: `@`, `/`, `:`, control characters, marks that turn the direction of writing.
    UnusualCharacters,
    /// A dot is followed by a word, as in `evil.example`.
    LooksLikeALink,
    /// It has more than four digits.
    LooksLikeANumber,
    /// There is no letter in it.
    NoLetter,
}

/// A name that may be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PrintedName(String);

impl PrintedName {
    /// The name as it is printed, with single blanks.
    ///
    /// # Errors
    /// Why it is left out.
    pub fn of(name: &Private<String>) -> Result<Self, NotPrinted> {
        // A name of a megabyte is not worth reading.
        if name.expose().chars().nth(4 * CHARS_MAX).is_some() {
            return Err(NotPrinted::TooLong);
        }
        let blank = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{3000}');
        let words: Vec<&str> = name.expose().split(blank).filter(|word| !word.is_empty()).collect();
        let name = words.join(" ");
        if name.chars().count() > CHARS_MAX {
            return Err(NotPrinted::TooLong);
        }
        // As mail programs may read it: in some of them `⒈` is a digit and a dot, and a letter in a circle is a letter.
        let read: String = name.nfkc().collect();
        if !has_usual_characters(&name) || !has_usual_characters(&read) {
            return Err(NotPrinted::UnusualCharacters);
        }
        if looks_like_a_link(&name) || looks_like_a_link(&read) {
            return Err(NotPrinted::LooksLikeALink);
        }
        if read.chars().filter(|c| c.is_numeric()).count() > DIGITS_MAX {
            return Err(NotPrinted::LooksLikeANumber);
        }
        if name.chars().any(char::is_alphabetic) { Ok(Self(name)) } else { Err(NotPrinted::NoLetter) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PrintedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[private]")
    }
}

/// Letters, digits, marks on letters, and what stands between the parts of names. What is not named here is no part of a name:
/// `@` and `/` in each of their forms, the dots of other scripts (which make domains too), control and bidi characters.
fn has_usual_characters(name: &str) -> bool {
    let mut before = None;
    let mut marks = 0;
    name.chars().all(|c| {
        let is_mark = is_combining_mark(c);
        marks = if is_mark { marks + 1 } else { 0 };
        let after = before.replace(c);
        let is_joiner = matches!(c, '\u{200c}' | '\u{200d}');
        let between = matches!(c, ' ' | '-' | '.' | '\'' | ',' | '&' | '(' | ')');
        let between = between || matches!(c, '\u{2019}' | '\u{2010}' | '\u{2011}' | '\u{b7}' | '\u{30fb}');
        if is_joiner {
            return after
                .is_some_and(|after| after >= FIRST_JOINED && (after.is_alphabetic() || is_combining_mark(after)));
        }
        if is_mark {
            return marks <= MARKS_MAX && after.is_some_and(|after| after != ' ');
        }
        c.is_alphanumeric() || between
    })
}

/// Whether a dot is followed by what could be a top-level domain, or by a digit as in `192.0.2.1`. Letters of every script
/// count, so nobody gets past it with letters that look like others.
fn looks_like_a_link(name: &str) -> bool {
    name.split('.').skip(1).any(|after| {
        let mut word = after.chars().filter(|c| !matches!(c, '\u{200c}' | '\u{200d}')).peekable();
        if word.peek().is_some_and(|c| c.is_numeric()) {
            return true;
        }
        word.take_while(|c| c.is_alphanumeric() || is_combining_mark(*c) || matches!(c, '-' | '\u{2010}' | '\u{2011}'))
            .count()
            >= TOP_LEVEL_CHARS_MIN
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(name: &str) -> Result<String, NotPrinted> {
        PrintedName::of(&Private::new(name.to_owned())).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn names_of_people_are_printed() {
        for name in [
            "Ada Lovelace",
            "J.R.R. Tolkien",
            "Dr. Ngô Bảo Châu",
            "O\u{2019}Connor",
            "Jean-Luc & Zoë",
            "Gal·la Plàcidia",
            "عبد الله محمد",
            "מַתִּתְיָהוּ",
            "علی\u{200c}رضا",
            "क्षितिज",
            "ශ්\u{200d}රී ලංකා",
            "山田\u{3000}太郎",
            "Björk Guðmundsdóttir (Ísland)",
            "Henry the 8th",
            "Martin Luther King, Jr.",
            "\u{1e9}ǃXóõ",
        ] {
            let as_printed = name.replace('\u{3000}', " ");
            assert_eq!(printed(name), Ok(as_printed), "{name}");
        }
        assert_eq!(printed("  Ada   L. "), Ok("Ada L.".to_owned()));
        assert_eq!(printed(&"x".repeat(60)), Ok("x".repeat(60)));
    }

    #[test]
    fn what_could_be_a_link_an_address_or_a_number_is_not_printed() {
        for (name, why) in [
            ("evil.example/x", NotPrinted::UnusualCharacters),
            ("https://evil.example", NotPrinted::UnusualCharacters),
            ("write to me@evil.example", NotPrinted::UnusualCharacters),
            ("me＠evil", NotPrinted::UnusualCharacters),
            ("evil.example", NotPrinted::LooksLikeALink),
            ("Ada www.evil.co now", NotPrinted::LooksLikeALink),
            ("ｅｖｉｌ.ｅｘａｍｐｌｅ", NotPrinted::LooksLikeALink),
            ("еvіl.рф", NotPrinted::LooksLikeALink),
            ("ⓔⓥⓘⓛ.ⓒⓞⓜ", NotPrinted::LooksLikeALink),
            ("evil.c\u{301}o", NotPrinted::LooksLikeALink),
            ("पपप.\u{93f}\u{200d}क", NotPrinted::LooksLikeALink),
            ("at 192.0.2.1", NotPrinted::LooksLikeALink),
            ("evil。com", NotPrinted::UnusualCharacters),
            ("evil．com", NotPrinted::UnusualCharacters),
            ("evil․com", NotPrinted::UnusualCharacters),
            ("evil｡com", NotPrinted::UnusualCharacters),
            ("evil.\u{200b}com", NotPrinted::UnusualCharacters),
            ("ev\u{200d}il", NotPrinted::UnusualCharacters),
            ("call 0900 5550199", NotPrinted::LooksLikeANumber),
            ("call ٠٩٠٠٥٥٥", NotPrinted::LooksLikeANumber),
            ("Ada\u{202e}elpmaxe", NotPrinted::UnusualCharacters),
            ("Ada\nBcc: all", NotPrinted::UnusualCharacters),
            ("Ada\u{2028}x", NotPrinted::UnusualCharacters),
            ("A\u{300}\u{300}\u{300}\u{300}\u{300}", NotPrinted::UnusualCharacters),
            ("<b>Ada</b>", NotPrinted::UnusualCharacters),
            ("{{shop}}", NotPrinted::UnusualCharacters),
            ("", NotPrinted::NoLetter),
            ("...", NotPrinted::NoLetter),
        ] {
            assert_eq!(printed(name), Err(why), "{name:?}");
        }
        assert_eq!(printed(&"x".repeat(61)), Err(NotPrinted::TooLong));
        assert_eq!(printed(&" ".repeat(1_000_000)), Err(NotPrinted::TooLong));
    }

    /// What a mail program may make of a text before it looks for links: compatibility forms are folded, what cannot be seen
    /// is dropped, and the dots that IDNA knows are dots. (UTS 46; RFC 3490, 3.1.)
    fn as_read(text: &str) -> String {
        let is_unseen =
            |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{ad}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
        text.nfkc().filter(|c| !is_unseen(*c)).map(|c| if c == '。' { '.' } else { c }).collect()
    }

    fn is_inert(text: &str) -> bool {
        let read = as_read(text);
        let has_forbidden = read.chars().any(|c| {
            c.is_control()
                || matches!(
                    c,
                    '@' | '/' | '\\' | ':' | '<' | '>' | '{' | '}' | '"' | '\u{2028}' | '\u{2029}' | '\u{61c}'
                )
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        let word_after =
            |after: &str| after.chars().take_while(|c| c.is_alphanumeric() || is_combining_mark(*c)).count();
        let has_domain = read.split('.').skip(1).any(|after| word_after(after) > 1);
        text.chars().count() <= CHARS_MAX && !has_forbidden && !has_domain
    }

    #[test]
    fn no_single_character_is_printed_that_reads_as_a_part_of_a_link() {
        for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            for name in [format!("Ada{c}Bo"), format!("Ada.{c}Bo"), format!("evil{c}com"), format!("{c}")] {
                if let Ok(name) = printed(&name) {
                    assert!(is_inert(&name), "{c:?} {name:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_printed_is_short_and_inert(name in "\\PC{0,80}|(?s:.{0,80})|[a-zé.。٠\u{200d}\u{202e}@/ 1क्]{0,20}") {
            if let Ok(name) = printed(&name) {
                prop_assert!(is_inert(&name), "{name:?}");
            }
        }
    }
}
