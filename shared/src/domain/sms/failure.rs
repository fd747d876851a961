//! Why an SMS failed, in few words: there are hundreds of Twilio's codes, and a metric has a handful of reasons.
//! <https://www.twilio.com/docs/api/errors>

/// The recipient has replied STOP, or has Twilio's messages blocked.
const BLOCKED: [u32; 2] = [21_610, 30_004];
/// No such number, or one that takes no SMS: invalid (21211), not routable (21612), no mobile (21614), unknown (30005), a
/// landline (30006).
const INVALID: [u32; 5] = [21_211, 21_612, 21_614, 30_005, 30_006];
/// Switched off, out of reach, a part of it lost on the way, or the carrier's network is full.
const UNREACHABLE: [u32; 3] = [30_003, 30_009, 30_017];
/// The carrier, or Twilio's protection from pumping, took it for unwanted: 30007, 30450.
const FILTERED: [u32; 2] = [30_007, 30_450];
/// What is wrong is ours: the account (30002), the sender's registration or verification (21212, 21408, 21606, 21608, 30018,
/// 30024, 30032, 30034), the rates that we have (30001, 30022, 30023, 30027, 63038), the price that we allow (30010), the text
/// (21617, 30019).
const OURS: [u32; 17] = [
    21_212, 21_408, 21_606, 21_608, 21_617, 30_001, 30_002, 30_010, 30_018, 30_019, 30_022, 30_023, 30_024, 30_027,
    30_032, 30_034, 63_038,
];

/// The class of a code of Twilio's.
pub fn class(code: u32) -> &'static str {
    let classes: [(&[u32], &'static str); 5] = [
        (&BLOCKED, "blocked_by_recipient"),
        (&INVALID, "number_invalid"),
        (&UNREACHABLE, "unreachable"),
        (&FILTERED, "filtered_by_carrier"),
        (&OURS, "our_account"),
    ];
    classes.into_iter().find(|(codes, _)| codes.contains(&code)).map_or("other", |(_, class)| class)
}

/// Whether what is wrong is ours to put right: the next message will fail as well.
pub fn is_ours(code: u32) -> bool {
    OURS.contains(&code) || FILTERED.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::class;

    #[test]
    fn a_code_has_one_class_and_one_that_nobody_knows_is_other() {
        let some = [30_003, 21_614, 21_610, 30_007, 30_034, 30_008, 1].map(class);
        let expected = [
            "unreachable",
            "number_invalid",
            "blocked_by_recipient",
            "filtered_by_carrier",
            "our_account",
            "other",
            "other",
        ];
        assert_eq!(some, expected);
    }
}
