//! `greenroom rollback`.

use super::outcome::take;
use super::plan;
use super::publish::{Publication, ReportArgs};
use super::shell::Shell;
use crate::app::{AppError, Exit, Purpose, Workspace, World, deploy, document, rollback};
use crate::config::environment::RollbackStrategy;
use crate::domain::history::Selector;
use crate::domain::model::{EnvironmentName, Version};
use crate::report::document::PlansDocument;
use clap::ValueEnum;

/// Go back to a version that was live before
///
/// Restores image, variables and the sources of secrets as the ledger recorded them. Without a version
/// it goes where the environment's `rollbackStrategy` says: to the one before the live one, or to the
/// newest stable one.
///
/// Example: greenroom rollback production --to stable
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    environment: EnvironmentName,
    /// The version to go back to
    version: Option<Version>,
    /// Which release, where no version is given
    #[arg(long, value_enum, conflicts_with = "version")]
    to: Option<To>,
    /// Why; goes into the record
    #[arg(long, value_name = "TEXT", default_value = "rolled back by hand")]
    reason: String,
    /// Show the plan and touch nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum To {
    /// The one before the live one
    Previous,
    /// The newest that nobody rolled back from
    Stable,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let selector = match (&args.version, args.to) {
        (Some(version), _) => Selector::Version(version.clone()),
        (None, Some(To::Stable)) => Selector::Stable,
        (None, Some(To::Previous)) => Selector::Previous,
        (None, None) => configured(&workspace, &args.environment)?,
    };
    let origin = shell.context.origin(&args.reason, None);
    if args.dry_run {
        let environment = workspace.environment(&args.environment)?;
        let ask = rollback::ask(
            rollback::choose(&workspace, &args.environment, &selector)?,
            origin,
        );
        let world = World::open(&workspace, environment, &ask.release, Purpose::Look)?;
        let prepared = deploy::prepare(&workspace, environment, &ask, &world)?;
        if shell.is_json() {
            shell.json(&PlansDocument {
                plans: vec![document::plan(&args.environment, &prepared)],
            });
        } else {
            plan::say(shell, &args.environment, &prepared);
        }
        return Ok(Exit::Done);
    }
    let done = rollback::rollback(
        &workspace,
        &args.environment,
        &selector,
        origin,
        &shell.audience(false),
    );
    let mut publication = Publication::default();
    publication.set("reason", &args.reason);
    let exit = take(shell, &args.environment, done, &mut publication)?;
    publication.publish(shell, &args.reports);
    Ok(exit)
}

/// Where the environment's `rollbackStrategy` goes back to.
pub(super) fn configured(workspace: &Workspace, environment: &EnvironmentName) -> Result<Selector, AppError> {
    let rollback = &workspace.environment(environment)?.deployment.rollback;
    Ok(match rollback.strategy {
        RollbackStrategy::Stable => Selector::Stable,
        RollbackStrategy::Previous | RollbackStrategy::Manual => Selector::Previous,
    })
}
