//! Draws an order's timeline: what happened, who said so, when, and how long each step took.

use std::fmt::Write as _;

use iso_currency::Currency;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Cells of the longest bar.
const BAR_CELLS: f64 = 16.0;

/// How things are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// With colours, for a terminal.
    Coloured,
    /// Letters only, for a file or a pipe.
    Plain,
}

impl Style {
    fn paint(self, colour: Colour, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\x1b[{}m{text}\x1b[0m", colour as u8),
        }
    }
}

/// Codes of the terminal's own colours, so that they suit its theme.
#[derive(Clone, Copy)]
enum Colour {
    Bold = 1,
    Faint = 2,
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
}

/// One row as it is drawn.
struct Row<'a> {
    /// Seconds since the first row.
    offset: f64,
    /// Seconds since the row before.
    step: f64,
    event: &'a str,
    source: &'a str,
    asked_by: &'a str,
    object: &'a str,
    detail: &'a str,
    times: Option<u64>,
}

/// Draws the answer of `GET /orders/{order_id}`: a heading, then a line per row of the timeline. Rows whose time
/// cannot be read are drawn as simultaneous with the one before.
pub fn draw(order: &Value, style: Style) -> String {
    let rows = rows(order);
    let total = rows.last().map_or(0.0, |row| row.offset);
    let mut drawing = format!("{}\n\n", heading(order, style));
    if rows.is_empty() {
        drawing.push_str("  (nothing has happened yet)\n");
        return drawing;
    }
    let widest = |text: fn(&Row) -> usize| rows.iter().map(text).max().unwrap_or_default();
    let (event_width, source_width) = (widest(|row| row.event.len()), widest(|row| row.source.len()));
    let object_width = widest(|row| row.object.len());
    for (number, row) in rows.iter().enumerate() {
        let step = if number == 0 { String::new() } else { format!("+{:.3} s", row.step) };
        let event = style.paint(colour_of(row.event), &format!("{:event_width$}", row.event));
        let line = format!(
            "  {:>9}  {step:>10}  {}  {event}  {:source_width$}  {}  {}",
            format!("{:.3} s", row.offset),
            style.paint(Colour::Cyan, &bar(row.step, total)),
            row.source,
            style.paint(Colour::Faint, &format!("{:object_width$}", row.object)),
            detail(row),
        );
        let by = if row.asked_by.is_empty() { String::new() } else { format!("  by {}", row.asked_by) };
        let _ = writeln!(drawing, "{}{by}", line.trim_end()); // writing to a string cannot fail
    }
    if order["next_cursor"].is_string() {
        drawing.push_str("  … and more: this is the first page\n");
    }
    let _ = writeln!(drawing, "  {:─>9}", "");
    let _ = writeln!(drawing, "  {:>9}  from the first row to the last", format!("{total:.3} s"));
    drawing
}

fn heading(order: &Value, style: Style) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut parts = vec![style.paint(Colour::Bold, &format!("Order {}", text(&order["order_id"])))];
    let payment = &order["payment"];
    if payment.is_object() {
        parts.push(amount(&payment["amount"]));
        let status = text(&payment["status"]);
        parts.push(format!("payment {}", style.paint(colour_of(&status), &status)));
    }
    for shipment in order["shipments"].as_array().into_iter().flatten() {
        let status = text(&shipment["status"]);
        parts.push(format!("{} parcel {}", text(&shipment["carrier"]), style.paint(colour_of(&status), &status)));
    }
    for message in order["messages"].as_array().into_iter().flatten() {
        let status = text(&message["status"]);
        parts.push(format!("{} {}", text(&message["kind"]), style.paint(colour_of(&status), &status)));
    }
    parts.join(" · ")
}

/// `10.99 EUR` from 1099 minor units; the number as it is for a currency that is not known.
pub fn amount(amount: &Value) -> String {
    let (value, code) = (amount["value"].as_i64().unwrap_or_default(), amount["currency"].as_str().unwrap_or("?"));
    let digits = Currency::from_code(code).and_then(Currency::exponent).map_or(0, usize::from);
    if digits == 0 {
        return format!("{value} {code}");
    }
    let padded = format!("{value:0>width$}", width = digits + 1);
    let (whole, fraction) = padded.split_at(padded.len() - digits);
    format!("{whole}.{fraction} {code}")
}

fn rows(order: &Value) -> Vec<Row<'_>> {
    let mut rows: Vec<Row> = vec![];
    let mut first: Option<OffsetDateTime> = None;
    for entry in order["timeline"].as_array().into_iter().flatten() {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let before = rows.last().map_or(0.0, |row| row.offset);
        let at = OffsetDateTime::parse(text("at"), &Rfc3339).ok();
        let offset = match (at, first) {
            (Some(at), Some(first)) => (at - first).as_seconds_f64(),
            _ => before,
        };
        first = first.or(at);
        rows.push(Row {
            offset,
            step: offset - before,
            event: text("event"),
            source: text("source"),
            object: text("object"),
            detail: text("detail"),
            asked_by: text("asked_by"),
            times: entry["times"].as_u64(),
        });
    }
    rows
}

