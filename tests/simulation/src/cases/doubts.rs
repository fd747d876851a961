//! What a vendor may have done although an answer says otherwise, and what turns out to be alive although we took it for over.

use sandbox::{CallFault, Dial, Reply, Vendor, WebhookFault};
use serde_json::{Value, json};

use super::in_a_run;
use crate::invariants::{of_type, text, violations};
use crate::shop::{confirmed_payment, payment};
use crate::universe::{Response, Universe};

/// Longer than whatever is due takes.
const A_WHILE_MS: i64 = 4 * 3_600_000;
/// Long enough to look, and before a late webhook comes.
const AN_HOUR_MS: i64 = 3_600_000;

/// The vendor's edge says no, and nothing of what it has done before.
const REFUSED: CallFault = CallFault::ErrorBefore { status: 400 };
const TURNED_AWAY: CallFault = CallFault::ErrorBefore { status: 503 };
const THROTTLED: CallFault = CallFault::Throttled { retry_after_s: 1 };

/// What is not as it should be, in words.
fn unless(holds: bool, what: impl FnOnce() -> String) -> Vec<String> {
    if holds { Vec::new() } else { vec![format!("P: {}", what())] }
}

/// Whatever Stripe has done and not said is forgotten under its key, and no webhook tells of it for two hours.
fn forgetful() -> Universe {
    let universe = Universe::new(1);
    for dial in [Dial::UnavailableYetDone, Dial::LostAnswersForgetTheirKey] {
        universe.sandbox().dials().turn(dial);
    }
    universe.sandbox().faults().every_webhook(Vendor::Stripe, WebhookFault::Late { ms: 2 * 3_600_000 });
    universe
}

fn next_calls(universe: &Universe, operation: &str, faults: &[CallFault]) {
    for fault in faults {
        universe.sandbox().faults().next_calls(Vendor::Stripe, operation, 1, *fault);
    }
}

/// The order's n-th payment, as it is stored.
pub fn nth(universe: &Universe, ordinal: i64) -> Value {
    let items = universe.aws().table().items();
    of_type(&items, "payment").find(|payment| payment["ordinal"] == ordinal).cloned().unwrap_or_default()
}

/// A create that was carried out and answered as if not, or not at all, is refused when it is repeated: it is looked for.
pub fn a_refused_repeat_is_no_proof() -> Vec<String> {
    in_a_run(async {
        let mut wrong = Vec::new();
        let courses: [&[CallFault]; 4] = [
            &[TURNED_AWAY, THROTTLED, REFUSED],
            &[TURNED_AWAY, REFUSED],
            &[CallFault::LostAnswer, REFUSED],
            &[TURNED_AWAY, TURNED_AWAY, REFUSED],
        ];
        for faults in courses {
            let mut universe = forgetful();
            next_calls(&universe, "create_payment_intent", faults);
            let body = confirmed_payment("o-1", "pm_card_visa");
            let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
            wrong.extend(unless(created.status() == 202, || format!("{faults:?}: created with {}", created.status())));
            universe.run_until_quiet(AN_HOUR_MS).await;
            let status = nth(&universe, 1)["status"].clone();
            wrong.extend(unless(status == "succeeded", || format!("{faults:?}: it was charged, and is {status}")));
            universe.run_until_quiet(A_WHILE_MS).await;
            wrong.extend(violations(&universe));
        }
        wrong
    })
}

