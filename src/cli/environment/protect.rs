//! `greenroom environment protect`.

use crate::app::{AppError, Exit, protection};
use crate::cli::shell::Shell;
use crate::domain::model::EnvironmentName;
use crate::report::document::ProtectionDocument;
use crate::report::foreign::line;
use clap::ValueEnum;

/// Switch an environment's protection on or off, whatever is configured
///
/// What is switched here stands above `protection.enabled` of the configuration until it is switched again,
/// and is on record with the reason: `environment show`, `status` and `history` tell it. Off means that
/// neither approval nor tests, promotion or signatures are asked for; what greenroom did not make stays
/// protected all the same.
///
/// Example: greenroom environment protect staging off --reason "load test, nothing real on it until Friday"
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    environment: EnvironmentName,
    /// On or off
    state: State,
    /// Why; goes into the record
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    On,
    Off,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let enabled = args.state == State::On;
    let done = protection::switch(&workspace, &args.environment, enabled, &args.reason)?;
    if shell.is_json() {
        shell.json(&ProtectionDocument {
            environment: &args.environment,
            changed: done.changed,
            switch: &done.standing,
        });
        return Ok(Exit::Done);
    }
    let told = protection::told(&done.standing);
    let text = if done.changed {
        format!("{}: {told}", args.environment)
    } else {
        format!("{}: nothing to do, {told}", args.environment)
    };
    shell.say(&line(&text));
    Ok(Exit::Done)
}
