//! What runs on a server: workflows have few rights and fixed actions, a night has a million schedules, and a shard that was
//! interrupted goes on where it stopped. Their schemas are checked by .ci/run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use contract::workspace_root;
use serde_json::Value;

/// Schedules of a night.
const A_NIGHT: u64 = 1_000_000;
/// Schedules of a shard: about an hour of two cores.
const A_SHARD: u64 = 50_000;

fn workflow(name: &str) -> Value {
    let text = fs::read_to_string(workspace_root().join(".github/workflows").join(name)).unwrap();
    serde_yaml_ng::from_str(&text).unwrap()
}

fn workflows() -> Vec<(String, Value)> {
    let entries = fs::read_dir(workspace_root().join(".github/workflows")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), workflow(&name))).collect()
}

fn steps(workflow: &Value) -> impl Iterator<Item = &Value> {
    workflow["jobs"].as_object().unwrap().values().flat_map(|job| job["steps"].as_array().unwrap())
}

/// A tag can be moved to another commit, a commit cannot.
#[test]
fn every_action_is_fixed_to_a_commit() {
    for (name, workflow) in workflows() {
        for uses in steps(&workflow).filter_map(|step| step["uses"].as_str()) {
            let commit = uses.split_once('@').map_or("", |(_, at)| at);
            let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit, "{name}: {uses} is not fixed to a commit");
        }
    }
}

#[test]
fn workflows_only_read_but_for_the_one_job_that_publishes() {
    for (name, workflow) in workflows() {
        let top = workflow["permissions"].as_object().unwrap_or_else(|| panic!("{name} has no permissions"));
        assert!(top.values().all(|right| right == "read"), "{name}: {top:?}");
        for (job, told) in workflow["jobs"].as_object().unwrap() {
            let Some(rights) = told["permissions"].as_object() else { continue };
            for (what, right) in rights {
                let may_write = name == "release.yml" && job == "publish" && what == "contents";
                assert!(right == "read" || may_write, "{name}: {job} may {right} {what}");
            }
        }
        for step in
            steps(&workflow).filter(|step| step["uses"].as_str().is_some_and(|uses| uses.contains("/checkout@")))
        {
            assert_eq!(step["with"]["persist-credentials"], false, "{name} leaves its token behind");
        }
    }
}

/// Text from outside, put into a script as it is, would be run.
#[test]
fn no_script_has_an_expression_in_it() {
    for (name, workflow) in workflows() {
        for script in steps(&workflow).filter_map(|step| step["run"].as_str()) {
            assert!(!script.contains("${{"), "{name}: give it to the script as a variable: {script}");
        }
    }
}

#[test]
fn ci_runs_what_decides_everywhere_and_asks_for_advisories() {
    let ci = workflow("ci.yml");
    let runs = |what: &str| steps(&ci).filter_map(|step| step["run"].as_str()).any(|run| run.contains(what));
    assert!(runs(".ci/run") && runs("cargo deny --locked check advisories"));
    let run = fs::read_to_string(workspace_root().join(".ci/run")).unwrap();
    for what in ["check bans licenses sources", "validate --lint", "cfn-lint", "vendor.github-workflows"] {
        assert!(run.contains(what), ".ci/run has no {what}");
    }
    assert!(run.contains("skipped: cargo-deny is not installed"));
}

#[test]
fn a_night_has_a_million_schedules_in_shards() {
    let nightly = workflow("nightly.yml");
    let shards = nightly["jobs"]["schedules"]["strategy"]["matrix"]["shard"].as_array().unwrap();
    let expected: Vec<Value> = (0..A_NIGHT / A_SHARD).map(Value::from).collect();
    assert_eq!(*shards, expected);
    assert_eq!(nightly["env"]["SHARD_SCHEDULES"], A_SHARD);
}

