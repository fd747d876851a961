//! What we draw ourselves: the key of links, and what UPS proves itself with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::domain::ContactId;
use crossdock::effects::contact::{UnsubscribeLinks, contact_id, linked};
use serde_json::{Value, json};
use simulation::Probe;
use simulation::universe::{Function, Universe};

use crate::{LATER_MS, NEXT_TOKEN, STEPS, TOKEN, each_step_cut_and_doubled, rotation};

fn links_universe() -> Universe {
    let mut universe = Universe::new(1);
    universe.rotates = "app";
    universe
}

/// The link of somebody, and whose a link is, by a fresh instance.
async fn link(universe: &Universe) -> (String, ContactId) {
    let system = universe.system(Function::Unsubscriber, &Probe::default());
    let keys = system.app_keys().unwrap();
    let id = contact_id(&keys.get().await.unwrap(), "ada@shopper.example").unwrap();
    let links = UnsubscribeLinks::new(keys, String::new(), system.world().clone());
    (links.of(&id).await.unwrap().trim_start_matches("/unsubscribe/").to_owned(), id)
}

async fn whose(universe: &Universe, link: &str) -> Option<ContactId> {
    let system = universe.system(Function::Unsubscriber, &Probe::default());
    linked(&system.app_keys().unwrap().get().await.unwrap(), link).ok()
}

async fn links_are_rotated(universe: &mut Universe, what: &str) {
    let keys = universe.aws().secrets().current("app")["link_key"].as_array().unwrap().clone();
    assert_eq!((keys.len(), &keys[0]["key"]), (2, &json!("another")), "{what}");
    assert_eq!(universe.aws().secrets().current("app")["person_key"], "a key of tests", "{what}");
}

#[tokio::test(start_paused = true)]
async fn however_a_step_is_cut_off_or_doubled_one_key_of_links_is_added() {
    each_step_cut_and_doubled(links_universe, links_are_rotated).await;
}

#[tokio::test(start_paused = true)]
async fn old_links_work_for_ever_and_new_ones_are_made_when_everybody_knows_the_new_key() {
    let mut universe = links_universe();
    let (first, id) = link(&universe).await;
    let mut made = vec![first];
    for n in 0..3 {
        assert_eq!(rotation(&mut universe, &format!("{n}{}", &TOKEN[1..])).await, Ok(()));
        assert_eq!(link(&universe).await.0, *made.last().unwrap(), "an instance may not know the new key yet");
        universe.sleep_ms(LATER_MS).await;
        let (newest, _) = link(&universe).await;
        assert!(!made.contains(&newest));
        made.push(newest);
        for link in &made {
            assert_eq!(whose(&universe, link).await, Some(id.clone()));
        }
    }
    let forged = made[0].replace(|c: char| c.is_ascii_lowercase(), "a");
    assert_eq!(whose(&universe, &forged).await, None);
}

const CREDENTIAL: &str = "0123456789abcdef";
const CLIENT: &str = "ups:fedcba9876543210";

fn ups_universe() -> Universe {
    let mut universe = Universe::new(1);
    universe.rotates = "ups-webhook";
    let credentials = json!([{ "secret": CREDENTIAL }, { "secret": CLIENT }]);
    universe.aws().secrets().put("ups-webhook", &json!({ "webhook_credentials": credentials }));
    universe
}

fn credentials(universe: &Universe) -> Vec<String> {
    let secret: Value = universe.aws().secrets().current("ups-webhook");
    let all = secret["webhook_credentials"].as_array().unwrap();
    all.iter().map(|one| one["secret"].as_str().unwrap().to_owned()).collect()
}

/// What UPS sends, with a credential or with a token for a client.
async fn pushes(universe: &mut Universe, credential: &str) -> u16 {
    let scan = r#"{"trackingNumber":"1ZCIETST0111111114","activityStatus":{"type":"I","code":"DP"}}"#;
    let mut request = http::Request::post("https://webhook.sim/");
    if credential.contains(':') {
        let basic = format!("Basic {}", STANDARD.encode(credential));
        let asked = http::Request::post("https://webhook.sim/oauth/token").header("authorization", basic);
        let given = universe.call_raw(Function::UpsWebhook, asked.body("".into()).unwrap(), "/oauth/token").await;
        if given.status() != 200 {
            return given.status();
        }
        request = request.header("authorization", format!("Bearer {}", given.body()["access_token"].as_str().unwrap()));
    } else {
        request = request.header("credential", credential);
    }
    let status = universe.call_raw(Function::UpsWebhook, request.body(scan.into()).unwrap(), "/").await.status();
    universe.run_until_quiet(600_000).await;
    status
}

async fn ups_is_rotated(universe: &mut Universe, what: &str) {
    let all = credentials(universe);
    assert_eq!((all.len(), &all[..2]), (4, &[CREDENTIAL.to_owned(), CLIENT.to_owned()][..]), "{what}");
    assert!(!all[2].contains(':') && all[3].contains(':'), "{what}: one of each form");
    for credential in all {
        assert_eq!(pushes(universe, &credential).await, 200, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn however_a_step_is_cut_off_or_doubled_ups_has_one_new_credential_of_each_form_and_the_old_ones_count() {
    each_step_cut_and_doubled(ups_universe, ups_is_rotated).await;
}

/// UPS has no API for it, so nobody knows when a person has entered the new ones but by their use.
#[tokio::test(start_paused = true)]
async fn the_old_credentials_stay_until_ups_uses_the_new_ones() {
    let mut universe = ups_universe();
    assert_eq!(rotation(&mut universe, TOKEN).await, Ok(()));
    let first = credentials(&universe);
    let token = universe.aws().secrets().begin_rotation("ups-webhook", NEXT_TOKEN);
    assert_eq!(universe.rotate(STEPS[0], &token).await, Some(Err("credential_not_seen")));
    for credential in &first[2..] {
        assert_eq!(pushes(&mut universe, credential).await, 200);
    }
    assert_eq!(rotation(&mut universe, NEXT_TOKEN).await, Ok(()));
    let second = credentials(&universe);
    assert_eq!((second.len(), &second[..2]), (4, &first[2..]));
    universe.sleep_ms(300_000).await;
    assert_eq!(pushes(&mut universe, CREDENTIAL).await, 401);
}

/// What nobody has filled has no age, and what was changed is young.
#[tokio::test(start_paused = true)]
async fn the_age_of_the_oldest_key_that_people_renew_is_written_down() {
    const DAY_MS: u64 = 86_400_000;
    let mut universe = links_universe();
    let fill = |universe: &Universe, name: &str| universe.aws().secrets().put(name, &json!({ "api_key": "another" }));
    let age_days = async |universe: &mut Universe| {
        crossdock::telemetry::captured::begin("sim");
        assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
        let lines = crossdock::telemetry::captured::take();
        lines.iter().find_map(|line| line["key_age_seconds"].as_f64()).map(|seconds| (seconds / 86_400.0).round())
    };
    universe.sleep_ms(10 * DAY_MS).await;
    assert_eq!(age_days(&mut universe).await, None, "each has one version, as the deployment makes it");
    fill(&universe, "stripe");
    universe.sleep_ms(80 * DAY_MS).await;
    fill(&universe, "twilio");
    assert_eq!(age_days(&mut universe).await, Some(80.0));
    fill(&universe, "stripe");
    universe.sleep_ms(DAY_MS).await;
    assert_eq!(age_days(&mut universe).await, Some(1.0));
}
