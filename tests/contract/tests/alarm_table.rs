//! infra/alarms.yaml is the one list of alarms: template.yaml has them written out between two marks, infra/runbooks has a page for each
//! kind and the table of all.
//!
//! `UPDATE_ALARMS=1 cargo test -p contract --test alarm_table` writes template and table anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests fail by panicking, may read UPDATE_ALARMS, and show a count"
)]

use std::collections::BTreeSet;
use std::fs;

use contract::alarms::{Alarms, DESCRIPTION_MAX_CHARS};
use contract::linked::functions;
use contract::workspace_root;

/// What each page says, in this order.
const SECTIONS: [&str; 5] =
    ["## What shoppers feel", "## Look first", "## Do", "## How to know that it is over", "## Escalate to"];
/// What an alarm costs in a month, in US dollars, for each metric that it reads. <https://aws.amazon.com/cloudwatch/pricing/>
const PRICE_USD_A_MONTH: f64 = 0.10;

fn read(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn template() -> String {
    read("template.yaml")
}

/// What stands before a pair of marks, between them, and after them.
fn cut<'a>(text: &'a str, marks: &[&str; 2]) -> (&'a str, &'a str, &'a str) {
    let begin = text.find(marks[0]).unwrap_or_else(|| panic!("no mark {}", marks[0])) + marks[0].len();
    let end = begin + text[begin..].find(marks[1]).unwrap_or_else(|| panic!("no mark {}", marks[1]));
    (&text[..begin], &text[begin..end], &text[end..])
}

/// File, marks, and what belongs between them.
fn written() -> [(&'static str, [&'static str; 2], String); 3] {
    let alarms = Alarms::read();
    [
        ("template.yaml", ["    # From infra/alarms.yaml: texts\n", "    # End of texts\n"], alarms.texts()),
        ("template.yaml", ["  # From infra/alarms.yaml: alarms\n", "  # End of alarms\n"], alarms.resources()),
        ("infra/runbooks/README.md", ["<!-- From infra/alarms.yaml -->\n", "<!-- End -->\n"], alarms.table()),
    ]
}

#[test]
fn the_template_and_the_table_have_the_alarms_of_the_list_and_no_others() {
    let update = std::env::var("UPDATE_ALARMS").is_ok_and(|value| !value.is_empty() && value != "0");
    for (file, marks, expected) in written() {
        let text = read(file);
        let (before, found, after) = cut(&text, &marks);
        if found == expected {
            continue;
        }
        assert!(update, "{file} does not have what infra/alarms.yaml says: UPDATE_ALARMS=1 writes it anew");
        fs::write(workspace_root().join(file), [before, &expected, after].concat()).unwrap();
    }
    let template = template();
    let (before, _, after) = cut(&template, &["  # From infra/alarms.yaml: alarms\n", "  # End of alarms\n"]);
    for outside in [before, after] {
        assert!(!outside.contains("AWS::CloudWatch::Alarm"), "an alarm of template.yaml is not in infra/alarms.yaml");
    }
}

#[test]
fn every_queue_and_every_function_has_its_row() {
    let (alarms, template) = (Alarms::read(), template());
    let resources = |end: &str| -> BTreeSet<String> {
        let names = template.lines().filter_map(|line| line.strip_prefix("  ")?.split_once(':')?.0.strip_suffix(end));
        names.filter(|name| name.chars().all(char::is_alphanumeric)).map(str::to_owned).collect()
    };
    let queues: BTreeSet<String> = alarms.queues.iter().cloned().collect();
    assert_eq!(queues, resources("Queue"), "infra/alarms.yaml: queues");
    assert_eq!(queues, resources("Dlq"), "infra/alarms.yaml: dead-letter queues");
    let named: BTreeSet<String> = alarms.functions.iter().cloned().collect();
    // A program may be deployed more than once, each time under another name.
    let program = |name: &String| if name.ends_with("-rotator") { "secret-rotator".to_owned() } else { name.clone() };
    let programs: BTreeSet<String> = named.iter().map(program).collect();
    assert_eq!(programs, functions().into_iter().collect(), "infra/alarms.yaml: functions");
    let deployed =
        template.lines().filter_map(|line| line.trim().strip_prefix("FunctionName: !Sub ${AWS::StackName}-"));
    assert_eq!(named, deployed.map(str::to_owned).collect(), "infra/alarms.yaml: functions of the template");
}

#[test]
fn names_are_there_once_and_descriptions_fit() {
    let alarms = Alarms::read();
    let (mut names, mut logical) = (BTreeSet::new(), BTreeSet::new());
    for alarm in &alarms.all {
        assert!(names.insert(&alarm.name), "two alarms are called {}", alarm.name);
        assert!(logical.insert(&alarm.logical), "two alarms have the logical id {}", alarm.logical);
        assert!(
            ["critical", "warning", "info"].contains(&alarm.severity.as_str()),
            "{}: {}",
            alarm.name,
            alarm.severity
        );
    }
    for (kind, _) in &alarms.kinds {
        let length = alarms.description(kind).chars().count();
        assert!(length <= DESCRIPTION_MAX_CHARS, "{kind}: a description of {length} characters");
        // What the notifier takes out of it.
        let description = alarms.description(kind);
        let base = "https://github.com/crossdock/crossdock/blob/main/infra/runbooks";
        let (_, next) = crossdock::alerts::Next::in_description(&description, base);
        assert!(next.runbook.is_some() && next.command.is_some(), "{kind}: the notifier does not take {next:?}");
    }
    #[expect(clippy::cast_precision_loss, reason = "there are about a hundred")]
    let price = alarms.all.len() as f64 * PRICE_USD_A_MONTH;
    println!("{} alarms, at least {price:.2} US dollars a month", alarms.all.len());
}

#[test]
fn every_kind_of_alarm_has_its_page_and_every_page_its_alarm() {
    let alarms = Alarms::read();
    let kinds: BTreeSet<String> = alarms.kinds.iter().map(|(kind, _)| format!("{kind}.md")).collect();
    let entries = fs::read_dir(workspace_root().join("infra/runbooks")).unwrap().map(Result::unwrap);
    let pages: BTreeSet<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !NOT_ABOUT_AN_ALARM.contains(&name.as_str()))
        .collect();
    assert_eq!(pages, kinds, "infra/runbooks has a page for each kind of infra/alarms.yaml");
    for (kind, _) in &alarms.kinds {
        assert!(alarms.all.iter().any(|alarm| &alarm.kind == kind), "no alarm is of the kind {kind}");
    }
}

/// Pages about more than one alarm.
const NOT_ABOUT_AN_ALARM: [&str; 4] = ["README.md", "restore.md", "outage.md", "post-mortem.md"];

#[test]
fn every_page_has_its_sections_and_names_the_first_command() {
    for (kind, what) in Alarms::read().kinds {
        let page = read(&format!("infra/runbooks/{kind}.md"));
        let mut rest = page.as_str();
        for section in SECTIONS {
            let at = rest.find(section).unwrap_or_else(|| panic!("{kind}.md: no {section}, or not in this place"));
            rest = &rest[at + section.len()..];
        }
        assert!(page.contains(&what.next), "{kind}.md does not name its first command, {}", what.next);
    }
}
