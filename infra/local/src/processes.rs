//! Child processes: each in a process group of its own, its output in a log file, and the whole group ended with it.
//!
//! The emulator starts the functions as its children. Ending the group ends them too, so nothing is left over.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// How long a group may take to end after SIGTERM before it gets SIGKILL.
const END_POLITELY: Duration = Duration::from_secs(5);
/// How long to wait after SIGKILL: no process can refuse it, so this is the machine's time alone.
const END_AT_ONCE: Duration = Duration::from_mins(1);
/// How often a process is looked at while waiting for it.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How many of a log's last lines an error shows: a Python traceback fits.
const LOG_TAIL_LINES: usize = 25;

/// A process of a deployed function, started by the emulator.
#[derive(Clone, Debug)]
pub struct FunctionProcess {
    /// The function, by its name in the stack.
    pub function: String,
    pid: Pid,
}

impl FunctionProcess {
    /// Every one that runs from below `folder` now, in the order of their ids.
    pub(crate) fn all_below(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let mut found: Vec<Self> = entries
            .filter_map(|entry| {
                let pid = entry.file_name().to_str()?.parse().ok()?;
                let program = fs::read_link(entry.path().join("exe")).ok()?;
                let is_function = program.starts_with(folder) && program.file_name()? == "bootstrap";
                let environment = fs::read(entry.path().join("environ")).ok().filter(|_| is_function)?;
                let name = environment.split(|byte| *byte == 0).find_map(|variable| {
                    variable.strip_prefix(b"AWS_LAMBDA_FUNCTION_NAME=").map(String::from_utf8_lossy)
                })?;
                Some(Self { function: name.into_owned(), pid: Pid::from_raw(pid) })
            })
            .collect();
        found.sort_by_key(|process| process.pid);
        found
    }

    /// Ends it at once, as a crash of the machine would (SIGKILL).
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill(&self) -> Result<()> {
        Ok(nix::sys::signal::kill(self.pid, Signal::SIGKILL)?)
    }
}

/// A running child and everything it started. Dropping it ends the whole group, unless [`Group::leave`] was called.
pub(crate) struct Group {
    name: String,
    child: Child,
    log: PathBuf,
    ends_with_us: bool,
}

impl Group {
    /// Starts `command` in a new process group (so that a Ctrl-C at the terminal reaches only us, and we end it in
    /// order), with stdout and stderr written to `log` from its beginning.
    pub(crate) fn start(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let output = OpenOptions::new().append(true).open(log)?; // appended, so that two writers do not overwrite
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name} ({})", command.get_program().display()))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), ends_with_us: true })
    }

    /// The process id, which is also the id of the group.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An error if the process has ended already: it was meant to stay.
    pub(crate) fn must_be_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(self.failed(status)),
        }
    }

    /// Waits until the process has ended by itself. An error names the log and shows its last lines.
    pub(crate) async fn finish(mut self) -> Result<()> {
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failed(status)),
                None => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Lets the process outlive this program; `crossdock-local down` ends it later.
    pub(crate) fn leave(mut self) {
        self.ends_with_us = false;
    }

    fn failed(&self, status: ExitStatus) -> anyhow::Error {
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "no exit code".to_owned(),
        };
        anyhow::anyhow!("{} ended with {how}.\n{}", self.name, log_tail(&self.log))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ends_with_us {
            // A failure here has nobody to go to; `end` is tried again by the next start, which finds the state file.
            let _ = end(self.child.id(), || drop(self.child.try_wait()));
        }
    }
}

/// Ends the process group `pid` and waits until nothing of it runs: SIGTERM, then SIGKILL. `collect` is called while
/// waiting, for the parent to take note of the death of its child.
pub(crate) fn end(pid: u32, mut collect: impl FnMut()) -> Result<()> {
    let group = Pid::from_raw(i32::try_from(pid)?);
    for (signal, patience) in [(Signal::SIGTERM, END_POLITELY), (Signal::SIGKILL, END_AT_ONCE)] {
        match killpg(group, signal) {
            Err(Errno::ESRCH) => return Ok(()),
            other => other.with_context(|| format!("cannot end process group {pid}"))?,
        }
        let since = Instant::now();
        while since.elapsed() < patience {
            collect();
            if !group_runs(group) {
                return Ok(());
            }
            sleep(LOOK_EVERY);
        }
    }
    bail!("process group {pid} is still there after SIGKILL")
}

/// Whether any process of `group` still runs. A dead one that its parent has not collected does not: in a container
/// whose first process collects nothing, such entries stay for ever.
fn group_runs(group: Pid) -> bool {
    if killpg(group, None) == Err(Errno::ESRCH) {
        return false;
    }
    let Ok(processes) = fs::read_dir("/proc") else {
        return true; // no Linux: the signal's answer is all there is
    };
    let mut stats = processes.flatten().filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    stats.any(|stat| {
        // pid (name) state parent group …; the name may contain anything, so look behind its last bracket.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let state = fields.next();
        fields.nth(1) == Some(&group.to_string()) && !matches!(state, Some("Z" | "X"))
    })
}

/// Whether process `pid` runs and its command line contains `mark`. Process ids are used again by the system: a pid
/// from a file proves nothing by itself.
pub(crate) fn is_running(pid: u32, mark: &str) -> bool {
    let command_line = if Path::new("/proc/self/cmdline").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()
    } else {
        let ps = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output();
        ps.map(|output| output.stdout).unwrap_or_default()
    };
    String::from_utf8_lossy(&command_line).contains(mark)
}

/// The last lines of a log with its path above them.
pub(crate) fn log_tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
    format!("Log {} ends with:\n    {}", log.display(), tail.join("\n    "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("crossdock-processes-{name}-{}.log", std::process::id()))
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_failed_process_is_reported_with_its_exit_code_and_the_end_of_its_log() {
        let log = log("failed");
        let group = Group::start("the builder", &mut shell("echo the reason; exit 3"), &log).unwrap();
        let said = group.finish().await.unwrap_err().to_string();
        assert!(said.contains("the builder ended with exit code 3"), "{said}");
        assert!(said.contains("the reason"), "{said}");
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn dropping_a_group_also_ends_what_its_process_started() {
        let log = log("group");
        let group = Group::start("a parent", &mut shell("sleep 71.25 & echo $!; wait"), &log).unwrap();
        let started = Instant::now();
        let grandchild = loop {
            let pid = fs::read_to_string(&log).unwrap().trim().parse::<u32>();
            if let Some(pid) = pid.ok().filter(|&pid| is_running(pid, "71.25")) {
                break pid;
            }
            assert!(started.elapsed() < END_AT_ONCE, "the shell did not start");
            sleep(LOOK_EVERY);
        };
        drop(group);
        assert!(!is_running(grandchild, "71.25"));
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_process_that_ignores_sigterm_is_killed() {
        let log = log("stubborn");
        let script = "trap '' TERM; echo ready; while true; do sleep 0.1; done";
        let group = Group::start("a stubborn process", &mut shell(script), &log).unwrap();
        while !fs::read_to_string(&log).unwrap().contains("ready") {
            sleep(LOOK_EVERY);
        }
        let pid = group.pid();
        drop(group);
        assert!(!is_running(pid, "trap"));
        fs::remove_file(log).unwrap();
    }

    #[test]
    fn a_pid_that_now_belongs_to_another_program_is_not_taken_for_ours() {
        assert!(!is_running(std::process::id(), "no-such-mark-in-the-command-line"));
    }
}
