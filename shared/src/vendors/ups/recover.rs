//! Whether a purchase happened: UPS gives a label again by the reference that it was bought with (POST
//! /api/labels/{version}/recovery).

use serde::Deserialize;
use serde_json::{Value, json};

use super::ship::{Form, Image, USER_AGENT};
use crate::vendors::carrier::{Document, Found, Label, LabelOrder};
use crate::vendors::lenient;

/// Where labels are found again: recovery has versions of its own, and this is the first that tells of the customs' papers.
/// (UPS Shipping specification: v1, v1701, v1903, v2603.)
pub(super) const PATH: &str = "/api/labels/v1903/recovery";

/// The question. The specification demands a list of tracking numbers even where the reference is what we have, and
/// forbids the three letters of GIF, which is what comes without them, too.
pub(super) fn request(reference: &str, account: &str) -> Value {
    json!({ "LabelRecoveryRequest": {
        "Request": {},
        "LabelSpecification": { "HTTPUserAgent": USER_AGENT },
        "TrackingNumbers": [],
        "ReferenceValues": { "ReferenceNumber": { "Value": reference }, "ShipperNumber": account },
    } })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RecoverResponse {
    label_recovery_response: LabelRecoveryResponse,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LabelRecoveryResponse {
    #[serde(default, deserialize_with = "lenient::text")]
    shipment_identification_number: Option<String>,
    #[serde(default, deserialize_with = "lenient::list")]
    label_results: Vec<LabelResult>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    form: Option<Form>,
    /// Where more than one parcel has the reference.
    #[serde(default, deserialize_with = "lenient::list")]
    tracking_candidate: Vec<Candidate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LabelResult {
    #[serde(default, deserialize_with = "lenient::text")]
    tracking_number: Option<String>,
    #[serde(default, deserialize_with = "lenient::maybe")]
    label_image: Option<Image>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Candidate {
    tracking_number: String,
}

/// What was found; `None` when the answer names no shipment at all.
///
/// The label is whole when there is one for each parcel, and the customs' papers where they are needed: a parcel must
/// not leave with half of what belongs to it.
pub(super) fn read(body: &[u8], order: &LabelOrder<'_>) -> Option<Found> {
    let answer = serde_json::from_slice::<RecoverResponse>(body).ok()?.label_recovery_response;
    let labels = answer.label_results;
    let first = labels.iter().find_map(|label| label.tracking_number.clone());
    let candidate = answer.tracking_candidate.into_iter().next().map(|candidate| candidate.tracking_number);
    let tracking_number = answer.shipment_identification_number.or(first).or(candidate)?;
    let form = answer.form.and_then(|form| form.image.document());
    let has_papers = form.is_some() || order.consignment.customs.is_none();
    match (documents(&labels), numbers(labels, &tracking_number)) {
        (Some(mut documents), Some(parcel_numbers))
            if documents.len() == order.consignment.parcels.len() && has_papers =>
        {
            documents.extend(form);
            Some(Found::Whole(Label { tracking_number, parcel_numbers, documents, price: None }))
        }
        _ => Some(Found::WithoutLabel { tracking_number }),
    }
}

fn documents(labels: &[LabelResult]) -> Option<Vec<Document>> {
    labels.iter().map(|label| label.label_image.as_ref()?.document()).collect()
}

/// The parcels' numbers; a single parcel has the shipment's.
fn numbers(labels: Vec<LabelResult>, shipment: &str) -> Option<Vec<String>> {
    let alone = labels.len() == 1;
    let own = |label: LabelResult| label.tracking_number.or_else(|| alone.then(|| shipment.to_owned()));
    labels.into_iter().map(own).collect()
}
