//! The packages that Crossdock is made of: into which function Cargo links each, and in which one it is used. The table is printed
//! by `cargo test -p contract --test packages -- --nocapture`.
//!
//! Linked is what Cargo says of each function. Used is what the sources say: a line of the function that opens a door of the
//! shared crate, and a line behind that door that names the package.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and one shows a table"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use contract::linked::{TARGETS, functions, linked};
use contract::workspace_root;
use walkdir::WalkDir;

/// Where the shared crate's parts are put together: most doors are methods of this file.
const SYSTEM: &str = "shared/src/lambda/system.rs";

/// How a function comes to use a package.
struct Door {
    opened: Opened,
    /// The file or folder behind it that names the package.
    leads_to: &'static str,
}

enum Opened {
    /// All of this stands in the function's own sources.
    By(&'static [&'static str]),
    /// The function calls a method of `System` that comes to this one.
    BySystem(&'static str),
}

const fn by(words: &'static [&'static str], leads_to: &'static str) -> Door {
    Door { opened: Opened::By(words), leads_to }
}

const fn by_system(method: &'static str, leads_to: &'static str) -> Door {
    Door { opened: Opened::BySystem(method), leads_to }
}

const HTTP_EDGE: &str = "shared/src/lambda/http/run.rs";
const BATCHES: &str = "shared/src/lambda/batch.rs";
const TABLE: &str = "shared/src/aws/table.rs";

/// Every package with its doors.
const PACKAGES: [(&str, &[Door]); 10] = [
    (
        "lambda_runtime",
        &[
            by(&["http::run("], HTTP_EDGE),
            by(&["http::run_at_door("], HTTP_EDGE),
            by(&["http::run_at_both("], HTTP_EDGE),
            by(&["batch::run("], BATCHES),
            by(&["schedule::run("], "shared/src/lambda/schedule.rs"),
            by(&["sns::run("], "shared/src/lambda/sns.rs"),
        ],
    ),
    (
        "lambda_http",
        &[
            by(&["http::run("], HTTP_EDGE),
            by(&["http::run_at_door("], HTTP_EDGE),
            by(&["http::run_at_both("], HTTP_EDGE),
        ],
    ),
    ("aws-sdk-sqs", &[by_system("queues", "shared/src/aws/queue.rs")]),
    ("aws-sdk-dynamodb", &[by_system("table", TABLE)]),
    // The one function that writes secrets; all others read them by signed requests of our own (decision 11).
    ("aws-sdk-secretsmanager", &[by(&["versions::client"], "functions/secret-rotator/src/versions.rs")]),
    ("aws_lambda_events", &[by(&["batch::run("], BATCHES)]),
    (
        "serde",
        &[
            by(&["http::run("], HTTP_EDGE),
            by(&["http::run_at_door("], HTTP_EDGE),
            by(&["http::run_at_both("], HTTP_EDGE),
            by_system("table", TABLE),
        ],
    ),
    // AWS is called through the same client as vendors.
    ("reqwest", &[by(&["System::start("], "shared/src/world/real.rs")]),
    (
        "hmac",
        &[
            by(&["vendors::stripe", "verify::verify("], "shared/src/vendors/stripe/verify.rs"),
            by(&["vendors::twilio", "verify::verify("], "shared/src/vendors/twilio/verify.rs"),
            by(&["vendors::fedex", "verify::verify("], "shared/src/vendors/fedex/verify.rs"),
            by(&["vendors::ups", "verify::verify("], "shared/src/vendors/ups/verify.rs"),
            // Addresses are stored under ids that only our own key makes.
            by_system("app_keys", "shared/src/effects/"),
            // Carriers' tokens are sealed.
            by_system("fedex", "shared/src/gateway/token/seal.rs"),
        ],
    ),
    ("tracing", &[by(&["System::start("], SYSTEM)]),
];

/// What a function has of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    Nothing,
    Linked,
    Used,
}

/// The sources below a folder, or of one file.
fn sources(place: &str) -> Vec<String> {
    let entries = WalkDir::new(workspace_root().join(place)).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "rs"));
    files.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect()
}

/// Whether a line of the text names the crate: a `use`, or a path that begins with it. Comments do not count.
fn names(text: &str, package: &str) -> bool {
    let path = format!("{}::", package.replace('-', "_"));
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| line.match_indices(&path).map(move |(at, _)| &line[..at]))
        .any(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
}

/// Each method of `System`, with all that it comes to.
fn methods() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(workspace_root().join(SYSTEM)).unwrap();
    let mut bodies = BTreeMap::new();
    for part in text.split("fn ").skip(1) {
        let name: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        bodies.insert(name, part.to_owned());
    }
    let calls = |name: &str| -> BTreeSet<String> {
        let called = bodies[name]
            .split("self.")
            .skip(1)
            .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>());
        called.filter(|called| bodies.contains_key(called)).collect()
    };
    let closed = bodies.keys().map(|name| {
        let mut all = BTreeSet::from([name.clone()]);
        let mut open = vec![name.clone()];
        while let Some(next) = open.pop() {
            open.extend(calls(&next).into_iter().filter(|called| all.insert(called.clone())));
        }
        (name.clone(), all)
    });
    closed.collect()
}

