//! Card numbers, which must not enter the system.

/// Whether a run of digits in the text (blanks and dashes between them allowed) has a card's prefix, length and Luhn
/// digit. Such text is refused and never logged: card data must not enter the system (PCI DSS).
pub fn holds_card_number(text: &str) -> bool {
    let mut digits: Vec<u8> = Vec::new();
    for c in text.chars().chain(std::iter::once('.')) {
        match c {
            '0'..='9' => digits.push(u8::try_from(u32::from(c) - u32::from('0')).unwrap_or(0)),
            ' ' | '-' if !digits.is_empty() => {}
            _ => {
                if is_card_number(&digits) {
                    return true;
                }
                digits.clear();
            }
        }
    }
    false
}

fn is_card_number(digits: &[u8]) -> bool {
    // Any window of 13 to 19 digits: a card number glued to other digits is still one.
    (13..=19).any(|length| digits.windows(length).any(|window| has_card_prefix(window) && passes_luhn(window)))
        && digits.len() <= 24
}

fn has_card_prefix(digits: &[u8]) -> bool {
    let first4 = digits[..4].iter().fold(0u32, |n, d| n * 10 + u32::from(*d));
    match digits.len() {
        15 => matches!(first4 / 100, 34 | 37),
        14 => matches!(first4 / 10, 300..=305) || matches!(first4 / 100, 36 | 38 | 39),
        13 => first4 / 1000 == 4,
        16 => {
            matches!(first4, 2221..=2720 | 3528..=3589 | 6011)
                || matches!(first4 / 100, 51..=55 | 62 | 64 | 65)
                || first4 / 1000 == 4
        }
        19 => first4 / 1000 == 4 || matches!(first4 / 100, 62 | 64 | 65),
        _ => false,
    }
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let doubled = u32::from(*digit) * if place % 2 == 1 { 2 } else { 1 };
            if doubled > 9 { doubled - 9 } else { doubled }
        })
        .sum();
    sum.is_multiple_of(10)
}
