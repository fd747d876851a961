//! What is counted of an intent that is settled.

use crate::domain::Timestamp;
use crate::effects::list::intent::{Intent, Kind, Phase};
use crate::effects::list::outcome::Verdict;
use crate::effects::list::reason::Reason;
use crate::effects::subject::Subject;
use crate::gateway::OperationClass;
use crate::telemetry::metrics::Metric;

/// Refusals of messages that say that something of ours is wrong: our account, our texts, our configuration. What an SMS failed
/// of is told with its code, see effects/subject/message.
const OUR_FAULTS: [Reason; 4] =
    [Reason::VendorRefused, Reason::PostalAddressMissing, Reason::UnwritableMail, Reason::UnwritableSms];

/// Counts a settle that is written.
pub(super) fn settled(intent: &Intent, after: Option<&Subject>, verdict: &Verdict, now: Timestamp) {
    let kind = intent.kind;
    if kind.operation_class() == OperationClass::Effect {
        match (intent.phase, verdict) {
            (Phase::Calling, Verdict::Unknown { .. }) => Metric::UnknownOpened.count(now, &[]),
            // Who asks and is turned away has found out nothing: that is settled as unknown, too.
            (Phase::Resolving, Verdict::Unknown { .. }) => {}
            (Phase::Resolving, _) => Metric::UnknownResolved.count(now, &[]),
            _ => {}
        }
    }
    if matches!(verdict, Verdict::GivenUp { .. }) {
        Metric::WaitingForAPersonArrived.count(now, &[]);
        if kind.is_urgent() {
            Metric::UrgentWaitingForAPersonArrived.count(now, &[]);
        }
    }
    if kind == Kind::ShipmentCreate
        && let Some(carrier) = after.and_then(Subject::carrier)
    {
        let outcome = match verdict {
            Verdict::Done => Some("bought"),
            Verdict::Refused { .. } => Some("refused"),
            Verdict::GivenUp { .. } => Some("given_up"),
            _ => None,
        };
        if let Some(outcome) = outcome {
            Metric::Labels.count(now, &[carrier.as_str(), outcome]);
        }
    }
    if let Verdict::Refused { reason } = verdict
        && matches!(kind, Kind::MailSend | Kind::MailPasswordReset | Kind::MailPromotion)
        && OUR_FAULTS.contains(reason)
    {
        Metric::MessagesRefusedForOurFault.count(now, &[]);
    }
}
