//! Who acts in a run: the shoppers of its orders, the vendors' operators, and in the end the customers who come back.

use std::ops::RangeInclusive;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use sandbox::{Dial, Vendor};
use serde_json::{Value, json};

use super::chance::Mishap;
use super::limits;
use super::shopper::{Shopper, settle};
use super::stage::Stage;
use super::tomorrow;
use crate::invariants::{of_type, text};

/// Orders of a run mostly, so that thousands of runs fit into minutes.
const ORDERS_MIN: usize = 5;
/// Of one in six.
const ORDERS_SOME: RangeInclusive<usize> = 6..=8;
/// And of one in a hundred.
const ORDERS_MANY: RangeInclusive<usize> = 9..=50;
/// The last API version with which Stripe tells of the charge only where it was refunded.
const OLDER_ENDPOINT: &str = "2024-09-30.acacia";
/// What a run without long absences takes at least, in milliseconds.
const SHORT_RUN_MS: u64 = 600_000;
/// And at most.
const LONG_RUN_MS: u64 = 2 * 3_600_000;
/// In one run of so many somebody asks for what is beyond a limit.
const TOO_FAR_ONE_IN: usize = 4;

/// Looks of a customer who is told to wait: a breaker that has opened time and again lets the next call through after ten
/// minutes, and theirs may come after somebody else's, of a minute at most.
const LOOKS_AGAIN: usize = 22;
/// And how long after each, in milliseconds.
const LOOKS_AGAIN_AFTER_MS: u64 = 30_000;

type Actor = LocalBoxFuture<'static, ()>;

/// Everybody who acts while things go wrong.
pub(super) fn actors(stage: &Rc<Stage>) -> Vec<Actor> {
    let mut rng = stage.chance.stream("orders", 0);
    let orders = match rng.usize(0..600) {
        0..6 => rng.usize(ORDERS_MANY),
        6..106 => rng.usize(ORDERS_SOME),
        _ => ORDERS_MIN,
    };
    let mut actors: Vec<Actor> = Vec::new();
    for number in (0..orders).filter(|number| stage.chance.has_order(*number)) {
        stage.orders.borrow_mut().push(number);
        actors.push(Box::pin(Shopper::new(Rc::clone(stage), number as u64).shop()));
    }
    for (dial, ..) in Dial::ALL {
        if stage.strikes(Mishap::Dial(dial), 0) {
            stage.with(|universe| universe.sandbox().dials().turn(dial));
        }
    }
    let run_ms = rng.u64(SHORT_RUN_MS..LONG_RUN_MS);
    for (number, vendor) in (0..).zip(Vendor::ALL) {
        if stage.strikes(Mishap::Outage, number) {
            actors.push(Box::pin(outage(Rc::clone(stage), vendor, number)));
        }
    }
    if stage.chance.stream("too far", 0).usize(0..TOO_FAR_ONE_IN) == 0 {
        actors.push(Box::pin(limits::go_too_far(Rc::clone(stage), 1)));
    }
    if stage.strikes(Mishap::KeyRotated, 0) {
        actors.push(Box::pin(rotate_key(Rc::clone(stage))));
    }
    if stage.strikes(Mishap::WebhookSecretRolled, 0) {
        actors.push(Box::pin(roll_webhook_secret(Rc::clone(stage))));
    }
    if stage.strikes(Mishap::UnknownVersion, 0) {
        actors.push(Box::pin(tomorrow::send_messages(Rc::clone(stage))));
    }
    if stage.strikes(Mishap::UnknownAttributes, 0) {
        actors.push(Box::pin(tomorrow::add_attributes(Rc::clone(stage))));
    }
    if stage.strikes(Mishap::UnknownKind, 0) {
        actors.push(Box::pin(tomorrow::leave_a_kind(Rc::clone(stage))));
    }
    if stage.strikes(Mishap::TokensRevoked, 0) {
        actors.push(Box::pin(revoke_tokens(Rc::clone(stage))));
    }
    if stage.strikes(Mishap::OlderEndpoint, 0) {
        stage.with(|universe| universe.sandbox().set_stripe_endpoint_version(OLDER_ENDPOINT));
    }
    if stage.strikes(Mishap::CustomersDeleted, 0) {
        actors.push(Box::pin(delete_customers(Rc::clone(stage))));
    }
    if stage.strikes(Mishap::RightsTaken, 0) {
        actors.push(Box::pin(take_rights(Rc::clone(stage))));
    }
    if stage.strikes(Mishap::ItemsExpired, 0) {
        actors.push(Box::pin(expire(Rc::clone(stage), run_ms)));
    }
    actors
}

