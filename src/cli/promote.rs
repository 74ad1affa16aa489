//! `greenroom promote`.

use super::image::{lines, preview_lines};
use super::outcome::take;
use super::plan;
use super::progress::tell_scan;
use super::publish::{Publication, ReportArgs};
use super::shell::Shell;
use super::transfer::Transfer;
use crate::app::promote::{self, PromoteOptions, Settled};
use crate::app::{AppError, Exit, Workspace, document};
use crate::domain::model::{DeployOptions, EnvironmentName, Version};
use crate::images::Meter;
use std::sync::Arc;

/// Bring what proved itself in one environment to the next, by digest
///
/// Takes the very image that is live in the one environment, demands the proof from its ledger that the
/// suites passed there on it, copies it where the other environment keeps its images (with every platform,
/// attestation and signature), moves the tags (latest only forwards), writes it into the ledger, and
/// deploys it. Nothing is built again.
///
/// Example: greenroom promote --from staging --to production
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where it proved itself
    #[arg(long, value_name = "ENV")]
    from: EnvironmentName,
    /// Where it goes
    #[arg(long, value_name = "ENV")]
    to: EnvironmentName,
    /// The version, where it is not what is live now
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,
    /// The image that it has to be, by tag or digest
    #[arg(long, value_name = "TAG|DIGEST")]
    image: Option<String>,
    /// Copy the image and move the tags, and deploy nothing
    #[arg(long)]
    image_only: bool,
    /// Deploy a commit that is older than the live one
    #[arg(long)]
    allow_stale: bool,
    /// Deploy even what is live already
    #[arg(long)]
    force: bool,
    /// Show what would be done and touch nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let wish = wish(args);
    let audience = shell.audience(false);
    let told = |error: &AppError| {
        if !args.dry_run {
            promote::tell_refusal(&workspace, &wish, error, &audience);
        }
    };
    let settled = promote::settle(&workspace, &wish).inspect_err(told)?;
    tell(shell, &wish, &settled);
    if args.dry_run {
        return preview(shell, &workspace, &wish, &settled);
    }
    let mut publication = Publication::default();
    let (assessment, allowed) = promote::scan(&workspace, &wish, &settled)?;
    if let Some(assessment) = &assessment {
        tell_scan(shell, assessment);
        publication.add_scan(assessment);
    }
    if let Err(refused) = allowed {
        told(&refused);
        publication.publish(shell, &args.reports);
        return Err(refused);
    }
    let meter = Meter::new(Arc::clone(&shell.context.clock));
    let copied = {
        let _shown = Transfer::show(shell, &meter);
        promote::bring_image(&workspace, &wish, &settled, &meter).inspect_err(told)?
    };
    let repository = &settled.image.repository;
    for line in lines(repository, &copied) {
        shell.tell(&line);
    }
    publication.set("environment", wish.to.as_str());
    publication.set("version", settled.ask.release.version.as_str());
    publication.set("image", &settled.image.to_string());
    publication.set("digest", settled.image.digest.as_str());
    if args.image_only {
        publication.add_other(&document::promotion(&wish, &settled, &copied));
        publication.set("outcome", "succeeded");
        publication.publish(shell, &args.reports);
        return Ok(Exit::Done);
    }
    let done = promote::deploy_image(&workspace, &wish, &settled, &audience);
    let exit = take(shell, &wish.to, done, &mut publication)?;
    publication.publish(shell, &args.reports);
    Ok(exit)
}

fn wish(args: &Args) -> PromoteOptions {
    PromoteOptions {
        from: args.from.clone(),
        to: args.to.clone(),
        version: args.version.clone(),
        image: args.image.clone(),
        image_only: args.image_only,
        options: DeployOptions {
            allow_stale: args.allow_stale,
            force: args.force,
            ..DeployOptions::default()
        },
    }
}

fn tell(shell: &Shell, wish: &PromoteOptions, settled: &Settled) {
    let version = &settled.ask.release.version;
    shell.tell(&format!("promoting {version} from {} to {}", wish.from, wish.to));
    match &settled.proof {
        Some(proof) => shell.tell(&format!("proof: {proof}")),
        None => shell.tell(&format!("no proof: {} asks for no tests", wish.to)),
    }
    if let Some(withheld) = &settled.withheld {
        shell.tell(&format!("note: {withheld}"));
    }
}

fn preview(
    shell: &Shell,
    workspace: &Workspace,
    wish: &PromoteOptions,
    settled: &Settled,
) -> Result<Exit, AppError> {
    let (outlook, prepared) = promote::preview(workspace, wish, settled)?;
    let repository = &settled.image.repository;
    if shell.is_json() {
        let document = document::promotion_preview(wish, settled, &outlook, prepared.as_ref());
        shell.json(&document);
        return Ok(Exit::Done);
    }
    for line in preview_lines(repository, &outlook) {
        shell.say(&line);
    }
    if let Some(prepared) = &prepared {
        shell.say("");
        plan::say(shell, &wish.to, prepared);
    }
    Ok(Exit::Done)
}
