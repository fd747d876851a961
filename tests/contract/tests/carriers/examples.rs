//! Every answer that the carriers' own documents give as an example, read by the adapter that would get it.

use contract::specs::{Example, SKIPPED, Specs};
use crossdock::domain::shipping::Carrier;
use crossdock::vendors::carrier::{CarrierAnswer, CarrierApi, LabelOrder};

use crate::carriers::Carriers;
use crate::parcels::{consignment, pickup};

/// Carrier, operation, status, what the document calls the example, and what it comes to.
type Meaning = (&'static str, &'static str, u16, &'static str, &'static str);

const MEANINGS: [Meaning; 79] = [
    ("fedex", "POST /rate/v1/rates/quotes", 400, "", "not done: vendor_credentials"),
    ("fedex", "POST /rate/v1/rates/quotes", 401, "", "not done: vendor_credentials"),
    ("fedex", "POST /rate/v1/rates/quotes", 403, "", "not done: vendor_credentials"),
    ("fedex", "POST /rate/v1/rates/quotes", 404, "", "not done: vendor_credentials"),
    ("fedex", "POST /rate/v1/rates/quotes", 500, "", "not done: vendor_unavailable"),
    ("fedex", "POST /rate/v1/rates/quotes", 503, "", "not done: vendor_unavailable"),
    ("fedex", "POST /ship/v1/shipments", 400, "", "not done: vendor_credentials"),
    ("fedex", "POST /ship/v1/shipments", 401, "", "not done: vendor_credentials"),
    ("fedex", "POST /ship/v1/shipments", 403, "", "not done: vendor_credentials"),
    ("fedex", "POST /ship/v1/shipments", 404, "", "not done: vendor_credentials"),
    ("fedex", "POST /ship/v1/shipments", 500, "", "unknown"),
    ("fedex", "POST /ship/v1/shipments", 503, "", "unknown"),
    ("fedex", "PUT /ship/v1/shipments/cancel", 400, "", "refused: Other"),
    ("fedex", "PUT /ship/v1/shipments/cancel", 401, "", "not done: vendor_credentials"),
    ("fedex", "PUT /ship/v1/shipments/cancel", 403, "", "not done: vendor_credentials"),
    ("fedex", "PUT /ship/v1/shipments/cancel", 404, "", "not done: vendor_credentials"),
    ("fedex", "PUT /ship/v1/shipments/cancel", 500, "", "unknown"),
    ("fedex", "PUT /ship/v1/shipments/cancel", 503, "", "unknown"),
    ("fedex", "POST /track/v1/referencenumbers", 400, "", "unknown"),
    ("fedex", "POST /track/v1/referencenumbers", 401, "", "not done: vendor_credentials"),
    ("fedex", "POST /track/v1/referencenumbers", 403, "", "not done: vendor_credentials"),
    ("fedex", "POST /track/v1/referencenumbers", 404, "", "not done: vendor_credentials"),
    ("fedex", "POST /track/v1/referencenumbers", 500, "", "not done: vendor_unavailable"),
    ("fedex", "POST /track/v1/referencenumbers", 503, "", "not done: vendor_unavailable"),
    ("fedex", "POST /track/v1/trackingnumbers", 400, "", "refused: NotFound"),
    ("fedex", "POST /track/v1/trackingnumbers", 401, "", "not done: vendor_credentials"),
    ("fedex", "POST /track/v1/trackingnumbers", 403, "", "not done: vendor_credentials"),
    ("fedex", "POST /track/v1/trackingnumbers", 404, "", "not done: vendor_credentials"),
    ("fedex", "POST /track/v1/trackingnumbers", 500, "", "not done: vendor_unavailable"),
    ("fedex", "POST /track/v1/trackingnumbers", 503, "", "not done: vendor_unavailable"),
    (
        "fedex",
        "POST /address/v1/addresses/resolve",
        400,
        "",
        "AddressCheck { valid: false, classification: Unknown, suggestions: [] }",
    ),
    ("fedex", "POST /address/v1/addresses/resolve", 401, "", "not done: vendor_credentials"),
    ("fedex", "POST /address/v1/addresses/resolve", 403, "", "not done: vendor_credentials"),
    ("fedex", "POST /address/v1/addresses/resolve", 404, "", "not done: vendor_credentials"),
    ("fedex", "POST /address/v1/addresses/resolve", 500, "", "not done: vendor_unavailable"),
    ("fedex", "POST /address/v1/addresses/resolve", 503, "", "not done: vendor_unavailable"),
    ("fedex", "POST /pickup/v1/pickups", 400, "", "refused: Time"),
    ("fedex", "POST /pickup/v1/pickups", 401, "", "not done: vendor_credentials"),
    ("fedex", "POST /pickup/v1/pickups", 403, "", "not done: vendor_credentials"),
    ("fedex", "POST /pickup/v1/pickups", 404, "", "not done: vendor_credentials"),
    ("fedex", "POST /pickup/v1/pickups", 500, "", "unknown"),
    ("fedex", "POST /pickup/v1/pickups", 503, "", "unknown"),
    ("fedex", "PUT /pickup/v1/pickups/cancel", 400, "", "refused: TooLate"),
    ("fedex", "PUT /pickup/v1/pickups/cancel", 401, "", "not done: vendor_credentials"),
    ("fedex", "PUT /pickup/v1/pickups/cancel", 403, "", "not done: vendor_credentials"),
    ("fedex", "PUT /pickup/v1/pickups/cancel", 404, "", "not done: vendor_credentials"),
    ("fedex", "PUT /pickup/v1/pickups/cancel", 500, "", "unknown"),
    ("fedex", "PUT /pickup/v1/pickups/cancel", 503, "", "unknown"),
    ("ups", "POST /pickupcreation/{version}/pickup", 200, "1", "stringstrin"),
    ("ups", "POST /pickupcreation/{version}/pickup", 200, "2", "unknown"),
    (
        "ups",
        "POST /subscription/{type}/package",
        200,
        "CompleteSuccessExample",
        "Subscribed { valid: [\"1Z1234567891234556\"], invalid: [] }",
    ),
    (
        "ups",
        "POST /subscription/{type}/package",
        200,
        "PartialSuccessExample",
        "Subscribed { valid: [\"1Z1234567891234556\"], invalid: [\"1Z1234567$8\"] }",
    ),
    ("ups", "POST /subscription/{type}/package", 400, "", "refused: Other"),
    ("ups", "POST /subscription/{type}/package", 401, "", "not done: vendor_credentials"),
    ("ups", "POST /subscription/{type}/package", 404, "", "refused: Other"),
    ("ups", "POST /subscription/{type}/package", 500, "", "unknown"),
    ("dhl", "GET /address-validate", 400, "Invalid parameter", "refused: Other"),
    ("dhl", "POST /pickups", 201, "sampleResponse1", "PRG221222000062"),
    ("dhl", "POST /pickups", 400, "Account not allowed", "not done: vendor_credentials"),
    ("dhl", "DELETE /pickups/{dispatchConfirmationNumber}", 400, "Missing required parameter", "refused: Other"),
    ("dhl", "DELETE /pickups/{dispatchConfirmationNumber}", 404, "Pickup not found", "refused: NotFound"),
    ("dhl", "POST /rates", 200, "sampleResponse1", "P 157.95 GBP"),
    ("dhl", "POST /rates", 400, "Invalid parameter", "not done: vendor_credentials"),
    ("dhl", "POST /rates", 500, "Process Error", "not done: vendor_unavailable"),
    ("dhl", "POST /shipments", 201, "sampleResponse1", "1103733901: JD014600004617230770, 3 documents"),
    // The base64 of its label is cut off, as in the sixth.
    ("dhl", "POST /shipments", 201, "sampleResponse2", "unknown"),
    ("dhl", "POST /shipments", 201, "sampleResponse3", "5374534616: JD014600004617230785, 3 documents"),
    ("dhl", "POST /shipments", 201, "sampleResponse4", "5310907744: JD014600004617230786, 1 documents"),
    // Refusals under the status of a purchase: the answer to a mere validation, which we never ask for.
    ("dhl", "POST /shipments", 201, "sampleResponse5", "unknown"),
    ("dhl", "POST /shipments", 201, "sampleResponse6", "unknown"),
    ("dhl", "POST /shipments", 400, "Incorrect date", "refused: Other"),
    ("dhl", "POST /shipments", 400, "Invalid parameter", "refused: Service"),
    ("dhl", "POST /shipments", 422, "Schema validation error", "refused: Other"),
    ("dhl", "POST /shipments", 500, "Process Error", "unknown"),
    (
        "dhl",
        "GET /shipments/{shipmentTrackingNumber}/tracking",
        200,
        "Sample Tracking response for shipment tracking number",
        "PU Some(PickedUp), AF Some(InTransit), PL Some(InTransit), DF Some(InTransit), RR None, RR None, AF Some(InTransit), CR Some(InTransit), PL Some(InTransit), DF Some(InTransit), AR Some(InTransit), WC Some(OutForDelivery), OK Some(Delivered)",
    ),
    ("dhl", "GET /shipments/{shipmentTrackingNumber}/tracking", 400, "Invalid parameter", "refused: Other"),
    ("dhl", "GET /shipments/{shipmentTrackingNumber}/tracking", 404, "No data found", "refused: NotFound"),
    ("dhl", "GET /tracking", 400, "Invalid parameter", "unknown"),
    ("dhl", "GET /tracking", 404, "No data found", "Nothing"),
];

