//! What is told of payments: by repeats, a day later, and within one second.

use sandbox::{CallFault, Vendor};
use serde_json::json;

use super::in_a_run;
use crate::shop::{confirmed_payment, payment};
use crate::universe::Universe;

/// When the record of a request has expired.
const A_DAY_LATER_MS: u64 = 25 * 3_600_000;

/// What was told and was not so.
fn untrue(universe: &Universe) -> Vec<String> {
    universe.told.violations.clone()
}

/// A payment is canceled, and a day later its request comes once more.
pub fn a_key_names_its_payment_for_good() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
        let path = format!("/payments/{}/cancel", created.body()["payment_id"].as_str().unwrap());
        universe.call("POST", &path, None, None).await;
        universe.sleep_ms(A_DAY_LATER_MS).await;
        universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
        untrue(&universe)
    })
}

/// Stripe refuses one payment and declines another, and both requests come once more.
pub fn a_refusal_is_final() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let fault = CallFault::ErrorBefore { status: 400 };
        universe.sandbox().faults().next_calls(Vendor::Stripe, "create_payment_intent", 1, fault);
        let declined = confirmed_payment("o-2", "pm_card_visa_chargeDeclined");
        for _ in 0..2 {
            universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
            universe.call("POST", "/payments", Some("k-2"), Some(&declined)).await;
        }
        untrue(&universe)
    })
}

/// Two cards are declined within one second, each for a reason of its own; and of a third the answer is lost.
pub fn a_confirm_is_answered_with_its_own_news() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
        let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap());
        for card in [
            "pm_card_visa_chargeDeclinedInsufficientFunds",
            "pm_card_chargeDeclinedExpiredCard",
            "pm_card_threeDSecure2Required",
        ] {
            if card.contains("threeD") {
                universe.sandbox().faults().next_calls(Vendor::Stripe, "confirm", 1, CallFault::LostAnswer);
            }
            let body = json!({ "payment_method": card, "return_url": "https://shop.example/return" });
            universe.call("POST", &path, None, Some(&body)).await;
        }
        untrue(&universe)
    })
}
