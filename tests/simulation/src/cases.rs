//! What hardly ever happens by chance, and must go well all the same.

pub mod answers;
pub mod cancels;
pub mod doubts;
pub mod marks;
pub mod parcels;
pub mod wishes;

use crossdock::domain::{Correlation, IntentId, Timestamp};
use crossdock::effects::{Claim, Lease};
use crossdock::gateway::{Lane, Permit};
use crossdock::lambda::System;
use crossdock::vendors::payment_provider::{MethodsPage, PaymentProvider as _};
use futures_util::future::join_all;
use sandbox::{CallFault, Vendor};

use crate::invariants::{of_type, text, violations};
use crate::shop::{confirmed_payment, payment, shopper_pays};
use crate::universe::{Function, Universe};
use crate::{Fault, Plan, Probe};

/// A case: what is wrong afterwards.
pub type Case = fn() -> Vec<String>;

/// All of them, by name.
pub const ALL: [(&str, Case); 50] = [
    ("a vendor's id that is taken is not adopted", a_taken_id_is_not_adopted),
    ("a webhook is acknowledged when its queue has it, not before", a_webhook_outlives_its_queue_s_failure),
    ("another payment that bears our mark pays nothing of ours", marks::another_payment_pays_nothing_of_ours),
    ("each attempt to pay that fails is told", marks::each_failed_attempt_is_told),
    (
        "a failed attempt is told though another follows",
        marks::a_failed_attempt_is_told_though_another_one_follows_at_once,
    ),
    ("a refund that was made twice is told", marks::a_refund_that_was_made_twice_is_told),
    ("an intent that kills whoever takes it is given up", poison_is_given_up),
    ("an intent of a kind that only a newer version knows is left to it", tomorrow_is_left_alone),
    ("an open breaker lets one probe through at a time", one_probe_at_a_time),
    ("a failure from before a breaker opened does not count", late_failures_do_not_count),
    ("all instances together stay below a quota", the_quota_is_kept),
    ("a no holds for what is queued already", wishes::a_no_holds_for_what_is_queued),
    ("an older wish does not undo a newer one", wishes::an_older_wish_comes_late),
    ("a number gets so many codes an hour", wishes::codes_are_counted),
    ("a campaign that was called off reaches nobody", wishes::a_campaign_is_called_off),
    ("a label of unknown outcome is billed once", parcels::a_label_of_unknown_outcome_is_billed_once),
    ("what a carrier may have done no other one does", parcels::what_may_have_been_done_is_done_nowhere_else),
    ("no other carrier against the shop's will", parcels::no_other_carrier_against_the_shop_s_will),
    ("a label is kept before anybody hears of it", parcels::a_label_is_kept_before_anybody_hears_of_it),
    ("a price that has expired is refused", parcels::an_expired_price_is_refused),
    ("one van comes", parcels::one_van_comes),
    ("a scan that comes late moves no parcel back", parcels::a_late_scan_moves_no_parcel_back),
    ("a token in the table is of no use", parcels::a_token_in_the_table_is_no_token),
    ("one instance fetches a token for all", parcels::one_fetches_a_token_for_all),
    ("a token that is refused is replaced", parcels::a_refused_token_is_replaced),
    ("what was deferred and canceled is never charged", cancels::what_was_deferred_is_never_charged),
    ("a cancel between two tries is the last word", cancels::a_cancel_between_two_tries_is_the_last_word),
    ("what is unknown is looked for and never sent again", cancels::what_is_unknown_is_looked_for_and_never_sent_again),
    ("what charges nothing is made and canceled", cancels::what_charges_nothing_is_made_and_canceled),
    ("a retry by hand charges nothing that was canceled", cancels::a_retry_by_hand_charges_nothing_that_was_canceled),
    (
        "what was never called is canceled at once",
        cancels::what_waits_for_a_person_and_was_never_called_is_canceled_at_once,
    ),
    ("a charge that nobody wanted is shown and told", cancels::a_charge_that_nobody_wanted_is_shown_and_told),
    ("a 503 is no proof", cancels::a_503_is_no_proof),
    ("a 503 that is repeated is of unknown outcome", cancels::a_503_that_is_repeated_is_of_unknown_outcome),
    ("every page is looked through", cancels::every_page_is_looked_through),
    ("a confirm that was not sent is canceled", cancels::a_confirm_that_was_not_sent_is_canceled_with_its_payment),
    ("a confirm in doubt is not sent again", cancels::a_confirm_in_doubt_is_not_sent_again),
    ("a cancel that failed is made in the end", cancels::a_cancel_that_failed_is_made_in_the_end),
    ("a cancel can be asked for again", cancels::a_cancel_that_came_to_nothing_can_be_asked_for_again),
    ("what the bank is at is canceled when it can be", cancels::what_the_bank_is_at_is_canceled_when_that_is_possible),
    ("what is on no list yet is waited for", cancels::what_is_on_no_list_yet_is_waited_for),
    ("our own word gives way to Stripe's", cancels::our_own_word_gives_way_to_stripe_s),
    ("who cancels too late is told at once", cancels::who_cancels_too_late_is_told_at_once),
    ("a key names its payment for good", answers::a_key_names_its_payment_for_good),
    ("a refusal is final", answers::a_refusal_is_final),
    ("a confirm is answered with its own news", answers::a_confirm_is_answered_with_its_own_news),
    ("a repeat that is refused is no proof", doubts::a_refused_repeat_is_no_proof),
    ("a refund that is refused as made is made", doubts::a_refund_that_is_refused_as_made_is_made),
    ("what was over and is open is canceled", doubts::what_was_over_and_is_open_is_canceled),
    ("a paid order has no second payment", doubts::a_paid_order_has_no_second_payment),
];