/// What of a document nobody asks for.
const NOT_CALLED: [&str; 24] = [
    "fedex POST /oauth/token",
    "fedex POST /ship/v1/shipments/packages/validate",
    "fedex POST /ship/v1/shipments/results",
    "fedex POST /track/v1/associatedshipments",
    "fedex POST /track/v1/notifications",
    "fedex POST /track/v1/tcn",
    "fedex POST /track/v1/trackingdocuments",
    "fedex POST /pickup/v1/pickups/availabilities",
    "ups DELETE /subscription/{type}/account",
    "ups POST /subscription/{type}/account",
    "dhl POST /early-shipment-screening",
    "dhl GET /identifiers",
    "dhl POST /invoices/upload-invoice-data",
    "dhl POST /landed-cost",
    "dhl PATCH /pickups/{dispatchConfirmationNumber}",
    "dhl GET /products",
    "dhl GET /rates",
    "dhl GET /reference-data",
    "dhl GET /servicepoints",
    "dhl PATCH /shipments/{shipmentTrackingNumber}/add-piece",
    "dhl GET /shipments/{shipmentTrackingNumber}/get-image",
    "dhl GET /shipments/{shipmentTrackingNumber}/proof-of-delivery",
    "dhl PATCH /shipments/{shipmentTrackingNumber}/upload-image",
    "dhl PATCH /shipments/{shipmentTrackingNumber}/upload-invoice-data",
];

