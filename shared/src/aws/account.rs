//! What Lambda gives an account, and what of it a deployment reserves. For people's tools; no function asks.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use super::client::Settings;
use super::signed::{Question, Service};
use crate::error::{Error, Result};
use crate::world::World;

/// Executions that an account cannot reserve: they are for the functions without a reservation. (AWS Lambda Developer Guide,
/// "Configuring reserved concurrency".)
const UNRESERVED_MIN: u32 = 100;

/// The template's parameters of reserved concurrency, with how many functions each is for.
pub const RESERVATIONS: [(&str, u32); 5] = [
    ("ReceiverReservedConcurrency", 7),
    ("PaymentInitiatorReservedConcurrency", 1),
    ("PaymentWorkerReservedConcurrency", 1),
    ("EventProcessorReservedConcurrency", 1),
    ("SweeperReservedConcurrency", 1),
];

/// What an account may run at once in a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// All of it.
    pub total: u32,
    /// What no function has reserved.
    pub unreserved: u32,
}

impl Concurrency {
    /// Asks Lambda.
    ///
    /// # Errors
    /// What AWS says.
    pub async fn of_account(settings: &Settings, world: &World) -> Result<Self> {
        let answer = lambda(settings, world, "GetAccountSettings", "/2016-08-19/account-settings/").await?;
        let number = |name: &str| answer["AccountLimit"][name].as_u64().and_then(|number| u32::try_from(number).ok());
        let both = number("ConcurrentExecutions").zip(number("UnreservedConcurrentExecutions"));
        let unknown = || Error::bug("aws_request_invalid", "GetAccountSettings names no limit");
        both.map(|(total, unreserved)| Self { total, unreserved }).ok_or_else(unknown)
    }

    /// What stands against a deployment with these parameters; `deployed` are those that the account has reserved for it already.
    pub fn against(self, wanted: &BTreeMap<String, String>, deployed: &BTreeMap<String, String>) -> Vec<String> {
        let mut found = Vec::new();
        let is_production = wanted.get("Stage").is_some_and(|stage| stage == "production");
        for (parameter, _) in RESERVATIONS {
            if is_production && wanted.get(parameter).is_none_or(String::is_empty) {
                found.push(format!("{parameter} must be a number or none in production: the template refuses it."));
            }
        }
        let (needed, had) = (reserved(wanted), reserved(deployed));
        let left = (self.unreserved + had).saturating_sub(needed);
        if needed > 0 && left < UNRESERVED_MIN {
            found.push(format!(
                "{needed} executions would be reserved, and {left} of the account's {} would be left; Lambda wants {UNRESERVED_MIN}. \
                 Ask for a higher quota (Service Quotas, Lambda, Concurrent executions), or reserve less.",
                self.total
            ));
        }
        if needed == 0 && is_production {
            found.push(format!(
                "Nothing is reserved: a flood at one public URL can use all {} executions, and payments stop.",
                self.total
            ));
        }
        found
    }
}

/// All that these parameters reserve.
fn reserved(parameters: &BTreeMap<String, String>) -> u32 {
    let of = |parameter: &str| parameters.get(parameter).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
    RESERVATIONS.iter().map(|(parameter, functions)| functions.saturating_mul(of(parameter))).sum()
}

/// What a version of a function is configured as: whatever a deployment can change.
///
/// # Errors
/// What AWS says.
pub async fn configured(settings: &Settings, world: &World, function: &str, qualifier: &str) -> Result<Value> {
    let path = format!("/2015-03-31/functions/{function}/configuration?Qualifier={qualifier}");
    let answer = lambda(settings, world, "GetFunctionConfiguration", &path).await?;
    let names = ["CodeSha256", "Environment", "MemorySize", "Timeout", "Runtime", "LoggingConfig", "TracingConfig"];
    Ok(names.into_iter().map(|name| (name.to_owned(), answer[name].clone())).collect())
}

async fn lambda(settings: &Settings, world: &World, operation: &'static str, path_and_query: &str) -> Result<Value> {
    let service = Service::regional("lambda", settings.clone(), world.clone());
    let question = Question { operation, method: Method::GET, path_and_query, headers: &[], body: Bytes::new() };
    let answer = service.ask(&question).await?;
    let unreadable = |_| Error::bug("aws_request_invalid", format!("{operation}: the answer is no JSON"));
    serde_json::from_slice(answer.body()).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(stage: &str, values: [&str; 5]) -> BTreeMap<String, String> {
        let values = RESERVATIONS.iter().zip(values).map(|((name, _), value)| ((*name).to_owned(), value.to_owned()));
        values.chain([("Stage".to_owned(), stage.to_owned())]).collect()
    }

    #[test]
    fn a_new_account_is_told_that_its_quota_is_too_small() {
        let account = Concurrency { total: 10, unreserved: 10 };
        let wanted = parameters("production", ["5", "20", "10", "40", "1"]);
        let [only] = &account.against(&wanted, &BTreeMap::new())[..] else { panic!("one finding") };
        assert!(only.contains("106 executions") && only.contains("of the account's 10"), "{only}");
    }

    #[test]
    fn what_the_account_has_reserved_for_this_deployment_already_is_not_counted_twice() {
        let (deployed, wanted) = (
            parameters("production", ["5", "20", "10", "40", "1"]),
            parameters("production", ["6", "20", "10", "40", "1"]),
        );
        let account = Concurrency { total: 213, unreserved: 107 };
        assert_eq!(account.against(&wanted, &deployed), Vec::<String>::new());
        let account = Concurrency { total: 212, unreserved: 106 };
        assert_eq!(account.against(&wanted, &deployed).len(), 1, "99 would be left");
    }

    #[test]
    fn production_without_any_is_warned_and_an_undecided_one_too() {
        let account = Concurrency { total: 1_000, unreserved: 1_000 };
        let none = parameters("production", ["none"; 5]);
        assert!(account.against(&none, &BTreeMap::new())[0].starts_with("Nothing is reserved"));
        assert_eq!(account.against(&parameters("production", [""; 5]), &BTreeMap::new()).len(), 6);
        assert_eq!(account.against(&parameters("staging", [""; 5]), &BTreeMap::new()), Vec::<String>::new());
    }
}
