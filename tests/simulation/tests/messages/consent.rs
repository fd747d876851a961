//! Who may be written to, looked at right before the send.

use crossdock::guard::{Guard, without};
use sandbox::{CallFault, Vendor};
use serde_json::{Value, json};
use simulation::invariants::{of_type, text, violations};
use simulation::universe::Universe;

use crate::{
    A_WHILE_MS, PHONE, ask, ask_and_wait, follow, mail, mails_asked_for, parcel_today, promotion_by_mail, sms, status,
    texts, wants,
};

const BEFORE: &str = "2024-04-01T00:00:00Z";
const LATER: &str = "2024-04-02T00:00:00Z";

#[tokio::test(start_paused = true)]
async fn nobody_gets_a_promotion_who_did_not_ask_for_it() {
    let mut universe = Universe::new(1);
    for (key, body) in [("m-1", promotion_by_mail()), ("m-2", sms("promotion", json!({ "text": "20 % off" })))] {
        let id = ask_and_wait(&mut universe, key, &body).await;
        assert_eq!(status(&mut universe, &id).await, "suppressed");
    }
    assert!(universe.sandbox().calls().is_empty(), "nothing left");
}

#[tokio::test(start_paused = true)]
async fn a_promotion_for_somebody_who_asked_goes_out_with_a_way_to_unsubscribe() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    let id = ask_and_wait(&mut universe, "m-1", &promotion_by_mail()).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
    let sent = mails_asked_for(&universe).remove(0);
    let header = sent["headers"]["List-Unsubscribe"].as_str().unwrap().to_owned();
    assert_eq!(sent["headers"]["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    let url = header.strip_prefix('<').and_then(|url| url.strip_suffix('>')).unwrap();
    assert!(sent["content"].as_array().unwrap().iter().all(|part| part["value"].as_str().unwrap().contains(url)));
}

#[tokio::test(start_paused = true)]
async fn one_click_unsubscribes_and_only_looking_at_the_link_does_not() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    ask_and_wait(&mut universe, "m-1", &promotion_by_mail()).await;
    let header = mails_asked_for(&universe)[0]["headers"]["List-Unsubscribe"].as_str().unwrap().to_owned();
    let url = header.trim_matches(['<', '>']);
    assert_eq!(follow(&mut universe, "GET", url).await.status(), 200);
    let id = ask_and_wait(&mut universe, "m-2", &promotion_by_mail()).await;
    assert_eq!(status(&mut universe, &id).await, "delivered", "a look is no wish");
    for _ in 0..2 {
        assert_eq!(follow(&mut universe, "POST", url).await.status(), 200);
    }
    let id = ask_and_wait(&mut universe, "m-3", &promotion_by_mail()).await;
    assert_eq!(status(&mut universe, &id).await, "suppressed");
    let order_mail = ask_and_wait(&mut universe, "m-4", &mail("welcome", json!({}))).await;
    assert_eq!(status(&mut universe, &order_mail).await, "delivered", "what is no marketing still comes");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_not_ours_unsubscribes_nobody() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    ask_and_wait(&mut universe, "m-1", &promotion_by_mail()).await;
    let header = mails_asked_for(&universe)[0]["headers"]["List-Unsubscribe"].as_str().unwrap().to_owned();
    let url = header.trim_matches(['<', '>']).to_owned();
    let other_end = if url.ends_with('A') { "B" } else { "A" };
    let (stem, _) = url.rsplit_once('.').unwrap();
    for forged in
        [format!("{}{other_end}", &url[..url.len() - 1]), stem.to_owned(), format!("{stem}."), format!("{stem}.x")]
    {
        assert_eq!(follow(&mut universe, "POST", &forged).await.status(), 404, "{forged}");
    }
    let id = ask_and_wait(&mut universe, "m-2", &promotion_by_mail()).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
}

#[tokio::test(start_paused = true)]
async fn an_opt_out_holds_for_what_is_queued_already() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    let id = ask(&mut universe, "m-1", &promotion_by_mail()).await;
    wants(&mut universe, "email", "Ada@EXAMPLE.com", false, LATER).await;
    wants(&mut universe, "email", "ada@example.com", false, LATER).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!((status(&mut universe, &id).await, mails_asked_for(&universe).len()), ("suppressed".to_owned(), 0));
}

