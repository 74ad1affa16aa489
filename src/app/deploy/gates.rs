//! The gates of one request, with the facts that they look at.

use super::DeployRequest;
use super::consent::consent;
use crate::app::error::AppError;
use crate::app::lock;
use crate::app::proof::proof;
use crate::app::protection;
use crate::app::record::EnvironmentRecord;
use crate::app::signature;
use crate::app::workspace::Workspace;
use crate::app::world::World;
use crate::config::environment::Environment;
use crate::domain::history::{Guard, GuardKind};
use crate::domain::model::{
    Approver, Artifact, CommitId, EnvironmentName, Explanation, Period, Proof, SignaturePolicy, Signed,
};
use crate::domain::policy::{
    AdmissionRequest, Consent, Facts, Foreign, FreezeWindow, Gate, Lineage, Lock, Promotion, ProtectionRules,
    Refusal, Ruling, Signatures, Unfinished, Wanted, Way,
};
use crate::domain::rollout::Plan;
use crate::domain::{history, policy};

/// As good as no end.
const ENDLESS: Period = Period::from_secs(100 * 365 * 24 * 60 * 60);

/// What is known when every gate is met.
pub(super) struct Passed {
    /// What is worth knowing all the same.
    pub(super) notes: Vec<String>,
    /// That the image succeeded in the environment before, where that is asked for.
    pub(super) proof: Option<Proof>,
    /// The signatures that let the image in.
    pub(super) signatures: Vec<Signed>,
    /// Who approved, where somebody had to.
    pub(super) approvers: Vec<Approver>,
}

/// Holds the request against every gate.
///
/// # Errors
/// [`AppError::Refused`] with every gate that is not.
pub(super) fn judge(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
    standing: &EnvironmentRecord,
    foreign: Vec<Foreign>,
) -> Result<Passed, AppError> {
    let request = AdmissionRequest {
        environment: environment.name.value.clone(),
        version: ask.release.version.clone(),
        way: ask.way,
        at: workspace.context.clock.now(),
        options: ask.options.clone(),
    };
    let guards = lock::standing(workspace, &environment.name.value)?;
    let protection = configured(environment, &guards);
    let (promotion, proof) = promotion(workspace, environment, ask)?;
    let facts = Facts {
        lineage: lineage(workspace, ask.release.commit.as_ref(), standing)?,
        foreign,
        unfinished: standing.open.as_ref().map(|open| Unfinished {
            deployment: open.plan.deployment.clone(),
            version: open.plan.candidate.version.clone(),
            who: open.plan.origin.actor.name.clone(),
            since: open.since,
        }),
        suites: environment.suites.len(),
        health_check: environment.has_health_check(),
        promotion,
        signatures: signatures(workspace, environment, ask)?,
        locks: guards.iter().filter_map(locked).collect(),
        consent: consent(workspace, environment, ask)?,
    };
    match policy::judge(&request, &protection, &facts) {
        Ruling::Allowed { mut notes } => Ok(Passed {
            notes: {
                let switched = protection::newest(workspace, &environment.name.value)?;
                notes.extend(switched.map(|switched| protection::told(&switched)));
                notes
            },
            proof,
            approvers: match (&facts.consent, &protection.approval) {
                (Some(Consent::Asked(said)), Some(wanted)) => {
                    policy::approved(wanted, said).unwrap_or_default()
                }
                _ => Vec::new(),
            },
            signatures: match facts.signatures {
                Some(Signatures::Recorded(signed) | Signatures::Searched(Ok(signed))) => signed,
                _ => Vec::new(),
            },
        }),
        Ruling::Refused(refusals) => Err(AppError::Refused(refusals)),
    }
}

/// The signatures that the environment asks for.
fn needed(environment: &Environment) -> Option<&SignaturePolicy> {
    let protection = &environment.protection;
    protection.signatures.as_ref().filter(|_| protection.enabled)
}

/// Refuses to perform a plan without the signatures that the environment asks for: a plan may be shown
/// before the image is there, and not performed.
pub(super) fn signed(environment: &Environment, plan: &Plan) -> Result<(), AppError> {
    if needed(environment).is_none() || !plan.signatures.is_empty() {
        return Ok(());
    }
    let name = &environment.name.value;
    Err(AppError::Refused(vec![Refusal {
        gate: Gate::Signature,
        reason: format!("{name} takes only signed images, and no signature was verified"),
        fix: "name an image that is built and signed with --image".to_owned(),
    }]))
}

/// What is known of the image's signatures, where the environment asks for some. Going back to an image
/// that was verified when it was deployed here needs no registry: the ledger says that it was.
fn signatures(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
) -> Result<Option<Signatures>, AppError> {
    let Some(policy) = needed(environment) else {
        return Ok(None);
    };
    let Some(image) = &ask.release.artifact else {
        let comes = ask.way == Way::Deploy && workspace.project.image.is_some();
        return Ok(Some(if comes {
            Signatures::Pending(policy.clone())
        } else {
            Signatures::NoImage
        }));
    };
    if ask.way == Way::Rollback
        && let Some(signed) = recorded(workspace, &environment.name.value, image)?
    {
        return Ok(Some(Signatures::Recorded(signed)));
    }
    let found = signature::examine(workspace, image, policy)?;
    Ok(Some(Signatures::Searched(found)))
}

