//! `greenroom deploy`.

use super::outcome::take;
use super::publish::{Publication, ReportArgs, summarize};
use super::shell::Shell;
use crate::app::build::Built;
use crate::app::pipeline::{self, Progress, Run, Wish};
use crate::app::{AppError, Exit, Workspace, document};
use crate::model::{Canary, EnvironmentName, Rolling, Strategy, Version};
use crate::report::{self, markdown};
use crate::scan::{Assessment, ScanResult};
use clap::ValueEnum;

/// Bring a version to one environment or several
///
/// Builds the image (or takes one that exists), checks every gate, rolls it out, verifies it, and puts
/// the previous version back when it does not hold.
///
/// Example: greenroom deploy -e staging --strategy canary
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The environment; may be given several times
    #[arg(short, long, value_name = "ENV", required = true)]
    environment: Vec<EnvironmentName>,
    #[command(flatten)]
    what: WhatArgs,
    /// Deploy to all environments at the same time instead of one after the other
    #[arg(long)]
    parallel: bool,
    /// Go on along the promotion order up to this environment
    #[arg(long, value_name = "ENV", conflicts_with = "parallel")]
    through: Option<EnvironmentName>,
    /// Show the plan and touch nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

/// What is deployed.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ImageArgs {
    /// Branch, tag or commit; what is checked out where none is given
    #[arg(long = "ref", value_name = "REF")]
    git_ref: Option<String>,
    /// The version; found in the project where none is given
    #[arg(long, value_name = "VERSION")]
    version: Option<Version>,
    /// An image that exists, by tag or digest, instead of a build
    #[arg(long, value_name = "TAG|DIGEST")]
    image: Option<String>,
}

impl ImageArgs {
    /// The wish, with every other term as it is by default.
    pub(super) fn wish(&self) -> Wish {
        Wish {
            git_ref: self.git_ref.clone(),
            version: self.version.clone(),
            image: self.image.clone(),
            ..Wish::default()
        }
    }
}

/// What is deployed, and under which terms.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct WhatArgs {
    #[command(flatten)]
    image: ImageArgs,
    /// Another strategy than the configured one
    #[arg(long, value_enum)]
    strategy: Option<StrategyArg>,
    /// Deploy a commit that is older than the live one
    #[arg(long)]
    allow_stale: bool,
    /// Pass over the checks before the build; the report says so
    #[arg(long)]
    skip_tests: bool,
    /// Deploy even what is live already
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum StrategyArg {
    Direct,
    Rolling,
    BlueGreen,
    Canary,
}

impl WhatArgs {
    /// The wish.
    pub(super) fn wish(&self, workspace: &Workspace) -> Wish {
        Wish {
            strategy: self.strategy.map(|strategy| strategy.resolve(workspace)),
            allow_stale: self.allow_stale,
            skip_tests: self.skip_tests,
            force: self.force,
            ..self.image.wish()
        }
    }
}

impl StrategyArg {
    /// The strategy with the settings that some environment gives it, else its defaults.
    fn resolve(self, workspace: &Workspace) -> Strategy {
        let wanted = match self {
            Self::Direct => Strategy::Direct,
            Self::Rolling => Strategy::Rolling(Rolling::default()),
            Self::BlueGreen => Strategy::BlueGreen,
            Self::Canary => Strategy::Canary(Canary::default()),
        };
        let configured = workspace
            .project
            .environments
            .values()
            .map(|found| &found.deployment.strategy);
        configured
            .into_iter()
            .find(|found| found.as_str() == wanted.as_str())
            .cloned()
            .unwrap_or(wanted)
    }
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let mut wish = args.what.wish(&workspace);
    wish.environments = args.environment.clone();
    if let Some(last) = &args.through {
        wish.environments = through(&workspace, &args.environment, last)?;
    }
    wish.parallel = args.parallel;
    if args.dry_run {
        return super::plan::show(shell, &workspace, &wish);
    }
    let exit = perform(shell, &workspace, &wish, &args.reports)?;
    Ok(if exit == Exit::Nothing { Exit::Done } else { exit })
}

/// Runs the pipeline and reports on it.
pub(super) fn perform(
    shell: &Shell,
    workspace: &Workspace,
    wish: &Wish,
    reports: &ReportArgs,
) -> Result<Exit, AppError> {
    let watchers = shell.watchers(wish.parallel && wish.environments.len() > 1);
    let mut publication = Publication::default();
    let run = pipeline::run(workspace, wish, &watchers, &mut |progress| {
        tell(shell, &progress);
        note(&progress, &mut publication);
    });
    if !wish.environments.is_empty() {
        publication.set_matrix(&wish.environments);
    }
    match run {
        Ok(run) => finish(shell, run, publication, reports),
        Err(error) => {
            // Later steps ask whether anything was to be deployed.
            publication.write_outputs(shell);
            Err(error)
        }
    }
}

