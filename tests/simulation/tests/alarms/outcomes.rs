//! One outcome a payment: exact figures, and an alarm that tells four declines of a hundred from six.

use contract::cloudwatch::{Dials, MINUTE_MS, Name, Series, State, Template};
use serde_json::json;
use simulation::invariants::{of_type, violations};
use simulation::shop::confirmed_payment;
use simulation::universe::Universe;

use super::drivers::assert_drives;
use super::{driven, judged, minutes, recorded, universe};

/// The alarm as issue and design have it; template.yaml's own is judged where it is there.
const RATIO: &str = r"
Resources:
  SuccessRatioAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: success-ratio
      EvaluationPeriods: 1
      Threshold: 95
      ComparisonOperator: LessThanThreshold
      TreatMissingData: notBreaching
      Metrics:
        - {Id: ratio, Expression: 'IF(s + d + f >= 20, 100 * s / (s + d + f), 100)'}
        - {Id: s, ReturnData: false, MetricStat: {Period: 900, Stat: Sum, Metric: {Namespace: Crossdock/test, MetricName: payments_succeeded}}}
        - {Id: d, ReturnData: false, MetricStat: {Period: 900, Stat: Sum, Metric: {Namespace: Crossdock/test, MetricName: payments_declined}}}
        - {Id: f, ReturnData: false, MetricStat: {Period: 900, Stat: Sum, Metric: {Namespace: Crossdock/test, MetricName: payments_failed}}}
";

/// Orders a minute of a steady shop: a hundred in a quarter of an hour.
const A_MINUTE: usize = 7;
/// Its orders: a hundred, of which some are declined, and then half an hour of orders that are all paid. Declines are counted a quarter
/// of an hour after they happen, beside the successes of that time.
const ORDERS: usize = 100 + 30 * A_MINUTE;

/// A steady shop, of whose first hundred orders some, evenly spread, are declined for good.
async fn hundred(declined: usize) -> Universe {
    let mut universe = universe();
    for n in 0..ORDERS {
        let order = format!("o-{n}");
        let is_declined = n % (100 / declined) == 0 && n / (100 / declined) < declined;
        let card = if is_declined { "pm_card_visa_chargeDeclined" } else { "pm_card_visa" };
        universe.call("POST", "/payments", Some(&order), Some(&confirmed_payment(&order, card))).await;
        if n % A_MINUTE == A_MINUTE - 1 {
            minutes(&mut universe, 1).await;
        }
    }
    minutes(&mut universe, 5).await;
    universe
}

fn sum(series: &Series, metric: &str, dimensions: &[(&str, &str)]) -> i64 {
    let dimensions = dimensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let name = Name { namespace: "Crossdock/test".to_owned(), metric: metric.to_owned(), dimensions };
    #[expect(clippy::cast_possible_truncation, reason = "counts")]
    series.statistic(&name, "Sum", 0, i64::MAX).map_or(0, |sum| sum as i64)
}

fn figures(series: &Series) -> [i64; 3] {
    ["payments_succeeded", "payments_declined", "payments_failed"].map(|metric| sum(series, metric, &[]))
}

#[tokio::test(start_paused = true)]
async fn four_declines_of_a_hundred_are_silent_and_the_figures_are_exact() {
    let universe = hundred(4).await;
    let series = recorded();
    let paid = i64::try_from(ORDERS).unwrap() - 4;
    assert_eq!(figures(&series), [paid, 4, 0]);
    assert_eq!(sum(&series, "payments_declined", &[("reason", "card_declined")]), 4);
    assert_eq!(sum(&series, "revenue_minor_units", &[("currency", "EUR")]), paid * 1_099);
    let fees = of_type(&universe.aws().table().items(), "payment")
        .filter_map(|payment| payment["settlement"]["fee"]["value"].as_i64())
        .sum::<i64>();
    assert_eq!(sum(&series, "fees_minor_units", &[("currency", "EUR")]), fees);
    let is_ratio = |alarm: &str| alarm.starts_with("SuccessRatio") || alarm.starts_with("PaymentsRatio");
    for template in [Template::of(RATIO), Template::read()] {
        let changes = judged(&template, &series, Dials::default(), &is_ratio);
        assert!(changes.iter().all(|(_, state)| *state == State::Ok), "{changes:?}");
    }
    assert_eq!(violations(&universe), Vec::<String>::new());
}

/// An alarm, and its end.
#[tokio::test(start_paused = true)]
async fn six_declines_of_a_hundred() {
    let universe = hundred(6).await;
    let series = recorded();
    assert_eq!(figures(&series), [i64::try_from(ORDERS).unwrap() - 6, 6, 0]);
    let changes = judged(&Template::of(RATIO), &series, Dials::default(), &|_| true);
    assert!(driven(&changes).contains("SuccessRatioAlarm"), "{changes:?}");
    assert_drives("six_declines_of_a_hundred", &series);
    assert_eq!(violations(&universe), Vec::<String>::new());
}

/// The shopper takes another card within a quarter of an hour: a success, and no decline.
#[tokio::test(start_paused = true)]
async fn a_decline_that_is_followed_by_a_success_is_none() {
    let mut universe = universe();
    let declined = confirmed_payment("o-1", "pm_card_visa_chargeDeclined");
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&declined)).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap_or_default());
    minutes(&mut universe, 10).await;
    let confirmed = universe.call("POST", &path, None, Some(&json!({ "payment_method": "pm_card_visa" }))).await;
    assert_eq!(confirmed.status(), 200, "{}", confirmed.body());
    minutes(&mut universe, 40).await;
    assert_eq!(figures(&recorded()), [1, 0, 0]);
}

/// Whoever pays after half an hour was counted as declined, and stays so: one payment, one outcome. The money counts.
#[tokio::test(start_paused = true)]
async fn who_pays_late_stays_counted_once() {
    let mut universe = universe();
    let declined = confirmed_payment("o-1", "pm_card_visa_chargeDeclinedInsufficientFunds");
    let created = universe.call("POST", "/payments", Some("k-1"), Some(&declined)).await;
    let path = format!("/payments/{}/confirm", created.body()["payment_id"].as_str().unwrap_or_default());
    minutes(&mut universe, 30).await;
    universe.call("POST", &path, None, Some(&json!({ "payment_method": "pm_card_visa" }))).await;
    minutes(&mut universe, 30).await;
    let series = recorded();
    assert_eq!(figures(&series), [0, 1, 0]);
    assert_eq!(sum(&series, "payments_declined", &[("reason", "insufficient_funds")]), 1);
    assert_eq!(sum(&series, "revenue_minor_units", &[("currency", "EUR")]), 1_099);
}

/// Two ticks at once, and each of them sees the same row: one of them counts it.
#[tokio::test(start_paused = true)]
async fn two_sweepers_count_a_decline_once() {
    let mut universe = universe();
    let declined = confirmed_payment("o-1", "pm_card_visa_chargeDeclined");
    universe.call("POST", "/payments", Some("k-1"), Some(&declined)).await;
    universe.run_until_quiet(MINUTE_MS).await;
    universe.sleep_ms(16 * 60_000).await;
    let lists: Vec<_> = (0..2)
        .map(|_| {
            universe.system(simulation::universe::Function::Sweeper, &simulation::Probe::new()).work_list().unwrap()
        })
        .collect();
    let (first, second) = futures_util::join!(lists[0].sweep(None), lists[1].sweep(None));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(figures(&recorded()), [0, 1, 0]);
}
