//! `greenroom acceptance`.

use super::deploy_options::ImageArgs;
use super::guests;
use super::progress::{note, tell};
use super::publish::{Publication, ReportArgs, summarize_shown};
use super::shell::Shell;
use super::verify::show_checks;
use crate::app::acceptance::{self, AcceptanceDeployment, AcceptanceOptions, Afterwards, Settled, Tested};
use crate::app::verify::{self, verify};
use crate::app::{AppError, Exit, Workspace, document, pipeline};
use crate::domain::model::{DeployOptions, EnvironmentName, Explanation, Period, Verdict};
use clap::Subcommand;

/// Test a version on a deployment of its own, made for a time
///
/// Example: greenroom acceptance run -e staging --suite nextcloud-acceptance --junit acceptance.xml
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Create),
    Run(Run),
    Cleanup(Cleanup),
    List(List),
}

/// Deploy beside an environment: one unit that gets no traffic, with its variables and secrets
///
/// It says its id and where it answers, and stays until it is cleaned up or its time is over. Nothing that
/// runs in the environment is touched; its hooks are not run.
///
/// Example: greenroom acceptance create -e staging --configuration production --ttl 4h
#[derive(Debug, clap::Args)]
struct Create {
    /// The environment beside which it is made
    #[arg(short, long, value_name = "ENV")]
    environment: EnvironmentName,
    #[command(flatten)]
    how: How,
    /// Show the plan and touch nothing; the id is drawn anew each time
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

/// What is deployed, and how.
#[derive(Debug, Clone, clap::Args)]
struct How {
    #[command(flatten)]
    image: ImageArgs,
    /// Pass over the checks before the build
    #[arg(long)]
    skip_tests: bool,
    /// The suite that is run on it; default: as the environment's `acceptance` says, else its `suites`
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
    /// Another environment's variables, sizes and features instead of its own; secrets stay its own
    #[arg(long, value_name = "ENV")]
    configuration: Option<EnvironmentName>,
    /// How long it may exist before it is collected; default: as the environment says, else 2h
    #[arg(long, value_name = "TIME")]
    ttl: Option<Period>,
}

/// Run a suite: on a new deployment that goes afterwards (-e), or on one that stands (ID)
///
/// With -e it deploys, runs the suite, and removes what it deployed: also when the suite fails, when it is
/// interrupted, and, by `greenroom prune guests`, when this process dies.
///
/// Example: greenroom acceptance run -e staging --suite nextcloud-acceptance
#[derive(Debug, clap::Args)]
struct Run {
    /// One that was made with `acceptance create`; the only one that there is where none is named
    #[arg(value_name = "ID", conflicts_with_all = ["environment", "configuration", "ttl", "version", "image", "git_ref", "skip_tests"])]
    id: Option<EnvironmentName>,
    /// Make a new one beside this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<EnvironmentName>,
    #[command(flatten)]
    how: How,
    /// Leave it there when the suite has ended, until its time is over
    #[arg(long, requires = "environment")]
    keep: bool,
    /// Remove the one that stood when the suite has ended
    #[arg(long, conflicts_with = "environment")]
    cleanup: bool,
    #[command(flatten)]
    reports: ReportArgs,
}

/// Remove what `acceptance create` made, and only that
///
/// Example: greenroom acceptance cleanup --overdue
#[derive(Debug, clap::Args)]
struct Cleanup {
    /// The one to remove
    #[arg(
        value_name = "ID",
        required_unless_present_any = ["all", "overdue"],
        conflicts_with_all = ["all", "overdue"]
    )]
    id: Option<EnvironmentName>,
    /// Every one, due or not
    #[arg(long, conflicts_with = "overdue")]
    all: bool,
    /// Those whose time is over
    #[arg(long)]
    overdue: bool,
    /// Show what would be removed and touch nothing
    #[arg(long)]
    dry_run: bool,
}

/// Show every acceptance deployment: who made it, what of it is there, when its time is over
///
/// Example: greenroom acceptance list
#[derive(Debug, clap::Args)]
struct List {
    /// Only those of this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<EnvironmentName>,
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    match &args.command {
        Command::Create(args) => create(shell, args),
        Command::Run(args) => test(shell, args),
        Command::Cleanup(args) => cleanup(shell, args),
        Command::List(args) => guests::list(shell, args.environment.as_ref()),
    }
}

fn settle(
    shell: &Shell,
    workspace: &mut Workspace,
    of: &EnvironmentName,
    how: &How,
) -> Result<(Settled, pipeline::RunOptions), AppError> {
    let settled = acceptance::settle(
        workspace,
        &AcceptanceOptions {
            of: of.clone(),
            configuration: how.configuration.clone(),
            suite: how.suite.clone(),
            ttl: how.ttl,
        },
    )?;
    let what = pipeline::RunOptions {
        options: DeployOptions {
            skip_tests: how.skip_tests,
            ..DeployOptions::default()
        },
        ..how.image.wish()
    };
    shell.tell(&format!(
        "acceptance deployment {}, until {} at the latest",
        settled.id,
        settled.expires.human()
    ));
    for note in &settled.notes {
        shell.tell(&format!("note: {note}"));
    }
    Ok((settled, what))
}

