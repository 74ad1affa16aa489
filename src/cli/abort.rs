//! `greenroom abort`.

use super::shell::Shell;
use super::unfinished::{UnfinishedArgs, finish};
use crate::app::resume::Direction;
use crate::app::{AppError, Exit};

/// Bring the previous version back from a rollout that has not come to its end
///
/// With --dry-run it shows the way back and touches nothing.
///
/// Example: greenroom abort production --reason "the migration takes too long"
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: UnfinishedArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    finish(shell, &args.common, Direction::Abort)
}
