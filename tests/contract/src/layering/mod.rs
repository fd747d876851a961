//! Who may name whom: the sources, what they name, and the rules about it.

mod calls;
pub mod floors;
mod names;
pub mod rules;

use std::fmt;
use std::path::Path;

use walkdir::WalkDir;

pub use calls::{Call, Method};
pub use names::Name;

/// One Rust source.
#[derive(Clone, Debug)]
pub struct Source {
    /// From the workspace's root, with slashes: `shared/src/aws/queue.rs`.
    pub path: String,
    /// What it names.
    pub names: Vec<Name>,
    /// The methods that it defines, and that others can call.
    pub methods: Vec<Method>,
    /// The methods that it calls.
    pub calls: Vec<Call>,
}

impl Source {
    /// Reads a source's text.
    ///
    /// # Errors
    /// Why it is no Rust.
    pub fn read(path: &str, text: &str) -> Result<Self, String> {
        let names = names::names(text, &module_of(path)).map_err(|why| format!("{path}: {why}"))?;
        let methods = calls::methods(text).map_err(|why| format!("{path}: {why}"))?;
        Ok(Self { path: path.to_owned(), names, methods: methods.defined, calls: methods.called })
    }

    /// The folder or file right below `folder` that this source belongs to, without `.rs`: `aws` for
    /// `shared/src/aws/queue.rs` below `shared/src/`, and for `shared/src/aws.rs` too.
    pub fn room<'a>(&'a self, folder: &str) -> Option<&'a str> {
        let below = self.path.strip_prefix(folder)?;
        let first = below.split('/').next()?;
        Some(first.strip_suffix(".rs").unwrap_or(first))
    }

    /// Whether it lies in one of these folders or is one of these files.
    pub fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path == *place || place.ends_with('/') && self.path.starts_with(place))
    }
}

/// One crate's manifest: which crates it may name at all.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// From the workspace's root, with slashes.
    pub path: String,
    /// Line and name of each dependency, of any kind.
    pub dependencies: Vec<(usize, String)>,
}

impl Manifest {
    /// Reads the keys of all `dependencies` tables. Written for this workspace's plain manifests, not for all of TOML.
    pub fn read(path: &str, text: &str) -> Self {
        let mut dependencies = Vec::new();
        let mut inside = false;
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if let Some(table) = line.strip_prefix('[') {
                let table = table.trim_end_matches(']');
                inside = table.ends_with("dependencies");
                if let Some((_, name)) = table.split_once("dependencies.") {
                    dependencies.push((index + 1, name.to_owned()));
                }
            } else if inside && !line.starts_with('#') {
                let name = line.split(['.', '=', ' ']).next().unwrap_or_default().trim_matches('"');
                if !name.is_empty() {
                    dependencies.push((index + 1, name.to_owned()));
                }
            }
        }
        Self { path: path.to_owned(), dependencies }
    }
}

/// All sources and manifests that the rules look at.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The sources.
    pub sources: Vec<Source>,
    /// The manifests of all crates.
    pub manifests: Vec<Manifest>,
}

/// The folders that hold crates, from the root.
const CRATES: [&str; 4] = ["shared", "functions", "infra/local", "tests"];

impl Tree {
    /// The workspace's.
    ///
    /// # Errors
    /// `shared/src` is missing, or a file cannot be read.
    pub fn of_workspace(root: &Path) -> Result<Self, String> {
        if !root.join("shared/src").is_dir() {
            return Err(format!("{} has no shared/src: the rules would hold for nothing", root.display()));
        }
        let mut tree = Self::default();
        for folder in CRATES {
            let entries = WalkDir::new(root.join(folder)).sort_by_file_name().into_iter();
            let wanted =
                entries.filter_entry(|entry| entry.file_name() != "target" && entry.file_name() != "node_modules");
            for entry in wanted.filter_map(Result::ok).filter(|entry| entry.file_type().is_file()) {
                let path = entry.path().strip_prefix(root).map_err(|e| e.to_string())?;
                let path = path.to_string_lossy().replace('\\', "/");
                let is_manifest = entry.file_name() == "Cargo.toml";
                if !is_manifest && entry.path().extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let text = std::fs::read_to_string(entry.path()).map_err(|e| format!("{path}: {e}"))?;
                if is_manifest {
                    tree.manifests.push(Manifest::read(&path, &text));
                } else {
                    tree.sources.push(Source::read(&path, &text)?);
                }
            }
        }
        Ok(tree)
    }

    /// This and another one's.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.sources.extend(other.sources);
        self.manifests.extend(other.manifests);
        self
    }

    /// A tree of one source or manifest, to try a rule.
    ///
    /// # Errors
    /// The text is no Rust.
    pub fn of_one(path: &str, text: &str) -> Result<Self, String> {
        let mut tree = Self::default();
        if Path::new(path).extension().is_some_and(|extension| extension == "rs") {
            tree.sources.push(Source::read(path, text)?);
        } else {
            tree.manifests.push(Manifest::read(path, text));
        }
        Ok(tree)
    }
}

/// A rule that a line breaks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The file, from the root.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
    /// What it names.
    pub named: String,
    /// Why it may not.
    pub reason: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: names {}. {}", self.path, self.line, self.named, self.reason)
    }
}

/// `shared/src/aws/queue.rs` → `crate::aws::queue`; a crate's root and its `mod.rs` add nothing.
fn module_of(path: &str) -> Vec<String> {
    let below = path.split_once("/src/").map_or(path, |(_, below)| below);
    let parts = below.trim_end_matches(".rs").split('/').map(str::to_owned);
    let mut module: Vec<String> = std::iter::once("crate".to_owned()).chain(parts).collect();
    let is_root =
        |last: &str, length: usize| last == "mod" || length == 2 && ["lib", "main", "handler"].contains(&last);
    if module.last().is_some_and(|last| is_root(last, module.len())) {
        module.pop();
    }
    module
}
