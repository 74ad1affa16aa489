//! The whole run: decide, identify, validate, build, and deploy to one environment or several.

use super::announce::{self, Audience, Intent, Labelled};
use super::decide::decision;
use super::deploy::{Ask, Done, Prepared, deploy, deploy_with, prepare};
use super::error::AppError;
use super::identify::Identity;
use super::image_build::{Built, Tags, build, find};
use super::promote::{bring, moved};
use super::release::release;
use super::scan::{self, Gate};
use super::validate::{Validated, validate};
use super::watch::Lines;
use super::workspace::Workspace;
use super::world::{Purpose, World};
use crate::config::{Environment, Part};
use crate::domain::model::{Artifact, EnvironmentName, Strategy, Version};
use crate::domain::policy::Way;
use crate::domain::rollout::Outcome;
use crate::domain::scan::Assessment;
use crate::domain::trigger::{Decision, manual};
use crate::parallel::each;

/// What is wanted.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Environments by name; by the event where none is named.
    pub environments: Vec<EnvironmentName>,
    /// Deploy to all of them at the same time; otherwise one after the other, up to the first failure.
    pub parallel: bool,
    /// Branch, tag or commit; what is checked out, or what the event names, where `None`.
    pub git_ref: Option<String>,
    /// The version; found in the project where `None`.
    pub version: Option<Version>,
    /// An image that exists, by tag or digest, instead of a build.
    pub image: Option<String>,
    /// Another strategy than the configured one.
    pub strategy: Option<Strategy>,
    /// Deploy a commit older than the live one.
    pub allow_stale: bool,
    /// Pass over the checks before the build.
    pub skip_tests: bool,
    /// Deploy even what is live already.
    pub force: bool,
    /// Give the image no tag.
    pub untagged: bool,
}

