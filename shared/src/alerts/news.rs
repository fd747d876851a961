//! What came over a topic: an alarm of CloudWatch's, an event of EventBridge's, or words of a person.

use serde::Deserialize;

use super::inert::{TEXT_MAX_CHARS, TITLE_MAX_CHARS, inert};
use super::message::Next;
use super::severity::Severity;
use crate::domain::Timestamp;

/// One message as SNS delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// SNS's id of the message: the same however often it is delivered.
    pub message_id: String,
    /// The topic that it came over.
    pub topic_arn: String,
    /// The subject, where there is one.
    pub subject: Option<String>,
    /// The message.
    pub message: String,
    /// When it was published.
    pub sent_at: Timestamp,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// An alarm changed.
    Alarm(Alarm),
    /// Something is told once.
    Notice(Notice),
    /// Nothing to tell: an alarm that has too little data says neither yes nor no.
    Nothing,
}

/// An alarm's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Its name, which no other alarm of the account has.
    pub name: String,
    /// The topic's.
    pub severity: Severity,
    /// Whether it is in alarm now.
    pub is_open: bool,
    /// When it changed.
    pub changed_at: Timestamp,
    /// What it means.
    pub text: String,
    /// What CloudWatch saw.
    pub reason: String,
    /// Where to read on, and the command to run next.
    pub next: Next,
}

/// What is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// SNS's id of the message.
    pub id: String,
    /// How urgent it is.
    pub severity: Severity,
    /// What it is about.
    pub title: String,
    /// What there is to say.
    pub text: String,
    /// When it was.
    pub at: Timestamp,
    /// Whether it only tests the way.
    pub is_test: bool,
}

/// CloudWatch's notification.
/// (docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html)
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CloudWatch {
    alarm_name: String,
    #[serde(default)]
    alarm_description: Option<String>,
    new_state_value: String,
    #[serde(default)]
    new_state_reason: String,
    #[serde(default)]
    state_change_time: String,
}

/// EventBridge's envelope. (docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html)
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "detail-type")]
    detail_type: String,
    source: String,
    #[serde(default)]
    time: String,
    #[serde(default)]
    detail: serde_json::Value,
}

/// What `cargo crossdock alert` publishes.
#[derive(Deserialize)]
struct Words {
    crossdock_alert: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    is_test: bool,
}

impl News {
    /// Reads a delivery. What is nothing that we know is told as it is. `runbook_base` is where runbooks are.
    pub fn of(delivery: &Delivery, runbook_base: &str) -> Self {
        let severity = Severity::of_topic(&delivery.topic_arn);
        if let Ok(alarm) = serde_json::from_str::<CloudWatch>(&delivery.message) {
            return of_cloudwatch(alarm, severity, delivery.sent_at, runbook_base);
        }
        let notice = |title: &str, text: &str, at, is_test| {
            Self::Notice(Notice {
                id: delivery.message_id.clone(),
                severity,
                title: inert(title, TITLE_MAX_CHARS),
                text: inert(text, TEXT_MAX_CHARS),
                at,
                is_test,
            })
        };
        if let Ok(event) = serde_json::from_str::<Event>(&delivery.message) {
            let at = Timestamp::parse_rfc3339(&event.time).unwrap_or(delivery.sent_at);
            let (title, text) = said_by(&event);
            return notice(&title, &text, at, false);
        }
        if let Ok(words) = serde_json::from_str::<Words>(&delivery.message) {
            return notice(&words.crossdock_alert, &words.text, delivery.sent_at, words.is_test);
        }
        notice(delivery.subject.as_deref().unwrap_or("A message"), &delivery.message, delivery.sent_at, false)
    }
}

fn of_cloudwatch(alarm: CloudWatch, severity: Severity, sent_at: Timestamp, runbook_base: &str) -> News {
    let is_open = match alarm.new_state_value.as_str() {
        "ALARM" => true,
        "OK" => false,
        _ => return News::Nothing,
    };
    let description = alarm.alarm_description.unwrap_or_default();
    let (text, next) = Next::in_description(&description, runbook_base);
    News::Alarm(Alarm {
        name: alarm.alarm_name,
        severity,
        is_open,
        changed_at: time_of(&alarm.state_change_time).unwrap_or(sent_at),
        text: inert(text, TEXT_MAX_CHARS),
        reason: inert(&alarm.new_state_reason, TEXT_MAX_CHARS),
        next,
    })
}

/// CloudWatch's time, which has an offset without a colon: `2026-01-31T09:00:00.000+0000`.
fn time_of(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| {
        let cut = text.len().checked_sub(2)?;
        let (before, after) = (text.get(..cut)?, text.get(cut..)?);
        Timestamp::parse_rfc3339(&format!("{before}:{after}"))
    })
}

