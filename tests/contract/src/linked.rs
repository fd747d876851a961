//! What Cargo links into each function.

use std::process::Command;

use crate::workspace_root;

/// The platforms that functions are built for. The template's default is the first.
pub const TARGETS: [&str; 2] = ["aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"];

/// The functions: every folder with a manifest.
pub fn functions() -> Vec<String> {
    let folder = workspace_root().join("functions");
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let crates = entries.filter(|entry| entry.path().join("Cargo.toml").is_file());
    let mut names: Vec<String> = crates.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What Cargo links into a package on a target: no build, no test, no procedural-macro crates. Features are those that
/// this package alone asks for, as when it is built with `-p`.
///
/// # Panics
/// When Cargo cannot say it.
pub fn linked(package: &str, target: &str) -> Vec<(String, String)> {
    let tree = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        .args(["tree", "--quiet", "--package", package, "--target", target, "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "none", "--format", "{p}"])
        .output()
        .unwrap_or_else(|why| panic!("cargo tree: {why}"));
    assert!(tree.status.success(), "cargo tree -p {package}: {}", String::from_utf8_lossy(&tree.stderr));
    parsed(&String::from_utf8_lossy(&tree.stdout))
}

/// Lines like `ring v0.17.14 (*)`.
pub fn parsed(tree: &str) -> Vec<(String, String)> {
    let words = tree.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.trim_start_matches('v').to_owned()))
    });
    let mut crates: Vec<_> = words.collect();
    crates.sort();
    crates.dedup();
    crates
}
