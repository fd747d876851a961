//! The vectors themselves: whoever checks a verifier with them must be able to trust that they say something.

use std::collections::BTreeSet;

use contract::vectors::{Expect, sendgrid, stripe, twilio};

#[test]
fn each_vector_has_a_name_of_its_own_and_at_least_one_vendors_verdict() {
    let named: Vec<_> = stripe().into_iter().map(|vector| (vector.name, vector.agreed_by)).collect();
    let also: Vec<_> = sendgrid().into_iter().map(|vector| (vector.name, vector.agreed_by)).collect();
    let too: Vec<_> = twilio().into_iter().map(|vector| (vector.name, vector.agreed_by)).collect();
    for vectors in [named, also, too] {
        assert!(vectors.iter().all(|(_, agreed)| !agreed.is_empty()));
        let names: BTreeSet<_> = vectors.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), vectors.len());
    }
}

#[test]
fn there_are_signatures_to_accept_and_signatures_to_refuse() {
    let of_stripe: Vec<Expect> = stripe().iter().map(|vector| vector.expect).collect();
    let of_sendgrid: Vec<Expect> = sendgrid().iter().map(|vector| vector.expect).collect();
    let of_twilio: Vec<Expect> = twilio().iter().map(|vector| vector.expect).collect();
    for expected in [of_stripe, of_sendgrid, of_twilio] {
        assert!(expected.iter().filter(|expect| **expect == Expect::Accept).count() >= 5);
        assert!(expected.iter().filter(|expect| **expect == Expect::Reject).count() >= 10);
    }
}

#[test]
fn sendgrids_bodies_keep_the_crlf_that_is_signed() {
    assert!(sendgrid().iter().filter(|vector| vector.expect == Expect::Accept).any(|v| v.body.ends_with(b"]\r\n")));
}
