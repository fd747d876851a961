//! Alarms that differ in a name only: infra/alarms.yaml lists them, template.yaml has them written out between two marks.
//!
//! `UPDATE_ALARMS=1 cargo test -p contract --test alarm_table` writes them anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests fail by panicking, and may read UPDATE_ALARMS"
)]

use std::collections::BTreeSet;
use std::fs;

use contract::linked::functions;
use contract::workspace_root;
use serde::Deserialize;
use serde_yaml_ng::{Mapping, Value};

/// The table.
#[derive(Deserialize)]
struct Table {
    queues: Mapping,
    functions: Mapping,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    name: String,
    dead_letters: String,
    age: String,
    age_s: u32,
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

impl Table {
    fn read() -> Self {
        serde_yaml_ng::from_str(&fs::read_to_string(workspace_root().join("infra/alarms.yaml")).unwrap()).unwrap()
    }

    fn queues(&self) -> Vec<(&str, Queue)> {
        let row = |(logical, row): (_, &Value)| (text(logical), serde_yaml_ng::from_value(row.clone()).unwrap());
        self.queues.iter().map(row).collect()
    }

    /// What stands in the template, by the name of its marks.
    fn families(&self) -> [(&'static str, String); 3] {
        let dead_letters = self.queues().into_iter().map(|(logical, queue)| dead_letters(logical, &queue));
        let ages = self.queues().into_iter().map(|(logical, queue)| age(logical, &queue));
        let errors = self.functions.iter().map(|(logical, name)| errors(text(logical), text(name)));
        [("dead letters", dead_letters.collect()), ("ages", ages.collect()), ("errors", errors.collect())]
    }
}

/// Every alarm tells when it begins and when it is over, and silence is no alarm.
const END: &str = "      ComparisonOperator: GreaterThanOrEqualToThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref WarningTopic]
      OKActions: [!Ref WarningTopic]
";

fn dead_letters(logical: &str, Queue { name, dead_letters, .. }: &Queue) -> String {
    format!(
        "  {logical}DlqAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub ${{AWS::StackName}}-{name}-dead-letters
      AlarmDescription: !FindInMap [Alarm, {dead_letters}, Description]
      Namespace: AWS/SQS
      MetricName: ApproximateNumberOfMessagesVisible
      Dimensions: [{{Name: QueueName, Value: !GetAtt {logical}Dlq.QueueName}}]
      Statistic: Maximum
      Period: 60
      EvaluationPeriods: 1
      Threshold: 1
{END}"
    )
}

fn age(logical: &str, Queue { name, age, age_s, .. }: &Queue) -> String {
    format!(
        "  {logical}AgeAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub ${{AWS::StackName}}-{name}-age
      AlarmDescription: !FindInMap [Alarm, {age}, Description]
      Namespace: AWS/SQS
      MetricName: ApproximateAgeOfOldestMessage
      Dimensions: [{{Name: QueueName, Value: !GetAtt {logical}Queue.QueueName}}]
      Statistic: Maximum
      Period: 60
      EvaluationPeriods: 5
      Threshold: {age_s} # seconds
{END}"
    )
}

fn errors(logical: &str, name: &str) -> String {
    format!(
        "  {logical}ErrorsAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub ${{AWS::StackName}}-{name}-errors
      AlarmDescription: !FindInMap [Alarm, Errors, Description]
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions: [{{Name: FunctionName, Value: !Ref {logical}}}]
      Statistic: Sum
      Period: 60
      EvaluationPeriods: 5
      DatapointsToAlarm: 2
      Threshold: 1
{END}"
    )
}

fn template() -> String {
    fs::read_to_string(workspace_root().join("template.yaml")).unwrap()
}

/// What stands before the marks of a family, between them, and after them.
fn cut<'a>(template: &'a str, family: &str) -> (&'a str, &'a str, &'a str) {
    let marks = [format!("  # From infra/alarms.yaml: {family}\n"), format!("  # End of {family}\n")];
    let begin = template.find(&marks[0]).unwrap_or_else(|| panic!("no mark before the {family}")) + marks[0].len();
    let end = template.find(&marks[1]).unwrap_or_else(|| panic!("no mark after the {family}"));
    (&template[..begin], &template[begin..end], &template[end..])
}

#[test]
fn the_template_has_the_alarms_of_the_table_and_no_others_between_its_marks() {
    let update = std::env::var("UPDATE_ALARMS").is_ok_and(|value| !value.is_empty() && value != "0");
    for (family, expected) in Table::read().families() {
        let template = template();
        let (before, found, after) = cut(&template, family);
        if found == expected {
            continue;
        }
        assert!(
            update,
            "the {family} in template.yaml are not those of infra/alarms.yaml: UPDATE_ALARMS=1 writes them anew"
        );
        fs::write(workspace_root().join("template.yaml"), [before, &expected, after].concat()).unwrap();
    }
}

#[test]
fn every_queue_and_every_function_has_its_row() {
    let (table, template) = (Table::read(), template());
    let resources = |end: &str| -> BTreeSet<String> {
        let names = template.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(':')?.0.strip_suffix(end));
        names.filter(|name| name.chars().all(char::is_alphanumeric)).map(str::to_owned).collect()
    };
    let queues: BTreeSet<String> = table.queues().into_iter().map(|(logical, _)| logical.to_owned()).collect();
    assert_eq!(queues, resources("Queue"), "infra/alarms.yaml: queues");
    assert_eq!(queues, resources("Dlq"), "infra/alarms.yaml: dead-letter queues");
    let named: BTreeSet<String> = table.functions.values().map(|name| text(name).to_owned()).collect();
    assert_eq!(named, functions().into_iter().collect(), "infra/alarms.yaml: functions");
    for (_, queue) in table.queues() {
        for text in [queue.dead_letters, queue.age] {
            assert!(
                template.contains(&format!("\n    {text}:\n      Description:")),
                "the mapping Alarm has no {text}"
            );
        }
    }
}
