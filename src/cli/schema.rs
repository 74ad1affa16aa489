//! `greenroom schema`.

use super::shell::Shell;
use crate::app::{AppError, Exit};
use crate::config::schema;

/// Print the JSON Schema of the configuration
///
/// Example: greenroom schema > greenroom.schema.json
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The schema of a file in environments/ instead of the pipeline file
    #[arg(long)]
    environment: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let schema = if args.environment {
        schema::environment()
    } else {
        schema::pipeline()
    };
    shell.json(&schema);
    Ok(Exit::Done)
}
