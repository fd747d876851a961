//! Which scenario drives which alarm. An alarm without a row fails here; each scenario asserts that it drives all of its own.

use std::collections::BTreeSet;

use contract::cloudwatch::{Dials, Series, Template};

use super::{driven, judged};

/// Who drives an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// A scenario of this name, in which shipping code wrote the lines.
    Simulation(&'static str),
    /// Series of AWS's own, made from what the scenario of this name takes for given.
    Aws(&'static str),
}

impl By {
    /// The test.
    pub(crate) const fn test(self) -> &'static str {
        let (Self::Simulation(name) | Self::Aws(name)) = self;
        name
    }
}

/// Alarms by what their logical names begin and end with, and who drives them. The first that fits counts.
pub(crate) const DRIVERS: &[(&str, &str, By)] = &[
    ("", "DlqAlarm", By::Aws("dead_letters")),
    ("KeyAge", "Alarm", By::Simulation("a_key_grows_old")),
    ("", "AgeAlarm", By::Aws("waiting_queues")),
    ("", "ErrorsAlarm", By::Aws("dying_functions")),
    ("DeadWebhooksOld", "Alarm", By::Aws("a_dead_webhook_is_forgotten")),
    ("AlertBacklog", "Alarm", By::Aws("lambda_has_no_room")),
    ("Throttled", "Alarm", By::Aws("lambda_has_no_room")),
    ("SweeperSilence", "Alarm", By::Aws("a_silent_sweeper")),
    ("PaymentsRatioAlarm", "", By::Simulation("six_declines_of_a_hundred")),
    ("PaymentsRatioLong", "Alarm", By::Simulation("a_small_shop_sells_nothing")),
    ("PaymentsNone", "Alarm", By::Simulation("a_small_shop_sells_nothing")),
    ("", "ShutAlarm", By::Simulation("an_operator_shuts_every_vendor")),
    ("Breaker", "Alarm", By::Simulation("stripe_is_down")),
    ("Failures", "Alarm", By::Simulation("the_table_does_not_answer")),
    ("ErrorSpike", "Alarm", By::Simulation("the_table_does_not_answer")),
    ("StoreUnreachable", "Alarm", By::Simulation("the_table_does_not_answer")),
    ("Panics", "Alarm", By::Simulation("a_handler_panics")),
    ("", "WebhooksRefusedAlarm", By::Simulation("a_wrong_webhook_secret")),
    ("UrgentPersonWaits", "Alarm", By::Simulation("nobody_knows")),
    ("PersonWaitsMore", "Alarm", By::Simulation("nobody_knows")),
    ("PersonWaits", "Alarm", By::Simulation("in_doubt")),
    ("GivenUp", "Alarm", By::Simulation("nobody_knows")),
    ("RefundsBeyond", "Alarm", By::Simulation("refunded_beyond")),
    ("ChargedUnexpectedly", "Alarm", By::Simulation("charged_unexpectedly")),
    ("InDoubt", "Alarm", By::Simulation("in_doubt")),
    ("SlowRequests", "Alarm", By::Simulation("the_checkout_is_slow")),
    ("SlowMean", "Alarm", By::Simulation("the_checkout_is_slow")),
    ("Quota", "Alarm", By::Simulation("quota_in_use")),
    ("Mails", "Alarm", By::Simulation("mails_bounce")),
    ("SmsWithheld", "Alarm", By::Simulation("a_country_that_gets_no_sms")),
    ("SmsDelivered", "Alarm", By::Simulation("sms_fail")),
    ("MessageCost", "Alarm", By::Simulation("sms_fail")),
    ("MessagesRefused", "Alarm", By::Simulation("a_mail_is_refused")),
    ("Undelivered", "Alarm", By::Simulation("an_alert_reaches_nobody")),
    ("", "SlowAlarm", By::Simulation("vendors_are_slow")),
];

/// Who drives this alarm.
pub(crate) fn driver(alarm: &str) -> Option<By> {
    let fits = |(begin, end, _): &&(&str, &str, By)| alarm.starts_with(begin) && alarm.ends_with(end);
    DRIVERS.iter().find(fits).map(|(.., by)| *by)
}

/// All alarms of the template, by their logical names.
pub(crate) fn alarms() -> Vec<String> {
    let template = Template::read();
    let kinds = ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"];
    kinds.into_iter().flat_map(|kind| template.resources(kind)).map(|(name, _)| name).collect()
}

#[test]
fn every_alarm_has_a_scenario_that_drives_it() {
    let without: Vec<String> = alarms().into_iter().filter(|alarm| driver(alarm).is_none()).collect();
    assert_eq!(without, Vec::<String>::new(), "alarms that nothing drives: add a row and a scenario");
}

/// Judges a scenario: it has driven all alarms that are its own, whatever AWS does where nobody says what.
pub(crate) fn assert_drives(scenario: &str, series: &Series) {
    let own: BTreeSet<String> =
        alarms().into_iter().filter(|alarm| driver(alarm).is_some_and(|by| by.test() == scenario)).collect();
    for fills_what_was_never_there in [false, true] {
        for extra_periods in [0, 2] {
            let dials = Dials { fills_what_was_never_there, extra_periods };
            let changes = judged(&Template::read(), series, dials, &|alarm| own.contains(alarm));
            let driven = driven(&changes);
            let missing: Vec<&String> = own.difference(&driven).collect();
            assert!(missing.is_empty(), "{scenario}, {dials:?}: {missing:?} in {changes:?}");
        }
    }
}