fn finish(
    shell: &Shell,
    run: Run,
    mut publication: Publication,
    reports: &ReportArgs,
) -> Result<Exit, AppError> {
    let mut worst = Exit::Done;
    let several = run.results.len() > 1;
    if run.results.is_empty() {
        let told = format!("not deploying: {}", shell.redact(&run.decision.reason));
        summarize(shell, &markdown::nothing(&told));
        publication.nothing_done();
    }
    for (environment, done) in run.results {
        let exit = match take(shell, &environment, done, &mut publication) {
            Ok(exit) => exit,
            Err(error) => {
                if several {
                    shell.warn(&format!("{environment}:"));
                }
                publication.add_other(&document::failure(&error));
                super::failure::beside(shell, Some(&environment), &error)
            }
        };
        // A person is needed before all else; otherwise the first that is not well counts.
        if exit == Exit::Halted || worst == Exit::Done {
            worst = exit;
        }
    }
    if worst == Exit::Done && publication.is_idle() {
        publication.publish(shell, reports);
        return Ok(Exit::Nothing);
    }
    publication.publish(shell, reports);
    Ok(worst)
}

/// The environments from the named ones on along the promotion order, up to `last`.
fn through(
    workspace: &Workspace,
    from: &[EnvironmentName],
    last: &EnvironmentName,
) -> Result<Vec<EnvironmentName>, AppError> {
    let order = &workspace.project.promotion;
    let place = |name: &EnvironmentName| {
        order.iter().position(|each| each == name).ok_or_else(|| {
            AppError::Usage(format!(
                "{name} is not in the promotion order; add it to `promotion:`"
            ))
        })
    };
    let [first] = from else {
        return Err(AppError::Usage(
            "--through takes one -e, where it begins".to_owned(),
        ));
    };
    let (begin, end) = (place(first)?, place(last)?);
    if begin > end {
        return Err(AppError::Usage(format!(
            "{last} comes before {first} in the promotion order"
        )));
    }
    Ok(order[begin..=end].to_vec())
}

/// Tells how far the run has come.
pub(super) fn tell(shell: &Shell, progress: &Progress<'_>) {
    match progress {
        Progress::Decided(decision) => {
            let sign = if decision.should_deploy {
                "deploying"
            } else {
                "not deploying"
            };
            shell.tell(&format!("{sign}: {}", decision.reason));
        }
        Progress::Identified(identity) => {
            let commit = identity
                .commit
                .as_ref()
                .map_or(String::new(), |commit| format!(" at {}", commit.short()));
            shell.tell(&format!(
                "version {}{commit}, {}",
                identity.version,
                identity.time.human()
            ));
        }
        Progress::Validated(validated) => {
            shell.tell(&format!(
                "validation {} passed ({})",
                validated.name, validated.took
            ));
        }
        Progress::ValidationSkipped(0) => {}
        Progress::ValidationSkipped(count) => {
            shell.warn(&format!(
                "warning: {count} check(s) before the build were skipped, as was asked"
            ));
        }
        Progress::Built(built) => tell_built(shell, built),
        Progress::Untagged => shell.tell("the image gets no tag: it was not let in"),
        Progress::Scanned(assessment) => tell_scan(shell, assessment),
        Progress::Promoted(next) => shell.tell(&format!("going on to {next}: autoPromote is on")),
    }
}

/// Tells what a scan came to, and that it is passed over where the environment is only warned.
pub(super) fn tell_scan(shell: &Shell, assessment: &Assessment) {
    let lines = report::scan::text(assessment);
    shell.tell(&format!("scan: {}", lines.join("\n")));
    if assessment.judgment.result == ScanResult::Blocked && assessment.lets_pass() {
        shell.warn(&format!(
            "warning: {}; {} goes on all the same",
            assessment.headline(),
            assessment.environment
        ));
    }
}

fn tell_built(shell: &Shell, built: &Built) {
    let tag = built
        .tags
        .first()
        .map_or(String::new(), |tag| format!(" as {tag}"));
    shell.tell(&format!("image {}{tag}", built.artifact));
    // What greenroom packs itself takes no time worth telling.
    if let Some(made) = built
        .made
        .as_ref()
        .filter(|made| made.builder.is_some() || made.startup.is_some())
    {
        shell.tell(&super::console::made(made));
    }
    if let Some(withheld) = &built.withheld {
        shell.tell(&format!("note: {withheld}"));
    }
}

/// Takes down what the step's outputs say.
pub(super) fn note(progress: &Progress<'_>, publication: &mut Publication) {
    match progress {
        Progress::Decided(decision) => {
            publication.set(
                "should_deploy",
                if decision.should_deploy { "true" } else { "false" },
            );
            publication.set("reason", &decision.reason);
            let meant = decision.environment.as_slice();
            publication.set_matrix(if decision.should_deploy { meant } else { &[] });
            if let Some(environment) = &decision.environment {
                publication.set("environment", environment.as_str());
            }
            if let Some(git_ref) = &decision.git_ref {
                publication.set("ref", git_ref);
            }
        }
        Progress::Identified(identity) => {
            publication.set("version", identity.version.as_str());
            if let Some(commit) = &identity.commit {
                publication.set("sha", commit.as_str());
            }
        }
        Progress::Built(built) => {
            let tags: Vec<&str> = built.tags.iter().map(crate::model::Tag::as_str).collect();
            publication.set("tags", &tags.join("\n"));
            publication.set("image", &built.artifact.to_string());
            publication.set("digest", built.artifact.digest.as_str());
        }
        Progress::Scanned(assessment) => publication.add_scan(assessment),
        Progress::Untagged => publication.set("tags", ""),
        Progress::Validated(_) | Progress::ValidationSkipped(_) | Progress::Promoted(_) => {}
    }
}
