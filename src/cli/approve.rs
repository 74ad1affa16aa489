//! `greenroom approve`.

use super::shell::Shell;
use crate::app::approve::{self, ApproveOptions};
use crate::app::{AppError, Exit};
use crate::domain::history::Approval;
use crate::domain::model::{EnvironmentName, Period, ReleaseId};
use crate::report::document::{ApprovalsDocument, ApprovalsShown};
use crate::report::foreign::line;

/// Approve one image for an environment, on record
///
/// Counts for exactly this image (or this release, where there is none) in this environment, until it expires
/// or is withdrawn. Without --image or --release it is what is live in the environment before
/// (`protection.from`). Who asks for the deployment does not count, unless `approvals.allowSelf` says so.
///
/// Example: greenroom approve production --image v1.2.3 --reason "release notes read, smoke tests seen"
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment
    environment: EnvironmentName,
    /// The image: a tag or a digest
    #[arg(long, value_name = "TAG|DIGEST", conflicts_with = "release")]
    image: Option<String>,
    /// The release, where the target has no image
    #[arg(long, value_name = "ID")]
    release: Option<ReleaseId>,
    /// Why; goes into the record
    #[arg(long, value_name = "TEXT", required_unless_present = "list")]
    reason: Option<String>,
    /// How long it counts; 7 days where nothing is said
    #[arg(long = "for", value_name = "PERIOD")]
    period: Option<Period>,
    /// Show what is approved, and until when
    #[arg(long, conflicts_with_all = ["image", "release", "reason", "period", "revoke", "dry_run"])]
    list: bool,
    /// Withdraw your own approvals: of this image or release, else all
    #[arg(long, conflicts_with = "period")]
    revoke: bool,
    /// Show what would be written down, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let name = &args.environment;
    workspace.environment(name)?;
    let wish = match (&args.image, &args.release) {
        (Some(image), _) => ApproveOptions::Image(image.clone()),
        (None, Some(release)) => ApproveOptions::Release(release.clone()),
        (None, None) => ApproveOptions::Before,
    };
    let reason = args.reason.as_deref().unwrap_or_default();
    let approvals = if args.list {
        approve::standing(&workspace, name)?
    } else if args.revoke {
        let all = matches!(wish, ApproveOptions::Before);
        let subject = (!all)
            .then(|| approve::subject(&workspace, name, &wish))
            .transpose()?;
        approve::revoke(&workspace, name, subject.as_ref(), reason, args.dry_run)?
    } else {
        let subject = approve::subject(&workspace, name, &wish)?;
        let period = args.period.unwrap_or(approve::USUAL);
        let approval = approve::approval(&workspace, subject, period, reason)?;
        if !args.dry_run {
            approve::approve(&workspace, name, &approval)?;
        }
        vec![approval]
    };
    if shell.is_json() {
        shell.json(&ApprovalsDocument {
            environment: name,
            dry_run: args.dry_run,
            approvals: if args.list {
                ApprovalsShown::Standing(&approvals)
            } else if args.revoke {
                ApprovalsShown::Withdrawn(&approvals)
            } else {
                ApprovalsShown::Approved(&approvals)
            },
        });
        return Ok(Exit::Done);
    }
    say(shell, args, &approvals);
    Ok(Exit::Done)
}

fn say(shell: &Shell, args: &Args, approvals: &[Approval]) {
    let name = &args.environment;
    let would = if args.dry_run {
        "would be written down: "
    } else {
        ""
    };
    let word = if args.revoke { "withdrawn: " } else { "" };
    for approval in approvals {
        shell.say(&line(&format!(
            "{name}: {would}{word}{}",
            approve::told(approval)
        )));
    }
    if approvals.is_empty() {
        let none = if args.revoke {
            "you approved nothing that stands"
        } else {
            "nothing is approved"
        };
        shell.say(&format!("{name}: {none}"));
    }
}
