//! An acceptance deployment from its name to its end: settled, deployed, tested, removed.

use super::super::announce::Audience;
use super::super::deploy::{Deployed, Done};
use super::super::error::{AppError, Exit};
use super::super::hold::Hold;
use super::super::pipeline::{self, RunProgress};
use super::super::record::EnvironmentRecord;
use super::super::temporary;
use super::super::verify::{self, Verified, verify};
use super::super::workspace::Workspace;
use super::super::world::{Purpose, World};
use super::derive::{Recipe, derive, name};
use super::sweep::AcceptanceRemoval;
use super::sweep::remove;
use super::sweep::survey;
use crate::config::environment::Environment;
use crate::domain::model::{
    Endpoint, EnvironmentName, ErrorKind, Explanation, Origin, Period, PortError, Timestamp, Verdict,
};
use crate::domain::rollout::Outcome;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct AcceptanceOptions {
    /// The environment that it is made from.
    pub of: EnvironmentName,
    /// The environment whose configuration it has; as the environment says where `None`.
    pub configuration: Option<EnvironmentName>,
    /// The suite that is to be run; as the environment says where `None`.
    pub suite: Option<String>,
    /// How long it may exist; as the environment says where `None`.
    pub ttl: Option<Period>,
}

/// An acceptance deployment that has a name, and of which nothing need be there yet.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Its name, under which it is an environment from now on.
    pub id: EnvironmentName,
    /// The environment that it is made from.
    pub of: EnvironmentName,
    /// From then on anybody may remove it.
    pub expires: Timestamp,
    /// The suite that is run; those of the environment where `None`.
    pub suite: Option<String>,
    /// The longest that the suite may take.
    pub limit: Period,
    /// What is worth knowing about it.
    pub notes: Vec<String>,
}

impl Settled {
    /// What the pipeline is to do for it with `what`: its image gets no tag.
    pub fn wish(&self, what: &pipeline::RunOptions) -> pipeline::RunOptions {
        pipeline::RunOptions {
            environments: vec![self.id.clone()],
            untagged: true,
            ..what.clone()
        }
    }
}

/// One that was deployed, well or not.
#[derive(Debug)]
pub struct AcceptanceDeployment {
    /// How the rollout ended.
    pub deployed: Box<Deployed>,
    /// Where it answers; `None` where it does not stand.
    pub url: Option<Endpoint>,
}

impl AcceptanceDeployment {
    /// Whether it stands.
    pub fn stands(&self) -> bool {
        self.deployed.outcome == Outcome::Succeeded
    }
}

/// Settles name, end and configuration of a new one; touches nothing.
///
/// # Errors
/// When there is no such environment or suite, or none can be made beside it.
pub fn settle(workspace: &mut Workspace, wish: &AcceptanceOptions) -> Result<Settled, AppError> {
    let of = workspace.environment(&wish.of)?;
    let configured = of.acceptance.configuration.as_ref().map(|found| &found.value);
    let configuration = wish.configuration.as_ref().or(configured);
    let configuration = configuration
        .filter(|name| **name != wish.of)
        .map(|name| workspace.environment(name))
        .transpose()?;
    let suite = suite(workspace, of, wish.suite.as_deref())?;
    let ttl = wish.ttl.unwrap_or(of.acceptance.ttl);
    if ttl.is_zero() {
        return Err(AppError::usage(
            Explanation::new("it could not exist for any time").fix("give --ttl a time such as 2h"),
        ));
    }
    let recipe = Recipe {
        of,
        configuration,
        suite: suite.clone(),
        expires: workspace.context.clock.now().plus(ttl),
    };
    let digits = crate::host::random::hex(4).map_err(AppError::io("naming the acceptance deployment"))?;
    let (environment, notes) = derive(&recipe, name(of, &digits)?)?;
    let settled = Settled {
        id: environment.name.value.clone(),
        of: wish.of.clone(),
        expires: recipe.expires,
        suite,
        limit: of.acceptance.test_timeout,
        notes,
    };
    workspace.adopt(environment);
    Ok(settled)
}

/// One that was made before, as the ledger tells.
///
/// # Errors
/// When there is none, or the environment that it was made from is no longer configured.
pub fn reopen(
    workspace: &mut Workspace,
    id: &EnvironmentName,
    wanted: Option<&str>,
) -> Result<Settled, AppError> {
    let Some(made) = temporary::made(workspace.ledger()?.as_ref(), id)? else {
        let known = survey(workspace, None)?.known;
        let names: Vec<&str> = known.iter().map(|known| known.id.as_str()).collect();
        return Err(AppError::usage(format!(
            "there is no acceptance deployment {id}; there are: {}",
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        )));
    };
    let of = workspace.environment(&made.of)?;
    let configuration = made.configuration.as_ref();
    let suite = suite(workspace, of, wanted.or(made.suite.as_deref()))?;
    let recipe = Recipe {
        of,
        configuration: configuration
            .map(|name| workspace.environment(name))
            .transpose()?,
        suite: suite.clone(),
        expires: made.expires,
    };
    let (environment, _) = derive(&recipe, id.clone())?;
    let settled = Settled {
        id: id.clone(),
        of: made.of,
        expires: made.expires,
        suite,
        limit: of.acceptance.test_timeout,
        notes: Vec::new(),
    };
    workspace.adopt(environment);
    Ok(settled)
}

