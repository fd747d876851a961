//! What hardly ever happens by chance, and must go well all the same.

use crossdock::domain::{IntentId, Timestamp};
use crossdock::effects::{Claim, Lease};

use crate::invariants::{of_type, text, violations};
use crate::shop::confirmed_payment;
use crate::universe::{Function, Universe};
use crate::{Probe, invariants};

/// A case: what is wrong afterwards.
pub type Case = fn() -> Vec<String>;

/// All of them, by name.
pub const ALL: [(&str, Case); 2] = [
    ("a vendor's id that is taken is not adopted", a_taken_id_is_not_adopted),
    ("an intent that kills whoever takes it is given up", poison_is_given_up),
];

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
        let mut wrong = violations(&universe);
        // What the vendor made is known to nobody: that is for a person to look at, and said here.
        wrong.retain(|violation| !violation.starts_with("I4"));
        let items = universe.aws().table().items();
        let create = of_type(&items, "intent").find(|intent| text(intent, "kind") == Some("payment.create"));
        if create.and_then(|intent| text(intent, "refusal")) != Some("vendor_object_taken") {
            wrong.push("W: the payment was not given up".to_owned());
        }
        wrong
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
            let claim = list.claim(&id, &Lease { owner: format!("owner-{n}"), call_by }).await.unwrap();
            given_up += usize::from(matches!(claim, Claim::Exhausted(..)));
            if given_up > 0 {
                break;
            }
            universe.sleep_ms(16_000).await;
        }
        universe.look();
        let mut wrong: Vec<String> = invariants::violations(&universe);
        wrong.retain(|violation| violation.starts_with('W'));
        if given_up == 0 {
            wrong.push("W: it was claimed again and again".to_owned());
        }
        wrong
    })
}
