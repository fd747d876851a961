//! Twilio's API: what it accepts, what it refuses, lists.

use crate::caller::{Answer, START_MS, TWILIO_ACCOUNT, TWILIO_SPEC, answered, text, twilio_request};
use crate::spec;
use sandbox::twilio::Status;
use sandbox::{CallFault, Reply, Sandbox, Settings, Vendor};

const TO: &str = "+4798765432";
const SHOP: &str = "+15005550006";

fn sandbox() -> Sandbox {
    Sandbox::new(Settings::default())
}

fn post(sandbox: &mut Sandbox, form: &str) -> Answer {
    answered(sandbox.call(Vendor::Twilio, START_MS, twilio_request("POST", "/Messages.json", form)))
}

fn get(sandbox: &mut Sandbox, at_ms: i64, path: &str) -> Answer {
    answered(sandbox.call(Vendor::Twilio, at_ms, twilio_request("GET", path, "")))
}

/// A page, held against the specification.
fn list(sandbox: &mut Sandbox, query: &str) -> Answer {
    let page = get(sandbox, START_MS + 3_600_000, &format!("/Messages.json{query}"));
    assert_eq!(page.status, 200, "{}", page.json);
    let schema =
        "/paths/~12010-04-01~1Accounts~1{AccountSid}~1Messages.json/get/responses/200/content/application~1json/schema";
    spec::check_at(TWILIO_SPEC, schema, &page.json);
    page
}

