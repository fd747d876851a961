//! Who may be written to: what an address has agreed to, and what stands in the way.

use serde::{Deserialize, Serialize};

use super::Timestamp;

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

/// What an address agrees to, as of its latest changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whether it asked for marketing; nobody is asked by default.
    #[serde(default)]
    pub marketing: bool,
    /// When it last said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing_at: Option<Timestamp>,
    /// Why nothing may be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppression>,
    /// When that was last said, or taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_at: Option<Timestamp>,
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
        let asked = Consent { marketing: true, ..Consent::default() };
        assert_eq!(asked.forbids(true), None);
    }

    #[test]
    fn a_suppressed_address_gets_nothing_whatever_it_asked_for() {
        let stopped = Consent { marketing: true, suppressed: Some(Suppression::Stopped), ..Consent::default() };
        assert!(stopped.forbids(true).is_some() && stopped.forbids(false).is_some());
    }
}
