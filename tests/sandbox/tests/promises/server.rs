//! The program: the same simulators behind real HTTP.

use crate::caller::twilio_request;
use crate::carriers::shipment;
use sandbox::Vendor;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a test waits for the program, before it fails: the program answers in a millisecond, the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(5);

struct Program {
    process: Child,
    address: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut process =
            Command::new(env!("CARGO_BIN_EXE_sandbox")).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect("the first line").to_owned();
        Self { process, address }
    }

    /// Sends a request and returns everything that comes back.
    fn raw(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer); // a reset is an answer that is lost
        String::from_utf8(answer).unwrap()
    }

    fn pay(&self, key: &str) -> String {
        let headers = format!(
            "authorization: Bearer sk_test_sandbox\r\ncontent-type: application/x-www-form-urlencoded\r\n\
            idempotency-key: {key}\r\n"
        );
        let form = "amount=1099&currency=eur&payment_method=pm_card_visa&confirm=true";
        self.raw("POST", "/stripe/v1/payment_intents", &headers, form)
    }

    fn admin(&self, method: &str, path: &str, body: &str) -> String {
        self.raw(method, &format!("/_sandbox/{path}"), "content-type: application/json\r\n", body)
    }

    fn state(&self) -> Value {
        serde_json::from_str(body(&self.admin("GET", "state", ""))).unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Takes one webhook, answers it 200 and returns what was posted.
fn receive(receiver: &TcpListener) -> String {
    let (mut stream, _) = receiver.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let start = head.len();
        assert!(reader.read_line(&mut head).unwrap() > 0);
        if let Some(value) = head[start..].to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    head + &String::from_utf8(body).unwrap()
}

#[test]
fn a_payment_over_http_is_answered_and_its_webhooks_arrive_under_the_host_asked_for() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let program = Program::start(&["--seed", "3"]);
    let url = format!("http://{}/", receiver.local_addr().unwrap());
    let urls = format!(r#"{{"stripe":{{"url":"{url}","host":"abc.lambda-url.example"}}}}"#);
    assert_eq!(status(&program.admin("PUT", "webhook-urls", &urls)), "204");
    let paid = program.pay("k1");
    assert_eq!(status(&paid), "200");
    let webhooks: Vec<String> = (0..3).map(|_| receive(&receiver)).collect();
    for webhook in &webhooks {
        assert!(webhook.to_ascii_lowercase().contains("host: abc.lambda-url.example\r\n"), "{webhook}");
        assert!(webhook.to_ascii_lowercase().contains("stripe-signature: t="), "{webhook}");
    }
    assert!(webhooks.iter().any(|webhook| webhook.contains("payment_intent.succeeded")));
    assert_eq!(program.state()["stripe"]["charges"][0]["succeeded"], true);
}

#[test]
fn a_text_over_http_is_answered_and_its_callback_arrives_under_its_own_host_with_its_query() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", receiver.local_addr().unwrap());
    let program = Program::start(&["--twilio-webhook-url", &url, "--twilio-webhook-host", "abc.lambda-url.example"]);
    let dial = r#"{"messages":[{"vendor":"twilio","course":"failed","code":30001,"times":1}]}"#;
    assert_eq!(status(&program.admin("POST", "faults", dial)), "204");
    let request = twilio_request(
        "POST",
        "/Messages.json",
        "To=%2B4798765432&From=%2B15005550006&Body=x&StatusCallback=https%3A%2F%2Fabc.lambda-url.example%2F%3Fintent%3Dint_1%23rc%3D3",
    );
    let headers = format!(
        "authorization: {}\r\ncontent-type: application/x-www-form-urlencoded\r\n",
        request.headers()["authorization"].to_str().unwrap()
    );
    let form = std::str::from_utf8(request.body()).unwrap();
    let made = program.raw("POST", &format!("/twilio{}", request.uri().path()), &headers, form);
    assert_eq!(status(&made), "201", "{made}");
    let callback = receive(&receiver);
    assert!(callback.starts_with("POST /?intent=int_1 "), "{callback}");
    assert!(callback.to_ascii_lowercase().contains("host: abc.lambda-url.example\r\n"), "{callback}");
    assert!(callback.contains("MessageStatus=failed") && callback.contains("ErrorCode=30001"), "{callback}");
    let text = r#"{"from":"+4798765432","to":"+15005550006","body":"STOP"}"#;
    assert_eq!(status(&program.admin("POST", "recipient/text", text)), "204");
    assert!(receive(&receiver).contains("Body=STOP"));
    let state = program.state();
    assert_eq!(
        (&state["twilio"]["messages"][0]["status"], &state["twilio"]["received"][0]["body"]),
        (&"failed".into(), &"STOP".into())
    );
}

#[test]
fn a_lost_answer_is_a_connection_that_ends_without_a_byte() {
    let program = Program::start(&[]);
    let dial = r#"{"calls":[{"vendor":"stripe","operation":"create_payment_intent","fault":"lost_answer","times":1}]}"#;
    assert_eq!(status(&program.admin("POST", "faults", dial)), "204");
    assert_eq!(program.pay("k1"), "");
    let again = program.pay("k1");
    assert_eq!(status(&again), "200");
    assert!(again.contains("idempotent-replayed: true"), "{again}");
    assert_eq!(program.state()["stripe"]["charges"].as_array().unwrap().len(), 1);
}

