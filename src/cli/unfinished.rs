//! What resume and abort share.

use super::outcome::exit;
use super::publish::{Publication, ReportArgs};
use super::shell::Shell;
use crate::app::resume::{self, Direction, ResumePreview};
use crate::app::{AppError, Exit, document};
use crate::domain::model::EnvironmentName;
use crate::report::{describe_ahead, describe_end, foreign};

#[derive(Debug, clap::Args)]
pub(super) struct UnfinishedArgs {
    /// The environment
    environment: EnvironmentName,
    /// Why; goes into the record
    #[arg(long, value_name = "TEXT", default_value = "asked by hand")]
    reason: String,
    /// Show what would be done and touch nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

pub(super) fn finish(shell: &Shell, args: &UnfinishedArgs, direction: Direction) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let origin = shell.context.origin(&args.reason, None);
    if args.dry_run {
        let outlook = resume::preview(&workspace, &args.environment, direction, origin)?;
        show(shell, &args.environment, direction, outlook.as_ref());
        return Ok(Exit::Done);
    }
    let audience = shell.audience(false);
    let Some(deployed) = resume::resume(&workspace, &args.environment, direction, origin, &audience)? else {
        shell.say(&nothing(&args.environment));
        return Ok(Exit::Done);
    };
    let exit = match direction {
        // Going back is what was asked for.
        Direction::Abort if deployed.outcome == crate::domain::rollout::Outcome::RolledBack => Exit::Done,
        Direction::Abort | Direction::Resume => exit(&deployed),
    };
    let mut publication = Publication::default();
    publication.add_rollout(&deployed)?;
    publication.publish(shell, &args.reports);
    Ok(exit)
}

fn nothing(environment: &EnvironmentName) -> String {
    format!("no rollout is open in {environment}: nothing to do")
}

/// Shows what would be done.
fn show(shell: &Shell, environment: &EnvironmentName, direction: Direction, outlook: Option<&ResumePreview>) {
    if shell.is_json() {
        return shell.json(&document::resume(environment, direction, outlook));
    }
    let Some(outlook) = outlook else {
        return shell.say(&nothing(environment));
    };
    let (plan, command) = (&outlook.plan, direction.as_str());
    let version = &plan.candidate.version;
    shell.say(&format!(
        "{command} {version} in {environment} ({})",
        plan.deployment
    ));
    if let Some(cause) = &outlook.cause {
        shell.say(&format!("  because   {}", foreign::line(cause)));
    }
    for (place, step) in describe_ahead(plan, &outlook.ahead, &str::to_owned) {
        shell.say(&format!("  {place:<9} {step}"));
    }
    shell.say(&format!("  {}", describe_end(plan, outlook.ahead.outcome)));
    for note in &outlook.notes {
        shell.say(&format!("note: {note}"));
    }
}
