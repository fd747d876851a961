//! infra/alarms.yaml, and what is written from it: the texts and the alarms of template.yaml, and the table in infra/runbooks.

use std::fmt::Write as _;
use std::fs;

use serde::Deserialize;
use serde_yaml_ng::{Mapping, Value};

use crate::workspace_root;

/// How long an alarm's description may be, in characters.
/// (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html)
pub const DESCRIPTION_MAX_CHARS: usize = 1_024;
/// Where lines of texts are broken.
const WIDTH: usize = 112;

/// What an alarm of a kind means, and the command to run first.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// What it means.
    pub says: String,
    /// The command.
    pub next: String,
}

/// One alarm.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// Its logical id, without `Alarm`.
    pub logical: String,
    /// The end of its name.
    pub name: String,
    /// `critical`, `warning`, `info`.
    pub severity: String,
    /// Its page.
    pub kind: String,
    /// When it is raised, for people.
    pub when: String,
    /// Whether CloudWatch computes: the emulator knows no math.
    pub is_math: bool,
    body: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    name: String,
    dead: String,
    age: String,
    age_s: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    severity: String,
    kind: String,
    when: String,
    period_s: u32,
    #[serde(default = "one")]
    periods: u32,
    #[serde(default)]
    out_of: Option<u32>,
    is: String,
    #[serde(default)]
    missing: Option<String>,
    #[serde(default)]
    of: Option<String>,
    #[serde(default)]
    statistic: Option<String>,
    #[serde(default)]
    math: Mapping,
    #[serde(default)]
    expression: Option<String>,
}

const fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kinds: Mapping,
    queues: Mapping,
    functions: Mapping,
    alarms: Mapping,
}

/// The list.
pub struct Alarms {
    /// By the names of their pages.
    pub kinds: Vec<(String, Kind)>,
    /// Logical ids without `Queue`.
    pub queues: Vec<String>,
    /// Names of the functions' folders.
    pub functions: Vec<String>,
    /// Every alarm.
    pub all: Vec<Alarm>,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn rows<T: serde::de::DeserializeOwned>(mapping: &Mapping) -> Vec<(String, T)> {
    let row = |(name, row): (&Value, &Value)| {
        let parsed = serde_yaml_ng::from_value(row.clone());
        (text(name), parsed.unwrap_or_else(|error| panic!("infra/alarms.yaml: {}: {error}", text(name))))
    };
    mapping.iter().map(row).collect()
}

/// `dead-letters` → `DeadLetters`
fn camel(name: &str) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(1.min(part.len()));
        first.to_uppercase() + rest
    };
    name.split('-').map(part).collect()
}

/// A metric as the list writes it: `webhooks_refused vendor=stripe`, `AWS/SQS Name QueueName=Logical.Attribute`.
fn metric(written: &str) -> String {
    let mut words = written.split(' ');
    let first = words.next().unwrap_or_default();
    let (namespace, name) = if first.contains('/') {
        (first.to_owned(), words.next().unwrap_or_default().to_owned())
    } else {
        ("!Sub Crossdock/${Stage}".to_owned(), first.to_owned())
    };
    let dimensions: Vec<String> = words
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| {
            let value = match (first.contains('/'), value.contains('.')) {
                (true, true) => format!("!GetAtt {value}"),
                (true, false) => format!("!Ref {value}"),
                (false, _) => value.to_owned(),
            };
            format!("{{Name: {name}, Value: {value}}}")
        })
        .collect();
    let mut lines = format!("Namespace: {namespace}\nMetricName: {name}\n");
    if !dimensions.is_empty() {
        let _ = writeln!(lines, "Dimensions: [{}]", dimensions.join(", "));
    }
    lines
}

/// Every line moved to the right.
fn indented(lines: &str, by: usize) -> String {
    let margin = " ".repeat(by);
    lines.lines().flat_map(|line| [margin.as_str(), line, "\n"]).collect()
}

fn comparison(is: &str) -> (&'static str, String) {
    let (sign, threshold) = is.split_once(' ').unwrap_or((is, ""));
    let operator = match sign {
        ">=" => "GreaterThanOrEqualToThreshold",
        ">" => "GreaterThanThreshold",
        "<" => "LessThanThreshold",
        other => panic!("infra/alarms.yaml: there is no comparison {other}"),
    };
    (operator, threshold.to_owned())
}

