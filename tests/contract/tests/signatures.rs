//! The receivers' verifiers against signatures that the vendors' own SDKs made and judged.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use contract::vectors::{Expect, SendgridVector, StripeVector, TwilioVector, sendgrid, stripe, twilio};
use crossdock::domain::Timestamp;
use crossdock::error::Result;
use crossdock::vendors::sendgrid::verify::verify as verify_sendgrid;
use crossdock::vendors::stripe::verify::verify as verify_stripe;
use crossdock::vendors::twilio::verify::verify as verify_twilio;

/// Places of a body at which a bit is flipped: enough for each part of it, and quick.
const PLACES: usize = 64;

fn judge_stripe(vector: &StripeVector, body: &[u8]) -> Result<Bytes> {
    let now = Timestamp::from_seconds(vector.now);
    let secrets = std::iter::once(vector.secret.as_str());
    verify_stripe(secrets, &vector.header, Bytes::copy_from_slice(body), now).map(|verified| verified.into_inner().body)
}

fn judge_sendgrid(vector: &SendgridVector, body: &[u8]) -> Result<Bytes> {
    let keys = std::iter::once(vector.public_key.as_str());
    let body = Bytes::copy_from_slice(body);
    verify_sendgrid(keys, &vector.signature, &vector.timestamp, body).map(|verified| verified.get().clone())
}

fn judge_twilio(vector: &TwilioVector, body: &[u8]) -> Result<Bytes> {
    let tokens = std::iter::once(vector.token.as_str());
    let body = Bytes::copy_from_slice(body);
    verify_twilio(tokens, &vector.signature, &vector.url, body).map(|verified| verified.get().clone())
}

/// What Twilio signs of a body: the fields of a form in any order and writing, every byte of anything else.
fn signed_of(vector: &TwilioVector, body: &[u8]) -> Vec<(String, String)> {
    if vector.url.contains("bodySHA256=") {
        return vec![(String::new(), format!("{body:?}"))];
    }
    let mut fields: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
    fields.sort();
    fields.dedup();
    fields
}

/// What the vendor's SDKs accept is accepted, and handed on byte for byte; what they refuse is refused with 400.
#[track_caller]
fn agrees(name: &str, expect: Expect, body: &[u8], judged: Result<Bytes>) {
    match (expect, judged) {
        (Expect::Accept, Ok(verified)) => assert_eq!(verified, body, "{name}"),
        (Expect::Reject, Err(refusal)) => {
            assert_eq!(refusal.code, "invalid_signature", "{name}");
            assert_eq!(refusal.kind, crossdock::error::ErrorKind::Rejected { status: 400 }, "{name}");
        }
        (expect, judged) => panic!("{name}: the vendor says {expect:?}, we say {judged:?}"),
    }
}

/// The body with one bit flipped, at up to [`PLACES`] places; one byte more, one less.
fn altered(body: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let step = body.len().div_ceil(PLACES).max(1);
    let flipped = (0..body.len()).step_by(step).map(|place| {
        let mut other = body.to_vec();
        other[place] ^= 1 << (place % 8);
        other
    });
    let shorter = body.len().checked_sub(1).map(|length| body[..length].to_vec());
    flipped.chain(shorter).chain([[body, b"\n"].concat(), [b" ", body].concat()])
}

#[test]
fn stripe_signatures_are_judged_as_stripes_own_sdks_judge_them() {
    for vector in stripe() {
        agrees(&vector.name, vector.expect, &vector.body, judge_stripe(&vector, &vector.body));
    }
}

#[test]
fn sendgrid_signatures_are_judged_as_sendgrids_own_sdks_judge_them() {
    for vector in sendgrid() {
        agrees(&vector.name, vector.expect, &vector.body, judge_sendgrid(&vector, &vector.body));
    }
}

#[test]
fn twilio_signatures_are_judged_as_twilios_own_sdks_judge_them() {
    for vector in twilio() {
        agrees(&vector.name, vector.expect, &vector.body, judge_twilio(&vector, &vector.body));
    }
}

