//! Every metric that Crossdock has: its name, unit, dimensions and who reads it. Nothing writes another one.
//!
//! CloudWatch takes each name with each combination of dimension values for a metric of its own, which costs
//! [`PRICE_USD_A_MONTH`] while it is written to. So a dimension has a fixed list of values: what is not in it is folded into
//! `other`, or has no line of its own. No dimension is ever an id. tests/contract counts what can come of this list.
//!
//! An alarm cannot search, and CloudWatch does not sum over dimensions: what an alarm reads is also written without any.

use super::emf;
use crate::domain::Timestamp;

/// What one series costs in a month in which it is written to all the time, in US dollars: the first 10,000 of an account.
/// <https://aws.amazon.com/cloudwatch/pricing/>
pub const PRICE_USD_A_MONTH: f64 = 0.30;

/// The value of a dimension that its list does not name.
pub const OTHER: &str = "other";

/// A unit, as CloudWatch knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How often, or how many.
    Count,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Of a hundred.
    Percent,
    /// What CloudWatch has no unit for.
    None,
}

impl Unit {
    /// CloudWatch's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Seconds => "Seconds",
            Self::Milliseconds => "Milliseconds",
            Self::Percent => "Percent",
            Self::None => "None",
        }
    }
}

/// Who reads a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// An alarm on all of it: without dimensions.
    Alarm,
    /// An alarm for each value of its dimensions, or for some of them.
    AlarmOfEach,
    /// A panel of a dashboard.
    Dashboard,
}

/// A dimension and the values that it can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: &'static [&'static str],
}

impl Dimension {
    /// The value that stands for this one; `None` when there is none.
    pub(super) fn folded(&self, value: &str) -> Option<&'static str> {
        let known = |wanted: &str| self.values.iter().copied().find(|known| *known == wanted);
        known(value).or_else(|| known(OTHER))
    }
}

/// The vendors that are called.
const VENDOR: Dimension =
    Dimension { name: "vendor", values: &["stripe", "sendgrid", "twilio", "postmark", "fedex", "ups", "dhl"] };
/// The vendors that send webhooks.
const SENDER: Dimension =
    Dimension { name: "vendor", values: &["stripe", "sendgrid", "twilio", "postmark", "fedex", "ups"] };
/// Who carries parcels.
const CARRIER: Dimension = Dimension { name: "carrier", values: &["fedex", "ups", "dhl"] };
/// How a message goes.
const CHANNEL: Dimension = Dimension { name: "channel", values: &["email", "sms"] };
/// Currencies of which sums are shown. Sums of others have no line: a sum of several currencies means nothing.
const CURRENCY: Dimension = Dimension { name: "currency", values: &["EUR", "USD", "GBP", "CHF"] };
/// Why a card was declined, as `domain::payment::DeclineCode` folds the issuers' codes.
const DECLINE: Dimension = Dimension {
    name: "reason",
    values: &[
        "card_declined",
        "insufficient_funds",
        "expired_card",
        "incorrect_cvc",
        "processing_error",
        "authentication_required",
    ],
};
/// What became of a refund.
const REFUND: Dimension = Dimension { name: "outcome", values: &["succeeded", "failed", "canceled"] };
/// Why a call to a vendor came to nothing. What is answered, also with a no, is no failure.
const CALL_FAILURE: Dimension = Dimension { name: "outcome", values: &["throttled", "failed", "timeout"] };
/// Why an SMS failed: Twilio's codes, folded.
const SMS_FAILURE: Dimension = Dimension {
    name: "reason",
    values: &["unreachable", "number_invalid", "blocked_by_recipient", "filtered_by_carrier", "our_account", OTHER],
};
/// What came of asking a carrier for prices.
const QUOTE: Dimension = Dimension { name: "outcome", values: &["priced", "failed"] };
/// What came of asking a carrier for a label.
const LABEL: Dimension = Dimension { name: "outcome", values: &["bought", "refused", "given_up"] };
/// Where work waits. Both kinds of marketing are one.
const QUEUE: Dimension =
    Dimension { name: "queue", values: &["payments", "email", "sms", "marketing", "shipments", "inbound", "keys"] };
