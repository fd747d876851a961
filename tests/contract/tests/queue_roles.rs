//! Who may send to which queue, and who may read which secret: the tables below are the promise, and the roles of template.yaml
//! are held against them. event-processor believes the queue InboundEvents because nobody but receivers may send to it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use contract::workspace_root;
use serde_yaml_ng::Value;

/// Who sends where. Replays come from operators, whose policy says so (`Operate`).
const SENDERS: [(&str, &str); 20] = [
    ("StripeWebhook", "InboundEvents"),
    ("SendGridWebhook", "InboundEvents"),
    ("TwilioWebhook", "InboundEvents"),
    ("PostmarkWebhook", "InboundEvents"),
    ("FedexWebhook", "InboundEvents"),
    ("UpsWebhook", "InboundEvents"),
    ("PaymentInitiator", "InboundWork Payments Email"),
    ("PaymentWorker", "InboundWork Payments Email"),
    ("EventProcessor", "InboundWork Payments Email Sms Shipments DomainEvents"),
    ("EmailSender", "InboundWork"),
    ("SmsSender", "InboundWork Email Sms"),
    ("MessageInitiator", "InboundWork Email EmailBulk Sms SmsBulk"),
    ("ShipmentInitiator", "InboundWork Email Sms Shipments"),
    ("ShipmentWorker", "InboundWork Email Sms Shipments"),
    ("Sweeper", "InboundWork Payments Email EmailBulk Sms SmsBulk Shipments"),
    ("DeadLetterArchiver", ""),
    ("Unsubscriber", ""),
    ("RateQuoter", ""),
    ("MailReporter", ""),
    ("Health", ""),
];

/// Who reads which secret. Nobody reads the source of person_key.
const READERS: [(&str, &str); 20] = [
    ("StripeWebhook", "StripeWebhook"),
    ("SendGridWebhook", "SendGridWebhook"),
    ("TwilioWebhook", "TwilioWebhook"),
    ("PostmarkWebhook", "PostmarkWebhook"),
    ("FedexWebhook", "FedexWebhook"),
    ("UpsWebhook", "UpsWebhook"),
    ("PaymentInitiator", "App Stripe"),
    ("PaymentWorker", "App Stripe"),
    ("EventProcessor", "App"),
    ("EmailSender", "App SendGrid Postmark"),
    ("SmsSender", "App Twilio"),
    ("MessageInitiator", "App SendGrid Twilio"),
    ("ShipmentInitiator", "App Fedex Ups Dhl"),
    ("ShipmentWorker", "Fedex Ups Dhl"),
    ("Unsubscriber", "App"),
    ("RateQuoter", "Fedex Ups Dhl"),
    ("MailReporter", "SendGrid"),
    ("DeadLetterArchiver", ""),
    ("Sweeper", ""),
    ("Health", ""),
];

/// Who receives from which queue, or from which dead letters.
const RECEIVERS: [(&str, &str); 7] = [
    ("PaymentWorker", "PaymentsQueue"),
    ("EventProcessor", "InboundEventsQueue InboundWorkQueue"),
    ("EmailSender", "EmailQueue EmailBulkQueue"),
    ("SmsSender", "SmsQueue SmsBulkQueue"),
    ("ShipmentWorker", "ShipmentsQueue"),
    ("DeadLetterArchiver", "InboundEventsDlq"),
    ("DomainEventsPipeRole", "DomainEventsQueue"),
];

/// The conditions on which a statement may be there.
const CONDITIONS: [&str; 1] = ["ReceiversReadOldSecrets"];

fn table<const N: usize>(rows: [(&str, &str); N], end: &str) -> BTreeMap<String, BTreeSet<String>> {
    let names = |names: &str| names.split_whitespace().map(|name| format!("{name}{end}")).collect();
    rows.into_iter()
        .map(|(role, of)| (role.to_owned(), names(of)))
        .filter(|(_, of): &(_, BTreeSet<_>)| !of.is_empty())
        .collect()
}

fn template() -> Value {
    serde_yaml_ng::from_str(&fs::read_to_string(workspace_root().join("template.yaml")).unwrap()).unwrap()
}

/// A value, or each of a list.
fn each(value: &Value) -> Vec<Value> {
    let value = untagged(value);
    value.as_sequence().cloned().unwrap_or_else(|| vec![value])
}

fn untagged(value: &Value) -> Value {
    match value {
        Value::Tagged(tagged) => tagged.value.clone(),
        other => other.clone(),
    }
}

/// Every statement of every role, with whose it is. A statement that denies allows nothing.
fn statements(conditions: &[&str]) -> Vec<(String, Value)> {
    let template = template();
    let mut found = Vec::new();
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let is_role = ["AWS::Serverless::Function", "AWS::IAM::Role"].contains(&resource["Type"].as_str().unwrap());
        let policies = &resource["Properties"]["Policies"];
        if !is_role || policies.is_null() {
            continue;
        }
        let name = name.as_str().unwrap();
        for policy in each(policies) {
            // SAM's policy templates and managed policies would hide what they allow.
            let document = if policy["PolicyDocument"].is_null() { &policy } else { &policy["PolicyDocument"] };
            assert!(document["Statement"].is_sequence(), "{name}: a policy without statements of its own: {policy:?}");
            for statement in each(&document["Statement"]) {
                // What is there on a condition would be seen by no table.
                let Some(statement) = under(&statement, conditions) else { continue };
                assert!(
                    statement["NotAction"].is_null() && statement["NotResource"].is_null(),
                    "{name}: {statement:?}"
                );
                if statement["Effect"] == "Allow" {
                    found.push((name.to_owned(), statement));
                }
            }
        }
    }
    found
}

