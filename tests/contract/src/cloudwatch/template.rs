//! The alarms of template.yaml, with its functions put in: parameters by their defaults, conditions as if they held, and resources
//! by names that are as unique as those that AWS gives.

use std::collections::BTreeMap;

use serde_yaml_ng::{Mapping, Value};

use super::alarm::{Alarm, Composite, Missing, Source};
use super::math::Expression;
use super::{Dials, Name, Series, State};
use crate::workspace_root;

/// The stage that the model is of.
const STAGE: &str = "test";
/// The stack that it is of.
const STACK: &str = "crossdock";

/// The template.
pub struct Template {
    root: Value,
}

/// Its alarms with their states.
pub struct Alarms {
    /// Metric alarms.
    pub metric: Vec<Alarm>,
    /// Alarms of alarms.
    pub composite: Vec<Composite>,
    /// How they stand, by name.
    pub states: BTreeMap<String, State>,
    /// What is not documented.
    pub dials: Dials,
}

impl Template {
    /// Reads it.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read() -> Self {
        let text = std::fs::read_to_string(workspace_root().join("template.yaml"));
        let text = text.unwrap_or_else(|e| panic!("template.yaml: {e}"));
        Self { root: serde_yaml_ng::from_str(&text).unwrap_or_else(|e| panic!("template.yaml: {e}")) }
    }

    /// A template of a test's own.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn of(text: &str) -> Self {
        Self { root: serde_yaml_ng::from_str(text).unwrap_or_else(|e| panic!("{e}")) }
    }

    /// The resources of a type, by their logical names.
    pub fn resources(&self, of_type: &str) -> Vec<(String, Mapping)> {
        let all = self.root["Resources"].as_mapping().into_iter().flatten();
        let of_type = all.filter(|(_, resource)| resource["Type"].as_str() == Some(of_type));
        let named = of_type.filter_map(|(name, resource)| {
            Some((name.as_str()?.to_owned(), resource["Properties"].as_mapping()?.clone()))
        });
        named.collect()
    }

    /// All alarms, each as yet unjudged.
    ///
    /// # Panics
    /// When one is beyond the model.
    pub fn alarms(&self, dials: Dials) -> Alarms {
        let metric: Vec<Alarm> =
            self.resources("AWS::CloudWatch::Alarm").iter().filter_map(|(name, p)| self.alarm(name, p)).collect();
        let composite = self.resources("AWS::CloudWatch::CompositeAlarm");
        let composite = composite.iter().map(|(logical, properties)| {
            let of = |key: &str| self.text(&properties[key]);
            let parsed = Composite::parse(logical, &of("AlarmName"), &of("AlarmRule"));
            parsed.unwrap_or_else(|e| panic!("{logical}: {e}"))
        });
        Alarms { metric, composite: composite.collect(), states: BTreeMap::new(), dials }
    }

    /// An alarm; `None` for one on what an anomaly detector foresees, which no model of ours can know.
    fn alarm(&self, logical: &str, properties: &Mapping) -> Option<Alarm> {
        if properties.contains_key("ThresholdMetricId") {
            return None;
        }
        let of = |key: &str| properties.get(key);
        let number = |key: &str| of(key).map(|value| self.number(value));
        let (source, period_s) = if let Some(queries) = of("Metrics") {
            self.math(logical, queries)
        } else {
            let statistic = of("Statistic").or(of("ExtendedStatistic")).map(|text| self.text(text));
            let statistic = statistic.unwrap_or_else(|| panic!("{logical} has no statistic"));
            let name = self.name(&Value::Mapping(properties.clone()));
            (Source::Metric { name, statistic }, number("Period").unwrap_or(60.0))
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers of the template")]
        let whole = |number: f64| number as usize;
        let evaluation_periods = whole(number("EvaluationPeriods").unwrap_or(1.0));
        Some(Alarm {
            logical: logical.to_owned(),
            name: of("AlarmName").map_or_else(|| logical.to_owned(), |name| self.text(name)),
            source,
            #[expect(clippy::cast_possible_truncation, reason = "seconds")]
            period_ms: period_s as i64 * 1_000,
            evaluation_periods,
            datapoints_to_alarm: number("DatapointsToAlarm").map_or(evaluation_periods, whole),
            threshold: number("Threshold").unwrap_or_else(|| panic!("{logical} has no threshold")),
            operator: of("ComparisonOperator").map(|text| self.text(text)).unwrap_or_default(),
            missing: match of("TreatMissingData").map(|text| self.text(text)).as_deref() {
                Some("breaching") => Missing::Breaching,
                Some("notBreaching") => Missing::NotBreaching,
                Some("ignore") => Missing::Ignore,
                _ => Missing::Missing,
            },
        })
    }

    fn math(&self, logical: &str, queries: &Value) -> (Source, f64) {
        let (mut metrics, mut expressions, mut compared, mut period) = (BTreeMap::new(), Vec::new(), None, 0.0);
        for query in queries.as_sequence().into_iter().flatten() {
            let id = self.text(&query["Id"]);
            if query.get("ReturnData").and_then(Value::as_bool) != Some(false) {
                compared = Some(id.clone());
            }
            if let Some(stat) = query.get("MetricStat") {
                period = self.number(&stat["Period"]);
                metrics.insert(id, (self.name(&stat["Metric"]), self.text(&stat["Stat"])));
            } else {
                let text = self.text(&query["Expression"]);
                let expression = Expression::parse(&text).unwrap_or_else(|e| panic!("{logical}: {e}"));
                expressions.push((id, expression));
            }
        }
        let compared = compared.unwrap_or_else(|| panic!("{logical} compares nothing"));
        (Source::Math { metrics, expressions, compared }, period)
    }

    fn name(&self, of: &Value) -> Name {
        let dimensions = of.get("Dimensions").and_then(Value::as_sequence).into_iter().flatten();
        Name {
            namespace: self.text(&of["Namespace"]),
            metric: self.text(&of["MetricName"]),
            dimensions: dimensions.map(|d| (self.text(&d["Name"]), self.text(&d["Value"]))).collect(),
        }
    }

    fn number(&self, value: &Value) -> f64 {
        value.as_f64().unwrap_or_else(|| {
            let text = self.text(value);
            text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
        })
    }

    /// A text with the template's functions put in.
    ///
    /// # Panics
    /// When it uses one that is not known here.
    pub fn text(&self, value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(yes) => yes.to_string(),
            Value::Tagged(tagged) => {
                let inner = &tagged.value;
                match tagged.tag.to_string().trim_start_matches('!') {
                    "Ref" => self.reference(&self.text(inner)),
                    "Sub" => self.sub(inner.get(0).unwrap_or(inner)),
                    "GetAtt" => format!("{STACK}-{}", self.text(inner).replace('.', "-")),
                    "If" => self.text(&inner[1]),
                    "FindInMap" => {
                        let path = [0, 1, 2].map(|n| self.text(&inner[n]));
                        self.text(&self.root["Mappings"][&path[0]][&path[1]][&path[2]])
                    }
                    "Join" => {
                        let parts = inner[1].as_sequence().into_iter().flatten();
                        parts.map(|part| self.text(part)).collect::<Vec<_>>().join(&self.text(&inner[0]))
                    }
                    other => panic!("the model knows no !{other}"),
                }
            }
            other => panic!("{other:?} is no text"),
        }
    }

    fn reference(&self, name: &str) -> String {
        match name {
            "AWS::StackName" => STACK.to_owned(),
            "Stage" => STAGE.to_owned(),
            name => match self.root["Parameters"].get(name).and_then(|parameter| parameter.get("Default")) {
                Some(default) => self.text(default),
                None => format!("{STACK}-{name}"),
            },
        }
    }

    fn sub(&self, text: &Value) -> String {
        let text = self.text(text);
        let (mut out, mut rest) = (String::new(), text.as_str());
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').unwrap_or((after, ""));
            out += before;
            out += &self.reference(name);
            rest = behind;
        }
        out + rest
    }
}

impl Alarms {
    /// Evaluates all of them at a minute; gives those whose state has changed.
    pub fn evaluate(&mut self, series: &Series, now_ms: i64) -> Vec<(String, State)> {
        let mut changed = Vec::new();
        let mut take = |states: &mut BTreeMap<String, State>, logical: &str, name: &str, after: State| {
            let before = states.insert(name.to_owned(), after).unwrap_or(State::InsufficientData);
            if before != after {
                changed.push((logical.to_owned(), after));
            }
        };
        for alarm in &self.metric {
            let before = self.states.get(&alarm.name).copied().unwrap_or(State::InsufficientData);
            let after = alarm.evaluate(series, now_ms, before, self.dials);
            take(&mut self.states, &alarm.logical, &alarm.name, after);
        }
        for composite in &self.composite {
            let after = composite.evaluate(&self.states);
            take(&mut self.states, &composite.logical, &composite.name, after);
        }
        changed
    }
}
