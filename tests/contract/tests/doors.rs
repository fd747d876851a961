//! What keeps strangers and mistakes out, as far as it stands in template.yaml. Each test fails when its protection is taken away.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say what they counted"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use contract::template::{Template, each, named_in, plain};
use contract::workspace_root;
use serde_yaml_ng::Value;

/// What the emulator does not know, or rolls the stack back for: these types hang on `AwsOnly`.
const AWS_ONLY_TYPES: [&str; 7] = [
    "AWS::WAFv2::WebACLAssociation",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::AnomalyDetector",
    "AWS::SecretsManager::RotationSchedule",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Budgets::Budget",
];
/// What CloudFormation takes in one stack is 500 resources and 1,000,000 bytes of template; a tenth is left for a hot fix.
const RESOURCES_MAX: usize = 450;
const TRANSFORMED_MAX_BYTES: usize = 900_000;

/// Whether a resource is an alarm over several metrics.
fn is_math(resource: &Value) -> bool {
    resource["Type"] == "AWS::CloudWatch::Alarm" && !resource["Properties"]["Metrics"].is_null()
}

#[test]
fn only_what_the_emulator_does_not_know_hangs_on_aws_only() {
    let template = Template::read();
    let hanging = template.hanging_on("IsAws");
    for (name, resource) in template.resources() {
        let is_aws_only = AWS_ONLY_TYPES.iter().any(|kind| resource["Type"] == *kind) || is_math(&resource);
        assert_eq!(hanging.contains(&name), is_aws_only, "{name} ({:?}): hangs on AwsOnly, or must", resource["Type"]);
    }
    assert_eq!(template.at("Parameters", "AwsOnly")["Default"], "true");
    let runner = fs::read_to_string(workspace_root().join("infra/local/src/stack.rs")).unwrap();
    assert!(runner.contains("(\"AwsOnly\", \"false\")"), "the local stack makes what its emulator does not know");
}

#[test]
fn everything_that_calls_a_function_calls_its_alias() {
    let template = Template::read();
    let globals = &template.at("Globals", "Function");
    assert_eq!(globals["AutoPublishAlias"], "live");
    assert_eq!(globals["VersionDeletionPolicy"], "Delete");
    assert!(template.at("Parameters", "Release")["Default"].is_null(), "a Release that is left out changes nothing");
    for (name, function) in template.functions() {
        let properties = &function["Properties"];
        assert!(properties["AutoPublishAlias"].is_null(), "{name} has another alias");
        assert_eq!(properties["AutoPublishAliasAllProperties"], true, "{name}: a new timeout does not reach its alias");
        assert_eq!(plain(&properties["VersionDescription"]), "Release", "{name}: a parameter does not reach its alias");
    }
    for (name, trigger) in template.of_type("AWS::Lambda::EventSourceMapping") {
        let called = plain(&trigger["Properties"]["FunctionName"]);
        assert!(called.as_str().unwrap().ends_with(".Alias"), "{name} calls the newest code, not the alias");
    }
    // SAM makes most of these of its own events and URLs, and leads them to the alias.
    for (kind, property) in [("AWS::Lambda::Url", "TargetFunctionArn"), ("AWS::Lambda::Permission", "FunctionName")] {
        for (name, resource) in template.of_type(kind) {
            let called = plain(&resource["Properties"][property]);
            assert!(called.as_str().unwrap().ends_with(".Alias"), "{name} lets somebody call the newest code");
        }
    }
    for (name, rotation) in template.of_type("AWS::SecretsManager::RotationSchedule") {
        let called = plain(&rotation["Properties"]["RotationLambdaARN"]);
        assert!(called.as_str().unwrap().ends_with("Rotator.Alias"), "{name} calls the newest code, not the alias");
    }
    for kind in ["AWS::Lambda::Version", "AWS::Lambda::Alias"] {
        assert!(template.of_type(kind).is_empty(), "a {kind} that SAM did not make");
    }
}

/// The smallest number that a parameter's pattern takes, of one to four digits.
fn least(pattern: &str) -> u32 {
    let takes = |text: &str| {
        let alternatives = pattern.strip_prefix('(').and_then(|rest| rest.strip_suffix(")?")).unwrap();
        alternatives.split('|').any(|one| matches(one, text))
    };
    (0..10_000).find(|number: &u32| takes(&number.to_string())).unwrap_or_else(|| panic!("{pattern} takes no number"))
}

/// Whether a text is what a pattern of digits' classes says: `[1-9][0-9]{1,3}`.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut least, mut most, mut classes) = (0, 0, Vec::new());
    for part in pattern.split('[').skip(1) {
        let (class, times) = part.split_once(']').unwrap();
        let (from, to) = class.split_once('-').unwrap();
        let times = times.trim_matches(['{', '}']);
        let (low, high) = times.split_once(',').unwrap_or(if times.is_empty() { ("1", "1") } else { (times, times) });
        let (low, high): (usize, usize) = (low.parse().unwrap(), high.parse().unwrap_or(4));
        least += low;
        most += high;
        classes.extend(std::iter::repeat_n((from.chars().next().unwrap(), to.chars().next().unwrap()), high));
    }
    let fits = |(c, (from, to)): (char, &(char, char))| (*from..=*to).contains(&c);
    !classes.is_empty() && (least..=most).contains(&text.len()) && text.chars().zip(&classes).all(fits)
}

