//! `greenroom deploy`.

use super::deploy_options::WhatArgs;
use super::outcome::take;
use super::progress::{note, tell};
use super::publish::{Publication, ReportArgs, summarize};
use super::shell::Shell;
use crate::app::pipeline::{self, Run, RunOptions};
use crate::app::{AppError, Exit, Workspace, document};
use crate::domain::model::{EnvironmentName, Explanation};
use crate::report::markdown;

/// Bring a version to one environment or several
///
/// Builds the image (or takes one that exists), checks every gate, rolls it out, verifies it, and puts
/// the previous version back when it does not hold.
///
/// Example: greenroom deploy -e staging --strategy canary
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment; may be given several times
    #[arg(short, long, value_name = "ENV", required = true)]
    environment: Vec<EnvironmentName>,
    #[command(flatten)]
    what: WhatArgs,
    /// Deploy to all environments at the same time instead of one after the other
    #[arg(long)]
    parallel: bool,
    /// Go on along the promotion order up to this environment
    #[arg(long, value_name = "ENV", conflicts_with = "parallel")]
    through: Option<EnvironmentName>,
    /// Show the plan and touch nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let mut wish = args.what.wish(&workspace);
    wish.environments = args.environment.clone();
    if let Some(last) = &args.through {
        wish.environments = through(&workspace, &args.environment, last)?;
    }
    wish.parallel = args.parallel;
    if args.dry_run {
        return super::plan::show(shell, &workspace, &wish);
    }
    let exit = perform(shell, &workspace, &wish, &args.reports)?;
    Ok(if exit == Exit::Nothing { Exit::Done } else { exit })
}

/// Runs the pipeline and reports on it.
pub(super) fn perform(
    shell: &Shell,
    workspace: &Workspace,
    wish: &RunOptions,
    reports: &ReportArgs,
) -> Result<Exit, AppError> {
    let audience = shell.audience(wish.parallel && wish.environments.len() > 1);
    let mut publication = Publication::default();
    let run = pipeline::run(workspace, wish, &audience, &mut |progress| {
        tell(shell, &progress);
        note(&progress, &mut publication);
    });
    if !wish.environments.is_empty() {
        publication.set_matrix(&wish.environments);
    }
    match run {
        Ok(run) => finish(shell, run, publication, reports),
        Err(error) => {
            // Later steps ask whether anything was to be deployed.
            publication.write_outputs(shell);
            Err(error)
        }
    }
}

fn finish(
    shell: &Shell,
    run: Run,
    mut publication: Publication,
    reports: &ReportArgs,
) -> Result<Exit, AppError> {
    let mut worst = Exit::Done;
    let several = run.results.len() > 1;
    if run.results.is_empty() {
        let told = format!("not deploying: {}", shell.redact(&run.decision.reason));
        summarize(shell, &markdown::nothing(&told));
        publication.nothing_done();
    }
    for (environment, done) in run.results {
        let exit = match take(shell, &environment, done, &mut publication) {
            Ok(exit) => exit,
            Err(error) => {
                if several {
                    shell.warn(&format!("{environment}:"));
                }
                publication.add_other(&document::failure(&error));
                super::failure::beside(shell, Some(&environment), &error)
            }
        };
        // A person is needed before all else; otherwise the first that is not well counts.
        if exit == Exit::Halted || worst == Exit::Done {
            worst = exit;
        }
    }
    if worst == Exit::Done && publication.is_idle() {
        publication.publish(shell, reports);
        return Ok(Exit::Nothing);
    }
    publication.publish(shell, reports);
    Ok(worst)
}

/// The environments from the named ones on along the promotion order, up to `last`.
fn through(
    workspace: &Workspace,
    from: &[EnvironmentName],
    last: &EnvironmentName,
) -> Result<Vec<EnvironmentName>, AppError> {
    let order = &workspace.project.promotion;
    let place = |name: &EnvironmentName| {
        order.iter().position(|each| each == name).ok_or_else(|| {
            AppError::usage(
                Explanation::new(format!("{name} is not in the promotion order"))
                    .fix("add it to `promotion:`"),
            )
        })
    };
    let [first] = from else {
        return Err(AppError::usage("--through takes one -e, where it begins"));
    };
    let (begin, end) = (place(first)?, place(last)?);
    if begin > end {
        return Err(AppError::usage(format!(
            "{last} comes before {first} in the promotion order"
        )));
    }
    Ok(order[begin..=end].to_vec())
}
