//! Services that say yes to everything: a write is done, an item is not there unless it belongs to a mail, a secret is
//! known, a payment is made, a mail is accepted, every carrier has its prices.
//! What they say has the form and about the size of what the real ones say.

use std::fmt::Write as _;

use bytes::Bytes;
use flate2::Crc;
use http::HeaderValue;
use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use crate::carriers;
use crate::environment;
use crate::server::{Answer, Backend, Call, Service};
use crate::stored;

/// A backend without a memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Canned;

impl Backend for Canned {
    fn answer(&self, call: &Call) -> Answer {
        let body = call.request.body();
        match call.service {
            Service::Sqs => sqs(&call.operation, body),
            Service::DynamoDb => dynamodb(&call.operation, body),
            Service::Secrets => secret(body),
            Service::S3 => Answer::new(200, ""),
            Service::Stripe => stripe(),
            Service::SendGrid => sendgrid(),
            Service::Fedex => carriers::fedex(&call.operation),
            Service::Ups => carriers::ups(&call.operation),
            Service::Dhl => carriers::dhl(),
        }
    }
}

/// SQS's answers to messages: SDKs check the MD5 of what they sent.
pub fn sqs(operation: &str, body: &[u8]) -> Answer {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let accepted = |message: &Value| {
        let text = message["MessageBody"].as_str().unwrap_or_default();
        json!({ "MessageId": "5fea7756-0ea4-451a-a703-a558b933e274", "MD5OfMessageBody": md5_hex(text) })
    };
    let answer = match operation {
        "SendMessage" => accepted(&request),
        "SendMessageBatch" => {
            let entries = request["Entries"].as_array().map(Vec::as_slice).unwrap_or_default();
            let done: Vec<Value> = entries
                .iter()
                .map(|entry| {
                    let mut done = accepted(entry);
                    done["Id"] = entry["Id"].clone();
                    done
                })
                .collect();
            json!({ "Successful": done, "Failed": [] })
        }
        "GetQueueAttributes" => json!({ "Attributes": { "ApproximateNumberOfMessages": "0" } }),
        _ => return aws_json(400, &json!({ "__type": "com.amazonaws.sqs#UnsupportedOperation" }), "1.0"),
    };
    aws_json(200, &answer, "1.0")
}

/// Writes are done, and nothing is there but mails that wait to be sent.
fn dynamodb(operation: &str, body: &[u8]) -> Answer {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let answer = match operation {
        "Query" => json!({ "Items": [], "Count": 0, "ScannedCount": 0 }),
        "UpdateItem" => match stored::item(&request["Key"]) {
            Some(item) if request["ReturnValues"] == "ALL_NEW" => json!({ "Attributes": item }),
            _ => json!({}),
        },
        "BatchGetItem" => {
            let asked = request["RequestItems"].as_object().into_iter().flatten();
            let found: Map<String, Value> = asked
                .map(|(table, asked)| {
                    let keys = asked["Keys"].as_array().into_iter().flatten();
                    (table.clone(), keys.filter_map(stored::item).collect())
                })
                .collect();
            json!({ "Responses": found, "UnprocessedKeys": {} })
        }
        "BatchWriteItem" => json!({ "UnprocessedItems": {} }),
        _ => json!({}),
    };
    aws_json(200, &answer, "1.0")
}

/// SendGrid has accepted a mail.
fn sendgrid() -> Answer {
    let mut answer = Answer::new(202, "");
    answer.headers.insert("x-message-id", HeaderValue::from_static("bench-14c5d75ce93_dfd_64b469"));
    answer
}

/// The secrets of the bench's deployment.
pub fn secret(body: &[u8]) -> Answer {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = request["SecretId"].as_str().unwrap_or_default();
    let Some(keys) = environment::secret(id) else {
        let error = json!({ "__type": "ResourceNotFoundException", "Message": "no such secret" });
        return aws_json(400, &error, "1.1");
    };
    let answer = json!({
        "ARN": format!("arn:aws:secretsmanager:{}:000000000000:secret:{id}-abcdef", environment::REGION),
        "Name": id,
        "VersionId": "00000000-0000-4000-8000-000000000001",
        "SecretString": keys.to_string(),
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": 1_746_093_600.0,
    });
    aws_json(200, &answer, "1.1")
}

/// A payment intent that waits for its card, with the fields that Stripe sends without expansion.
fn stripe() -> Answer {
    let intent = json!({
        "id": "pi_3RBenchBenchBench000001",
        "object": "payment_intent",
        "amount": 1099,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": 0,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": { "allow_redirects": "always", "enabled": true },
        "canceled_at": null,
        "cancellation_reason": null,
        "capture_method": "automatic",
        "client_secret": "pi_3RBenchBenchBench000001_secret_benchbenchbenchbench",
        "confirmation_method": "automatic",
        "created": 1_746_093_600,
        "currency": "eur",
        "customer": null,
        "description": "Order sample-1",
        "invoice": null,
        "last_payment_error": null,
        "latest_charge": null,
        "livemode": false,
        "metadata": {},
        "next_action": null,
        "on_behalf_of": null,
        "payment_method": null,
        "payment_method_options": {
            "card": { "installments": null, "mandate_options": null, "network": null, "request_three_d_secure": "automatic" },
            "link": { "persistent_token": null },
        },
        "payment_method_types": ["card", "link"],
        "processing": null,
        "receipt_email": null,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": null,
        "statement_descriptor_suffix": null,
        "status": "requires_payment_method",
        "transfer_data": null,
        "transfer_group": null,
    });
    let mut answer = Answer::new(200, intent.to_string());
    answer.headers.insert("content-type", HeaderValue::from_static("application/json"));
    answer.headers.insert("request-id", HeaderValue::from_static("req_benchbench0001"));
    answer.headers.insert("stripe-version", HeaderValue::from_static(crossdock::vendors::stripe::API_VERSION));
    answer
}

/// An AWS answer with the headers that SDKs look at.
pub fn aws_json(status: u16, body: &Value, version: &str) -> Answer {
    let body = Bytes::from(body.to_string());
    let mut crc = Crc::new();
    crc.update(&body);
    let mut answer = Answer::new(status, body);
    let media_type = HeaderValue::from_str(&format!("application/x-amz-json-{version}"));
    answer.headers.extend(media_type.map(|value| (http::header::CONTENT_TYPE, value)));
    answer.headers.insert("x-amz-crc32", HeaderValue::from(crc.sum()));
    answer
        .headers
        .insert("x-amzn-requestid", HeaderValue::from_static("BENCHBENCHBENCHBENCHBENCHVV4KQNSO5AEMVJF66Q9ASUAAJG"));
    answer
}

fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
