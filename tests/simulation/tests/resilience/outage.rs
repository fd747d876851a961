//! A vendor that is down for hours, seen from the whole system.

use sandbox::Vendor;
use serde_json::json;
use simulation::invariants::{of_type, text, violations};
use simulation::shop::{confirmed_payment, order};
use simulation::universe::Universe;

use super::{HOUR_MS, breaker, stripe_calls};

/// Payments that are asked for during the outage.
const ORDERS: usize = 60;

#[tokio::test(start_paused = true)]
async fn six_hours_without_stripe_cost_a_few_probes_and_no_message_and_end_with_every_order_paid() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    for n in 0..ORDERS {
        let order = format!("o-{n}");
        let answer =
            universe.call("POST", "/payments", Some(&order), Some(&confirmed_payment(&order, "pm_card_visa"))).await;
        assert_eq!(answer.status(), 202, "order {n}: {}", answer.body());
        universe.sleep_ms(100).await;
    }
    universe.run_until_quiet(6 * HOUR_MS).await;
    // Five that opened it, those under way, and probes: at first each minute, later each ten.
    let calls = stripe_calls(&universe);
    assert!(calls <= 70, "{calls} calls during the outage");
    for dlq in ["payments-dlq", "email-dlq", "inbound-events-dlq"] {
        assert!(universe.aws().sqs().messages(dlq).is_empty(), "{dlq}");
    }

    universe.sandbox().faults().outage(Vendor::Stripe, false);
    universe.run_until_quiet(2 * HOUR_MS).await;
    assert_eq!(breaker(&universe, "stripe#effect")["state"], "CLOSED");
    for n in 0..ORDERS {
        let order = order(&mut universe, &format!("o-{n}")).await;
        assert_eq!(order["payment"]["status"], "succeeded", "{order}");
    }
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_one_vendor_does_not_hold_up_the_work_of_another() {
    let mut universe = Universe::new(1);
    universe.keeps_instances = true;
    universe.sandbox().faults().outage(Vendor::SendGrid, true);
    for n in 0..ORDERS {
        let order = format!("o-{n}");
        let answer =
            universe.call("POST", "/payments", Some(&order), Some(&confirmed_payment(&order, "pm_card_visa"))).await;
        assert_eq!(answer.status(), 201, "order {n}: {}", answer.body());
    }
    universe.run_until_quiet(6 * HOUR_MS).await;
    let order = order(&mut universe, "o-1").await;
    assert_eq!(order["payment"]["settlement"]["fee"]["currency"], "EUR", "{order}");
    assert!(universe.aws().sqs().messages("email-dlq").is_empty());
    universe.sandbox().faults().outage(Vendor::SendGrid, false);
    universe.run_until_quiet(2 * HOUR_MS).await;
    assert_eq!(universe.sandbox().sendgrid().mails().len(), ORDERS);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

/// More than one page of a shard, all of it older than what a shopper waits for.
const PROMOTIONS: usize = 1_200;

#[tokio::test(start_paused = true)]
async fn a_backlog_of_promotions_hides_no_payment_that_is_due() {
    let mut universe = Universe::new(1);
    universe.sandbox().faults().outage(Vendor::Stripe, true);
    universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
    universe.sandbox().faults().outage(Vendor::Stripe, false);
    let items = universe.aws().table().items();
    let payment = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("payment.create")).unwrap();
    let shard = text(payment, "due_pk").unwrap();
    let give_up_at = json!({ "N": (universe.now_ms() + 12 * HOUR_MS).to_string() });
    for n in 0..PROMOTIONS {
        let (id, campaign) = (format!("int_{n}"), format!("campaign-{n}"));
        let pk = format!("INTENT#{id}");
        let texts = [("intent_id", id.as_str()), ("kind", "mail.promotion"), ("phase", "READY")];
        let table = universe.aws().table();
        table.put(&pk, "INTENT", &[&texts[..], &[("correlation_id", campaign.as_str()), ("due_pk", shard)]].concat());
        table.set_attributes(&pk, "INTENT", &[("due", &json!({ "N": "1" })), ("give_up_at", &give_up_at)]);
    }
    universe.sleep_ms(300_000).await;
    universe.sweep().await;
    assert_eq!(universe.aws().sqs().messages("payments").len(), 1);
}