/// What a run tells while it goes on.
#[derive(Debug)]
pub enum Progress<'a> {
    /// Whether, where and what.
    Decided(&'a Decision),
    /// Commit, version and time.
    Identified(&'a Identity),
    /// A check before the build passed.
    Validated(&'a Validated),
    /// The checks before the build are passed over, and how many there are.
    ValidationSkipped(usize),
    /// The image is there, still without a tag.
    Built(&'a Built),
    /// It got no tag: it was not let in where these tags belong.
    Untagged,
    /// The image was scanned, and judged for an environment.
    Scanned(&'a Assessment),
    /// The next environment follows because the one before says so.
    Promoted(&'a EnvironmentName),
}

/// What a run came to.
pub struct Run {
    /// Whether, where and what.
    pub decision: Decision,
    /// Commit, version and time; `None` where nothing was to be deployed.
    pub identity: Option<Identity>,
    /// The image.
    pub built: Option<Built>,
    /// Each environment in the order it was begun.
    pub results: Vec<(EnvironmentName, Result<Done, AppError>)>,
}

/// Everything up to the deployment.
struct Ready {
    decision: Decision,
    identity: Identity,
    environments: Vec<EnvironmentName>,
    /// The image, where one that exists was named.
    named: Option<Artifact>,
    skip_tests: bool,
}

/// Runs the pipeline.
///
/// # Errors
/// When it ends before the first deployment. What happens after that is in [`Run::results`].
pub fn run(
    workspace: &Workspace,
    wish: &Wish,
    audience: &Audience,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Run, AppError> {
    let (decision, environments) = match decide(workspace, wish, tell)? {
        Ok(decided) => decided,
        Err(decision) => {
            return Ok(Run {
                decision,
                identity: None,
                built: None,
                results: Vec::new(),
            });
        }
    };
    let label = Labelled::of(workspace, &decision, audience);
    let run = identify(workspace, wish, (decision, environments), tell)
        .and_then(|ready| perform(workspace, wish, ready, (label.as_ref(), audience), tell));
    if let Some(label) = label {
        label.remove(&audience.watchers);
    }
    run
}

/// What is deployed on whose word, and who hears of it.
type Terms<'a> = (Option<&'a Labelled>, &'a Audience);

fn perform(
    workspace: &Workspace,
    wish: &Wish,
    ready: Ready,
    (label, audience): Terms<'_>,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Run, AppError> {
    let told = |found: &Environment, error: AppError| {
        let intent = Intent {
            environment: found,
            version: &ready.identity.version,
            commit: ready.identity.commit.as_ref(),
        };
        announce::refusal(workspace, &intent, &error, audience);
        error
    };
    let stands = || label.map_or(Ok(()), |label| label.check(&audience.watchers));
    let Some(first) = ready.environments.first() else {
        return Err(AppError::Usage("no environment was named".to_owned()));
    };
    let first = workspace.environment(first)?;
    stands().map_err(|error| told(first, error))?;
    checked(workspace, ready.skip_tests, tell)?;
    let built = image(workspace, wish, first, &ready, audience.watchers.lines())?;
    if let Some(built) = &built {
        tell(Progress::Built(built));
    }
    let ask = |environment: &Environment| ask(workspace, wish, &ready, environment, built.as_ref());
    let brought = |environment: &Environment| bring(workspace, environment, ask(environment));
    let mut gate = Gate::of(workspace, built.as_ref().map(|built| built.artifact.clone()));
    // Before any environment is touched, all that are named are judged.
    for name in &ready.environments {
        let environment = workspace.environment(name)?;
        judge(&mut gate, environment, &ask(environment), tell)?;
    }
    let tags = built.as_ref().and_then(|built| Tags::of(workspace, built));
    let go = |gate: &Gate<'_>, found: &Environment| {
        let passed = gate.pass(&found.name.value).and_then(|()| stands());
        passed.map_err(|error| told(found, error))?;
        let ask = brought(found)?;
        match tags.as_ref().filter(|_| found.name.value == first.name.value) {
            Some(tags) => deploy_with(workspace, found, &ask, audience, Some(&|| tags.write())),
            None => deploy(workspace, found, &ask, audience),
        }
    };
    let results = if wish.parallel {
        each(&ready.environments, ready.environments.len(), |name| {
            let done = workspace.environment(name).and_then(|found| go(&gate, found));
            (name.clone(), done)
        })
    } else {
        let mut one = |name: &EnvironmentName, tell: &mut dyn FnMut(Progress<'_>)| {
            let found = workspace.environment(name)?;
            judge(&mut gate, found, &ask(found), tell)?;
            go(&gate, found)
        };
        in_sequence(workspace, &ready.environments, &mut one, tell)
    };
    if tags.as_ref().is_some_and(Tags::are_missing) {
        tell(Progress::Untagged);
    }
    Ok(Run {
        decision: ready.decision,
        identity: Some(ready.identity),
        built,
        results,
    })
}

/// One environment and its plan, or why there is none.
pub type Planned = (EnvironmentName, Result<Prepared, AppError>);

/// The plans of everything that [`run`] would do, with nothing touched.
///
/// # Errors
/// As [`run`]; what an environment refuses is in its own result.
pub fn plan(
    workspace: &Workspace,
    wish: &Wish,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Vec<Planned>, AppError> {
    let Ok(ready) = settle(workspace, wish, tell)? else {
        return Ok(Vec::new());
    };
    let built = ready.named.as_ref().map(existing);
    let plan_one = |name: &EnvironmentName| {
        let environment = workspace.environment(name)?;
        let mut ask = ask(workspace, wish, &ready, environment, built.as_ref());
        if let Some(moved) = moved(workspace, environment, &ask.release) {
            ask.release.artifact = Some(moved);
        }
        let world = World::open(workspace, environment, &ask.release, Purpose::Look)?;
        let mut prepared = prepare(workspace, environment, &ask, &world)?;
        if let Prepared::Ready { notes, .. } = &mut prepared
            && workspace.project.image.is_some()
        {
            notes.extend(scan::describe(workspace, environment));
        }
        Ok(prepared)
    };
    let names = &ready.environments;
    Ok(names.iter().cloned().zip(each(names, 2, plan_one)).collect())
}

/// Decides and identifies; the decision alone where nothing is to be deployed.
fn settle(
    workspace: &Workspace,
    wish: &Wish,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Result<Ready, Decision>, AppError> {
    Ok(match decide(workspace, wish, tell)? {
        Ok(decided) => Ok(identify(workspace, wish, decided, tell)?),
        Err(decision) => Err(decision),
    })
}

/// A decision to deploy, and where to.
type Decided = (Decision, Vec<EnvironmentName>);

fn decide(
    workspace: &Workspace,
    wish: &Wish,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Result<Decided, Decision>, AppError> {
    let decision = decision(workspace, wish.environments.first(), wish.git_ref.as_deref())?;
    tell(Progress::Decided(&decision));
    if decision.reason_code.is_refusal() {
        return Err(AppError::NotAllowed(decision.reason));
    }
    let decided = decision.environment.clone().filter(|_| decision.should_deploy);
    let Some(environment) = decided else {
        return Ok(Err(decision));
    };
    let environments = if wish.environments.is_empty() {
        vec![environment]
    } else {
        wish.environments.clone()
    };
    Ok(Ok((decision, environments)))
}

fn identify(
    workspace: &Workspace,
    wish: &Wish,
    (decision, environments): Decided,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<Ready, AppError> {
    let time = workspace.context.clock.now();
    let first = workspace.environment(environments.first().unwrap_or(&environments[0]))?;
    workspace.require(&[Part::Target, Part::Ledger], Some(first))?;
    let named = named(workspace, wish)?;
    let identity = Identity::settle(workspace, &decision, wish.version.as_ref(), named.as_ref(), time)?;
    tell(Progress::Identified(&identity));
    let skip_tests = wish.skip_tests || decision.skip_tests;
    Ok(Ready {
        decision,
        identity,
        environments,
        named,
        skip_tests,
    })
}

/// The image that exists, where one was named.
fn named(workspace: &Workspace, wish: &Wish) -> Result<Option<Artifact>, AppError> {
    match (&wish.image, &workspace.project.image) {
        (Some(reference), Some(image)) => find(workspace, &image.repository, reference).map(Some),
        (Some(_), None) => Err(AppError::Usage(
            "an image was named, and the project has none: add `image:` to greenroom.yaml".to_owned(),
        )),
        (None, _) => Ok(None),
    }
}

/// The image that was named, or one that is built now.
fn image(
    workspace: &Workspace,
    wish: &Wish,
    environment: &Environment,
    ready: &Ready,
    lines: &Lines,
) -> Result<Option<Built>, AppError> {
    if let Some(artifact) = &ready.named {
        return Ok(Some(existing(artifact)));
    }
    let built = build(workspace, environment, &ready.identity, lines)?;
    Ok(built.map(|built| if wish.untagged { bare(built) } else { built }))
}

/// An image that was there before.
fn existing(artifact: &Artifact) -> Built {
    Built {
        artifact: artifact.clone(),
        tags: Vec::new(),
        withheld: None,
        made: None,
    }
}

/// The image without the tags that were meant for it.
fn bare(built: Built) -> Built {
    Built {
        tags: Vec::new(),
        withheld: None,
        ..built
    }
}

fn ask(
    workspace: &Workspace,
    wish: &Wish,
    ready: &Ready,
    environment: &Environment,
    built: Option<&Built>,
) -> Ask {
    let release = release(environment, &ready.identity, built);
    let name = &environment.name.value;
    let reason = if ready.decision.environment.as_ref() == Some(name) {
        ready.decision.reason.clone()
    } else if wish.environments.contains(name) {
        manual(name.clone(), None).reason
    } else {
        format!("promoted automatically; {}", ready.decision.reason)
    };
    Ask {
        origin: workspace.context.origin(reason, release.commit.clone()),
        release,
        way: Way::Deploy,
        strategy: wish.strategy.clone(),
        allow_stale: wish.allow_stale,
        skip_tests: ready.skip_tests,
        force: wish.force,
    }
}

/// The checks before the build, or that they are passed over.
fn checked(workspace: &Workspace, skip: bool, tell: &mut dyn FnMut(Progress<'_>)) -> Result<(), AppError> {
    if skip {
        tell(Progress::ValidationSkipped(workspace.project.validate.len()));
    } else {
        validate(workspace, |validated| tell(Progress::Validated(validated)))?;
    }
    Ok(())
}

/// Judges the image for `environment`, where that was not done before.
fn judge(
    gate: &mut Gate<'_>,
    environment: &Environment,
    ask: &Ask,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Result<(), AppError> {
    if let Some(assessment) = gate.judge(environment, ask.origin.clone())? {
        tell(Progress::Scanned(assessment));
    }
    Ok(())
}

/// Deploys to one environment.
type One<'a> = dyn FnMut(&EnvironmentName, &mut dyn FnMut(Progress<'_>)) -> Result<Done, AppError> + 'a;

/// One after the other, up to the first that does not succeed; then those that follow by themselves.
fn in_sequence(
    workspace: &Workspace,
    names: &[EnvironmentName],
    one: &mut One<'_>,
    tell: &mut dyn FnMut(Progress<'_>),
) -> Vec<(EnvironmentName, Result<Done, AppError>)> {
    let mut waiting: std::collections::VecDeque<EnvironmentName> = names.iter().cloned().collect();
    let mut results: Vec<(EnvironmentName, Result<Done, AppError>)> = Vec::new();
    while let Some(name) = waiting.pop_front() {
        let environment = workspace.environment(&name);
        let follows = environment
            .as_ref()
            .is_ok_and(|found| found.deployment.auto_promote);
        let done = one(&name, tell);
        let succeeded = match &done {
            Ok(Done::Deployed(deployed)) => deployed.outcome == Outcome::Succeeded,
            Ok(Done::AlreadyLive(_)) => true,
            Err(_) => false,
        };
        results.push((name.clone(), done));
        if !succeeded {
            break;
        }
        let known = |next: &EnvironmentName| results.iter().any(|(done, _)| done == next);
        if waiting.is_empty()
            && follows
            && let Some(next) = after(&workspace.project.promotion, &name).filter(|next| !known(next))
        {
            tell(Progress::Promoted(next));
            waiting.push_back(next.clone());
        }
    }
    results
}

fn after<'a>(promotion: &'a [EnvironmentName], name: &EnvironmentName) -> Option<&'a EnvironmentName> {
    let place = promotion.iter().position(|each| each == name)?;
    promotion.get(place + 1)
}
