//! Third-party crates have the same features in every call of cargo that builds for this machine, so that each is compiled
//! once: by `cargo test`, for `cargo simulate`, for the local stack, its functions and the operator's program.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::LazyLock;

/// What the local stack builds in one call, beside the functions: infra/local/src/functions.rs.
const BESIDE_FUNCTIONS: [&str; 3] = ["sandbox", "crossdock-cli", "one-build"];
/// Programs that an alias of cargo (.cargo/config.toml) builds alone.
const ALONE: [&str; 3] = ["simulation", "local", "crossdock-cli"];

/// Third-party crates that cargo builds for these arguments: name, version and features of each.
fn third_party(selection: &[&str], edges: &str) -> BTreeSet<String> {
    let root = contract::workspace_root();
    let tree = Command::new(env!("CARGO"))
        .current_dir(&root)
        .args(["tree", "--quiet", "--edges", edges, "--prefix", "none", "--format", "{p} [{f}]"])
        .args(selection)
        .output()
        .unwrap();
    assert!(tree.status.success(), "cargo tree: {}", String::from_utf8_lossy(&tree.stderr));
    let ours = format!("({}", root.canonicalize().unwrap().display());
    let text = String::from_utf8_lossy(&tree.stdout).into_owned();
    // What was shown before, with what is below it, is marked and not shown again.
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
    lines.filter(|line| !line.is_empty() && !line.contains(&ours)).map(str::to_owned).collect()
}

static OF_WORKSPACE: LazyLock<BTreeSet<String>> = LazyLock::new(|| third_party(&["--workspace"], "normal,build,dev"));

#[track_caller]
fn is_compiled_once(packages: &[&str]) {
    let selection: Vec<&str> = packages.iter().flat_map(|name| ["--package", name]).collect();
    let asked = third_party(&selection, "normal,build");
    assert!(!asked.is_empty());
    let again: Vec<String> = asked.difference(&OF_WORKSPACE).cloned().collect();
    assert!(
        again.is_empty(),
        "compiled a second time for {packages:?}, with features that the workspace does not have. Give \
         infra/one-build/Cargo.toml the features that are missing:\n{}",
        again.join("\n")
    );
}

#[test]
fn the_functions_of_the_local_stack_use_the_crates_that_the_tests_have_compiled() {
    let functions: Vec<String> = std::fs::read_dir(contract::workspace_root().join("functions"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .collect();
    let packages: Vec<&str> = functions.iter().map(String::as_str).chain(BESIDE_FUNCTIONS).collect();
    is_compiled_once(&packages);
}

#[test]
fn simulation_local_stack_and_operators_program_use_the_crates_that_the_tests_have_compiled() {
    for package in ALONE {
        is_compiled_once(&[package]);
    }
}

#[test]
fn a_package_that_asks_for_other_features_is_noticed() {
    let alone = third_party(&["--package", "health"], "normal,build");
    assert!(alone.difference(&OF_WORKSPACE).any(|line| line.starts_with("tokio v")));
}
