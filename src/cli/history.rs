//! `greenroom history`.

use super::shell::Shell;
use crate::app::status::Past;
use crate::app::{AppError, Exit, approve, lock, status};
use crate::domain::history::{
    ApprovalChange, ApprovalRecord, DeploymentEntry, DeploymentOutcome, GuardChange, Guards, Promoted,
    Scanned, Switched, Told,
};
use crate::domain::model::{EnvironmentName, Origin, Tag, Timestamp, Verdict};
use crate::domain::rollout::Kind;
use crate::domain::scan::ScanResult;
use crate::report::document::{ChangeRow, HistoryDocument};
use crate::report::elapsed;
use crate::report::foreign::line;

/// What happened in an environment: what, when, who, why, and how it ended
///
/// Every deployment, rollback, promotion, scan, approval, lock and switch of protection.
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
    let past = status::past(&workspace, &args.environment)?;
    let deployments = &past.timeline.deployments;
    if shell.is_json() {
        shell.json(&document(&past, args.limit));
        return Ok(Exit::Done);
    }
    // In the order of the ledger, newest first.
    let deployed = deployments.iter().map(|one| (one.planned, text(one, past.held)));
    let promoted = past.promotions.iter().map(|one| (one.seq, promotion(one)));
    let scanned = past.timeline.scans.iter().map(|one| (one.seq, scan(one)));
    let switched = past.switches.iter().map(|one| (one.seq, switch(one)));
    let approved = past.approvals.iter().map(|one| (one.seq, approval(one)));
    let guarded = past.guards.iter().map(|one| (one.seq, guard(one)));
    let beside = approved.chain(guarded).chain(switched);
    let mut entries: Vec<(u64, Vec<String>)> =
        deployed.chain(promoted).chain(scanned).chain(beside).collect();
    entries.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    if entries.is_empty() {
        shell.say(&format!("nothing was ever deployed to {}", args.environment));
    }
    for (_, lines) in entries.iter().take(args.limit) {
        for line in lines {
            shell.say(line);
        }
    }
    if entries.len() > args.limit {
        shell.say(&format!(
            "… and {} older; see more with --limit",
            entries.len() - args.limit
        ));
    }
    Ok(Exit::Done)
}

/// The newest `limit` of each kind.
fn document(past: &Past, limit: usize) -> HistoryDocument<'_> {
    fn newest<T>(all: &[T], limit: usize) -> impl Iterator<Item = &T> {
        all.iter().rev().take(limit)
    }
    let approvals = newest(&past.approvals, limit);
    let guards = newest(&past.guards, limit);
    HistoryDocument {
        deployments: newest(&past.timeline.deployments, limit).collect(),
        scans: newest(&past.timeline.scans, limit).collect(),
        promotions: newest(&past.promotions, limit).collect(),
        protection: newest(&past.switches, limit).collect(),
        approvals: approvals.map(ChangeRow::of_approvals).collect(),
        guards: guards.map(ChangeRow::of_guards).collect(),
    }
}

fn promotion(promoted: &Promoted) -> Vec<String> {
    let Promoted { at, promotion, .. } = promoted;
    let tags: Vec<&str> = promotion.tags.iter().map(Tag::as_str).collect();
    let actor = &promotion.origin.actor;
    let mut lines = vec![
        format!(
            "{}  promoted {} from {}",
            at.human(),
            promotion.version,
            promotion.from
        ),
        format!(
            "    {} as {} by {} ({})",
            promotion.image,
            tags.join(", "),
            actor.name,
            actor.via
        ),
    ];
    lines.extend(promotion.proof.iter().map(|proof| format!("    proof: {proof}")));
    lines
}

fn switch(switched: &Switched) -> Vec<String> {
    let origin = &switched.body.origin;
    let state = if switched.body.enabled { "on" } else { "off" };
    vec![
        format!("{}  protection switched {state}", switched.at.human()),
        line(&format!(
            "    by {} ({}): {}",
            origin.actor.name, origin.actor.via, origin.reason
        )),
    ]
}

fn approval(told: &Told<ApprovalRecord>) -> Vec<String> {
    match &told.body.change {
        ApprovalChange::Approved(approval) => {
            vec![
                entry(told.at, "approval"),
                line(&format!("    {}", approve::told(approval))),
            ]
        }
        ApprovalChange::Withdrawn { approvals, origin } => {
            let gone: Vec<String> = approvals.iter().map(approve::told).collect();
            taken(told.at, "approval withdrawn", &gone, origin)
        }
    }
}

fn guard(told: &Told<Guards>) -> Vec<String> {
    match &told.body.change {
        GuardChange::Put(guard) => vec![
            entry(told.at, "guard"),
            line(&format!("    {}", lock::told(guard))),
        ],
        GuardChange::Lifted { guards, origin } => {
            let gone: Vec<String> = guards.iter().map(lock::told).collect();
            taken(told.at, "guard taken off", &gone, origin)
        }
    }
}

/// What stood, and who took it away.
fn taken(at: Timestamp, what: &str, gone: &[String], origin: &Origin) -> Vec<String> {
    let (actor, reason) = (&origin.actor, &origin.reason);
    let mut lines = vec![
        entry(at, what),
        line(&format!("    by {} ({}): {reason}", actor.name, actor.via)),
    ];
    lines.extend(gone.iter().map(|one| line(&format!("    it was: {one}"))));
    lines
}

fn entry(at: Timestamp, what: &str) -> String {
    format!("{}  {what}", at.human())
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

fn text(deployment: &DeploymentEntry, held: bool) -> Vec<String> {
    let plan = &deployment.plan;
    let verb = match plan.kind {
        Kind::Deploy => "deploy",
        Kind::Rollback => "rollback to",
    };
    let how = match deployment.standing(held) {
        DeploymentOutcome::Running => "under way".to_owned(),
        DeploymentOutcome::Crashed => "left by a process that died".to_owned(),
        DeploymentOutcome::Ended(outcome) => outcome.to_string(),
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
    lines.extend(
        plan.grounds
            .proof
            .iter()
            .map(|proof| format!("    proof: {proof}")),
    );
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