/// Whether the function's own text opens the door.
fn opens(door: &Door, own: &str, methods: &BTreeMap<String, BTreeSet<String>>) -> bool {
    match door.opened {
        Opened::By(words) => words.iter().all(|word| own.contains(word)),
        Opened::BySystem(method) => {
            let leading = methods.iter().filter(|(_, comes_to)| comes_to.contains(method));
            leading.map(|(name, _)| format!("system.{name}(")).any(|call| own.contains(&call))
        }
    }
}

/// Every function's own sources.
fn own_sources() -> BTreeMap<String, String> {
    let text = |function: &String| sources(&format!("functions/{function}/src")).join("\n");
    functions().into_iter().map(|function| (function.clone(), text(&function))).collect()
}

/// Each function with what it has of each package; Cargo is asked once.
static HAVING: LazyLock<BTreeMap<String, [Has; PACKAGES.len()]>> = LazyLock::new(|| {
    let methods = methods();
    let row = |(function, own): (String, String)| {
        let linked: BTreeSet<String> = linked(&function, TARGETS[0]).into_iter().map(|(name, _)| name).collect();
        let has = PACKAGES.map(|(package, doors)| {
            let used = names(&own, package) || doors.iter().any(|door| opens(door, &own, &methods));
            match (linked.contains(package), used) {
                (true, true) => Has::Used,
                (true, false) => Has::Linked,
                (false, false) => Has::Nothing,
                (false, true) => panic!("{function} uses {package}, and Cargo does not link it"),
            }
        });
        (function, has)
    };
    own_sources().into_iter().map(row).collect()
});

#[test]
fn each_package_is_linked_and_used_in_a_function_or_its_row_says_why_not() {
    let table = &*HAVING;
    let mut found = Vec::new();
    println!("\npackage: the functions in which it is used; those that only link it");
    for (column, (package, _)) in PACKAGES.iter().enumerate() {
        let having = |has: Has| -> Vec<&str> {
            table.iter().filter(|(_, row)| row[column] == has).map(|(function, _)| function.as_str()).collect()
        };
        let (used, linked) = (having(Has::Used), having(Has::Linked));
        let named = |functions: &[&str]| match functions.len() {
            0 => "none".to_owned(),
            all if all == table.len() => format!("all {all}"),
            _ => functions.join(", "),
        };
        println!("| {package} | used: {} | only linked: {} |", named(&used), named(&linked));
        if used.is_empty() {
            found.push(format!("{package} is used in no function"));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// A door that nobody opens, or behind which the package is not named, shows nothing.
#[test]
fn every_door_is_opened_and_leads_to_a_line_that_names_the_package() {
    let (own, methods) = (own_sources(), methods());
    for (package, doors) in &PACKAGES {
        for door in *doors {
            let (what, leads_to) = (
                match &door.opened {
                    Opened::By(words) => words.join(" and "),
                    Opened::BySystem(method) => {
                        assert!(methods.contains_key(*method), "{SYSTEM} has no method {method}");
                        format!("System::{method}")
                    }
                },
                door.leads_to,
            );
            assert!(own.values().any(|own| opens(door, own, &methods)), "{package}: no function opens {what}");
            assert!(Path::new(&workspace_root()).join(leads_to).exists(), "{package}: there is no {leads_to}");
            let is_named = sources(leads_to).iter().any(|text| names(text, package));
            assert!(is_named, "{package}: {leads_to} does not name it");
        }
    }
}

/// A constant handler needs no table; if everything were used everywhere, this test would show nothing.
#[test]
fn what_a_function_does_not_need_is_not_counted_as_used() {
    let table = &*HAVING;
    let column = |wanted: &str| PACKAGES.iter().position(|(package, _)| *package == wanted).unwrap();
    assert_eq!(table["health"][column("aws-sdk-dynamodb")], Has::Linked);
    assert_eq!(table["stripe-webhook"][column("aws-sdk-dynamodb")], Has::Linked);
    assert_eq!(table["stripe-webhook"][column("aws-sdk-sqs")], Has::Used);
    assert_eq!(table["payment-worker"][column("lambda_http")], Has::Linked);
    let linking: Vec<&String> = table
        .iter()
        .filter(|(_, row)| row[column("aws-sdk-secretsmanager")] != Has::Nothing)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(linking, ["secret-rotator"]);
    assert_eq!(table["secret-rotator"][column("aws-sdk-secretsmanager")], Has::Used);
}

#[test]
fn a_comment_or_another_crate_s_name_does_not_name_a_package() {
    assert!(names("use hmac::{Hmac, Mac};", "hmac") && names("let t = tracing::info!(\"x\");", "tracing"));
    assert!(
        !names("// hmac::Hmac", "hmac") && !names("use ring::hmac::Key;", "hmac") && !names("my_hmac::x()", "hmac")
    );
}
