//! The queues whose workers look at intents.

/// A queue of nudges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Whatever the payment provider does.
    Payments,
    /// Transactional mail.
    Email,
    /// Marketing mail.
    EmailBulk,
    /// Transactional SMS.
    Sms,
    /// Marketing SMS.
    SmsBulk,
    /// Whatever carriers do.
    Shipments,
    /// Events that waited and can be matched now, and publications. It carries ids only.
    InboundWork,
    /// No queue: a rotator looks for what it has to do by itself, on its schedule.
    Keys,
}

impl Queue {
    /// Every queue.
    pub(crate) const ALL: [Self; 8] = [
        Self::Payments,
        Self::Email,
        Self::EmailBulk,
        Self::Sms,
        Self::SmsBulk,
        Self::Shipments,
        Self::InboundWork,
        Self::Keys,
    ];

    /// The name in metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Payments => "payments",
            Self::Email => "email",
            Self::Sms => "sms",
            Self::EmailBulk | Self::SmsBulk => "marketing",
            Self::Shipments => "shipments",
            Self::InboundWork => "inbound",
            Self::Keys => "keys",
        }
    }

    /// What its workers do in a minute: concurrency × 60 s ÷ the time of one call of a second or two; for mail the
    /// vendor's quota of 10,000 an hour is less.
    pub(crate) const fn per_minute(self) -> usize {
        match self {
            Self::Payments => 300,
            Self::Email => 160,
            // 100,000 a day.
            Self::EmailBulk => 70,
            // Five at once, of which each carrier answers in one to ten seconds.
            Self::Shipments => 60,
            Self::Sms | Self::SmsBulk | Self::InboundWork => 3_000,
            Self::Keys => 1,
        }
    }
}
