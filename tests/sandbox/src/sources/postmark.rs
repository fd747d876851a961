//! Postmark. Its codes are on one page, the statuses beside them.

use super::Source::{Guess, Page, Report};
use super::{EVERY_OPERATION, Entry, Source, answer, events, refusal};

const CODES: Source = Page("postmarkapp.com/developer/api/overview: error codes");

pub(super) const LIST: &[Entry] = &[
    refusal("email email_batch", 200, "0", Page("postmarkapp.com/developer/api/email-api")),
    answer("email email_batch", 200, Report("anymail/django-anymail #392: accepted without an ErrorCode")),
    refusal(
        "email_batch",
        200,
        "300 406",
        Page("postmarkapp.com/developer/api/email-api: a batch is 200 whatever fails"),
    ),
    refusal("email email_batch", 422, "300 400 401 402 403 405 406 409 410 412", CODES),
    refusal(EVERY_OPERATION, 401, "10", CODES),
    refusal(EVERY_OPERATION, 413, "413", Guess("the status is on the page, the code that goes with it is not")),
    refusal(EVERY_OPERATION, 429, "429", CODES),
    refusal(EVERY_OPERATION, 500, "0", Guess("the status is on the page, the body is not")),
    refusal(EVERY_OPERATION, 503, "0 100", Guess("100 is maintenance on the page; 0 is believed")),
    refusal("unknown", 404, "404", Guess("the status is on the page, the body is not")),
    refusal(EVERY_OPERATION, 503, "page", Report("postmarkapp.com/support: HTML of a layer in front, said of 403")),
    refusal(EVERY_OPERATION, 500, "page", Report("postmarkapp.com/support: HTML of a layer in front, said of 403")),
    refusal(
        EVERY_OPERATION,
        403,
        "page",
        Guess("the status is the vendor's; that it can come without JSON is believed"),
    ),
    refusal(EVERY_OPERATION, 400, "page", Guess("what stands in front of the API has no JSON")),
    refusal(EVERY_OPERATION, 409, "page", Guess("no vendor's word; a schedule gives it to every vendor")),
    events(
        "Delivery Open Click SpamComplaint SubscriptionChange",
        Page("postmarkapp.com/developer/webhooks/webhooks-overview"),
    ),
    events(
        "Bounce/HardBounce Bounce/SoftBounce Bounce/Transient Bounce/Blocked",
        Page("postmarkapp.com/developer/api/bounce-api: bounce types"),
    ),
];
