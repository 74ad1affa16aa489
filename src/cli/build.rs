//! `greenroom build`.

use super::publish::outputs;
use super::shell::Shell;
use crate::app::build::build;
use crate::app::identify::Identity;
use crate::app::{AppError, Exit};
use crate::model::{EnvironmentName, Tag, Version};
use crate::trigger::manual;
use serde_json::json;

/// Build the image and give it the tags of an environment
///
/// An image whose repository names a registry's host goes there. Any other goes into the project's own
/// store, an OCI layout that skopeo reads: skopeo inspect oci:.greenroom/images/SERVICE:TAG
///
/// Example: greenroom build -e staging
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment whose tags the image gets
    #[arg(short, long, value_name = "ENV")]
    environment: EnvironmentName,
    /// The version; found in the project where none is given
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let environment = workspace.environment(&args.environment)?;
    let decision = manual(args.environment.clone(), None);
    let time = shell.context.clock.now();
    let identity = Identity::settle(&workspace, &decision, args.version.as_ref(), time)?;
    let Some(built) = build(&workspace, environment, &identity)? else {
        return Err(AppError::Project(
            "there is nothing to build: greenroom.yaml has no `image:`".to_owned(),
        ));
    };
    let tags: Vec<&str> = built.tags.iter().map(Tag::as_str).collect();
    outputs(
        shell,
        &[
            ("tags", tags.join("\n")),
            ("image", built.artifact.to_string()),
            ("digest", built.artifact.digest.to_string()),
            ("version", identity.version.to_string()),
        ],
    )?;
    if shell.is_json() {
        shell.json(&json!({
            "schema": "greenroom.build/1",
            "image": built.artifact,
            "tags": tags,
            "version": identity.version,
        }));
        return Ok(Exit::Done);
    }
    shell.say(&built.artifact.to_string());
    for tag in tags {
        shell.say(&format!("  {tag}"));
    }
    Ok(Exit::Done)
}
