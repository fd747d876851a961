//! Makes what is measured: builds our functions as they are shipped, and installs what the competitors need below
//! `target/bench`, in pinned versions. What this machine lacks is said, and that contender is left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

/// Written beside an installation when it is whole: what was installed.
const STAMP: &str = "bench-installed";

/// What AWS's runtime client for Node is built from, by the program that shows that it is there.
const NODE_NEEDS: [&str; 7] = ["node", "npm", "cmake", "autoconf", "automake", "libtoolize", "g++"];

/// The package with the floors, and with ours as nobody ships them.
pub const MEASURED_ONLY: &str = "bench-functions";

/// Where things are.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The workspace's folder.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
    /// Cargo's profile: `release` is what is shipped.
    pub profile: String,
}

/// Something that is installed, or why it is not.
pub type Installed = std::result::Result<PathBuf, String>;

impl Workspace {
    /// The one that this program was built in.
    ///
    /// # Errors
    /// When the program was moved out of its target folder.
    pub fn of_this_program(profile: &str) -> Result<Self> {
        let program = std::env::current_exe()?;
        let target = program.parent().and_then(Path::parent).context("this program lies in a target folder")?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        Ok(Self { root, target: target.to_owned(), profile: profile.to_owned() })
    }

    /// Where the bench keeps what it makes.
    pub fn home(&self) -> PathBuf {
        self.target.join("bench")
    }

    /// The folder of the bench's sources.
    pub fn sources(&self) -> PathBuf {
        self.root.join("tests/bench")
    }

    /// A program that Cargo built.
    pub fn program(&self, name: &str) -> PathBuf {
        // The one profile whose folder has another name than it has itself.
        let folder = if self.profile == "dev" { "debug" } else { &self.profile };
        self.target.join(folder).join(name)
    }

    /// Our functions' names, as they are folders.
    ///
    /// # Errors
    /// When `functions/` cannot be read.
    pub fn functions(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join("functions"))? {
            let entry = entry?;
            if entry.path().join("Cargo.toml").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Builds every package that a measurement needs, one after the other, and says how far it is.
    ///
    /// # Errors
    /// When one does not build.
    pub fn build_all(&self) -> Result<()> {
        let packages: Vec<String> = std::iter::once(MEASURED_ONLY.to_owned()).chain(self.functions()?).collect();
        for (index, package) in packages.iter().enumerate() {
            let started = Instant::now();
            eprint!("{} of {}: ", index + 1, packages.len());
            self.build(package)?;
            eprintln!("{} of {}: {package} is built, {} s", index + 1, packages.len(), started.elapsed().as_secs());
        }
        Ok(())
    }

    /// Builds a package alone, so that features are those that it asks for itself.
    ///
    /// # Errors
    /// When it does not build.
    pub fn build(&self, package: &str) -> Result<()> {
        eprintln!("building {package} (profile {}) …", self.profile);
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut build = Command::new(cargo);
        build.current_dir(&self.root).args(["build", "--quiet", "--locked", "--profile", &self.profile]);
        build.args(["--package", package, "--bins"]).env("CARGO_TARGET_DIR", &self.target);
        // Started by `cargo measure`, this program has variables about its own package, on which build scripts depend:
        // with them everything would be built anew, and once more by whoever builds without them.
        let own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(own)) {
            build.env_remove(name);
        }
        if !build.status().context("cannot start cargo")?.success() {
            bail!("{package} does not build");
        }
        Ok(())
    }

    /// A Python competitor's environment: gives its interpreter.
    ///
    /// # Errors
    /// When files cannot be written.
    pub fn python(&self, name: &str) -> Result<Installed> {
        let pins = fs::read_to_string(self.sources().join("functions").join(name).join("requirements.txt"))?;
        let folder = self.home().join(name);
        let interpreter = folder.join("bin/python");
        if is_stamped(&folder, &pins) {
            return Ok(Ok(interpreter));
        }
        if !answers("python3", &["-c", "import venv, ensurepip"]) {
            return Ok(
                Err("python3 with its venv module is missing (Debian: apt-get install python3-venv)".to_owned()),
            );
        }
        eprintln!("installing {name} …");
        start_anew(&folder)?;
        let wanted = folder.join("requirements.txt");
        fs::write(&wanted, &pins)?;
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(&folder);
        let mut pip = Command::new(&interpreter);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement"]);
        pip.arg(&wanted);
        for command in [&mut venv, &mut pip] {
            if let Err(why) = run(command, &self.home().join(format!("{name}.log"))) {
                return Ok(Err(why));
            }
        }
        fs::write(folder.join(STAMP), &pins)?;
        Ok(Ok(interpreter))
    }

    /// The Node competitor, bundled: gives the folder to start it in.
    ///
    /// # Errors
    /// When files cannot be written.
    pub fn node(&self) -> Result<Installed> {
        let sources = self.sources().join("functions/node-stripe");
        let folder = self.home().join("node-stripe");
        let lock = fs::read_to_string(sources.join("package-lock.json"))?;
        if !is_stamped(&folder, &lock) {
            let missing: Vec<&str> =
                NODE_NEEDS.into_iter().filter(|program| !answers(program, &["--version"])).collect();
            if !missing.is_empty() {
                return Ok(Err(format!(
                    "AWS's runtime client is built on install, and {} missing",
                    missing.join(", ")
                )));
            }
            eprintln!("installing node-stripe …");
            start_anew(&folder)?;
            for file in ["package.json", "package-lock.json"] {
                fs::copy(sources.join(file), folder.join(file))?;
            }
            let mut npm = Command::new("npm");
            npm.current_dir(&folder).args(["ci", "--no-audit", "--no-fund", "--loglevel", "error"]);
            if let Err(why) = run(&mut npm, &self.home().join("node-stripe.log")) {
                return Ok(Err(why));
            }
            fs::write(folder.join(STAMP), &lock)?;
        }
        for entry in fs::read_dir(&sources)? {
            let path = entry?.path();
            if let (Some("mjs"), Some(name)) = (path.extension().and_then(|e| e.to_str()), path.file_name()) {
                fs::copy(&path, folder.join(name))?;
            }
        }
        let mut bundle = Command::new("node");
        bundle.current_dir(&folder).args(["bundle.mjs", "."]);
        Ok(run(&mut bundle, &self.home().join("node-stripe-bundle.log")).map(|()| folder))
    }
}

/// Where a program on the PATH lies, its own file and no wrapper that looks for a version first.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The first line that a program says about its version.
pub fn version(program: &Path) -> String {
    let said = Command::new(program).arg("--version").output();
    let text = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}

/// Whether a program runs and is content.
pub fn answers(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn is_stamped(folder: &Path, wanted: &str) -> bool {
    fs::read_to_string(folder.join(STAMP)).is_ok_and(|stamp| stamp == wanted)
}

fn start_anew(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

/// Runs a command to its end; its output goes to `log`.
fn run(command: &mut Command, log: &Path) -> std::result::Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let outcome = fs::File::create(log).and_then(|file| command.stdout(file.try_clone()?).stderr(file).status());
    match outcome {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} ended with {status}, see {}", log.display())),
        Err(error) => Err(format!("{name} could not be started: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_without_release_lies_in_the_folder_that_cargo_gives_it() {
        let program = |profile: &str| {
            let (root, target) = (PathBuf::new(), PathBuf::from("target"));
            Workspace { root, target, profile: profile.to_owned() }.program("health")
        };
        assert_eq!(program("dev"), Path::new("target/debug/health"));
        assert_eq!(program("release"), Path::new("target/release/health"));
    }
}
