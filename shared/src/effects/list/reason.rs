//! Why something was refused, was not done, or was given up: one list of the stable codes, so that whoever adds one is shown
//! each place that decides by them. Items and answers hold the code; [`Reason::Other`] keeps one that an operator or a newer
//! version wrote, unchanged.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// Why something was refused, was not done, or was given up.
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum Reason {
            $($(#[$doc])* $name,)*
            /// A code by which nothing is decided: an operator's, a newer version's, or one of a single kind of object.
            Other(String),
        }

        impl Reason {
            /// Every reason that we give ourselves.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code of one that we give ourselves; none for any other.
            pub const fn known(&self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($code),)*
                    Self::Other(_) => None,
                }
            }

            fn of_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

reasons! {
    // We made no call, or will not.
    /// A breaker is open, or a quota is used up: we did not make the call.
    HeldBack = "held_back",
    /// Nobody wants it any more.
    Canceled = "canceled",
    /// The recipient does not want the message, or cannot get it.
    Suppressed = "suppressed",
    /// Others of the same call were refused, and with them this one.
    OthersRefused = "others_refused",
    /// The deadline of the request is over, and the carrier has not answered.
    Deadline = "deadline",
    /// The time for it is over.
    BudgetOver = "budget_over",
    /// Workers took it again and again, and none has settled it.
    ClaimedTooOften = "claimed_too_often",

    // What we hold cannot be sent.
    /// The intent has no request to send.
    NothingToSend = "nothing_to_send",
    /// The recipient's address is no longer here.
    NoAddress = "no_address",
    /// A marketing mail has to name the sender's postal address, and none is configured.
    PostalAddressMissing = "postal_address_missing",
    /// The provider may not be used for marketing.
    NotForMarketing = "not_for_marketing",
    /// The mail could not be written.
    UnwritableMail = "unwritable_mail",
    /// The SMS could not be written.
    UnwritableSms = "unwritable_sms",
    /// The stored consignment cannot be read.
    ConsignmentUnreadable = "consignment_unreadable",
    /// The stored pickup request cannot be read.
    WishUnreadable = "wish_unreadable",
    /// An intent of this kind does not go to a carrier.
    NotForCarriers = "not_for_carriers",

    // What a vendor answers.
    /// The vendor asks for fewer calls.
    Throttled = "throttled",
    /// The vendor cannot be asked now.
    VendorUnavailable = "vendor_unavailable",
    /// The vendor does not accept our key or account.
    VendorCredentials = "vendor_credentials",
    /// The vendor's answer cannot be read.
    VendorUnreadable = "vendor_unreadable",
    /// The vendor refuses, and for no reason that we tell apart.
    VendorRefused = "vendor_refused",
    /// The vendor does not do it yet, and keeps refusing under the same key: later, as another request, it may.
    TooEarly = "too_early",
    /// The vendor's object belongs to another object of ours.
    VendorObjectTaken = "vendor_object_taken",
    /// The vendor does not know the object.
    VendorObjectUnknown = "vendor_object_unknown",
    /// What it may have made cannot be found among so many objects.
    TooManyToSearch = "too_many_objects_to_search",

    // Payments.
    /// The card was declined.
    CardDeclined = "card_declined",
    /// The payment method cannot be used here.
    PaymentMethodUnusable = "payment_method_unusable",
    /// The payment has succeeded already.
    PaymentAlreadySucceeded = "payment_already_succeeded",
    /// The provider does not cancel the payment.
    CancelRefused = "cancel_refused",
    /// The provider does not make the refund.
    RefundRefused = "refund_refused",
    /// The provider does not accept the customer.
    CustomerRefused = "customer_refused",
    /// The provider does not know the customer any more.
    CustomerMissing = "customer_missing",
    /// The provider does not tell yet what the payment cost.
    NotSettledYet = "not_settled_yet",
    /// The provider has nothing to tell of what the payment cost.
    NoSettlement = "no_settlement",

    // Messages.
    /// The recipient has opted out at the provider.
    OptedOut = "opted_out",
    /// The provider does not accept the address.
    InvalidAddress = "invalid_address",
    /// No SMS reaches the number.
    NumberUnreachable = "number_unreachable",
    /// The provider has told of no event, so nobody knows whether it was sent.
    NoEventOfProvider = "no_event_of_the_provider",
    /// The provider does not tell yet how the message ended.
    NotFinalYet = "not_final_yet",
    /// The provider has never told how the message ended.
    NoFinalStatus = "no_final_status",

    // Parcels.
    /// The parcel has not arrived: it is looked at again.
    OnItsWay = "on_its_way",
    /// The carrier tells of the parcel, and is asked again before that ends.
    RenewedLater = "renewed_later",
    /// The carrier does not know the parcel yet.
    NotKnownYet = "not_known_yet",
    /// The label was bought and is lost, and the carrier does not take it back.
    LabelLost = "label_lost",
    /// The carrier does not accept one of the addresses.
    CarrierAddress = "carrier_address",
    /// The carrier does not take such parcels.
    CarrierParcel = "carrier_parcel",
    /// The carrier does not offer the service between these places.
    CarrierService = "carrier_service",
    /// The carrier needs other customs data.
    CarrierCustoms = "carrier_customs",
    /// The carrier does not come, or take parcels, at this time.
    CarrierTime = "carrier_time",
    /// The carrier does not know the number.
    CarrierNotFound = "carrier_not_found",
    /// It is too late: the parcel is on its way, or it was done before.
    CarrierTooLate = "carrier_too_late",
    /// The carrier refuses, and for no reason that we tell apart.
    CarrierRefused = "carrier_refused",
}

impl Reason {
    /// The stable code in items, answers and logs.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(code) => code,
            known => known.known().unwrap_or_default(),
        }
    }

    /// Whether it is a carrier's final no.
    pub const fn is_of_carrier(&self) -> bool {
        matches!(
            self,
            Self::CarrierAddress
                | Self::CarrierParcel
                | Self::CarrierService
                | Self::CarrierCustoms
                | Self::CarrierTime
                | Self::CarrierNotFound
                | Self::CarrierTooLate
                | Self::CarrierRefused
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for Reason {
    fn from(code: String) -> Self {
        Self::of_code(&code).unwrap_or(Self::Other(code))
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Other(code) => code,
            known => known.as_str().to_owned(),
        }
    }
}

impl FromStr for Reason {
    type Err = Infallible;

    fn from_str(code: &str) -> Result<Self, Infallible> {
        Ok(Self::from(code.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;

    #[test]
    fn each_code_is_read_as_it_is_written() {
        let mut codes: Vec<&str> = Vec::new();
        for reason in Reason::ALL {
            let stored = serde_json::to_value(reason).unwrap();
            assert_eq!(stored, reason.as_str());
            assert_eq!(serde_json::from_value::<Reason>(stored).unwrap(), *reason);
            assert_eq!(reason.is_of_carrier(), reason.as_str().starts_with("carrier_"), "{reason}");
            codes.push(reason.as_str());
        }
        codes.sort_unstable();
        let count = codes.len();
        codes.dedup();
        assert_eq!(codes.len(), count, "two reasons have one code");
    }

    #[test]
    fn a_code_of_somebody_else_stays_as_it_is() {
        let fraud: Reason = serde_json::from_str("\"fraud\"").unwrap();
        assert_eq!((fraud.clone(), fraud.known()), (Reason::Other("fraud".to_owned()), None));
        assert_eq!(serde_json::to_string(&fraud).unwrap(), "\"fraud\"");
    }
}
