//! Keys that may not do everything: what one lacks stops what needs it, and nothing else.

use sandbox::CallFault;
use serde_json::json;
use simulation::shop::{confirmed_payment, order, payment};
use simulation::universe::Universe;

use super::{HOUR_MS, MINUTE_MS, breaker};

async fn pay(universe: &mut Universe, order: &str) -> String {
    let body = confirmed_payment(order, "pm_card_visa");
    let paid = universe.call("POST", "/payments", Some(order), Some(&body)).await;
    assert_eq!(paid.status(), 201, "{order}: {}", paid.body());
    format!("/payments/{}/refunds", paid.body()["payment_id"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_not_read_fees_pays_refunds_and_finds_out_what_happened() {
    for lacking in ["charges", "balance"] {
        let mut universe = Universe::new(1);
        universe.sandbox().set_stripe_key_lacking(&[lacking]);
        for n in 0..6 {
            pay(&mut universe, &format!("o-{n}")).await;
        }
        universe.run_until_quiet(10 * MINUTE_MS).await;
        assert_eq!(breaker(&universe, "stripe#right_fees")["cause"], "forbidden");
        // A resolver reads, and it is let through.
        let fault = CallFault::ErrorAfter { status: 500 };
        universe.sandbox().faults().next_calls(sandbox::Vendor::Stripe, "create_payment_intent", 1, fault);
        let body = confirmed_payment("o-lost", "pm_card_visa");
        universe.sandbox().set_webhook(sandbox::Vendor::Stripe, "", None);
        universe.call("POST", "/payments", Some("o-lost"), Some(&body)).await;
        universe.run_until_quiet(10 * MINUTE_MS).await;
        assert_eq!(order(&mut universe, "o-lost").await["payment"]["status"], "succeeded", "{lacking}");
        let path = pay(&mut universe, "o-last").await;
        assert_eq!(universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await.status(), 201);
        assert_eq!(universe.call("GET", "/customers/c-1/payment-methods", None, None).await.status(), 404);

        universe.sandbox().set_stripe_key_lacking(&[]);
        universe.run_until_quiet(2 * HOUR_MS).await;
        let shown = order(&mut universe, "o-0").await;
        assert!(shown["payment"]["settlement"]["fee"]["value"].is_i64(), "{lacking}: {shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_not_refund_goes_on_charging_and_refunds_when_it_may() {
    let mut universe = Universe::new(1);
    let mut refunds = Vec::new();
    for n in 0..5 {
        refunds.push(pay(&mut universe, &format!("o-{n}")).await);
    }
    universe.sandbox().set_stripe_key_lacking(&["refunds"]);
    for path in &refunds {
        let answer = universe.call("POST", path, Some("r-1"), Some(&json!({}))).await;
        assert!(matches!(answer.status(), 202 | 500), "{}", answer.body());
    }
    assert_eq!(breaker(&universe, "stripe#right_refunds")["cause"], "forbidden");
    for n in 5..10 {
        pay(&mut universe, &format!("o-{n}")).await;
    }
    let created = universe.call("POST", "/payments", Some("k"), Some(&payment("o-open"))).await;
    assert_eq!(created.status(), 201);
    universe.sandbox().set_stripe_key_lacking(&[]);
    universe.run_until_quiet(2 * HOUR_MS).await;
    for n in 0..5 {
        assert_eq!(order(&mut universe, &format!("o-{n}")).await["payment"]["status"], "refunded");
    }
    assert_eq!(breaker(&universe, "stripe#right_refunds")["state"], "CLOSED");
}
