//! One function instance: a process started as Lambda starts it, and what the kernel counted for it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

use crate::runtime_api::{Invoked, RuntimeApi};

/// The longest that anything here may take. The slowest init is that of a function under callgrind.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a silent function is looked at, whether it still lives.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How to start a function.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Where its code lies: its working directory.
    pub directory: PathBuf,
    /// Its whole environment, but for `AWS_LAMBDA_RUNTIME_API`.
    pub variables: Vec<(String, String)>,
    /// The CPU that it is bound to; none: any.
    pub cpu: Option<usize>,
    /// Where its output goes.
    pub log: PathBuf,
}

/// A running function.
#[derive(Debug)]
pub struct Function {
    process: Child,
    spawned: Instant,
    api: RuntimeApi,
    log: PathBuf,
}

impl Function {
    /// Starts it; an event that is given already waits for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn start(launch: &Launch, waiting: Option<Bytes>) -> Result<Self> {
        let api = RuntimeApi::start().await?;
        if let Some(event) = waiting {
            api.put(event);
        }
        let (process, spawned) = spawn(launch, &api.address())?;
        Ok(Self { process, spawned, api, log: launch.log.clone() })
    }

    /// Waits for its init to be over. From spawning to its first request for an event: Lambda calls that init.
    ///
    /// # Errors
    /// When it fails, dies or takes longer than a minute.
    pub async fn ready(&mut self) -> Result<Duration> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.api.ready(LOOK_EVERY).await {
                Ok(Some(at)) => return Ok(at.duration_since(self.spawned)),
                Ok(None) => self.check_alive(deadline)?,
                Err(error) => return Err(self.with_log(error)),
            }
        }
    }

    /// One invocation; returns when the function asks for the next.
    ///
    /// # Errors
    /// When it fails, dies or takes longer than a minute.
    pub async fn invoke(&mut self, event: Bytes) -> Result<Invoked> {
        self.api.put(event);
        let deadline = Instant::now() + PATIENCE;
        let invoked = loop {
            match self.api.answered(LOOK_EVERY).await {
                Ok(Some(invoked)) => break invoked,
                Ok(None) => self.check_alive(deadline)?,
                Err(error) => return Err(self.with_log(error)),
            }
        };
        self.ready().await?;
        Ok(invoked)
    }

    /// When it was spawned.
    pub fn spawned(&self) -> Instant {
        self.spawned
    }

    /// CPU time of all its threads so far, user and system.
    ///
    /// # Errors
    /// When the process is gone.
    pub fn cpu_time(&self) -> Result<Duration> {
        let clock = clock_getcpuclockid(Pid::from_raw(self.id()?))?;
        Ok(Duration::from(clock_gettime(clock)?))
    }

    /// The most memory that was resident at once so far, in KiB (`VmHWM`).
    ///
    /// # Errors
    /// When the process is gone.
    pub fn peak_memory_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
        kib.ok_or_else(|| anyhow!("the kernel gives no VmHWM"))
    }

    /// Asks it to end, and waits: callgrind writes its counts then.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn terminate(mut self) -> Result<()> {
        nix::sys::signal::kill(Pid::from_raw(self.id()?), nix::sys::signal::Signal::SIGTERM)?;
        let deadline = Instant::now() + PATIENCE;
        while self.process.try_wait()?.is_none() {
            if Instant::now() > deadline {
                bail!("the function does not end");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    fn id(&self) -> Result<i32> {
        i32::try_from(self.process.id()).context("process id")
    }

    fn check_alive(&mut self, deadline: Instant) -> Result<()> {
        if let Some(status) = self.process.try_wait()? {
            return Err(self.with_log(anyhow!("the function ended: {status}")));
        }
        if Instant::now() > deadline {
            return Err(self.with_log(anyhow!("the function is silent")));
        }
        Ok(())
    }

    fn with_log(&self, error: anyhow::Error) -> anyhow::Error {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(15).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        error.context(format!("{} ends with:\n{}", self.log.display(), tail.join("\n")))
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the process from a thread that is bound to the CPU: a child inherits that.
fn spawn(launch: &Launch, api: &str) -> Result<(Child, Instant)> {
    let (program, arguments) = launch.command.split_first().context("a command has a program")?;
    let output = open(&launch.log)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(&launch.directory)
        .env_clear()
        .envs(launch.variables.iter().map(|(name, value)| (name, value)))
        .env("AWS_LAMBDA_RUNTIME_API", api)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    let started = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if let Some(cpu) = launch.cpu {
                bind_this_thread(cpu)?;
            }
            let spawned = Instant::now();
            Ok::<_, anyhow::Error>((command.spawn().with_context(|| format!("cannot start {program}"))?, spawned))
        });
        thread.join()
    });
    started.map_err(|_| anyhow!("the thread that starts functions panicked"))?
}

/// Binds the calling thread, and what it starts, to one CPU.
///
/// # Errors
/// When there is no such CPU.
pub fn bind_this_thread(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("cannot bind to CPU {cpu}"))
}

fn open(log: &Path) -> Result<std::fs::File> {
    std::fs::create_dir_all(log.parent().context("a log lies in a folder")?)?;
    Ok(std::fs::File::create(log)?)
}
