//! How long a shopper waits for prices while carriers are slow, broken or silent: a warm rate-quoter, with carriers that
//! each have a way of their own.
//!
//! A quote waits for AWS twice, whatever carriers do: before they are asked (their earlier answers, breakers and quotas,
//! all at once), and after the slowest (its answer is written down, so that one can buy by it). Both waits are over at
//! once where AWS answers at once, and what is left is the carrier and we.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::canned::Canned;
use crate::environment;
use crate::events::Events;
use crate::function::{Function, Launch};
use crate::installed::Workspace;
use crate::race::{DELAYS, ms};
use crate::report::digits;
use crate::server::{Answer, Backend, Call, Delays, Server, Service};
use crate::statistics::Spread;

/// Who is asked.
pub const FUNCTION: &str = "rate-quoter";
/// Quotes before the measured ones: tokens are fetched, connections opened.
const SETTLING: u64 = 5;
/// When carriers answer that do: sooner than any real one, so that what is ours can be seen.
const FIRST: Duration = Duration::from_millis(40);
const SECOND: Duration = Duration::from_millis(60);
const SLOWEST: Duration = Duration::from_millis(100);
/// The same as real ones do on a good day: prices take them some hundred milliseconds.
const REAL: Carriers = Carriers {
    fedex: Way::After(Duration::from_millis(100)),
    ups: Way::After(Duration::from_millis(200)),
    dhl: Way::After(Duration::from_millis(300)),
};
/// Longer than anybody waits.
const SILENCE: Duration = Duration::from_secs(60);
/// A shop's own deadline, and ours.
const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_millis(2_500);

/// What carriers do in one of the measurements, and what was promised for it.
struct Case {
    label: &'static str,
    carriers: Carriers,
    /// How long AWS takes.
    aws: Duration,
    /// How long the shop waits at most.
    deadline: Duration,
    /// Quotes that are measured.
    quotes: u64,
    ends: Ends,
}

const CASES: [Case; 5] = [
    Case { label: "all answer: after 40, 60 and 100 ms; AWS at once", aws: Duration::ZERO, ..ALL_ANSWER },
    Case { label: "the same; AWS after 5 ms, twice", ..ALL_ANSWER },
    Case { label: "all answer: after 100, 200 and 300 ms; AWS after 5 ms, twice", carriers: REAL, ..ALL_ANSWER },
    Case { label: "one is silent, one answers 500; deadline 500 ms", deadline: SHORT, quotes: 20, ..TWO_FAIL },
    Case { label: "the same; deadline 2,500 ms", ..TWO_FAIL },
];

const ALL_ANSWER: Case = Case {
    label: "",
    carriers: Carriers { fedex: Way::After(FIRST), ups: Way::After(SECOND), dhl: Way::After(SLOWEST) },
    aws: DELAYS.aws,
    deadline: LONG,
    quotes: 20,
    ends: Ends::AfterTheSlowest,
};

const TWO_FAIL: Case = Case {
    carriers: Carriers { fedex: Way::Silent, ups: Way::Broken, dhl: Way::After(SLOWEST) },
    quotes: 5,
    ends: Ends::AtTheDeadline,
    ..ALL_ANSWER
};

/// What ends a quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Ends {
    /// The last answer: nobody is missing.
    AfterTheSlowest,
    /// The deadline: somebody is.
    AtTheDeadline,
}

/// How long quotes took.
#[derive(Clone, Debug, Serialize)]
pub struct Waited {
    /// What carriers did.
    pub label: String,
    /// What ended them.
    pub ends: Ends,
    /// When that was: the slowest carrier's time, or the deadline. Milliseconds.
    pub end_ms: f64,
    /// How long AWS took each time it was asked. Milliseconds.
    pub aws_ms: f64,
    /// Milliseconds, one a quote.
    pub took_ms: Vec<f64>,
}

/// What a carrier does when it is asked for prices. It gives tokens at once.
#[derive(Clone, Copy)]
enum Way {
    After(Duration),
    Broken,
    Silent,
}

/// Each on its way; everybody else is canned.
#[derive(Clone, Copy)]
struct Carriers {
    fedex: Way,
    ups: Way,
    dhl: Way,
}

impl Carriers {
    /// When the last of those that answer does.
    fn slowest(self) -> Duration {
        let answers = [self.fedex, self.ups, self.dhl].into_iter().filter_map(|way| match way {
            Way::After(delay) => Some(delay),
            Way::Broken | Way::Silent => None,
        });
        answers.max().unwrap_or_default()
    }
}