/// A statement, or what `!If` makes of it where these conditions hold and no others.
fn under(statement: &Value, conditions: &[&str]) -> Option<Value> {
    let Value::Tagged(tagged) = statement else { return Some(statement.clone()) };
    let [condition, then, otherwise] = &tagged.value.as_sequence().unwrap()[..] else { panic!("{statement:?}") };
    assert!(tagged.tag == "If", "{statement:?}");
    let condition = condition.as_str().unwrap();
    assert!(CONDITIONS.contains(&condition), "{condition}: no table knows it");
    let chosen = if conditions.contains(&condition) { then } else { otherwise };
    let is_nothing = matches!(chosen, Value::Tagged(tagged) if tagged.tag == "Ref" && tagged.value == "AWS::NoValue");
    (!is_nothing).then(|| chosen.clone())
}

/// The same where no condition holds.
fn allowed(action: &str) -> BTreeMap<String, BTreeSet<String>> {
    allowed_under(&[], action)
}

/// What a role may do `action` to: the logical names of the resources, or the text that stands in the place of one.
fn allowed_under(conditions: &[&str], action: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (role, statement) in statements(conditions) {
        let names = |pattern: &str| {
            let (service, name) = action.split_once(':').unwrap();
            let (of, what) = pattern.split_once(':').unwrap_or((pattern, pattern));
            (of == "*" || of == service) && what.strip_suffix('*').map_or(what == name, |begin| name.starts_with(begin))
        };
        if !each(&statement["Action"]).iter().any(|pattern| names(pattern.as_str().unwrap())) {
            continue;
        }
        for resource in
            statement["Resource"].as_sequence().cloned().unwrap_or_else(|| vec![statement["Resource"].clone()])
        {
            let text = untagged(&resource);
            let text = text.as_str().unwrap_or_else(|| panic!("{role}: {resource:?}"));
            let name = text.strip_suffix(".Arn").or_else(|| text.strip_suffix(".Id")).unwrap_or(text);
            found.entry(role.clone()).or_default().insert(name.to_owned());
        }
    }
    found
}

#[test]
fn each_role_sends_to_the_queues_of_the_table_and_to_no_other() {
    assert_eq!(allowed("sqs:SendMessage"), table(SENDERS, "Queue"));
}

#[test]
fn each_role_reads_the_secrets_of_the_table_and_no_other() {
    assert_eq!(allowed("secretsmanager:GetSecretValue"), table(READERS, "Secret"));
}

/// For one release, and only where somebody asks for it: what webhooks are verified with is still in the vendor's own secret.
#[test]
fn receivers_read_what_opens_a_vendor_s_api_on_one_condition_only() {
    const ON: &str = "ReceiversReadOldSecrets";
    let (usual, on) = (allowed("secretsmanager:GetSecretValue"), allowed_under(&[ON], "secretsmanager:GetSecretValue"));
    for (role, secrets) in &on {
        let more: Vec<&String> = secrets.iter().filter(|secret| !usual[role].contains(*secret)).collect();
        match role.strip_suffix("Webhook") {
            Some(vendor) => assert_eq!(more, [&format!("{vendor}Secret")], "{role}"),
            None => assert!(more.is_empty(), "{role}: {more:?}"),
        }
    }
    assert!(template()["Parameters"]["ReadOldWebhookSecrets"]["Default"] == "false");
}

#[test]
fn each_role_receives_from_the_queues_of_the_table_and_from_no_other() {
    assert_eq!(allowed("sqs:ReceiveMessage"), table(RECEIVERS, ""));
}

/// What was archived once cannot be changed by who may only copy, and dead letters stay.
#[test]
fn only_who_works_a_queue_deletes_from_it() {
    let mut deletes = table(RECEIVERS, "");
    deletes.remove("DeadLetterArchiver");
    assert_eq!(allowed("sqs:DeleteMessage"), deletes);
    assert!(allowed("sqs:PurgeQueue").is_empty() && allowed("sqs:SetQueueAttributes").is_empty());
}

#[test]
fn every_function_has_a_row() {
    let template = template();
    let functions: BTreeSet<&str> = template["Resources"]
        .as_mapping()
        .unwrap()
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
        .map(|(name, _)| name.as_str().unwrap())
        .collect();
    assert_eq!(SENDERS.map(|(name, _)| name).into_iter().collect::<BTreeSet<_>>(), functions);
    assert_eq!(READERS.map(|(name, _)| name).into_iter().collect::<BTreeSet<_>>(), functions);
}

/// A queue that lets another account or service in by a policy of its own would go round the roles.
#[test]
fn no_queue_and_no_secret_has_a_policy_of_its_own() {
    let template = template();
    for (name, resource) in template["Resources"].as_mapping().unwrap() {
        let kind = resource["Type"].as_str().unwrap();
        assert!(
            !["AWS::SQS::QueuePolicy", "AWS::SecretsManager::ResourcePolicy", "AWS::SQS::QueueInlinePolicy"]
                .contains(&kind),
            "{name:?}: the table does not know it"
        );
    }
}
