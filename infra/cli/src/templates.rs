//! `crossdock templates …`: the mails' wordings as templates in the SendGrid account.

use anyhow::Result;
use clap::Subcommand;
use crossdock::effects::audit::Audit;

use crate::confirm::Confirm;
use crate::stack::Stack;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show which text has which template
    Show,
    /// Store every text that is missing there; from then on mails are sent with these templates
    Push,
}

pub(crate) async fn run(stack: &Stack, command: Command, confirm: Confirm) -> Result<()> {
    match command {
        Command::Show => show(stack).await,
        Command::Push => push(stack, confirm).await,
    }
}

async fn show(stack: &Stack) -> Result<()> {
    let templates = stack.list()?.templates().await?;
    if templates.is_empty() {
        println!("SendGrid has no templates: mails are sent with the texts of this version.");
    }
    for (name, template) in templates {
        println!("{name:22} {}  {}", template.id, template.version);
    }
    Ok(())
}

/// The record first: what cannot be kept is not done.
async fn push(stack: &Stack, confirm: Confirm) -> Result<()> {
    let (list, library) = (stack.list()?, stack.templates()?);
    confirm.ask("A template for each text is stored at SendGrid, and mails are sent with these templates.")?;
    let audit = Audit::of(stack.operator(), "templates.push", "sendgrid", None, stack.now());
    stack.record(&audit).await?;
    for pushed in library.push(&list).await? {
        let what = match (pushed.is_new, pushed.is_changed) {
            (true, _) => "created",
            (false, true) => "new version",
            (false, false) => "is there",
        };
        println!("{:22} {what}", pushed.name);
    }
    println!("Running instances use them within five minutes.");
    Ok(())
}
