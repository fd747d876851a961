//! What carriers print: letters of the Latin alphabet without marks. Marks become the letters that stand for them where there
//! is room (`ü` is `ue`), and fall away where there is none; letters of other scripts nobody can print.

use unicode_normalization::UnicodeNormalization as _;

/// Letters that stand for one with a mark, and the one that it becomes where there is no room. What is not in the table is
/// what Unicode takes it apart into.
const LETTERS: [(char, &str, &str); 38] = [
    ('ä', "ae", "a"),
    ('ö', "oe", "o"),
    ('ü', "ue", "u"),
    ('Ä', "Ae", "A"),
    ('Ö', "Oe", "O"),
    ('Ü', "Ue", "U"),
    ('å', "aa", "a"),
    ('Å', "Aa", "A"),
    ('ø', "oe", "o"),
    ('Ø', "Oe", "O"),
    ('æ', "ae", "a"),
    ('Æ', "Ae", "A"),
    ('œ', "oe", "o"),
    ('Œ', "Oe", "O"),
    ('ß', "ss", "s"),
    ('ẞ', "SS", "S"),
    ('þ', "th", "t"),
    ('Þ', "Th", "T"),
    ('ð', "d", "d"),
    ('Ð', "D", "D"),
    ('đ', "d", "d"),
    ('Đ', "D", "D"),
    ('ł', "l", "l"),
    ('Ł', "L", "L"),
    ('ħ', "h", "h"),
    ('Ħ', "H", "H"),
    ('ı', "i", "i"),
    ('ŋ', "n", "n"),
    ('ŧ', "t", "t"),
    ('ə', "e", "e"),
    ('’', "'", "'"),
    ('‘', "'", "'"),
    ('“', "\"", "\""),
    ('”', "\"", "\""),
    ('„', "\"", "\""),
    ('–', "-", "-"),
    ('—', "-", "-"),
    ('⁄', "/", "/"),
];

/// Whether everything in a text can be printed.
pub fn is_printable(text: &str) -> bool {
    plain(text, true).is_some()
}

/// A text as it is printed, with so many characters at most; `None` for one that is longer even without its marks, or of
/// another script.
pub fn printed(text: &str, chars: usize) -> Option<String> {
    let fits = |text: &String| text.len() <= chars;
    plain(text, true).filter(fits).or_else(|| plain(text, false).filter(fits))
}

/// Lines of so many characters, at most so many of them: one that is longer as it is printed is split between two words. `None`
/// where that is not enough.
pub fn lines<'a>(of: &(impl Iterator<Item = &'a str> + Clone), chars: usize, most: usize) -> Option<Vec<String>> {
    let split = |with_room: bool| {
        let mut lines = Vec::new();
        for line in of.clone() {
            lines.extend(words_into_lines(&plain(line, with_room)?, chars)?);
        }
        (lines.len() <= most).then_some(lines)
    };
    split(true).or_else(|| split(false))
}

fn words_into_lines(text: &str, chars: usize) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    if text.len() <= chars {
        return Some(vec![text.to_owned()]);
    }
    for word in text.split_ascii_whitespace() {
        if word.len() > chars {
            return None;
        }
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= chars => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    Some(lines)
}

/// The text in ASCII. `with_room`: with the letters that stand for marks.
fn plain(text: &str, with_room: bool) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for letter in text.trim().nfc() {
        if letter.is_ascii() {
            out.push(letter);
            continue;
        }
        if let Some((_, long, short)) = LETTERS.iter().find(|(known, ..)| *known == letter) {
            out.push_str(if with_room { long } else { short });
            continue;
        }
        let before = out.len();
        for part in std::iter::once(letter).nfkd().filter(|part| !is_mark(*part)) {
            match LETTERS.iter().find(|(known, ..)| *known == part) {
                Some((.., short)) => out.push_str(short),
                None if part.is_ascii() => out.push(part),
                None => return None,
            }
        }
        // A mark without a letter, or something that is nothing without its mark.
        if out.len() == before && !is_mark(letter) {
            return None;
        }
    }
    Some(out)
}

/// The marks that stand above and below letters.
const fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_the_letters_that_stand_for_them_or_fall_away() {
        for (text, long, short) in [
            ("Müller-Straße 7", "Mueller-Strasse 7", "Muller-Strase 7"),
            ("Mu\u{308}ller", "Mueller", "Muller"),
            ("Søren Ærø Åse", "Soeren Aeroe Aase", "Soren Aro Ase"),
            ("Łódź, ul. Żółta", "Lodz, ul. Zolta", "Lodz, ul. Zolta"),
            ("Đặng Văn Ơn", "Dang Van On", "Dang Van On"),
            ("C/ Núñez 1º – 2ª", "C/ Nunez 1o - 2a", "C/ Nunez 1o - 2a"),
            ("L’Haÿ-les-Roses", "L'Hay-les-Roses", "L'Hay-les-Roses"),
            ("İstanbul ığ", "Istanbul ig", "Istanbul ig"),
            ("plain", "plain", "plain"),
        ] {
            assert_eq!(printed(text, 99).as_deref(), Some(long), "{text}");
            assert_eq!(plain(text, false).as_deref(), Some(short), "{text}");
        }
        assert_eq!(printed("üü", 3).as_deref(), Some("uu"), "where there is no room for both letters");
        assert_eq!(printed("abc", 2), None);
    }

    #[test]
    fn letters_of_other_scripts_are_not_printed() {
        for text in ["Москва", "東京", "Αθήνα", "דרך", "शहर", "☃", "a 東"] {
            assert!(!is_printable(text), "{text}");
            assert_eq!(printed(text, 99), None, "{text}");
        }
        assert!(is_printable("") && is_printable("Zoë Åström"));
    }

    #[test]
    fn a_line_that_is_too_long_is_split_between_words_and_never_cut() {
        let of = |text: &[&str], chars, most| lines(&text.iter().copied(), chars, most);
        assert_eq!(
            of(&["Obere Süßwasserbrücke 12"], 20, 3),
            Some(vec!["Obere".into(), "Suesswasserbruecke".into(), "12".into()])
        );
        assert_eq!(of(&["Am Markt 2", "c/o Bob"], 20, 3), Some(vec!["Am Markt 2".into(), "c/o Bob".into()]));
        assert_eq!(
            of(&["Große Straße 7", "Hinterhof"], 14, 2),
            Some(vec!["Grose Strase 7".into(), "Hinterhof".into()])
        );
        assert_eq!(of(&["Donaudampfschifffahrtsgasse"], 20, 3), None);
        assert_eq!(of(&["a b", "c d"], 1, 3), None, "four lines");
    }
}
