//! Who may name whom, checked on the sources; and that each of these checks can fail.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use contract::layering::{Tree, Violation, floors, rules};

type Rule = fn(&Tree) -> Vec<Violation>;

/// The rule holds in the workspace.
#[track_caller]
fn holds(rule: Rule) {
    let tree = Tree::of_workspace(&contract::workspace_root()).unwrap();
    let found: Vec<String> = rule(&tree).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// The rule finds fault with a file of this text, in the given line, and with nothing else.
#[track_caller]
fn catches(rule: Rule, path: &str, text: &str, line: usize) {
    let found = rule(&Tree::of_one(path, text).unwrap());
    let lines: Vec<usize> = found.iter().map(|violation| violation.line).collect();
    assert!(!lines.is_empty() && lines.iter().all(|found| *found == line), "{path}: {text:?}: {found:?}");
    assert!(found[0].to_string().starts_with(&format!("{path}:{line}: ")), "{}", found[0]);
}

/// The rule has nothing to say about it.
#[track_caller]
fn allows(rule: Rule, path: &str, text: &str) {
    let found = rule(&Tree::of_one(path, text).unwrap());
    assert!(found.is_empty(), "{path}: {text:?}: {found:?}");
}

#[test]
fn the_shared_sources_are_there_to_be_checked() {
    assert!(Tree::of_workspace(&contract::workspace_root()).is_ok());
    let elsewhere = Tree::of_workspace(&contract::workspace_root().join("tests"));
    assert!(elsewhere.unwrap_err().contains("has no shared/src"));
}

#[test]
fn inside_the_shared_crate_arrows_go_only_inwards() {
    let rule = rules::layers_name_only_inwards;
    holds(rule);
    catches(rule, "shared/src/domain/money.rs", "\nuse crate::aws::Table;", 2);
    catches(rule, "shared/src/world.rs", "use crate::{domain, effects::Work};", 1);
    catches(rule, "shared/src/aws/table.rs", "fn f() { super::super::gateway::call() }", 1);
    catches(rule, "shared/src/gateway/mod.rs", "fn f() -> Vec<crate::vendors::stripe::Stripe> {}", 1);
    catches(rule, "shared/src/effects/mod.rs", "mod tests { use crate::lambda; }", 1);
    catches(rule, "shared/src/vendors/mod.rs", "use super::lambda::http;", 1);
    catches(rule, "shared/src/payments/mod.rs", "use crate::shipping::Carriers;", 1);
    catches(rule, "shared/src/shipping/mod.rs", "use crate::{effects, messages::Mailer};", 1);
    catches(rule, "shared/src/messages/mailer.rs", "use crate::payments::Payments;", 1);
    catches(rule, "shared/src/vendors/mod.rs", "use crate::messages::Mailer;", 1);
    catches(rule, "shared/src/error.rs", "use crate::gateway::Class;", 1);
    catches(rule, "shared/src/telemetry/fields.rs", "use crate::world::Clock;", 1);
    catches(rule, "shared/src/aws/mod.rs", "use crate::*;", 1);
    allows(rule, "shared/src/lambda/http.rs", "use crate::{vendors, effects, gateway, aws, world, domain, error};");
    allows(rule, "shared/src/domain/money.rs", "// crate::aws\nuse crate::error::Error; use super::id::OrderId;");
    allows(rule, "shared/src/vendors/stripe/verify.rs", "use crate::vendors::Verified; mod t { use super::*; }");
    allows(rule, "shared/src/messages/mailer.rs", "use crate::{messages, vendors::sendgrid, effects};");
    allows(rule, "shared/src/lib.rs", "pub mod aws; pub mod lambda;");
}

#[test]
fn the_domain_names_nothing_of_the_crate_but_error() {
    let rule = rules::the_domain_names_only_error;
    holds(rule);
    catches(rule, "shared/src/domain/money.rs", "use crate::telemetry::fields;", 1);
    catches(rule, "shared/src/domain.rs", "use crate::world::World;", 1);
    allows(rule, "shared/src/domain/money.rs", "use crate::domain::id; use crate::error::Result;");
}

#[test]
fn the_domain_has_no_async_and_no_io() {
    let rule = rules::the_domain_is_pure;
    holds(rule);
    catches(rule, "shared/src/domain/order.rs", "async fn f() {}", 1);
    catches(rule, "shared/src/domain/order.rs", "fn f() { std::fs::read(\"x\"); }", 1);
    catches(rule, "shared/src/domain/order.rs", "use tokio::sync::Mutex;", 1);
    catches(rule, "shared/src/domain/order.rs", "use std::{fmt, io::Write};", 1);
    allows(rule, "shared/src/domain/order.rs", "use std::fmt; impl fmt::Display for Order {}");
    allows(rule, "shared/src/aws/table.rs", "async fn f() {}");
}

#[test]
fn only_the_edge_names_more_of_telemetry_than_its_fields() {
    let rule = rules::only_the_edge_names_telemetry_itself;
    holds(rule);
    catches(rule, "shared/src/gateway/mod.rs", "use crate::telemetry;", 1);
    catches(rule, "shared/src/effects/mod.rs", "fn f() { crate::telemetry::init(\"info\", \"s\") }", 1);
    allows(rule, "shared/src/gateway/mod.rs", "use crate::telemetry::fields::{self, VENDOR};");
    allows(rule, "shared/src/lambda/run.rs", "use crate::telemetry;");
    allows(rule, "functions/health/src/main.rs", "use crossdock::telemetry;");
}

#[test]
fn only_the_aws_folder_names_the_aws_sdk() {
    let rule = rules::only_aws_names_the_aws_sdk;
    holds(rule);
    catches(rule, "shared/src/effects/claim.rs", "use aws_sdk_dynamodb::types::AttributeValue;", 1);
    catches(rule, "shared/src/world/real.rs", "fn f(x: aws_smithy_types::Blob) {}", 1);
    catches(rule, "shared/src/lambda/config.rs", "use {bytes::Bytes, aws_credential_types::Credentials};", 1);
    catches(rule, "functions/health/src/main.rs", "use aws_sdk_sqs as sqs;", 1);
    allows(rule, "shared/src/aws/table.rs", "use aws_sdk_dynamodb::Client;");
    allows(rule, "tests/simulation/src/lib.rs", "use aws_smithy_runtime_api::client::http::HttpConnector;");
}

#[test]
fn one_file_of_world_names_reqwest_and_no_other_does() {
    let rule = rules::one_file_names_reqwest;
    holds(rule);
    catches(rule, "shared/src/vendors/stripe/mod.rs", "use reqwest::Client;", 1);
    catches(rule, "shared/src/gateway/mod.rs", "type C = ::reqwest::Client;", 1);
    catches(rule, "functions/health/src/handler.rs", "use reqwest as http;", 1);
    allows(rule, "shared/src/world/real.rs", "use reqwest::Client; fn f() { reqwest::get(\"x\"); }");
    let first = Tree::of_one("shared/src/world/real.rs", "use reqwest::Client;").unwrap();
    let second = Tree::of_one("shared/src/world/second.rs", "use reqwest::Client;").unwrap();
    assert_eq!(rule(&first.and(second))[0].path, "shared/src/world/second.rs");
}

#[test]
fn only_the_edge_names_the_lambda_crates() {
    let rule = rules::only_the_edge_names_the_lambda_crates;
    holds(rule);
    catches(rule, "functions/health/src/handler.rs", "use lambda_http::Request;", 1);
    catches(rule, "shared/src/vendors/stripe/verify.rs", "use aws_lambda_events::event::sqs;", 1);
    catches(rule, "shared/src/effects/mod.rs", "fn f(c: lambda_runtime::Context) {}", 1);
    allows(rule, "functions/health/src/main.rs", "use lambda_runtime::run;");
    allows(rule, "shared/src/lambda/batch.rs", "use aws_lambda_events::event::sqs;");
}

#[test]
fn a_vendor_names_no_other_vendor() {
    // Which folders are vendors is read from the tree, so each tried tree needs both.
    let rule: Rule = |tree| {
        let stripe = Tree::of_one("shared/src/vendors/stripe/mod.rs", "").unwrap();
        let sendgrid = Tree::of_one("shared/src/vendors/sendgrid/mod.rs", "").unwrap();
        rules::vendors_name_no_other_vendor(&tree.clone().and(stripe).and(sendgrid))
    };
    holds(rule);
    catches(rule, "shared/src/vendors/stripe/mod.rs", "use crate::vendors::sendgrid::Mailer;", 1);
    catches(rule, "shared/src/vendors/sendgrid/verify.rs", "use super::super::stripe::verify;", 1);
    catches(rule, "shared/src/vendors/sendgrid/verify.rs", "use crate::vendors::*;", 1);
    allows(rule, "shared/src/vendors/stripe/verify.rs", "use crate::vendors::{Verified, stripe::wire};");
    allows(rule, "shared/src/vendors/mod.rs", "use crate::vendors::{stripe, sendgrid};");
}

#[test]
fn vendors_never_name_aws() {
    let rule = rules::vendors_never_name_aws;
    holds(rule);
    catches(rule, "shared/src/vendors/stripe/resolve.rs", "\n\nuse crate::{domain::Money, aws::Table};", 3);
    catches(rule, "shared/src/vendors/mod.rs", "use super::aws;", 1);
    allows(rule, "shared/src/effects/claim.rs", "use crate::aws::Table;");
}

#[test]
fn only_the_configuration_reads_the_environment() {
    let rule = rules::only_the_configuration_reads_the_environment;
    holds(rule);
    catches(rule, "shared/src/aws/client.rs", "fn f() { std::env::var(\"AWS_REGION\"); }", 1);
    catches(rule, "functions/health/src/main.rs", "use std::env; fn main() { env::vars(); }", 1);
    catches(rule, "shared/src/telemetry/mod.rs", "use std::{fmt, env as e};", 1);
    allows(rule, "shared/src/lambda/config.rs", "fn f() { std::env::vars(); }");
    allows(rule, "shared/src/world/real.rs", "const V: &str = env!(\"CARGO_PKG_VERSION\");");
}

#[test]
fn only_world_reads_a_clock_draws_a_number_or_opens_a_socket() {
    let rule = rules::only_world_reads_a_clock_draws_a_number_or_opens_a_socket;
    holds(rule);
    let path = "shared/src/gateway/mod.rs";
    catches(rule, path, "fn f() { std::time::SystemTime::now(); }", 1);
    catches(rule, path, "use std::time::Instant;\nfn f() { Instant::now(); }", 2);
    catches(rule, path, "use std::time as t;\nfn f() { t::Instant::now(); }", 2);
    catches(rule, path, "async fn f() { tokio::time::sleep(D).await }", 1);
    catches(rule, path, "fn f() { rand::random::<u8>() }", 1);
    catches(rule, path, "fn f() { getrandom::fill(&mut x) }", 1);
    catches(rule, path, "use std::net::TcpStream;", 1);
    catches(rule, path, "fn f() { ulid::Ulid::generate() }", 1);
    catches(rule, "functions/health/src/handler.rs", "fn f() { time::OffsetDateTime::now_utc() }", 1);
    allows(rule, path, "use std::time::{Duration, SystemTime}; fn f(clock: &dyn Clock) { clock.now(); }");
    allows(rule, "shared/src/world/real.rs", "fn f() { std::time::SystemTime::now(); getrandom::fill(&mut x) }");
}

#[test]
fn nobody_scans_the_systems_certificates() {
    let rule = rules::nobody_scans_the_systems_certificates;
    holds(rule);
    catches(rule, "shared/src/aws/client.rs", "fn f() { rustls_native_certs::load_native_certs() }", 1);
    allows(rule, "shared/src/world/real.rs", "fn f() { webpki_roots::TLS_SERVER_ROOTS.to_vec() }");
}

#[test]
fn the_sandbox_never_names_crossdock() {
    let rule = rules::the_sandbox_never_names_crossdock;
    holds(rule);
    catches(rule, "tests/sandbox/src/stripe.rs", "use crossdock::vendors::stripe::wire;", 1);
    catches(rule, "tests/sandbox/tests/replay.rs", "fn f() { crossdock::domain::id::digest(&[]) }", 1);
    catches(rule, "tests/sandbox/Cargo.toml", "[dependencies]\nserde.workspace = true\ncrossdock.workspace = true", 3);
    catches(rule, "tests/sandbox/Cargo.toml", "[dev-dependencies.crossdock]\nworkspace = true", 1);
    allows(rule, "tests/sandbox/src/stripe.rs", "const KEY: &str = \"crossdock_intent\"; fn crossdock() {}");
    allows(rule, "tests/simulation/src/lib.rs", "use crossdock::world::World;");
}

#[test]
fn functions_name_no_other_function() {
    // Which folders are functions is read from the tree, so each tried tree needs both.
    let rule: Rule = |tree| {
        let sweeper = Tree::of_one("functions/sweeper/Cargo.toml", "").unwrap();
        let worker = Tree::of_one("functions/payment-worker/Cargo.toml", "").unwrap();
        rules::functions_name_no_other_function(&tree.clone().and(sweeper).and(worker))
    };
    holds(rule);
    catches(rule, "functions/sweeper/src/handler.rs", "use payment_worker::handle;", 1);
    catches(rule, "functions/sweeper/Cargo.toml", "[dependencies]\npayment-worker = { workspace = true }", 2);
    allows(rule, "functions/sweeper/src/main.rs", "use sweeper::handle;");
    allows(
        rule,
        "functions/sweeper/Cargo.toml",
        "[package]\nname = \"sweeper\"\n[dependencies]\ncrossdock.workspace = true",
    );
    allows(rule, "tests/simulation/src/lib.rs", "use payment_worker::handle; use sweeper::handle as sweep;");
}

#[test]
fn nothing_shipped_names_functions_or_tests() {
    let rule = rules::nothing_shipped_names_functions_or_tests;
    holds(rule);
    catches(rule, "shared/src/lambda/mod.rs", "use sandbox::Vendor;", 1);
    catches(rule, "functions/sweeper/src/handler.rs", "mod tests { use simulation::Aws; }", 1);
    catches(rule, "functions/sweeper/Cargo.toml", "[dev-dependencies]\nsimulation.workspace = true", 2);
    let shared = Tree::of_one("shared/Cargo.toml", "[dependencies]\nsweeper.workspace = true").unwrap();
    let sweeper = Tree::of_one("functions/sweeper/Cargo.toml", "").unwrap();
    assert_eq!(rule(&shared.and(sweeper))[0].line, 2);
    allows(rule, "tests/e2e/src/lib.rs", "use sandbox::Vendor;");
}

/// A rule that needs another file beside the one that it is tried on.
fn beside(path: &str, text: &str) -> Tree {
    Tree::of_one(path, text).unwrap()
}

#[test]
fn inside_the_work_list_arrows_go_only_down() {
    let rule = floors::the_work_list_leans_only_downwards;
    holds(rule);
    // By import.
    catches(rule, "shared/src/effects/list/nudge.rs", "\nuse crate::effects::subject::message::Message;", 2);
    catches(rule, "shared/src/effects/subject/payment.rs", "use crate::effects::work::newest::SAID_MEANWHILE;", 1);
    catches(rule, "shared/src/effects/work/shared_call.rs", "use crate::effects::intake::campaign::Campaign;", 1);
    catches(rule, "shared/src/effects/inbound/mod.rs", "use super::operate::audit::Audit;", 1);
    catches(rule, "shared/src/effects/records/report.rs", "use crate::effects::subject::Subject;", 1);
    catches(rule, "shared/src/effects/work/claim.rs", "use crate::effects::WorkList;", 1);
    catches(rule, "shared/src/effects/attic/mod.rs", "use crate::effects::list::WorkList;", 1);
    allows(rule, "shared/src/effects/intake/refund.rs", "use crate::effects::{list::WorkList, subject, work::claim};");
    allows(rule, "shared/src/effects/mod.rs", "mod sweep; pub use sweep::Swept; pub use intake::Known;");
    // By call.
    let cancel = "impl WorkList { pub(crate) async fn call_off(&self) {} fn own(&self) {} }";
    let call = |path: &str, text: &str| {
        rule(&beside("shared/src/effects/intake/cancel.rs", cancel).and(beside(path, text))).len()
    };
    assert_eq!(call("shared/src/effects/work/commit.rs", "impl WorkList { fn f(&self) { self.call_off().await } }"), 1);
    assert_eq!(call("shared/src/effects/inbound/apply.rs", "fn f(list: &WorkList) { list.call_off() }"), 1);
    assert_eq!(call("shared/src/effects/subject/read.rs", "fn f() { WorkList::call_off(list) }"), 1);
    assert_eq!(call("shared/src/effects/intake/refund.rs", "impl WorkList { fn f(&self) { self.call_off() } }"), 0);
    assert_eq!(call("shared/src/effects/work/commit.rs", "impl WorkList { fn f(&self) { self.own() } }"), 0);
    assert_eq!(call("shared/src/effects/work/commit.rs", "impl Gateway { fn f(&self) { self.call_off() } }"), 0);
}

#[test]
fn inside_a_room_of_the_work_list_there_is_no_circle() {
    let rule = floors::no_circle_inside_a_room_of_the_work_list;
    holds(rule);
    let circle = |first: &str, second: &str| {
        let first = beside("shared/src/effects/work/claim.rs", first);
        rule(&first.and(beside("shared/src/effects/work/settle.rs", second))).len()
    };
    let names = "use crate::effects::work::settle::Settled;";
    assert_eq!(circle(names, "use super::claim::Claimed;"), 2);
    assert_eq!(circle(names, ""), 0);
    let calls = "impl WorkList { pub fn claim(&self) { self.settle() } }";
    assert_eq!(circle(calls, "impl WorkList { pub fn settle(&self) { self.claim() } }"), 2);
    assert_eq!(circle(calls, "impl WorkList { pub fn settle(&self) { claim() } }"), 0);
    assert_eq!(circle(names, "impl WorkList { pub fn settle(&self) { self.claim() } }"), 0);
    assert_eq!(circle(&format!("{names} {calls}"), "impl WorkList { pub fn settle(&self) { self.claim() } }"), 2);
}

/// How many files of the work list may know that there are pickups, besides their own and the door by which they come: the
/// kinds, what can be said of one, and the questions that every object answers.
const FILES_THAT_NAME_A_SUBJECT_MAX: usize = 3;

#[test]
fn few_files_of_the_work_list_know_one_kind_of_object() {
    let root = contract::workspace_root();
    let files = walkdir::WalkDir::new(root.join("shared/src/effects")).sort_by_file_name().into_iter();
    let own = ["subject/pickup.rs", "intake/pickup.rs"];
    let mut naming = Vec::new();
    for file in files.map(Result::unwrap).filter(|file| file.path().extension().is_some_and(|e| e == "rs")) {
        let path = file.path().to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(file.path()).unwrap();
        if !own.iter().any(|own| path.ends_with(own)) && names_pickups(&text) {
            naming.push(path);
        }
    }
    assert!(naming.len() <= FILES_THAT_NAME_A_SUBJECT_MAX, "{naming:#?}");
    assert!(!naming.is_empty(), "nobody names pickups: the count counts nothing");
    assert!(names_pickups("match kind {\n    Kind::PickupCreate => 1,\n}"));
    assert!(names_pickups("fn f() { item.text(\"pickup\") }"));
    assert!(!names_pickups(
        "// pickups\nmod pickup;\npub use pickup::PickupCreated;\npub use subject::{\n    pickup,\n};\n"
    ));
}

/// Whether a source's code says so; that a module is there, or is shown to those outside, does not count.
fn names_pickups(text: &str) -> bool {
    let mut is_use = false;
    text.lines().map(str::trim_start).any(|line| {
        let is_module = line.split(' ').take(2).any(|word| word == "mod") && line.ends_with(';');
        is_use = is_use || line.starts_with("pub use ");
        let counts = !is_use && !is_module && !line.starts_with("//");
        is_use = is_use && !line.ends_with(';');
        counts && line.to_lowercase().contains("pickup")
    })
}
