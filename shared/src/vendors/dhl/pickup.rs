//! Having parcels fetched (POST /pickups, DELETE /pickups/{n}).

use form_urlencoded::Serializer;
use serde::{Deserialize, Serialize};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::wire::{self, Account, Customer, Package};
use crate::domain::shipping::{PickupRequest, Territory};
use crate::vendors::lenient;

/// Where pickups are ordered.
pub(super) const PATH: &str = "/pickups";
/// Parcels of one pickup.
const PARCELS_MAX: u32 = 999;

const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");

/// Where one is taken back. DHL wants a name and a reason.
pub(super) fn cancel_path(number: &str, pickup: &PickupRequest) -> String {
    let party = &pickup.party;
    let query = Serializer::new(String::new())
        .append_pair("requestorName", party.company.as_ref().unwrap_or(&party.name).expose())
        .append_pair("reason", "not needed")
        .finish();
    format!("{PATH}/{}?{query}", super::encoded(number))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    planned_pickup_date_and_time: String,
    close_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_type: Option<&'static str>,
    accounts: [Account<'a>; 1],
    customer_details: Customers,
    shipment_details: [Shipment<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Customers {
    shipper_details: Customer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shipment<'a> {
    product_code: &'a str,
    is_customs_declarable: bool,
    unit_of_measurement: &'static str,
    packages: Vec<Package>,
}

/// The order, by the clock at the place; `None` without a telephone number or at a time that no calendar has.
pub(super) fn request(pickup: &PickupRequest, account: &str) -> Option<Vec<u8>> {
    let (ready, close) = (pickup.local(pickup.ready)?, pickup.local(pickup.close)?);
    let (from, to) = (Territory::of(&pickup.party.address), Territory::of_country(&pickup.destination_country));
    // Parcels that stay in the country are the most: to itself, wherever in it the place is.
    let is_home = from.code == to.code || pickup.party.address.country == to.code;
    let is_customs_declarable = !is_home && !from.shares_customs_with(to);
    let parcels = pickup.parcels.clamp(1, PARCELS_MAX);
    let each = wire::grams(pickup.weight_mg().div_ceil(parcels.into())).max(1);
    let request = Request {
        planned_pickup_date_and_time: wire::time(ready)?,
        close_time: close.format(TIME).ok()?,
        location_type: pickup.party.address.residential.map(|lives| if lives { "residence" } else { "business" }),
        accounts: [Account::shipper(account)],
        customer_details: Customers { shipper_details: Customer::of(&pickup.party)? },
        shipment_details: [Shipment {
            // Express Domestic, Express Worldwide within Europe and everywhere else; parcels of others are taken along.
            product_code: pickup.service.as_deref().unwrap_or(match (is_home, is_customs_declarable) {
                (true, _) => "N",
                (false, false) => "U",
                (false, true) => "P",
            }),
            is_customs_declarable,
            unit_of_measurement: "metric",
            packages: (0..parcels).map(|_| Package::weighing(each)).collect(),
        }],
    };
    serde_json::to_vec(&request).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PickupResponse {
    #[serde(deserialize_with = "lenient::list")]
    dispatch_confirmation_numbers: Vec<String>,
}

/// The pickup's number.
pub(super) fn read(body: &[u8]) -> Option<String> {
    let answer: PickupResponse = serde_json::from_slice(body).ok()?;
    answer.dispatch_confirmation_numbers.into_iter().find(|number| !number.is_empty())
}
