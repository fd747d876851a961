//! Refunds: by the API or by hand in the dashboard, at once, late, or failing in the end.

use super::State;
use super::cards::RefundOutcome;
use super::command::Command;
use super::currency::{check_step, in_words};
use super::events::Origin;
use super::failure::Failure;
use super::form::Form;
use super::later::{Later, REFUND_TAKES_MS};
use super::listing::{Listed, page};
use super::parameters::{integer, metadata, one_of, refuse_unknown};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PARAMETERS: [&str; 5] = ["amount", "charge", "metadata", "payment_intent", "reason"];

const LIST_PARAMETERS: [&str; 6] = ["charge", "created", "ending_before", "limit", "payment_intent", "starting_after"];

const REASONS: [&str; 3] = ["duplicate", "fraudulent", "requested_by_customer"];

/// Money on its way back.
#[derive(Clone, Debug, Serialize)]
pub struct Refund {
    /// `re_…`
    pub id: String,
    /// The charge that is given back, `ch_…`.
    pub charge: String,
    /// Its intent, `pi_…`.
    pub payment_intent: String,
    /// In the smallest unit of the currency.
    pub amount: u64,
    /// ISO 4217, lower case.
    pub currency: String,
    /// `pending`, `succeeded` or `failed`.
    pub status: &'static str,
    /// Why, if the caller said so.
    pub reason: Option<String>,
    /// The caller's own keys and values; none for a refund by hand.
    pub metadata: BTreeMap<String, String>,
    /// Epoch seconds.
    pub created_s: i64,
    /// What it did to the account's balance, `txn_…`.
    pub balance_transaction: String,
    /// The money's return to the balance, `txn_…`, of a failed one.
    pub failure_balance_transaction: Option<String>,
    /// The idempotency key of the request that made it.
    pub idempotency_key: Option<String>,
}

impl Refund {
    /// The object as the API and the events show it.
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": self.balance_transaction,
            "charge": self.charge,
            "created": self.created_s,
            "currency": self.currency,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "receipt_number": null,
            "source_transfer_reversal": null,
            "status": self.status,
            "transfer_reversal": null,
        });
        if let Some(returned) = &self.failure_balance_transaction {
            object["failure_balance_transaction"] = returned.as_str().into();
            object["failure_reason"] = "expired_or_canceled_card".into();
        }
        object
    }
}

impl Listed for Refund {
    const WHAT: &'static str = "refund";

    fn id(&self) -> &str {
        &self.id
    }

    fn created_s(&self) -> i64 {
        self.created_s
    }

    fn to_json(&self) -> Value {
        Self::to_json(self)
    }
}

/// A refund that somebody wants.
#[derive(Debug, Default)]
pub(crate) struct RefundOrder {
    charge: Option<String>,
    payment_intent: Option<String>,
    /// None: all that is left.
    amount: Option<u64>,
    reason: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl RefundOrder {
    /// By hand in the dashboard.
    pub(super) fn by_hand(payment_intent: &str, amount: Option<u64>) -> Self {
        Self { payment_intent: Some(payment_intent.to_owned()), amount, ..Self::default() }
    }
}

/// Checks a refund. What it refers to is looked up by the caller.
pub(super) fn refund(form: &Form) -> Result<Command, Failure> {
    refuse_unknown(form, &PARAMETERS)?;
    let (charge, payment_intent) = (form.get("charge"), form.get("payment_intent"));
    let wrong = |code, message: &str| Err(Failure::invalid(code, Some("payment_intent"), message));
    match (charge, payment_intent) {
        (None, None) => {
            return wrong(Some("parameter_missing"), "One of the following is required: payment_intent, charge.");
        }
        (Some(_), Some(_)) => return wrong(None, "You may only specify one of these: payment_intent, charge."),
        _ => {}
    }
    let amount = form.get("amount").map(|text| integer::<u64>(text, "amount")).transpose()?;
    if amount == Some(0) {
        let message = "This value must be greater than or equal to 1.";
        return Err(Failure::invalid(Some("parameter_invalid_integer"), Some("amount"), message));
    }
    Ok(Command::Refund(RefundOrder {
        charge: charge.map(str::to_owned),
        payment_intent: payment_intent.map(str::to_owned),
        amount,
        reason: one_of(form, "reason", &REASONS)?,
        metadata: metadata(form)?,
    }))
}

impl State {
    /// Whether the charge or intent is known that somebody wants refunded.
    pub(super) fn look_up_refund(&self, order: &RefundOrder) -> Result<(), Failure> {
        match (&order.charge, &order.payment_intent) {
            (Some(id), _) if self.charge(id).is_none() => Err(Failure::no_such("charge", id, "charge", 400)),
            (_, Some(id)) if self.payment_intent(id).is_none() => {
                Err(Failure::no_such("payment_intent", id, "payment_intent", 400))
            }
            _ => Ok(()),
        }
    }