fn sids(page: &Answer) -> Vec<String> {
    page.json["messages"].as_array().unwrap().iter().map(|m| m["sid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_accepted_text_is_answered_201_as_the_specification_says() {
    let mut sandbox = sandbox();
    let made = text(&mut sandbox, START_MS, TO, "");
    assert_eq!((made.status, made.text("/status"), made.text("/num_segments")), (201, "queued", "1"));
    assert_eq!((made.text("/to"), made.text("/from"), made.text("/direction")), (TO, SHOP, "outbound-api"));
    assert_eq!(made.text("/date_created"), "Sun, 01 Jun 2025 12:00:00 +0000");
    assert!(made.json["price"].is_null() && made.json["date_sent"].is_null() && made.json["error_code"].is_null());
    let sid = made.text("/sid");
    assert_eq!(made.text("/uri"), format!("/2010-04-01/Accounts/{TWILIO_ACCOUNT}/Messages/{sid}.json"));
    assert_eq!(sandbox.twilio().message(sid).unwrap().body, "Your order o-1 is on its way");
}

#[test]
fn a_text_moves_on_with_time_and_is_charged_when_it_is_sent() {
    let mut sandbox = sandbox();
    let sid = text(&mut sandbox, START_MS, TO, "").text("/sid").to_owned();
    let mut status = |after_ms: i64| {
        let found = get(&mut sandbox, START_MS + after_ms, &format!("/Messages/{sid}.json"));
        spec::check_at(TWILIO_SPEC, "/components/schemas/api.v2010.account.message", &found.json);
        (found.text("/status").to_owned(), found.text("/price").to_owned())
    };
    assert_eq!(status(100), ("queued".to_owned(), String::new()));
    assert_eq!(status(400), ("sending".to_owned(), String::new()));
    assert_eq!(status(1000), ("sent".to_owned(), "-0.00750".to_owned()));
    assert_eq!(status(5000), ("delivered".to_owned(), "-0.00750".to_owned()));
}

#[test]
fn the_same_request_twice_is_two_texts() {
    let mut sandbox = sandbox();
    let sids = [(); 2].map(|()| text(&mut sandbox, START_MS, TO, "").text("/sid").to_owned());
    assert_ne!(sids[0], sids[1]);
    assert_eq!(sandbox.twilio().messages().len(), 2);
}

#[test]
fn what_twilio_would_refuse_is_refused_with_its_code() {
    let from = "From=%2B15005550006";
    let long = format!("To=%2B4798765432&{from}&Body={}", "x".repeat(1601));
    let whole = format!("To=%2B4798765432&{from}&Body=x");
    for (form, code) in [
        (format!("{from}&Body=x"), 21604),
        (format!("To=98765432&{from}&Body=x"), 21211),
        (format!("To=%2B15005550001&{from}&Body=x"), 21211),
        (format!("To=%2B15005550002&{from}&Body=x"), 21612),
        (format!("To=%2B15005550003&{from}&Body=x"), 21408),
        (format!("To=%2B15005550004&{from}&Body=x"), 21610),
        (format!("To=%2B15005550009&{from}&Body=x"), 21614),
        ("To=%2B4798765432&Body=x".to_owned(), 21603),
        ("To=%2B4798765432&Body=x&From=%2B15005550001".to_owned(), 21212),
        ("To=%2B4798765432&Body=x&From=%2B15005550007".to_owned(), 21606),
        ("To=%2B4798765432&Body=x&From=%2B15005550008".to_owned(), 21611),
        ("To=%2B4798765432&Body=x&From=%2B14155550100".to_owned(), 21606),
        ("To=%2B4798765432&Body=x&MessagingServiceSid=MG1".to_owned(), 21705),
        (format!("To=%2B4798765432&{from}"), 21602),
        (long, 21617),
        (format!("{whole}&ValidityPeriod=36001"), 21624),
        (format!("{whole}&StatusCallback=hooks.example"), 21609),
        (format!("{whole}&StatusCallback=https%3A%2F%2Fmy_hooks.example%2Ft"), 21609),
        (format!("{whole}&StatusCallback=https%3A%2F%2Fhooks.example"), 21609),
    ] {
        let mut sandbox = sandbox();
        let refused = post(&mut sandbox, &form);
        assert_eq!((refused.status, &refused.json["code"]), (400, &code.into()), "{form}");
        assert_eq!(refused.json["status"], 400);
        assert_eq!(refused.text("/more_info"), format!("https://www.twilio.com/docs/errors/{code}"));
        assert!(sandbox.twilio().messages().is_empty());
    }
    let mut sandbox = sandbox();
    let most = format!("To=%2B4798765432&{from}&Body={}", "x".repeat(1600));
    assert_eq!(post(&mut sandbox, &most).status, 201);
    assert_eq!(post(&mut sandbox, &format!("{whole}&MediaUrl=https%3A%2F%2Fa.example%2Fb.png")).status, 501);
}

#[test]
fn only_the_accounts_live_tokens_are_accepted() {
    let mut sandbox = sandbox();
    let mut status = |authorization: Option<&str>, live: &[&str]| {
        if !live.is_empty() {
            sandbox.set_twilio_auth_tokens(live);
        }
        let mut request = twilio_request("GET", "/Messages.json", "");
        match authorization {
            None => {}
            Some("") => drop(request.headers_mut().remove("authorization")),
            Some(other) => drop(request.headers_mut().insert("authorization", other.parse().unwrap())),
        }
        answered(sandbox.call(Vendor::Twilio, START_MS, request)).status
    };
    assert_eq!(status(None, &[]), 200);
    assert_eq!(status(Some(""), &[]), 401);
    assert_eq!(status(Some("Bearer twilio-sandbox-token"), &[]), 401);
    assert_eq!(status(None, &["new", "twilio-sandbox-token"]), 200);
    assert_eq!(status(None, &["new"]), 401);
}

#[test]
fn other_paths_methods_and_accounts_are_not_there() {
    let mut sandbox = sandbox();
    assert_eq!(get(&mut sandbox, START_MS, "/Messages/SM0.json").json["code"], 20404);
    assert_eq!(get(&mut sandbox, START_MS, "/Calls.json").status, 404);
    let mut other = twilio_request("GET", "/Messages.json", "");
    *other.uri_mut() = "/2010-04-01/Accounts/AC2/Messages.json".parse().unwrap();
    assert_eq!(answered(sandbox.call(Vendor::Twilio, START_MS, other)).status, 404);
    let delete = twilio_request("DELETE", "/Messages.json", "");
    assert_eq!(answered(sandbox.call(Vendor::Twilio, START_MS, delete)).status, 405);
    let mut json = twilio_request("POST", "/Messages.json", "To=%2B4798765432");
    json.headers_mut().insert("content-type", "application/json".parse().unwrap());
    assert_eq!(answered(sandbox.call(Vendor::Twilio, START_MS, json)).json["code"], 21604);
}

#[test]
fn the_dial_throttles_and_fails_with_the_vendors_own_codes() {
    for (fault, status, code, made) in [
        (CallFault::Throttled { retry_after_s: 3 }, 429, 20429, 0),
        (CallFault::ErrorDuring { status: 500 }, 500, 20500, 0),
        (CallFault::ErrorDuring { status: 503 }, 503, 20503, 0),
        (CallFault::ErrorAfter { status: 500 }, 500, 20500, 1),
    ] {
        let mut sandbox = sandbox();
        sandbox.faults().next_calls(Vendor::Twilio, "create_message", 1, fault);
        let failed = text(&mut sandbox, START_MS, TO, "");
        assert_eq!((failed.status, &failed.json["code"]), (status, &code.into()));
        assert_eq!(sandbox.twilio().messages().len(), made, "{fault:?}");
        assert_eq!(text(&mut sandbox, START_MS, TO, "").status, 201);
    }
}

#[test]
fn a_text_whose_answer_was_lost_can_be_found_by_numbers_and_day() {
    let mut sandbox = sandbox();
    sandbox.faults().next_calls(Vendor::Twilio, "create_message", 1, CallFault::LostAnswer);
    let form = "To=%2B4798765432&From=%2B15005550006&Body=o-1";
    let reply = sandbox.call(Vendor::Twilio, START_MS, twilio_request("POST", "/Messages.json", form));
    assert!(matches!(reply, Reply::Lost { .. }));
    let found = list(&mut sandbox, "?To=%2B4798765432&From=%2B15005550006&DateSent%3E=2025-06-01&PageSize=20");
    assert_eq!(found.json["messages"].as_array().unwrap().len(), 1);
    assert_eq!((found.text("/messages/0/body"), found.text("/messages/0/status")), ("o-1", "delivered"));
}

#[test]
fn lists_are_filtered_by_numbers_and_by_the_time_of_sending() {
    const DAY_MS: i64 = 86_400_000;
    let mut sandbox = sandbox();
    let early = text(&mut sandbox, START_MS - 2 * DAY_MS, TO, "").text("/sid").to_owned();
    let late = text(&mut sandbox, START_MS, TO, "").text("/sid").to_owned();
    let other = text(&mut sandbox, START_MS, "+4711111111", "").text("/sid").to_owned();
    let mut found = |query: &str| sids(&list(&mut sandbox, query));
    assert_eq!(found(""), [&*other, &late, &early]);
    assert_eq!(found("?To=%2B4798765432"), [&*late, &early]);
    assert_eq!(found("?To=%2B4798765432&DateSent=2025-05-30"), [&*early]);
    assert_eq!(found("?To=%2B4798765432&DateSent%3E=2025-05-31"), [&*late]);
    assert_eq!(found("?To=%2B4798765432&DateSent%3C=2025-05-30"), [&*early]);
    assert_eq!(found("?To=%2B4798765432&DateSent%3E=2025-06-01T12:00:00Z&DateSent%3C=2025-06-01T12:00:01Z"), [&*late]);
    assert_eq!(found("?To=%2B4798765432&DateSent%3E=2025-06-01T12:00:01Z"), [""; 0]);
    assert_eq!(found("?From=%2B4798765432"), [""; 0]);
}

#[test]
fn a_text_that_has_not_been_sent_fits_no_date() {
    let mut sandbox = sandbox();
    text(&mut sandbox, START_MS, TO, "");
    let mut count = |query: &str| sids(&get(&mut sandbox, START_MS + 10, &format!("/Messages.json{query}"))).len();
    assert_eq!((count("?DateSent%3E=2025-06-01"), count("")), (0, 1));
}

#[test]
fn following_next_page_uri_shows_every_text_once() {
    let mut sandbox = sandbox();
    let mut made: Vec<String> =
        (0..5).map(|i| text(&mut sandbox, START_MS + i, TO, "").text("/sid").to_owned()).collect();
    made.reverse();
    let mut seen = Vec::new();
    let mut query = "?To=%2B4798765432&PageSize=2".to_owned();
    for page in 0..3 {
        let answer = list(&mut sandbox, &query);
        assert_eq!((&answer.json["page"], &answer.json["page_size"]), (&page.into(), &2.into()));
        seen.extend(sids(&answer));
        let next = answer.text("/next_page_uri");
        assert_eq!(next.is_empty(), page == 2);
        query = next.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    }
    assert_eq!(seen, made);
    assert_eq!(get(&mut sandbox, START_MS, "/Messages.json?PageToken=PASM0").status, 400);
}

#[test]
fn segments_are_counted_in_gsm_7_or_ucs_2() {
    for (body, segments) in [
        ("x".repeat(160), "1"),
        ("x".repeat(161), "2"),
        ("x".repeat(306), "2"),
        ("x".repeat(307), "3"),
        ("€".repeat(80), "1"),
        (format!("{}€{}", "x".repeat(152), "x".repeat(152)), "3"), // the escape and its character stay together
        ("æøåÆØÅ".repeat(26), "1"),
        ("ж".repeat(70), "1"),
        ("ж".repeat(71), "2"),
        ("ж".repeat(135), "3"),
        ("😀".repeat(35), "1"),
        ("😀".repeat(36), "2"),
        (format!("{}“", "x".repeat(70)), "2"), // one typographic quote makes all of it UCS-2
    ] {
        let mut sandbox = sandbox();
        let body: String = form_urlencoded::byte_serialize(body.as_bytes()).collect();
        let made = post(&mut sandbox, &format!("To=%2B4798765432&From=%2B15005550006&Body={body}"));
        assert_eq!(made.text("/num_segments"), segments, "{body}");
    }
}

#[test]
fn a_messaging_service_accepts_first_and_chooses_the_sender_later() {
    let mut sandbox = sandbox();
    let service = Settings::default().twilio_messaging_service_sid;
    let made = post(&mut sandbox, &format!("To=%2B4798765432&MessagingServiceSid={service}&Body=x"));
    assert_eq!((made.text("/status"), made.text("/num_segments")), ("accepted", "0"));
    assert!(made.json["from"].is_null());
    let sent = get(&mut sandbox, START_MS + 5000, &format!("/Messages/{}.json", made.text("/sid")));
    assert_eq!((sent.text("/from"), sent.text("/num_segments"), sent.text("/status")), (SHOP, "1", "delivered"));
}

#[test]
fn stop_opts_out_and_start_lifts_it_for_one_pair_of_numbers() {
    for (stop, start) in [("STOP", "START"), (" stopall ", "yes"), ("Unsubscribe", "UNSTOP"), ("cancel", "Start")] {
        let mut sandbox = sandbox();
        assert!(sandbox.recipient_texts(START_MS, TO, SHOP, stop));
        assert!(sandbox.twilio().has_opted_out(TO, SHOP));
        let refused = text(&mut sandbox, START_MS, TO, "");
        assert_eq!((refused.status, &refused.json["code"]), (400, &21610.into()));
        assert_eq!(text(&mut sandbox, START_MS, "+4711111111", "").status, 201);
        sandbox.recipient_texts(START_MS, TO, SHOP, "help");
        sandbox.recipient_texts(START_MS, TO, SHOP, "please start");
        assert_eq!(text(&mut sandbox, START_MS, TO, "").status, 400);
        sandbox.recipient_texts(START_MS, TO, SHOP, start);
        assert_eq!(text(&mut sandbox, START_MS, TO, "").status, 201);
    }
    assert!(!sandbox().recipient_texts(START_MS, TO, "+14155550100", "STOP"));
}

#[test]
fn who_opts_out_after_the_text_was_accepted_does_not_get_it() {
    let mut sandbox = sandbox();
    let sid = text(&mut sandbox, START_MS, TO, "").text("/sid").to_owned();
    sandbox.recipient_texts(START_MS + 10, TO, SHOP, "STOP");
    let found = get(&mut sandbox, START_MS + 60_000, &format!("/Messages/{sid}.json"));
    assert_eq!((found.text("/status"), &found.json["error_code"]), ("failed", &21610.into()));
    assert_eq!(sandbox.twilio().message(&sid).unwrap().status, Status::Failed);
}
