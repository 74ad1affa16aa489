//! The configured environment and what is asked → the request that is planned.

use super::DeployRequest;
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use crate::app::world::World;
use crate::config::environment::{self, BackupMode, Environment, RollbackStrategy};
use crate::domain::model::{
    Approver, Check, CheckKind, HttpExpectation, HttpProbe, Period, ProbeSpec, Proof, Strategy, Suite,
};
use crate::domain::policy::Way;
use crate::domain::rollout::{Grounds, Hook, Kind, PlanRequest, Readiness, RollbackPolicy};
use std::collections::BTreeMap;

/// Time limit of one health sample.
const SAMPLE: Period = Period::from_secs(5);

/// What is to be planned.
pub(super) fn request(
    workspace: &Workspace,
    environment: &Environment,
    ask: &DeployRequest,
    world: &World,
    (proof, approvers): (Option<Proof>, Vec<Approver>),
) -> Result<PlanRequest, AppError> {
    let deployment = &environment.deployment;
    let strategy = ask
        .options
        .strategy
        .clone()
        .unwrap_or_else(|| deployment.strategy.clone());
    let max_failures = match &strategy {
        Strategy::Rolling(rolling) => rolling.max_failures,
        Strategy::Direct | Strategy::BlueGreen | Strategy::Canary(_) => 0,
    };
    let rollback = &deployment.rollback;
    let manual = rollback.strategy == RollbackStrategy::Manual;
    Ok(PlanRequest {
        deployment: workspace.context.deployment_id(workspace.context.clock.now())?,
        kind: match ask.way {
            Way::Deploy => Kind::Deploy,
            Way::Rollback => Kind::Rollback,
        },
        service: workspace.project.service.clone(),
        environment: environment.name.value.clone(),
        origin: ask.origin.clone(),
        strategy,
        candidate: ask.release.clone(),
        units: world.units.clone(),
        url: world.url.clone(),
        readiness: Readiness {
            check: environment.has_health_check().then(|| health(environment)),
            interval: deployment.readiness.interval,
            timeout: deployment.readiness.timeout,
        },
        policy: RollbackPolicy {
            automatic: rollback.enabled && rollback.automatic && !manual,
            clean_up: deployment.cleanup_on_failure,
            max_failures,
        },
        watch: if rollback.enabled {
            rollback.watch
        } else {
            Period::ZERO
        },
        drain: deployment.drain,
        parallelism: world.parallelism,
        backups: match deployment.backup {
            BackupMode::None => None,
            BackupMode::Snapshot | BackupMode::Full => Some(deployment.keep_backups),
        },
        suites: suites(environment, ask),
        before: hooks(&environment.hooks.before_deploy),
        after: hooks(&environment.hooks.after_deploy),
        grounds: Grounds {
            checks_skipped: ask.options.skip_tests,
            proof,
            approvers,
        },
    })
}

/// The suites that verify a new version. Going back needs no new proof, and those of an acceptance
/// deployment are run when it stands.
fn suites(environment: &Environment, ask: &DeployRequest) -> Vec<Suite> {
    match ask.way {
        Way::Deploy if environment.temporary.is_none() => environment.suites.clone(),
        Way::Deploy | Way::Rollback => Vec::new(),
    }
}

fn health(environment: &Environment) -> Check {
    Check {
        name: "health".to_owned(),
        kind: CheckKind::Health,
        probe: ProbeSpec::Http(HttpProbe {
            method: "GET".to_owned(),
            path: environment.deployment.readiness.path.clone(),
            headers: BTreeMap::new(),
            body: None,
            expect: HttpExpectation::default(),
        }),
        timeout: SAMPLE,
    }
}

fn hooks(hooks: &[environment::HookConfig]) -> Vec<Hook> {
    hooks
        .iter()
        .map(|hook| Hook {
            name: hook.name.clone(),
            argv: hook.run.clone(),
            timeout: hook.timeout,
            reversible: hook.reversible,
        })
        .collect()
}