/// The suite that is run: `wanted`, or as the environment says; `None` for all those of the environment.
fn suite(workspace: &Workspace, of: &Environment, wanted: Option<&str>) -> Result<Option<String>, AppError> {
    let configured = of.acceptance.suite.as_ref().map(|suite| suite.value.as_str());
    let Some(name) = wanted.or(configured) else {
        return Ok(None);
    };
    if workspace.project.suites.contains_key(name) {
        return Ok(Some(name.to_owned()));
    }
    let known: Vec<&str> = workspace.project.suites.keys().map(String::as_str).collect();
    Err(AppError::usage(format!(
        "there is no suite {name}; configured are: {}",
        known.join(", ")
    )))
}

/// Refuses before anything is made when there would be nothing to run on it.
///
/// # Errors
/// When no suite is named anywhere.
pub fn require_suite(workspace: &Workspace, settled: &Settled) -> Result<(), AppError> {
    let of = workspace.environment(&settled.of)?;
    if settled.suite.is_some() || !of.suites.is_empty() {
        return Ok(());
    }
    Err(AppError::usage(format!(
        "which suite is to be run? Name one with --suite, or say `acceptance: {{ testSuite: NAME }}` in {}",
        settled.of
    )))
}

/// Builds or takes the image, and deploys it to the settled environment. What a failure leaves is removed;
/// a rollout that was rolled back or halted is left to [`tidy`].
///
/// # Errors
/// When it ends before the rollout does.
pub fn create(
    workspace: &Workspace,
    settled: &Settled,
    what: &pipeline::RunOptions,
    audience: &Audience,
    tell: &mut dyn FnMut(RunProgress<'_>),
) -> Result<AcceptanceDeployment, AppError> {
    let run = pipeline::run(workspace, &settled.wish(what), audience, tell)?;
    let done = match run.results.into_iter().next() {
        Some((_, done)) => done,
        None => Err(AppError::record(format!("{} was not deployed", settled.id))),
    };
    let deployed = match done {
        Ok(Done::Deployed(deployed)) => deployed,
        Ok(Done::AlreadyLive(_)) => {
            return Err(AppError::record(
                Explanation::new(format!("{} should be new, and something runs there", settled.id)).fix(
                    format!("remove it with greenroom acceptance cleanup {}", settled.id),
                ),
            ));
        }
        Err(error) => return Err(undone(workspace, settled, audience, error)),
    };
    let mut made = AcceptanceDeployment { deployed, url: None };
    if made.stands() {
        let found = url(workspace, settled);
        made.url = Some(found.map_err(|error| undone(workspace, settled, audience, error))?);
    }
    Ok(made)
}

/// Removes what `error` left, and says what failed: that, or the removal.
fn undone(workspace: &Workspace, settled: &Settled, audience: &Audience, error: AppError) -> AppError {
    let origin = workspace.context.origin("it could not be deployed", None);
    match tidy(workspace, settled, &origin, audience).and_then(|ended| ended.result) {
        Ok(()) => error,
        Err(left) => left,
    }
}

/// Where it answers.
///
/// # Errors
/// When nothing of it runs.
fn url(workspace: &Workspace, settled: &Settled) -> Result<Endpoint, AppError> {
    let environment = workspace.environment(&settled.id)?;
    let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), &settled.id)?;
    let gone = |why: &str| {
        let error = PortError::new(ErrorKind::Missing, format!("looking for {}", settled.id), why);
        AppError::Port(error.fix(format!(
            "make another one with greenroom acceptance create -e {}",
            settled.of
        )))
    };
    let live = standing
        .live
        .ok_or_else(|| gone("nothing was ever deployed there"))?;
    let world = World::open(workspace, environment, &live.candidate, Purpose::Look)?;
    for unit in &world.units {
        let slots = world.site.target.inspect(unit)?.slots;
        let running = slots.into_values().find(|instance| instance.running);
        if let Some(address) = running.and_then(|instance| instance.address) {
            return Ok(address);
        }
    }
    Err(gone("nothing of it runs any more"))
}

