//! Approvals in the ledger: given, taken back, listed. Like the switch of protection they need no lease.

use super::error::AppError;
use super::image_build::find;
use super::listed;
use super::record::EnvironmentRecord;
use super::workspace::Workspace;
use crate::config::Environment;
use crate::domain::history::{Approval, ApprovalChange, ApprovalRecord, Told};
use crate::domain::model::{Digest, EnvironmentName, Explanation, Period, ReleaseId, Subject};

/// Most approvals that stand at once: what gates read stays small.
const MOST: usize = 200;
/// How long an approval counts where nothing else is said.
pub const USUAL: Period = Period::from_secs(7 * 24 * 60 * 60);

/// What a person wants to approve.
#[derive(Debug, Clone)]
pub enum ApproveOptions {
    /// The image with this tag or digest, or with its whole name.
    Image(String),
    /// A release without an image.
    Release(ReleaseId),
    /// What is live in `protection.from`.
    Before,
}

/// Every approval that stands and counts: two reads.
///
/// # Errors
/// When the ledger cannot be read or understood.
pub fn standing(workspace: &Workspace, environment: &EnvironmentName) -> Result<Vec<Approval>, AppError> {
    Ok(found(workspace, environment)?.map_or_else(Vec::new, |(_, standing)| standing))
}

/// The same with the record that holds them.
///
/// # Errors
/// As [`standing`].
pub(super) fn found(
    workspace: &Workspace,
    environment: &EnvironmentName,
) -> Result<Option<(u64, Vec<Approval>)>, AppError> {
    let ledger = workspace.ledger()?;
    let head = ledger.head(environment)?;
    let list = listed::newest::<ApprovalRecord>(ledger.as_ref(), head.as_ref())?;
    Ok(list.map(|list| (list.seq, still(workspace, Some(list)))))
}

/// What `wish` means for `environment`: exactly one image or release.
///
/// # Errors
/// When there is none.
pub fn subject(
    workspace: &Workspace,
    environment: &EnvironmentName,
    wish: &ApproveOptions,
) -> Result<Subject, AppError> {
    let environment = workspace.environment(environment)?;
    match wish {
        ApproveOptions::Release(id) => Ok(Subject::Release(id.clone())),
        ApproveOptions::Image(text) => image(workspace, environment, text).map(Subject::Image),
        ApproveOptions::Before => before(workspace, environment),
    }
}

fn image(workspace: &Workspace, environment: &Environment, text: &str) -> Result<Digest, AppError> {
    if let Ok(digest) = text.parse() {
        return Ok(digest);
    }
    let name = &environment.name.value;
    let repository = workspace.images_of(environment).ok_or_else(|| {
        AppError::usage(
            Explanation::new(format!(
                "{name} has no repository of images to look {text:?} up in"
            ))
            .fix("name the digest, or a release with --release"),
        )
    })?;
    find(workspace, repository, text).map(|artifact| artifact.digest)
}

fn before(workspace: &Workspace, environment: &Environment) -> Result<Subject, AppError> {
    let name = &environment.name.value;
    let from = environment.protection.from.as_ref().ok_or_else(|| {
        AppError::usage(
            Explanation::new(format!("no environment comes before {name}"))
                .fix("name what you approve with --image or --release"),
        )
    })?;
    let from = &from.value;
    let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), from)?;
    let live = standing.live.ok_or_else(|| {
        AppError::usage(
            Explanation::new(format!("nothing is live in {from}"))
                .fix("name what you approve with --image or --release"),
        )
    })?;
    live.candidate
        .artifact
        .map(|artifact| Subject::Image(artifact.digest))
        .ok_or_else(|| {
            AppError::usage(
                Explanation::new(format!("what is live in {from} has no image"))
                    .fix("name the release with --release, as the refusal of the deployment does"),
            )
        })
}

/// The approval of `subject` by whoever asks, for as long as `period` from now on.
///
/// # Errors
/// [`AppError::Usage`] for a reason that cannot be kept, or no time at all.
pub fn approval(
    workspace: &Workspace,
    subject: Subject,
    period: Period,
    reason: &str,
) -> Result<Approval, AppError> {
    if period.is_zero() {
        return Err(AppError::usage("an approval for no time counts never"));
    }
    let at = workspace.context.clock.now();
    Ok(Approval {
        subject,
        origin: workspace.context.origin(listed::reason(reason)?, None),
        at,
        expires: at.plus(period),
    })
}

/// Writes `approval` down. One of the same person for the same thing is replaced.
///
/// # Errors
/// When too many stand, or the ledger does not take it.
pub fn approve(
    workspace: &Workspace,
    environment: &EnvironmentName,
    approval: &Approval,
) -> Result<(), AppError> {
    let doing = format!("approving for {environment}");
    listed::change::<ApprovalRecord>(workspace, environment, &doing, |list| {
        let mut standing = still(workspace, list);
        standing.retain(|one| one.subject != approval.subject || one.origin.actor != approval.origin.actor);
        if standing.len() >= MOST {
            return Err(AppError::usage(
                Explanation::new(format!("{MOST} approvals for {environment} stand already"))
                    .fix("withdraw some with --revoke"),
            ));
        }
        standing.push(approval.clone());
        Ok(Some(ApprovalRecord {
            change: ApprovalChange::Approved(approval.clone()),
            standing,
        }))
    })?;
    Ok(())
}

/// Takes back what whoever asks approved: of `subject`, or all of it. What was taken back.
///
/// # Errors
/// [`AppError::Usage`] for a reason that cannot be kept; when the ledger does not take it.
pub fn revoke(
    workspace: &Workspace,
    environment: &EnvironmentName,
    subject: Option<&Subject>,
    reason: &str,
    dry_run: bool,
) -> Result<Vec<Approval>, AppError> {
    workspace.environment(environment)?;
    let origin = workspace.context.origin(listed::reason(reason)?, None);
    let mut withdrawn = Vec::new();
    let doing = format!("withdrawing an approval for {environment}");
    listed::change::<ApprovalRecord>(workspace, environment, &doing, |list| {
        let (gone, standing): (Vec<Approval>, Vec<Approval>) =
            still(workspace, list).into_iter().partition(|one| {
                one.origin.actor == origin.actor && subject.is_none_or(|subject| one.subject == *subject)
            });
        withdrawn.clone_from(&gone);
        Ok((!gone.is_empty() && !dry_run).then(|| ApprovalRecord {
            change: ApprovalChange::Withdrawn {
                approvals: gone,
                origin: origin.clone(),
            },
            standing,
        }))
    })?;
    Ok(withdrawn)
}

/// One approval in words.
pub fn told(approval: &Approval) -> String {
    let origin = &approval.origin;
    format!(
        "{} approved by {} ({}) until {}: {}",
        approval.subject,
        origin.actor.name,
        origin.actor.via,
        approval.expires.human(),
        origin.reason
    )
}

fn still(workspace: &Workspace, list: Option<Told<ApprovalRecord>>) -> Vec<Approval> {
    let now = workspace.context.clock.now();
    let mut standing = list.map(|list| list.body.standing).unwrap_or_default();
    standing.retain(|approval| approval.counts(now));
    standing
}
