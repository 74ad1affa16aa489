//! `greenroom history`.

use super::shell::Shell;
use crate::app::{AppError, Exit, status};
use crate::history::{Deployment, Standing};
use crate::model::{EnvironmentName, Verdict};
use crate::report::elapsed;
use crate::report::foreign::line;
use crate::rollout::Kind;
use serde_json::json;

/// Every deployment and rollback of an environment: what, when, who, why, and how it ended
///
/// Example: greenroom history production --limit 5
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    environment: EnvironmentName,
    /// At most this many, newest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    workspace.environment(&args.environment)?;
    let (deployments, held) = status::deployments(&workspace, &args.environment)?;
    let newest: Vec<&Deployment> = deployments.iter().rev().take(args.limit).collect();
    if shell.is_json() {
        shell.json(&json!({ "schema": "greenroom.history/1", "deployments": newest }));
        return Ok(Exit::Done);
    }
    if newest.is_empty() {
        shell.say(&format!("nothing was ever deployed to {}", args.environment));
    }
    for deployment in newest {
        for line in text(deployment, held) {
            shell.say(&line);
        }
    }
    if deployments.len() > args.limit {
        shell.say(&format!(
            "… and {} older; see more with --limit",
            deployments.len() - args.limit
        ));
    }
    Ok(Exit::Done)
}

fn text(deployment: &Deployment, held: bool) -> Vec<String> {
    let plan = &deployment.plan;
    let verb = match plan.kind {
        Kind::Deploy => "deploy",
        Kind::Rollback => "rollback to",
    };
    let how = match deployment.standing(held) {
        Standing::Running => "under way".to_owned(),
        Standing::Crashed => "left by a process that died".to_owned(),
        Standing::Ended(outcome) => outcome.to_string(),
    };
    let took = deployment
        .took()
        .map_or(String::new(), |took| format!(" in {}", elapsed(took.as_millis())));
    let mut lines = vec![
        format!(
            "{}  {verb} {} ({})  {how}{took}",
            deployment.started.human(),
            deployment.version(),
            plan.strategy.as_str()
        ),
        format!(
            "    {} by {} ({}): {}",
            deployment.id, plan.origin.actor.name, plan.origin.actor.via, plan.origin.reason
        ),
    ];
    let signed = plan.signatures.iter();
    lines.extend(signed.map(|signed| format!("    signed by {}", line(&signed.to_string()))));
    if !deployment.summary.is_empty() {
        lines.push(format!("    {}", deployment.summary));
    }
    let failed = deployment
        .evidence
        .iter()
        .filter(|evidence| evidence.verdict == Verdict::Fail);
    lines.extend(failed.map(|evidence| format!("    failed check {}: {}", evidence.check, evidence.reason)));
    lines
}
