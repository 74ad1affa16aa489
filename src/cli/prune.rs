//! `greenroom prune`.

use super::guests;
use super::shell::Shell;
use crate::app::prune::{self, PruneOptions, Pruned};
use crate::app::{AppError, Exit, document};
use crate::domain::model::{EnvironmentName, Period, Tag, Timestamp};
use crate::domain::retention::{Doomed, PrunePlan, RetainedImage};
use crate::images::{SweepProgress, Swept};
use std::collections::BTreeMap;

/// Rows that are shown without -v.
const ROWS: usize = 40;
/// How many deletions pass between two lines of progress.
const STRIDE: usize = 100;

/// Delete what nobody needs any more
///
/// Example: greenroom prune images --apply
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Images(Images),
    Guests(Guests),
}

/// Acceptance deployments whose time is over, whoever made them: guests, or processes of this machine
///
/// Each carries its end on itself, so that it is found also when the run that made it died. What carries no
/// such mark of this project is never touched.
///
/// Example: greenroom prune guests --dry-run
#[derive(Debug, clap::Args)]
struct Guests {
    /// Only those of this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<EnvironmentName>,
    /// Show what would go and touch nothing
    #[arg(long)]
    dry_run: bool,
}

/// Old images: shows what would go and why the rest stays; deletes it with --apply
///
/// Only images whose every tag was made by a build for an environment (staging-v1.2.3-…) get old. What
/// runs, ran before, or is being rolled out anywhere stays, with all its parts, signatures and
/// attestations, and so does everything that has a tag of another kind. When anything cannot be read,
/// nothing is deleted.
///
/// Example: greenroom prune images --keep-last 5 --keep-for 14d
#[derive(Debug, clap::Args)]
struct Images {
    /// Only this repository of the project
    #[arg(long, value_name = "REPOSITORY")]
    repository: Option<String>,
    /// Keep at least so many builds of each environment; default: as the project says, else 10
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    keep_last: Option<u32>,
    /// Keep builds that are younger than this; default: as the project says, else 30d
    #[arg(long, value_name = "TIME")]
    keep_for: Option<Period>,
    /// Keep whatever was pushed less than this ago; default: as the project says, else 48h
    #[arg(long, value_name = "TIME")]
    grace: Option<Period>,
    /// Go on although nothing was ever recorded of any environment
    #[arg(long)]
    no_ledger: bool,
    /// Delete
    #[arg(long)]
    apply: bool,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let images = match &args.what {
        What::Images(images) => images,
        What::Guests(guests) => {
            let ask = guests::Ask {
                only: guests.environment.clone(),
                id: None,
                overdue: true,
                dry_run: guests.dry_run,
            };
            return guests::collect(shell, &workspace, &ask);
        }
    };
    let ask = PruneOptions {
        repository: images.repository.clone(),
        keep_last: images.keep_last,
        keep_for: images.keep_for,
        grace: images.grace,
        no_ledger: images.no_ledger,
        apply: images.apply,
    };
    let origin = shell.context.origin("pruning images", None);
    let done = prune::prune(&workspace, &ask, &origin, &|progress| tell(shell, progress))?;
    if shell.is_json() {
        shell.json(&document::prune(&done));
    }
    for pruned in &done.repositories {
        for line in text(pruned, shell.global.verbose > 0) {
            shell.say(&line);
        }
    }
    let goes = done
        .repositories
        .iter()
        .any(|pruned| !pruned.plan.delete.is_empty());
    if goes && !ask.apply {
        shell.say("nothing was deleted: run again with --apply");
    }
    Ok(done.exit())
}

fn tell(shell: &Shell, progress: SweepProgress<'_>) {
    match progress {
        SweepProgress::Looked(repository, seen) if shell.global.verbose > 0 => {
            shell.tell(&format!("{repository}: looked at {seen} manifests"));
        }
        SweepProgress::Deleted(repository, done, all) if done > 0 && done % STRIDE == 0 => {
            shell.tell(&format!("{repository}: {done} of {all}"));
        }
        SweepProgress::Looked(..) | SweepProgress::Deleted(..) => {}
    }
}