/// A vendor is down for a while.
async fn outage(stage: Rc<Stage>, vendor: Vendor, number: u64) {
    let mut rng = stage.chance.stream("outage", number);
    stage.sleep_ms(rng.u64(0..300_000)).await;
    stage.note(|| format!("{} is down", vendor.name()));
    stage.with(|universe| universe.sandbox().faults().outage(vendor, true));
    stage.sleep_ms(rng.u64(10_000..5_400_000)).await;
    stage.with(|universe| universe.sandbox().faults().outage(vendor, false));
    stage.note(|| format!("{} is up again", vendor.name()));
}

/// Stripe's key is replaced, first there or first here.
async fn rotate_key(stage: Rc<Stage>) {
    const KEY: &str = "sk_test_rotated";
    let mut rng = stage.chance.stream("rotation", 0);
    stage.sleep_ms(rng.u64(0..300_000)).await;
    let (gap_ms, vendor_first) = (rng.u64(0..120_000), rng.bool());
    for vendor in [vendor_first, !vendor_first] {
        stage.note(|| format!("the key of Stripe is replaced {}", if vendor { "there" } else { "here" }));
        stage.with(|universe| {
            if vendor {
                universe.sandbox().set_api_key(Vendor::Stripe, KEY);
            } else {
                universe.change_secret("stripe", |secret| secret["api_key"] = json!(KEY));
            }
        });
        stage.sleep_ms(gap_ms).await;
    }
}

/// Stripe's signing secret is rolled: both are put here first, as one should.
async fn roll_webhook_secret(stage: Rc<Stage>) {
    const SECRET: &str = "whsec_rolled";
    let mut rng = stage.chance.stream("roll", 0);
    stage.sleep_ms(rng.u64(0..300_000)).await;
    stage.with(|universe| {
        universe.change_secret("stripe-webhook", |secret| {
            secret["webhook_secrets"].as_array_mut().unwrap().push(json!({ "secret": SECRET }));
        });
    });
    stage.sleep_ms(rng.u64(0..600_000)).await;
    let old_until_ms = stage.now_ms() + rng.i64(0..3_600_000);
    stage.with(|universe| universe.sandbox().roll_stripe_webhook_secret(SECRET, old_until_ms));
}

/// Carriers do not accept the tokens any more that they have given.
async fn revoke_tokens(stage: Rc<Stage>) {
    let mut rng = stage.chance.stream("revoked", 0);
    stage.sleep_ms(rng.u64(0..600_000)).await;
    stage.note(|| "tokens are revoked".to_owned());
    stage.with(|universe| Vendor::CARRIERS.map(|carrier| universe.sandbox().revoke_tokens(carrier)));
}

/// Somebody deletes customers in Stripe's dashboard, as they come.
async fn delete_customers(stage: Rc<Stage>) {
    let mut rng = stage.chance.stream("deleted", 0);
    for _ in 0..rng.usize(1..4) {
        stage.sleep_ms(rng.u64(0..300_000)).await;
        let now_ms = stage.now_ms();
        let deleted = stage.with(|universe| {
            let mut sandbox = universe.sandbox();
            let there: Vec<String> = sandbox
                .stripe()
                .customers()
                .iter()
                .filter(|customer| !customer.is_deleted)
                .map(|customer| customer.id.clone())
                .collect();
            let chosen = (!there.is_empty()).then(|| there[rng.usize(0..there.len())].clone());
            chosen.filter(|id| sandbox.merchant_deletes_customer(now_ms, id).is_ok())
        });
        stage.note(|| format!("{} is deleted in the dashboard", deleted.as_deref().unwrap_or("nobody")));
        stage.news.notify_one();
    }
}

