//! What a person types, shown or not.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use crossdock::domain::Private;

/// Turns the echo on again, also when reading fails.
struct Echo;

impl Echo {
    fn off() -> Result<Self> {
        set("-echo")?;
        Ok(Self)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = set("echo");
        println!();
    }
}

fn set(how: &str) -> Result<()> {
    let status = Command::new("stty").arg(how).stdin(Stdio::inherit()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        _ => bail!("the terminal cannot hide what is typed: pipe the values in, one a line"),
    }
}

/// One line. At a terminal it is asked for, and hidden if it is secret; otherwise it is the next line of the input.
pub(super) fn line(says: &str, is_shown: bool) -> Result<Private<String>> {
    let stdin = std::io::stdin();
    let mut text = String::new();
    if stdin.is_terminal() {
        print!("{says}: ");
        std::io::stdout().flush()?;
        let _echo = if is_shown { None } else { Some(Echo::off()?) };
        stdin.lock().read_line(&mut text)?;
    } else {
        stdin.lock().read_line(&mut text)?;
    }
    let text = text.trim();
    if text.is_empty() {
        bail!("{says}: nothing was given, and nothing was done");
    }
    Ok(Private::new(text.to_owned()))
}
