//! The command line of `greenroom action`.

/// Run the command that the inputs of the action name
///
/// What `action.yml` calls. Inputs arrive as GREENROOM_INPUT_COMMAND, GREENROOM_INPUT_ENVIRONMENT and so
/// on; an empty one was not given. An input that the command does not take is an error, and so is one
/// that greenroom does not know.
///
/// Example: GREENROOM_INPUT_COMMAND=plan GREENROOM_INPUT_ENVIRONMENT=staging greenroom action
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {}
