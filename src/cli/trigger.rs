//! `greenroom trigger`.

use super::publish::{matrix, outputs};
use super::shell::Shell;
use crate::app::decide::decision;
use crate::app::{AppError, Exit};

/// Decide whether the event at hand deploys, and where
///
/// In GitHub Actions, GitLab CI and Jenkins the event is read from what the runner says of it. The decision
/// goes to the step outputs should_deploy, environment, ref, sha, version, reason and matrix (the
/// environment as a JSON list, empty where nothing is to be deployed).
///
/// Example: GITHUB_EVENT_NAME=push GITHUB_EVENT_PATH=event.json greenroom trigger
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Exit with 8 when nothing is to be deployed
    #[arg(long)]
    exit_code: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let decision = decision(&workspace, None, None)?;
    let text = |value: Option<String>| value.unwrap_or_default();
    outputs(
        shell,
        &[
            ("should_deploy", decision.should_deploy.to_string()),
            (
                "environment",
                text(decision.environment.as_ref().map(ToString::to_string)),
            ),
            ("ref", text(decision.git_ref.clone())),
            ("sha", text(decision.sha.as_ref().map(ToString::to_string))),
            (
                "version",
                text(decision.version.as_ref().map(ToString::to_string)),
            ),
            ("reason", decision.reason.clone()),
            ("matrix", matrix(decision.environment.as_slice())),
        ],
    )?;
    if shell.is_json() {
        shell.json(&decision);
    } else {
        let word = if decision.should_deploy {
            "deploys"
        } else {
            "does not deploy"
        };
        shell.say(&format!("{word}: {}", decision.reason));
    }
    Ok(match decision.should_deploy {
        true => Exit::Done,
        false if decision.reason_code.is_refusal() => Exit::Refused,
        false if args.exit_code => Exit::Nothing,
        false => Exit::Done,
    })
}
