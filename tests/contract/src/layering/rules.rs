//! The rules, one function each: what breaks it, in the order of the files.
//!
//! They look at what is shipped, `shared/src` and `functions/*/src`, unless they say otherwise; the tests and the
//! local runner may reach everything.

use super::{Name, Source, Tree, Violation};

const SHARED: &str = "shared/src/";
const VENDORS: &str = "shared/src/vendors/";
const FUNCTIONS: &str = "functions/";

/// The layers of the shared crate, the innermost first: each may name itself and those before it. Those of one layer stand
/// beside each other and do not name each other.
const LAYERS: [&[&str]; 8] = [
    &["domain"],
    &["world"],
    &["aws"],
    &["gateway"],
    &["effects"],
    &["vendors"],
    &["payments", "shipping", "messages", "alerts"],
    &["lambda"],
];

/// The crates of tests, of the local stack and of people's tools.
const NOT_SHIPPED: [&str; 9] =
    ["sandbox", "simulation", "contract", "e2e", "local", "bench", "bench-functions", "crossdock-cli", "timeline"];

/// Inside the shared crate arrows go only inwards, and `error` and the telemetry's names stay below everything.
pub fn layers_name_only_inwards(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Who may name whom: lambda → payments, shipping, messages, alerts → vendors → effects → gateway → aws → world → \
        domain, only to the right; error and telemetry name nothing further out than domain";
    find(tree, REASON, |source, name| {
        let Some(own) = source.room(SHARED).filter(|_| name.starts_with(&["crate"]) && name.path.len() > 1) else {
            return false;
        };
        let other = name.path[1].as_str();
        let own_rank = match own {
            "error" | "telemetry" => rank("domain"),
            own => rank(own),
        };
        let is_beside = own != other && rank(own).is_some() && rank(own) == rank(other);
        // lib.rs only declares the modules; a glob over the crate's root would hide who is meant.
        match (own_rank, rank(other)) {
            (Some(own_rank), Some(other_rank)) => other_rank > own_rank || is_beside,
            (Some(_), None) => other == "*",
            (None, _) => false,
        }
    })
}

/// The domain names only itself, `error`, and the guards' names.
pub fn the_domain_names_only_error(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "The domain is the innermost layer: it may name nothing of the crate but error";
    find(tree, REASON, |source, name| {
        source.room(SHARED) == Some("domain")
            && matches!(parts(name).as_slice(), ["crate", other, ..] if !["domain", "error", "guard"].contains(other))
    })
}

/// The domain has no async and no I/O.
pub fn the_domain_is_pure(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "The domain is pure: no async, no runtime, no files, sockets, threads or environment";
    const CRATES: [&str; 4] = ["tokio", "futures_util", "reqwest", "tracing"];
    const STD: [&str; 8] = ["fs", "net", "io", "process", "env", "thread", "os", "future"];
    find(tree, REASON, |source, name| {
        source.room(SHARED) == Some("domain")
            && match parts(name).as_slice() {
                ["async"] => true,
                [first, _, ..] if CRATES.contains(first) => true,
                ["std", second, ..] => STD.contains(second),
                _ => false,
            }
    })
}

/// Beyond its field names, telemetry is for the edge.
pub fn only_the_edge_names_telemetry_itself(tree: &Tree) -> Vec<Violation> {
    const REASON: &str =
        "Only lambda/ and the functions start telemetry; everybody else may name its fields and its metrics only";
    find(tree, REASON, |source, name| {
        !source.is_in(&[
            "shared/src/lambda/",
            "shared/src/lambda.rs",
            "shared/src/telemetry/",
            "shared/src/telemetry.rs",
        ]) && source.is_in(&[SHARED])
            && match parts(name).as_slice() {
                ["crate", "telemetry", rest @ ..] => !matches!(rest.first(), Some(&"fields" | &"metrics")),
                _ => false,
            }
    })
}

/// The AWS SDK stays in one folder. The client of the one service that only one function writes to is that function's, so that no
/// other links it.
pub fn only_aws_names_the_aws_sdk(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Only shared/src/aws/ names the AWS SDK, so that its types never leave that folder";
    const SDK: [&str; 7] =
        ["aws_sdk_", "aws_smithy_", "aws_credential_types", "aws_sigv4", "aws_config", "aws_types", "serde_dynamo"];
    find(tree, REASON, |source, name| {
        shipped(source)
            && source.room(SHARED) != Some("aws")
            && !(source.path == "functions/secret-rotator/src/versions.rs"
                && first_of_path(name) == Some("aws_sdk_secretsmanager"))
            && first_of_path(name).is_some_and(|first| SDK.iter().any(|sdk| first.starts_with(sdk)))
    })
}

