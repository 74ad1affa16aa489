//! `greenroom status`.

use super::publish::summarize_shown;
use super::shell::Shell;
use crate::app::drift::{self, Looked};
use crate::app::{AppError, Exit, Workspace, approve, lock, protection, status};
use crate::domain::history::{Approval, Guard, Status};
use crate::domain::model::EnvironmentName;
use crate::report::describe_step;
use crate::report::document::{StatusDocument, StatusRow};
use crate::report::foreign::line;

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
    let (mut looks, mut exit) = (Vec::new(), Exit::Done);
    let mut shown: Vec<String> = Vec::new();
    let mut tell = |lines: Vec<String>| {
        for line in lines {
            shell.say(&line);
            shown.push(line);
        }
    };
    for name in &names {
        let look = Look::take(&workspace, name, args.live)?;
        tell(look.text());
        if look
            .looked
            .as_ref()
            .is_some_and(|looked| !looked.drift.is_empty())
        {
            exit = Exit::Halted;
        }
        looks.push(look);
    }
    let known = |look: &Look| look.status.live.is_some() || look.status.open.is_some();
    let place = workspace.record_place()?;
    if !looks.iter().any(known) {
        tell(vec![unknown(&place)]);
    }
    summarize_shown(shell, "What is live", &shown.join("\n"));
    if shell.is_json() {
        shell.json(&StatusDocument {
            ledger: &place,
            environments: looks.iter().map(Look::row).collect(),
        });
    }
    Ok(exit)
}

/// What is known of one environment.
struct Look {
    status: Status,
    guards: Vec<Guard>,
    approvals: Vec<Approval>,
    /// What runs; `None` where nobody asked.
    looked: Option<Looked>,
}

impl Look {
    fn take(workspace: &Workspace, name: &EnvironmentName, live: bool) -> Result<Self, AppError> {
        Ok(Self {
            status: status::status(workspace, name)?,
            looked: live.then(|| drift::look(workspace, name)).transpose()?,
            guards: lock::standing(workspace, name)?,
            approvals: approve::standing(workspace, name)?,
        })
    }

    fn text(&self) -> Vec<String> {
        let guards = self.guards.iter().map(lock::told);
        let stands = guards.chain(self.approvals.iter().map(approve::told));
        let stands = stands.map(|told| line(&format!("  {told}")));
        let mut lines: Vec<String> = text(&self.status).into_iter().chain(stands).collect();
        lines.extend(self.looked.iter().flat_map(found));
        lines
    }

    fn row(&self) -> StatusRow<'_> {
        let drift = self.looked.as_ref().map(|looked| looked.drift.as_slice());
        StatusRow::of(&self.status, &self.guards, &self.approvals, drift)
    }
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