/// What a person has to decide on.
const SUBJECT: Dimension = Dimension { name: "subject", values: &["payment", "refund", "shipment", OTHER] };
/// What of AWS keeps our state.
const STORE: Dimension = Dimension { name: "store", values: &["table", "queue"] };
/// The functions, by their folders' names.
const FUNCTION: Dimension = Dimension {
    name: "function",
    values: &[
        "alert-notifier",
        "dead-letter-archiver",
        "email-sender",
        "event-processor",
        "fedex-webhook",
        "health",
        "health-ready",
        "mail-reporter",
        "message-initiator",
        "payment-initiator",
        "payment-worker",
        "postmark-webhook",
        "rate-quoter",
        "secret-rotator",
        "sendgrid-webhook",
        "shipment-initiator",
        "shipment-worker",
        "sms-sender",
        "stripe-webhook",
        "sweeper",
        "twilio-webhook",
        "unsubscriber",
        "ups-webhook",
    ],
};

/// All there is to know of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Its name; a unit that is not a count comes last in it.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Its dimensions, at most two.
    pub dimensions: &'static [Dimension],
    /// Whether it is also written without dimensions. One that has none is written once.
    pub also_in_all: bool,
    /// Who reads it.
    pub readers: &'static [Reader],
}

impl Spec {
    /// How many series can come of it.
    pub fn series(&self) -> usize {
        let with: usize = self.dimensions.iter().map(|dimension| dimension.values.len()).product();
        with + usize::from(self.also_in_all && !self.dimensions.is_empty())
    }
}

macro_rules! metrics {
    ($($(#[doc = $says:literal])+ $metric:ident: $name:literal $unit:ident [$($dimension:ident),*] $(and $all:ident)? for $($reader:ident)+;)+) => {
        /// A metric of ours.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric {
            $($(#[doc = $says])+ $metric,)+
        }

        impl Metric {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$metric),+];

            /// What it is.
            pub const fn spec(self) -> Spec {
                match self {
                    $(Self::$metric => Spec {
                        name: $name,
                        unit: Unit::$unit,
                        dimensions: &[$($dimension),*],
                        also_in_all: false $(|| metrics!(@ $all))?,
                        readers: &[$(Reader::$reader),+],
                    },)+
                }
            }

            /// What it means, for people.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$metric => concat!($($says),+),)+
                }
            }
        }
    };
    (@ all) => { true };
}

