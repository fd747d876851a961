//! What is encrypted with the stage's key, who may use that key, and what stays when a stack goes.

use std::collections::{BTreeMap, BTreeSet};

use contract::template::{Template, each, named_in, plain};
use serde_yaml_ng::Value;

/// The types that hold what is ours, and the property that names the key.
const KEYS: [(&str, &str); 9] = [
    ("AWS::DynamoDB::Table", "SSESpecification"),
    ("AWS::S3::Bucket", "BucketEncryption"),
    ("AWS::SQS::Queue", "KmsMasterKeyId"),
    ("AWS::SNS::Topic", "KmsMasterKeyId"),
    ("AWS::SecretsManager::Secret", "KmsKeyId"),
    ("AWS::Logs::LogGroup", "KmsKeyId"),
    ("AWS::Events::EventBus", "KmsKeyIdentifier"),
    ("AWS::Pipes::Pipe", "KmsKeyIdentifier"),
    ("AWS::KMS::Alias", "TargetKeyId"),
];

/// Which services use the key by themselves, and for what; all others use it with the rights of who calls them. The service of
/// CloudWatch Logs has the region in its name.
const SERVICES: [(&str, &str); 3] = [
    ("cloudwatch.amazonaws.com", "Decrypt GenerateDataKey*"),
    ("events.amazonaws.com", "Decrypt DescribeKey GenerateDataKey*"),
    ("logs.${AWS::Region}.amazonaws.com", "Decrypt DescribeKey Encrypt GenerateDataKey* ReEncrypt*"),
];

/// What has no name of its own and holds data stays in every stage.
const STAYS: [&str; 5] = ["Table", "ArchiveBucket", "LabelsBucket", "AuditBucket", "Key"];
/// Queues that hold what is nowhere else.
const QUEUES_THAT_STAY: [&str; 2] = ["InboundEventsQueue", "InboundEventsDlq"];
/// An account has one, and others may have come to need it.
const OF_THE_ACCOUNT: [&str; 2] = ["ApiGatewayAccount", "ApiGatewayLogRole"];

#[test]
fn everything_that_holds_data_is_encrypted_with_the_stages_key() {
    let template = Template::read();
    for (kind, property) in KEYS {
        let found = template.of_type(kind);
        assert!(!found.is_empty(), "there is no {kind}");
        for (name, resource) in found {
            let key = named_in(&resource["Properties"][property]);
            assert!(key.iter().any(|named| named == "Key" || named == "Key.Arn"), "{name}: {property} is {key:?}");
        }
    }
}

/// An alarm to a topic whose key refuses CloudWatch, and a line of a log group whose key refuses it, are dropped without a trace.
#[test]
fn the_key_lets_in_the_services_that_use_it_and_no_others() {
    let key = &Template::read().resources()["Key"];
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for statement in each(&key["Properties"]["KeyPolicy"]["Statement"]) {
        assert_eq!(statement["Effect"], "Allow");
        if statement["Principal"]["AWS"].is_null() {
            for service in each(&statement["Principal"]["Service"]) {
                let service = plain(&service).as_str().unwrap_or_default().to_owned();
                let actions = each(&statement["Action"]).into_iter();
                let actions = actions.map(|action| action.as_str().unwrap_or_default().replace("kms:", ""));
                found.entry(service).or_default().extend(actions);
            }
        }
    }
    let names = |names: &str| names.split_whitespace().map(str::to_owned).collect();
    let wanted = SERVICES.map(|(service, actions)| (service.to_owned(), names(actions)));
    assert_eq!(found, wanted.into_iter().collect());
}

/// What `!If [IsProduction, …]` is in production, and elsewhere; a plain value is both.
fn policy(resource: &Value, which: &str) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or("Delete").to_owned();
    match each(&resource[which]).as_slice() {
        [condition, then, otherwise] => {
            assert_eq!(condition, "IsProduction");
            (text(then), text(otherwise))
        }
        [one] => (text(one), text(one)),
        other => (format!("{other:?}"), String::new()),
    }
}

#[test]
fn what_holds_data_or_a_key_stays_and_a_first_deployment_that_fails_leaves_nothing() {
    for (name, resource) in Template::read().resources() {
        let wanted = if OF_THE_ACCOUNT.contains(&name.as_str()) {
            ("Retain", "Retain")
        } else if STAYS.contains(&name.as_str()) {
            ("RetainExceptOnCreate", "RetainExceptOnCreate")
        } else if resource["Type"] == "AWS::SecretsManager::Secret" || QUEUES_THAT_STAY.contains(&name.as_str()) {
            ("RetainExceptOnCreate", "Delete")
        } else {
            ("Delete", "Delete")
        };
        let wanted = (wanted.0.to_owned(), wanted.1.to_owned());
        assert_eq!(policy(&resource, "DeletionPolicy"), wanted, "{name}");
        // A replacement is no creation.
        let of_update = |text: String| text.replace("RetainExceptOnCreate", "Retain");
        assert_eq!(policy(&resource, "UpdateReplacePolicy"), (of_update(wanted.0), of_update(wanted.1)), "{name}");
    }
}
