//! The whole system, running here: started in order, called, and ended.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::aws::Aws;
use crate::folder::{Folder, Running, State, home, project};
use crate::functions::Built;
use crate::processes::Group;
use crate::progress::Progress;
use crate::python::{Environment, Python};
use crate::sandbox::Sandbox;
use crate::{deploy, emulator, functions, secrets};

/// The stage that is deployed: test keys and plain http to vendors are allowed in it.
pub(crate) const STAGE: &str = "local";
/// A template that was just deployed answers within this time, first start of a process included. It takes 2 s, and
/// twenty where others compile; no slow machine may fail here.
const HEALTHY_WITHIN: Duration = Duration::from_mins(5);
/// How often something that should happen soon is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The stack's name: stacks of other names run beside it, the same name runs once.
    pub name: String,
    /// Template parameters, over those that the runner sets.
    pub parameters: Vec<(String, String)>,
    /// Another template than the project's.
    pub template: Option<PathBuf>,
    /// Decides every id of the simulated vendors.
    pub seed: u64,
    /// Whether the programs that tests let loose on the system are installed too (see [`Stack::check_program`]).
    pub checks: bool,
    /// Where progress is shown.
    pub progress: Progress,
}

impl Options {
    /// The project's template under the runner's own parameters.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            parameters: vec![],
            template: None,
            seed: 1,
            checks: false,
            progress: Progress::silent(),
        }
    }
}

/// A running stack. Dropping it ends everything, unless it was left or only found.
pub struct Stack {
    pub(crate) state: State,
    pub(crate) aws: Aws,
    pub(crate) sandbox: Sandbox,
    pub(crate) built: Built,
    // Dropped in this order: the vendors first, so that no webhook meets a dead emulator; the notes last.
    sandbox_process: Option<Group>,
    emulator_process: Option<Group>,
    pub(crate) folder: Folder,
}

impl Stack {
    /// Does all set-up (environments, build, emulator, sandbox, deployment, secrets) and gives the running stack.
    /// What a crashed run of the same name left is ended first. On an error nothing is left running.
    pub async fn up(options: Options) -> Result<Self> {
        let progress = &options.progress;
        let python = Python::find()?;
        let mut folder = Folder::take(&options.name)?;
        folder.clear()?;

        let home = home();
        let mut wanted = vec![("AWS emulator", Environment::emulator(&home)), ("SAM CLI", Environment::tools(&home))];
        if options.checks {
            wanted.push(("checks", Environment::checks(&home)));
        }
        let build_log = folder.log("build");
        // pip waits for the network while cargo computes.
        let ((), built) = tokio::try_join!(
            install(progress, &python, &folder, &wanted),
            progress.step("Build functions and simulated vendors", functions::build(&build_log)),
        )?;
        Self::start(options, folder, built).await
    }

    /// Another stack beside this one, of the same programs: nothing is built, nothing is installed.
    pub async fn beside(&self, options: Options) -> Result<Self> {
        let mut folder = Folder::take(&options.name)?;
        folder.clear()?;
        Self::start(options, folder, self.built.clone()).await
    }

    async fn start(options: Options, folder: Folder, built: Built) -> Result<Self> {
        let progress = options.progress;
        let (emulator_tools, tools) = (Environment::emulator(&home()), Environment::tools(&home()));
        built.lay_out(&folder.join("deploy"))?;

        let mut state = State::default();
        let started = |running: &Running| {
            state.emulator = Some(running.clone());
            folder.note(&state)
        };
        let start = emulator::start(&emulator_tools, &folder, started);
        let (emulator_process, aws) = progress.step("Start AWS emulator, IAM enforced", start).await?;

        let started = |running: &Running| {
            state.sandbox = Some(running.clone());
            folder.note(&state)
        };
        let program = built.sandbox();
        let start = Sandbox::start(&program, options.seed, &folder, started);
        let (sandbox_process, sandbox) = progress.step("Start simulated vendors", start).await?;

        let mut parameters = own_parameters(&sandbox);
        parameters.extend(options.parameters);
        let template = options.template.unwrap_or_else(|| project().join("template.yaml"));
        let deployment = deploy::deploy(&tools, &folder, &aws, &template, &parameters);
        state.outputs = progress.step("Deploy template.yaml (sam deploy)", deployment).await?;
        folder.note(&state)?;

        let stack = Self {
            state,
            aws,
            sandbox,
            built,
            sandbox_process: Some(sandbox_process),
            emulator_process: Some(emulator_process),
            folder,
        };
        let stage = parameters.iter().rfind(|(name, _)| name == "Stage").map_or(STAGE, |(_, value)| value);
        progress.step("Put secrets, connect webhooks, first request", stack.connect(stage)).await?;
        Ok(stack)
    }