#[test]
fn a_twilio_url_that_differs_in_one_character_from_the_signed_one_is_refused() {
    for vector in twilio().iter().filter(|vector| vector.expect == Expect::Accept) {
        for place in 0..vector.url.len() {
            // A port is the one part of a URL that is not signed.
            let is_of_port = vector.url[..place].rfind(':').is_some_and(|colon| {
                vector.url[colon + 1..place].bytes().all(|b| b.is_ascii_digit()) && colon > "https".len()
            });
            if is_of_port || &vector.url[place..=place] == ":" {
                continue;
            }
            let mut url = vector.url.clone();
            url.replace_range(place..=place, if &url[place..=place] == "x" { "y" } else { "x" });
            let other = TwilioVector { url, ..vector.clone() };
            agrees(&vector.name, Expect::Reject, &vector.body, judge_twilio(&other, &vector.body));
        }
    }
}

#[test]
fn each_live_token_of_twilios_counts_whichever_place_it_has() {
    for vector in twilio().iter().filter(|vector| vector.expect == Expect::Accept) {
        for tokens in [[vector.token.as_str(), "another"], ["another", vector.token.as_str()]] {
            let body = Bytes::from(vector.body.clone());
            let verified = verify_twilio(tokens.into_iter(), &vector.signature, &vector.url, body).unwrap();
            assert_eq!(verified.key_id(), crossdock::vendors::key_id(&vector.token));
        }
    }
}

#[test]
fn a_body_that_differs_in_one_bit_or_byte_from_the_signed_one_is_refused() {
    for vector in stripe().iter().filter(|vector| vector.expect == Expect::Accept) {
        for body in altered(&vector.body) {
            agrees(&vector.name, Expect::Reject, &body, judge_stripe(vector, &body));
        }
    }
    for vector in sendgrid().iter().filter(|vector| vector.expect == Expect::Accept) {
        for body in altered(&vector.body) {
            agrees(&vector.name, Expect::Reject, &body, judge_sendgrid(vector, &body));
        }
    }
    for vector in twilio().iter().filter(|vector| vector.expect == Expect::Accept) {
        for body in altered(&vector.body) {
            // %2b and %2B, or a & more, are the same form.
            if signed_of(vector, &body) != signed_of(vector, &vector.body) {
                agrees(&vector.name, Expect::Reject, &body, judge_twilio(vector, &body));
            }
        }
    }
}

#[test]
fn a_signature_that_was_cut_off_or_altered_is_refused_without_a_panic() {
    for vector in stripe().iter().filter(|vector| vector.expect == Expect::Accept) {
        for length in 0..vector.header.find("v1=").unwrap() {
            let cut = StripeVector { header: vector.header[..length].to_owned(), ..vector.clone() };
            agrees(&vector.name, Expect::Reject, &vector.body, judge_stripe(&cut, &vector.body));
        }
    }
    for vector in sendgrid().iter().filter(|vector| vector.expect == Expect::Accept) {
        for length in 0..vector.signature.len() - 4 {
            let cut = SendgridVector { signature: vector.signature[..length].to_owned(), ..vector.clone() };
            agrees(&vector.name, Expect::Reject, &vector.body, judge_sendgrid(&cut, &vector.body));
        }
        let later = SendgridVector { timestamp: format!("{}0", vector.timestamp), ..vector.clone() };
        agrees(&vector.name, Expect::Reject, &vector.body, judge_sendgrid(&later, &vector.body));
    }
    for vector in twilio().iter().filter(|vector| vector.expect == Expect::Accept) {
        for length in 0..vector.signature.len() {
            let cut = TwilioVector { signature: vector.signature[..length].to_owned(), ..vector.clone() };
            agrees(&vector.name, Expect::Reject, &vector.body, judge_twilio(&cut, &vector.body));
        }
    }
}

#[test]
fn without_a_live_key_nothing_is_accepted() {
    for vector in stripe() {
        let now = Timestamp::from_seconds(vector.now);
        assert!(verify_stripe(std::iter::empty(), &vector.header, vector.body.into(), now).is_err());
    }
    for vector in sendgrid() {
        let none = std::iter::empty();
        assert!(verify_sendgrid(none, &vector.signature, &vector.timestamp, vector.body.into()).is_err());
    }
    for vector in twilio() {
        assert!(verify_twilio(std::iter::empty(), &vector.signature, &vector.url, vector.body.into()).is_err());
    }
}
