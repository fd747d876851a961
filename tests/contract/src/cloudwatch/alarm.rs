//! Alarms: what they look at, and in what state that puts them.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html>
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html> (the window slides)
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>

use std::collections::BTreeMap;

use super::math::{Expression, Values};
use super::{Dials, Name, Series};

/// In what state an alarm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Ok,
    /// It is not.
    Alarm,
    /// Nothing is known.
    InsufficientData,
}

/// What a missing value counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The default.
    Missing,
    /// The state stays.
    Ignore,
    /// As bad.
    Breaching,
    /// As good.
    NotBreaching,
}

/// What an alarm looks at.
#[derive(Clone, Debug)]
pub enum Source {
    /// A statistic of one series.
    Metric {
        /// Which.
        name: Name,
        /// Its statistic.
        statistic: String,
    },
    /// An expression over several.
    Math {
        /// The series by their ids, with their statistics.
        metrics: BTreeMap<String, (Name, String)>,
        /// Expressions by their ids, each of which may name those before it.
        expressions: Vec<(String, Expression)>,
        /// The id of what is compared.
        compared: String,
    },
}

/// A metric alarm.
#[derive(Clone, Debug)]
pub struct Alarm {
    /// Its logical name in the template.
    pub logical: String,
    /// Its name.
    pub name: String,
    /// What it looks at.
    pub source: Source,
    /// The length of a period.
    pub period_ms: i64,
    /// How many periods it looks at.
    pub evaluation_periods: usize,
    /// How many of them have to be bad.
    pub datapoints_to_alarm: usize,
    /// What values are compared with.
    pub threshold: f64,
    /// How.
    pub operator: String,
    /// What a missing value counts as.
    pub missing: Missing,
}

impl Alarm {
    /// The state after an evaluation at this time, given the state before.
    ///
    /// # Panics
    /// When it compares in a way that the model does not know.
    pub fn evaluate(&self, series: &Series, now_ms: i64, before: State, dials: Dials) -> State {
        let periods = self.evaluation_periods + dials.extra_periods;
        let values = self.values(series, now_ms, periods, dials);
        let is_bad = |value: f64| match self.operator.as_str() {
            "GreaterThanOrEqualToThreshold" => value >= self.threshold,
            "GreaterThanThreshold" => value > self.threshold,
            "LessThanThreshold" => value < self.threshold,
            "LessThanOrEqualToThreshold" => value <= self.threshold,
            other => panic!("the model knows no {other}"),
        };
        let points: Vec<Option<bool>> = values.into_iter().map(|value| value.map(is_bad)).collect();
        decide(&points, self.evaluation_periods, self.datapoints_to_alarm, self.missing, before)
    }

    /// What it compares: a value in each of so many periods that end now, the oldest first.
    pub fn values(&self, series: &Series, now_ms: i64, periods: usize, dials: Dials) -> Values {
        let of = |(name, statistic): (&Name, &str)| -> Values {
            let window = |back: usize| {
                let end_ms = now_ms - i64::try_from(back).unwrap_or(0) * self.period_ms;
                series.statistic(name, statistic, end_ms - self.period_ms, end_ms)
            };
            (0..periods).rev().map(window).collect()
        };
        match &self.source {
            Source::Metric { name, statistic } => of((name, statistic)),
            Source::Math { metrics, expressions, compared } => {
                let mut known: BTreeMap<String, Values> =
                    metrics.iter().map(|(id, (name, statistic))| (id.clone(), of((name, statistic)))).collect();
                let ids: Vec<String> = metrics.keys().cloned().collect();
                for (id, expression) in expressions {
                    let values = expression.values(&known, &ids, periods, dials);
                    known.insert(id.clone(), values);
                }
                known.remove(compared).unwrap_or_default()
            }
        }
    }

    /// The series that it reads.
    pub fn reads(&self) -> Vec<&Name> {
        match &self.source {
            Source::Metric { name, .. } => vec![name],
            Source::Math { metrics, .. } => metrics.values().map(|(name, _)| name).collect(),
        }
    }
}

/// The documentation's tables of missing data, as a rule. `points` are those retrieved, the oldest first.
fn decide(points: &[Option<bool>], periods: usize, to_alarm: usize, missing: Missing, before: State) -> State {
    let real: Vec<bool> = points.iter().copied().flatten().collect();
    let state = |bad: usize| if bad >= to_alarm { State::Alarm } else { State::Ok };
    let bad_of = |points: &[bool]| points.iter().filter(|bad| **bad).count();
    if real.len() >= periods {
        // "evaluates the alarm state based on the most recent real data points", whatever missing ones count as.
        return state(bad_of(&real[real.len() - periods..]));
    }
    let to_be_filled = periods - real.len();
    match missing {
        Missing::Breaching => state(bad_of(&real) + to_be_filled),
        Missing::NotBreaching => state(bad_of(&real)),
        Missing::Missing | Missing::Ignore if real.is_empty() => {
            if missing == Missing::Missing {
                State::InsufficientData
            } else {
                before
            }
        }
        Missing::Missing | Missing::Ignore => {
            if bad_of(&real) >= to_alarm {
                return State::Alarm;
            }
            // All that there is, is bad, and the oldest of it is as old as it takes.
            let oldest = points
                .iter()
                .rev()
                .position(Option::is_some)
                .map_or(0, |_| points.len() - points.iter().position(Option::is_some).unwrap_or(0));
            let all_are_bad = real.iter().all(|bad| *bad);
            match (all_are_bad && oldest >= to_alarm, missing) {
                (true, Missing::Missing) => State::Alarm,
                (true, _) => before,
                (false, _) => State::Ok,
            }
        }
    }
}