/// Instances that ask side by side.
const INSTANCES: usize = 20;
/// What Stripe's quota lets through at once, and a generous measure of what comes back meanwhile.
const BURST_AND_A_SECOND: usize = 300;

/// The universe is not at rest: only single changes can be judged.
fn changes_that_were_wrong(universe: &Universe) -> Vec<String> {
    violations(universe).into_iter().filter(|violation| violation.starts_with('W')).collect()
}

fn in_a_run<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(run)
}

/// The vendor answers with an id that belongs to another payment of ours.
pub fn a_taken_id_is_not_adopted() -> Vec<String> {
    const OTHER: &str = "pay_of_another";
    let body = confirmed_payment("o-1", "pm_card_visa");
    let vendor_id = in_a_run(async {
        let mut universe = Universe::new(1);
        universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
        universe.sandbox().stripe().payment_intents()[0].id.clone()
    });
    in_a_run(async {
        let mut universe = Universe::new(1);
        let place = format!("REF#stripe#{vendor_id}");
        universe.aws().table().put(&place, "REF", &[("object", OTHER)]);
        universe.call("POST", "/payments", Some("k-1"), Some(&body)).await;
        // What the vendor made is known to nobody: that is for a person to look at.
        let mut wrong = changes_that_were_wrong(&universe);
        let items = universe.aws().table().items();
        let create = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("payment.create"));
        if create.and_then(|intent| text(intent, "refusal")) != Some("vendor_object_taken") {
            wrong.push("W: the payment was not given up".to_owned());
        }
        wrong
    })
}

/// The queue is down when the only event comes that tells of a payment.
pub fn a_webhook_outlives_its_queue_s_failure() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let created = universe.call("POST", "/payments", Some("k-1"), Some(&payment("o-1"))).await;
        universe.run_until_quiet(600_000).await;
        shopper_pays(&universe, &created);
        let next = universe.invocations.len();
        let down = Plan { faults: (1..=12).map(|n| (n, Fault::ServerError)).collect(), ..Plan::default() };
        universe.plans.extend((next..next + 4).map(|number| (number, down.clone())));
        universe.run_until_quiet(4 * 3_600_000).await;
        violations(&universe)
    })
}

/// Whoever takes the intent dies: ten in a row.
pub fn poison_is_given_up() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
        let list = universe.system(Function::EmailSender, &Probe::new()).work_list().unwrap();
        let items = universe.aws().table().items();
        let mail = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("mail.send")).unwrap();
        let id = IntentId::from_stored(text(mail, "intent_id").unwrap());
        let mut given_up = 0;
        for n in 0..10 {
            let call_by = Timestamp::from_ms(universe.now_ms() + 10_000);
            let claim = list
                .claim(&id, &Lease { owner: format!("owner-{n}"), call_by, lane: Lane::Background, asked_by: None })
                .await
                .unwrap();
            given_up += usize::from(matches!(claim, Claim::Exhausted(..)));
            if given_up > 0 {
                break;
            }
            universe.sleep_ms(16_000).await;
        }
        universe.look();
        let mut wrong = changes_that_were_wrong(&universe);
        if given_up == 0 {
            wrong.push("W: it was claimed again and again".to_owned());
        }
        wrong
    })
}

