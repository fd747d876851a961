//! How urgent an alert is.

use serde::{Deserialize, Serialize};

/// How urgent an alert is. Each has an SNS topic whose name ends with its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody gets up.
    Critical,
    /// Somebody looks today.
    Warning,
    /// Somebody may want to know.
    Info,
}

impl Severity {
    /// All, the most urgent first.
    pub const ALL: [Self; 3] = [Self::Critical, Self::Warning, Self::Info];

    /// The name in topics, items and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// The name in a message.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Critical => "Critical",
            Self::Warning => "Warning",
            Self::Info => "Info",
        }
    }

    /// What a message begins with.
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Critical => "🚨",
            Self::Warning => "⚠️",
            Self::Info => "ℹ️",
        }
    }

    /// The severity of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == name)
    }

    /// The severity of what comes over this topic. A topic that we do not know counts as a warning: it is told, and wakes nobody.
    pub fn of_topic(arn: &str) -> Self {
        let name = arn.rsplit([':', '-']).next().unwrap_or_default();
        Self::parse(name).unwrap_or(Self::Warning)
    }
}

#[cfg(test)]
mod tests {
    use super::Severity;

    #[test]
    fn the_topic_says_how_urgent_it_is() {
        let of = |name: &str| Severity::of_topic(&format!("arn:aws:sns:eu-central-1:123:{name}"));
        assert_eq!(of("crossdock-critical"), Severity::Critical);
        assert_eq!(of("shop-info-info"), Severity::Info);
        assert_eq!(of("crossdock-criticals"), Severity::Warning);
        assert_eq!(Severity::of_topic(""), Severity::Warning);
    }
}
