//! `greenroom history`.

use super::shell::Shell;
use crate::app::{AppError, Exit, status};
use crate::history::{Deployment, Scanned, Standing};
use crate::model::{EnvironmentName, Verdict};
use crate::report::elapsed;
use crate::report::foreign::line;
use crate::rollout::Kind;
use crate::scan::ScanResult;
use serde_json::json;

/// Every deployment, rollback and scan of an environment: what, when, who, why, and how it ended
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
    let (timeline, held) = status::timeline(&workspace, &args.environment)?;
    let deployments = timeline.deployments;
    let newest: Vec<&Deployment> = deployments.iter().rev().take(args.limit).collect();
    let scans: Vec<&Scanned> = timeline.scans.iter().rev().take(args.limit).collect();
    if shell.is_json() {
        shell.json(&json!({ "schema": "greenroom.history/1", "deployments": newest, "scans": scans }));
        return Ok(Exit::Done);
    }
    if newest.is_empty() {
        shell.say(&format!("nothing was ever deployed to {}", args.environment));
    }
    // In the order of the ledger, newest first.
    let mut entries: Vec<(u64, Vec<String>)> = newest
        .iter()
        .map(|deployment| (deployment.planned, text(deployment, held)))
        .collect();
    entries.extend(scans.iter().map(|scanned| (scanned.seq, scan(scanned))));
    entries.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    for line in entries.iter().flat_map(|(_, lines)| lines) {
        shell.say(line);
    }
    if deployments.len() > args.limit {
        shell.say(&format!(
            "… and {} older; see more with --limit",
            deployments.len() - args.limit
        ));
    }
    Ok(Exit::Done)
}

fn scan(scanned: &Scanned) -> Vec<String> {
    let scan = &scanned.scan;
    let what = if scan.live { "scan of what is live" } else { "scan" };
    let counts = match scan.counts.by_severity() {
        none if none.is_empty() => String::new(),
        counts => format!(" ({counts})"),
    };
    let mut lines = vec![
        format!("{}  {what}  {}{counts}", scanned.at.human(), scan.result),
        line(&format!("    {} by {}", scan.image, scan.scanner)),
    ];
    if scan.result == ScanResult::Error {
        let reasons = scan.reasons.iter();
        lines.extend(reasons.map(|reason| line(&format!("    {reason}"))));
    }
    lines.extend(
        scan.allowed
            .iter()
            .take(10)
            .map(|allowed| line(&format!("    allowed {}: {}", allowed.key, allowed.reason))),
    );
    lines
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
