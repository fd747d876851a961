//! Metric math, as far as alarms use it.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html>
//!
//! A series is a list of values by period, some of them missing. An operation on a missing value is missing, and so is a division
//! by zero. A comparison gives 1 or 0.

use std::collections::BTreeMap;

use super::Dials;

/// A value in each period, the oldest first.
pub type Values = Vec<Option<f64>>;

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A number.
    Number(f64),
    /// Another query's series, by its id.
    Id(String),
    /// `[a, b]`, for functions that take lists; or `METRICS()`, which is all of them.
    List(Vec<Expression>),
    /// All metrics of the alarm.
    Metrics,
    /// `-a`, `NOT a`.
    Unary(&'static str, Box<Expression>),
    /// `a + b` and the like.
    Binary(&'static str, Box<Expression>, Box<Expression>),
    /// A function of the documentation's table.
    Call(String, Vec<Expression>),
}

/// Operators by how strongly they bind, the weakest first.
const LEVELS: [&[&str]; 5] =
    [&["||", "OR"], &["&&", "AND"], &["<=", ">=", "==", "!=", "<", ">"], &["+", "-"], &["*", "/"]];

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What cannot be read, or is more than the model knows.
    pub fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let expression = parser.level(0)?;
        if parser.at == tokens.len() {
            Ok(expression)
        } else {
            Err(format!("what follows {:?}?", &tokens[parser.at..]))
        }
    }

    /// Its values in so many periods.
    ///
    /// # Panics
    /// When it names what is not there, or a list where none can be.
    pub fn values(&self, known: &BTreeMap<String, Values>, metrics: &[String], periods: usize, dials: Dials) -> Values {
        let of = |expression: &Self| expression.values(known, metrics, periods, dials);
        let each = |of: &dyn Fn(usize) -> Option<f64>| (0..periods).map(of).collect::<Values>();
        match self {
            Self::Number(number) => vec![Some(*number); periods],
            Self::Id(id) => known.get(id).unwrap_or_else(|| panic!("there is no {id}")).clone(),
            Self::List(_) | Self::Metrics => panic!("a list stands where a series has to"),
            Self::Unary(operator, inner) => {
                let inner = of(inner);
                each(&|n| inner[n].map(|v| if *operator == "-" { -v } else { f64::from(v == 0.0) }))
            }
            Self::Binary(operator, left, right) => {
                let (left, right) = (of(left), of(right));
                each(&|n| binary(operator, left[n]?, right[n]?))
            }
            Self::Call(name, arguments) => match (name.as_str(), arguments.as_slice()) {
                ("IF", [condition, then, otherwise]) => {
                    let (condition, then, otherwise) = (of(condition), of(then), of(otherwise));
                    each(&|n| if condition[n]? == 0.0 { otherwise[n] } else { then[n] })
                }
                ("FILL", [series, with]) => {
                    let series = of(series);
                    let was_never_there = series.iter().all(Option::is_none);
                    if was_never_there && !dials.fills_what_was_never_there {
                        return series;
                    }
                    let with = of(with);
                    each(&|n| series[n].or(with[n]))
                }
                ("MAX" | "MIN" | "SUM" | "AVG", [list]) => {
                    let series: Vec<Values> = match list {
                        Self::List(list) => list.iter().map(of).collect(),
                        Self::Metrics => metrics.iter().map(|id| of(&Self::Id(id.clone()))).collect(),
                        // Of one series they are a number: the statistic of its values.
                        single => {
                            let values: Vec<f64> = of(single).into_iter().flatten().collect();
                            return vec![folded(name, &values); periods];
                        }
                    };
                    each(&|n| folded(name, &series.iter().filter_map(|values| values[n]).collect::<Vec<f64>>()))
                }
                ("ABS", [inner]) => of(inner).into_iter().map(|value| value.map(f64::abs)).collect(),
                (other, _) => panic!("the model knows no {other} of {} arguments", arguments.len()),
            },
        }
    }
}

fn folded(name: &str, values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let sum: f64 = values.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let count = values.len() as f64;
    Some(match name {
        "MAX" => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        "MIN" => values.iter().copied().fold(f64::INFINITY, f64::min),
        "AVG" => sum / count,
        _ => sum,
    })
}

