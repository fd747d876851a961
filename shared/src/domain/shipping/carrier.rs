//! The carriers.

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