/// One file of `world` holds the vendors' HTTP client: the first there that names reqwest. Every other one breaks the
/// rule.
pub fn one_file_names_reqwest(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Only one file, the real Http of world, names reqwest: one client, one way out";
    let named = find(tree, REASON, |source, name| shipped(source) && first_of_path(name) == Some("reqwest"));
    let is_seam = |violation: &Violation| violation.path.starts_with("shared/src/world");
    let seam = named.iter().find(|violation| is_seam(violation)).map(|violation| violation.path.clone());
    named.into_iter().filter(|violation| Some(&violation.path) != seam.as_ref()).collect()
}

/// The Lambda runtime is the edge's.
pub fn only_the_edge_names_the_lambda_crates(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Only shared/src/lambda/ and a function's main.rs name the lambda crates";
    const CRATES: [&str; 3] = ["lambda_runtime", "lambda_http", "aws_lambda_events"];
    find(tree, REASON, |source, name| {
        let edge = source.room(SHARED) == Some("lambda") || is_main(source);
        shipped(source) && !edge && first_of_path(name).is_some_and(|first| CRATES.contains(&first))
    })
}

/// Vendors are strangers to each other.
pub fn vendors_name_no_other_vendor(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "A vendor's folder never names another vendor's: one can be added or removed alone";
    let folders: Vec<&str> = tree
        .sources
        .iter()
        .filter_map(|source| source.path.strip_prefix(VENDORS)?.split_once('/').map(|(vendor, _)| vendor))
        .collect();
    find(tree, REASON, |source, name| {
        let Some((own, _)) = source.path.strip_prefix(VENDORS).and_then(|below| below.split_once('/')) else {
            return false;
        };
        match parts(name).as_slice() {
            ["crate", "vendors", other, ..] => *other != own && (folders.contains(other) || *other == "*"),
            _ => false,
        }
    })
}

/// Vendors reach the table and the queues through the work list only.
pub fn vendors_never_name_aws(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Vendors never name aws: what is kept and when is the work list's business";
    find(tree, REASON, |source, name| {
        source.is_in(&[VENDORS, "shared/src/vendors.rs"]) && name.starts_with(&["crate", "aws"])
    })
}

/// The environment is read in one place.
pub fn only_the_configuration_reads_the_environment(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Only shared/src/lambda/config.rs reads the environment, once, into typed values";
    find(tree, REASON, |source, name| {
        shipped(source)
            && !source.is_in(&["shared/src/lambda/config.rs", "shared/src/lambda/config/"])
            && name.starts_with(&["std", "env"])
    })
}

/// Time, randomness and sockets come from `world`.
pub fn only_world_reads_a_clock_draws_a_number_or_opens_a_socket(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Clocks, randomness and sockets are world's three seams: a run must replay from one seed";
    const CALLS: [&[&str]; 11] = [
        &["SystemTime", "now"],
        &["Instant", "now"],
        &["OffsetDateTime", "now_utc"],
        &["OffsetDateTime", "now_local"],
        &["UtcDateTime", "now"],
        &["Utc", "now"],
        &["Local", "now"],
        &["thread", "sleep"],
        &["Ulid", "new"],
        &["Ulid", "generate"],
        &["SystemRandom", "new"],
    ];
    const TYPES: [&str; 8] = [
        "TcpStream",
        "TcpListener",
        "TcpSocket",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "RandomState",
        "ThreadRng",
    ];
    const CRATES: [&str; 5] = ["rand", "fastrand", "getrandom", "uuid", "hyper"];
    find(tree, REASON, |source, name| {
        let world = source.is_in(&["shared/src/world.rs", "shared/src/world/"]);
        shipped(source)
            && !world
            && (CALLS.iter().any(|call| name.ends_with(call))
                || name.starts_with(&["tokio", "time"])
                || name.starts_with(&["tokio", "net"])
                || name.path.iter().any(|part| TYPES.contains(&part.as_str()))
                || first_of_path(name).is_some_and(|first| CRATES.contains(&first)))
    })
}

