//! The AWS emulator: a program of the first Python environment, on a free port, with IAM enforced.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use http::Method;

use crate::aws::{ACCESS_KEY, Aws, REGION, SECRET_KEY, free_port};
use crate::folder::{Folder, Running, project};
use crate::processes::{Group, LOOK_EVERY};
use crate::python::Environment;

/// How long the start may take. It takes 2 s, and ten times that where others compile; a first start on a slow disk
/// compiles its Python files.
const READY_WITHIN: Duration = Duration::from_mins(5);

/// Starts the emulator. `started` is told what runs as soon as it does, so that it can be noted before anything else
/// can fail.
pub(crate) async fn start(
    environment: &Environment,
    folder: &Folder,
    started: impl FnOnce(&Running) -> Result<()>,
) -> Result<(Group, Aws)> {
    let port = free_port()?;
    let aws = Aws::at(port)?;
    let script = project().join("infra/local/emulator.py");
    let mut command = Command::new(environment.program("python"));
    command.arg(&script);
    set_environment(&mut command, folder, &aws, port);
    let log = folder.log("emulator");
    let mut group = Group::start("the emulator", &mut command, &log)?;
    started(&Running { pid: group.pid(), port, mark: script.display().to_string() })?;
    let since = Instant::now();
    while !is_ready(&aws).await {
        group.must_be_running()?;
        if since.elapsed() > READY_WITHIN {
            bail!("the emulator is not ready after {} s; see {}", READY_WITHIN.as_secs(), log.display());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok((group, aws))
}

/// Whether the emulator answers.
pub(crate) async fn is_ready(aws: &Aws) -> bool {
    let answer = aws.unsigned(Method::GET, None, "/_ministack/ready", &[], bytes::Bytes::new()).await;
    answer.is_ok_and(|answer| answer.status.is_success())
}

fn set_environment(command: &mut Command, folder: &Folder, aws: &Aws, port: u16) {
    // The functions inherit this environment: nothing of the person's own AWS set-up may reach them.
    command.env_clear();
    for kept in ["PATH", "HOME", "LANG"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("AWS_ENDPOINT_URL", aws.endpoint()) // handed to the functions
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_DEFAULT_REGION", REGION)
        .env("AUTH", "true") // a permission that a role lacks is refused
        .env("LAMBDA_EXECUTOR", "local")
        .env("DOCKER_HOST", "unix:///nonexistent/docker.sock") // it would end containers of another emulator
        .env("IOT_MTLS_ENABLED", "0") // these two would take fixed ports
        .env("SFTP_ENABLED", "0")
        .env("TMPDIR", folder.join("tmp"));
}
