//! What people want, and what it must not cost.

use serde_json::{Value, json};

use super::in_a_run;
use crate::invariants::violations;
use crate::universe::Universe;

/// Somebody's phone.
const PHONE: &str = "+61412345678";
/// More codes than one number gets in an hour.
const CODES: usize = 8;
const CODES_MOST: usize = 5;

async fn wants(universe: &mut Universe, marketing: bool, at: &str) -> Value {
    let proof = json!({ "source": "checkout", "at": at });
    let body = json!({ "channel": "email", "address": "ada@example.com", "marketing": marketing, "proof": proof });
    universe.call("PUT", "/contacts/preferences", None, Some(&body)).await.body()
}

/// A promotion is queued when its recipient says no.
pub fn a_no_holds_for_what_is_queued() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        wants(&mut universe, true, "2024-04-01T00:00:00Z").await;
        let data = json!({ "subject": "Half price", "text": "Only today." });
        let body = json!({ "channel": "email", "kind": "promotion", "to": "ada@example.com", "data": data });
        universe.call("POST", "/messages", Some("m-1"), Some(&body)).await;
        wants(&mut universe, false, "2024-04-02T00:00:00Z").await;
        universe.run_until_quiet(3_600_000).await;
        let mut wrong = violations(&universe);
        if !universe.sandbox().sendgrid().mails().is_empty() {
            wrong.push("C: somebody who said no got a promotion".to_owned());
        }
        wrong
    })
}

/// An opt-in is told after an opt-out that was said later.
pub fn an_older_wish_comes_late() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        wants(&mut universe, false, "2024-04-02T00:00:00Z").await;
        let shown = wants(&mut universe, true, "2024-04-01T00:00:00Z").await;
        let undone = shown["marketing"] != json!(false);
        undone.then(|| "C: an older wish undid a newer one".to_owned()).into_iter().collect()
    })
}

/// Somebody asks for code after code.
pub fn codes_are_counted() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        let body = json!({ "channel": "sms", "kind": "two_factor_code", "to": PHONE, "data": { "code": "918273" } });
        for n in 0..CODES {
            universe.call("POST", "/messages", Some(&format!("m-{n}")), Some(&body)).await;
        }
        let sent = universe.sandbox().twilio().messages().len();
        let too_many = sent > CODES_MOST;
        too_many.then(|| format!("C: {sent} codes to one number within an hour")).into_iter().collect()
    })
}

/// A campaign is called off before its time.
pub fn a_campaign_is_called_off() -> Vec<String> {
    in_a_run(async {
        let mut universe = Universe::new(1);
        wants(&mut universe, true, "2024-04-01T00:00:00Z").await;
        let data = json!({ "subject": "Half price", "text": "Only today." });
        let body = json!({ "name": "Spring", "recipients": [{ "email": "ada@example.com" }], "data": data,
            "send_at": "2024-04-28T08:00:00Z" });
        let created = universe.call("POST", "/campaigns", Some("c-1"), Some(&body)).await.body();
        let path = format!("/campaigns/{}/cancel", created["campaign_id"].as_str().unwrap_or_default());
        universe.call("POST", &path, None, None).await;
        universe.run_until_quiet(24 * 3_600_000).await;
        let mut wrong = violations(&universe);
        if !universe.sandbox().sendgrid().mails().is_empty() {
            wrong.push("C: a campaign that was called off was sent".to_owned());
        }
        wrong
    })
}
