//! Texts that strangers make a shop send: only where it sends texts, and not without end.

use crossdock::telemetry::captured::written;
use crossdock::telemetry::metrics::Metric;
use serde_json::{Value, json};
use simulation::universe::{Response, Universe};

/// Caps of a small shop: an hour, a day, a day to one country.
const CAPS: [(&str, &str); 3] =
    [("SMS_PER_HOUR_MAX", "4"), ("SMS_PER_DAY_MAX", "6"), ("SMS_PER_COUNTRY_AND_DAY_MAX", "3")];

fn capped() -> Universe {
    let mut universe = Universe::new(1);
    universe.variables.extend(CAPS.map(|(name, value)| (name.to_owned(), value.to_owned())));
    universe
}

async fn asks(universe: &mut Universe, key: &str, number: &str) -> Response {
    let body = json!({ "channel": "sms", "kind": "order_status", "to": number, "order_id": "o-1", "data": { "text": "Packed." } });
    universe.call("POST", "/messages", Some(key), Some(&body)).await
}

fn told(response: &Response) -> (u16, Value) {
    (response.status(), response.body()["code"].clone())
}

#[tokio::test(start_paused = true)]
async fn a_text_goes_only_where_the_shop_sends_texts() {
    let mut universe = Universe::new(1);
    universe.variables.push(("SMS_DESTINATIONS".to_owned(), "+61,+1,-1876".to_owned()));
    let withheld = written(Metric::SmsWithheld);
    for (n, (number, allowed)) in
        [("+61412345678", true), ("+12125550123", true), ("+18765550123", false), ("+4798765432", false)]
            .into_iter()
            .enumerate()
    {
        let answer = asks(&mut universe, &format!("k-{n}"), number).await;
        let expected = if allowed { (202, Value::Null) } else { (422, json!("sms_country_not_allowed")) };
        assert_eq!(told(&answer), expected, "{number}");
    }
    assert_eq!(written(Metric::SmsWithheld) - withheld, 2);
}

#[tokio::test(start_paused = true)]
async fn texts_end_at_each_cap_and_begin_again_with_the_next_hour_and_day() {
    let mut universe = capped();
    let limited = (429, json!("sms_limit_reached"));
    // To one country.
    for n in 0..3 {
        assert_eq!(asks(&mut universe, &format!("a-{n}"), "+61412345678").await.status(), 202);
    }
    assert_eq!(told(&asks(&mut universe, "a-3", "+61412345678").await), limited);
    // In an hour.
    assert_eq!(asks(&mut universe, "b-0", "+4798765432").await.status(), 202);
    assert_eq!(told(&asks(&mut universe, "b-1", "+4798765432").await), limited);
    // Who was answered before is answered again.
    let again = asks(&mut universe, "a-0", "+61412345678").await;
    assert_eq!(again.status(), 202, "{again:?}");
    // In a day.
    universe.sleep_ms(3_600_000).await;
    for n in 0..2 {
        assert_eq!(asks(&mut universe, &format!("c-{n}"), "+4798765432").await.status(), 202);
    }
    assert_eq!(told(&asks(&mut universe, "c-2", "+12125550123").await), limited);
    universe.sleep_ms(24 * 3_600_000).await;
    assert_eq!(asks(&mut universe, "d-0", "+61412345678").await.status(), 202);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_codes_to_new_numbers_ends_at_the_cap_with_one_write_each() {
    let mut universe = capped();
    let mut taken = 0;
    for n in 0..50 {
        let body = json!({ "channel": "sms", "kind": "two_factor_code", "to": format!("+614123456{n:02}"), "data": { "code": "123456" } });
        let answer = universe.call("POST", "/messages", Some(&format!("k-{n}")), Some(&body)).await;
        taken += u32::from(answer.status() == 202);
        if answer.status() == 429 {
            let requests = universe
                .invocations
                .last()
                .unwrap()
                .waves
                .iter()
                .flatten()
                .filter(|name| !name.contains("GetSecretValue"));
            assert!(requests.clone().count() <= 2, "{:?}", requests.collect::<Vec<_>>());
        }
    }
    assert_eq!((taken, universe.sandbox().twilio().messages().len()), (3, 3));
}
