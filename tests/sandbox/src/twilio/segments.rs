//! How many SMS a text takes.

/// Characters that take one septet in GSM 03.38.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§\
    ¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// Characters that take two: an escape and another.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// Septets in a text that fits one SMS, and in each SMS of a longer one (the header that joins them takes the rest).
const GSM_UNITS: (usize, usize) = (160, 153);

/// UTF-16 units in a text that fits one SMS, and in each SMS of a longer one.
const UCS2_UNITS: (usize, usize) = (70, 67);

/// The number of SMS for this text: GSM-7 if every character is in its alphabet, else UCS-2.
pub(super) fn segments(text: &str) -> usize {
    let septets: Option<Vec<usize>> = text.chars().map(septets_of).collect();
    match septets {
        Some(widths) => count(&widths, GSM_UNITS),
        None => count(&text.chars().map(char::len_utf16).collect::<Vec<_>>(), UCS2_UNITS),
    }
}

fn septets_of(c: char) -> Option<usize> {
    if BASIC.contains(c) {
        Some(1)
    } else if EXTENDED.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// Characters are never cut: one that takes two units and has room for one goes into the next SMS.
fn count(widths: &[usize], (alone, joined): (usize, usize)) -> usize {
    if widths.iter().sum::<usize>() <= alone {
        return 1;
    }
    let (mut count, mut used) = (1, 0);
    for width in widths {
        if used + width > joined {
            count += 1;
            used = 0;
        }
        used += width;
    }
    count
}
