//! Promotion: the very image that proved itself in one environment goes to the next, by digest.

use super::announce::Audience;
use super::announce::{self, Intent};
use super::deploy::{self, DeployRequest, Done, Prepared, deploy};
use super::error::AppError;
use super::hold::Hold;
use super::identify::Identity;
use super::image_build::{Built, find};
use super::proof::proof;
use super::protection;
use super::record::{self, EnvironmentRecord};
use super::release::release;
use super::scan;
use super::workspace::Workspace;
use super::world::{Purpose, World};
use crate::config::Environment;
use crate::domain::history::{self, PROMOTION, PromotionRecord};
use crate::domain::model::{
    Artifact, DeployOptions, Digest, Draft, EnvironmentName, EnvironmentType, ErrorKind, Explanation,
    PortError, Proof, Release, Tag, Version,
};
use crate::domain::policy::{Gate, Refusal, Way};
use crate::images::{self, CONNECTIONS, Copied, CopyPreview, CopySource, Destination, Meter, Options, Which};

use crate::domain::scan::Assessment;
use crate::domain::tagging::{Latest, Pointed, latest, production_tags};
use std::sync::Arc;

/// What is to be promoted, and under which terms.
#[derive(Debug, Clone)]
pub struct PromoteOptions {
    /// Where it proved itself.
    pub from: EnvironmentName,
    /// Where it goes.
    pub to: EnvironmentName,
    /// The version; what is live in `from` where `None`.
    pub version: Option<Version>,
    /// The image, by tag or digest, that has to be the one.
    pub image: Option<String>,
    /// Copy and tag only.
    pub image_only: bool,
    /// What is not left to the configuration. A promotion builds nothing, so there are no checks to pass over.
    pub options: DeployOptions,
}

/// A promotion that is allowed, with nothing touched yet.
pub struct Settled {
    /// What is deployed in the end.
    pub ask: DeployRequest,
    /// Where the image is.
    pub source: Artifact,
    /// Where it goes; the same digest.
    pub image: Artifact,
    /// Tags that are to lead to it.
    pub tags: Vec<Tag>,
    /// Why `latest` is not among them, where it might have been expected.
    pub withheld: Option<String>,
    /// What speaks for it; `None` where the environment asks for no tests.
    pub proof: Option<Proof>,
}

/// Settles a promotion: finds the image, demands its proof, and asks every gate.
///
/// # Errors
/// When there is no such image, or with everything that is missing.
pub fn settle(workspace: &Workspace, wish: &PromoteOptions) -> Result<Settled, AppError> {
    if wish.from == wish.to {
        return Err(AppError::usage(
            Explanation::new(format!("{} cannot be promoted to itself", wish.from))
                .fix("name another environment with --to"),
        ));
    }
    let (before, environment) = (
        workspace.environment(&wish.from)?,
        workspace.environment(&wish.to)?,
    );
    let candidate = candidate(workspace, before, wish)?;
    let Some(source) = candidate.artifact.clone() else {
        return Err(AppError::usage(format!(
            "{} in {} is no image, and only images are promoted",
            candidate.version, wish.from
        )));
    };
    let repository = workspace.images_of(environment).unwrap_or(&source.repository);
    let image = Artifact {
        repository: repository.to_owned(),
        digest: source.digest.clone(),
    };
    let demanded = demand(workspace, wish, environment, &candidate.version, &source.digest)?;
    let ask = ask(workspace, wish, environment, &candidate, &image);
    let proof = deploy::judge(workspace, environment, &ask)?.or(demanded);
    let (tags, withheld) = tags(workspace, environment, &candidate, &image)?;
    Ok(Settled {
        ask,
        source,
        image,
        tags,
        withheld,
        proof,
    })
}

