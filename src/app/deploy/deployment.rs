//! One release on its way to one environment: judged, planned, driven and recorded.

use super::super::announce::{self, Announcement, Audience, Intent};
use super::super::error::AppError;
use super::super::hold::Hold;
use super::super::protection;
use super::super::record::EnvironmentRecord;
use super::super::temporary;
use super::super::workspace::Workspace;
use super::super::world::{Purpose, World};
use super::drive::Listeners;
use super::drive::drive;
use super::drive::journal;
use super::gates;
use super::ground;
use super::request;
use crate::config::environment::Environment;
use crate::config::unsupported::Part;
use crate::domain::model::{DeployOptions, Digest, EnvironmentName, Origin, Proof, Release};
use crate::domain::policy::Way;
use crate::domain::rollout;
use crate::domain::rollout::{Event, Outcome, Plan, Rollout};
use crate::engine::DriveError;
use crate::report::{Recorded, RunReport};

/// What is to be deployed, and under which terms.
#[derive(Debug, Clone)]
pub struct DeployRequest {
    /// The release.
    pub release: Release,
    /// Forward, or back to an earlier one.
    pub way: Way,
    /// Who asks, why, from where.
    pub origin: Origin,
    /// What is not left to the configuration.
    pub options: DeployOptions,
}

/// A rollout that is settled and allowed, or not needed.
pub enum Prepared {
    /// It can go ahead.
    Ready {
        /// The plan.
        plan: Box<Plan>,
        /// What is worth knowing all the same.
        notes: Vec<String>,
    },
    /// This very release is live and runs everywhere.
    AlreadyLive(Box<Plan>),
}

/// How a deployment ended.
#[derive(Debug, Clone)]
pub struct Deployed {
    /// Where.
    pub environment: EnvironmentName,
    /// How.
    pub outcome: Outcome,
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// Everything that was recorded, beginning with the plan.
    pub events: Vec<Recorded>,
    /// Hash of the newest record.
    pub head: Option<Digest>,
    /// What was worth knowing beforehand.
    pub notes: Vec<String>,
    /// The forge's number of the deployment, where one was opened there.
    pub forge_deployment: Option<u64>,
}

impl Deployed {
    /// Returns the report of the rollout.
    ///
    /// # Errors
    /// When the events do not begin with a plan.
    pub fn report(&self) -> Result<RunReport, AppError> {
        Ok(RunReport::of_record(&self.events, self.head.as_ref())?)
    }
}

/// What [`deploy`] came to.
pub enum Done {
    /// A rollout came to its end.
    Deployed(Box<Deployed>),
    /// This very release was live already.
    AlreadyLive(Box<Plan>),
}

/// Settles the rollout of `ask` to `environment`, and touches nothing.
///
/// # Errors
/// When a gate refuses, the strategy does not fit, or something cannot be looked at.
pub fn prepare(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
    world: &World,
) -> Result<Prepared, AppError> {
    require(workspace, environment)?;
    let environment = &protection::in_force(workspace, environment)?;
    let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), &environment.name.value)?;
    let ground = ground::look(world, &standing)?;
    if !ask.options.force
        && standing.open.is_none()
        && ground.runs_everywhere(world, &ask.release)
        && let Some(live) = standing
            .live
            .as_ref()
            .filter(|live| live.candidate.id() == ask.release.id())
    {
        return Ok(Prepared::AlreadyLive(Box::new(live.clone())));
    }
    let passed = gates::judge(workspace, environment, ask, &standing, ground.foreign)?;
    let request = request::request(
        workspace,
        environment,
        ask,
        world,
        (passed.proof, passed.approvers),
    )?;
    let plan = Plan {
        signatures: passed.signatures,
        ..rollout::plan(request, &ground.observed, world.abilities)?
    };
    gates::no_secrets_in(&plan, world)?;
    let mut notes = passed.notes;
    if let Some(router) = world.site.router.as_ref().filter(|router| !router.times()) {
        notes.extend(plan.limits_times().then(|| {
            format!(
                "the router ({}) does not measure the times of answers: the limit on them (p95) cannot be judged, \
                 so that the verdict on the traffic will be inconclusive",
                router.name()
            )
        }));
    }
    Ok(Prepared::Ready {
        plan: Box::new(plan),
        notes,
    })
}