#[test]
fn a_release_has_what_the_template_deploys() {
    let text = fs::read_to_string(workspace_root().join(".github/workflows/release.yml")).unwrap();
    let template = fs::read_to_string(workspace_root().join("template.yaml")).unwrap();
    let (_, architectures) = template.split_once("AllowedValues: [arm64, x86_64]").unwrap();
    assert!(!architectures.is_empty());
    for what in ["architecture: arm64", "architecture: x86_64", "target/lambda/*/bootstrap", "sha256sum", "cyclonedx"] {
        assert!(text.contains(what), "release.yml has no {what}");
    }
    for code in template.lines().filter_map(|line| line.trim().strip_prefix("CodeUri: ")) {
        let function = code.trim_start_matches("target/lambda/").trim_end_matches('/');
        assert!(workspace_root().join("functions").join(function).is_dir(), "{code} is not what release.yml builds");
    }
}

/// What is released is built with the oldest Rust that works. Elsewhere any newer one will do: a fixed version cannot be
/// fetched on every machine.
#[test]
fn workflows_build_with_the_rust_that_the_manifests_ask_for() {
    let root = workspace_root();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let oldest = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    for (name, workflow) in workflows() {
        let version = workflow["env"]["RUSTUP_TOOLCHAIN"].as_str().unwrap_or_default();
        assert_eq!(version, format!("{oldest}.0"), "{name}");
    }
    assert!(fs::read_to_string(root.join("rust-toolchain.toml")).unwrap().contains("channel = \"stable\""));
    assert!(fs::read_to_string(root.join("README.md")).unwrap().contains(&format!("Rust {oldest} or newer")));
}

/// A program in place of `cargo simulate`: notes what it was asked for, and does with some seeds what `script` says.
fn pretend(folder: &Path, script: &str) -> String {
    let program = folder.join("simulate");
    let text = format!("#!/usr/bin/env bash\necho \"$2 $4\" >>{}\n{script}\n", folder.join("asked").display());
    fs::write(&program, text).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program.to_str().unwrap().to_owned()
}

fn run(folder: &Path, simulate: &str, first: u64, count: u64) -> Output {
    let mut command = Command::new(workspace_root().join(".ci/schedules"));
    command.args([first.to_string(), count.to_string()]).arg(folder.join("done"));
    command.env("CROSSDOCK_SIMULATE", simulate).env("CROSSDOCK_SCHEDULES_STEP", "10").output().unwrap()
}

fn asked(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("asked")).unwrap().lines().map(str::to_owned).collect()
}

fn empty_folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("crossdock-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_shard_that_was_interrupted_goes_on_where_it_stopped() {
    let folder = empty_folder("shard");
    let ended = run(&folder, &pretend(&folder, "[ \"$2\" != 110 ] || exit 137"), 100, 25);
    assert_eq!(ended.status.code(), Some(137));
    let whole = run(&folder, &pretend(&folder, ""), 100, 25);
    assert!(whole.status.success());
    assert_eq!(asked(&folder), ["100 10", "110 10", "110 10", "120 5"]);
    // All is done: nothing is run again. Another shard's folder is refused.
    assert!(run(&folder, &pretend(&folder, ""), 100, 25).status.success());
    assert_eq!(asked(&folder).len(), 4);
    assert_eq!(run(&folder, &pretend(&folder, ""), 500, 25).status.code(), Some(2));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_schedule_that_failed_fails_its_shard_after_all_others_were_run_also_when_it_is_repeated() {
    let folder = empty_folder("failing-shard");
    let simulate = pretend(&folder, "[ \"$2\" != 0 ] || { echo 'seed 3: two charges'; exit 1; }");
    for _ in 0..2 {
        let failed = run(&folder, &simulate, 0, 20);
        assert_eq!(failed.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&failed.stderr).contains("seed 3: two charges"));
    }
    assert_eq!(asked(&folder), ["0 10", "10 10"]);
    fs::remove_dir_all(folder).unwrap();
}
