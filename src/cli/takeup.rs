//! What resume and abort share.

use super::outcome::exit;
use super::publish::{Publication, ReportArgs};
use super::shell::Shell;
use crate::app::takeup::{self, Direction};
use crate::app::{AppError, Exit};
use crate::model::EnvironmentName;

#[derive(Debug, clap::Args)]
pub(super) struct TakeUpArgs {
    /// The environment
    environment: EnvironmentName,
    /// Why; goes into the record
    #[arg(long, value_name = "TEXT", default_value = "asked by hand")]
    reason: String,
    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn take_up(shell: &Shell, args: &TakeUpArgs, direction: Direction) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let origin = shell.context.origin(&args.reason, None);
    let watchers = shell.watchers(false);
    let Some(deployed) = takeup::take_up(&workspace, &args.environment, direction, origin, &watchers)? else {
        shell.say(&format!(
            "no rollout is open in {}: nothing to do",
            args.environment
        ));
        return Ok(Exit::Done);
    };
    let exit = match direction {
        // Going back is what was asked for.
        Direction::Abort if deployed.outcome == crate::rollout::Outcome::RolledBack => Exit::Done,
        Direction::Abort | Direction::Resume => exit(&deployed),
    };
    let mut publication = Publication::default();
    publication.add_rollout(&deployed)?;
    publication.publish(shell, &args.reports);
    Ok(exit)
}
