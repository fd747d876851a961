//! What people may do who operate a stack: four policies, and none of them is everything.

#![allow(clippy::panic, reason = "tests fail by panicking")]

use contract::template::{Template, allows, each, targets};
use serde_yaml_ng::Value;

const POLICIES: [&str; 4] = ["ReadPolicy", "OperatePolicy", "KeysPolicy", "PersonsPolicy"];
/// What begins so only looks. Who looks at a dead letter hides it for a moment, and lets it go.
const LOOKS: [&str; 8] =
    ["BatchGet", "ChangeMessageVisibility", "Decrypt", "Describe", "Filter", "Get", "List", "Query"];
/// What no operator has any need of.
const NEVER: [&str; 14] = [
    "dynamodb:DeleteItem",
    "dynamodb:DeleteTable",
    "dynamodb:Scan",
    "iam:PassRole",
    "kms:ScheduleKeyDeletion",
    "lambda:InvokeFunction",
    "lambda:UpdateFunctionCode",
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutObjectRetention",
    "secretsmanager:DeleteSecret",
    "sqs:PurgeQueue",
    "sqs:SetQueueAttributes",
];

fn statements(policy: &str) -> Vec<Value> {
    each(&Template::read().resources()[policy]["Properties"]["PolicyDocument"]["Statement"])
}

fn allowing(policy: &str) -> Vec<Value> {
    statements(policy).into_iter().filter(|statement| statement["Effect"] == "Allow").collect()
}

fn may(policy: &str, action: &str) -> Vec<String> {
    allowing(policy).iter().filter(|statement| allows(statement, action)).flat_map(targets).collect()
}

#[test]
fn there_are_four_and_each_names_what_it_is_about() {
    let template = Template::read();
    let found: Vec<String> = template.of_type("AWS::IAM::ManagedPolicy").into_keys().collect();
    let mut wanted = POLICIES.map(str::to_owned);
    wanted.sort();
    assert_eq!(found, wanted);
    for policy in POLICIES {
        assert!(!template.at("Outputs", &format!("{policy}Arn")).is_null(), "nobody finds {policy}");
        for statement in statements(policy) {
            assert!(statement["NotAction"].is_null() && statement["NotResource"].is_null(), "{policy}: {statement:?}");
            for action in each(&statement["Action"]) {
                let action = action.as_str().unwrap_or_default();
                assert!(action == "kms:ReEncrypt*" || !action.contains('*'), "{policy}: {action}");
            }
            let knows_no_resource =
                ["cloudwatch:DescribeAlarms", "lambda:GetAccountSettings"].iter().any(|one| allows(&statement, one));
            assert_eq!(targets(&statement) == ["*"], knows_no_resource, "{policy}: {statement:?}");
        }
        for action in NEVER {
            assert_eq!(may(policy, action), Vec::<String>::new(), "{policy} may {action}");
        }
    }
}

#[test]
fn who_looks_changes_nothing() {
    for statement in allowing("ReadPolicy") {
        for action in each(&statement["Action"]) {
            let name = action.as_str().unwrap_or_default().split(':').nth(1).unwrap_or_default().to_owned();
            let looks = LOOKS.iter().any(|begin| name.starts_with(begin)) || name == "ReceiveMessage";
            assert!(looks, "ReadPolicy: {action:?}");
        }
    }
    for queue in may("ReadPolicy", "sqs:ReceiveMessage") {
        assert!(queue.ends_with("Dlq"), "who looks into {queue} takes messages from its worker");
    }
}

#[test]
fn keys_are_read_and_put_by_one_policy_and_it_sees_no_order() {
    for policy in ["ReadPolicy", "OperatePolicy"] {
        assert_eq!(may(policy, "secretsmanager:GetSecretValue"), Vec::<String>::new(), "{policy}");
    }
    assert_eq!(may("PersonsPolicy", "secretsmanager:GetSecretValue"), ["AppSecret"]);
    for policy in ["ReadPolicy", "OperatePolicy", "PersonsPolicy"] {
        assert_eq!(may(policy, "secretsmanager:PutSecretValue"), Vec::<String>::new(), "{policy}");
    }
    for action in ["dynamodb:GetItem", "dynamodb:Query", "sqs:SendMessage", "sqs:ReceiveMessage", "s3:GetObject"] {
        assert_eq!(may("KeysPolicy", action), Vec::<String>::new(), "KeysPolicy: {action}");
        assert_eq!(may("PersonsPolicy", action), Vec::<String>::new(), "PersonsPolicy: {action}");
    }
    let denied = statements("KeysPolicy").into_iter().filter(|statement| statement["Effect"] == "Deny");
    let denied: Vec<Value> = denied.filter(|statement| allows(statement, "secretsmanager:PutSecretValue")).collect();
    assert_eq!(
        denied.iter().flat_map(targets).collect::<Vec<_>>(),
        ["PersonKeySecret"],
        "person_key must never change"
    );
}

#[test]
fn who_asks_for_persons_calls_nothing_else_of_the_api() {
    for policy in ["ReadPolicy", "OperatePolicy", "KeysPolicy"] {
        assert_eq!(may(policy, "execute-api:Invoke"), Vec::<String>::new(), "{policy}");
    }
    for route in may("PersonsPolicy", "execute-api:Invoke") {
        assert!(route.ends_with("/contacts/*") || route.ends_with("/people/*"), "{route}");
    }
}

/// Who may write everything in the table could rewrite what it says of them; the bucket remembers.
#[test]
fn what_was_done_by_hand_is_written_where_nobody_can_change_it() {
    let bucket = &Template::read().resources()["AuditBucket"]["Properties"];
    assert_eq!(bucket["ObjectLockEnabled"], true);
    let retention = &bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"];
    assert_eq!((retention["Mode"].as_str(), retention["Days"].as_u64()), (Some("GOVERNANCE"), Some(400)));
    for policy in ["OperatePolicy", "KeysPolicy"] {
        assert_eq!(may(policy, "s3:PutObject"), ["${AuditBucket.Arn}/audit/*"], "{policy}");
    }
}