metrics! {
    // Payments: one outcome each, see effects/subject/payment.
    /// Payments that succeeded.
    PaymentsSucceeded: "payments_succeeded" Count [] for Alarm Dashboard;
    /// Payments that were declined and that nobody paid in another try within a quarter of an hour.
    PaymentsDeclined: "payments_declined" Count [DECLINE] and all for Alarm Dashboard;
    /// Payments of which the provider refused what we asked: nothing exists there.
    PaymentsFailed: "payments_failed" Count [] for Alarm Dashboard;
    /// From the order's payment being asked for to its success.
    PaymentSeconds: "payment_seconds" Seconds [] for Dashboard;
    /// What was paid, in minor units of its currency. An indication: exact sums come from the provider's reports.
    RevenueMinorUnits: "revenue_minor_units" None [CURRENCY] for Dashboard;
    /// What the provider kept of it, in minor units. An indication, too.
    FeesMinorUnits: "fees_minor_units" None [CURRENCY] for Dashboard;
    /// Refunds that came to an end.
    Refunds: "refunds" Count [REFUND] for Dashboard;
    /// More was refunded at the vendor than was left of the payment.
    RefundsBeyondThePayment: "refunds_beyond_the_payment" Count [] for Alarm;
    /// A payment was charged although the shop had canceled it.
    ChargedUnexpectedly: "charged_unexpectedly" Count [] for Alarm;
    /// A vendor's object says of ours what it cannot be.
    ObjectsInDoubt: "objects_in_doubt" Count [] for Alarm;

    // Webhooks.
    /// Webhooks that were verified and are in the queue.
    WebhooksReceived: "webhooks_received" Count [SENDER] and all for AlarmOfEach Dashboard;
    /// Webhooks that were refused: too large, or not signed with our secret.
    WebhooksRefused: "webhooks_refused" Count [SENDER] and all for AlarmOfEach Dashboard;
    /// Requests for a token with which UPS sends webhooks that were refused: not made with our credential.
    TokenRequestsRefused: "token_requests_refused" Count [] for Dashboard;
    /// From the vendor's time of an event to its receipt.
    WebhookLagSeconds: "webhook_lag_seconds" Seconds [] for Dashboard;
    /// From the receipt of a webhook to the end of its processing.
    WebhookProcessingSeconds: "webhook_processing_seconds" Seconds [] for Dashboard;
    /// Events that wait for their object to become known.
    EventsWaiting: "events_waiting" Count [] for Dashboard;
    /// Events of payments that others made on the same account.
    EventsOfOthers: "events_of_others" Count [] for Dashboard;
    /// Events of other deployments of ours on the same account.
    EventsOfOtherStacks: "events_of_other_stacks" Count [] for Dashboard;

    // Vendors.
    /// How long a call took. Its sample count is the number of calls.
    VendorCallMs: "vendor_call_ms" Milliseconds [VENDOR] for AlarmOfEach Dashboard;
    /// Calls that came to nothing.
    VendorCallsFailed: "vendor_calls_failed" Count [VENDOR, CALL_FAILURE] for Dashboard;
    /// Whether calls are held back, each minute: 1 when the breaker of what changes something is open or a key is refused, else 0.
    VendorShut: "vendor_shut" Count [VENDOR] and all for Alarm AlarmOfEach Dashboard;
    /// Breakers and credential switches that opened. The log line beside it names the vendor.
    BreakersOpened: "breakers_opened" Count [] for Alarm Dashboard;
    /// Breakers and credential switches that closed.
    BreakersClosed: "breakers_closed" Count [] for Dashboard;
    /// How much of what a vendor allows was used in the last minute or hour, the larger of the two, of the rate.
    QuotaUsedPercent: "quota_used_percent" Percent [VENDOR] and all for Alarm Dashboard;
    /// Calls that were put off because the quota was used up.
    QuotaDenied: "quota_denied" Count [VENDOR] and all for Alarm Dashboard;

    // Messages.
    /// Messages that their provider took.
    MessagesSent: "messages_sent" Count [CHANNEL] for Dashboard;
    /// Messages that arrived.
    MessagesDelivered: "messages_delivered" Count [CHANNEL] for AlarmOfEach Dashboard;
    /// Messages that the recipient's side refused.
    MessagesBounced: "messages_bounced" Count [CHANNEL] for AlarmOfEach Dashboard;
    /// Messages that the provider did not send on.
    MessagesDropped: "messages_dropped" Count [CHANNEL] for AlarmOfEach Dashboard;
    /// Mails that were opened, each once.
    MailsOpened: "mails_opened" Count [] for Dashboard;
    /// Mails in which a link was clicked, each once.
    MailsClicked: "mails_clicked" Count [] for Dashboard;
    /// Mails that were called spam.
    MailsComplained: "mails_complained" Count [] for Alarm Dashboard;
    /// SMS that failed, by why.
    SmsFailed: "sms_failed" Count [SMS_FAILURE] for Dashboard;
    /// SMS that were not taken: their country is not allowed, or there were too many.
    SmsWithheld: "sms_withheld" Count [] for Alarm Dashboard;
    /// Messages that a provider refused for a reason that is not the recipient's: our account, our texts, our configuration.
    MessagesRefusedForOurFault: "messages_refused_for_our_fault" Count [] for Alarm Dashboard;
    /// What messages cost, by the prices that we know, in millionths of the price list's currency.
    MessageCostMicros: "message_cost_micros" None [CHANNEL] for AlarmOfEach Dashboard;
    /// Mails of a day that SendGrid was asked for, by its own count.
    MailReportRequests: "mail_report_requests" Count [] for Dashboard;
    /// Mails of a day that arrived, by SendGrid's own count.
    MailReportDelivered: "mail_report_delivered" Count [] for Dashboard;
    /// People who unsubscribed in a day, by SendGrid's own count.
    MailReportUnsubscribed: "mail_report_unsubscribed" Count [] for Dashboard;

    // Parcels.
    /// Carriers asked for prices.
    Quotes: "quotes" Count [CARRIER, QUOTE] for Dashboard;
    /// Carriers asked for labels.
    Labels: "labels" Count [CARRIER, LABEL] for Dashboard;
    /// What a label cost, of what was quoted for it.
    LabelPriceOfQuotePercent: "label_price_of_quote_percent" Percent [CARRIER] for Dashboard;
    /// From a carrier's scan to our knowing of it.
    TrackingDelaySeconds: "tracking_delay_seconds" Seconds [CARRIER] for Dashboard;

    // The work list, each minute by the sweeper where it is no event.
    /// For how long the oldest work has been due. Zero is written, too.
    OldestDueSeconds: "oldest_due_seconds" Seconds [QUEUE] and all for Alarm Dashboard;
    /// What waits for a person now.
    WaitingForAPerson: "waiting_for_a_person" Count [SUBJECT] and all for Alarm AlarmOfEach Dashboard;
    /// Payments, refunds and labels that wait for a person now.
    UrgentWaitingForAPerson: "urgent_waiting_for_a_person" Count [] for Alarm;
    /// What began to wait for a person.
    WaitingForAPersonArrived: "waiting_for_a_person_arrived" Count [] for Alarm;
    /// Payments, refunds and labels that began to wait for a person.
    UrgentWaitingForAPersonArrived: "urgent_waiting_for_a_person_arrived" Count [] for Alarm;
    /// Calls of which nobody knew what they did.
    UnknownOpened: "unknown_opened" Count [] for Dashboard;
    /// Those of which it was found out.
    UnknownResolved: "unknown_resolved" Count [] for Dashboard;
    /// Answers that came when the claim was somebody else's.
    SettlesFenced: "settles_fenced" Count [] for Dashboard;

    // Failures.
    /// Requests answered with 5xx, records that went back to their queue, ticks that failed; panics among them.
    Failures: "failures" Count [FUNCTION] and all for Alarm Dashboard;
    /// Requests answered, records worked, ticks done, with or without success.
    Handled: "handled" Count [] for Alarm Dashboard;
    /// Panics. The log line beside it names the function.
    Panics: "panics" Count [] for Alarm;
    /// Requests to the API that were answered.
    RequestsAnswered: "requests_answered" Count [] for Alarm Dashboard;
    /// Requests to the API that took longer than five seconds.
    RequestsSlow: "requests_slow" Count [] for Alarm Dashboard;
    /// How long a request to the API took.
    RequestSeconds: "request_seconds" Seconds [] for Alarm Dashboard;
    /// A request to the table or a queue that had no answer.
    StoreUnreachable: "store_unreachable" Count [STORE] and all for Alarm;
    /// Alerts that reached nobody at the first try.
    AlertsUndelivered: "alerts_undelivered" Count [] for Alarm;
    /// How old a secret was that served on because Secrets Manager did not answer.
    SecretServedOnSeconds: "secret_served_on_seconds" Seconds [] for Dashboard;
    /// How old the oldest of the vendors' keys is that are renewed by hand.
    KeyAgeSeconds: "key_age_seconds" Seconds [] for Alarm;
}

impl Metric {
    /// Counts one occurrence, with a value for each dimension.
    pub fn count(self, now: Timestamp, of: &[&str]) {
        self.record(now, 1.0, of);
    }

    /// Writes one value, with a value for each dimension.
    pub fn record(self, now: Timestamp, value: f64, of: &[&str]) {
        emf::write(&[(self, value)], now, of);
    }
}

/// Writes one value of each of these, which have no dimensions, as one line: a log is paid for by its bytes.
pub fn together(now: Timestamp, metrics: &[(Metric, f64)]) {
    emf::write(metrics, now, &[]);
}

/// The same of metrics that have the same dimensions, with a value for each.
pub fn together_of(now: Timestamp, metrics: &[(Metric, f64)], of: &[&str]) {
    emf::write(metrics, now, of);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dimension_does_not_list_is_other_or_nothing() {
        assert_eq!(SMS_FAILURE.folded("unreachable"), Some("unreachable"));
        assert_eq!(SMS_FAILURE.folded("a new one of the carrier's"), Some(OTHER));
        assert_eq!(CURRENCY.folded("jpy"), None);
    }
}
