//! How long a chain of messages can get in which a function nudges its own queue. Lambda stops what it takes for a loop after some
//! sixteen; sms-sender is allowed more (`RecursiveLoop`), so our own bounds have to end it.

use sandbox::{CallFault, Vendor};
use serde_json::json;
use simulation::invariants::{of_type, text};
use simulation::universe::{Function, Universe};

use crate::ask;

/// A code is good for 120 s and waits 5 s at least. Lambda would stop what it takes for a loop after 16.
const HOPS_MAX: usize = 24;

/// How often sms-sender was invoked for one code.
async fn hops(universe: &mut Universe) -> usize {
    let body = json!({ "channel": "sms", "kind": "two_factor_code", "to": crate::PHONE, "data": { "code": "918273" } });
    ask(universe, "m-1", &body).await;
    universe.run_until_quiet(24 * 3_600_000).await;
    let items = universe.aws().table().items();
    let open = of_type(&items, "intent").filter(|intent| {
        text(intent, "kind") == Some("sms.two_factor_code")
            && !["DONE", "REFUSED"].contains(&text(intent, "phase").unwrap())
    });
    assert_eq!(open.count(), 0, "it has no end");
    universe.invocations.iter().filter(|invocation| invocation.function == Function::SmsSender).count()
}

#[tokio::test(start_paused = true)]
async fn a_code_that_cannot_be_sent_nudges_itself_only_while_it_is_good() {
    let mut most = 0;
    for fault in [
        CallFault::Throttled { retry_after_s: 1 },
        CallFault::Throttled { retry_after_s: 3_600 },
        CallFault::LostRequest,
        CallFault::LostAnswer,
        CallFault::Garbled,
    ] {
        let mut universe = Universe::new(1);
        universe.sandbox().faults().every_call(Vendor::Twilio, "create_message", fault);
        let hops = hops(&mut universe).await;
        assert!(hops <= HOPS_MAX, "{fault:?}: {hops} hops");
        most = most.max(hops);
    }
    let mut universe = Universe::new(1);
    universe.sandbox().faults().outage(Vendor::Twilio, true);
    let down = hops(&mut universe).await;
    assert!(down <= HOPS_MAX, "{down} hops");
    assert!(most.max(down) > 0, "nothing was tried again");
}
