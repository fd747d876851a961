//! What nobody outside of a vendor knows for certain, and what code depends on all the same: each is a dial, and the
//! schedules of the simulation turn it both ways.
//!
//! A dial that is not turned is what we believe. It is a property of the vendor, not a mishap: it stays as it is for a
//! whole run.

use crate::Vendor;
use crate::sources::Source;
use std::collections::BTreeSet;

/// How far lists lag when [`Dial::ListsLag`] is turned, in milliseconds.
pub const LIST_LAG_MS: i64 = 20_000;

/// One thing that a vendor may do or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dial {
    /// A POST that Stripe's edge answered with 503 was carried out nevertheless. Its result is kept under the key, unless
    /// [`Self::LostAnswersForgetTheirKey`] is turned, too. Not turned: it was not.
    UnavailableYetDone,
    /// No `refund.created` is sent for the refund of a charge, only `charge.refunded`.
    /// Not turned: both are.
    RefundsComeUntold,
    /// A payment intent in `processing` is not canceled.
    /// Not turned: it is.
    ProcessingIsKept,
    /// Events of one second are delivered in the opposite order.
    /// Not turned: in the order in which they came into being.
    SecondsAreTurnedRound,
    /// Stripe forgets the idempotency key of a request whose answer was lost: the same key makes a second object.
    /// Not turned: the first answer is replayed.
    LostAnswersForgetTheirKey,
    /// UPS's label recovery has codes of its own for a reference that nothing has (300007), in the usual wrapper.
    /// Not turned: those of a search by reference (9801031, 9801040), without it.
    RecoveryHasCodesOfItsOwn,
    /// FedEx refuses the ISO code of a currency for which it has one of its own, and answers with its own.
    /// Not turned: it takes both, and answers with ISO's.
    OwnCurrencyCodesOnly,
    /// FedEx packs its answers with gzip though nobody asked for it.
    /// Not turned: they are plain.
    AnswersArePacked,
    /// A mail that SendGrid's edge answered with 503 was taken nevertheless.
    /// Not turned: it was not.
    UnavailableYetTaken,
    /// SendGrid accepts a word about a batch whose mails go out within ten minutes, and sends them all the same.
    /// Not turned: it refuses it, as it refuses a second word about a batch.
    LateStopsAreAccepted,
    /// Postmark takes mails without saying so by a code: its answers have an id, and no ErrorCode.
    /// Not turned: they have both.
    TakenWithoutCode,
    /// Lists and searches show an object [`LIST_LAG_MS`] after it was made.
    /// Not turned: at once.
    ListsLag,
}

impl Dial {
    /// Every dial, with its vendor and where the doubt comes from.
    pub const ALL: [(Self, Vendor, Source); 12] = [
        (
            Self::UnavailableYetDone,
            Vendor::Stripe,
            Source::Guess("docs.stripe.com/error-low-level calls the result of any 5xx indeterminate"),
        ),
        (
            Self::RefundsComeUntold,
            Vendor::Stripe,
            Source::Page("docs.stripe.com/changelog/acacia/2024-10-28: refund.created for all refunds is new there"),
        ),
        (
            Self::ProcessingIsKept,
            Vendor::Stripe,
            Source::Spec("stripe_spec3_subset.json: PostPaymentIntentsIntentCancel, \"or, in rare cases, processing\""),
        ),
        (
            Self::SecondsAreTurnedRound,
            Vendor::Stripe,
            Source::Page("docs.stripe.com/webhooks: delivery in the order of generation is not guaranteed"),
        ),
        (
            Self::LostAnswersForgetTheirKey,
            Vendor::Stripe,
            Source::Guess("a key is kept once execution began (docs.stripe.com/api/idempotent_requests); when that is"),
        ),
        (
            Self::RecoveryHasCodesOfItsOwn,
            Vendor::Ups,
            Source::Guess(
                "a code of UPS' list of errors, which is not at hand; of a search by reference others were seen",
            ),
        ),
        (
            Self::OwnCurrencyCodesOnly,
            Vendor::FedEx,
            Source::Report(
                "FedEx's guide of 2014, appendix F, as Odoo quotes it; nopCommerce issue 2105; of the REST API unsaid",
            ),
        ),
        (
            Self::AnswersArePacked,
            Vendor::FedEx,
            Source::Report("php-curl-class/php-curl-class issue 740: errors in gzip that nobody asked for"),
        ),
        (
            Self::UnavailableYetTaken,
            Vendor::SendGrid,
            Source::Guess("503 is neither in sendgrid_mail_v3.json nor on the vendor's page of errors"),
        ),
        (
            Self::LateStopsAreAccepted,
            Vendor::SendGrid,
            Source::Page(
                "twilio.com/docs/sendgrid/api-reference/cancel-scheduled-sends: not later than ten minutes before; how it is \
                 told is unsaid, and the specification says: not guaranteed",
            ),
        ),
        (
            Self::TakenWithoutCode,
            Vendor::Postmark,
            Source::Report("anymail/django-anymail #392: accepted without an ErrorCode while in trouble"),
        ),
        (
            Self::ListsLag,
            Vendor::Stripe,
            Source::Guess("only of search it is said that it lags (docs.stripe.com/search); of lists nothing is said"),
        ),
    ];
}

/// Which dials are turned.
#[derive(Clone, Debug, Default)]
pub struct Dials {
    turned: BTreeSet<Dial>,
}

impl Dials {
    /// From now on the vendor does what this dial says.
    pub fn turn(&mut self, dial: Dial) {
        self.turned.insert(dial);
    }

    /// Whether a dial is turned.
    pub fn is_turned(&self, dial: Dial) -> bool {
        self.turned.contains(&dial)
    }
}
