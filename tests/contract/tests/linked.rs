//! What Cargo links. Which crates may not be linked into a function: `deny.toml` says the same to whoever uses cargo-deny;
//! this test needs nothing but Cargo, and looks at what Cargo links for each function alone. And which targets are not
//! linked with a test harness, because they have no tests.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use contract::linked::{TARGETS, functions, linked, parsed};
use serde_json::Value;
use walkdir::WalkDir;

/// Two are missing here though they should never run: rustls-native-certs and rustls-platform-verifier. reqwest brings
/// them with every TLS feature they have; the layering test and clippy.toml see to it that
/// nobody calls them, and deny.toml that nobody else brings them.
///
/// Name, the versions that are meant (a prefix; empty for all), why.
const FORBIDDEN: [(&str, &str, &str); 25] = [
    ("aws-lc-rs", "", "its entropy source costs 29 ms of CPU at the first handshake, and it adds 4 MB; ring does it"),
    ("aws-lc-sys", "", "see aws-lc-rs"),
    ("aws-lc-fips-sys", "", "see aws-lc-rs"),
    ("openssl-sys", "", "a C library to ship; rustls with ring does it"),
    ("native-tls", "", "see openssl-sys"),
    ("rustls", "0.21.", "a second TLS stack beside rustls 0.23"),
    ("hyper", "0.14.", "a second HTTP stack beside hyper 1"),
    ("h2", "0.3.", "see hyper 0.14"),
    ("aws-config", "", "the default credential chain is not used; settings come from the environment"),
    (
        "icu_normalizer",
        "",
        "tables for host names beyond ASCII, 50 kB of each zip: `cargo update -p idna_adapter --precise 1.0.0`",
    ),
    ("sandbox", "", "the vendors' simulators are for tests"),
    ("simulation", "", "for tests"),
    ("contract", "", "for tests"),
    ("local", "", "the local stack's runner"),
    ("crossdock-cli", "", "the local stack's neighbour: the operator's program"),
    ("timeline", "", "the local stack's and the operator's drawing"),
    ("bench", "", "for measuring"),
    ("bench-functions", "", "for measuring"),
    ("aws-smithy-http-client", "", "the SDK goes over our own HTTP client: a second connector was 400 kB of each zip"),
    ("axum", "", "only the sandbox's server needs it"),
    ("dynoxide-rs", "", "the embedded DynamoDB emulator is for tests"),
    ("jsonschema", "", "for tests"),
    ("proptest", "", "for tests"),
    ("clap", "", "the local stack's runner"),
    ("indicatif", "", "the local stack's runner"),
];

/// Those that may not be there, with the reason.
fn forbidden(linked: &[(String, String)]) -> Vec<String> {
    let reason = |name: &str, version: &str| {
        let meant = FORBIDDEN.iter().find(|(banned, versions, _)| *banned == name && version.starts_with(versions));
        meant.map(|(_, _, reason)| *reason)
    };
    let named =
        linked.iter().filter_map(|(name, version)| Some(format!("{name} {version}: {}", reason(name, version)?)));
    named.collect()
}

#[test]
fn no_function_links_a_crate_that_costs_more_than_it_gives_or_is_for_tests() {
    let mut found = Vec::new();
    for function in functions() {
        for target in TARGETS {
            let linked = linked(&function, target);
            assert!(linked.len() > 1, "cargo tree named no dependency of {function}");
            let why = "; `cargo tree -i <crate> -p <function> -e normal` says who brings it";
            found.extend(forbidden(&linked).iter().map(|what| format!("{function} ({target}) links {what}{why}")));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_forbidden_crate_is_found_and_its_allowed_version_is_not() {
    let tree =
        "sweeper v0.1.0 (/src/functions/sweeper)\nrustls v0.21.12\nrustls v0.23.46\nhyper v1.6.0 (*)\naxum v0.8.9\n";
    let found = forbidden(&parsed(tree));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().any(|what| what.starts_with("rustls 0.21.12: ")));
    assert!(found.iter().any(|what| what.starts_with("axum 0.8.9: ")));
}

#[test]
fn deny_toml_bans_the_same_crates() {
    let text = std::fs::read_to_string(contract::workspace_root().join("deny.toml")).unwrap();
    // What only tests and the local stack use is in the lock file rightly, so cargo-deny cannot ban it.
    let for_tests = |reason: &str| {
        ["for tests", "for measuring", "the sandbox's", "local stack's"].iter().any(|what| reason.contains(what))
    };
    for (name, versions, reason) in FORBIDDEN.iter().filter(|(_, _, reason)| !for_tests(reason)) {
        let version = versions.trim_end_matches('.');
        let spec = if version.is_empty() { (*name).to_owned() } else { format!("{name}@{version}") };
        assert!(text.contains(&format!("crate = \"{spec}\"")), "deny.toml does not ban {spec}: {reason}");
    }
}

/// What a manifest leaves out of `cargo test`: the folder of a package's sources, and its targets (source file, whether it
/// is tested, whether its examples are).
struct Package {
    folder: PathBuf,
    targets: Vec<(PathBuf, bool, bool)>,
}

fn packages() -> Vec<Package> {
    let metadata = Command::new(env!("CARGO"))
        .current_dir(contract::workspace_root())
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let path = |value: &Value| PathBuf::from(value.as_str().unwrap());
    let of_sources = |target: &&Value| target["kind"] != serde_json::json!(["test"]);
    let target = |target: &Value| (path(&target["src_path"]), target["test"] == true, target["doctest"] == true);
    let package = |package: &Value| Package {
        folder: path(&package["manifest_path"]).parent().unwrap().join("src"),
        targets: package["targets"].as_array().unwrap().iter().filter(of_sources).map(target).collect(),
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = WalkDir::new(folder).into_iter().filter_map(Result::ok).map(walkdir::DirEntry::into_path);
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The lines of a source in which a test begins.
fn tests(file: &Path) -> Vec<String> {
    let begins = |line: &str| ["#[test]", "#[tokio::test", "proptest!"].iter().any(|word| line.starts_with(word));
    named(file, |line| begins(line))
}

/// The lines of a source in which an example begins that rustdoc would run: it names no other language.
fn examples(file: &Path) -> Vec<String> {
    let mut inside = false;
    named(file, |line| {
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")).map(str::trim_start);
        let Some(language) = comment.and_then(|text| text.strip_prefix("```")) else { return false };
        inside = !inside;
        inside && !["text", "sh", "json"].contains(&language)
    })
}

fn named(file: &Path, mut is_such: impl FnMut(&str) -> bool) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let found = text.lines().enumerate().filter(|(_, line)| is_such(line.trim()));
    found.map(|(number, line)| format!("{}:{}: {}", file.display(), number + 1, line.trim())).collect()
}

/// A target without tests costs a link each time, so its manifest says `test = false`; a test that somebody writes there
/// later would never run.
#[test]
fn what_is_left_out_of_cargo_test_has_nothing_to_run() {
    let mut found = Vec::new();
    for Package { folder, targets } in packages() {
        let untested = targets.iter().filter(|(_, tested, _)| !tested);
        found.extend(untested.clone().flat_map(|(file, ..)| tests(file)));
        if untested.count() == targets.len() {
            found.extend(sources(&folder).iter().flat_map(|file| tests(file)));
        }
        if targets.iter().all(|(.., documented)| !documented) {
            found.extend(sources(&folder).iter().flat_map(|file| examples(file)));
        }
    }
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "their manifests say `test = false` or `doctest = false`:\n{}", found.join("\n"));
}
