//! What holds the parts to what they promised:
//!
//! * [`specs`]: a request against its vendor's own OpenAPI file;
//! * [`vectors`]: webhook signatures that the vendors' own SDKs made and judged;
//! * [`layering`]: who may name whom, read from the sources;
//! * [`answers`]: what the API answers against its own OpenAPI file, for tiers that get answers;
//! * [`cloudwatch`]: metric lines and alarms as CloudWatch takes them, for tiers that write lines;
//! * [`linked`]: which crates are linked into a function;
//! * [`template`]: template.yaml as data.
//!
//! The tests beside it add what documents, samples, alarms and workflows promise.

#![allow(clippy::disallowed_methods, clippy::panic, reason = "tests may read CROSSDOCK_SPECS, and fail loudly")]

pub mod alarms;
pub mod answers;
pub mod cloudwatch;
pub mod layering;
pub mod linked;
pub mod specs;
pub mod template;
pub mod vectors;

use std::path::{Path, PathBuf};

/// The folder of the whole workspace.
///
/// # Panics
/// When this crate no longer stands two folders below it.
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or_else(|| panic!("{} is not in tests/", here.display())).to_owned()
}