/// An alarm of other alarms' states.
#[derive(Clone, Debug)]
pub struct Composite {
    /// Its logical name in the template.
    pub logical: String,
    /// Its name.
    pub name: String,
    /// Its rule, with `ALARM(name)` as ids.
    rule: Expression,
    /// The names behind the ids.
    names: BTreeMap<String, String>,
}

impl Composite {
    /// Reads a rule: `ALARM("name")`, `OK("name")`, AND, OR, NOT.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html>
    ///
    /// # Errors
    /// What cannot be read.
    pub fn parse(logical: &str, name: &str, rule: &str) -> Result<Self, String> {
        let (mut text, mut names) = (String::new(), BTreeMap::new());
        let mut rest = rule;
        while let Some((word, from)) =
            ["ALARM(", "OK("].iter().filter_map(|w| Some((*w, rest.find(w)?))).min_by_key(|(_, at)| *at)
        {
            let inner = &rest[from + word.len()..];
            let end = inner.find(')').ok_or("a bracket is open")?;
            let named = inner[..end].trim_matches(['"', '\'', ' ']).to_owned();
            let id = format!("a{}", names.len());
            text += &rest[..from];
            let in_alarm = if word == "OK(" { ["(NOT ", &id, ")"].concat() } else { id.clone() };
            text.push_str(&in_alarm);
            names.insert(id, named);
            rest = &inner[end + 1..];
        }
        text += rest;
        Ok(Self { logical: logical.to_owned(), name: name.to_owned(), rule: Expression::parse(&text)?, names })
    }

    /// Its state, given those of the others by their names.
    pub fn evaluate(&self, states: &BTreeMap<String, State>) -> State {
        let of = |name: &String| f64::from(states.get(name) == Some(&State::Alarm));
        let known = self.names.iter().map(|(id, name)| (id.clone(), vec![Some(of(name))])).collect();
        let value = self.rule.values(&known, &[], 1, Dials::default());
        if value[0] == Some(0.0) { State::Ok } else { State::Alarm }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(text: &str) -> Vec<Option<bool>> {
        text.split(' ')
            .map(|point| match point {
                "X" => Some(true),
                "0" => Some(false),
                _ => None,
            })
            .collect()
    }

    /// The two tables of alarms-and-missing-data.html: evaluation periods 3, five points retrieved. `before` is what is retained.
    #[test]
    fn the_tables_of_the_documentation() {
        use State::{Alarm, InsufficientData, Ok};
        let all = [Missing::Missing, Missing::Ignore, Missing::Breaching, Missing::NotBreaching];
        let before = InsufficientData;
        for (to_alarm, text, expected) in [
            (3, "0 - X - X", [Ok; 4]),
            (3, "- - - - 0", [Ok; 4]),
            (3, "- - - - -", [InsufficientData, before, Alarm, Ok]),
            (3, "0 X X - X", [Alarm; 4]),
            (3, "- - X - -", [Alarm, before, Alarm, Ok]),
            (2, "0 - X - X", [Alarm; 4]),
            (2, "0 0 X 0 X", [Alarm; 4]),
            (2, "0 - X - -", [Ok, Ok, Alarm, Ok]),
            (2, "- - - - 0", [Ok, Ok, Alarm, Ok]),
            (2, "- - - X -", [Alarm, before, Alarm, Ok]),
        ] {
            let found = all.map(|missing| decide(&points(text), 3, to_alarm, missing, before));
            assert_eq!(found, expected, "{to_alarm} of 3: {text}");
        }
    }

    #[test]
    fn a_composite_is_what_its_rule_says_of_others() {
        let rule =
            Composite::parse("C", "c", r#"ALARM("a") AND NOT ALARM(b) OR OK("d")"#).unwrap_or_else(|e| panic!("{e}"));
        let states = |all: [(&str, State); 3]| all.map(|(name, state)| (name.to_owned(), state)).into();
        let (alarm, ok) = (State::Alarm, State::Ok);
        assert_eq!(rule.evaluate(&states([("a", alarm), ("b", ok), ("d", alarm)])), alarm);
        assert_eq!(rule.evaluate(&states([("a", alarm), ("b", alarm), ("d", alarm)])), ok);
        assert_eq!(rule.evaluate(&states([("a", ok), ("b", alarm), ("d", ok)])), alarm);
    }
}