#[tokio::test(start_paused = true)]
async fn an_older_wish_does_not_undo_a_newer_one_and_the_ledger_has_both() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", false, LATER).await;
    let shown = wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    assert_eq!(shown["marketing"], false);
    let items = universe.aws().table().items();
    let mut wishes: Vec<_> = of_type(&items, "consent").filter_map(|row| text(row, "change")).collect();
    wishes.sort_unstable();
    assert_eq!(wishes, ["opted_in", "opted_out"]);
}

#[tokio::test(start_paused = true)]
async fn stop_holds_back_every_sms_until_start_lifts_it() {
    let mut universe = Universe::new(1);
    ask_and_wait(&mut universe, "m-1", &parcel_today()).await;
    let number = universe.sandbox().twilio().messages()[0].from.clone().unwrap();
    for (word, key, expected) in [("STOP", "m-2", "suppressed"), ("START", "m-3", "delivered")] {
        let now_ms = universe.now_ms();
        assert!(universe.sandbox().recipient_texts(now_ms, PHONE, &number, word));
        universe.run_until_quiet(A_WHILE_MS).await;
        let id = ask_and_wait(&mut universe, key, &parcel_today()).await;
        assert_eq!(status(&mut universe, &id).await, expected, "after {word}");
    }
    assert_eq!(texts(&universe).len(), 2);
}

/// Twilio acts upon its own words only; who writes others is held back by us.
#[tokio::test(start_paused = true)]
async fn stop_counts_as_people_write_it_and_a_visit_is_none() {
    for (answer, expected) in [
        ("Please stop.", "suppressed"),
        ("STOP ALL", "suppressed"),
        ("Arrêt", "suppressed"),
        ("стоп", "suppressed"),
        ("opt out", "suppressed"),
        ("Can you stop by tomorrow?", "delivered"),
    ] {
        let mut universe = Universe::new(1);
        ask_and_wait(&mut universe, "m-1", &parcel_today()).await;
        says(&mut universe, PHONE, answer).await;
        let id = ask_and_wait(&mut universe, "m-2", &parcel_today()).await;
        assert_eq!(status(&mut universe, &id).await, expected, "{answer}");
    }
}

/// What the invariant is for: Twilio itself would send it.
#[tokio::test(start_paused = true)]
async fn a_text_to_somebody_who_has_answered_stop_is_noticed() {
    let mut universe = Universe::new(1);
    ask_and_wait(&mut universe, "m-1", &parcel_today()).await;
    says(&mut universe, PHONE, "please stop").await;
    universe.sleep_ms(120_000).await;
    let gone = without(Guard::ConsentHolds);
    ask(&mut universe, "m-2", &parcel_today()).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    drop(gone);
    assert_eq!(texts(&universe).len(), 2);
    assert!(violations(&universe).iter().any(|wrong| wrong.starts_with("P(d)")));
}

