//! UPS. Only Track Alert's specification has codes of errors; those of the other operations are on a page behind a login.

use super::Source::{Guess, Report, Spec};
use super::{EVERY_OPERATION, Entry, Source, answer, events, refusal};

/// The codes of UPS' own list of errors, which is not at hand.
const BELIEVED: Source = Guess("a code of UPS' list of errors, which is not at hand");

pub(super) const LIST: &[Entry] = &[
    answer("token", 200, Spec("ups_OAuthClientCredentials.yaml")),
    answer("rates", 200, Spec("ups_Rating.yaml")),
    answer("ship void recover_label", 200, Spec("ups_Shipping.yaml")),
    answer("track track_reference", 200, Spec("ups_Tracking.yaml")),
    answer("validate_address", 200, Spec("ups_AddressValidation.yaml")),
    answer("pickup cancel_pickup", 200, Spec("ups_Pickup.yaml")),
    answer("subscribe", 200, Spec("ups_UPSTrackAlert.yaml")),
    refusal(
        "subscribe",
        400,
        "VSS200 VSS210 VSS220 VSS310 VSS400 VSS500 VSS600 VSS700 VSS800 VSS930",
        Spec("ups_UPSTrackAlert.yaml: the table of errors"),
    ),
    refusal("validate_address", 400, "264002", BELIEVED),
    refusal(EVERY_OPERATION, 400, "10001 10007 10013 10400 20006 20007 20008", BELIEVED),
    refusal("rates ship", 400, "110002 110208 110209 111035 111100 111210 111285 111580", BELIEVED),
    refusal("ship", 400, "120100 120400 120701 120703 120704", BELIEVED),
    refusal("recover_label", 400, "300001 300007 300018", BELIEVED),
    refusal("void", 400, "190102 190103 190117", BELIEVED),
    refusal(
        "pickup cancel_pickup",
        400,
        "9500511 9500524 9510103 9510107 9510113 9510114 9510115 9510116 9510117",
        BELIEVED,
    ),
    refusal("track track_reference", 400, "TV0001 TV1003 TV1004", BELIEVED),
    refusal("track track_reference", 404, "TW0001", Guess("404 is in ups_Tracking.yaml, the code is not")),
    refusal(
        "track_reference recover_label",
        400,
        "9801031 9801040",
        Report(
            "a probe of production in a public repository, 2026-09: of a search by reference; of recovery see the dial",
        ),
    ),
    refusal("token", 401, "10401", BELIEVED),
    refusal(EVERY_OPERATION, 401, "250002 251004", Spec("ups_UPSTrackAlert.yaml: the table of errors")),
    refusal(EVERY_OPERATION, 404, "404", Guess("404 is in the specifications, the code is not")),
    refusal(EVERY_OPERATION, 405, "405", Guess("not in the specifications")),
    refusal(EVERY_OPERATION, 429, "10429", Guess("429 is in the specifications, the code is not")),
    refusal(EVERY_OPERATION, 500, "10004", Spec("ups_UPSTrackAlert.yaml: the table of errors")),
    refusal(EVERY_OPERATION, 503, "10004", Guess("503 is in the specifications, the code is not")),
    refusal(EVERY_OPERATION, 501, "501", Source::Sandbox),
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
    events(
        "M/MP P/PU I/AR I/OT I/PU X/48 D/FS X/RS RS/RS MV/VP Q/ZQ",
        Spec("ups_UPSTrackAlert.yaml: activityStatus; UPS' lists of codes"),
    ),
    events("token", Spec("ups_UPSTrackAlert.yaml, second version: UPS asks the receiver's token service")),
];
