//! `greenroom plan`.

use super::deploy::{WhatArgs, note, tell};
use super::publish::{Publication, summarize};
use super::shell::Shell;
use crate::app::deploy::Prepared;
use crate::app::pipeline::{self, Wish};
use crate::app::{AppError, Exit, Workspace};
use crate::model::EnvironmentName;
use crate::report::{describe_plan, markdown};
use crate::rollout::Plan;
use serde_json::{Value, json};

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
pub(super) fn show(shell: &Shell, workspace: &Workspace, wish: &Wish) -> Result<Exit, AppError> {
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
    let mut documents: Vec<Value> = Vec::new();
    for (environment, prepared) in plans {
        match prepared {
            // Of many environments only what is shown is made.
            Ok(Prepared::Ready { plan, notes }) => {
                if !shell.is_json() || shell.has_summary() {
                    present(shell, &plan, &notes);
                }
                if shell.is_json() {
                    documents.push(json!({ "environment": environment, "plan": plan, "notes": notes }));
                }
            }
            Ok(Prepared::AlreadyLive(live)) => {
                let version = &live.candidate.version;
                shell.say(&format!(
                    "\n{version} is live in {environment} already: nothing to do"
                ));
                documents.push(json!({ "environment": environment, "live": version }));
            }
            Err(error) => {
                if !shell.is_json() {
                    shell.warn(&format!("\n{environment}:"));
                }
                let exit = super::failure::text_only(shell, &error);
                super::failure::summarize(shell, Some(&environment), &error);
                documents
                    .push(json!({ "environment": environment, "error": super::failure::describe(&error) }));
                if worst == Exit::Done {
                    worst = exit;
                }
            }
        }
    }
    if shell.is_json() {
        shell.json(&json!({ "schema": "greenroom.plans/1", "plans": documents }));
    }
    Ok(worst)
}

/// A plan on the console and in the step's summary, with what is worth knowing of it.
fn present(shell: &Shell, plan: &Plan, notes: &[String]) {
    let text = describe_plan(plan, &|text| shell.redact(text));
    let mut lines = vec![text.trim_end().to_owned()];
    lines.extend(notes.iter().map(|note| format!("note: {note}")));
    shell.say(&format!("\n{}", lines.join("\n")));
    let heading = format!(
        "Plan for {}: {} {}, nothing was touched",
        plan.environment, plan.service, plan.candidate.version
    );
    summarize(shell, &markdown::shown(&heading, &lines.join("\n")));
}
