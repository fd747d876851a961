//! The Python tools (AWS emulator, SAM CLI), each in a virtual environment that is made on first use and kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::processes::Group;

/// The oldest Python that the tools run on.
const OLDEST_PYTHON: (u32, u32) = (3, 10);
/// Written into an environment when everything is in it: what was installed.
const STAMP: &str = "crossdock-installed";

const EMULATOR_PINS: &str = include_str!("../requirements-emulator.txt");
const TOOLS_PINS: &str = include_str!("../requirements-tools.txt");
const CHECKS_PINS: &str = include_str!("../requirements-checks.txt");

/// What to do where Python is missing.
const HOW_TO_GET_PYTHON: &str = "Install Python 3.10 or newer with its venv module (Debian, Ubuntu: apt-get install \
                                 python3 python3-venv; macOS: brew install python).";

/// An environment: where it is, and what belongs in it.
pub(crate) struct Environment {
    directory: PathBuf,
    pins: &'static str,
}

impl Environment {
    /// The emulator's, below `home` (the runner's folder).
    pub(crate) fn emulator(home: &Path) -> Self {
        Self { directory: home.join("venv/emulator"), pins: EMULATOR_PINS }
    }

    /// The one of the SAM CLI and cargo-lambda.
    pub(crate) fn tools(home: &Path) -> Self {
        Self { directory: home.join("venv/tools"), pins: TOOLS_PINS }
    }

    /// The one of the programs that the end-to-end tests let loose on the system.
    pub(crate) fn checks(home: &Path) -> Self {
        Self { directory: home.join("venv/checks"), pins: CHECKS_PINS }
    }

    /// The path of one of its programs.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join("bin").join(name)
    }

    /// Whether exactly the pinned versions are installed.
    pub(crate) fn is_ready(&self) -> bool {
        fs::read_to_string(self.directory.join(STAMP)).is_ok_and(|stamp| stamp == self.stamp())
    }

    /// Makes the environment anew and installs the pinned versions; pip's output goes to `log`.
    pub(crate) async fn install(&self, python: &Python, log: &Path) -> Result<()> {
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory)
                .with_context(|| format!("cannot replace {}", self.directory.display()))?;
        }
        fs::create_dir_all(&self.directory)?;
        let mut venv = Command::new(python.program);
        venv.args(["-m", "venv"]).arg(&self.directory);
        Group::start("python3 -m venv", &mut venv, log)?.finish().await.context(HOW_TO_GET_PYTHON)?;

        let wanted = self.directory.join("requirements.txt");
        fs::write(&wanted, self.pins)?;
        let mut pip = Command::new(self.program("python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--requirement"]).arg(&wanted);
        Group::start("pip install", &mut pip, log)?
            .finish()
            .await
            .context("pip could not install the tools; is the Python package index reachable from here?")?;
        fs::write(self.directory.join(STAMP), self.stamp())?;
        Ok(())
    }

    /// The path is part of it: an environment that was moved no longer works.
    fn stamp(&self) -> String {
        format!(
            "{}
{}",
            self.directory.display(),
            self.pins
        )
    }
}

/// A Python that is new enough.
pub(crate) struct Python {
    program: &'static str,
}

impl Python {
    /// Looks for `python3`, checks its version and that it can make environments. Says in one line what is missing.
    pub(crate) fn find() -> Result<Self> {
        Self::check("python3")
    }

    fn check(program: &'static str) -> Result<Self> {
        let question = "import sys, venv, ensurepip; print(*sys.version_info[:2])";
        let Ok(answer) = Command::new(program).args(["-c", question]).output() else {
            bail!("python3 is missing. {HOW_TO_GET_PYTHON}");
        };
        if !answer.status.success() {
            bail!("python3 has no venv module. {HOW_TO_GET_PYTHON}");
        }
        let version = String::from_utf8_lossy(&answer.stdout);
        if !is_new_enough(&version) {
            bail!("python3 is version {}, which is too old. {HOW_TO_GET_PYTHON}", version.trim().replace(' ', "."));
        }
        Ok(Self { program })
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split_whitespace().map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= OLDEST_PYTHON,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_python_is_said_in_one_line_with_what_to_do() {
        let said = Python::check("no-such-python3").err().unwrap().to_string();
        assert!(said.starts_with("python3 is missing.") && said.contains("apt-get install") && !said.contains('\n'));
    }

    #[test]
    fn python_3_9_is_too_old_and_3_10_is_not() {
        assert!(!is_new_enough("3 9\n") && !is_new_enough("2 11") && !is_new_enough(""));
        assert!(is_new_enough("3 10\n") && is_new_enough("3 14"));
    }

    #[test]
    fn other_pins_or_another_place_make_an_environment_stale() {
        let here = Environment { directory: "/a".into(), pins: "x==1" };
        assert_ne!(here.stamp(), Environment { directory: "/a".into(), pins: "x==2" }.stamp());
        assert_ne!(here.stamp(), Environment { directory: "/b".into(), pins: "x==1" }.stamp());
    }
}
