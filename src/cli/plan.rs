//! `greenroom plan`.

use super::deploy_options::WhatArgs;
use super::progress::{note, tell};
use super::publish::{Publication, summarize_shown};
use super::shell::Shell;
use crate::app::deploy::Prepared;
use crate::app::pipeline::{self, RunOptions};
use crate::app::{AppError, Exit, Workspace, document};
use crate::domain::model::EnvironmentName;
use crate::report::describe_plan;
use crate::report::document::PlansDocument;

/// Show every effect and every gate, and touch nothing
///
/// Example: greenroom plan -e production --strategy blue-green
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment; may be given several times; by the event where none is given
    #[arg(short, long, value_name = "ENV")]
    environment: Vec<EnvironmentName>,
    /// Plan for every environment
    #[arg(long, conflicts_with = "environment")]
    all: bool,
    #[command(flatten)]
    what: WhatArgs,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let mut wish = args.what.wish(&workspace);
    wish.environments = args.environment.clone();
    if args.all {
        wish.environments = workspace.project.environments.keys().cloned().collect();
    }
    show(shell, &workspace, &wish)
}

/// Shows what [`pipeline::run`] would do.
pub(super) fn show(shell: &Shell, workspace: &Workspace, wish: &RunOptions) -> Result<Exit, AppError> {
    let mut publication = Publication::default();
    let plans = pipeline::plan(workspace, wish, &mut |progress| {
        tell(shell, &progress);
        note(&progress, &mut publication);
    });
    if !wish.environments.is_empty() {
        publication.set_matrix(&wish.environments);
    }
    publication.write_outputs(shell);
    let plans = plans?;
    let mut worst = Exit::Done;
    let mut rows = Vec::new();
    for (environment, prepared) in &plans {
        match prepared {
            // Of many environments only what is shown is made.
            Ok(prepared) => {
                if !shell.is_json() || shell.has_summary() {
                    shell.say("");
                    say(shell, environment, prepared);
                }
                if shell.is_json() {
                    rows.push(document::plan(environment, prepared));
                }
            }
            Err(error) => {
                if !shell.is_json() {
                    shell.warn(&format!("\n{environment}:"));
                }
                let exit = super::failure::text_only(shell, error);
                super::failure::summarize(shell, Some(environment), error);
                rows.push(document::failed_plan(environment, error));
                if worst == Exit::Done {
                    worst = exit;
                }
            }
        }
    }
    if shell.is_json() {
        shell.json(&PlansDocument { plans: rows });
    }
    Ok(worst)
}

/// Shows what would be done, on the console and in the step's summary: the plan, and what is worth knowing about it.
pub(super) fn say(shell: &Shell, environment: &EnvironmentName, prepared: &Prepared) {
    match prepared {
        Prepared::Ready { plan, notes } => {
            let text = describe_plan(plan, &|text| shell.redact(text));
            let mut lines = vec![text.trim_end().to_owned()];
            lines.extend(notes.iter().map(|note| format!("note: {note}")));
            let text = lines.join("\n");
            shell.say(&text);
            let heading = format!(
                "Plan for {environment}: {} {}, nothing was touched",
                plan.service, plan.candidate.version
            );
            summarize_shown(shell, &heading, &text);
        }
        Prepared::AlreadyLive(live) => {
            let version = &live.candidate.version;
            shell.say(&format!(
                "{version} is live in {environment} already: nothing to do"
            ));
        }
    }
}