/// Somebody takes one permission away from Stripe's key, and gives it back.
async fn take_rights(stage: Rc<Stage>) {
    const RIGHTS: [&str; 6] = ["payment_intents", "charges", "balance", "refunds", "customers", "payment_methods"];
    let mut rng = stage.chance.stream("rights", 0);
    stage.sleep_ms(rng.u64(0..300_000)).await;
    let right = RIGHTS[rng.usize(0..RIGHTS.len())];
    stage.note(|| format!("the key of Stripe may do nothing with {right}"));
    stage.with(|universe| universe.sandbox().set_stripe_key_lacking(&[right]));
    stage.sleep_ms(rng.u64(10_000..1_800_000)).await;
    stage.with(|universe| universe.sandbox().set_stripe_key_lacking(&[]));
    stage.note(|| format!("the key of Stripe may do everything with {right} again"));
}

/// DynamoDB deletes what has expired, now and then.
async fn expire(stage: Rc<Stage>, run_ms: u64) {
    for _ in 0..4 {
        stage.sleep_ms(run_ms / 4).await;
        let deleted = stage.with(|universe| universe.aws().table().delete_expired());
        stage.note(|| format!("{deleted} expired items are deleted"));
    }
}

/// When everything works again: each customer whose order is not paid, not canceled and not given up pays.
pub(super) fn those_who_come_back(stage: &Rc<Stage>) -> Vec<Actor> {
    let items = stage.with(|universe| universe.aws().table().shared_items());
    let of_state =
        |status: &str| ["requires_payment_method", "requires_action", "processing", "deferred"].contains(&status);
    let open = of_type(&items, "payment").filter(|payment| of_state(text(payment, "status").unwrap_or_default()));
    let open = open.filter(|payment| payment["cancel_requested"] != json!(true));
    let ids = open.filter_map(|payment| payment["payment_id"].as_str().map(str::to_owned)).collect::<Vec<_>>();
    ids.into_iter()
        .map(|payment_id| -> Actor {
            let stage = Rc::clone(stage);
            Box::pin(async move { come_back(&stage, &payment_id).await })
        })
        .collect()
}

/// When everything is at rest: whoever was told to wait asks once more.
pub(super) fn those_who_were_told_to_wait(stage: &Rc<Stage>) -> Vec<Actor> {
    let open = stage.with(|universe| universe.told.open());
    open.into_iter()
        .map(|asked| -> Actor {
            let stage = Rc::clone(stage);
            Box::pin(async move {
                let body = asked.body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
                stage.call(&asked.method, &asked.path, asked.key.as_deref(), body.as_ref()).await;
            })
        })
        .collect()
}

async fn come_back(stage: &Stage, payment_id: &str) {
    let path = format!("/payments/{payment_id}/confirm");
    let body = json!({ "payment_method": "pm_card_visa" });
    let mut answer = settle(stage, &path, None, &body).await;
    // While a breaker lets one call through at a time, or an earlier try stands back, they are told to wait.
    for _ in 0..LOOKS_AGAIN {
        if answer.status() != 202 {
            break;
        }
        stage.sleep_ms(LOOKS_AGAIN_AFTER_MS).await;
        answer = stage.call("POST", &path, None, Some(&body)).await;
    }
    let status = answer.body().get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
    if answer.status() != 200 || status != "succeeded" {
        let code = answer.body()["code"].as_str().unwrap_or_default().to_owned();
        stage.complain(format!(
            "I2: a customer who comes back cannot pay {payment_id}: {} {status} {code}",
            answer.status()
        ));
    }
}
