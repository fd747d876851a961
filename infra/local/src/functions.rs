//! Builds the functions for this machine and lays them where the template expects them.
//!
//! Plain `cargo build`: the emulator runs a function as a process of this machine, so nothing is gained by building
//! for another glibc, and cargo alone knows what has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::folder::{home, project};
use crate::processes::Group;

/// Where cargo puts what it builds without `--release`. Tests and simulation are there too (see the workspace's Cargo.toml).
const PROFILE_FOLDER: &str = "debug";
/// Selected beside the functions, it gives third-party crates the features that they have in a build of the workspace.
const FEATURES: &str = "one-build";
/// Programs that the stack or its user starts beside the functions: the vendors' simulators, the operator's program.
const PROGRAMS: [&str; 2] = ["sandbox", "crossdock-cli"];

/// What a build leaves.
#[derive(Clone, Debug)]
pub(crate) struct Built {
    /// Cargo's target folder.
    target: PathBuf,
    /// The functions: folder, crate, program and package have the same name.
    functions: Vec<String>,
}

/// Builds every program that a stack needs, in one call; cargo's output goes to `log`. Nothing is built later, so that a
/// test never waits for a compiler.
pub(crate) async fn build(log: &Path) -> Result<Built> {
    let built = Built::before()?;
    if built.functions.is_empty() {
        bail!("no package was found in functions/");
    }
    // Not the workspace: the simulation's switch for guards must not be in a function.
    let packages = built.functions.iter().map(String::as_str).chain(PROGRAMS).chain([FEATURES]);
    cargo(packages.flat_map(|name| ["--package", name]), log).await?;
    built.strip()?;
    Ok(built)
}

impl Built {
    /// What an earlier [`build`] has left; nothing is built.
    pub(crate) fn before() -> Result<Self> {
        let metadata = metadata()?;
        let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
        Ok(Self { target: target.into(), functions: function_names(&metadata) })
    }

    /// The names of all functions.
    pub(crate) fn functions(&self) -> &[String] {
        &self.functions
    }

    /// The path of the operator's program.
    pub(crate) fn operators_program(&self) -> PathBuf {
        self.target.join(PROFILE_FOLDER).join("crossdock")
    }

    /// The path of the sandbox program.
    pub(crate) fn sandbox(&self) -> PathBuf {
        self.target.join(PROFILE_FOLDER).join("sandbox")
    }

    /// Takes the symbols out of the functions, as a release does: three quarters of what each stack packs, uploads and
    /// unpacks. A panic names its place without them. Where there is no `strip`, they stay in.
    fn strip(&self) -> Result<()> {
        fs::create_dir_all(stripped())?;
        for function in &self.functions {
            let program = self.target.join(PROFILE_FOLDER).join(function);
            // Renamed when it is whole: another stack may be laying it out.
            let beside = stripped().join(format!("{function}.{}", std::process::id()));
            let strip = Command::new("strip").arg("-o").arg(&beside).arg(&program).output();
            if !strip.is_ok_and(|done| done.status.success()) {
                fs::copy(&program, &beside).with_context(|| format!("cannot copy {}", program.display()))?;
            }
            fs::rename(&beside, stripped().join(function))?;
        }
        Ok(())
    }

    /// Lays every function below `deploy` as `cargo lambda build` does: `target/lambda/<function>/bootstrap`. A
    /// folder of its own, so that binaries of this machine never stand where a deployment to AWS looks for its own.
    pub(crate) fn lay_out(&self, deploy: &Path) -> Result<()> {
        for function in &self.functions {
            let folder = deploy.join("target/lambda").join(function);
            fs::create_dir_all(&folder)?;
            let bootstrap = folder.join("bootstrap");
            if bootstrap.exists() {
                fs::remove_file(&bootstrap)?;
            }
            let program = stripped().join(function);
            if fs::hard_link(&program, &bootstrap).is_err() {
                fs::copy(&program, &bootstrap).with_context(|| format!("cannot copy {}", program.display()))?;
            }
        }
        Ok(())
    }
}

/// Where the functions are that stacks are made of.
fn stripped() -> PathBuf {
    home().join("functions")
}

async fn cargo(arguments: impl IntoIterator<Item = &str>, log: &Path) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(project()).arg("build").args(arguments);
    // Started from `cargo test` or `cargo run` there are variables about that package, on which build scripts depend:
    // with them, TLS is built anew whenever the two alternate.
    for (name, _) in std::env::vars_os() {
        let about_a_package = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO_PRIMARY_PACKAGE"
        });
        if about_a_package {
            cargo.env_remove(&name);
        }
    }
    Group::start("cargo build", &mut cargo, log)?.finish().await
}

fn metadata() -> Result<Value> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(project())
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .context("cargo is missing")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Every package in the project's folder functions/.
fn function_names(metadata: &Value) -> Vec<String> {
    let folder = Path::new(metadata["workspace_root"].as_str().unwrap_or_default()).join("functions");
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_function = |package: &&Value| {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        manifest.ancestors().nth(2) == Some(&folder)
    };
    packages.iter().filter(is_function).filter_map(|package| package["name"].as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn functions_are_the_packages_in_the_functions_folder() {
        let metadata = json!({"workspace_root": "/p", "packages": [
            {"name": "sweeper", "manifest_path": "/p/functions/sweeper/Cargo.toml"},
            {"name": "floors", "manifest_path": "/p/tests/bench/functions/rust/Cargo.toml"},
            {"name": "crossdock", "manifest_path": "/p/shared/Cargo.toml"},
        ]});
        assert_eq!(function_names(&metadata), ["sweeper"]);
    }
}
