//! `greenroom tag`.

use super::publish::outputs;
use super::shell::Shell;
use crate::app::identify::Identity;
use crate::app::{AppError, Exit, Workspace, document};
use crate::domain::model::{EnvironmentName, EnvironmentType, Tag, Timestamp, Version};
use crate::domain::trigger::manual;

/// Compute the image tags of this commit for an environment
///
/// staging: staging-v{version}-{YYYYMMDD-HHMMSS}-{sha7} and staging-latest; production: {version}, the
/// full commit and latest, which never moves backwards.
///
/// Example: greenroom tag -e staging
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment; the first that is no production where none is given
    #[arg(short, long, value_name = "ENV")]
    environment: Option<EnvironmentName>,
    /// Branch, tag or commit; what is checked out where none is given
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,
    /// The version; found in the project where none is given
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,
    /// The time of the run, handed on from an earlier step (RFC 3339); now where none is given
    #[arg(long, value_name = "TIME")]
    time: Option<Timestamp>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let name = chosen(&workspace, args.environment.as_ref())?;
    let environment = workspace.environment(&name)?;
    let time = args.time.unwrap_or_else(|| shell.context.clock.now());
    let decision = manual(name, args.git_ref.as_deref());
    let identity = Identity::settle(&workspace, &decision, args.version.as_ref(), None, time)?;
    let tagging = identity.tags(&workspace, environment)?;
    let names: Vec<&str> = tagging.tags.iter().map(Tag::as_str).collect();
    let image = workspace
        .project
        .image
        .as_ref()
        .map(|image| image.repository.clone());
    outputs(
        shell,
        &[
            ("tags", names.join("\n")),
            ("version", identity.version.to_string()),
            ("sha", identity.sha()),
            ("image", image.clone().unwrap_or_default()),
            ("environment", environment.name.value.to_string()),
        ],
    )?;
    if shell.is_json() {
        shell.json(&document::tags(&identity, &tagging, image.as_deref()));
        return Ok(Exit::Done);
    }
    for tag in names {
        shell.say(tag);
    }
    if let Some(withheld) = tagging.withheld {
        shell.warn(&format!("note: {withheld}"));
    }
    Ok(Exit::Done)
}

/// The named environment, else the first that is no production.
fn chosen(workspace: &Workspace, named: Option<&EnvironmentName>) -> Result<EnvironmentName, AppError> {
    let all = &workspace.project.environments;
    let rehearsal = || {
        all.values()
            .find(|found| found.kind != EnvironmentType::Production)
    };
    let first = || all.values().next();
    named
        .or_else(|| rehearsal().or_else(first).map(|found| &found.name.value))
        .cloned()
        .ok_or_else(|| AppError::usage("the project has no environment to compute tags for"))
}
