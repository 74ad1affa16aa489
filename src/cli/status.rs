//! `greenroom status`.

use super::shell::Shell;
use crate::app::{AppError, Exit, status};
use crate::history::Status;
use crate::model::EnvironmentName;
use crate::report::describe_step;
use serde_json::{Value, json};

/// What runs where
///
/// Example: greenroom status production
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment; every configured one where none is given
    environment: Option<EnvironmentName>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let names: Vec<EnvironmentName> = match &args.environment {
        Some(name) => vec![workspace.environment(name)?.name.value.clone()],
        None => workspace.project.environments.keys().cloned().collect(),
    };
    let mut documents = Vec::new();
    for name in &names {
        let status = status::status(&workspace, name)?;
        documents.push(document(&status));
        for line in text(&status) {
            shell.say(&line);
        }
    }
    if shell.is_json() {
        shell.json(&json!({ "schema": "greenroom.status/1", "environments": documents }));
    }
    Ok(Exit::Done)
}

fn text(status: &Status) -> Vec<String> {
    let name = &status.environment;
    let mut lines = vec![match &status.live {
        Some(live) => format!(
            "{name}: {} {} since {}, by {} ({})",
            live.service,
            live.release.version,
            live.since.human(),
            live.by.actor.name,
            live.deployment
        ),
        None => format!("{name}: nothing is on record as live"),
    }];
    if let Some(artifact) = status
        .live
        .as_ref()
        .and_then(|live| live.release.artifact.as_ref())
    {
        lines.push(format!("  image {artifact}"));
    }
    if let Some(open) = &status.open {
        let version = &open.plan.candidate.version;
        let at = open.act.as_ref().map_or(String::new(), |step| {
            format!(" at: {}", describe_step(&open.plan, step))
        });
        lines.push(match (&open.lease, open.halted) {
            (_, true) => format!("  {version} is halted since {}{at}", open.last.human()),
            (Some(lease), false) => {
                format!(
                    "  {version} is being rolled out by {} since {}{at}",
                    lease.holder.who,
                    open.started.human()
                )
            }
            (None, false) => format!("  {version} was left by a process that died{at}"),
        });
        if open.halted || open.lease.is_none() {
            lines.push(format!(
                "  next: greenroom resume {name}, or greenroom abort {name}"
            ));
        }
    }
    if let Some((at, outcome, summary)) = &status.last {
        lines.push(format!("  last rollout {outcome} at {}: {summary}", at.human()));
    }
    lines
}

fn document(status: &Status) -> Value {
    json!({
        "environment": status.environment,
        "live": status.live.as_ref().map(|live| json!({
            "service": live.service,
            "release": live.release,
            "since": live.since,
            "by": live.by,
            "deployment": live.deployment,
        })),
        "open": status.open.as_ref().map(|open| json!({
            "deployment": open.plan.deployment,
            "version": open.plan.candidate.version,
            "started": open.started,
            "halted": open.halted,
            "step": open.step,
            "holder": open.lease.as_ref().map(|lease| &lease.holder.who),
        })),
        "last": status.last.as_ref().map(|(at, outcome, summary)| json!({
            "at": at,
            "outcome": outcome,
            "summary": summary,
        })),
    })
}
