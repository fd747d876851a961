//! FedEx. Its specifications have tables of codes, which are not complete.

use super::Source::{Guess, Page, Report, Spec};
use super::{EVERY_OPERATION, Entry, Source, answer, events, refusal};

/// Codes of this form are in the tables; not each of those that the sandbox makes.
const BY_FORM: Source =
    Guess("named as in the specifications' tables: the last two names of the field, and what is wrong");

pub(super) const LIST: &[Entry] = &[
    answer("token", 200, Spec("fedex_authorization_v1.json")),
    answer("rates", 200, Spec("fedex_rate_quotes_v1.json")),
    answer("ship void", 200, Spec("fedex_ship_v1.json")),
    answer("track track_reference", 200, Spec("fedex_track_v1.json")),
    answer("validate_address", 200, Spec("fedex_address_validation_v1.json")),
    answer("pickup cancel_pickup", 200, Spec("fedex_pickup_v1.json")),
    refusal("track", 200, "TRACKING.TRACKINGNUMBER.NOTFOUND", Spec("fedex_track_v1.json: error of one number")),
    refusal(EVERY_OPERATION, 400, "*.REQUIRED *.INVALID *.TOO.LONG", BY_FORM),
    refusal("rates ship", 400, "*.MAXCHAREXCEEDED", Report("FedexRest issue 42; opencart pull request 701")),
    refusal("rates", 400, "ACCOUNT.NUMBER.MISMATCH", Spec("fedex_rate_quotes_v1.json")),
    refusal(
        "rates ship",
        400,
        "COUNTRY.POSTALCODE.INVALID PACKAGE.WEIGHT.EXCEEDED RECIPIENT.COUNTRY.NOTSERVED SERVICETYPE.NOT.ALLOWED \
         RECIPIENT.PERSONNAME.AND.COMPANYNAME.MISSING",
        BY_FORM,
    ),
    refusal("ship void", 400, "ACCOUNTNUMBER.REGISTRATION.REQUIRED", Spec("fedex_ship_v1.json")),
    refusal("void", 400, "TRACKINGNUMBER.ENTERED.INVALID", Spec("fedex_ship_v1.json")),
    refusal("void", 400, "SHIPMENT.ALREADY.CANCELLED", Report("tests and adapters in four public repositories")),
    refusal("void", 400, "SHIPMENT.CANCEL.NOTALLOWED", BY_FORM),
    refusal("track_reference", 400, "TRACKING.REFERENCENUMBER.NOTFOUND", Report("logs in public repositories, 2026")),
    refusal("pickup", 400, "PICKUP.REQUESTED.PREVIOUS.DAY PICKUP.POSTALCODE.MISSING", Spec("fedex_pickup_v1.json")),
    refusal("pickup cancel_pickup", 400, "PICKUP.COUNTRY.NOTSERVED", BY_FORM),
    refusal("validate_address", 400, "ADDRESSESTOVALIDATE.EXCEEDED", BY_FORM),
    refusal("track", 400, "TRACKING.TRACKINGNUMBERS.EXCEEDED", BY_FORM),
    refusal("rates ship pickup", 400, "SERVICE.NOT.AVAILABLE SHIPDATESTAMP.PAST", BY_FORM),
    refusal(EVERY_OPERATION, 400, "BAD.REQUEST.ERROR INVALID.INPUT.EXCEPTION PAYLOAD.TOO.LARGE", BY_FORM),
    refusal("cancel_pickup", 400, "PICKUP.NUMBER.EXPIRED", Spec("fedex_pickup_v1.json")),
    refusal(EVERY_OPERATION, 401, "NOT.AUTHORIZED.ERROR", Spec("fedex_authorization_v1.json")),
    refusal(EVERY_OPERATION, 403, "FORBIDDEN.ERROR", Spec("fedex_ship_v1.json")),
    refusal(EVERY_OPERATION, 404, "NOT.FOUND.ERROR", Spec("fedex_ship_v1.json")),
    refusal(
        EVERY_OPERATION,
        429,
        "TOO.MANY.REQUESTS",
        Page("developer.fedex.com on rate limits: the status, not the code"),
    ),
    refusal(EVERY_OPERATION, 500, "INTERNAL.SERVER.ERROR", Spec("fedex_ship_v1.json")),
    refusal(EVERY_OPERATION, 503, "SERVICE.UNAVAILABLE.ERROR", Spec("fedex_ship_v1.json")),
    refusal(EVERY_OPERATION, 501, "SANDBOX.NOT.SIMULATED", Source::Sandbox),
    refusal(EVERY_OPERATION, 503, "page", Guess("what stands in front of the API has no JSON")),
    refusal(EVERY_OPERATION, 500, "page", Guess("what stands in front of the API has no JSON")),
    refusal(
        EVERY_OPERATION,
        403,
        "page",
        Guess("the status is the vendor's; that it can come without JSON is believed"),
    ),
    refusal(EVERY_OPERATION, 400, "page", Guess("what stands in front of the API has no JSON")),
    refusal(EVERY_OPERATION, 409, "page", Guess("no vendor's word; a schedule gives it to every vendor")),
    events("OC PU AR OD DL DP IT ZQ", Spec("fedex_track_v1.json: eventType; ZQ stands for one that nobody knows")),
    events("DE DE/08 DE/07 RS CA", Spec("fedex_track_v1.json: eventType and exceptionCode")),
];
