//! `greenroom unlock`.

use super::shell::Shell;
use crate::app::{AppError, Exit, lock};
use crate::domain::history::GuardKind;
use crate::domain::model::EnvironmentName;
use crate::report::document::{LocksDocument, LocksShown};
use crate::report::foreign::line;

/// Take the locks off an environment; somebody else's only with a reason
///
/// Example: greenroom unlock production --reason "ana is ill, the migration is done"
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    environment: EnvironmentName,
    /// Why; goes into the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Show what would be taken off, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let name = &args.environment;
    let lifted = lock::lift(
        &workspace,
        name,
        GuardKind::Lock,
        args.reason.as_deref(),
        args.dry_run,
    )?;
    if shell.is_json() {
        shell.json(&LocksDocument {
            environment: name,
            dry_run: args.dry_run,
            locks: LocksShown::Lifted(&lifted),
        });
        return Ok(Exit::Done);
    }
    let would = if args.dry_run { "would be " } else { "" };
    for guard in &lifted {
        shell.say(&line(&format!("{name}: {would}taken off: {}", lock::told(guard))));
    }
    if lifted.is_empty() {
        shell.say(&format!("{name}: nothing to do, it is not locked"));
    }
    Ok(Exit::Done)
}