impl Row {
    fn body(&self) -> String {
        let mut lines = String::new();
        if let Some(of) = &self.of {
            lines.push_str(&metric(of));
            let statistic = self.statistic.as_deref().unwrap_or("Sum");
            let name = if statistic.starts_with('p') { "ExtendedStatistic" } else { "Statistic" };
            let _ = writeln!(lines, "{name}: {statistic}\nPeriod: {}", self.period_s);
        } else {
            lines.push_str("Metrics:\n");
            for (id, of) in &self.math {
                let metric = indented(&metric(&text(of)), 8);
                let period = self.period_s;
                let _ = write!(
                    lines,
                    "  - Id: {}\n    ReturnData: false\n    MetricStat:\n      Stat: Sum\n      Period: {period}\n      Metric:\n{metric}",
                    text(id)
                );
            }
            let expression = self.expression.as_deref().unwrap_or_default();
            let _ = writeln!(lines, "  - Id: result\n    Expression: '{expression}'");
        }
        let _ = writeln!(lines, "EvaluationPeriods: {}", self.periods);
        if let Some(out_of) = self.out_of {
            let _ = writeln!(lines, "DatapointsToAlarm: {out_of}");
        }
        let (operator, threshold) = comparison(&self.is);
        let _ = writeln!(lines, "Threshold: {threshold}\nComparisonOperator: {operator}");
        let _ = writeln!(lines, "TreatMissingData: {}", self.missing.as_deref().unwrap_or("notBreaching"));
        lines
    }

    fn alarm(self, logical: String) -> Alarm {
        let body = self.body();
        let is_math = self.of.is_none();
        Alarm { logical, name: self.name, severity: self.severity, kind: self.kind, when: self.when, is_math, body }
    }
}

fn plain(logical: String, name: String, severity_and_kind: &str, when: String, of: String) -> (Row, String) {
    let (severity, kind) = severity_and_kind.split_once(' ').unwrap_or((severity_and_kind, ""));
    let row = Row {
        name,
        severity: severity.to_owned(),
        kind: kind.to_owned(),
        when,
        period_s: 60,
        periods: 1,
        out_of: None,
        is: ">= 1".to_owned(),
        missing: None,
        of: Some(of),
        statistic: Some("Maximum".to_owned()),
        math: Mapping::new(),
        expression: None,
    };
    (row, logical)
}

fn dead_letters(logical: &str, queue: &Queue) -> Alarm {
    let of = format!("AWS/SQS ApproximateNumberOfMessagesVisible QueueName={logical}Dlq.QueueName");
    let when = format!("a message is in the dead-letter queue of {logical}");
    let (row, logical) = plain(format!("{logical}Dlq"), format!("{}-dead-letters", queue.name), &queue.dead, when, of);
    // One of five: who looks at dead letters hides them for a while, and they are not gone.
    Row { periods: 5, out_of: Some(1), ..row }.alarm(logical)
}

fn age(logical: &str, queue: &Queue) -> Alarm {
    let of = format!("AWS/SQS ApproximateAgeOfOldestMessage QueueName={logical}Queue.QueueName");
    let when = format!("the oldest message in {logical} waits for {} minutes", queue.age_s / 60);
    let (row, logical) = plain(format!("{logical}Age"), format!("{}-age", queue.name), &queue.age, when, of);
    // Two of three: one late look of SQS's at its own queue is not an age.
    Row { is: format!(">= {}", queue.age_s), periods: 3, out_of: Some(2), ..row }.alarm(logical)
}

fn errors(logical: &str, written: &str) -> Alarm {
    let (name, every_s) = name_and_schedule(written);
    let kind = if name == "alert-notifier" { "warning alert-notifier" } else { "warning function-errors" };
    let of = format!("AWS/Lambda Errors FunctionName={logical}");
    let when = match every_s {
        Some(_) => format!("a run of {name} ends without an answer"),
        None => format!("invocations of {name} end without an answer in two minutes of five"),
    };
    let (row, logical) = plain(format!("{logical}Errors"), format!("{name}-errors"), kind, when, of);
    let row = Row { statistic: Some("Sum".to_owned()), ..row };
    match every_s {
        Some(period_s) => Row { period_s, ..row },
        None => Row { periods: 5, out_of: Some(2), ..row },
    }
    .alarm(logical)
}