fn create(shell: &Shell, args: &Create) -> Result<Exit, AppError> {
    let mut workspace = shell.workspace()?;
    let (settled, what) = settle(shell, &mut workspace, &args.environment, &args.how)?;
    if args.dry_run {
        return super::plan::show(shell, &workspace, &settled.wish(&what));
    }
    let mut publication = Publication::default();
    let audience = shell.audience(false);
    let made = acceptance::create(&workspace, &settled, &what, &audience, &mut |progress| {
        tell(shell, &progress);
        note(&progress, &mut publication);
    })?;
    let mut tested = Tested {
        interrupted: made.deployed.interrupted,
        ..Tested::default()
    };
    if made.stands() {
        let stands = standing(&settled, &made);
        let next = format!(
            "next: greenroom acceptance run {}, then greenroom acceptance cleanup {}",
            settled.id, settled.id
        );
        shell.say(&stands);
        shell.tell(&next);
        summarize_shown(shell, "Acceptance deployment", &format!("{stands}\n{next}"));
    } else {
        let origin = shell.context.origin("it does not stand", None);
        tested.ended = Some(acceptance::tidy(&workspace, &settled, &origin, &audience)?);
    }
    tested.made = Some(made);
    conclude(shell, &settled, &tested, publication, &args.reports)
}

fn standing(settled: &Settled, made: &AcceptanceDeployment) -> String {
    let url = made.url.as_ref().map_or("-".to_owned(), ToString::to_string);
    format!("{} answers at {url}", settled.id)
}

fn test(shell: &Shell, args: &Run) -> Result<Exit, AppError> {
    let mut workspace = shell.workspace()?;
    let Some(of) = &args.environment else {
        return test_standing(shell, &mut workspace, args);
    };
    let configured = workspace.environment(of)?.acceptance.clone();
    if !configured.create_new {
        return test_in_place(shell, &workspace, of, args);
    }
    let (settled, what) = settle(shell, &mut workspace, of, &args.how)?;
    let afterwards = if args.keep || !configured.clean_up {
        Afterwards::Keep
    } else {
        Afterwards::Remove
    };
    let mut publication = Publication::default();
    let audience = shell.audience(false);
    let tested = acceptance::run(
        &workspace,
        &settled,
        (&what, afterwards),
        &audience,
        &mut |progress| {
            tell(shell, &progress);
            note(&progress, &mut publication);
        },
    )?;
    if let Some(made) = tested.made.as_ref().filter(|made| made.stands()) {
        shell.tell(&standing(&settled, made));
    }
    conclude(shell, &settled, &tested, publication, &args.reports)
}

/// On one that was made before.
fn test_standing(shell: &Shell, workspace: &mut Workspace, args: &Run) -> Result<Exit, AppError> {
    let id = match &args.id {
        Some(id) => id.clone(),
        None => only(workspace)?,
    };
    let settled = acceptance::reopen(workspace, &id, args.how.suite.as_deref())?;
    let afterwards = if args.cleanup {
        Afterwards::Remove
    } else {
        Afterwards::Keep
    };
    let tested = acceptance::run_on(workspace, &settled, afterwards, &shell.audience(false))?;
    conclude(shell, &settled, &tested, Publication::default(), &args.reports)
}

fn only(workspace: &Workspace) -> Result<EnvironmentName, AppError> {
    let known = acceptance::survey(workspace, None)?.known;
    if let [one] = known.as_slice() {
        return Ok(one.id.clone());
    }
    let names: Vec<&str> = known.iter().map(|known| known.id.as_str()).collect();
    Err(AppError::usage(if names.is_empty() {
        Explanation::new("there is no acceptance deployment").fix("make one with -e ENV")
    } else {
        format!("name one of the acceptance deployments: {}", names.join(", ")).into()
    }))
}

/// On what runs in the environment, as its configuration wants it.
fn test_in_place(
    shell: &Shell,
    workspace: &Workspace,
    of: &EnvironmentName,
    args: &Run,
) -> Result<Exit, AppError> {
    let environment = workspace.environment(of)?;
    let configured = environment
        .acceptance
        .suite
        .as_ref()
        .map(|suite| suite.value.clone());
    let wish = verify::VerifyOptions {
        suite: args.how.suite.clone().or(configured),
        url: None,
        limit: Some(environment.acceptance.test_timeout),
    };
    shell.tell(&format!(
        "the suite runs on what runs in {of}: its `acceptance` says `createNewVM: false`"
    ));
    let verified = verify(workspace, environment, &wish)?;
    let report = verified.report()?;
    show_checks(shell, &report);
    let mut publication = Publication::default();
    publication.add(report);
    publication.publish(shell, &args.reports);
    Ok(match (verified.interrupted, verified.verdict) {
        (Some(_), _) => Exit::Interrupted,
        (None, Verdict::Pass) => Exit::Done,
        (None, _) => Exit::CheckFailed,
    })
}

/// Tells how it ended, and leaves the reports.
fn conclude(
    shell: &Shell,
    settled: &Settled,
    tested: &Tested,
    mut publication: Publication,
    reports: &ReportArgs,
) -> Result<Exit, AppError> {
    match &tested.made {
        Some(made) if made.stands() => publication.add_place(&made.deployed),
        Some(made) => publication.add_rollout(&made.deployed)?,
        None => {}
    }
    if let Some(verified) = &tested.verified {
        let report = verified.report()?;
        show_checks(shell, &report);
        publication.add(report);
    }
    match &tested.ended {
        Some(ended) => guests::tell(shell, ended),
        None => shell.tell(&format!("{} stays until {}", settled.id, settled.expires.human())),
    }
    publication.add_other(&document::acceptance(settled, tested));
    publication.set("acceptance_id", settled.id.as_str());
    let url = tested.made.as_ref().and_then(|made| made.url.as_ref());
    if let Some(url) = url {
        publication.set("url", &url.to_string());
    }
    publication.publish(shell, reports);
    Ok(tested.exit())
}

fn cleanup(shell: &Shell, args: &Cleanup) -> Result<Exit, AppError> {
    let workspace = shell.workspace()?;
    let ask = guests::Ask {
        only: None,
        id: args.id.clone(),
        overdue: args.overdue,
        dry_run: args.dry_run,
    };
    guests::collect(shell, &workspace, &ask)
}
