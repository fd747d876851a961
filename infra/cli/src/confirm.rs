//! Nothing is changed that a person has not agreed to.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Result, bail};

/// Whether to ask a person before a change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Confirm {
    /// `--yes`: do not ask.
    pub(crate) yes: bool,
}

impl Confirm {
    /// Asks for confirmation. Any answer but `y` or `yes` ends the program, and nothing is changed. Without a terminal, `--yes` is
    /// required.
    pub(crate) fn ask(self, what: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            bail!(
                "{what}\nNothing was done. There is no terminal to ask for confirmation: repeat the command with --yes."
            );
        }
        print!("{what}\nGo on? [y/N] ");
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { bail!("Nothing was done.") }
    }
}
