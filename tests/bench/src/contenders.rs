//! Who is measured. Everybody gets the same events, the same environment, and AWS's own runtime client.

use std::path::PathBuf;

use anyhow::Result;

use crate::environment;
use crate::events::Workload;
use crate::function::Launch;
use crate::installed::{MEASURED_ONLY, Workspace, which};
use crate::package;

/// What a contender is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What is shipped.
    Ours,
    /// What is shipped, without its warm-up: for comparing init.
    Unwarmed,
    /// What is shipped, trusting the bench's root too: for handshakes.
    Tls,
    /// The least that a Rust function can be.
    Empty,
    /// The AWS calls alone.
    Bare,
    /// What a user would write instead.
    Peer,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Contender {
    /// Short name, unique within a workload.
    pub id: &'static str,
    /// What the tables say.
    pub label: &'static str,
    /// What it is to us.
    pub role: Role,
    /// What it does.
    pub workload: Workload,
    /// What is uploaded to Lambda, in bytes; none for what nobody would deploy.
    pub zip_bytes: Option<u64>,
    command: Vec<String>,
    directory: PathBuf,
}

/// Everybody who can run here, and who cannot with the reason.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// Ready to be started.
    pub present: Vec<Contender>,
    /// Left out: name, and why.
    pub absent: Vec<(String, String)>,
}

/// The Python competitors: folder, short name, and label. Each does the workloads whose module lies in its folder; a
/// folder has the packages that they need and no others, because they are all uploaded.
const PYTHON: [(&str, &str, &str); 4] = [
    ("python-boto3", "python-boto3", "Python, boto3"),
    ("python-asyncio", "python-boto3", "Python, boto3 + aiohttp"),
    ("python-powertools", "python-powertools", "Python, Powertools + stripe"),
    ("python-powertools-sendgrid", "python-powertools", "Python, Powertools + sendgrid"),
];

impl Contender {
    /// How to start it. `extra` variables come last and win.
    pub fn launch(&self, workspace: &Workspace, server: &str, cpu: Option<usize>, extra: &[(&str, String)]) -> Launch {
        let mut variables = environment::variables(self.workload.function(), server);
        let task_root = self.directory.display().to_string();
        let cache = workspace.home().join("pycache").display().to_string();
        variables.push(("LAMBDA_TASK_ROOT".to_owned(), task_root.clone()));
        variables.push(("_HANDLER".to_owned(), self.command.last().cloned().unwrap_or_default()));
        // Python's compiled files must not lie in the sources; that there are some is as it is in a Lambda layer.
        variables.push(("PYTHONPYCACHEPREFIX".to_owned(), cache));
        variables.push(("PYTHONPATH".to_owned(), task_root));
        variables.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Launch {
            command: self.command.clone(),
            directory: self.directory.clone(),
            variables,
            cpu,
            log: workspace.home().join("logs").join(format!("{}-{}.log", self.workload.name(), self.id)),
        }
    }

    /// The same behind another program, as under callgrind.
    #[must_use]
    pub fn behind(mut self, program: Vec<String>) -> Self {
        self.command = program.into_iter().chain(self.command).collect();
        self
    }
}

impl Field {
    /// Builds and installs everybody.
    ///
    /// # Errors
    /// When ours do not build, or files cannot be written. A competitor that cannot be installed is absent.
    pub fn gather(workspace: &Workspace, with_peers: bool) -> Result<Self> {
        let mut field = Self::default();
        workspace.build(MEASURED_ONLY)?;
        for workload in Workload::ALL {
            if !workload.is_variant() {
                workspace.build(workload.function())?;
            }
            field.add_rust(workspace, workload)?;
        }
        if with_peers {
            for (folder, id, label) in PYTHON {
                field.add_python(workspace, folder, id, label)?;
            }
            field.add_node(workspace)?;
        }
        field.present.sort_by_key(|contender| contender.workload);
        Ok(field)
    }

    /// Those of one workload in some roles.
    pub fn of(&self, workload: Workload, roles: &[Role]) -> Vec<&Contender> {
        self.present.iter().filter(|one| one.workload == workload && roles.contains(&one.role)).collect()
    }

    fn add_rust(&mut self, workspace: &Workspace, workload: Workload) -> Result<()> {
        let ours = workload.function();
        let shipped = package::zipped(&[("bootstrap".to_owned(), workspace.program(ours))])?;
        let unwarmed = format!("{ours}-unwarmed");
        let mut add = |id, label, role, program: &str, zip_bytes| {
            let command = vec![workspace.program(program).display().to_string()];
            let directory = workspace.home();
            self.present.push(Contender { id, label, role, workload, zip_bytes, command, directory });
        };
        add("crossdock", "Crossdock", Role::Ours, ours, Some(shipped));
        add("crossdock-unwarmed", "Crossdock, no warm-up", Role::Unwarmed, &unwarmed, None);
        add("empty", "empty Rust function", Role::Empty, "floor-empty", None);
        if workload == Workload::Webhook {
            add("bare", "bare Rust handler, same AWS call", Role::Bare, "floor-bare-sdk", None);
            add("crossdock-tls", "Crossdock", Role::Tls, "stripe-webhook-tls", None);
        }
        Ok(())
    }

    fn add_python(&mut self, workspace: &Workspace, folder: &str, id: &'static str, label: &'static str) -> Result<()> {
        let interpreter = match workspace.python(folder)? {
            Ok(interpreter) => interpreter,
            Err(why) => {
                self.absent.push((label.to_owned(), why));
                return Ok(());
            }
        };
        let directory = workspace.sources().join("functions").join(folder);
        for workload in Workload::ALL {
            let module = workload.script();
            let script = directory.join(format!("{module}.py"));
            if !script.is_file() {
                continue;
            }
            let mut files = package::site_packages(&interpreter)?;
            files.push((format!("{module}.py"), script));
            let interpreter = interpreter.display().to_string();
            let command = vec![interpreter, "-m".to_owned(), "awslambdaric".to_owned(), format!("{module}.handler")];
            let zip_bytes = Some(package::zipped(&files)?);
            let directory = directory.clone();
            self.present.push(Contender { id, label, role: Role::Peer, workload, zip_bytes, command, directory });
        }
        Ok(())
    }

    fn add_node(&mut self, workspace: &Workspace) -> Result<()> {
        let (id, label) = ("node-stripe", "Node, SDK v3 + stripe, bundled");
        let directory = match (workspace.node()?, which("node")) {
            (Ok(directory), Some(_)) => directory,
            (Err(why), _) => {
                self.absent.push((label.to_owned(), why));
                return Ok(());
            }
            (Ok(_), None) => {
                self.absent.push((label.to_owned(), "node is missing".to_owned()));
                return Ok(());
            }
        };
        let node = which("node").unwrap_or_default().display().to_string();
        for workload in Workload::ALL {
            let module = workload.script();
            let bundle = directory.join(format!("{module}.cjs"));
            if !bundle.is_file() {
                continue;
            }
            let client = directory.join("node_modules/aws-lambda-ric/index.mjs").display().to_string();
            let command = vec![node.clone(), client, format!("{module}.handler")];
            let zip_bytes = Some(package::zipped(&[(format!("{module}.cjs"), bundle)])?);
            let directory = directory.clone();
            self.present.push(Contender { id, label, role: Role::Peer, workload, zip_bytes, command, directory });
        }
        Ok(())
    }
}