/// What an event says: how a deployment goes, or its type.
fn said_by(event: &Event) -> (String, String) {
    let detail = |path: &str| event.detail.pointer(path).and_then(|value| value.as_str()).unwrap_or_default();
    if event.source == "aws.cloudformation" {
        let status = detail("/status-details/status");
        let title = match status {
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" => "A deployment has begun",
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => "A deployment is complete",
            "UPDATE_ROLLBACK_IN_PROGRESS" | "ROLLBACK_IN_PROGRESS" => "A deployment has failed and is rolled back",
            "UPDATE_ROLLBACK_COMPLETE" | "ROLLBACK_COMPLETE" => "A deployment was rolled back",
            "UPDATE_ROLLBACK_FAILED" | "ROLLBACK_FAILED" => {
                "A deployment is stuck half-way: neither the old nor the new version is whole"
            }
            "DELETE_IN_PROGRESS" => "The stack is being deleted",
            _ => "The stack has changed",
        };
        let reason = detail("/status-details/status-reason");
        let text = if reason.is_empty() { status.to_owned() } else { format!("{status}: {reason}") };
        return (title.to_owned(), text);
    }
    (event.detail_type.clone(), format!("An event of {}.", event.source))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://example.com/runbooks";

    fn delivery(message: &str) -> Delivery {
        Delivery {
            message_id: "m-1".to_owned(),
            topic_arn: "arn:aws:sns:eu-central-1:123:crossdock-critical".to_owned(),
            subject: None,
            message: message.to_owned(),
            sent_at: Timestamp::from_ms(5_000),
        }
    }

    #[test]
    fn an_alarm_is_read_with_its_command_and_its_page() {
        let message = serde_json::json!({
            "AlarmName": "crossdock-payments-dead-letters",
            "AlarmDescription": "Messages are dead.\nNext: cargo crossdock dlq list\nRunbook: https://example.com/runbooks/dead-letters.md",
            "NewStateValue": "ALARM",
            "NewStateReason": "Threshold <!here> crossed",
            "StateChangeTime": "2026-01-31T09:00:00.123+0000",
        });
        let News::Alarm(alarm) = News::of(&delivery(&message.to_string()), BASE) else { unreachable!("an alarm") };
        assert!(alarm.is_open);
        assert_eq!(alarm.severity, Severity::Critical);
        assert_eq!(alarm.changed_at.to_rfc3339(), "2026-01-31T09:00:00.123Z");
        assert_eq!(alarm.text, "Messages are dead.");
        assert_eq!(alarm.reason, "Threshold ‹!here› crossed");
        assert_eq!(alarm.next.command.as_deref(), Some("cargo crossdock dlq list"));
        assert_eq!(alarm.next.runbook.as_deref(), Some("https://example.com/runbooks/dead-letters.md"));
    }

    #[test]
    fn a_page_elsewhere_and_a_command_that_is_none_of_ours_are_not_passed_on() {
        for description in [
            "x\nRunbook: https://evil.example/runbooks/a.md\nNext: rm -rf /",
            "x\nRunbook: https://example.com/runbooks.evil.example/a.md\nNext: cargo crossdock `id`",
            "x\nRunbook: https://example.com/runbooks/a.md|click>\nNext: cargo crossdock alert; id",
        ] {
            let (text, next) = Next::in_description(description, BASE);
            assert_eq!((text, next), ("x", Next::default()));
        }
    }

    #[test]
    fn an_event_of_a_deployment_says_how_it_goes() {
        let message = serde_json::json!({
            "detail-type": "CloudFormation Stack Status Change",
            "source": "aws.cloudformation",
            "time": "2026-01-31T09:00:00Z",
            "detail": { "status-details": { "status": "UPDATE_ROLLBACK_COMPLETE", "status-reason": "<https://x|y>" } },
        });
        let News::Notice(notice) = News::of(&delivery(&message.to_string()), BASE) else { unreachable!("a notice") };
        assert_eq!(notice.title, "A deployment was rolled back");
        assert_eq!(notice.text, "UPDATE_ROLLBACK_COMPLETE: ‹https[:]//x|y›");
    }

    #[test]
    fn what_is_unknown_is_told_as_it_is_and_too_little_data_is_nothing() {
        let News::Notice(notice) = News::of(&delivery("the <!channel> is down"), BASE) else {
            unreachable!("a notice")
        };
        assert_eq!((notice.title.as_str(), notice.text.as_str()), ("A message", "the ‹!channel› is down"));
        let unsure = r#"{"AlarmName":"a","NewStateValue":"INSUFFICIENT_DATA"}"#;
        assert_eq!(News::of(&delivery(unsure), BASE), News::Nothing);
    }
}
