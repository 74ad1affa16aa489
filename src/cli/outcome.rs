//! The exit code of a rollout, and the reports that it leaves.

use super::publish::{Publication, summarize};
use super::shell::Shell;
use crate::app::deploy::{Deployed, Done};
use crate::app::{AppError, Exit};
use crate::domain::model::EnvironmentName;
use crate::domain::rollout::Outcome;
use crate::report::document::UnchangedDocument;
use crate::report::markdown;

/// Exit code of a rollout that came to its end.
pub(super) fn exit(deployed: &Deployed) -> Exit {
    match deployed.outcome {
        Outcome::Succeeded => Exit::Done,
        Outcome::RolledBack if deployed.interrupted => Exit::Interrupted,
        Outcome::RolledBack => Exit::RolledBack,
        Outcome::Halted => Exit::Halted,
    }
}

/// Takes in what one environment came to, and tells about it.
pub(super) fn take(
    shell: &Shell,
    environment: &EnvironmentName,
    done: Result<Done, AppError>,
    publication: &mut Publication,
) -> Result<Exit, AppError> {
    match done? {
        Done::Deployed(deployed) => {
            publication.add_rollout(&deployed)?;
            Ok(exit(&deployed))
        }
        Done::AlreadyLive(plan) => {
            let version = &plan.candidate.version;
            let told = format!(
                "{version} is live in {environment} already, so nothing was done (deploy it anew with --force)"
            );
            shell.say(&told);
            summarize(shell, &markdown::nothing(&told));
            publication.add_other(&UnchangedDocument::of(environment, &plan));
            publication.set("outcome", "succeeded");
            publication.set("environment", environment.as_str());
            publication.set("version", version.as_str());
            publication.nothing_done();
            Ok(Exit::Done)
        }
    }
}
