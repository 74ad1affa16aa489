//! `greenroom freeze`.

use super::shell::Shell;
use crate::app::{AppError, Exit, lock};
use crate::domain::history::GuardKind;
use crate::domain::model::{EnvironmentName, Timestamp};
use crate::report::document::{FreezeRow, FreezesDocument};
use crate::report::foreign::line;

/// Freeze environments: no deployments for a while, going back is allowed
///
/// Example: greenroom freeze -e production --until 2027-01-02T00:00:00Z --reason holidays
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment, as often as needed; every configured one where none is given
    #[arg(short, long, value_name = "ENV")]
    environment: Vec<EnvironmentName>,
    /// From when on; now where nothing is said
    #[arg(long, value_name = "TIME", conflicts_with_all = ["list", "lift"])]
    from: Option<Timestamp>,
    /// Until when, like 2027-01-02T00:00:00Z
    #[arg(long, value_name = "TIME", required_unless_present_any = ["list", "lift"], conflicts_with_all = ["list", "lift"])]
    until: Option<Timestamp>,
    /// Why; goes into the record
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["list", "lift"])]
    reason: Option<String>,
    /// Show the freezes that stand
    #[arg(long, conflicts_with_all = ["lift", "reason", "dry_run"])]
    list: bool,
    /// Take the freezes off; somebody else's only with a reason
    #[arg(long)]
    lift: bool,
    /// Show what would be written down, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let names: Vec<EnvironmentName> = match args.environment.as_slice() {
        [] => workspace.project.environments.keys().cloned().collect(),
        named => named.to_vec(),
    };
    // A name that is not there is told before anything is written.
    for name in &names {
        workspace.environment(name)?;
    }
    let would = if args.dry_run { "would be " } else { "" };
    let word = if args.lift { "taken off: " } else { "" };
    let mut environments = Vec::new();
    for name in &names {
        let guards = if args.list {
            let mut standing = lock::standing(&workspace, name)?;
            standing.retain(|guard| guard.kind == GuardKind::Freeze);
            standing
        } else if args.lift {
            lock::lift(
                &workspace,
                name,
                GuardKind::Freeze,
                args.reason.as_deref(),
                args.dry_run,
            )?
        } else {
            let reason = args.reason.as_deref().unwrap_or_default();
            let guard = lock::guard(&workspace, GuardKind::Freeze, (args.from, args.until), reason)?;
            if !args.dry_run {
                lock::put(&workspace, name, &guard)?;
            }
            vec![guard]
        };
        for guard in &guards {
            shell.say(&line(&format!("{name}: {would}{word}{}", lock::told(guard))));
        }
        if guards.is_empty() {
            shell.say(&format!("{name}: no freeze stands"));
        }
        environments.push(FreezeRow {
            environment: name.clone(),
            freezes: guards,
        });
    }
    if shell.is_json() {
        shell.json(&FreezesDocument {
            dry_run: args.dry_run,
            lifted: args.lift,
            environments,
        });
    }
    Ok(Exit::Done)
}
