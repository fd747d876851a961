//! Having parcels fetched (POST /api/pickupcreation/{version}/pickup, DELETE /api/shipments/{version}/pickup/{CancelBy}).

use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::wire::{self, VERSION, company_or_name, phone, postal_code};
use crate::domain::shipping::{PickupRequest, Territory};
use crate::vendors::lenient::cut;

/// The header with the number of a pickup that is taken back.
pub(super) const NUMBER_HEADER: &str = "Prn";

/// Characters of fields, by the specification.
const COMPANY_CHARS: usize = 27;
const CONTACT_CHARS: usize = 22;
const LINE_CHARS: usize = 73;
const CITY_CHARS: usize = 50;
const POSTAL_CHARS: usize = 8;
/// Pieces of one service in one pickup.
const PIECES_MAX: u32 = 999;
/// Above this a parcel counts as overweight: 70 lb in the United States, 32 kg elsewhere. (UPS Pickup API,
/// `OverweightIndicator`.)
const OVERWEIGHT_LB_MG: u64 = 31_751_465;
const OVERWEIGHT_KG_MG: u64 = 32_000_000;

const DAY: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]");
const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour][minute]");

/// Where pickups are ordered.
pub(super) fn path() -> String {
    format!("/api/pickupcreation/{VERSION}/pickup")
}

/// Where one is taken back by its number.
pub(super) fn cancel_path() -> String {
    format!("/api/shipments/{VERSION}/pickup/02")
}

/// The order as UPS prints it; `None` where the place does not fit into its one line.
pub(super) fn printed(pickup: &PickupRequest) -> Option<PickupRequest> {
    let party = pickup.party.printed(LINE_CHARS, CITY_CHARS)?;
    let lines: Vec<&str> = party.address.street_lines.iter().map(|line| line.expose().as_str()).collect();
    let fits = lines.join(", ").len() <= LINE_CHARS;
    fits.then(|| PickupRequest { party, ..pickup.clone() })
}

/// The times by the clock at the place.
pub(super) struct Hours {
    day: String,
    ready: String,
    close: String,
}

/// When the driver may come; `None` for a time that no calendar has.
pub(super) fn hours(pickup: &PickupRequest) -> Option<Hours> {
    let (ready, close) = (pickup.local(pickup.ready)?, pickup.local(pickup.close)?);
    Some(Hours { day: ready.format(DAY).ok()?, ready: ready.format(TIME).ok()?, close: close.format(TIME).ok()? })
}

/// The order.
pub(super) fn request(pickup: &PickupRequest, hours: &Hours, account: &str) -> Value {
    let (party, at) = (&pickup.party, &pickup.party.address);
    let lines: Vec<&str> = at.street_lines.iter().map(|line| line.expose().as_str()).collect();
    let overweight_mg = if wire::is_imperial(at) { OVERWEIGHT_LB_MG } else { OVERWEIGHT_KG_MG };
    let yes_no = |yes: bool| if yes { "Y" } else { "N" };
    wire::sparse(json!({ "PickupCreationRequest": {
        "Request": {},
        "RatePickupIndicator": "N",
        "Shipper": { "Account": { "AccountNumber": account, "AccountCountryCode": wire::country_code(at) } },
        "PickupDateInfo": {
            "CloseTime": hours.close,
            "ReadyTime": hours.ready,
            "PickupDate": hours.day,
        },
        "PickupAddress": {
            "CompanyName": company_or_name(party, COMPANY_CHARS),
            "ContactName": cut(party.name.expose(), CONTACT_CHARS),
            // One line only is taken.
            "AddressLine": [cut(&lines.join(", "), LINE_CHARS)],
            "City": cut(at.city.expose(), CITY_CHARS),
            "StateProvince": at.state,
            "PostalCode": postal_code(at, POSTAL_CHARS),
            "CountryCode": wire::country_code(at),
            "ResidentialIndicator": yes_no(at.residential == Some(true)),
            "Phone": { "Number": phone(party) },
        },
        // The address need not be the account's.
        "AlternateAddressIndicator": "Y",
        "PickupPiece": [{
            "ServiceCode": service(pickup),
            "Quantity": pickup.parcels.clamp(1, PIECES_MAX).to_string(),
            "DestinationCountryCode": pickup.destination_country,
            "ContainerCode": "01",
        }],
        "OverweightIndicator": yes_no(pickup.heaviest_mg() > overweight_mg),
        // By the shipper's account.
        "PaymentMethod": "01",
    } }))
}

/// The service that the driver comes for; parcels of others are taken along. (UPS Pickup API, appendix "Service Codes".)
fn service(pickup: &PickupRequest) -> String {
    let (from, to) = (&pickup.party.address, pickup.destination_country.as_str());
    let told = pickup.service.as_deref().filter(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_digit()));
    let usual = match (wire::is_imperial(from), Territory::of(from).code == to) {
        // Ground, and Worldwide Express.
        (true, true) => "03",
        (true, false) => "07",
        // Standard, which goes through Europe and within every country that has it.
        (false, _) => "11",
    };
    format!("0{}", told.unwrap_or(usual))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PickupResponse {
    pickup_creation_response: PickupCreationResponse,
}

#[derive(Deserialize)]
struct PickupCreationResponse {
    #[serde(rename = "PRN")]
    number: String,
}

/// The pickup's number.
pub(super) fn read(body: &[u8]) -> Option<String> {
    let answer: PickupResponse = serde_json::from_slice(body).ok()?;
    Some(answer.pickup_creation_response.number).filter(|number| !number.is_empty())
}