#[test]
fn reserved_concurrency_is_never_below_what_triggers_may_use() {
    let template = Template::read();
    let mut used: BTreeMap<String, u64> = BTreeMap::new();
    for trigger in template.of_type("AWS::Lambda::EventSourceMapping").values() {
        let function = plain(&trigger["Properties"]["FunctionName"]);
        let function = function.as_str().unwrap().trim_end_matches(".Alias").to_owned();
        *used.entry(function).or_default() +=
            trigger["Properties"]["ScalingConfig"]["MaximumConcurrency"].as_u64().unwrap();
    }
    let mut seen = BTreeSet::new();
    for (name, function) in template.functions() {
        let reserved = &function["Properties"]["ReservedConcurrentExecutions"];
        if reserved.is_null() {
            continue;
        }
        let named = named_in(reserved);
        let parameter = named.iter().find(|name| name.ends_with("ReservedConcurrency")).unwrap();
        let pattern = template.at("Parameters", parameter)["AllowedPattern"].clone();
        let most = used.get(&name).copied().unwrap_or(1);
        assert!(
            u64::from(least(pattern.as_str().unwrap())) >= most,
            "{parameter} may be less than the {most} of {name}"
        );
        assert_eq!(named[0], format!("Has{}", parameter.replace("Reserved", "")), "{name}: another condition");
        seen.insert(name);
    }
    // What strangers can call, and what payments cannot do without.
    let resources = template.resources();
    let is_open = |name: &str, function: &Value| {
        !function["Properties"]["FunctionUrlConfig"].is_null() || resources.contains_key(&format!("{name}Url"))
    };
    let urls = template.functions().into_iter().filter(|(name, function)| is_open(name, function));
    let must = urls.map(|(name, _)| name);
    let must = must.chain(["PaymentInitiator", "PaymentWorker", "EventProcessor", "Sweeper"].map(str::to_owned));
    assert_eq!(seen, must.collect::<BTreeSet<_>>());
}

#[test]
fn production_decides_on_every_reserved_concurrency() {
    let template = Template::read();
    let rule = template.at("Rules", "ProductionDecidesOnConcurrency");
    assert_eq!(named_in(&rule["RuleCondition"]), ["Stage", "production"]);
    let decided: BTreeSet<String> =
        each(&rule["Assertions"]).iter().map(|one| named_in(&one["Assert"])[0].clone()).collect();
    let parameters = template.section("Parameters");
    let all = parameters.keys().filter_map(Value::as_str).filter(|name| name.ends_with("ReservedConcurrency"));
    assert_eq!(decided, all.map(str::to_owned).collect());
    for parameter in &decided {
        assert_eq!(
            template.at("Parameters", parameter)["Default"],
            "",
            "{parameter}: nobody decides what has a default"
        );
    }
}

/// Lambda stops a function that it has called some 16 times in a chain of messages. A chain of ours may be longer and ends by
/// itself: who sends to a queue whose worker can send back is in such a chain.
#[test]
fn who_is_on_a_circle_of_queues_is_not_taken_for_a_loop() {
    let template = Template::read();
    let triggers = template.triggers();
    let sends = template.allowed("sqs:SendMessage");
    let next = |function: &str| -> BTreeSet<String> {
        let queues = sends.get(function).cloned().unwrap_or_default();
        triggers.iter().filter(|(queue, _)| queues.contains(queue)).map(|(_, worker)| worker.clone()).collect()
    };
    for (name, function) in template.functions() {
        let (mut open, mut reached): (Vec<String>, BTreeSet<String>) =
            (next(&name).into_iter().collect(), BTreeSet::new());
        while let Some(function) = open.pop() {
            if reached.insert(function.clone()) {
                open.extend(next(&function));
            }
        }
        let allows = function["Properties"]["RecursiveLoop"] == "Allow";
        assert_eq!(allows, reached.contains(&name), "{name}: RecursiveLoop, or what it sends where");
    }
}

/// What SAM makes of a function beside the function: role, version and alias; of each of its events a permission (and a rule
/// for a schedule, a subscription for a topic), of a URL the URL and two permissions, of settings for asynchronous calls one.
fn made_of(function: &Value) -> usize {
    let properties = &function["Properties"];
    let events = properties["Events"].as_mapping().cloned().unwrap_or_default();
    let of_events = events.values().map(|event| if event["Type"] == "Api" { 1 } else { 2 }).sum::<usize>();
    let of_url = if properties["FunctionUrlConfig"].is_null() { 0 } else { 3 };
    let of_calls = usize::from(!properties["EventInvokeConfig"].is_null());
    4 + of_events + of_url + of_calls
}

/// Counted by SAM's rules, because the transform itself is a Python program: on 30 November 2026 samtranslator 1.115.0 made
/// as many of the same file. Its text is measured by the file's own, which is larger by comments and smaller by what SAM adds; half of the limit is
/// kept free for that.
#[test]
fn the_template_leaves_room_in_what_a_stack_may_have() {
    let template = Template::read();
    let functions = template.functions();
    let others = template.resources().len() - functions.len();
    // Of the API: its stage and its deployment.
    let count =
        others + functions.values().map(made_of).sum::<usize>() + 2 * template.of_type("AWS::Serverless::Api").len();
    let bytes = fs::metadata(workspace_root().join("template.yaml")).unwrap().len();
    println!("{count} resources after SAM's transform; template.yaml has {bytes} bytes");
    assert!(count <= RESOURCES_MAX, "{count} resources");
    assert!(usize::try_from(2 * bytes).unwrap() <= TRANSFORMED_MAX_BYTES, "{bytes} bytes");
}

#[test]
fn production_keeps_its_table_from_being_deleted() {
    let table = &Template::read().resources()["Table"];
    assert_eq!(named_in(&table["Properties"]["DeletionProtectionEnabled"])[0], "IsProduction");
}
