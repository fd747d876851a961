//! Digits in a text, in groups as people write them.

/// Characters that may stand between two groups of one number: ` - `.
const BETWEEN_MAX_CHARS: usize = 3;
/// The zeros of the digits that keyboards have: ASCII, full width, Arabic, Persian, Devanagari.
const ZEROS: [char; 5] = ['0', '０', '٠', '۰', '०'];

/// Groups of digits with nothing but blanks and marks between them.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// What stands directly before the first digit, as far as it could say what the number is.
    pub(super) before: String,
    pub(super) groups: Vec<Vec<u8>>,
}

impl Run {
    pub(super) fn digits(&self) -> Vec<u8> {
        self.groups.concat()
    }
}

/// All runs of a text.
pub(super) fn runs(text: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let (mut before, mut open, mut between) = (String::new(), false, 0);
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if let Some(digit) = digit(c) {
            let starts_run = !open || between > BETWEEN_MAX_CHARS;
            if starts_run {
                runs.push(Run { before: before.clone(), groups: Vec::new() });
            }
            if let Some(run) = runs.last_mut() {
                match run.groups.last_mut() {
                    Some(group) if between == 0 => group.push(digit),
                    _ => run.groups.push(vec![digit]),
                }
            }
            (open, between) = (true, 0);
        } else if is_separator(c) {
            between += 1;
        } else {
            (open, between) = (false, 0);
        }
        remember(&mut before, c);
    }
    runs
}

/// Keeps the last four characters: a country's letters, `1Z` and a blank, a plus.
fn remember(before: &mut String, c: char) {
    before.push(c);
    if before.chars().count() > 4 {
        before.remove(0);
    }
}

fn digit(c: char) -> Option<u8> {
    ZEROS.iter().find_map(|zero| {
        let value = u32::from(c).checked_sub(u32::from(*zero)).filter(|value| *value < 10)?;
        u8::try_from(value).ok()
    })
}

/// Blanks, hyphens and dashes, and the marks that stand in for them.
const fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}'
            | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '.' | '_' | '/'
    )
}

/// Characters that nobody sees.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
