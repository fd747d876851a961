//! Bars in SVG: one panel a measure, a logarithmic axis where the field is wide, light and dark ground alike.

use std::fmt::Write as _;

use crate::contenders::Role;
use crate::events::Workload;
use crate::race::{Round, Runs};
use crate::report::{Results, digits};
use crate::statistics::Spread;

/// Pixels.
const WIDTH: f64 = 760.0;
const LABEL_WIDTH: f64 = 235.0;
const VALUE_WIDTH: f64 = 90.0;
const BAR_HEIGHT: f64 = 18.0;
const LINE_HEIGHT: f64 = 26.0;
const HEAD_HEIGHT: f64 = 44.0;

/// Plots that not every workload has.
const INIT: &str = "init";
const DELAYED: &str = "delayed";

/// Ours, floors, others: distinguishable for colour-blind readers, and on white and black ground.
const COLOURS: [&str; 3] = ["#d55e00", "#999999", "#0072b2"];

struct Bar {
    label: String,
    colour: &'static str,
    spread: Spread,
}

/// Every plot: its file's name and content.
pub fn all(results: &Results) -> Vec<(String, String)> {
    type Measure = (&'static str, &'static str, fn(&Round) -> f64);
    let measures: [Measure; 5] = [
        (INIT, "start of the process to ready, ms", |round| round.init_ms),
        ("cold", "cold start to the first answer, ms", Round::cold_ms),
        (DELAYED, "a warm invocation whose calls take as long as real ones, ms", |round| round.delayed_ms),
        ("cpu", "CPU time of a warm invocation, ms", |round| round.cpu_ms),
        ("memory", "peak resident memory, MiB", |round| round.memory_mib),
    ];
    let mut plots = Vec::new();
    for workload in Workload::ALL {
        for (name, title, measure) in measures {
            // A variant starts as its workload does; and with one thing to do, everybody waits for the same calls.
            let shows_nothing = if workload.is_variant() { INIT } else { DELAYED };
            if name == shows_nothing {
                continue;
            }
            // Init is compared without anybody's calls; what is compared elsewhere is what is shipped.
            let hidden = if name == INIT { Role::Ours } else { Role::Unwarmed };
            let of = results.race.iter().filter(|runs| runs.workload == workload && runs.role != hidden);
            let bars: Vec<Bar> = of.filter_map(|runs| bar(runs, measure)).collect();
            if !bars.is_empty() {
                let title = format!("{}: {title} (logarithmic)", workload.name());
                plots.push((format!("{}-{name}.svg", workload.name()), svg(&title, &bars)));
            }
        }
    }
    let durable: Vec<Bar> = results
        .durable
        .iter()
        .enumerate()
        .filter_map(|(index, durable)| {
            let colour = if index == 0 { COLOURS[0] } else { COLOURS[2] };
            Some(Bar { label: durable.label.clone(), colour, spread: Spread::of(&durable.rounds_ms)? })
        })
        .collect();
    if !durable.is_empty() {
        let title = "stripe-webhook: cold start to the first durable write over TLS, ms (logarithmic)";
        plots.push(("stripe-webhook-durable.svg".to_owned(), svg(title, &durable)));
    }
    plots
}

fn bar(runs: &Runs, measure: fn(&Round) -> f64) -> Option<Bar> {
    let colour = match runs.role {
        Role::Ours | Role::Unwarmed | Role::Tls => COLOURS[0],
        Role::Empty | Role::Bare => COLOURS[1],
        Role::Peer => COLOURS[2],
    };
    Some(Bar { label: runs.label.clone(), colour, spread: runs.spread(measure)? })
}

fn svg(title: &str, bars: &[Bar]) -> String {
    let positive = |bar: &&Bar| bar.spread.p10 > 0.0;
    let least = bars.iter().filter(positive).map(|bar| bar.spread.p10).fold(f64::INFINITY, f64::min);
    let most = bars.iter().map(|bar| bar.spread.p90).fold(0.0, f64::max);
    let room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
    let (low, high) = ((least / 2.0).log10(), most.log10());
    let place = |value: f64| ((value.max(least / 2.0).log10() - low) / (high - low).max(0.1) * room).max(1.0);
    #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
    let height = HEAD_HEIGHT + LINE_HEIGHT * bars.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\" aria-label=\"{title}\">\n\
         <style>text {{ fill: #1f2328 }} line {{ stroke: #1f2328 }} \
         @media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} line {{ stroke: #e6edf3 }} }}</style>\n\
         <text x=\"4\" y=\"22\" font-size=\"15\" font-weight=\"600\">{title}</text>\n"
    );
    for (index, bar) in bars.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
        let top = HEAD_HEIGHT + LINE_HEIGHT * index as f64;
        let (text_y, middle) = (top + 13.5, top + BAR_HEIGHT / 2.0);
        let length = place(bar.spread.median);
        let (from, to) = (LABEL_WIDTH + place(bar.spread.p10), LABEL_WIDTH + place(bar.spread.p90));
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{text_y}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LABEL_WIDTH}\" y=\"{top}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT}\" fill=\"{}\"/>\
             <line x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\
             <text x=\"{:.1}\" y=\"{text_y}\">{}</text>",
            LABEL_WIDTH - 8.0,
            bar.label,
            bar.colour,
            LABEL_WIDTH + length.max(to - LABEL_WIDTH) + 8.0,
            digits(bar.spread.median),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_value_has_a_longer_bar() {
        let bar = |value: f64| Bar {
            label: format!("bar {value}"),
            colour: COLOURS[0],
            spread: Spread { median: value, p10: value, p90: value, count: 1 },
        };
        let svg = svg("test", &[bar(1.0), bar(100.0)]);
        let widths: Vec<f64> = svg
            .split("<rect ")
            .skip(1)
            .map(|rect| rect.split("width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert!(widths.len() == 2 && widths[0] < widths[1], "{widths:?}");
    }
}