fn told<T>(answer: CarrierAnswer<T>, of: impl FnOnce(T) -> String) -> String {
    match answer {
        CarrierAnswer::Done(what) => of(what),
        CarrierAnswer::Refused(why) => format!("refused: {why:?}"),
        CarrierAnswer::NotDone { reason, .. } => format!("not done: {reason}"),
        CarrierAnswer::Unknown => "unknown".to_owned(),
    }
}

/// What an example comes to; `None` where we do not call what it answers.
async fn meaning(vendor: &str, example: &Example) -> Option<String> {
    let carriers = Carriers::new();
    carriers.answer(example.status, &example.body);
    let context = carriers.context();
    let (api, carrier): (&dyn CarrierApi, _) = match vendor {
        "fedex" => (&carriers.fedex, Carrier::Fedex),
        "ups" => (&carriers.ups, Carrier::Ups),
        _ => (&carriers.dhl, Carrier::Dhl),
    };
    let (from, to) = if vendor == "dhl" { ("DE", "FR") } else { ("US", "US") };
    let mut consignment = consignment(from, to, false);
    let parcels = example.body["packages"].as_array().map_or(1, Vec::len);
    consignment.parcels = vec![consignment.parcels.remove(0); parcels];
    let order = LabelOrder { consignment: &consignment, service: "P", reference: "CD-1" };
    let wish = pickup(carrier, from, to, if vendor == "dhl" { 120 } else { -240 });
    let operation = format!("{} {}", example.method, example.path);
    Some(match operation.as_str() {
        "POST /rates" | "POST /rate/v1/rates/quotes" => told(api.rates(&consignment, None, context).await, |rates| {
            let rates: Vec<_> = rates.iter().map(|rate| format!("{} {}", rate.service, rate.price)).collect();
            rates.join(", ")
        }),
        "POST /shipments" | "POST /ship/v1/shipments" => told(api.buy(order, context).await, |label| {
            format!(
                "{}: {}, {} documents",
                label.tracking_number,
                label.parcel_numbers.join(" "),
                label.documents.len()
            )
        }),
        "GET /tracking" | "POST /track/v1/referencenumbers" => {
            told(api.find(order, context).await, |found| format!("{found:?}"))
        }
        "PUT /ship/v1/shipments/cancel" => told(api.void("794953555571", context).await, |()| "void".to_owned()),
        "GET /shipments/{shipmentTrackingNumber}/tracking" | "POST /track/v1/trackingnumbers" => {
            told(api.track("1234567890", context).await, |tracking| {
                let scans: Vec<_> =
                    tracking.scans.iter().map(|scan| format!("{} {:?}", scan.code, scan.status)).collect();
                scans.join(", ")
            })
        }
        "POST /address/v1/addresses/resolve" | "GET /address-validate" => {
            told(api.check_address(&consignment.recipient.address, context).await, |check| format!("{check:?}"))
        }
        "POST /pickups" | "POST /pickup/v1/pickups" | "POST /pickupcreation/{version}/pickup" => {
            told(api.schedule_pickup(&wish, context).await, |number| number)
        }
        "DELETE /pickups/{dispatchConfirmationNumber}" | "PUT /pickup/v1/pickups/cancel" => {
            told(api.cancel_pickup("PRG211126000382", &wish, context).await, |()| "canceled".to_owned())
        }
        "POST /subscription/{type}/package" => {
            let numbers = ["1Z1234567891234556".to_owned()];
            told(carriers.ups.subscribe(&numbers, context).await, |subscribed| format!("{subscribed:?}"))
        }
        _ => return None,
    })
}

#[tokio::test(start_paused = true)]
async fn every_example_of_an_answer_comes_to_what_it_says() {
    let Some(specs) = Specs::from_env() else {
        eprintln!("{SKIPPED}");
        return;
    };
    let mut found = Vec::new();
    let mut not_called = Vec::new();
    for vendor in ["fedex", "ups", "dhl"] {
        for example in specs.examples(vendor) {
            let operation = format!("{} {}", example.method, example.path);
            match meaning(vendor, &example).await {
                Some(meaning) => found.push((vendor, operation, example.status, example.name, meaning)),
                None => not_called.push(format!("{vendor} {operation}")),
            }
        }
    }
    not_called.dedup();
    let told: Vec<_> = found
        .iter()
        .map(|(vendor, operation, status, name, meaning)| (*vendor, &**operation, *status, &**name, &**meaning))
        .collect();
    assert_eq!(told, MEANINGS);
    assert_eq!(not_called, NOT_CALLED);
}
