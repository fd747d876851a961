//! What AWS asks for what an order uses: public on-demand prices of us-east-1, in dollars, without free tier.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::load::Part;

/// A function's memory in GB: template.yaml's 256 MB.
const MEMORY_GB: f64 = 0.25;

// aws.amazon.com/lambda/pricing, arm64, first tier.
const LAMBDA_GB_SECOND: f64 = 0.000_013_333_4;
const LAMBDA_MILLION_REQUESTS: f64 = 0.20;
// aws.amazon.com/dynamodb/pricing/on-demand, standard table class.
const WRITE_MILLION_UNITS: f64 = 0.625;
const READ_MILLION_UNITS: f64 = 0.125;
// aws.amazon.com/sqs/pricing, standard queues, first tier above the free million.
const SQS_MILLION_REQUESTS: f64 = 0.40;
// aws.amazon.com/s3/pricing, standard, PUT. KMS is asked once for many objects (a bucket key), so that it is left out.
const S3_MILLION_PUTS: f64 = 5.00;
// aws.amazon.com/api-gateway/pricing, REST, first tier. Function URLs cost nothing.
const API_MILLION_REQUESTS: f64 = 3.50;
// aws.amazon.com/cloudwatch/pricing, logs, ingestion, standard class.
const LOGS_GB: f64 = 0.50;

const INVOCATIONS: &str = "Lambda invocations";
const GB_SECONDS: &str = "Lambda GB-seconds";
const WRITES: &str = "DynamoDB write units";
const READS: &str = "DynamoDB read units";
const QUEUES: &str = "SQS requests";
const PUTS: &str = "S3 puts";
const API: &str = "API Gateway requests";
const LOGS: &str = "CloudWatch log kB";

/// What one order uses.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Usage {
    /// Lambda.
    pub invocations: f64,
    /// Lambda: billed time times memory.
    pub gb_seconds: f64,
    /// DynamoDB.
    pub write_units: f64,
    /// DynamoDB.
    pub read_units: f64,
    /// SQS: sends, receives, deletes.
    pub queue_requests: f64,
    /// S3.
    pub puts: f64,
    /// API Gateway.
    pub api_requests: f64,
    /// CloudWatch.
    pub log_kilobytes: f64,
}

impl Usage {
    /// Adds a function's part; `share` is one divided by the number of orders.
    pub fn add(&mut self, part: &Part, share: f64) {
        self.invocations += part.invocations;
        self.gb_seconds += part.billed_ms / 1e3 * MEMORY_GB;
        self.write_units += part.bill.write_units * share;
        self.read_units += part.bill.read_units * share;
        #[expect(clippy::cast_precision_loss, reason = "there are never 2^52 requests")]
        let (queue_requests, puts) = (part.bill.queue_requests as f64, part.bill.puts as f64);
        self.queue_requests += queue_requests * share;
        self.puts += puts * share;
        self.log_kilobytes += part.log_bytes / 1e3;
    }

    /// Names and numbers, in the order of the price list.
    pub fn entries(&self) -> [(&'static str, f64); 8] {
        [
            (INVOCATIONS, self.invocations),
            (GB_SECONDS, self.gb_seconds),
            (WRITES, self.write_units),
            (READS, self.read_units),
            (QUEUES, self.queue_requests),
            (PUTS, self.puts),
            (API, self.api_requests),
            (LOGS, self.log_kilobytes),
        ]
    }
}

/// Dollars for 1,000 orders that each use this much. Monthly prices (secrets, keys, alarms, custom metrics, storage)
/// are not an order's.
pub fn of_thousand(usage: &Usage) -> BTreeMap<&'static str, f64> {
    let price_of_one = |name| match name {
        INVOCATIONS => LAMBDA_MILLION_REQUESTS / 1e6,
        GB_SECONDS => LAMBDA_GB_SECOND,
        WRITES => WRITE_MILLION_UNITS / 1e6,
        READS => READ_MILLION_UNITS / 1e6,
        QUEUES => SQS_MILLION_REQUESTS / 1e6,
        PUTS => S3_MILLION_PUTS / 1e6,
        API => API_MILLION_REQUESTS / 1e6,
        _ => LOGS_GB / 1e6, // kilobytes
    };
    usage.entries().into_iter().map(|(name, used)| (name, used * price_of_one(name) * 1e3)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_orders_that_write_a_unit_each_cost_a_thousandth_of_a_million_units() {
        let dollars = of_thousand(&Usage { write_units: 1.0, ..Usage::default() });
        assert!((dollars[WRITES] - 0.000_625).abs() < 1e-12);
        assert!((dollars.values().sum::<f64>() - 0.000_625).abs() < 1e-12);
    }
}
