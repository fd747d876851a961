//! The webhook archive: S3 on the emulator has what the vendors signed.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use hmac::{Hmac, KeyInit as _, Mac as _};
use local::{Answer, Stack};
use serde_json::Value;
use sha2::Sha256;

use crate::{Deployed, SOON, confirmed_payment, expect, until};

/// The signing secret of the simulated Stripe.
const SECRET: &str = "whsec_local_stack";

pub(crate) fn as_they_were_signed(deployed: &Deployed) -> Result<()> {
    let created = expect(&deployed.post("/payments", &[], &confirmed_payment("e2e-archive", "pm_card_visa"))?, 201)?;
    let payment_id = created["payment_id"].as_str().context("no payment_id")?;
    deployed.paid_and_mailed("e2e-archive", SOON)?;
    let (runtime, stack) = (&deployed.runtime, &deployed.stack);
    let (key, object) = succeeded(deployed, "e2e-archive")?;
    is_as_it_was_signed(&object.body, object.header("x-amz-meta-note"))?;
    runtime.block_on(is_named_by_its_event(stack, &object.json(), &key, payment_id))?;
    let mails = runtime.block_on(stack.archived("sendgrid/"))?;
    ensure!(!mails.is_empty(), "no event of a mail is in the archive");
    Ok(())
}

/// The archived event that tells of the order's payment, with its key. Each object is read once: others fill the archive
/// too.
pub(crate) fn succeeded(deployed: &Deployed, order: &str) -> Result<(String, Answer)> {
    let (runtime, stack) = (&deployed.runtime, &deployed.stack);
    let mut read = BTreeSet::new();
    until(&format!("the event of the payment of {order} is in the archive"), SOON, || {
        for key in runtime.block_on(stack.archived("stripe/"))? {
            if !read.insert(key.clone()) {
                continue;
            }
            let object = runtime.block_on(stack.archived_object(&key))?;
            let event = object.json();
            let about = &event["data"]["object"]["metadata"]["crossdock_order"];
            if event["type"] == "payment_intent.succeeded" && about == order {
                return Ok(Some((key, object)));
            }
        }
        Ok(None)
    })
}

/// Stripe's rule, written here a second time: the archived bytes and header verify.
fn is_as_it_was_signed(bytes: &[u8], note: &str) -> Result<()> {
    let note: Value = serde_json::from_str(note).context("the object has no note")?;
    ensure!(note["verified_by"].as_str().is_some_and(|key| key.len() == 8), "{note}");
    let header = note["headers"]["stripe-signature"].as_str().context("no signature is kept")?;
    let part = |name: &str| header.split(',').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(format!("{}.", part("t").context("no t")?).as_bytes());
    mac.update(bytes);
    let v1 = part("v1").context("no v1")?;
    let pairs = (0..v1.len() / 2).map(|n| u8::from_str_radix(&v1[2 * n..2 * n + 2], 16));
    let signature = pairs.collect::<Result<Vec<u8>, _>>()?;
    ensure!(mac.verify_slice(&signature).is_ok(), "the archived bytes are not those that were signed");
    Ok(())
}

async fn is_named_by_its_event(stack: &Stack, about: &Value, key: &str, payment_id: &str) -> Result<()> {
    let id = about["id"].as_str().context("an event without id")?;
    let item = stack.item(&format!("EVENT#stripe#{id}"), "EVENT").await?.context("the event is not recorded")?;
    ensure!(item["archive_key"]["S"] == key, "{item} of {payment_id} does not name {key}");
    Ok(())
}
