//! `greenroom build`.

use super::publish::{outputs, summarize};
use super::shell::Shell;
use crate::app::identify::Identity;
use crate::app::image_build::{build, tag};
use crate::app::{AppError, Exit, document};
use crate::domain::model::{EnvironmentName, Tag, Version};
use crate::domain::trigger::manual;
use crate::report::markdown;

/// Build the image and give it the tags of an environment
///
/// The image is stored by digest, tried out where `smoke` says how, and gets its tags last. With a
/// registry in `image.repository` it goes there; without one into the project's own store, an OCI layout
/// that skopeo reads: skopeo inspect oci:.greenroom/images/SERVICE:TAG
///
/// What the builder writes is shown with --verbose and in CI, else its last lines when it fails.
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
    let identity = Identity::settle(&workspace, &decision, args.version.as_ref(), None, time)?;
    let Some(built) = build(&workspace, environment, &identity, &shell.lines())? else {
        return Err(AppError::project(
            "there is nothing to build: greenroom.yaml has no `image:`",
        ));
    };
    tag(&workspace, &built)?;
    let tags: Vec<&str> = built.tags.iter().map(Tag::as_str).collect();
    outputs(
        shell,
        &[
            ("tags", tags.join("\n")),
            ("image", built.artifact.to_string()),
            ("digest", built.artifact.digest.to_string()),
            ("version", identity.version.to_string()),
            ("sha", identity.sha()),
            ("environment", args.environment.to_string()),
        ],
    )?;
    let image = built.artifact.to_string();
    let service = &workspace.project.service;
    summarize(
        shell,
        &markdown::built(
            &args.environment,
            service,
            identity.version.as_str(),
            &image,
            &tags,
        ),
    );
    if shell.is_json() {
        shell.json(&document::build(&built, &identity.version));
        return Ok(Exit::Done);
    }
    shell.say(&image);
    if let Some(made) = &built.made {
        shell.say(&super::console::made(made));
    }
    for tag in tags {
        shell.say(&format!("  {tag}"));
    }
    Ok(Exit::Done)
}