/// Scans the image as its new environment asks for, before anything is touched; `None` where it asks for no
/// scan. Where the findings block there, the second value says so.
///
/// # Errors
/// [`AppError::Scan`] when the scan says nothing about the image.
pub fn scan(
    workspace: &Workspace,
    wish: &PromoteOptions,
    settled: &Settled,
) -> Result<(Option<Assessment>, Result<(), AppError>), AppError> {
    let mut gate = scan::ScanGate::of(workspace, Some(settled.source.clone()));
    let environment = workspace.environment(&wish.to)?;
    let assessment = gate.judge(environment, settled.ask.origin.clone())?.cloned();
    Ok((assessment, gate.pass(&wish.to)))
}

/// What [`bring_image`] and [`deploy_image`] would do, with nothing touched: the copy, and the plan of the
/// deployment. The plan is missing with [`PromoteOptions::image_only`].
///
/// # Errors
/// When a registry does not answer, or the deployment cannot be planned.
pub fn preview(
    workspace: &Workspace,
    wish: &PromoteOptions,
    settled: &Settled,
) -> Result<(CopyPreview, Option<Prepared>), AppError> {
    let registry = workspace.registry();
    let (from, to) = ends(settled);
    let outlook = images::preview(registry.as_ref(), &from, &to, CONNECTIONS)?;
    if wish.image_only {
        return Ok((outlook, None));
    }
    let environment = workspace.environment(&wish.to)?;
    let world = World::open(workspace, environment, &settled.ask.release, Purpose::Look)?;
    let mut prepared = deploy::prepare(workspace, environment, &settled.ask, &world)?;
    if let Prepared::Ready { notes, .. } = &mut prepared {
        notes.extend(scan::describe(workspace, environment));
    }
    Ok((outlook, Some(prepared)))
}

/// Copies the image, moves the tags, and writes it down: under the lease, and when every gate lets it in
/// then, whatever it was when the promotion was settled.
///
/// # Errors
/// [`AppError::Refused`] when one does not; when a registry refuses (no tag was moved then), or another run
/// holds the environment.
pub fn bring_image(
    workspace: &Workspace,
    wish: &PromoteOptions,
    settled: &Settled,
    meter: &Arc<Meter>,
) -> Result<Copied, AppError> {
    let version = &settled.ask.release.version;
    let purpose = format!("promoting {version} from {}", wish.from);
    let hold = Hold::take(workspace, &wish.to, &settled.ask.origin, purpose)?;
    deploy::judge(workspace, workspace.environment(&wish.to)?, &settled.ask)?;
    let registry = workspace.registry();
    let (from, to) = ends(settled);
    let copied = images::copy(registry.as_ref(), &from, &to, &options(meter))?;
    record(workspace, wish, settled, &hold)?;
    Ok(copied)
}

/// Deploys the image that [`bring_image`] brought.
///
/// # Errors
/// As [`deploy`](fn@deploy).
pub fn deploy_image(
    workspace: &Workspace,
    wish: &PromoteOptions,
    settled: &Settled,
    audience: &Audience,
) -> Result<Done, AppError> {
    deploy(
        workspace,
        workspace.environment(&wish.to)?,
        &settled.ask,
        audience,
    )
}

/// The image of a deployment where its environment keeps its own: copied there when every gate is met,
/// with all that hangs off it, under no tag.
///
/// # Errors
/// As [`deploy::judge`], and when a registry refuses.
pub fn bring(
    workspace: &Workspace,
    environment: &Environment,
    mut ask: DeployRequest,
) -> Result<DeployRequest, AppError> {
    let Some(moved) = moved(workspace, environment, &ask.release) else {
        return Ok(ask);
    };
    deploy::judge(workspace, environment, &ask)?;
    if let Some(source) = &ask.release.artifact {
        let from = CopySource {
            repository: &source.repository,
            image: Which::Digest(&source.digest),
        };
        let to = Destination {
            repository: &moved.repository,
            tags: &[],
        };
        let meter = Meter::new(Arc::clone(&workspace.context.clock));
        images::copy(workspace.registry().as_ref(), &from, &to, &options(&meter))?;
    }
    ask.release.artifact = Some(moved);
    Ok(ask)
}

