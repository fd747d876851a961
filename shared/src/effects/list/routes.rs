//! Where the queues are that this function may send to.

use crate::effects::list::kind::Kind;
use crate::effects::list::queue::Queue;

/// Which queue works which kind of intent. A function knows only the queues that it may send to.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Whatever the payment provider does.
    pub payments: Option<String>,
    /// Transactional mail.
    pub email: Option<String>,
    /// Marketing mail.
    pub email_bulk: Option<String>,
    /// Transactional SMS.
    pub sms: Option<String>,
    /// Marketing SMS.
    pub sms_bulk: Option<String>,
    /// Labels, pickups, and looks where parcels are.
    pub shipments: Option<String>,
    /// Events that waited, and publications. The queue of raw webhooks is not here: only receivers may send to it.
    pub inbound_work: Option<String>,
    /// Domain events for other systems.
    pub domain_events: Option<String>,
    /// Whether a second provider sends transactional mail that the first does not bring.
    pub other_mailer: bool,
}

impl Routes {
    /// The queue of a kind, if this function knows it.
    pub fn of(&self, kind: Kind) -> Option<&str> {
        match kind.queue() {
            Queue::Payments => self.payments.as_deref(),
            Queue::Email => self.email.as_deref(),
            Queue::EmailBulk => self.email_bulk.as_deref(),
            Queue::Sms => self.sms.as_deref(),
            Queue::SmsBulk => self.sms_bulk.as_deref(),
            Queue::Shipments => self.shipments.as_deref(),
            Queue::InboundWork => self.inbound_work.as_deref(),
            Queue::Keys => None,
        }
    }
}
