//! `greenroom run`.

use super::deploy::perform;
use super::deploy_options::WhatArgs;
use super::publish::ReportArgs;
use super::shell::Shell;
use crate::app::{AppError, Exit};
use crate::domain::model::EnvironmentName;

/// The whole pipeline for the event at hand
///
/// Decides whether the event deploys, then tags, validates, builds, deploys, verifies and reports. On a
/// laptop, where there is no event, name the environment; with a single configured environment that
/// one is meant.
///
/// Example: greenroom run --config examples/quickstart/greenroom.yaml
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment, where no event decides
    #[arg(short, long, value_name = "ENV")]
    environment: Vec<EnvironmentName>,
    #[command(flatten)]
    what: WhatArgs,
    /// Show the plan and touch nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit with 8 when there was nothing to do
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let mut wish = args.what.wish(&workspace);
    wish.environments = args.environment.clone();
    if args.dry_run {
        return super::plan::show(shell, &workspace, &wish);
    }
    let exit = perform(shell, &workspace, &wish, &args.reports)?;
    Ok(if exit == Exit::Nothing && !args.exit_code {
        Exit::Done
    } else {
        exit
    })
}
