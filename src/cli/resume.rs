//! `greenroom resume`.

use super::shell::Shell;
use super::unfinished::{UnfinishedArgs, finish};
use crate::app::resume::Direction;
use crate::app::{AppError, Exit};

/// Take up a rollout that halted or whose process died
///
/// Goes on from where it stopped: a step that had begun is performed again, a paused canary goes to its
/// next step.
///
/// Example: greenroom resume production --dry-run
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: UnfinishedArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    finish(shell, &args.common, Direction::Resume)
}
