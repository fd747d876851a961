//! Alerts in template.yaml: who may publish to the topics, which key they have, who listens, and who may know where alerts go.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;

use contract::template::{Template, named_in};
use serde_yaml_ng::Value;

const TOPICS: [&str; 3] = ["CriticalTopic", "WarningTopic", "InfoTopic"];

/// Text or list as a list of texts.
fn texts(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Sequence(all) => all.iter().flat_map(texts).collect(),
        Value::Tagged(tagged) => texts(&tagged.value),
        other => other.as_str().map(str::to_owned).into_iter().collect(),
    }
}

fn statements(document: &Value) -> Vec<Value> {
    document["Statement"].as_sequence().cloned().unwrap_or_default()
}

/// The statements that allow this service something, without a condition unless `with_condition`.
fn of_service(document: &Value, service: &str, with_condition: bool) -> BTreeSet<String> {
    statements(document)
        .iter()
        .filter(|statement| {
            statement["Effect"] == "Allow" && texts(&statement["Principal"]["Service"]).contains(service)
        })
        .filter(|statement| with_condition || statement.get("Condition").is_none())
        .flat_map(|statement| texts(&statement["Action"]))
        .collect()
}

#[test]
fn topics_have_the_stage_s_key_and_the_key_lets_their_publishers_use_it() {
    let template = Template::read();
    let topics = template.of_type("AWS::SNS::Topic");
    assert_eq!(topics.keys().map(String::as_str).collect::<BTreeSet<_>>(), TOPICS.into());
    for (name, topic) in &topics {
        assert_eq!(texts(&topic["Properties"]["KmsMasterKeyId"]), BTreeSet::from(["Key.Arn".to_owned()]), "{name}");
    }
    let key = &template.resources()["Key"]["Properties"]["KeyPolicy"];
    for service in ["cloudwatch.amazonaws.com", "events.amazonaws.com"] {
        let allowed = of_service(key, service, false);
        for action in ["kms:Decrypt", "kms:GenerateDataKey*"] {
            assert!(allowed.contains(action), "the key does not let {service} {action}: its messages would be dropped");
        }
    }
    let logs = of_service(key, "logs.${AWS::Region}.amazonaws.com", true);
    assert!(
        logs.contains("kms:Encrypt") && logs.contains("kms:Decrypt"),
        "the key does not let CloudWatch Logs use it"
    );
}

#[test]
fn cloudwatch_may_publish_to_each_topic_and_eventbridge_where_a_rule_leads() {
    let template = Template::read();
    let rules = template.of_type("AWS::Events::Rule");
    let targets: BTreeSet<String> = rules.values().flat_map(|rule| named_in(&rule["Properties"]["Targets"])).collect();
    assert!(targets.contains("InfoTopic"), "nobody is told of deployments");
    for (name, policy) in template.of_type("AWS::SNS::TopicPolicy") {
        let topic = texts(&policy["Properties"]["Topics"]);
        let document = &policy["Properties"]["PolicyDocument"];
        assert!(of_service(document, "cloudwatch.amazonaws.com", true).contains("sns:Publish"), "{name}");
        let by_events = of_service(document, "events.amazonaws.com", true).contains("sns:Publish");
        assert_eq!(by_events, !topic.is_disjoint(&targets), "{name}");
        for statement in statements(document) {
            assert_ne!(statement["Principal"], Value::from("*"), "{name} is open to everybody");
        }
    }
    assert_eq!(template.of_type("AWS::SNS::TopicPolicy").len(), TOPICS.len());
}

#[test]
fn every_alarm_tells_its_beginning_and_its_end_to_one_topic() {
    for (name, alarm) in Template::read().of_type("AWS::CloudWatch::Alarm") {
        let (begins, ends) = (texts(&alarm["Properties"]["AlarmActions"]), texts(&alarm["Properties"]["OKActions"]));
        assert!(begins.len() == 1 && begins == ends, "{name}: {begins:?} {ends:?}");
        assert!(TOPICS.contains(&begins.iter().next().unwrap().as_str()), "{name}: {begins:?}");
    }
}

#[test]
fn in_production_somebody_gets_a_mail() {
    let rule = Template::read().at("Rules", "ProductionTellsSomebody");
    assert!(texts(&rule["RuleCondition"]).contains("production"));
    let asserted: BTreeSet<String> =
        rule["Assertions"].as_sequence().unwrap().iter().flat_map(|assertion| named_in(&assertion["Assert"])).collect();
    for mail in ["CriticalMail", "WarningMail"] {
        assert!(asserted.contains(mail), "the rule lets {mail} be empty: {asserted:?}");
    }
}

#[test]
fn the_notifier_listens_to_each_topic_and_is_fed_again() {
    let notifier = Template::read().functions()["AlertNotifier"].clone();
    let events = notifier["Properties"]["Events"].as_mapping().cloned().unwrap();
    let heard: BTreeSet<String> = events.values().flat_map(|event| texts(&event["Properties"]["Topic"])).collect();
    assert_eq!(heard, TOPICS.map(str::to_owned).into());
    let failed = &notifier["Properties"]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"];
    assert_eq!(texts(&failed["Destination"]), BTreeSet::from(["AlertBacklog.Arn".to_owned()]));
    let triggers = Template::read().triggers();
    assert!(triggers.contains(&("AlertBacklog".to_owned(), "AlertNotifier".to_owned())), "{triggers:?}");
    let backlog = &Template::read().resources()["AlertBacklog"]["Properties"];
    assert_eq!(backlog["MessageRetentionPeriod"], Value::from(6 * 3_600), "six hours");
}

#[test]
fn only_three_functions_know_where_alerts_go() {
    let template = Template::read();
    let readers: BTreeSet<String> = template
        .statements()
        .into_iter()
        .filter(|(_, statement)| texts(&statement["Action"]).contains("secretsmanager:GetSecretValue"))
        .filter(|(_, statement)| named_in(&statement["Resource"]).iter().any(|name| name.starts_with("AlertsSecret")))
        .map(|(whose, _)| whose)
        .collect();
    let expected = ["AlertNotifier", "HealthReady", "Sweeper"].map(str::to_owned);
    assert_eq!(readers, expected.into());
}

#[test]
fn readiness_never_reads_a_vendor_s_secret() {
    for (whose, statement) in Template::read().statements() {
        if whose == "HealthReady" && texts(&statement["Action"]).contains("secretsmanager:GetSecretValue") {
            let named = named_in(&statement["Resource"]);
            assert!(named.iter().all(|name| name.starts_with("AlertsSecret")), "{named:?}");
        }
    }
}