/// What is to be said of a row besides: rows that say the same of a message are one.
fn detail(row: &Row) -> String {
    match row.times {
        None => row.detail.to_owned(),
        Some(times) if row.detail.is_empty() => format!("{times} times"),
        Some(times) => format!("{}, {times} times", row.detail),
    }
}

/// A bar as long as the step's share of the whole.
fn bar(step: f64, total: f64) -> String {
    let cells = if total > 0.0 { (step / total * BAR_CELLS).round().clamp(0.0, BAR_CELLS) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=16 above")]
    let full = cells as usize;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small constant")]
    let width = BAR_CELLS as usize;
    format!("{:width$}", "▇".repeat(full))
}

/// Good ends are green, bad ones red, waiting yellow: by the last word of an event or by a status.
fn colour_of(event: &str) -> Colour {
    match event.rsplit('.').next().unwrap_or_default() {
        "succeeded" | "delivered" | "refunded" => Colour::Green,
        "failed" | "declined" | "refused" | "bounced" | "dropped" | "canceled" | "manual" => Colour::Red,
        "deferred" | "processing" | "retried" | "unknown" => Colour::Yellow,
        _ => Colour::Bold,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order() -> Value {
        json!({
            "order_id": "o-1",
            "payment": {"status": "succeeded", "amount": {"value": 1099, "currency": "EUR"}},
            "messages": [{"kind": "order_confirmation", "status": "delivered"}],
            "timeline": [
                {"at": "2025-01-01T10:00:00.000Z", "event": "payment.requested", "object": "pay_1",
                 "source": "crossdock"},
                {"at": "2025-01-01T10:00:00.250Z", "event": "payment.requires_payment_method", "object": "pay_1",
                 "source": "stripe", "detail": "card_declined"},
                {"at": "2025-01-01T10:00:02.000Z", "event": "payment.succeeded", "object": "pay_1", "source": "stripe"},
            ],
        })
    }

    #[test]
    fn each_row_shows_its_offset_and_how_long_it_took_since_the_row_before() {
        let drawing = draw(&order(), Style::Plain);
        let lines: Vec<&str> = drawing.lines().collect();
        assert_eq!(lines[0], "Order o-1 · 10.99 EUR · payment succeeded · order_confirmation delivered");
        assert!(lines[2].contains("0.000 s") && lines[2].contains("payment.requested"), "{drawing}");
        assert!(lines[3].contains("0.250 s") && lines[3].contains("+0.250 s"), "{drawing}");
        assert!(lines[3].contains("stripe") && lines[3].ends_with("card_declined"), "{drawing}");
        assert!(lines[4].contains("2.000 s") && lines[4].contains("+1.750 s"), "{drawing}");
        assert!(lines[6].contains("2.000 s  from the first row to the last"), "{drawing}");
    }

    #[test]
    fn the_longest_step_has_the_longest_bar() {
        let drawing = draw(&order(), Style::Plain);
        let bars: Vec<usize> = drawing.lines().map(|line| line.matches('▇').count()).collect();
        assert_eq!(bars[2..5], [0, 2, 14]);
    }

    #[test]
    fn a_plain_drawing_has_no_escape_codes_and_a_coloured_one_has() {
        assert!(!draw(&order(), Style::Plain).contains('\x1b'));
        assert!(draw(&order(), Style::Coloured).contains("\x1b[32m"));
    }

    #[test]
    fn the_heading_says_where_each_parcel_is() {
        let shipped = json!({"order_id": "o-2", "shipments": [{"carrier": "ups", "status": "delivered"}]});
        assert!(draw(&shipped, Style::Plain).starts_with("Order o-2 · ups parcel delivered\n"));
    }

    #[test]
    fn an_order_without_history_or_with_unreadable_times_is_drawn_all_the_same() {
        assert!(draw(&json!({"order_id": "o-2"}), Style::Plain).contains("nothing has happened yet"));
        let odd = json!({"order_id": "o-3", "timeline": [{"at": "yesterday", "event": "payment.requested"}]});
        assert!(draw(&odd, Style::Plain).contains("payment.requested"));
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        assert_eq!(amount(&json!({"value": 5, "currency": "EUR"})), "0.05 EUR");
        assert_eq!(amount(&json!({"value": 500, "currency": "JPY"})), "500 JPY");
        assert_eq!(amount(&json!({"value": 1500, "currency": "KWD"})), "1.500 KWD");
    }
}