/// `mail-reporter every 86400`: the function's name, and the seconds between its runs where nothing but a schedule starts it.
fn name_and_schedule(written: &str) -> (&str, Option<u32>) {
    let Some((name, every)) = written.split_once(" every ") else { return (written, None) };
    (name, Some(every.parse().unwrap_or_else(|_| panic!("infra/alarms.yaml: {written}: a number of seconds"))))
}

impl Alarms {
    /// Reads the list.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read() -> Self {
        let written = fs::read_to_string(workspace_root().join("infra/alarms.yaml")).unwrap_or_default();
        let mut value: Value = serde_yaml_ng::from_str(&written).unwrap_or_else(|e| panic!("infra/alarms.yaml: {e}"));
        value.apply_merge().unwrap_or_else(|e| panic!("infra/alarms.yaml: {e}"));
        let file: File = serde_yaml_ng::from_value(value).unwrap_or_else(|e| panic!("infra/alarms.yaml: {e}"));
        let queues: Vec<(String, Queue)> = rows(&file.queues);
        let functions: Vec<(String, String)> = rows(&file.functions);
        let others: Vec<(String, Row)> = rows(&file.alarms);
        let mut all: Vec<Alarm> = others.into_iter().map(|(logical, row)| row.alarm(logical)).collect();
        all.extend(queues.iter().map(|(logical, queue)| dead_letters(logical, queue)));
        all.extend(queues.iter().map(|(logical, queue)| age(logical, queue)));
        all.extend(functions.iter().map(|(logical, name)| errors(logical, name)));
        Self {
            kinds: rows(&file.kinds),
            queues: queues.into_iter().map(|(logical, _)| logical).collect(),
            functions: functions.into_iter().map(|(_, name)| name_and_schedule(&name).0.to_owned()).collect(),
            all,
        }
    }

    fn kind(&self, name: &str) -> &Kind {
        let found = self.kinds.iter().find(|(kind, _)| kind == name);
        &found.unwrap_or_else(|| panic!("infra/alarms.yaml has no kind {name}")).1
    }

    /// The longest description that an alarm of this kind can have, with the default of RunbookBaseUrl.
    pub fn description(&self, kind: &str) -> String {
        let Kind { says, next } = self.kind(kind);
        format!(
            "{says}\nNext: {next}\nRunbook: https://github.com/crossdock/crossdock/blob/main/infra/runbooks/{kind}.md"
        )
    }

    /// The texts of the template's mapping `Alarm`.
    pub fn texts(&self) -> String {
        let text = |(name, kind): &(String, Kind)| {
            format!("    {}:\n      Says: >-\n{}", camel(name), indented(&wrapped(&kind.says), 8))
        };
        self.kinds.iter().map(text).collect()
    }

    /// The alarms of the template.
    pub fn resources(&self) -> String {
        let one = |alarm: &Alarm| {
            let Alarm { logical, name, severity, kind, is_math, body, .. } = alarm;
            let (camel_kind, next, topic) = (camel(kind), &self.kind(kind).next, camel(severity));
            let condition = if *is_math { "    Condition: IsAws # the emulator knows no metric math\n" } else { "" };
            let body = indented(body, 6);
            format!(
                "  {logical}Alarm:
    Type: AWS::CloudWatch::Alarm
{condition}    Properties:
      AlarmName: !Sub ${{AWS::StackName}}-{name}
      AlarmDescription: !Sub
        - \"${{Says}}\\nNext: {next}\\nRunbook: ${{RunbookBaseUrl}}/{kind}.md\"
        - {{Says: !FindInMap [Alarm, {camel_kind}, Says]}}
{body}      AlarmActions: [!Ref {topic}Topic]
      OKActions: [!Ref {topic}Topic]
"
            )
        };
        self.all.iter().map(one).collect()
    }

    /// The table for people: the most urgent first.
    pub fn table(&self) -> String {
        let mut table = "| alarm | severity | when |\n|---|---|---|\n".to_owned();
        for severity in ["critical", "warning", "info"] {
            for Alarm { name, kind, when, .. } in self.all.iter().filter(|alarm| alarm.severity == severity) {
                let _ = writeln!(table, "| [{name}]({kind}.md) | {severity} | {when} |");
            }
        }
        table
    }
}

/// Words on lines of a bounded width.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
