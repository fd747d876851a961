//! Twilio.

use super::Source::{Guess, Page, Report, Spec};
use super::{EVERY_OPERATION, Entry, Source, answer, events, refusal};

const CODES: Source = Page("twilio.com/docs/api/errors (copy: men232/twilio-error-codes)");

pub(super) const LIST: &[Entry] = &[
    answer("create_message", 201, Spec("twilio_api_v2010.json: CreateMessage")),
    answer("retrieve_message list_messages", 200, Spec("twilio_api_v2010.json: Fetch-, ListMessage")),
    refusal(
        "create_message",
        400,
        "21211 21212 21408 21602 21603 21604 21606 21609 21610 21611 21612 21614 21617 21624 21705",
        CODES,
    ),
    refusal("list_messages", 400, "20001", CODES),
    refusal(EVERY_OPERATION, 401, "20003", CODES),
    refusal(EVERY_OPERATION, 404, "20404", CODES),
    refusal(EVERY_OPERATION, 405, "20004", CODES),
    refusal(EVERY_OPERATION, 429, "20429", CODES),
    refusal(EVERY_OPERATION, 500, "20500", CODES),
    refusal(EVERY_OPERATION, 503, "20503", CODES),
    refusal(EVERY_OPERATION, 501, "20001", Source::Sandbox),
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
    events("queued sending sent delivered received", Spec("twilio_api_v2010.json: message_enum_status")),
    events(
        "failed/21610 failed/30001 failed/30002 undelivered/30003 undelivered/30005 undelivered/30006 undelivered/30007 undelivered/30008",
        CODES,
    ),
    events("received/STOP received/START received/HELP", Page("twilio.com/docs on Advanced Opt-Out: OptOutType")),
    events("failed undelivered", Report("men232/twilio-error-codes: a code is not always there")),
];
