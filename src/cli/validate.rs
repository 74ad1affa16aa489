//! `greenroom validate`.

use super::shell::Shell;
use crate::app::validate::validate;
use crate::app::{AppError, Exit};
use crate::report::document::{ValidationDocument, ValidationRow};

/// Run the checks before the build, and nothing else
///
/// Those under `validate:` in greenroom.yaml, in their order, up to the first that fails. Ends with 4 then,
/// as `run` does: nothing was built or deployed.
///
/// Example: greenroom validate
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn run(shell: &Shell, _: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let mut document = ValidationDocument::default();
    validate(&workspace, |validated| {
        shell.say(&format!("{} passed ({})", validated.name, validated.took));
        document.passed.push(ValidationRow {
            name: validated.name.clone(),
            took: validated.took,
        });
    })?;
    let configured = workspace.project.validate.len();
    if shell.is_json() {
        shell.json(&document);
    } else if configured == 0 {
        shell.say("there is nothing to check: greenroom.yaml has no `validate:`");
    } else {
        shell.say(&format!("{configured} of {configured} checks passed"));
    }
    Ok(Exit::Done)
}