/// Tells the forge why nothing is promoted, where it was refused.
pub fn tell_refusal(workspace: &Workspace, wish: &PromoteOptions, error: &AppError, audience: &Audience) {
    let (Ok(before), Ok(environment)) = (workspace.environment(&wish.from), workspace.environment(&wish.to))
    else {
        return;
    };
    if let Ok(release) = candidate(workspace, before, wish) {
        let intent = Intent {
            environment,
            version: &release.version,
            commit: release.commit.as_ref(),
        };
        announce::refusal(workspace, &intent, error, audience);
    }
}

/// Where the image of a release has to be for `environment`, when it is elsewhere.
pub fn moved(workspace: &Workspace, environment: &Environment, release: &Release) -> Option<Artifact> {
    let (source, repository) = (release.artifact.as_ref()?, workspace.images_of(environment)?);
    (source.repository != repository).then(|| Artifact {
        repository: repository.to_owned(),
        digest: source.digest.clone(),
    })
}

fn options(meter: &Arc<Meter>) -> Options<'_> {
    Options {
        connections: CONNECTIONS,
        attached: true,
        deep: false,
        meter,
    }
}

fn ends(settled: &Settled) -> (CopySource<'_>, Destination<'_>) {
    let from = CopySource {
        repository: &settled.source.repository,
        image: Which::Digest(&settled.source.digest),
    };
    let to = Destination {
        repository: &settled.image.repository,
        tags: &settled.tags,
    };
    (from, to)
}

/// What is live in the environment before, or what was and is named.
fn candidate(
    workspace: &Workspace,
    before: &Environment,
    wish: &PromoteOptions,
) -> Result<Release, AppError> {
    let from = &wish.from;
    let pinned = match (&wish.image, workspace.images_of(before)) {
        (Some(reference), Some(repository)) => Some(find(workspace, repository, reference)?.digest),
        (Some(_), None) => return Err(AppError::no_image()),
        (None, _) => None,
    };
    let is_it = |release: &Release| {
        let digest = release.artifact.as_ref().map(|artifact| &artifact.digest);
        wish.version
            .as_ref()
            .is_none_or(|version| release.version == *version)
            && pinned.as_ref().is_none_or(|pinned| digest == Some(pinned))
    };
    let ledger = workspace.ledger()?;
    let live = EnvironmentRecord::read(ledger.as_ref(), from)?
        .live
        .map(|plan| plan.candidate);
    if let Some(live) = live.as_ref().filter(|live| is_it(live)) {
        return Ok(live.clone());
    }
    let Some(live) = live else {
        return Err(AppError::usage(
            Explanation::new(format!("nothing is live in {from}"))
                .fix(format!("deploy to it first with `greenroom deploy -e {from}`")),
        ));
    };
    let timeline = history::timeline(&record::all(ledger.as_ref(), from)?);
    let mut were_live = timeline
        .deployments
        .iter()
        .rev()
        .filter(|was| was.live_since.is_some());
    were_live
        .find(|was| is_it(&was.plan.candidate))
        .map(|was| was.plan.candidate.clone())
        .ok_or_else(|| {
            AppError::usage(
                Explanation::new(format!(
                    "that was never live in {from}; live now is {}",
                    live.version
                ))
                .fix(format!("see `greenroom history {from}`")),
            )
        })
}

/// The proof from the environment that is promoted from. Where the environment asks for no tests, none is
/// demanded.
fn demand(
    workspace: &Workspace,
    wish: &PromoteOptions,
    environment: &Environment,
    version: &Version,
    image: &Digest,
) -> Result<Option<Proof>, AppError> {
    let environment = &protection::in_force(workspace, environment)?;
    let found = proof(workspace, &wish.from, environment, image)?;
    let asked = environment.protection.enabled && environment.protection.require_tests;
    match found {
        Ok(proof) => Ok(Some(proof)),
        Err(_) if !asked => Ok(None),
        Err(missing) => {
            let refusal = |piece: String| Refusal {
                gate: Gate::Promotion,
                reason: format!(
                    "{} takes only what succeeded in {}, and of {version} {piece}",
                    wish.to, wish.from
                ),
                fix: format!("deploy it to {} again, with its suites", wish.from),
            };
            Err(AppError::Refused(missing.into_iter().map(refusal).collect()))
        }
    }
}