/// A newer version's intent comes to a worker that does not know its kind.
pub fn tomorrow_is_left_alone() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        universe.call("POST", "/payments", Some("k-1"), Some(&confirmed_payment("o-1", "pm_card_visa"))).await;
        let items = universe.aws().table().items();
        let mail = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("mail.send")).unwrap();
        let (pk, id) = (text(mail, "pk").unwrap(), IntentId::from_stored(text(mail, "intent_id").unwrap()));
        universe.aws().table().set_attributes(pk, "INTENT", &[("kind", &serde_json::json!({ "S": "parcel.book" }))]);
        let before = universe.aws().table().item(pk, "INTENT");
        let call_by = Timestamp::from_ms(universe.now_ms() + 10_000);
        let lease = Lease { owner: "owner".to_owned(), call_by, lane: Lane::Background, asked_by: None };
        let list = universe.system(Function::EmailSender, &Probe::new()).work_list().unwrap();
        let is_refused = list.claim(&id, &lease).await.is_err();
        let is_as_before = universe.aws().table().item(pk, "INTENT") == before;
        if is_refused && is_as_before { vec![] } else { vec!["V: a kind of tomorrow was claimed".to_owned()] }
    })
}

/// Twenty instances of a function that calls Stripe.
fn instances(universe: &Universe) -> Vec<System> {
    (0..INSTANCES).map(|_| universe.system(Function::PaymentInitiator, &Probe::new())).collect()
}

/// One call of class `read`.
async fn read(system: &System) {
    let world = system.world();
    let correlation = Correlation::generate(world.now(), world.rng.next());
    let permit = Permit::until(Timestamp::from_ms(world.now().ms() + 8_000), Lane::Interactive);
    let page = MethodsPage { customer: "cus_1", limit: 1, cursor: None };
    let _ = system.stripe().unwrap().methods(page, &correlation, &permit).await;
}

fn calls(universe: &Universe) -> usize {
    universe.sandbox().calls().len()
}

/// A vendor that was down for a minute is asked by everybody at once.
pub fn one_probe_at_a_time() -> Vec<String> {
    in_a_run(async {
        let universe = Universe::new(1);
        let all = instances(&universe);
        universe.sandbox().faults().outage(Vendor::Stripe, true);
        for _ in 0..3 {
            join_all(all.iter().map(read)).await;
        }
        universe.sleep_ms(61_000).await;
        let before = calls(&universe);
        join_all(all.iter().map(read)).await;
        let probes = calls(&universe) - before;
        if probes == 1 { vec![] } else { vec![format!("B: {probes} probes at a time")] }
    })
}

/// A call that is under way while others open the breaker comes back as a failure.
pub fn late_failures_do_not_count() -> Vec<String> {
    in_a_run(async {
        let universe = Universe::new(1);
        let all = instances(&universe);
        // A failure that is counted: only then does the breaker have an epoch that a late one can know.
        universe.sandbox().faults().next_calls(Vendor::Stripe, "*", 1, CallFault::ErrorBefore { status: 503 });
        read(&all[1]).await;
        universe.sleep_ms(2_000).await;
        universe.sandbox().faults().next_calls(Vendor::Stripe, "*", 1, CallFault::Delay { ms: 7_000 });
        universe.sandbox().faults().next_calls(Vendor::Stripe, "*", 1, CallFault::ErrorBefore { status: 503 });
        let breaker = || universe.aws().table().item("BREAKER#stripe#read", "BREAKER#stripe#read").unwrap_or_default();
        let others = async {
            universe.sleep_ms(100).await;
            universe.sandbox().faults().outage(Vendor::Stripe, true);
            for _ in 0..6 {
                read(&all[1]).await;
            }
            breaker()
        };
        let ((), opened) = futures_util::join!(read(&all[0]), others);
        let after = breaker();
        if opened["state"] != "OPEN" {
            return vec![format!("B: it did not open: {opened}")];
        }
        if opened == after { vec![] } else { vec![format!("B: a late failure made {after} of {opened}")] }
    })
}

/// Everybody calls as often as they can, for a moment.
pub fn the_quota_is_kept() -> Vec<String> {
    in_a_run(async {
        let universe = Universe::new(1);
        let all = instances(&universe);
        join_all(all.iter().flat_map(|system| (0..40).map(move |_| read(system)))).await;
        let calls = calls(&universe);
        if calls <= BURST_AND_A_SECOND { vec![] } else { vec![format!("B: {calls} calls at once")] }
    })
}