/// Runs the suite against it. Nobody removes it meanwhile.
///
/// # Errors
/// When nothing of it runs, there is nothing to run, or somebody else is at work there.
pub fn test(workspace: &Workspace, settled: &Settled) -> Result<Verified, AppError> {
    let origin = workspace.context.origin("an acceptance test", None);
    let _hold = Hold::take(workspace, &settled.id, &origin, "testing it".to_owned())?;
    let wish = verify::VerifyOptions {
        suite: settled.suite.clone(),
        url: Some(url(workspace, settled)?),
        limit: Some(settled.limit),
    };
    verify(workspace, workspace.environment(&settled.id)?, &wish)
}

/// Removes it.
///
/// # Errors
/// When what there is cannot be told.
pub fn tidy(
    workspace: &Workspace,
    settled: &Settled,
    origin: &Origin,
    audience: &Audience,
) -> Result<AcceptanceRemoval, AppError> {
    let survey = survey(workspace, Some(&settled.of))?;
    Ok(match survey.known.iter().find(|known| known.id == settled.id) {
        Some(known) => remove(workspace, &survey, known, origin, audience),
        None => AcceptanceRemoval {
            id: settled.id.clone(),
            result: Ok(()),
        },
    })
}

/// What a test came to, from the deployment to its end.
#[derive(Default)]
pub struct Tested {
    /// The deployment; `None` where one that stood before was tested.
    pub made: Option<AcceptanceDeployment>,
    /// The suite; `None` where it was not begun.
    pub verified: Option<Verified>,
    /// Whether a signal came.
    pub interrupted: bool,
    /// The removal; `None` where it was to stay.
    pub ended: Option<AcceptanceRemoval>,
}

impl Tested {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        let failed = self.made.as_ref().is_some_and(|made| !made.stands());
        let passed = self
            .verified
            .as_ref()
            .is_none_or(|found| found.verdict == Verdict::Pass);
        match &self.ended {
            Some(AcceptanceRemoval { result: Err(_), .. }) => Exit::Halted,
            _ if self.interrupted => Exit::Interrupted,
            _ if failed => Exit::RolledBack,
            // The environment that it was made like was not touched.
            _ if !passed => Exit::CheckFailed,
            _ => Exit::Done,
        }
    }
}

/// Whether a deployment goes when it was tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// It goes, also when the test failed or was interrupted.
    Remove,
    /// It stays until its time is over.
    Keep,
}

/// Deploys, tests, and removes what was deployed, whatever happens.
///
/// # Errors
/// When it ends before the suite does; what was made is removed then, too.
pub fn run(
    workspace: &Workspace,
    settled: &Settled,
    (what, afterwards): (&pipeline::RunOptions, Afterwards),
    audience: &Audience,
    tell: &mut dyn FnMut(RunProgress<'_>),
) -> Result<Tested, AppError> {
    require_suite(workspace, settled)?;
    let made = create(workspace, settled, what, audience, tell)?;
    let mut tested = Tested {
        interrupted: made.deployed.interrupted,
        ..Tested::default()
    };
    // What does not stand is removed in any case.
    let keep = afterwards == Afterwards::Keep && made.stands();
    let suite = if made.stands() {
        suite_of(workspace, settled, &mut tested)
    } else {
        Ok(())
    };
    tested.made = Some(made);
    let ended = leave(workspace, settled, keep, audience)?;
    finish(suite, ended, tested)
}

/// Tests one that stands already.
///
/// # Errors
/// As [`test()`].
pub fn run_on(
    workspace: &Workspace,
    settled: &Settled,
    afterwards: Afterwards,
    audience: &Audience,
) -> Result<Tested, AppError> {
    require_suite(workspace, settled)?;
    let mut tested = Tested::default();
    let suite = suite_of(workspace, settled, &mut tested);
    let ended = leave(workspace, settled, afterwards == Afterwards::Keep, audience)?;
    finish(suite, ended, tested)
}

fn suite_of(workspace: &Workspace, settled: &Settled, tested: &mut Tested) -> Result<(), AppError> {
    if workspace.context.clock.interruption().is_some() {
        tested.interrupted = true;
        return Ok(());
    }
    let verified = test(workspace, settled)?;
    tested.interrupted = verified.interrupted.is_some();
    tested.verified = Some(verified);
    Ok(())
}

/// Removes what was tested, unless it is to stay.
fn leave(
    workspace: &Workspace,
    settled: &Settled,
    keep: bool,
    audience: &Audience,
) -> Result<Option<AcceptanceRemoval>, AppError> {
    let origin = workspace.context.origin("its test has ended", None);
    (!keep)
        .then(|| tidy(workspace, settled, &origin, audience))
        .transpose()
}

fn finish(
    suite: Result<(), AppError>,
    ended: Option<AcceptanceRemoval>,
    mut tested: Tested,
) -> Result<Tested, AppError> {
    match (suite, ended) {
        (Ok(()), ended) => {
            tested.ended = ended;
            Ok(tested)
        }
        (
            Err(_),
            Some(AcceptanceRemoval {
                result: Err(left), ..
            }),
        ) => Err(left),
        (Err(error), _) => Err(error),
    }
}