impl Backend for Carriers {
    fn answer(&self, call: &Call) -> Answer {
        let usual = Canned.answer(call);
        let way = match call.service {
            _ if call.operation.ends_with("/token") => return usual,
            Service::Fedex => self.fedex,
            Service::Ups => self.ups,
            Service::Dhl => self.dhl,
            _ => return usual,
        };
        match way {
            Way::After(delay) => Answer { after: Some(delay), ..usual },
            Way::Broken => Answer { after: Some(FIRST), ..Answer::new(500, "") },
            Way::Silent => Answer { after: Some(SILENCE), ..usual },
        }
    }
}

/// Measures every case, with the rate-quoter that is built already. `cpu` is where it runs.
///
/// # Errors
/// When it cannot be started, or does not say who answered and who did not.
pub async fn run(workspace: &Workspace, events: &Events, cpu: Option<usize>) -> Result<Vec<Waited>> {
    let mut all = Vec::new();
    for case in &CASES {
        eprintln!("quotes: {}", case.label);
        all.push(case.run(workspace, events, cpu).await.context(case.label)?);
    }
    Ok(all)
}

impl Case {
    async fn run(&self, workspace: &Workspace, events: &Events, cpu: Option<usize>) -> Result<Waited> {
        let server = Server::start(Arc::new(self.carriers), None).await?;
        server.set_delays(Delays { aws: self.aws, vendor: Duration::ZERO });
        let launch = Launch {
            command: vec![workspace.program(FUNCTION).display().to_string()],
            directory: workspace.home(),
            variables: environment::variables(FUNCTION, &server.url()),
            cpu,
            log: workspace.home().join("logs").join(format!("deadline-{FUNCTION}.log")),
        };
        let mut function = Function::start(&launch, None).await?;
        function.ready().await?;
        let mut took_ms = Vec::new();
        for number in 0..SETTLING + self.quotes {
            let invoked = function.invoke(events.rates_within(self.deadline, number)).await?;
            self.check(&serde_json::from_slice(&invoked.body)?)?;
            if number >= SETTLING {
                took_ms.push(ms(invoked.took));
            }
        }
        let end = match self.ends {
            Ends::AfterTheSlowest => self.carriers.slowest(),
            Ends::AtTheDeadline => self.deadline,
        };
        let (label, ends) = (self.label.to_owned(), self.ends);
        Ok(Waited { label, ends, end_ms: ms(end), aws_ms: ms(self.aws), took_ms })
    }

    /// Whether the answer has everybody's prices, or the one's and the others' excuses.
    fn check(&self, answer: &Value) -> Result<()> {
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default();
        let quotes = body["quotes"].as_array().map(Vec::as_slice).unwrap_or_default();
        let answered = |carrier: &str| quotes.iter().any(|quote| quote["carrier"] == carrier);
        let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let failed =
            |carrier: &str, code: &str| errors.iter().any(|error| error["carrier"] == carrier && error["code"] == code);
        let good = match self.ends {
            Ends::AfterTheSlowest => ["fedex", "ups", "dhl"].into_iter().all(answered) && errors.is_empty(),
            Ends::AtTheDeadline => {
                answered("dhl") && failed("fedex", "deadline") && failed("ups", "vendor_unavailable")
            }
        };
        ensure!(good, "{FUNCTION} answered {answer}");
        Ok(())
    }
}

/// The table, as Markdown.
pub fn table(all: &[Waited]) -> String {
    let mut text = String::from(
        "\n### A quote, whatever its carriers do (rate-quoter, warm)\n\n\
         | carriers | it ends | ms, median [p10–p90] | quotes |\n|---|---|---|---|\n",
    );
    for waited in all {
        let Some(took) = Spread::of(&waited.took_ms) else { continue };
        let (label, count, end) = (&waited.label, waited.took_ms.len(), digits(waited.end_ms));
        let ends = match waited.ends {
            Ends::AfterTheSlowest => format!("with the slowest, after {end} ms"),
            Ends::AtTheDeadline => format!("at the deadline, after {end} ms"),
        };
        let _ = writeln!(text, "| {label} | {ends} | {:.1} [{:.1}–{:.1}] | {count} |", took.median, took.p10, took.p90);
    }
    text
}