#[test]
fn an_outage_can_be_turned_on_and_off_and_calls_show_no_credentials() {
    let program = Program::start(&[]);
    program.admin("POST", "faults", r#"{"outages":["stripe"]}"#);
    assert_eq!(status(&program.pay("k1")), "503");
    program.admin("DELETE", "faults", "");
    assert_eq!(status(&program.pay("k1")), "200");
    let calls = program.admin("GET", "calls", "");
    assert!(calls.contains(r#""status":503"#) && calls.contains(r#""status":200"#), "{calls}");
    assert!(!calls.contains("sk_test_sandbox"));
}

#[test]
fn a_shopper_confirms_through_the_admin_paths_and_the_key_is_shown() {
    let program = Program::start(&[]);
    let headers = "authorization: Bearer sk_test_sandbox\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let made = program.raw("POST", "/stripe/v1/payment_intents", headers, "amount=1099&currency=eur");
    let made: Value = serde_json::from_str(body(&made)).unwrap();
    let confirm = format!(r#"{{"client_secret":{},"payment_method":"pm_card_visa"}}"#, made["client_secret"]);
    let confirmed = program.admin("POST", "shopper/confirm", &confirm);
    assert_eq!(status(&confirmed), "200", "{confirmed}");
    assert_eq!(program.state()["stripe"]["payment_intents"][0]["status"], "succeeded");
    assert!(program.admin("GET", "keys", "").contains("MFkwEwYHKoZIzj0CAQYI"));
}

#[test]
fn a_payment_is_refunded_by_hand_and_the_bank_sends_it_back_through_the_admin_paths() {
    let program = Program::start(&[]);
    let paid: Value = serde_json::from_str(body(&program.pay("k1"))).unwrap();
    let refund =
        program.admin("POST", "merchant/refund", &format!(r#"{{"payment_intent":{},"amount":100}}"#, paid["id"]));
    assert_eq!(status(&refund), "200", "{refund}");
    let refund: Value = serde_json::from_str(body(&refund)).unwrap();
    let back = format!(r#"{{"refund":{},"success":false}}"#, refund["id"]);
    assert_eq!(status(&program.admin("POST", "bank/answer-refund", &back)), "200");
    let state = program.state();
    assert_eq!(state["stripe"]["refunds"][0]["status"], "failed");
    assert_eq!(state["stripe"]["balance_transactions"].as_array().unwrap().len(), 3);
    assert_eq!(status(&program.admin("POST", "stripe/thin-event", r#"{"type":"v1.anything"}"#)), "204");
}

#[test]
fn a_label_over_http_is_bought_moved_on_pushed_and_shown_and_no_secret_with_it() {
    let receiver = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", receiver.local_addr().unwrap());
    let program = Program::start(&["--fedex-webhook-url", &url, "--fedex-webhook-host", "abc.lambda-url.example"]);
    let form = "grant_type=client_credentials&client_id=fedex-sandbox&client_secret=fedex-sandbox-secret";
    let given = program.raw("POST", "/fedex/oauth/token", "content-type: application/x-www-form-urlencoded\r\n", form);
    let given: Value = serde_json::from_str(body(&given)).unwrap();
    let bearer = format!("authorization: Bearer {}\r\n", given["access_token"].as_str().unwrap());
    let headers = format!("content-type: application/json\r\n{bearer}");
    let still = r#"{"parcels":[{"vendor":"fedex","course":"still"}]}"#;
    assert_eq!(status(&program.admin("POST", "faults", still)), "204");
    let bought = shipment(Vendor::FedEx).to_string();
    assert_eq!(status(&program.raw("POST", "/fedex/ship/v1/shipments", &headers, &bought)), "200");
    let pushed = receive(&receiver);
    assert!(pushed.to_ascii_lowercase().contains("fdx-signature: ") && pushed.contains("\"OC\""), "{pushed}");
    let number = program.state()["fedex"]["shipments"][0]["tracking_number"].as_str().unwrap().to_owned();
    let scan = format!(r#"{{"carrier":"fedex","tracking_number":"{number}"}}"#);
    let scanned = program.admin("POST", "parcel/scan", &scan);
    assert_eq!((status(&scanned), body(&scanned)), ("200", r#"{"scan":"picked_up"}"#));
    assert!(receive(&receiver).contains("\"PU\""));
    let other = format!(r#"{{"carrier":"fedex","tracking_number":"{number}","scan":"unknown"}}"#);
    assert_eq!(status(&program.admin("POST", "parcel/scan", &other)), "200");
    assert!(receive(&receiver).contains("\"ZQ\""));
    assert_eq!(status(&program.admin("POST", "parcel/scan", &scan.replace(&number, "1"))), "404");
    assert_eq!(program.state()["fedex"]["shipments"][0]["scans"][2]["scan"], "unknown");
    assert_eq!(status(&program.admin("DELETE", "tokens", "")), "204");
    assert_eq!(status(&program.raw("POST", "/fedex/ship/v1/shipments", &headers, &bought)), "401");
    assert!(!program.admin("GET", "calls", "").contains("fedex-sandbox-secret"));
    for (path, expected) in [("/ups/api/rating/v2409/Shop", "401"), ("/dhl/rates", "401")] {
        assert_eq!(status(&program.raw("POST", path, "content-type: application/json\r\n", "{}")), expected);
    }
}