/// The signatures that were verified when this very image was last deployed here.
fn recorded(
    workspace: &Workspace,
    environment: &EnvironmentName,
    image: &Artifact,
) -> Result<Option<Vec<Signed>>, AppError> {
    let records = crate::app::record::all(workspace.ledger()?.as_ref(), environment)?;
    let plans = history::timeline(&records).deployments.into_iter().rev();
    Ok(plans
        .map(|deployment| deployment.plan)
        .find(|plan| {
            let same = plan.candidate.artifact.as_ref();
            !plan.signatures.is_empty() && same.is_some_and(|found| found.digest == image.digest)
        })
        .map(|plan| plan.signatures))
}

/// What stands in the way of both ways.
fn locked(guard: &Guard) -> Option<Lock> {
    (guard.kind == GuardKind::Lock).then(|| Lock {
        who: guard.origin.actor.name.clone(),
        since: guard.from,
        until: guard.until,
        reason: guard.origin.reason.clone(),
    })
}

/// A freeze that a person ordered: as one that is configured. One without an end holds.
fn frozen(name: &EnvironmentName, guard: &Guard) -> Option<FreezeWindow> {
    (guard.kind == GuardKind::Freeze).then(|| FreezeWindow {
        environments: vec![name.clone()],
        from: guard.from,
        until: guard.until.unwrap_or_else(|| guard.from.plus(ENDLESS)),
        reason: guard.origin.reason.clone(),
        who: Some(guard.origin.actor.name.clone()),
    })
}

fn configured(environment: &Environment, guards: &[Guard]) -> ProtectionRules {
    let configured = &environment.protection;
    ProtectionRules {
        enabled: configured.enabled,
        approval: configured.require_approval.then(|| Wanted {
            count: configured.approvals.count,
            teams: configured.approvals.teams.clone(),
            allow_self: configured.approvals.allow_self,
        }),
        allow_overwrite: configured.allow_overwrite,
        require_tests: configured.require_tests,
        freezes: environment
            .freeze
            .iter()
            .map(|freeze| FreezeWindow {
                environments: vec![environment.name.value.clone()],
                from: freeze.from,
                until: freeze.until,
                reason: freeze
                    .reason
                    .clone()
                    .unwrap_or_else(|| "no reason given".to_owned()),
                who: None,
            })
            .chain(
                guards
                    .iter()
                    .filter_map(|guard| frozen(&environment.name.value, guard)),
            )
            .collect(),
    }
}

fn lineage(
    workspace: &Workspace,
    commit: Option<&CommitId>,
    standing: &EnvironmentRecord,
) -> Result<Lineage, AppError> {
    let live = standing.live.as_ref().map(|plan| plan.candidate.commit.as_ref());
    if (commit, live) == (None, Some(None)) {
        // Neither comes from a repository, so there is no order to keep.
        return Ok(Lineage::First);
    }
    let repository = workspace.repository();
    Ok(Lineage::of(commit, live, |older, newer| {
        repository.ancestry(older, newer)
    })?)
}

/// The proof from the environment before, where one is asked for, or what is missing of it.
fn promotion(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
) -> Result<(Option<Promotion>, Option<Proof>), AppError> {
    let protection = &environment.protection;
    let asked = protection.enabled && protection.require_tests && ask.way == Way::Deploy;
    let Some(from) = protection.from.as_ref().filter(|_| asked) else {
        return Ok((None, None));
    };
    let from = from.value.clone();
    let found = match &ask.release.artifact {
        Some(artifact) => proof(workspace, &from, environment, &artifact.digest)?,
        None => Err(vec!["which image it is cannot be told".to_owned()]),
    };
    let (proof, missing) = match found {
        Ok(proof) => (Some(proof), Vec::new()),
        Err(missing) => (None, missing),
    };
    Ok((Some(Promotion { from, missing }), proof))
}

/// Refuses a plan that would write a secret's value into the ledger.
pub(super) fn no_secrets_in(plan: &Plan, world: &World) -> Result<(), AppError> {
    if world.redactor.is_idle() {
        return Ok(());
    }
    for (name, value) in &plan.candidate.variables {
        if world.redactor.redact(value) != value.as_str() {
            return Err(AppError::project(
                Explanation::new(format!(
                    "variable {name} holds the value of a secret, and variables are written into the ledger"
                ))
                .fix("move it to `secrets:`"),
            ));
        }
    }
    let text = serde_json::to_string(plan).unwrap_or_default();
    if world.redactor.redact(&text) == text {
        return Ok(());
    }
    Err(AppError::project(
        Explanation::new("the plan would hold the value of a secret (in a check, a hook or a name)")
            .fix("pass it through `secrets:`"),
    ))
}
