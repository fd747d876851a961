//! The secrets: versions and stages.

use serde_json::json;
use simulation::Plan;

use crate::instance::Instance;

#[tokio::test(start_paused = true)]
async fn a_rotated_secret_answers_with_its_newest_version() {
    let me = Instance::new(Plan::default());
    me.aws.secrets().put("/crossdock/test/stripe", &json!({ "api_key": "old" }));
    let get = || me.secrets.get_secret_value().secret_id("/crossdock/test/stripe");
    let old = get().send().await.unwrap();
    me.aws.secrets().put("/crossdock/test/stripe", &json!({ "api_key": "new" }));
    let new = get().send().await.unwrap();
    assert_eq!(new.secret_string(), Some(r#"{"api_key":"new"}"#));
    assert_eq!(new.version_stages(), ["AWSCURRENT"]);
    assert_ne!(new.version_id(), old.version_id());
    let previous = get().version_stage("AWSPREVIOUS").send().await.unwrap();
    assert_eq!(previous.secret_string(), old.secret_string());
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_not_there_is_not_found() {
    let me = Instance::new(Plan::default());
    let error = me.secrets.get_secret_value().secret_id("none").send().await.unwrap_err();
    assert!(error.into_service_error().is_resource_not_found_exception());
}

#[tokio::test(start_paused = true)]
async fn several_secrets_come_in_one_read_and_the_missing_ones_are_named() {
    let me = Instance::new(Plan::default());
    me.aws.secrets().put("a", &json!(1));
    me.aws.secrets().put("b", &json!(2));
    let batch = me.secrets.batch_get_secret_value();
    let got = batch.secret_id_list("a").secret_id_list("none").secret_id_list("b").send().await.unwrap();
    let names: Vec<_> = got.secret_values().iter().filter_map(|value| value.name()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(got.errors()[0].secret_id(), Some("none"));
}
