//! The carriers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Who carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// FedEx.
    Fedex,
    /// UPS.
    Ups,
    /// DHL Express.
    Dhl,
}

impl Carrier {
    /// Every carrier.
    pub const ALL: [Self; 3] = [Self::Fedex, Self::Ups, Self::Dhl];

    /// The name in JSON, URLs and items.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fedex => "fedex",
            Self::Ups => "ups",
            Self::Dhl => "dhl",
        }
    }

    /// The carrier of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|carrier| carrier.as_str() == name)
    }
}

impl Carrier {
    /// What people call it.
    pub const fn display(self) -> &'static str {
        match self {
            Self::Fedex => "FedEx",
            Self::Ups => "UPS",
            Self::Dhl => "DHL",
        }
    }

    /// Where a shopper follows a parcel: each carrier's public page.
    pub fn tracking_url(self, tracking_number: &str) -> String {
        let page = match self {
            Self::Fedex => "https://www.fedex.com/fedextrack/?trknbr=",
            Self::Ups => "https://www.ups.com/track?tracknum=",
            Self::Dhl => "https://www.dhl.com/global-en/home/tracking.html?tracking-id=",
        };
        let number: String = form_urlencoded::byte_serialize(tracking_number.as_bytes()).collect();
        format!("{page}{number}")
    }

    /// Whether it tells of scans only for numbers that it was asked to (UPS Track Alert).
    pub const fn wants_subscriptions(self) -> bool {
        matches!(self, Self::Ups)
    }

    /// How often we look ourselves where a parcel is. DHL Express tells nothing unasked; of the others we only check what
    /// they told, or did not.
    pub const fn look_every(self) -> Duration {
        match self {
            Self::Dhl => Duration::from_secs(2 * 3_600),
            Self::Fedex | Self::Ups => Duration::from_secs(12 * 3_600),
        }
    }
}