/// Certificates are embedded. The crates that scan the system for them are linked all the same, for reqwest brings
/// them; clippy.toml bans the methods that this rule cannot see.
pub fn nobody_scans_the_systems_certificates(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Roots are embedded: scanning the system's certificates was 93 % of all init instructions";
    const CRATES: [&str; 3] = ["rustls_native_certs", "rustls_platform_verifier", "openssl_probe"];
    find(tree, REASON, |source, name| {
        shipped(source) && first_of_path(name).is_some_and(|first| CRATES.contains(&first))
    })
}

/// The simulators are written from the vendor's side.
pub fn the_sandbox_never_names_crossdock(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "The sandbox never names crossdock, or one mistake would sit on both sides of a green test";
    let mut all = find(tree, REASON, |source, name| {
        source.is_in(&["tests/sandbox/"]) && first_of_path(name) == Some("crossdock")
    });
    all.extend(dependencies(tree, REASON, |path, name| path == "tests/sandbox/Cargo.toml" && name == "crossdock"));
    all
}

/// A function stands alone.
pub fn functions_name_no_other_function(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Functions never name each other: they meet at queues and at the table";
    let functions = functions(tree);
    let mut all = find(tree, REASON, |source, name| {
        let own = source.path.strip_prefix(FUNCTIONS).and_then(|below| below.split('/').next());
        let other = first_of_path(name).map(|first| first.replace('_', "-"));
        matches!((own, other), (Some(own), Some(other)) if own != other && functions.contains(&other.as_str()))
    });
    all.extend(dependencies(tree, REASON, |path, name| {
        path.starts_with(FUNCTIONS) && functions.contains(&name) && !path.starts_with(&format!("{FUNCTIONS}{name}/"))
    }));
    all
}

/// What is shipped knows nothing of tests, and the shared crate nothing of functions.
pub fn nothing_shipped_names_functions_or_tests(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "Nothing names functions or tests: arrows only to the right";
    let functions = functions(tree);
    let outward = |path: &str, name: &str| {
        let from_shared = path.starts_with("shared/") && functions.contains(&name);
        let from_shipped = path.starts_with("shared/") || path.starts_with(FUNCTIONS);
        from_shared || from_shipped && NOT_SHIPPED.contains(&name)
    };
    let mut all = find(tree, REASON, |source, name| {
        shipped(source) && first_of_path(name).is_some_and(|first| outward(&source.path, &first.replace('_', "-")))
    });
    all.extend(dependencies(tree, REASON, outward));
    all
}

/// The violations among all names of all sources.
fn find(tree: &Tree, reason: &'static str, breaks: impl Fn(&Source, &Name) -> bool) -> Vec<Violation> {
    let mut found = Vec::new();
    for source in &tree.sources {
        let breaking = source.names.iter().filter(|name| breaks(source, name));
        found.extend(breaking.map(|name| Violation {
            path: source.path.clone(),
            line: name.line,
            named: name.spelled(),
            reason,
        }));
    }
    found.sort();
    found.dedup();
    found
}

/// The violations among all manifests' dependencies, told by the manifest's path and the dependency's name.
fn dependencies(tree: &Tree, reason: &'static str, breaks: impl Fn(&str, &str) -> bool) -> Vec<Violation> {
    let mut found = Vec::new();
    for manifest in &tree.manifests {
        let breaking = manifest.dependencies.iter().filter(|(_, name)| breaks(&manifest.path, name));
        found.extend(breaking.map(|(line, name)| Violation {
            path: manifest.path.clone(),
            line: *line,
            named: name.clone(),
            reason,
        }));
    }
    found
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&layer))
}

fn parts(name: &Name) -> Vec<&str> {
    name.path.iter().map(String::as_str).collect()
}

/// The crate that a path begins with. A single word outside of a `use` may be anything, a variable for instance.
fn first_of_path(name: &Name) -> Option<&str> {
    (name.path.len() > 1 || name.imported).then(|| name.path[0].as_str())
}

/// Whether it ends up in a function: `shared/src`, and each function's `src`.
fn shipped(source: &Source) -> bool {
    source.path.starts_with(SHARED) || source.path.starts_with(FUNCTIONS) && source.path.contains("/src/")
}

fn is_main(source: &Source) -> bool {
    source.path.starts_with(FUNCTIONS) && source.path.ends_with("/src/main.rs")
}

/// The functions' folders, which are their crates' names too.
fn functions(tree: &Tree) -> Vec<&str> {
    let paths =
        tree.manifests.iter().map(|manifest| &manifest.path).chain(tree.sources.iter().map(|source| &source.path));
    paths.filter_map(|path| path.strip_prefix(FUNCTIONS)?.split('/').next()).collect()
}
