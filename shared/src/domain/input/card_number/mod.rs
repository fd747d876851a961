//! Card numbers, which must not enter the system, told from the other long numbers that people write: tracking numbers,
//! EANs, account and phone numbers. (Decision 24 says which fields are tested, and how often a number that is no card is
//! refused.)

mod digits;
mod scheme;

#[cfg(test)]
mod measured;
#[cfg(test)]
mod published;

use digits::{Run, runs};
use scheme::is_card;

/// Lengths that a card number can have.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// Groups of the longest card number: four of four digits, and three.
const CARD_GROUPS_MAX: usize = 5;
/// Digits after which a date of expiry (MMYY), or that and a security code, may be glued to a number of sixteen digits.
const GLUED_DIGITS: [usize; 2] = [16 + 4, 16 + 4 + 3];

/// Whether the text holds a card number as people write one: a scheme's prefix and length, and the Luhn digit. Such text
/// is refused and never logged: card data must not enter the system (PCI DSS).
///
/// A number counts as a whole. Thirteen to nineteen digits from within a longer number are no card: every third tracking
/// number has such a part.
pub fn holds_card_number(text: &str) -> bool {
    runs(text).iter().any(|run| !is_another_number(run) && holds_card(run))
}

fn holds_card(run: &Run) -> bool {
    let whole = run.digits();
    let is_amount = run.groups.len() > 2 && run.groups[1..].iter().all(|group| group.len() == 3);
    if CARD_DIGITS.contains(&whole.len()) && !is_amount && is_card(&whole) {
        return true;
    }
    let count = run.groups.len();
    (0..count).flat_map(|first| (first + 1..=count.min(first + CARD_GROUPS_MAX)).map(move |end| first..end)).any(
        |part| {
            let groups = &run.groups[part];
            let digits = groups.concat();
            match groups {
                [alone] => CARD_DIGITS.contains(&digits.len()) && is_card(alone) || is_glued_to_its_expiry(alone),
                _ => is_written_like_a_card(groups) && is_card(&digits),
            }
        },
    )
}

/// Groups of four, of which only the last may be shorter, or the four, six and the rest of Amex and Diners. Two groups may
/// be written together.
fn is_written_like_a_card(groups: &[Vec<u8>]) -> bool {
    let Some((last, others)) = groups.split_last() else { return false };
    let length = others.iter().map(Vec::len).sum::<usize>() + last.len();
    let by_fours = others.iter().all(|group| matches!(group.len(), 4 | 8 | 12)) && last.len() <= 12;
    let by_four_and_six = others.len() == 2 && others[0].len() == 4 && others[1].len() == 6 && last.len() <= 5;
    CARD_DIGITS.contains(&length) && (by_fours || by_four_and_six)
}

/// Not for what begins with 2: so do twenty digits of USPS.
fn is_glued_to_its_expiry(digits: &[u8]) -> bool {
    let is_month = |month: &[u8]| matches!(month, [0, 1..=9] | [1, 0..=2]);
    GLUED_DIGITS.contains(&digits.len()) && digits[0] != 2 && is_month(&digits[16..18]) && is_card(&digits[..16])
}

/// Numbers that say by their form what they are.
fn is_another_number(run: &Run) -> bool {
    let digits = run.digits();
    is_phone(run, &digits) || is_ups(run, &digits) || is_carriers(&digits) || is_ean(&digits) || is_iban(run, &digits)
}

/// E.164: a plus, and at most fifteen digits.
fn is_phone(run: &Run, digits: &[u8]) -> bool {
    run.before.ends_with('+') && digits.len() <= 15
}

/// UPS: `1Z` and sixteen characters, here sixteen digits.
fn is_ups(run: &Run, digits: &[u8]) -> bool {
    let before = run.before.trim_end();
    digits.len() == 16 && (before.ends_with("1Z") || before.ends_with("1z"))
}

/// Numbers of parcels that are longer than any card: DHL Paket's and other SSCC (`00`), those of USPS (`03`, `7…`, `82`,
/// `9…`, or `420` and a ZIP code before it), FedEx Ground's (`61`, `96`). Their lengths are 20, 22, 26, 30 and 34.
fn is_carriers(digits: &[u8]) -> bool {
    match digits.len() {
        20 | 22 | 34 => matches!(digits, [0, 0 | 3, ..] | [7 | 9, ..] | [8, 2, ..] | [6, 1, ..]),
        26 | 30 => digits.starts_with(&[4, 2, 0]),
        _ => false,
    }
}

