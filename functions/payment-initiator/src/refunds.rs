//! Refunds of a payment.

use crossdock::aws::Write;
use crossdock::domain::input::CreateRefund;
use crossdock::domain::refund::RefundStatus;
use crossdock::domain::{PaymentId, Timestamp};
use crossdock::effects::intake::{Repeatable, Request, request_hash, scoped};
use crossdock::effects::refund::Refund;
use crossdock::effects::{Reason, Subject, Verdict, Worked};
use crossdock::error::{Error, Result};
use crossdock::lambda::http::{Answer, ApiRequest};
use crossdock::payments::Asked;

use crate::{PaymentInitiator, asker};

/// The route of a refund in the record of requests.
const REFUND: &str = "POST /payments/{payment_id}/refunds";

impl PaymentInitiator {
    /// `POST /payments/{payment_id}/refunds`
    pub(crate) async fn refund(&self, request: &ApiRequest, payment_id: &PaymentId) -> Result<Answer> {
        let key = request.required_idempotency_key()?;
        let body = request.json_body()?;
        let hash = request_hash("POST", &request.path, body);
        let repeatable = Repeatable { route: REFUND, key: Some(key), hash };
        let input = CreateRefund::parse(body)?;
        let store = |subject: &Subject, verdict: &Verdict| stored(subject, verdict, &repeatable, request.received_at);
        match self.payments.refund(payment_id, &input, &repeatable, &asker(request), store).await? {
            Asked::Worked(worked) | Asked::Resumed(worked) => answer(worked),
            Asked::Answered(answer) => Ok(Answer::new(answer.status, answer.body.expose().clone()).replayed()),
            Asked::Standing(refund, _) => {
                Ok(as_it_is(&refund).unwrap_or_else(|refusal| Answer::problem(&refusal)).replayed())
            }
        }
    }
}

/// The answer to a refund that was carried out.
fn answer(worked: Worked) -> Result<Answer> {
    match worked {
        Worked::Settled(Subject::Refund(refund), Verdict::Refused { .. }) => Err(refused(&refund)),
        Worked::Settled(_, Verdict::NotDone { reason: Reason::VendorCredentials, .. }) => {
            Err(Error::misconfigured("vendor_credentials", "the payment provider does not accept our key"))
        }
        Worked::Settled(Subject::Refund(refund), Verdict::Done) => Ok(Answer::new(201, refund.view())),
        // The outcome of the call is open; an event may have told of it meanwhile.
        Worked::Settled(Subject::Refund(refund), _) => as_it_is(&refund),
        Worked::Settled(..) | Worked::Nothing(_) | Worked::Missing | Worked::Fenced => {
            Err(Error::uncertain("outcome_unknown", "somebody else settles this refund"))
        }
    }
}

fn refused(refund: &Refund) -> Error {
    let detail = "The payment provider does not make this refund.";
    Error::rejected(422, "refund_refused", detail).with("refund_id", refund.refund_id.as_str())
}

/// The final answer to keep for repeats, a refusal too; none while the outcome is open.
fn stored(subject: &Subject, verdict: &Verdict, repeatable: &Repeatable, now: Timestamp) -> Result<Option<Write>> {
    let Subject::Refund(refund) = subject else { return Ok(None) };
    let Some(key) = &refund.request_key else { return Ok(None) };
    let answer = match verdict {
        Verdict::Done => Answer::new(201, refund.view()),
        Verdict::Refused { .. } => Answer::problem(&refused(refund)),
        _ => return Ok(None),
    };
    let key = scoped(&refund.payment_id, key);
    let answer = (answer.status, answer.body);
    Request::answered(REFUND, &key, &repeatable.hash, refund.refund_id.as_str(), answer, now).map(Some)
}

/// The refund as it is, where the outcome of its call is open, and for a repeat whose first answer is not kept: not given yet,
/// or a day ago.
fn as_it_is(refund: &Refund) -> Result<Answer> {
    match (refund.vendor_id.is_some(), refund.status) {
        // The provider made it, whatever became of it since.
        (true, _) => Ok(Answer::new(201, refund.view())),
        (false, RefundStatus::Failed) => Err(refused(refund)),
        (false, _) => Ok(Answer::new(202, refund.view())),
    }
}