fn text(pruned: &Pruned, all: bool) -> Vec<String> {
    let plan = &pruned.plan;
    let mut lines = vec![format!(
        "{}: {} stay, {} go, {} are freed",
        pruned.repository,
        manifests(plan.keep.len()),
        plan.delete.len(),
        bytes(plan.freed)
    )];
    lines.extend(going(&plan.delete, all));
    lines.extend(staying(plan, all));
    for absent in &plan.absent {
        lines.push(format!(
            "  not there, and was not before: {} ({})",
            absent.digest, absent.why
        ));
    }
    if let Some(swept) = &pruned.swept {
        lines.extend(outcome(swept, all));
    }
    lines
}

fn manifests(count: usize) -> String {
    match count {
        1 => "1 manifest".to_owned(),
        count => format!("{count} manifests"),
    }
}

/// What goes: those with a tag, and how many hang off them; with `all`, each.
fn going(doomed: &[Doomed], all: bool) -> Vec<String> {
    let mut shown: Vec<&Doomed> = doomed
        .iter()
        .filter(|image| all || image.tags.iter().any(|tag| !tag.as_str().starts_with("sha256-")))
        .collect();
    shown.sort_by_key(|image| image.at);
    let rows = if all { shown.len() } else { ROWS };
    let mut lines: Vec<String> = shown.iter().take(rows).map(|image| row(image)).collect();
    match shown.len().saturating_sub(rows) {
        0 => {}
        more => lines.push(format!("        … and {more} more; see all with -v")),
    }
    match doomed.len() - shown.len() {
        0 => {}
        1 => lines.push("        and 1 that hangs off these or has no tag".to_owned()),
        rest => lines.push(format!("        and {rest} that hang off these or have no tag")),
    }
    lines
}

fn row(image: &Doomed) -> String {
    let at = image.at.map_or_else(|| "-".to_owned(), Timestamp::human);
    let tags: Vec<&str> = image.tags.iter().map(Tag::as_str).collect();
    let line = format!("  goes  {}  {at:<20}  {}", image.digest.short(), tags.join(", "));
    line.trim_end().to_owned()
}

/// What stays and why: in summary, or, with `all`, each.
fn staying(plan: &PrunePlan, all: bool) -> Vec<String> {
    if all {
        let each = plan.keep.iter();
        return each
            .map(|kept| format!("  stays {}  {}", kept.digest.short(), kept.why))
            .collect();
    }
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for kept in &plan.keep {
        *reasons.entry(reason(kept)).or_default() += 1;
    }
    let counted = reasons.into_iter();
    counted
        .map(|(why, count)| format!("  stay  {count}: {why}"))
        .collect()
}

/// The reason without what is of one image only.
fn reason(kept: &RetainedImage) -> String {
    let hangs = ["part of ", "subject of ", "refers to ", "attached to "];
    if hangs.iter().any(|start| kept.why.starts_with(start)) {
        "hangs together with one that stays".to_owned()
    } else if kept.why.starts_with("has the tag ") {
        "has a tag that was not made by a build for an environment".to_owned()
    } else {
        kept.why.clone()
    }
}

fn outcome(swept: &Swept, all: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let rows = if all { usize::MAX } else { ROWS };
    for (word, left) in [("left", &swept.skipped), ("failed", &swept.failed)] {
        lines.extend(
            left.iter()
                .take(rows)
                .map(|left| format!("  {word}  {}  {}", left.image.digest.short(), left.why)),
        );
    }
    lines.extend(
        swept
            .broken
            .iter()
            .map(|digest| format!("  BROKEN  {digest} should have stayed and is not there")),
    );
    lines.push(format!(
        "  deleted {}, left {}, failed {}; {} that stay were looked for, {} of them in vain",
        manifests(swept.deleted.len()),
        swept.skipped.len(),
        swept.failed.len(),
        swept.checked,
        swept.broken.len()
    ));
    if let Some(stopped) = &swept.stopped {
        lines.push(format!("  ended early: {stopped}"));
    }
    lines
}

fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{} kB", count / 1_000),
        1_000_000..10_000_000_000 => format!("{} MB", count / 1_000_000),
        _ => format!("{} GB", count / 1_000_000_000),
    }
}
