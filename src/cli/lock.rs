//! `greenroom lock`.

use super::shell::Shell;
use crate::app::{AppError, Exit, lock};
use crate::domain::history::GuardKind;
use crate::domain::model::{EnvironmentName, Period, Timestamp};
use crate::report::document::{LocksDocument, LocksShown};
use crate::report::foreign::line;

/// Lock an environment: neither deployments nor manual rollbacks until it is unlocked
///
/// A rollout that is under way is not touched, and `resume` and `abort` still bring it to its end.
///
/// Example: greenroom lock production --for 2h --reason "database migration by hand"
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    environment: EnvironmentName,
    /// Why; goes into the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// For how long; until it is unlocked where nothing is said
    #[arg(long = "for", value_name = "PERIOD", conflicts_with = "until")]
    period: Option<Period>,
    /// Until when, like 2026-12-24T18:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Show what would be written down, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let name = &args.environment;
    workspace.environment(name)?;
    let now = workspace.context.clock.now();
    let until = args.until.or(args.period.map(|period| now.plus(period)));
    let guard = lock::guard(&workspace, GuardKind::Lock, (None, until), &args.reason)?;
    if !args.dry_run {
        lock::put(&workspace, name, &guard)?;
    }
    if shell.is_json() {
        shell.json(&LocksDocument {
            environment: name,
            dry_run: args.dry_run,
            locks: LocksShown::Put(&guard),
        });
        return Ok(Exit::Done);
    }
    let would = if args.dry_run { "would be " } else { "" };
    shell.say(&line(&format!("{name}: {would}{}", lock::told(&guard))));
    Ok(Exit::Done)
}