/// The same of a refund: when it is repeated there is nothing left to give back.
pub fn a_refund_that_is_refused_as_made_is_made() -> Vec<String> {
    in_a_run(async {
        let mut universe = forgetful();
        let body = confirmed_payment("o-1", "pm_card_visa");
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
        universe.run_until_quiet(A_WHILE_MS).await;
        next_calls(&universe, "create_refund", &[TURNED_AWAY]);
        let path = format!("/payments/{}/refunds", created.body()["payment_id"].as_str().unwrap_or_default());
        universe.call("POST", &path, Some("r-1"), Some(&json!({}))).await;
        universe.run_until_quiet(AN_HOUR_MS).await;
        let items = universe.aws().table().items();
        let status = of_type(&items, "refund").next().map_or(Value::Null, |refund| refund["status"].clone());
        let mut wrong = unless(status == "succeeded", || format!("what was given back is {status}"));
        universe.run_until_quiet(A_WHILE_MS).await;
        wrong.extend(violations(&universe));
        wrong
    })
}

/// A payment that Stripe refused, or of which we were certain that nothing was sent, was made all the same: now there is an
/// object, in whatever state its card leaves it.
pub fn made_all_the_same(universe: &Universe) -> Value {
    let (now_ms, sent) = {
        let sandbox = universe.sandbox();
        let call = sandbox.calls().iter().find(|call| call.operation == "create_payment_intent").cloned();
        (universe.now_ms(), call.unwrap())
    };
    let mut request =
        http::Request::builder().method("POST").uri(format!("https://api.stripe.com{}", sent.path_and_query));
    for (name, value) in &sent.headers {
        request = request.header(name, value);
    }
    match universe.sandbox().call(Vendor::Stripe, now_ms, request.body(sent.body.clone()).unwrap()) {
        Reply::Answer { response, .. } => serde_json::from_slice(response.body()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The first payment of an order was refused, and the second one is open.
pub async fn refused_and_begun_anew(universe: &mut Universe, body: &Value) -> Response {
    next_calls(universe, "create_payment_intent", &[REFUSED]);
    universe.call("POST", "/payments", Some("k-1"), Some(body)).await;
    universe.call("POST", "/payments", Some("k-2"), Some(&payment("o-1"))).await
}

/// What we said had failed is open at Stripe, beside the order's second payment: it is canceled there. If somebody pays it
/// before that, a person is told, and the second one is called off.
pub fn what_was_over_and_is_open_is_canceled() -> Vec<String> {
    in_a_run(async {
        let mut wrong = Vec::new();
        for is_paid in [false, true] {
            let mut universe = Universe::new(1);
            refused_and_begun_anew(&mut universe, &payment("o-1")).await;
            let object = made_all_the_same(&universe);
            if is_paid {
                universe.sandbox().faults().every_call(Vendor::Stripe, "cancel", CallFault::LockTimeout);
            }
            universe.run_until_quiet(30_000).await;
            if is_paid {
                let (now_ms, secret) = (universe.now_ms(), object["client_secret"].as_str().unwrap_or_default());
                let _ = universe.sandbox().shopper_confirms(now_ms, secret, "pm_card_visa");
                universe.run_until_quiet(30_000).await;
                universe.sandbox().faults().clear();
            }
            universe.run_until_quiet(A_WHILE_MS).await;
            let wanted = if is_paid { ["succeeded", "canceled"] } else { ["canceled", "requires_payment_method"] };
            let are = [1, 2].map(|n| text(&nth(&universe, n), "status").unwrap_or_default().to_owned());
            wrong.extend(unless(are == wanted, || format!("paid {is_paid}: the payments are {are:?}")));
            let items = universe.aws().table().items();
            let told = items.iter().filter(|item| text(item, "event") == Some("payment.charged_unexpectedly")).count();
            wrong.extend(unless(told == usize::from(is_paid), || format!("paid {is_paid}: it was told {told} times")));
            if is_paid {
                wrong.extend(violations(&universe));
            }
        }
        wrong
    })
}

/// What we took for over is paid, while another payment of the order has begun.
pub fn a_paid_order_has_no_second_payment() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        refused_and_begun_anew(&mut universe, &confirmed_payment("o-1", "pm_card_visa")).await;
        made_all_the_same(&universe);
        universe.run_until_quiet(A_WHILE_MS).await;
        violations(&universe)
    })
}
