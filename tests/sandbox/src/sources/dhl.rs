//! DHL Express. Its errors have no codes: what stands for one here is the title.

use super::Source::{Guess, Spec};
use super::{EVERY_OPERATION, Entry, Source, answer, refusal};

const SPEC: Source = Spec("dhl_express_mydhl_3.1.1.yaml");

pub(super) const LIST: &[Entry] = &[
    answer("rates track validate_address cancel_pickup", 200, SPEC),
    answer("ship pickup", 201, SPEC),
    refusal(EVERY_OPERATION, 400, "Bad_request Missing_parameters", SPEC),
    refusal(EVERY_OPERATION, 422, "Validation_error", SPEC),
    refusal(EVERY_OPERATION, 404, "Not_data_found", SPEC),
    refusal(EVERY_OPERATION, 401, "Unauthorized", Guess("not in the specification")),
    refusal(EVERY_OPERATION, 429, "Too_Many_Requests", Guess("not in the specification")),
    refusal(EVERY_OPERATION, 500, "Internal_Server_Error", SPEC),
    refusal(EVERY_OPERATION, 503, "Internal_Server_Error", Guess("not in the specification")),
    refusal(EVERY_OPERATION, 501, "Not_implemented", Source::Sandbox),
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
];
