//! Where the runner keeps things: `.local/` at the root of the project, and in it one folder per running stack.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::processes;

/// The project's root folder: the runner is part of the project and runs from its build.
pub(crate) fn project() -> &'static Path {
    // infra/local is two levels below the root.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or_else(|| Path::new("."))
}

/// The runner's folder: environments and what is kept between runs. Never checked in.
pub(crate) fn home() -> PathBuf {
    project().join(".local")
}

/// One stack's folder: `logs/`, `tmp/` (the emulator's), `deploy/` (template and binaries) and `state.json`.
/// Dropping it forgets what was noted, unless [`Folder::keep`] was called: what was started has ended by then.
pub(crate) struct Folder {
    path: PathBuf,
    forgets: bool,
    _lock: File,
}

/// What runs, so that another start, `status` or `down` finds it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The AWS emulator.
    pub(crate) emulator: Option<Running>,
    /// The vendor simulators.
    pub(crate) sandbox: Option<Running>,
    /// The outputs of the deployed template; empty until it is deployed.
    pub(crate) outputs: BTreeMap<String, String>,
}

/// A process that serves HTTP on a loopback port.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Running {
    /// Process id and process group id.
    pub(crate) pid: u32,
    /// TCP port on 127.0.0.1.
    pub(crate) port: u16,
    /// Part of its command line, which tells it from a later process with the same pid.
    pub(crate) mark: String,
}

impl Running {
    /// Whether it still runs.
    pub(crate) fn is_alive(&self) -> bool {
        processes::is_running(self.pid, &self.mark)
    }
}

impl Folder {
    /// Takes the folder of the stack `name` for starting or ending it. Fails when another runner has it: the lock
    /// ends with its process, so a crash leaves none behind.
    pub(crate) fn take(name: &str) -> Result<Self> {
        Self::take_in(&home(), name, File::try_lock)
    }

    /// Takes the folder for looking only; several may look at once.
    pub(crate) fn look_at(name: &str) -> Result<Self> {
        let mut folder = Self::take_in(&home(), name, File::try_lock_shared)?;
        folder.keep();
        Ok(folder)
    }

    fn take_in(home: &Path, name: &str, lock_as: fn(&File) -> Result<(), TryLockError>) -> Result<Self> {
        let path = home.join("run").join(name);
        for part in ["logs", "tmp", "deploy"] {
            fs::create_dir_all(path.join(part)).with_context(|| format!("cannot make {}", path.display()))?;
        }
        let lock = File::create(path.join("lock"))?;
        if lock_as(&lock).is_err() {
            bail!("another crossdock-local is at work on the stack `{name}` ({})", path.display());
        }
        Ok(Self { path, forgets: true, _lock: lock })
    }

    /// The log file of `part`.
    pub(crate) fn log(&self, part: &str) -> PathBuf {
        self.path.join("logs").join(format!("{part}.log"))
    }

    /// A path in the folder.
    pub(crate) fn join(&self, part: &str) -> PathBuf {
        self.path.join(part)
    }

    /// What was noted last; nothing when nothing was, or when it cannot be read.
    pub(crate) fn state(&self) -> State {
        fs::read(self.path.join("state.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Notes what runs. Written beside and renamed: a reader never sees half of it.
    pub(crate) fn note(&self, state: &State) -> Result<()> {
        let beside = self.path.join("state.json.new");
        fs::write(&beside, serde_json::to_vec_pretty(state)?)?;
        fs::rename(beside, self.path.join("state.json"))?;
        Ok(())
    }

    /// Keeps the notes for a later run: what they name runs on.
    pub(crate) fn keep(&mut self) {
        self.forgets = false;
    }

    /// Ends whatever the state names and still runs, forgets it, and empties the emulator's folder. Says whether
    /// anything ran. The notes are kept when something cannot be ended.
    pub(crate) fn clear(&mut self) -> Result<bool> {
        let state = self.state();
        let mut ended = false;
        for running in [state.sandbox, state.emulator].into_iter().flatten() {
            if running.is_alive() {
                let forgets = std::mem::replace(&mut self.forgets, false);
                processes::end(running.pid, || ())?;
                self.forgets = forgets;
                ended = true;
            }
        }
        self.forget()?;
        Ok(ended)
    }

    /// Removes the notes and the emulator's files of a stack that has ended.
    fn forget(&self) -> Result<()> {
        let state = self.path.join("state.json");
        if state.exists() {
            fs::remove_file(state)?;
        }
        let tmp = self.path.join("tmp");
        fs::remove_dir_all(&tmp)?;
        fs::create_dir_all(&tmp)?;
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.forgets {
            // What cannot be removed now is removed by the next start.
            let _ = self.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::processes::Group;

    fn home(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("crossdock-folder-{name}-{}", std::process::id()))
    }

    #[test]
    fn two_runners_cannot_work_on_the_same_stack() {
        let home = home("lock");
        let first = Folder::take_in(&home, "up", File::try_lock).unwrap();
        assert!(Folder::take_in(&home, "up", File::try_lock).is_err());
        assert!(Folder::take_in(&home, "demo", File::try_lock).is_ok());
        drop(first);
        assert!(Folder::take_in(&home, "up", File::try_lock).is_ok());
        fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn what_a_crashed_runner_left_is_ended_by_the_next_one() {
        let home = home("crash");
        let mut folder = Folder::take_in(&home, "up", File::try_lock).unwrap();
        let group = Group::start("left over", Command::new("sleep").arg("72.25"), &folder.log("sleep")).unwrap();
        let running = Running { pid: group.pid(), port: 1, mark: "72.25".to_owned() };
        folder.note(&State { emulator: Some(running.clone()), ..State::default() }).unwrap();
        while !running.is_alive() {
            std::thread::sleep(processes::LOOK_EVERY); // its command line appears a moment after the start
        }
        let reaper = std::thread::spawn(move || {
            // The test is the parent and has to collect it, which a real next runner would not be.
            while running.is_alive() {
                std::thread::sleep(processes::LOOK_EVERY);
            }
            drop(group);
        });
        assert!(folder.clear().unwrap());
        reaper.join().unwrap();
        assert!(folder.state().emulator.is_none());
        assert!(!folder.clear().unwrap());
        fs::remove_dir_all(home).unwrap();
    }

    #[test]
    fn a_pid_that_was_given_to_another_process_is_left_alone() {
        let home = home("reused");
        let mut folder = Folder::take_in(&home, "up", File::try_lock).unwrap();
        let reused = Running { pid: std::process::id(), port: 1, mark: "some-other-program".to_owned() };
        folder.note(&State { emulator: Some(reused), ..State::default() }).unwrap();
        assert!(!folder.clear().unwrap());
        fs::remove_dir_all(home).unwrap();
    }
}
