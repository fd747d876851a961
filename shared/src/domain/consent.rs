//! Who may be written to: what an address has agreed to, and what stands in the way.

use serde::{Deserialize, Serialize};

use super::message::MessageKind;

/// Why an address is not written to: not at all, or only what it is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// Its server says that it does not exist.
    Bounced,
    /// Its owner called a mail of ours spam: a provider that goes on sending there loses its good name. They still get what
    /// they are owed ([`MessageKind::is_owed`]): whoever complains of an offer still has orders, and forgets passwords.
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
    /// Nothing may be sent, or nothing but what is owed.
    Suppressed(Suppression),
    /// START after STOP: a STOP is over. Of the same time, the STOP counts. A complaint stays.
    Lifted,
    /// Somebody has proof, or the provider says, that an address that bounced works again. A complaint stays.
    BounceLifted,
    /// Its owner takes back that a mail of ours was spam.
    ComplaintLifted,
}

impl ConsentChange {
    /// The name in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptedIn => "opted_in",
            Self::OptedOut => "opted_out",
            Self::Suppressed(_) => "suppressed",
            Self::Lifted | Self::BounceLifted | Self::ComplaintLifted => "lifted",
        }
    }
}

/// What an address agrees to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Whether it asked for marketing; nobody is asked by default.
    pub marketing: bool,
    /// Why it is not written to: it bounced, or its owner answered STOP.
    pub suppressed: Option<Suppression>,
    /// Whether its owner called a mail of ours spam. It is kept apart: an address may bounce as well, and that it works again
    /// takes no complaint back.
    pub complained: bool,
}

impl Consent {
    /// The strongest reason why it is not written to.
    pub const fn reason(&self) -> Option<Suppression> {
        match self.suppressed {
            None if self.complained => Some(Suppression::SpamReported),
            reason => reason,
        }
    }

    /// Why a message of this kind must not go there; `None` when it may.
    pub const fn forbids(&self, kind: MessageKind) -> Option<&'static str> {
        match self.reason() {
            Some(Suppression::Bounced) => Some("address_bounced"),
            Some(Suppression::SpamReported) if !kind.is_owed() => Some("spam_reported"),
            Some(Suppression::Stopped) => Some("opted_out"),
            _ if kind.is_marketing() && !self.marketing => Some("no_marketing_consent"),
            Some(Suppression::SpamReported) | None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gets_marketing_who_did_not_ask_for_it_and_everybody_gets_what_is_about_their_order() {
        let silent = Consent::default();
        assert_eq!(silent.forbids(MessageKind::Promotion), Some("no_marketing_consent"));
        assert_eq!(silent.forbids(MessageKind::OrderConfirmation), None);
        let asked = Consent { marketing: true, ..Consent::default() };
        assert_eq!(asked.forbids(MessageKind::Promotion), None);
    }

    #[test]
    fn a_suppressed_address_gets_nothing_whatever_it_asked_for() {
        let stopped = Consent { marketing: true, suppressed: Some(Suppression::Stopped), complained: true };
        let bounced = Consent { marketing: true, suppressed: Some(Suppression::Bounced), complained: true };
        assert!(
            MessageKind::ALL.iter().all(|kind| stopped.forbids(*kind).is_some() && bounced.forbids(*kind).is_some())
        );
    }

    #[test]
    fn who_called_an_offer_spam_still_gets_what_they_are_owed() {
        let reported = Consent { marketing: true, suppressed: None, complained: true };
        for kind in MessageKind::ALL {
            let is_dispensable = matches!(kind, MessageKind::Promotion | MessageKind::Welcome);
            assert_eq!(reported.forbids(kind), is_dispensable.then_some("spam_reported"), "{kind:?}");
        }
    }
}
