//! `greenroom audit`.

use super::shell::Shell;
use crate::app::{AppError, Exit, audit};
use crate::domain::model::{Digest, EnvironmentName};
use crate::report::document::{AuditDocument, AuditRow};
use clap::Subcommand;

/// Check the ledger for tampering
///
/// Example: greenroom audit verify --head sha256:…
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Walk the hash chain and name every record that was altered, removed or put in
    Verify {
        /// The environment; every one with a ledger where none is given
        environment: Option<EnvironmentName>,
        /// A head hash that was written down elsewhere (step summary, outputs): shows whether the
        /// ledger was rewritten or cut
        #[arg(long, value_name = "DIGEST", requires = "environment")]
        head: Option<Digest>,
    },
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let Command::Verify { environment, head } = &args.command;
    let workspace = shell.workspace()?;
    let recorded = workspace.ledger()?.environments()?;
    let names = match environment {
        // One that is no longer configured may still have a ledger.
        Some(name) if recorded.contains(name) => vec![name.clone()],
        Some(name) => vec![workspace.environment(name)?.name.value.clone()],
        None => recorded,
    };
    let mut ledgers = Vec::new();
    let mut whole = true;
    for name in &names {
        let (audit, strangers) = audit::audit(&workspace, name, head.as_ref())?;
        whole &= audit.is_whole();
        if audit.is_whole() {
            let end = audit
                .head
                .as_ref()
                .map_or(String::new(), |head| format!(", head {head}"));
            shell.say(&format!(
                "{name}: {} record(s), the chain is whole{end}",
                audit.length
            ));
        } else {
            shell.say(&format!(
                "{name}: {} record(s), the chain is broken",
                audit.length
            ));
        }
        for finding in &audit.findings {
            shell.say(&format!("  {finding}"));
        }
        for note in &audit.notes {
            shell.say(&format!("  note: {note}"));
        }
        for stranger in &strangers {
            shell.say(&format!("  note: {stranger} is no record"));
        }
        ledgers.push(AuditRow::of(name, audit, strangers));
    }
    if names.is_empty() {
        shell.say("there is no ledger yet: nothing was ever deployed");
    }
    if shell.is_json() {
        shell.json(&AuditDocument { ledgers });
    }
    Ok(if whole { Exit::Done } else { Exit::Halted })
}
