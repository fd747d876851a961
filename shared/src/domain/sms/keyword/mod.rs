//! What somebody asks for with the text that they answer: no more SMS, SMS again, or who this is.
//!
//! Twilio acts upon a few English and French words, and only when they are the whole text. People write "Stop.", "please stop"
//! and "arrêt", and the law of the United States takes any reasonable way: the words stop, quit, end, revoke, opt out, cancel
//! and unsubscribe always, and else what somebody sensible would understand (47 CFR 64.1200(a)(10)). So the text is read
//! here as well. In doubt a short text is an opt-out: who is taken off by mistake writes START, who is not is written to
//! against their will.
//!
//! The rule, on the text in lower case, without accents and marks:
//!
//! 1. It is STOP when it is one of the words, or a phrase that says the same, of any of the languages (`words.rs`);
//! 2. when all that remains without words of courtesy and of messages ("please", "all", "these texts") is such a word;
//! 3. when a word that hardly says anything else ("stop", "unsubscribe" and theirs, not "end" or "cancel") stands in at most
//!    three words, or begins at most six, and nothing speaks against it: a question mark, a "not", an order or a parcel, a
//!    preposition after it ("stop by", "stop at") or a kind of stop before it ("bus stop").
//! 4. It is START or HELP only when it is one of their words and nothing more. YES counts as Twilio takes it, without
//!    any mark: it may answer another question, and START must not be guessed.

mod words;

use serde::{Deserialize, Serialize};

use crate::domain::consent::{ConsentChange, Suppression};

/// Words of a text in which one strong word is enough.
const SHORT_WORDS_MAX: usize = 3;
/// Words of a text that begins with a strong word.
const BEGUN_WORDS_MAX: usize = 6;
/// Words that are looked at: no opt-out is longer, and a text may have a thousand.
const WORDS_MAX: usize = 12;

/// What somebody asks for with one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keyword {
    /// No more SMS.
    Stop,
    /// SMS again.
    Start,
    /// Who this is.
    Help,
}

impl Keyword {
    /// The name in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Help => "help",
        }
    }

    /// What it changes; nothing for a question.
    pub const fn consent_change(self) -> Option<ConsentChange> {
        match self {
            Self::Stop => Some(ConsentChange::Suppressed(Suppression::Stopped)),
            Self::Start => Some(ConsentChange::Lifted),
            Self::Help => None,
        }
    }

    /// What a text asks for, by the rule of this module; `None` for every other text.
    pub fn read(text: &str) -> Option<Self> {
        let words = words::of(text, WORDS_MAX + 1);
        let phrase = words.join(" ");
        if phrase.is_empty() || words.len() > WORDS_MAX {
            return None;
        }
        if text.trim().eq_ignore_ascii_case("yes") || words::START.contains(&phrase.as_str()) {
            return Some(Self::Start);
        }
        if words::HELP.contains(&phrase.as_str()) {
            return Some(Self::Help);
        }
        is_stop(text, &words, &phrase).then_some(Self::Stop)
    }
}

fn is_stop(text: &str, words: &[String], phrase: &str) -> bool {
    if is_strong(phrase) || words::WEAK.contains(&phrase) || words::PHRASES.contains(&phrase) {
        return true;
    }
    let is_negated = words.iter().any(|word| words::NOT.contains(&word.as_str()));
    let without = |fillers: &[&[&str]]| -> Vec<&str> {
        let rest = words.iter().map(String::as_str);
        rest.filter(|word| !fillers.iter().any(|list| list.contains(word))).collect()
    };
    let (polite, plain) = (without(&[words::COURTESY]), without(&[words::COURTESY, words::MESSAGES]));
    if polite.len() == 1 && words::WEAK.contains(&polite[0]) || words::PHRASES.contains(&polite.join(" ").as_str()) {
        return true;
    }
    if !is_negated && !plain.is_empty() && plain.iter().all(|word| is_strong(word)) {
        return true;
    }
    let is_question = text.trim_end().ends_with(['?', '？', '؟', ';']) && !text.trim_end().ends_with(";)");
    let speaks_against =
        is_negated || is_question || words.iter().any(|word| words::ABOUT_ORDERS.contains(&word.as_str()));
    !speaks_against && words.iter().enumerate().any(|(place, word)| stands_for_itself(words, place, word))
}

/// Whether a strong word stands where it says "no more": in a text of few words, or at the beginning of one that is not
/// much longer.
fn stands_for_itself(words: &[String], place: usize, word: &str) -> bool {
    let is_kind_of_stop =
        place.checked_sub(1).is_some_and(|before| words::KINDS_OF_STOP.contains(&words[before].as_str()));
    let goes_on = words.get(place + 1).is_some_and(|next| words::PREPOSITIONS.contains(&next.as_str()));
    let is_short = words.len() <= SHORT_WORDS_MAX || (place == 0 && words.len() <= BEGUN_WORDS_MAX);
    is_strong(word) && is_short && !is_kind_of_stop && !goes_on
}

