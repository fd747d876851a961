//! Metric lines, as CloudWatch takes them out of a log.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Name, Series};

/// Values of one metric in one line, at most.
const VALUES_MAX: usize = 100;
/// Metrics of one directive, at most.
const METRICS_MAX: usize = 100;
/// Keys of one dimension set, at most.
const KEYS_MAX: usize = 30;
/// Units that CloudWatch knows, of those that anybody here could mean.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>
const UNITS: [&str; 7] = ["Count", "Seconds", "Milliseconds", "Microseconds", "Percent", "Bytes", "None"];

/// Why a line makes no metric. CloudWatch says so nowhere but in a metric of its own: the line stays in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

impl Series {
    /// Reads one line; a line that is no metric line changes nothing.
    ///
    /// # Errors
    /// What is wrong with a line that wants to be one.
    pub fn read(&mut self, line: &Value) -> Result<(), Refused> {
        let Some(aws) = line.get("_aws") else { return Ok(()) };
        let refused = |why: &str| Refused(format!("{why}: {line}"));
        let at_ms = aws["Timestamp"].as_i64().ok_or_else(|| refused("Timestamp is no number of milliseconds"))?;
        let directives = aws["CloudWatchMetrics"].as_array().ok_or_else(|| refused("there are no directives"))?;
        for directive in directives {
            let namespace = directive["Namespace"].as_str().filter(|text| !text.is_empty());
            let namespace = namespace.ok_or_else(|| refused("there is no namespace"))?;
            let sets = directive["Dimensions"].as_array().ok_or_else(|| refused("there are no dimension sets"))?;
            let metrics = directive["Metrics"].as_array().ok_or_else(|| refused("there are no metrics"))?;
            if metrics.len() > METRICS_MAX {
                return Err(refused("there are too many metrics"));
            }
            for set in sets {
                let keys = set.as_array().ok_or_else(|| refused("a dimension set is no list"))?;
                if keys.len() > KEYS_MAX {
                    return Err(refused("a dimension set is too large"));
                }
                let mut dimensions = BTreeMap::new();
                for key in keys {
                    let key = key.as_str().ok_or_else(|| refused("a dimension's name is no text"))?;
                    // "the target member's value must be a string", and CloudWatch takes no empty one.
                    let value = line[key].as_str().filter(|value| !value.is_empty());
                    let value = value.ok_or_else(|| refused("a dimension has no value"))?;
                    dimensions.insert(key.to_owned(), value.to_owned());
                }
                for metric in metrics {
                    let name = metric["Name"].as_str().ok_or_else(|| refused("a metric has no name"))?;
                    if !metric["Unit"].as_str().is_none_or(|unit| UNITS.contains(&unit)) {
                        return Err(refused("a unit is none of CloudWatch's"));
                    }
                    let values = match &line[name] {
                        Value::Array(values) => values.iter().map(Value::as_f64).collect(),
                        value => Some(vec![value.as_f64()]).and_then(|v| v.into_iter().collect::<Option<Vec<_>>>()),
                    };
                    let values: Vec<f64> = values.ok_or_else(|| refused("a metric's value is no number"))?;
                    if values.is_empty() || values.len() > VALUES_MAX {
                        return Err(refused("a metric has no value, or too many"));
                    }
                    for value in values {
                        let name = Name {
                            namespace: namespace.to_owned(),
                            metric: name.to_owned(),
                            dimensions: dimensions.clone(),
                        };
                        self.put(name, at_ms, value);
                    }
                }
            }
        }
        Ok(())
    }
}
