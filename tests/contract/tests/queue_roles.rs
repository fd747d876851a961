//! Who may send to which queue, and who may read which secret: the tables below are the promise, and the roles of template.yaml
//! are held against them. event-processor believes the queue InboundEvents because nobody but receivers may send to it.

use std::collections::{BTreeMap, BTreeSet};

use contract::template::Template;

/// Who sends where. Replays come from operators, whose policy says so (`Operate`).
const SENDERS: [(&str, &str); 26] = [
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
    ("AlertNotifier", ""),
    ("SendGridRotator", ""),
    ("StripeRotator", ""),
    ("UpsRotator", ""),
    ("AppRotator", ""),
    ("Health", ""),
    ("HealthReady", ""),
];

/// Who reads which secret. Nobody reads the source of person_key.
const READERS: [(&str, &str); 26] = [
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
    ("SendGridRotator", "SendGrid SendGridAdmin"),
    ("StripeRotator", "StripeWebhook StripeAdmin"),
    ("UpsRotator", "UpsWebhook"),
    ("AppRotator", "App"),
    ("DeadLetterArchiver", ""),
    ("Sweeper", "Alerts"),
    ("AlertNotifier", "Alerts"),
    ("Health", ""),
    ("HealthReady", "Alerts"),
];

/// Who receives from which queue, or from which dead letters.
const RECEIVERS: [(&str, &str); 8] = [
    ("PaymentWorker", "PaymentsQueue"),
    ("EventProcessor", "InboundEventsQueue InboundWorkQueue"),
    ("EmailSender", "EmailQueue EmailBulkQueue"),
    ("SmsSender", "SmsQueue SmsBulkQueue"),
    ("ShipmentWorker", "ShipmentsQueue"),
    ("DeadLetterArchiver", "InboundEventsDlq"),
    ("DomainEventsPipeRole", "DomainEventsQueue"),
    ("AlertNotifier", "AlertBacklog"),
];

fn table<const N: usize>(rows: [(&str, &str); N], end: &str) -> BTreeMap<String, BTreeSet<String>> {
    let names = |names: &str| names.split_whitespace().map(|name| format!("{name}{end}")).collect();
    rows.into_iter()
        .map(|(role, of)| (role.to_owned(), names(of)))
        .filter(|(_, of): &(_, BTreeSet<_>)| !of.is_empty())
        .collect()
}

fn allowed(action: &str) -> BTreeMap<String, BTreeSet<String>> {
    Template::read().allowed(action)
}

#[test]
fn each_role_sends_to_the_queues_of_the_table_and_to_no_other() {
    assert_eq!(allowed("sqs:SendMessage"), table(SENDERS, "Queue"));
}

#[test]
fn each_role_reads_the_secrets_of_the_table_and_no_other() {
    assert_eq!(allowed("secretsmanager:GetSecretValue"), table(READERS, "Secret"));
}

/// Who changes a secret: its rotator, and nobody else of ours.
const WRITERS: [(&str, &str); 4] = [
    ("SendGridRotator", "SendGrid"),
    ("StripeRotator", "StripeWebhook"),
    ("UpsRotator", "UpsWebhook"),
    ("AppRotator", "App"),
];

#[test]
fn only_its_rotator_changes_a_secret() {
    for action in ["PutSecretValue", "UpdateSecretVersionStage"] {
        assert_eq!(allowed(&format!("secretsmanager:{action}")), table(WRITERS, "Secret"), "{action}");
    }
    for action in ["UpdateSecret", "DeleteSecret", "CreateSecret"] {
        assert!(allowed(&format!("secretsmanager:{action}")).is_empty(), "{action}");
    }
}

/// For one release, and only where somebody asks for it: what webhooks are verified with is still in the vendor's own secret.
#[test]
fn receivers_read_what_opens_a_vendor_s_api_on_one_condition_only() {
    const ON: &str = "ReceiversReadOldSecrets";
    let (usual, on) =
        (allowed("secretsmanager:GetSecretValue"), Template::read().on(ON).allowed("secretsmanager:GetSecretValue"));
    for (role, secrets) in &on {
        let more: Vec<&String> = secrets.iter().filter(|secret| !usual[role].contains(*secret)).collect();
        match role.strip_suffix("Webhook") {
            Some(vendor) => assert_eq!(more, [&format!("{vendor}Secret")], "{role}"),
            None => assert!(more.is_empty(), "{role}: {more:?}"),
        }
    }
    assert_eq!(Template::read().at("Parameters", "ReadOldWebhookSecrets")["Default"], "false");
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
    let functions = Template::read().functions();
    let functions: BTreeSet<&str> = functions.keys().map(String::as_str).collect();
    assert_eq!(SENDERS.map(|(name, _)| name).into_iter().collect::<BTreeSet<_>>(), functions);
    assert_eq!(READERS.map(|(name, _)| name).into_iter().collect::<BTreeSet<_>>(), functions);
}

/// A queue that lets another account or service in by a policy of its own would go round the roles.
#[test]
fn no_queue_and_no_secret_has_a_policy_of_its_own() {
    for kind in ["AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy", "AWS::SecretsManager::ResourcePolicy"] {
        assert!(Template::read().of_type(kind).is_empty(), "the tables do not know a {kind}");
    }
}
