//! Alarms on what only AWS knows: its own series, as they would be if this had happened. No shipping code is involved, and the page of
//! alarms says so.

use contract::cloudwatch::{MINUTE_MS, Name, Series, Source, Template};
use simulation::universe::Universe;

use super::drivers::{alarms, assert_drives, driver};

/// A time.
const START_MS: i64 = 1_714_265_340_000;

/// The series that the alarms of a scenario read, each with this value in so many minutes.
fn series_of(scenario: &str, minutes: i64, value: impl Fn(&str, i64) -> Option<f64>) -> Series {
    let mut series = Series::default();
    let template = Template::read();
    let own: Vec<String> =
        alarms().into_iter().filter(|alarm| driver(alarm).is_some_and(|by| by.test() == scenario)).collect();
    for alarm in template.alarms(contract::cloudwatch::Dials::default()).metric {
        if !own.contains(&alarm.logical) {
            continue;
        }
        let Source::Metric { name, .. } = &alarm.source else { panic!("{} is no plain alarm", alarm.logical) };
        assert!(name.namespace.starts_with("AWS/"), "{} reads what we write ourselves", alarm.logical);
        for minute in 0..minutes {
            if let Some(value) = value(&alarm.logical, minute) {
                let name: Name = name.clone();
                series.put(name, START_MS + minute * MINUTE_MS, value);
            }
        }
    }
    series
}

/// A message dies in each queue, and is taken out after ten minutes.
#[test]
fn dead_letters() {
    let series = series_of("dead_letters", 30, |_, minute| Some(f64::from(u8::from((5..15).contains(&minute)))));
    assert_drives("dead_letters", &series);
}

/// No worker comes for two hours.
#[test]
fn waiting_queues() {
    let waits = |minute: i64| if (5..125).contains(&minute) { Some((minute - 5) * 60) } else { Some(0) };
    let series = series_of("waiting_queues", 140, |_, minute| waits(minute).map(|s| i32::try_from(s).unwrap().into()));
    assert_drives("waiting_queues", &series);
}

/// Each function dies in three minutes of five.
#[test]
fn dying_functions() {
    // Two days, for the function that runs once a day.
    let series = series_of("dying_functions", 2 * 24 * 60 + 30, |_, minute| {
        (minute < 60 || minute % 5 == 0).then(|| f64::from(u8::from((5..8).contains(&minute))))
    });
    assert_drives("dying_functions", &series);
}

/// The sweeper is not started for half an hour. By the documentation an alarm may look back further than its own five minutes
/// where values are missing, so it is told after five minutes at the earliest, and after fifteen at the latest. Its invocations
/// are those of a simulation; the schedule is AWS's.
#[tokio::test(start_paused = true)]
async fn a_silent_sweeper() {
    let mut universe = Universe::new(1);
    let mut invoked = Vec::new();
    for minute in 0..70 {
        let before = universe.invocations.len();
        if !(10..40).contains(&minute) {
            universe.sweep().await;
        }
        invoked.push(universe.invocations.len() - before);
    }
    let count = |minute: i64| u8::try_from(invoked[usize::try_from(minute).unwrap()]).unwrap();
    let series = series_of("a_silent_sweeper", 70, |_, minute| Some(count(minute)).filter(|n| *n > 0).map(f64::from));
    assert_drives("a_silent_sweeper", &series);
}

/// A dead webhook is left alone for four days.
#[test]
fn a_dead_webhook_is_forgotten() {
    let day = 24 * 60;
    let age = |minute: i64| if minute < 4 * day { minute * 60 } else { 0 };
    let series = series_of("a_dead_webhook_is_forgotten", 4 * day + 30, |_, minute| {
        // Every five minutes is enough for what is looked at every five minutes.
        (minute % 5 == 0).then(|| i32::try_from(age(minute)).unwrap().into())
    });
    assert_drives("a_dead_webhook_is_forgotten", &series);
}

/// Alerts wait for half an hour, and a function is throttled as long.
#[test]
fn lambda_has_no_room() {
    let series = series_of("lambda_has_no_room", 60, |_, minute| Some(f64::from(u8::from((5..35).contains(&minute)))));
    assert_drives("lambda_has_no_room", &series);
}