fn ask(
    workspace: &Workspace,
    wish: &PromoteOptions,
    environment: &Environment,
    candidate: &Release,
    image: &Artifact,
) -> DeployRequest {
    let identity = Identity {
        commit: candidate.commit.clone(),
        version: candidate.version.clone(),
        time: workspace.context.clock.now(),
    };
    let built = Built {
        artifact: image.clone(),
        tags: Vec::new(),
        withheld: None,
        made: None,
    };
    let reason = format!("promoted from {}", wish.from);
    DeployRequest {
        release: release(environment, &identity, Some(&built)),
        way: Way::Deploy,
        origin: workspace.context.origin(reason, candidate.commit.clone()),
        options: wish.options.clone(),
    }
}

/// The tags of the image in its new environment, and why `latest` is not among them.
fn tags(
    workspace: &Workspace,
    environment: &Environment,
    candidate: &Release,
    image: &Artifact,
) -> Result<(Vec<Tag>, Option<String>), AppError> {
    let identity = Identity {
        commit: candidate.commit.clone(),
        version: candidate.version.clone(),
        time: workspace.context.clock.now(),
    };
    if environment.kind != EnvironmentType::Production {
        let tagging = identity.tags(workspace, environment)?;
        return Ok((tagging.tags, tagging.withheld));
    }
    let newest = Tag::nearest("latest");
    let mut tags = production_tags(&candidate.version, candidate.commit.as_ref(), None).tags;
    tags.retain(|tag| *tag != newest);
    let registry = workspace.registry();
    let named = registry.resolve(&image.repository, &newest)?;
    let version = match &named {
        Some(digest) if *digest != image.digest => {
            images::claims(registry.as_ref(), &image.repository, digest)?.version
        }
        _ => None,
    };
    let standing = EnvironmentRecord::read(workspace.ledger()?.as_ref(), &environment.name.value)?;
    let live = standing.live.map(|plan| plan.candidate.version);
    let now = named.as_ref().map(|digest| Pointed {
        digest,
        version: version.as_ref(),
    });
    match latest(&candidate.version, &image.digest, now, live.as_ref()) {
        Latest::Moves | Latest::There => {
            tags.push(newest);
            Ok((tags, None))
        }
        Latest::Stays(reason) => Ok((tags, Some(reason))),
    }
}

/// Writes the promotion into the ledger of the environment that it went to.
fn record(
    workspace: &Workspace,
    wish: &PromoteOptions,
    settled: &Settled,
    hold: &Hold,
) -> Result<(), AppError> {
    let promotion = PromotionRecord {
        from: wish.from.clone(),
        version: settled.ask.release.version.clone(),
        source: settled.source.clone(),
        image: settled.image.clone(),
        tags: settled.tags.clone(),
        proof: settled.proof.clone(),
        origin: settled.ask.origin.clone(),
    };
    let doing = || format!("recording the promotion to {}", wish.to);
    let body = serde_json::to_value(&promotion)
        .map_err(|error| PortError::new(ErrorKind::Invalid, doing(), &error))?;
    let ledger = workspace.ledger()?;
    let head = ledger.head(&wish.to)?;
    let draft = Draft {
        at: workspace.context.clock.now(),
        epoch: hold.epoch(),
        deployment: None,
        kind: PROMOTION.to_owned(),
        refs: head
            .as_ref()
            .map(|head| head.record.refs.clone())
            .unwrap_or_default(),
        body,
    };
    // Nobody else writes while the lease is held.
    ledger.append(&wish.to, head.as_ref(), &draft)?;
    Ok(())
}