/// Holds `ask` against every gate that needs no look at the target; the proof, where one is asked for. It
/// fails early on what is certain and lets nothing in: a deployment is judged again under its lease.
///
/// # Errors
/// [`AppError::Refused`] with every gate that is not met.
pub fn judge(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
) -> Result<Option<Proof>, AppError> {
    let environment = &protection::in_force(workspace, environment)?;
    let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), &environment.name.value)?;
    Ok(gates::judge(workspace, environment, ask, &standing, Vec::new())?.proof)
}

/// What is done when every gate has let a release in: under the lease, and before anything is touched.
pub type LetIn<'a> = dyn Fn() -> Result<(), AppError> + Sync + 'a;

/// Deploys under the environment's lease, from the plan to the last record. A refusal is told the forge.
///
/// # Errors
/// As [`prepare`]; [`AppError::Busy`] when another run holds the environment; when the rollout has to
/// be left where it is.
pub fn deploy(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
    audience: &Audience,
) -> Result<Done, AppError> {
    deploy_with(workspace, environment, ask, audience, None)
}

/// The same with `let_in`, also where this very release is live already and would be let in again.
///
/// # Errors
/// As [`deploy`]; those of `let_in`, with nothing touched.
pub fn deploy_with(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
    audience: &Audience,
    let_in: Option<&LetIn<'_>>,
) -> Result<Done, AppError> {
    let done = carry_out(workspace, environment, ask, audience, let_in);
    if let Err(error) = &done {
        let intent = Intent {
            environment,
            version: &ask.release.version,
            commit: ask.release.commit.as_ref(),
        };
        announce::refusal(workspace, &intent, error, audience);
    }
    done
}

fn carry_out(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
    audience: &Audience,
    let_in: Option<&LetIn<'_>>,
) -> Result<Done, AppError> {
    require(workspace, environment)?;
    let name = &environment.name.value;
    let hold = Hold::take(
        workspace,
        name,
        &ask.origin,
        format!("deploying {}", ask.release.version),
    )?;
    let world = World::open(workspace, environment, &ask.release, Purpose::Act)?;
    let (plan, notes) = match prepare(workspace, environment, ask, &world)? {
        Prepared::Ready { plan, notes } => (plan, notes),
        Prepared::AlreadyLive(plan) => {
            // It stays, whatever the gates say today.
            if let Some(let_in) = let_in
                && judge(workspace, environment, ask).is_ok()
            {
                let_in()?;
            }
            return Ok(Done::AlreadyLive(plan));
        }
    };
    gates::signed(&protection::in_force(workspace, environment)?, &plan)?;
    if let Some(let_in) = let_in {
        let_in()?;
    }
    temporary::begin(workspace, environment, &ask.origin, &hold)?;
    for note in &notes {
        audience.watchers.note(name, note);
    }
    let (mut journal, events) = journal(workspace, &world, &plan, &hold, audience)?;
    journal
        .record(Event::Planned(plan.clone()))
        .map_err(DriveError::from)?;
    let listeners = Listeners {
        events: &events,
        audience,
        announcement: Announcement::of(workspace, environment, &plan, audience),
    };
    let deployed = drive(&world, Rollout::new(*plan), journal, &hold, listeners).release(hold, audience)?;
    Ok(Done::Deployed(Box::new(Deployed { notes, ..deployed })))
}

/// Refuses what this version cannot do, before anything is looked at.
fn require(workspace: &Workspace, environment: &Environment) -> Result<(), AppError> {
    let needed = [
        Part::Target,
        Part::Ledger,
        Part::Backup,
        Part::Analysis,
        Part::Suite,
    ];
    workspace.require(&needed, Some(environment))
}