    /// The stack of that name that an earlier run left running. It is not ended when this is dropped.
    pub fn find(name: &str) -> Result<Self> {
        let folder = Folder::look_at(name)?;
        let state = folder.state();
        let (Some(emulator), Some(sandbox)) = (&state.emulator, &state.sandbox) else {
            bail!("nothing is running; start it with `cargo local up`");
        };
        if !emulator.is_alive() || !sandbox.is_alive() || state.outputs.is_empty() {
            bail!("what was running has ended; `cargo local down` clears it, `cargo local up` starts anew");
        }
        let (aws, sandbox) = (Aws::at(emulator.port)?, Sandbox::at(sandbox.port)?);
        let built = Built::before()?;
        Ok(Self { state, aws, sandbox, built, sandbox_process: None, emulator_process: None, folder })
    }

    async fn connect(&self, stage: &str) -> Result<()> {
        let app = secrets::AppKeys::kept_in(&home())?;
        secrets::put_all(&self.aws, stage, &app, &self.sandbox.keys().await?).await?;
        secrets::put(&self.aws, stage, "alerts", &self.sandbox.alerts()).await?;
        self.connect_webhooks().await?;
        let since = tokio::time::Instant::now();
        loop {
            let answer = self.health().await?;
            if answer.status.is_success() {
                return Ok(());
            }
            if since.elapsed() > HEALTHY_WITHIN {
                return answer.must_be_ok("GET /health");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Tells the simulated vendors where the receivers are.
    pub async fn connect_webhooks(&self) -> Result<()> {
        let host = |vendor: &str| self.webhook_host(vendor);
        let hosts = [
            ("stripe", host("Stripe")?),
            ("sendgrid", host("SendGrid")?),
            ("twilio", host("Twilio")?),
            ("postmark", host("Postmark")?),
            ("fedex", host("Fedex")?),
            ("ups", host("Ups")?),
        ];
        self.sandbox.send_webhooks_to(&format!("{}/", self.aws.endpoint()), &hosts).await
    }

    /// Ends everything, and says what could not be ended.
    pub fn down(mut self) -> Result<()> {
        drop(self.sandbox_process.take());
        drop(self.emulator_process.take());
        self.folder.clear()?;
        Ok(())
    }

    /// Ends what an earlier run left running under that name. Says whether anything ran.
    pub fn end(name: &str) -> Result<bool> {
        Folder::take(name)?.clear()
    }

    /// Lets everything run on after this program; [`Stack::find`] finds it again.
    pub fn leave(mut self) {
        for process in [self.sandbox_process.take(), self.emulator_process.take()].into_iter().flatten() {
            process.leave();
        }
        self.folder.keep();
    }
}

/// Installs those of the Python tools that are not there yet, one after the other.
async fn install(progress: &Progress, python: &Python, folder: &Folder, wanted: &[(&str, Environment)]) -> Result<()> {
    for (name, environment) in wanted {
        if !environment.is_ready() {
            let log = folder.log("pip");
            progress.step(&format!("Install {name} (once)"), environment.install(python, &log)).await?;
        }
    }
    Ok(())
}

/// The parameters that make the template run here.
fn own_parameters(sandbox: &Sandbox) -> Vec<(String, String)> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    let parameters = [
        ("Stage", STAGE),
        ("Release", "local"),
        // The emulator rolls a stack back for what it does not know.
        ("AwsOnly", "false"),
        ("Architecture", architecture),
        ("StripeApiBase", &sandbox.vendor_base("stripe")),
        ("SendGridApiBase", &sandbox.vendor_base("sendgrid")),
        ("TwilioApiBase", &sandbox.vendor_base("twilio")),
        ("PostmarkApiBase", &sandbox.vendor_base("postmark")),
        ("FedexApiBase", &sandbox.vendor_base("fedex")),
        ("UpsApiBase", &sandbox.vendor_base("ups")),
        ("DhlApiBase", &sandbox.vendor_base("dhl")),
        // The emulator is reached by http.
        ("ArchiveRequiresTls", "false"),
        ("MailFrom", "orders@shop.example"),
        ("MailFromName", "The Example Shop"),
        ("ShopName", "The Example Shop"),
        ("PostalAddress", "The Example Shop, Market Square 1, 0150 Oslo, Norway"),
    ];
    parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}