fn is_strong(word: &str) -> bool {
    words::STRONG.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_is_read_as_people_write_it() {
        for text in [
            "STOP",
            " stop\n",
            "Stop.",
            "STOP!!!",
            "*stop*",
            "\"Stop\"",
            "(STOP)",
            "stop.",
            "Stop 🛑",
            "stop?",
            "S.T.O.P.",
            "STOP ALL",
            "stopall",
            "Stop-all",
            "please stop",
            "Please stop.",
            "pls stop",
            "STOP please",
            "stop thanks",
            "stop now",
            "stop texting me",
            "Please stop texting me!",
            "stop sending me these messages please",
            "stop it",
            "just stop",
            "I want to stop",
            "ok stop",
            "Stop messages",
            "STOP STOP STOP",
            "stop this nonsense right now",
            "unsubscribe",
            "Unsubscribe me",
            "please unsubscribe me from this list",
            "I want to unsubscribe",
            "quit",
            "Quit.",
            "END",
            "end.",
            "End please",
            "cancel",
            "Cancel!",
            "please cancel",
            "REVOKE",
            "revoke consent",
            "OPTOUT",
            "opt out",
            "Opt-out",
            "opt me out",
            "I opt out",
            "please opt me out",
            "remove me",
            "Remove",
            "take me off your list",
            "do not text me",
            "don't text me again",
            "Don’t contact me",
            "no more texts",
            "leave me alone",
            "no mas",
            "No más!",
        ] {
            assert_eq!(Keyword::read(text), Some(Keyword::Stop), "{text}");
        }
    }

    #[test]
    fn stop_is_read_in_the_languages_that_shops_send_in() {
        for text in [
            "ARRET",
            "ARRÊT",
            "Arrêt.",
            "arretez",
            "Arrêter",
            "désabonner",
            "Se désabonner",
            "STOP svp",
            "stop merci",
            "PARAR",
            "parar por favor",
            "ALTO",
            "Alto!",
            "BAJA",
            "darme de baja",
            "Cancelar",
            "SAIR",
            "pare",
            "Descadastrar",
            "BASTA",
            "basta!",
            "ferma",
            "Annulla",
            "disiscrivimi",
            "STOPP",
            "Stopp bitte",
            "abmelden",
            "Abbestellen",
            "bitte stoppen",
            "AFMELDEN",
            "uitschrijven",
            "stop a.u.b.",
            "AVSLUTT",
            "Avslutt.",
            "stopp takk",
            "avmeld",
            "AVSLUTA",
            "avregistrera",
            "STOP tak",
            "afmeld",
            "LOPETA",
            "peru",
            "ZAKOŃCZ",
            "wypisz",
            "odhlásit",
            "leiratkozás",
            "dezabonare",
            "DUR",
            "iptal",
            "СТОП",
            "стоп",
            "Стоп!",
            "отписаться",
            "хватит",
            "СПРИ",
            "ΣΤΟΠ",
            "σταμάτα",
            "停止",
            "停止。",
            "退订",
            "TD",
            "配信停止",
            "ストップ",
            "중지",
            "수신거부",
            "توقف",
            "إيقاف",
            "הסר",
        ] {
            assert_eq!(Keyword::read(text), Some(Keyword::Stop), "{text}");
        }
    }

    #[test]
    fn what_only_has_the_word_in_it_is_no_opt_out() {
        for text in [
            "",
            "   ",
            "!!!",
            "stop by tomorrow?",
            "Stop by tomorrow",
            "can you stop by",
            "I will stop at the shop later",
            "where is the bus stop?",
            "bus stop",
            "next stop",
            "don't stop",
            "do not stop",
            "please don't stop",
            "never stop",
            "nonstop",
            "stopped",
            "unstoppable",
            "can you stop the delivery?",
            "cancel my order",
            "please cancel order 17",
            "when does it end?",
            "the end",
            "in the end it fits",
            "quit smoking",
            "to the end of the street please",
            "Is this the last stop before the shop closes today",
            "thank you",
            "ok",
            "no",
            "yes please",
            "para",
            "The courier did not stop at my house and I was at home all day",
            "What is this?",
            "please stop the delivery",
            "How can I unsubscribe?",
        ] {
            assert_ne!(Keyword::read(text), Some(Keyword::Stop), "{text}");
        }
    }

    #[test]
    fn start_and_help_are_their_words_and_nothing_more() {
        for (text, expected) in [
            ("START", Some(Keyword::Start)),
            ("Start.", Some(Keyword::Start)),
            ("unstop", Some(Keyword::Start)),
            ("yes", Some(Keyword::Start)),
            (" YES ", Some(Keyword::Start)),
            ("Yes!", None),
            ("yes please", None),
            ("start now", None),
            ("don't start", None),
            ("Info", Some(Keyword::Help)),
            ("help!", Some(Keyword::Help)),
            ("AIDE", Some(Keyword::Help)),
            ("can you help", None),
        ] {
            assert_eq!(Keyword::read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_very_long_text_is_none_and_takes_no_time() {
        assert_eq!(Keyword::read(&"stop ".repeat(100_000)), None);
        assert_eq!(Keyword::read(&"s".repeat(1_000_000)), None);
    }
}
