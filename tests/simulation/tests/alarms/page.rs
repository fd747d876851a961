//! The page of alarms, infra/docs/alarms.md: made from the template, the list of metrics and the scenarios.
//!
//! `UPDATE_ALARMS=1 cargo test -p simulation --test alarms` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use contract::cloudwatch::{Alarm, Dials, Missing, Source, Template};
use contract::workspace_root;
use crossdock::telemetry::metrics::{Metric, PRICE_USD_A_MONTH, Reader};

use super::drivers::{By, alarms, driver};

/// What an alarm compares, in a line.
fn condition(alarm: &Alarm) -> String {
    let operator = match alarm.operator.as_str() {
        "GreaterThanOrEqualToThreshold" => "≥",
        "GreaterThanThreshold" => ">",
        "LessThanThreshold" => "<",
        _ => "≤",
    };
    let what = match &alarm.source {
        Source::Metric { name, statistic } => format!("{statistic} of `{}`", name.metric),
        Source::Math { metrics, .. } => {
            let names: Vec<String> = metrics.values().map(|(name, _)| format!("`{}`", name.metric)).collect();
            format!("an expression of {}", names.join(", "))
        }
    };
    let times = match (alarm.datapoints_to_alarm, alarm.evaluation_periods) {
        (1, 1) => String::new(),
        (all, of) if all == of => format!(", {of} times in a row"),
        (some, of) => format!(", {some} of {of} times"),
    };
    let missing = if alarm.missing == Missing::Breaching { "; silence counts as bad" } else { "" };
    format!("{what} {operator} {} in {} min{times}{missing}", alarm.threshold, alarm.period_ms / 60_000)
}

fn page() -> String {
    let template = Template::read();
    let texts: BTreeMap<String, (String, String)> = template
        .resources("AWS::CloudWatch::Alarm")
        .into_iter()
        .chain(template.resources("AWS::CloudWatch::CompositeAlarm"))
        .map(|(logical, properties)| {
            let topic = properties.get("AlarmActions").map_or_else(String::new, |actions| format!("{actions:?}"));
            let severity = ["Critical", "Warning", "Info"].into_iter().find(|severity| topic.contains(severity));
            let description = properties.get("AlarmDescription").map_or_else(String::new, |text| template.text(text));
            let runbook = description.split_whitespace().find(|word| word.contains("runbook")).unwrap_or("");
            let runbook = runbook.rsplit('/').next().unwrap_or("").trim_end_matches('.').to_owned();
            (logical, (severity.unwrap_or("-").to_lowercase(), runbook))
        })
        .collect();
    let mut page =
        "# Alarms and metrics\n\nMade by `UPDATE_ALARMS=1 cargo test -p simulation --test alarms`; do not edit.\n\n"
            .to_owned();
    page += "## Alarms\n\nEach alarm is driven to ALARM and back in tests, by a model of CloudWatch (tests/contract/src/cloudwatch). In a \
        *simulation* the shipping functions wrote the metric lines; *AWS* means that only AWS knows the figure, so the test made the \
        series itself.\n\n| alarm | severity | when | runbook | driven by |\n|---|---|---|---|---|\n";
    let mut metric: BTreeMap<String, Alarm> =
        template.alarms(Dials::default()).metric.into_iter().map(|alarm| (alarm.logical.clone(), alarm)).collect();
    for logical in alarms() {
        let (severity, runbook) = &texts[&logical];
        let name = metric.get(&logical).map_or_else(|| logical.clone(), |alarm| alarm.name.clone());
        let name = name.trim_start_matches("crossdock-").to_owned();
        let when = metric.remove(&logical).map_or_else(|| "other alarms".to_owned(), |alarm| condition(&alarm));
        let by = match driver(&logical) {
            Some(By::Simulation(test)) => format!("simulation: `{test}`"),
            Some(By::Aws(test)) => format!("AWS: `{test}`"),
            None => "nobody".to_owned(),
        };
        let runbook = if runbook.is_empty() { "-".to_owned() } else { format!("[{runbook}](../runbooks/{runbook})") };
        writeln!(page, "| `{name}` | {severity} | {when} | {runbook} | {by} |").unwrap();
    }
    let series: usize = Metric::ALL.iter().map(|metric| metric.spec().series()).sum();
    #[expect(clippy::cast_precision_loss, reason = "hundreds")]
    let usd = series as f64 * PRICE_USD_A_MONTH;
    write!(
        page,
        "\n## Metrics\n\n{} metrics of the namespace `Crossdock/<Stage>`, {series} series at most. CloudWatch takes \
        ${PRICE_USD_A_MONTH:.2} a month for each that is written to all the time, so ${usd:.2} at most; a series that nobody writes to \
        costs nothing. The list is [metrics.rs](../../shared/src/telemetry/metrics.rs).\n\n\
        | metric | unit | dimensions | series | read by |\n|---|---|---|---|---|\n",
        Metric::ALL.len()
    )
    .unwrap();
    for metric in Metric::ALL {
        let spec = metric.spec();
        let mut dimensions: Vec<&str> = spec.dimensions.iter().map(|dimension| dimension.name).collect();
        dimensions.extend((spec.also_in_all && !dimensions.is_empty()).then_some("and all"));
        let readers: Vec<&str> = spec
            .readers
            .iter()
            .map(|reader| match reader {
                Reader::Alarm => "alarm",
                Reader::AlarmOfEach => "alarm of each",
                Reader::Dashboard => "dashboard",
            })
            .collect();
        writeln!(
            page,
            "| `{}`:{} | {} | {} | {} | {} |",
            spec.name,
            metric.meaning().replace('|', "/"),
            spec.unit.as_str(),
            dimensions.join(", "),
            spec.series(),
            readers.join(", ")
        )
        .unwrap();
    }
    page
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests may read UPDATE_ALARMS")]
fn the_page_is_what_template_and_list_say() {
    let path = workspace_root().join("infra/docs/alarms.md");
    let page = page();
    if std::env::var("UPDATE_ALARMS").is_ok_and(|value| !value.is_empty() && value != "0") {
        fs::write(&path, page).unwrap();
        return;
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "infra/docs/alarms.md is old: UPDATE_ALARMS=1 writes it anew");
}