    /// Gives money back. The events: the refund, and the charge with what went back of it so far.
    pub(super) fn make_refund(&mut self, now_ms: i64, order: RefundOrder, origin: &Origin) -> Result<Value, Failure> {
        let position = self.refundable_charge(&order)?;
        let charge = &self.charges[position];
        let left = charge.amount - charge.amount_refunded;
        let amount = order.amount.unwrap_or(left);
        if left == 0 {
            let message = format!("Charge {} has already been refunded.", charge.id);
            return Err(Failure::invalid(Some("charge_already_refunded"), None, message));
        }
        if amount > left {
            let of = if left == charge.amount { "charge amount" } else { "unrefunded amount on charge" };
            let (wanted, left) = (in_words(amount, &charge.currency), in_words(left, &charge.currency));
            let message = format!("Refund amount ({wanted}) is greater than {of} ({left})");
            return Err(Failure::invalid(None, Some("amount"), message));
        }
        check_step(amount, &charge.currency)?;
        let (charge_id, payment_intent) = (charge.id.clone(), charge.payment_intent.clone());
        let (currency, payment_method) = (charge.currency.clone(), charge.payment_method.clone());
        let id = format!("re_{}", self.ids.next("re", 24));
        let balance_transaction = self.book_refund(now_ms, &id, amount, &currency);
        let outcome = self.payment_method(&payment_method).map_or(RefundOutcome::Succeeds, |m| m.card.refund);
        match outcome {
            RefundOutcome::Succeeds => {}
            RefundOutcome::SucceedsLater => self.plan(now_ms + REFUND_TAKES_MS, Later::Refund(id.clone(), true)),
            RefundOutcome::FailsLater => self.plan(now_ms + REFUND_TAKES_MS, Later::Refund(id.clone(), false)),
        }
        let refund = Refund {
            id,
            charge: charge_id,
            payment_intent,
            amount,
            currency,
            status: if outcome == RefundOutcome::SucceedsLater { "pending" } else { "succeeded" },
            reason: order.reason,
            metadata: order.metadata,
            created_s: now_ms / 1000,
            balance_transaction,
            failure_balance_transaction: None,
            idempotency_key: origin.idempotency_key.clone(),
        };
        let object = refund.to_json();
        self.refunds.push(refund);
        self.emit(now_ms, "refund.created", &object, origin);
        self.charges[position].amount_refunded += amount;
        let charge = self.charges[position].to_json();
        self.emit(now_ms, "charge.refunded", &charge, origin);
        Ok(object)
    }

    /// The bank's late answer: the money arrived, or it came back.
    pub(super) fn settle_refund(&mut self, now_ms: i64, id: &str, arrived: bool) -> Result<Value, Failure> {
        let missing = || Failure::no_such("refund", id, "refund", 404);
        let position = self.refunds.iter().position(|refund| refund.id == id).ok_or_else(missing)?;
        let refund = self.refunds[position].clone();
        if refund.status == "failed" || (arrived && refund.status == "succeeded") {
            return Err(Failure::invalid(None, None, "This refund does not wait for the bank."));
        }
        let returned = (!arrived).then(|| self.book_failed_refund(now_ms, &refund.id, refund.amount, &refund.currency));
        if !arrived && let Some(charge) = self.charges.iter_mut().find(|charge| charge.id == refund.charge) {
            charge.amount_refunded -= refund.amount;
        }
        let settled = &mut self.refunds[position];
        settled.status = if arrived { "succeeded" } else { "failed" };
        settled.failure_balance_transaction = returned;
        let object = settled.to_json();
        // Sent of cards in both kinds of account. Where both events are, their order is a guess.
        self.emit(now_ms, "charge.refund.updated", &object, &Origin::default());
        self.emit(now_ms, "refund.updated", &object, &Origin::default());
        if !arrived {
            self.emit(now_ms, "refund.failed", &object, &Origin::default());
        }
        Ok(object)
    }

    /// GET /v1/refunds: newest first, page by page.
    pub(super) fn list_refunds(&self, query: &Form) -> Result<Value, Failure> {
        refuse_unknown(query, &LIST_PARAMETERS)?;
        let (charge, intent) = (query.get("charge"), query.get("payment_intent"));
        let order = RefundOrder {
            charge: charge.map(str::to_owned),
            payment_intent: intent.map(str::to_owned),
            ..RefundOrder::default()
        };
        self.look_up_refund(&order)?;
        let fits = |refund: &&Refund| {
            charge.is_none_or(|id| refund.charge == id) && intent.is_none_or(|id| refund.payment_intent == id)
        };
        page(query, "/v1/refunds", self.refunds.iter().rev().filter(fits).collect())
    }

    /// The charge that took the money which is wanted back.
    fn refundable_charge(&self, order: &RefundOrder) -> Result<usize, Failure> {
        let named = |charge: &super::Charge| match (&order.charge, &order.payment_intent) {
            (Some(id), _) => charge.id == *id,
            (None, intent) => intent.as_ref().is_some_and(|id| charge.payment_intent == *id) && charge.succeeded,
        };
        let found = self.charges.iter().position(named);
        found.filter(|position| self.charges[*position].succeeded).ok_or_else(|| {
            let of_charge = found.map(|position| self.charges[position].payment_intent.clone());
            let intent = of_charge.or_else(|| order.payment_intent.clone()).unwrap_or_default();
            let message = format!("This PaymentIntent ({intent}) does not have a successful charge to refund.");
            Failure::invalid(None, None, message)
        })
    }
}
