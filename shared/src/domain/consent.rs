//! Who may be written to: what an address has agreed to, and what stands in the way.

use serde::{Deserialize, Serialize};

/// Why nothing at all may be sent to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// Its server says that it does not exist.
    Bounced,
    /// Its owner called a mail of ours spam: a provider that goes on sending there loses its good name.
    SpamReported,
    /// Its owner answered STOP: the carriers block every further SMS.
    Stopped,
}

/// A change of what an address agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change", content = "why")]
pub enum ConsentChange {
    /// Asked for marketing.
    OptedIn,
    /// Wants no more marketing; what is about orders still comes.
    OptedOut,
    /// Nothing at all may be sent.
    Suppressed(Suppression),
    /// Whatever was in the way is gone: START after STOP.
    Lifted,
}

impl ConsentChange {
    /// The name in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptedIn => "opted_in",
            Self::OptedOut => "opted_out",
            Self::Suppressed(_) => "suppressed",
            Self::Lifted => "lifted",
        }
    }
}

/// What an address agrees to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Whether it asked for marketing; nobody is asked by default.
    pub marketing: bool,
    /// Why nothing may be sent.
    pub suppressed: Option<Suppression>,
}

impl Consent {
    /// Why a message must not go there; `None` when it may.
    pub const fn forbids(&self, is_marketing: bool) -> Option<&'static str> {
        match self.suppressed {
            Some(Suppression::Bounced) => Some("address_bounced"),
            Some(Suppression::SpamReported) => Some("spam_reported"),
            Some(Suppression::Stopped) => Some("opted_out"),
            None if is_marketing && !self.marketing => Some("no_marketing_consent"),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_marketing_who_did_not_ask_for_it_and_everybody_gets_what_is_about_their_order() {
        let silent = Consent::default();
        assert_eq!(silent.forbids(true), Some("no_marketing_consent"));
        assert_eq!(silent.forbids(false), None);
        let asked = Consent { marketing: true, suppressed: None };
        assert_eq!(asked.forbids(true), None);
    }

    #[test]
    fn a_suppressed_address_gets_nothing_whatever_it_asked_for() {
        let stopped = Consent { marketing: true, suppressed: Some(Suppression::Stopped) };
        assert!(stopped.forbids(true).is_some() && stopped.forbids(false).is_some());
    }
}
