//! `greenroom status`.

use super::publish::summarize_shown;
use super::shell::Shell;
use crate::app::drift::{self, Looked};
use crate::app::{AppError, Exit, approve, lock, protection, status};
use crate::domain::history::Status;
use crate::domain::model::EnvironmentName;
use crate::report::describe_step;
use crate::report::foreign::line;
use serde_json::{Value, json};

/// What runs where
///
/// Example: greenroom status production --live
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment; every configured one where none is given
    environment: Option<EnvironmentName>,
    /// Look at what runs, too, and tell what differs from the ledger; ends with 5 where something does
    #[arg(long)]
    live: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let names: Vec<EnvironmentName> = match &args.environment {
        Some(name) => vec![workspace.environment(name)?.name.value.clone()],
        None => workspace.project.environments.keys().cloned().collect(),
    };
    let (mut documents, mut exit) = (Vec::new(), Exit::Done);
    let mut known = false;
    let mut shown: Vec<String> = Vec::new();
    let mut tell = |lines: Vec<String>| {
        for line in lines {
            shell.say(&line);
            shown.push(line);
        }
    };
    for name in &names {
        let status = status::status(&workspace, name)?;
        known |= status.live.is_some() || status.open.is_some();
        let looked = args.live.then(|| drift::look(&workspace, name)).transpose()?;
        let (guards, approvals) = (
            lock::standing(&workspace, name)?,
            approve::standing(&workspace, name)?,
        );
        let mut document = document(&status);
        document["guards"] = json!(guards);
        document["approvals"] = json!(approvals);
        let stands = guards
            .iter()
            .map(lock::told)
            .chain(approvals.iter().map(approve::told));
        let stands = stands.map(|told| line(&format!("  {told}")));
        tell(text(&status).into_iter().chain(stands).collect());
        if let Some(looked) = &looked {
            document["drift"] = json!(looked.drift);
            tell(found(looked));
            if !looked.drift.is_empty() {
                exit = Exit::Halted;
            }
        }
        documents.push(document);
    }
    let place = workspace.record_place()?;
    if !known {
        tell(vec![unknown(&place)]);
    }
    summarize_shown(shell, "What is live", &shown.join("\n"));
    if shell.is_json() {
        shell.json(&json!({ "schema": "greenroom.status/1", "ledger": place, "environments": documents }));
    }
    Ok(exit)
}

/// What may be the matter where nothing is on record anywhere.
fn unknown(place: &str) -> String {
    line(&format!(
        "This is the record in {place}. If others deploy, theirs may be elsewhere: `git fetch`, or name it in \
         greenroom.yaml (ledger)."
    ))
}

/// What a look at what runs came to.
fn found(looked: &Looked) -> Vec<String> {
    let units = match looked.units {
        1 => "1 unit".to_owned(),
        count => format!("{count} units"),
    };
    if looked.drift.is_empty() {
        return vec![format!("  live: {units}, as the ledger says")];
    }
    let open = if looked.open { " (a rollout is open)" } else { "" };
    let mut lines = vec![format!("  live: {units}, not as the ledger says{open}")];
    let found = looked.drift.iter();
    lines.extend(found.map(|drift| line(&format!("    {}", drift.message))));
    lines
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
    if let Some(switched) = &status.protection {
        lines.push(line(&format!("  {}", protection::told(switched))));
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
        "protection": status.protection,
        "last": status.last.as_ref().map(|(at, outcome, summary)| json!({
            "at": at,
            "outcome": outcome,
            "summary": summary,
        })),
    })
}