async fn says(universe: &mut Universe, from: &str, text: &str) {
    let (now_ms, number) = (universe.now_ms(), universe.sandbox().twilio().messages()[0].from.clone().unwrap());
    assert!(universe.sandbox().recipient_texts(now_ms, from, &number, text));
    universe.run_until_quiet(A_WHILE_MS).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_under_the_other_way_of_writing_a_number_counts_and_so_does_a_start() {
    for (one, other) in [
        ("+541123456789", "+5491123456789"),
        ("+5491123456789", "+541123456789"),
        ("+5511987654321", "+551187654321"),
        ("+393471234567", "+3903471234567"),
        ("+5215512345678", "+525512345678"),
    ] {
        let mut universe = Universe::new(1);
        let mut body = sms("order_status", json!({ "text": "Packed." }));
        body["to"] = json!(one);
        ask_and_wait(&mut universe, "m-1", &body).await;
        for (from, word, key, expected) in [
            (other, "please stop", "m-2", "suppressed"),
            (one, "start", "m-3", "delivered"),
            (one, "no more texts", "m-4", "suppressed"),
            (other, "START", "m-5", "delivered"),
        ] {
            says(&mut universe, from, word).await;
            let id = ask_and_wait(&mut universe, key, &body).await;
            assert_eq!(status(&mut universe, &id).await, expected, "{one}: {word} from {from}");
        }
    }
}

/// A contact from before that knows nothing of the other way, and a message to it that is queued already.
#[tokio::test(start_paused = true)]
async fn a_stop_under_the_other_way_holds_for_what_is_queued_already() {
    let mut universe = Universe::new(1);
    ask_and_wait(&mut universe, "m-1", &parcel_today()).await;
    let mut body = sms("order_status", json!({ "text": "Packed." }));
    (body["to"], body["send_at"]) = (json!("+541123456789"), json!("2024-04-29T00:00:00Z"));
    let id = ask(&mut universe, "m-2", &body).await;
    let items = universe.aws().table().items();
    let contact = of_type(&items, "contact").find(|contact| contact["address"] == "+541123456789").unwrap();
    let pk = text(contact, "pk").unwrap();
    universe.aws().table().set_attributes(pk, "CONTACT", &[("also", &json!({ "L": [] }))]);
    says(&mut universe, "+5491123456789", "Basta").await;
    universe.run_until_quiet(48 * 3_600_000).await;
    assert_eq!(status(&mut universe, &id).await, "suppressed");
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_a_number_agreed_to_counts_under_both_ways_of_writing_it() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "sms", "+5491123456789", true, BEFORE).await;
    assert_eq!(wants(&mut universe, "sms", "+541123456789", false, LATER).await["marketing"], false);
    assert_eq!(wants(&mut universe, "sms", "+5491123456789", true, BEFORE).await["marketing"], false, "older");
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_does_not_exist_and_one_that_called_us_spam_get_no_welcome_more() {
    for (to, after) in [("bounce@example.com", "bounced"), ("ada@example.com", "delivered")] {
        let mut universe = Universe::new(1);
        let mut body = mail("welcome", json!({}));
        body["to"] = json!(to);
        let first = ask_and_wait(&mut universe, "m-1", &body).await;
        assert_eq!(status(&mut universe, &first).await, after);
        if after == "delivered" {
            let (now_ms, mail_id) = (universe.now_ms(), universe.sandbox().sendgrid().mails()[0].message_id.clone());
            assert!(universe.sandbox().recipient_reports_spam(now_ms, &mail_id));
            universe.run_until_quiet(A_WHILE_MS).await;
        }
        let second = ask_and_wait(&mut universe, "m-2", &body).await;
        assert_eq!(
            (status(&mut universe, &second).await, mails_asked_for(&universe).len()),
            ("suppressed".to_owned(), 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_promotion_comes_to_no_phone_at_night() {
    let mut universe = Universe::new(1);
    let body = json!({ "channel": "sms", "kind": "promotion", "to": "+4798765432", "data": { "text": "20 % off" } });
    wants(&mut universe, "sms", "+47 987 65 432", true, BEFORE).await;
    let id = ask(&mut universe, "m-1", &body).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!((status(&mut universe, &id).await, texts(&universe).len()), ("queued".to_owned(), 0));
    // Nine in Norway's winter, ten in its summer.
    universe.run_until_quiet(12 * 3_600_000).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
    let hour = universe.sandbox().twilio().messages()[0].created_ms.rem_euclid(86_400_000) / 3_600_000;
    assert_eq!(hour, 8);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

/// Nobody can answer a sender that has a name.
#[tokio::test(start_paused = true)]
async fn a_promotion_of_a_sender_with_a_name_has_a_link_in_the_place_of_stop() {
    let mut universe = Universe::new(1);
    let account = sandbox::Settings::default();
    let key = json!({ "sid": account.twilio_api_key_sid, "secret": account.twilio_api_key_secret });
    let secret = json!({ "account_sid": account.twilio_account_sid, "api_key": key, "from": "Shop" });
    universe.aws().secrets().put("twilio", &secret);
    wants(&mut universe, "sms", PHONE, true, BEFORE).await;
    let body = sms("promotion", json!({ "text": "20 % off." }));
    universe.sandbox().faults().next_calls(Vendor::Twilio, "create_message", 1, CallFault::LostAnswer);
    let id = ask(&mut universe, "m-1", &body).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!(violations(&universe), Vec::<String>::new());
    assert_eq!(status(&mut universe, &id).await, "delivered");
    let sent = texts(&universe);
    let [text] = sent.as_slice() else { panic!("sent twice: {sent:?}") };
    let url = &text[text.find("https://unsubscribe.sim/").unwrap()..];
    assert!(!text.contains("STOP"), "{text}");
    assert_eq!(follow(&mut universe, "POST", url).await.status(), 200);
    let id = ask_and_wait(&mut universe, "m-2", &body).await;
    assert_eq!(status(&mut universe, &id).await, "suppressed");
    let id = ask_and_wait(&mut universe, "m-3", &parcel_today()).await;
    assert_eq!(status(&mut universe, &id).await, "delivered", "what is no marketing still comes");
}

/// The hour in UTC at which the first text was sent.
fn hour_of_first(universe: &Universe) -> i64 {
    universe.sandbox().twilio().messages()[0].created_ms.rem_euclid(86_400_000) / 3_600_000
}

/// By their first digit Aruba would be in Africa, Greenland too, and Guam in California.
#[tokio::test(start_paused = true)]
async fn where_a_number_belongs_says_more_than_its_first_digit() {
    for (number, hour) in
        [("+2975612345", 13), ("+299221234", 13), ("+12125552671", 14), ("+14155552671", 0), ("+16715552671", 0)]
    {
        let mut universe = Universe::new(1);
        wants(&mut universe, "sms", number, true, BEFORE).await;
        let body = json!({ "channel": "sms", "kind": "promotion", "to": number, "data": { "text": "20 % off" } });
        // It begins at 00:48 UTC.
        let id = ask(&mut universe, "m-1", &body).await;
        universe.run_until_quiet(12 * 3_600_000).await;
        universe.run_until_quiet(12 * 3_600_000).await;
        assert_eq!(status(&mut universe, &id).await, "delivered", "{number}");
        assert_eq!(hour_of_first(&universe), hour, "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn news_of_a_parcel_waits_for_the_morning_and_a_code_does_not() {
    let mut universe = Universe::new(1);
    let to_norway = |mut body: serde_json::Value| {
        body["to"] = json!("+4798765432");
        body
    };
    let id = ask(&mut universe, "m-1", &to_norway(parcel_today())).await;
    universe.run_until_quiet(A_WHILE_MS).await;
    assert_eq!((status(&mut universe, &id).await, texts(&universe).len()), ("queued".to_owned(), 0));
    let code = ask(&mut universe, "m-2", &to_norway(sms("two_factor_code", json!({ "code": "123456" })))).await;
    assert_ne!(status(&mut universe, &code).await, "queued");
    universe.run_until_quiet(4 * 3_600_000).await;
    assert_eq!(status(&mut universe, &id).await, "delivered");
    // Seven in Norway's winter, eight in its summer.
    let hour = universe.sandbox().twilio().messages()[1].created_ms.rem_euclid(86_400_000) / 3_600_000;
    assert_eq!(hour, 6);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn one_person_is_one_contact_however_the_address_is_written() {
    for (one, other) in [
        ("ada@example.com", "ADA@example.com"),
        ("ada@m\u{fc}ller.example", "Ada@XN--MLLER-KVA.example"),
        ("ada@mu\u{308}ller.example", "ada@M\u{dc}LLER.example"),
        ("a..b.@docomo.ne.jp", "\"A..B.\"@docomo.ne.jp"),
    ] {
        let mut universe = Universe::new(1);
        wants(&mut universe, "email", one, true, BEFORE).await;
        wants(&mut universe, "email", other, false, LATER).await;
        let mut body = promotion_by_mail();
        body["to"] = json!(one);
        let id = ask_and_wait(&mut universe, "m-1", &body).await;
        assert_eq!(status(&mut universe, &id).await, "suppressed", "{one} {other}");
        let mut body = mail("welcome", json!({}));
        body["to"] = json!(one);
        let id = ask_and_wait(&mut universe, "m-2", &body).await;
        assert_eq!(status(&mut universe, &id).await, "delivered", "{one}");
        let items = universe.aws().table().items();
        assert_eq!(of_type(&items, "contact").filter(|item| item.get("address").is_some()).count(), 1, "{one}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_is_written_to_as_it_was_given_with_its_domain_in_ascii() {
    for (to, sent_to) in [
        ("ada@m\u{fc}ller.example", "ada@xn--mller-kva.example"),
        ("Ada.L@Example.COM", "Ada.L@example.com"),
        ("a..b.@docomo.ne.jp", "\"a..b.\"@docomo.ne.jp"),
    ] {
        let mut universe = Universe::new(1);
        let mut body = mail("welcome", json!({}));
        body["to"] = json!(to);
        let id = ask_and_wait(&mut universe, "m-1", &body).await;
        assert_eq!(status(&mut universe, &id).await, "delivered", "{to}");
        assert_eq!(mails_asked_for(&universe)[0]["personalizations"][0]["to"][0]["email"], sent_to);
    }
    let mut universe = Universe::new(1);
    let mut body = mail("welcome", json!({}));
    body["to"] = json!("j\u{fc}rgen@example.com");
    let refused = universe.call("POST", "/messages", Some("m-1"), Some(&body)).await;
    assert_eq!((refused.status(), &refused.body()["errors"][0]["field"]), (400, &json!("to")), "{}", refused.body());
}

#[tokio::test(start_paused = true)]
async fn what_was_said_under_the_id_of_an_earlier_version_still_counts() {
    let mut universe = Universe::new(1);
    let system = universe.system(simulation::universe::Function::MessageInitiator, &simulation::Probe::new());
    let keys = system.app_keys().unwrap().get().await.unwrap();
    let [before] = <[_; 1]>::try_from(crossdock::effects::contact::other_ids(&keys, "P@example.com").unwrap()).unwrap();
    assert_ne!(before, crossdock::effects::contact::contact_id(&keys, "P@example.com").unwrap());
    let pk = format!("CONTACT#{before}");
    universe.aws().table().put(&pk, "CONTACT", &[("type", "contact"), ("contact_id", before.as_str())]);
    let bounced = [("suppressed", &json!({ "S": "bounced" })), ("suppressed_at", &json!({ "N": "1714000000000" }))];
    universe.aws().table().set_attributes(&pk, "CONTACT", &bounced);
    let mut body = mail("welcome", json!({}));
    body["to"] = json!("P@example.com");
    let id = ask_and_wait(&mut universe, "m-1", &body).await;
    assert_eq!(status(&mut universe, &id).await, "suppressed");
}

async fn looked_up(universe: &mut Universe) -> Value {
    let asked = json!({ "channel": "email", "address": "ADA@example.com" });
    let answer = universe.call("POST", "/contacts/lookup", None, Some(&asked)).await;
    assert_eq!(answer.status(), 200, "{}", answer.body());
    answer.body()
}

async fn lift(universe: &mut Universe, channel: &str, address: &str, at_ms: i64) -> simulation::universe::Response {
    let at = crossdock::domain::Timestamp::from_seconds(at_ms / 1_000).to_rfc3339();
    let body = json!({ "channel": channel, "address": address, "proof": { "source": "customer service", "at": at } });
    universe.call("POST", "/contacts/lift", None, Some(&body)).await
}

/// Whether a mail of this kind reaches Ada.
async fn reaches(universe: &mut Universe, key: &str, kind: &str, data: Value) -> bool {
    let id = ask_and_wait(universe, key, &mail(kind, data)).await;
    status(universe, &id).await == "delivered"
}

#[tokio::test(start_paused = true)]
async fn a_spam_report_stops_offers_and_not_what_somebody_is_owed_until_it_is_lifted() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    ask_and_wait(&mut universe, "m-1", &promotion_by_mail()).await;
    let (now_ms, mail_id) = (universe.now_ms(), universe.sandbox().sendgrid().mails()[0].message_id.clone());
    assert!(universe.sandbox().recipient_reports_spam(now_ms, &mail_id));
    universe.run_until_quiet(A_WHILE_MS).await;
    let amount = json!({ "amount": { "value": 1099, "currency": "EUR" } });
    assert!(reaches(&mut universe, "m-2", "password_reset", json!({ "reset_url": "https://shop.example/r" })).await);
    assert!(reaches(&mut universe, "m-3", "order_confirmation", amount).await);
    assert!(!reaches(&mut universe, "m-4", "promotion", json!({ "subject": "x", "text": "y" })).await);
    let known = looked_up(&mut universe).await;
    assert_eq!((&known["suppressed_because"], &known["marketing"]), (&json!("spam_reported"), &json!(true)));
    assert_eq!(known["not_sent"], json!({ "promotion": "spam_reported", "welcome": "spam_reported" }));
    let older = lift(&mut universe, "email", "ada@example.com", 1_700_000_000_000).await;
    assert_eq!((older.status(), &older.body()["code"]), (409, &json!("suppressed_since")));
    let now_ms = universe.now_ms();
    let lifted = lift(&mut universe, "email", "Ada@example.com", now_ms).await;
    assert_eq!((lifted.status(), &lifted.body()["not_sent"]), (200, &json!({})), "{}", lifted.body());
    let items = universe.aws().table().items();
    let told = of_type(&items, "consent").filter(|row| text(row, "change") == Some("lifted")).count();
    assert_eq!((told, looked_up(&mut universe).await["suppressed"].clone()), (1, json!(false)));
}

#[tokio::test(start_paused = true)]
async fn a_bounce_is_lifted_with_proof_and_a_stop_by_its_owner_alone() {
    let mut universe = Universe::new(1);
    let mut body = mail("welcome", json!({}));
    body["to"] = json!("bounce@example.com");
    ask_and_wait(&mut universe, "m-1", &body).await;
    let now_ms = universe.now_ms();
    let lifted = lift(&mut universe, "email", "bounce@example.com", now_ms).await;
    assert_eq!((lifted.status(), &lifted.body()["suppressed"]), (200, &json!(false)));
    ask_and_wait(&mut universe, "m-2", &body).await;
    assert_eq!(mails_asked_for(&universe).len(), 2, "it is tried again");
    ask_and_wait(&mut universe, "m-3", &parcel_today()).await;
    let number = universe.sandbox().twilio().messages()[0].from.clone().unwrap();
    let now_ms = universe.now_ms();
    assert!(universe.sandbox().recipient_texts(now_ms, PHONE, &number, "STOP"));
    universe.run_until_quiet(A_WHILE_MS).await;
    let now_ms = universe.now_ms();
    let refused = lift(&mut universe, "sms", PHONE, now_ms).await;
    assert_eq!((refused.status(), &refused.body()["code"]), (409, &json!("stopped_by_recipient")));
    let unknown = lift(&mut universe, "email", "nobody@example.com", now_ms).await;
    assert_eq!((unknown.status(), &unknown.body()["suppressed"]), (200, &json!(false)));
}

#[tokio::test(start_paused = true)]
async fn a_bounce_takes_no_complaint_back_and_neither_does_its_end() {
    const ADDRESS: &str = "bounce@example.com";
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", ADDRESS, true, BEFORE).await;
    let mut body = promotion_by_mail();
    body["to"] = json!(ADDRESS);
    ask_and_wait(&mut universe, "m-1", &body).await;
    let (now_ms, mail_id) = (universe.now_ms(), universe.sandbox().sendgrid().mails()[0].message_id.clone());
    assert!(universe.sandbox().recipient_reports_spam(now_ms, &mail_id));
    universe.run_until_quiet(A_WHILE_MS).await;
    // Whatever came last: where it bounces, not even what is owed arrives.
    let mut owed = mail("password_reset", json!({ "reset_url": "https://shop.example/r" }));
    owed["to"] = json!(ADDRESS);
    let id = ask_and_wait(&mut universe, "m-2", &owed).await;
    assert_eq!(status(&mut universe, &id).await, "suppressed");
    for (left, promotion) in [(json!("spam_reported"), json!("spam_reported")), (Value::Null, Value::Null)] {
        let now_ms = universe.now_ms();
        let lifted = lift(&mut universe, "email", ADDRESS, now_ms).await;
        assert_eq!((lifted.status(), &lifted.body()["suppressed_because"]), (200, &left), "{}", lifted.body());
        assert_eq!(lifted.body()["not_sent"]["promotion"], promotion, "{}", lifted.body());
        universe.run_until_quiet(A_WHILE_MS).await;
    }
}

#[tokio::test(start_paused = true)]
async fn postmarks_reactivation_of_an_address_lifts_its_bounce() {
    let mut universe = Universe::new(1);
    universe.has_mail_fallback = true;
    universe.sandbox().faults().outage(sandbox::Vendor::SendGrid, true);
    let mut body = mail("welcome", json!({}));
    body["to"] = json!("bounce@example.com");
    let id = ask_and_wait(&mut universe, "m-1", &body).await;
    assert_eq!(status(&mut universe, &id).await, "bounced");
    let known = json!({ "channel": "email", "address": "bounce@example.com" });
    let before = universe.call("POST", "/contacts/lookup", None, Some(&known)).await.body();
    assert_eq!(before["suppressed_because"], "bounced");
    let now_ms = universe.now_ms();
    assert!(universe.sandbox().merchant_reactivates(now_ms, "bounce@example.com"));
    universe.run_until_quiet(A_WHILE_MS).await;
    let after = universe.call("POST", "/contacts/lookup", None, Some(&known)).await.body();
    assert_eq!(after["suppressed"], false, "{after}");
}

#[tokio::test(start_paused = true)]
async fn who_unsubscribes_from_everything_at_sendgrid_still_gets_their_orders_mails() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    ask_and_wait(&mut universe, "m-1", &promotion_by_mail()).await;
    let (now_ms, mail_id) = (universe.now_ms(), universe.sandbox().sendgrid().mails()[0].message_id.clone());
    assert!(universe.sandbox().recipient_unsubscribes(now_ms, &mail_id));
    universe.run_until_quiet(A_WHILE_MS).await;
    let amount = json!({ "amount": { "value": 1099, "currency": "EUR" } });
    assert!(reaches(&mut universe, "m-2", "order_confirmation", amount).await);
    assert!(!reaches(&mut universe, "m-3", "promotion", json!({ "subject": "x", "text": "y" })).await);
}

#[tokio::test(start_paused = true)]
async fn only_promotions_are_watched_and_a_password_reset_never_is() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    ask_and_wait(&mut universe, "m-1", &promotion_by_mail()).await;
    reaches(&mut universe, "m-2", "password_reset", json!({ "reset_url": "https://shop.example/r" })).await;
    for (mail, is_watched) in mails_asked_for(&universe).iter().zip([true, false]) {
        let tracking = &mail["tracking_settings"];
        assert_eq!(tracking["open_tracking"]["enable"], is_watched, "{mail}");
        assert_eq!(tracking["click_tracking"], json!({ "enable": is_watched, "enable_text": is_watched }), "{mail}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_shop_that_does_not_say_where_it_is_sends_no_marketing_mail() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    ask_and_wait(&mut universe, "m-0", &promotion_by_mail()).await;
    let sent = mails_asked_for(&universe).remove(0);
    let parts = sent["content"].as_array().unwrap();
    assert!(parts.iter().all(|part| part["value"].as_str().unwrap().contains("Market Square 1")), "{sent}");
    universe.has_postal_address = false;
    let campaign = json!({ "name": "Spring", "recipients": [{ "email": "ada@example.com" }],
        "data": { "subject": "x", "text": "y" } });
    for (path, body) in [("/messages", promotion_by_mail()), ("/campaigns", campaign)] {
        let refused = universe.call("POST", path, Some("m-1"), Some(&body)).await;
        assert_eq!((refused.status(), &refused.body()["code"]), (422, &json!("postal_address_missing")), "{path}");
    }
    assert!(reaches(&mut universe, "m-2", "welcome", json!({})).await);
}

#[tokio::test(start_paused = true)]
async fn a_head_request_to_a_link_is_answered_like_a_look_and_changes_nothing() {
    let mut universe = Universe::new(1);
    wants(&mut universe, "email", "ada@example.com", true, BEFORE).await;
    ask_and_wait(&mut universe, "m-1", &promotion_by_mail()).await;
    let header = mails_asked_for(&universe)[0]["headers"]["List-Unsubscribe"].as_str().unwrap().to_owned();
    let url = header.trim_matches(['<', '>']);
    let (head, get) =
        (follow(&mut universe, "HEAD", url).await.status(), follow(&mut universe, "GET", url).await.status());
    assert_eq!((head, get), (200, 200));
    assert_eq!(looked_up(&mut universe).await["marketing"], true);
}