/// EAN-13, by its check digit: products of German firms begin with 4, as the short numbers of Visa did, of which the last
/// were issued long ago. (GS1 General Specifications, 7.9.)
fn is_ean(digits: &[u8]) -> bool {
    let weighed = digits.iter().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| u32::from(*digit) * weight);
    digits.len() == 13 && weighed.sum::<u32>().is_multiple_of(10)
}

/// ISO 13616: two letters, and with them and the two check digits at the end, one more than a multiple of 97.
fn is_iban(run: &Run, digits: &[u8]) -> bool {
    let mut country = run.before.chars().rev().map(|letter| letter.to_digit(36).filter(|n| *n >= 10));
    let (Some(Some(second)), Some(Some(first))) = (country.next(), country.next()) else { return false };
    let Some((check, account)) = digits.split_at_checked(2) else { return false };
    let letters = [first / 10, first % 10, second / 10, second % 10];
    let all = account.iter().map(|d| u32::from(*d)).chain(letters).chain(check.iter().map(|d| u32::from(*d)));
    all.fold(0, |rest, digit| (rest * 10 + digit) % 97) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_one_however_people_write_it() {
        for text in [
            "4242424242424242",
            "card 4242 4242 4242 4242 thanks",
            "4242-4242-4242-4242",
            "4242 - 4242 - 4242 - 4242",
            "4242\u{a0}4242\u{a0}4242\u{a0}4242",
            "4242\u{2013}4242\u{2013}4242\u{2013}4242",
            "4242.4242.4242.4242",
            "4242_4242_4242_4242",
            "4242\t4242\t4242\t4242",
            "42424242 42424242",
            "42 42 42 42 42 42 42 42",
            "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2",
            "4242\u{200b}4242\u{200b}4242\u{200b}4242",
            "４２４２４２４２４２４２４２４２",
            "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
            "3782-822463-10005",
            "3782 8224 6310 005",
            "3056 930902 5904",
            "order 17 4242 4242 4242 4242",
            "2027 4242 4242 4242 4242",
            "4242 4242 4242 4242 12/27 123",
            "4242 4242 4242 4242 1227 123",
            "4242424242424242 123",
            "4242424242424242/12/27",
            "42424242424242421227",
            "42424242424242421227123",
            ";4242424242424242=27121010000012345?",
            "%B4242424242424242^LOVELACE/ADA^2712101",
            "VISA:4242424242424242",
            "visa4242424242424242exp",
            "(4242424242424242)",
            "tel +4915123456789, card 4242424242424242",
        ] {
            assert!(holds_card_number(text), "{text}");
        }
    }

    #[test]
    fn another_number_is_none() {
        for (text, what) in [
            ("order 4242424242424241 of 2026", "no Luhn digit"),
            ("+49 170 1234567", "a phone"),
            ("+4242424242424", "a phone"),
            ("00340434310952221522", "DHL Paket"),
            ("0034 0434 3109 5222 1522", "DHL Paket by fours"),
            ("(00)340434310952221522", "an SSCC"),
            ("1Z4242424242424242", "UPS"),
            ("1Z 4242 4242 4242 4242", "UPS by fours"),
            ("9400111202508827453003", "USPS"),
            ("7009 4242 4242 4242 4242", "USPS, certified"),
            ("420100019400111202508827453003", "USPS with a ZIP code"),
            ("4006381333931", "an EAN that has a Luhn digit as well"),
            ("DE89 3704 0044 0532 0130 00", "an IBAN"),
            ("302-1234567-1234567", "an order at Amazon"),
            ("4 242 424 242 424 242", "an amount"),
        ] {
            assert!(!holds_card_number(text), "{text}: {what}");
        }
    }

    #[test]
    fn a_very_long_text_of_digits_is_looked_through_in_one_go() {
        assert!(!holds_card_number(&"1 ".repeat(200_000)));
        assert!(!holds_card_number(&"1".repeat(400_000)));
    }

    #[test]
    fn an_iban_with_the_digits_of_a_card_is_none_and_a_card_behind_two_letters_is_one() {
        // GLS Bank's code begins like a Visa's; of all these accounts, some have a Luhn digit in the middle.
        let iban = |account: u64| {
            let digits = format!("43060967{account:010}");
            let rest = format!("{digits}131400").bytes().fold(0u64, |rest, b| (rest * 10 + u64::from(b - b'0')) % 97);
            let all = format!("DE{:02}{digits}", 98 - rest);
            all.as_bytes()
                .chunks(4)
                .map(|four| String::from_utf8_lossy(four).into_owned())
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!((0..10_000).filter(|account| holds_card_number(&iban(*account * 7_919))).count(), 0);
        assert!(holds_card_number("DE4242424242424242"));
    }
}