#[expect(clippy::float_cmp, reason = "the model compares as it is told to")]
fn binary(operator: &str, left: f64, right: f64) -> Option<f64> {
    Some(match operator {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" if right == 0.0 => return None,
        "/" => left / right,
        "<" => f64::from(left < right),
        ">" => f64::from(left > right),
        "<=" => f64::from(left <= right),
        ">=" => f64::from(left >= right),
        "==" => f64::from(left == right),
        "!=" => f64::from(left != right),
        "&&" | "AND" => f64::from(left != 0.0 && right != 0.0),
        _ => f64::from(left != 0.0 || right != 0.0),
    })
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = |is: &dyn Fn(char) -> bool| rest.find(|c| !is(c)).unwrap_or(rest.len());
        let length = if first.is_ascii_digit() {
            word(&|c| c.is_ascii_digit() || c == '.')
        } else if first.is_ascii_alphabetic() || first == '_' {
            word(&|c| c.is_ascii_alphanumeric() || c == '_')
        } else if ["<=", ">=", "==", "!=", "&&", "||"].iter().any(|two| rest.starts_with(two)) {
            2
        } else if "+-*/()[],<>".contains(first) {
            1
        } else {
            return Err(format!("{first:?} in {text}"));
        };
        tokens.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
}

impl Parser<'_> {
    fn next_is(&self, token: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|next| next == token)
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        if !self.next_is(token) {
            return Err(format!("{token} is missing before {:?}", &self.tokens[self.at..]));
        }
        self.at += 1;
        Ok(())
    }

    fn level(&mut self, level: usize) -> Result<Expression, String> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let mut left = self.level(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.next_is(operator)) {
            self.at += 1;
            let right = self.level(level + 1)?;
            left = Expression::Binary(operator, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, String> {
        for operator in ["-", "NOT"] {
            if self.next_is(operator) {
                self.at += 1;
                return Ok(Expression::Unary(operator, Box::new(self.unary()?)));
            }
        }
        let token = self.tokens.get(self.at).ok_or("it ends in the middle")?.clone();
        self.at += 1;
        if token == "(" {
            let inner = self.level(0)?;
            self.expect(")")?;
            return Ok(inner);
        }
        if token == "[" {
            return Ok(Expression::List(self.list("]")?));
        }
        if let Ok(number) = token.parse() {
            return Ok(Expression::Number(number));
        }
        if !self.next_is("(") {
            return Ok(Expression::Id(token));
        }
        self.at += 1;
        let arguments = self.list(")")?;
        if token == "METRICS" { Ok(Expression::Metrics) } else { Ok(Expression::Call(token, arguments)) }
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expression>, String> {
        let mut all = Vec::new();
        while !self.next_is(end) {
            all.push(self.level(0)?);
            if !self.next_is(end) {
                self.expect(",")?;
            }
        }
        self.at += 1;
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, known: &[(&str, &[Option<f64>])], dials: Dials) -> Values {
        let known: BTreeMap<String, Values> =
            known.iter().map(|(id, values)| ((*id).to_owned(), values.to_vec())).collect();
        let ids: Vec<String> = known.keys().cloned().collect();
        let periods = known.values().next().map_or(1, Vec::len);
        Expression::parse(text).unwrap_or_else(|e| panic!("{e}")).values(&known, &ids, periods, dials)
    }

    #[test]
    fn a_share_counts_only_where_there_is_enough_to_judge() {
        let text = "IF(good + bad >= 20, 100 * good / (good + bad), 100)";
        let known: [(&str, &[Option<f64>]); 2] =
            [("good", &[Some(18.0), Some(1.0), None]), ("bad", &[Some(2.0), Some(3.0), Some(1.0)])];
        assert_eq!(values(text, &known, Dials::default()), [Some(90.0), Some(100.0), None]);
    }

    #[test]
    fn a_hole_is_filled_and_what_was_never_there_as_the_dial_says() {
        let holes: [(&str, &[Option<f64>]); 1] = [("m", &[Some(1.0), None])];
        let nothing: [(&str, &[Option<f64>]); 1] = [("m", &[None, None])];
        let fills = Dials { fills_what_was_never_there: true, ..Dials::default() };
        assert_eq!(values("FILL(m, 0)", &holes, Dials::default()), [Some(1.0), Some(0.0)]);
        assert_eq!(values("FILL(m, 0)", &nothing, fills), [Some(0.0), Some(0.0)]);
        assert_eq!(values("FILL(m, 0)", &nothing, Dials::default()), [None, None]);
    }

    #[test]
    fn operators_bind_as_in_the_documentation_and_nothing_is_divided_by_zero() {
        let one: [(&str, &[Option<f64>]); 2] = [("a", &[Some(6.0)]), ("b", &[Some(0.0)])];
        assert_eq!(values("a + 2 * 3 >= 12 AND NOT b", &one, Dials::default()), [Some(1.0)]);
        assert_eq!(values("a / b", &one, Dials::default()), [None]);
        assert_eq!(values("SUM([a, 1]) + MAX(METRICS())", &one, Dials::default()), [Some(13.0)]);
    }
}
