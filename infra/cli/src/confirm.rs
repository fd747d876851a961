//! Nothing is changed that a person has not agreed to.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Result, bail};

/// How a person agrees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Confirm {
    /// They already have.
    pub(crate) yes: bool,
}

impl Confirm {
    /// Asks; anything but `y` or `yes` ends the program with nothing done. Who is not at a terminal has to say `--yes`.
    pub(crate) fn ask(self, what: &str) -> Result<()> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            bail!("{what}\nNothing was done: this is no terminal, so nobody can be asked. Repeat it with --yes.");
        }
        print!("{what}\nGo on? [y/N] ");
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { bail!("Nothing was done.") }
    }
}
