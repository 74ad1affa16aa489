//! What templates may name.

use super::action::CHECKOUT;
use super::choices::{Approvals, Choices, Ci, Jobs, Scanner, TargetChoice, TriggerKind};
use super::ecosystem::Habits;
use super::text::RunnerLabel;
use serde::Serialize;
use std::collections::BTreeMap;

/// The branch whose pushes deploy, and from which a person deploys where nothing else is said.
const BRANCH: &str = "develop";
/// The label that deploys a pull request.
const LABEL: &str = "deploy-to-staging";
/// Trivy's own image. A scanner sees every image, so that its version is fixed.
const TRIVY: &str = "ghcr.io/aquasecurity/trivy:0.69.3";

/// What templates may name; each field is a name. All texts but those of `set` were checked by their types.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    service: String,
    /// The service's port in a container.
    port: u16,
    branch: &'static str,
    label: &'static str,
    /// Which triggers are chosen.
    push: bool,
    dispatch: bool,
    labeled: bool,
    target: &'static str,
    /// The repository of the images, as `image.repository` has it.
    repository: String,
    /// The registry's host; none is false.
    registry: Option<String>,
    /// Whether GitHub's own token opens the registry.
    ghcr: bool,
    ecosystem: &'static str,
    habits: &'static Habits,
    /// Whether images are put together from files, without a container.
    from_files: bool,
    approvals: &'static str,
    asks: bool,
    split: bool,
    /// What of CI systems is written.
    github: bool,
    scanner: bool,
    trivy: &'static str,
    action: String,
    checkout: &'static str,
    /// The machine for checks, and the one that deploys.
    hosted: String,
    runner: String,
    /// The label of machines in GitLab and Jenkins, where greenroom is a program.
    agent: String,
    /// Whether the machine that deploys keeps its files.
    own: bool,
    /// Secrets that the target needs, by the variable that holds them.
    secrets: &'static [&'static str],
    environments: &'static [&'static str],
    /// The branch of the ledger.
    ledger: String,
    /// What was given with `--set`. The only texts here that may be anything: ours name none of them.
    set: BTreeMap<String, String>,
}

impl Facts {
    pub(super) fn of(choices: &Choices) -> Self {
        let registry = choices.registry.as_ref();
        let host = registry.and_then(|name| name.registry()).map(str::to_owned);
        let runner = choices.runner();
        let habits = choices.ecosystem.habits();
        let chosen = |kind: TriggerKind| choices.triggers.contains(&kind);
        Self {
            service: choices.service.to_string(),
            port: 8080,
            branch: BRANCH,
            label: LABEL,
            push: chosen(TriggerKind::Push),
            dispatch: chosen(TriggerKind::Dispatch),
            labeled: chosen(TriggerKind::Label),
            target: choices.target.as_str(),
            repository: registry.map_or_else(|| choices.service.to_string(), ToString::to_string),
            ghcr: host.as_deref() == Some("ghcr.io"),
            registry: host,
            ecosystem: choices.ecosystem.as_str(),
            habits,
            from_files: choices.target == TargetChoice::Local && habits.starts_from_files(),
            approvals: choices.approvals.as_str(),
            asks: choices.approvals != Approvals::None,
            split: choices.jobs == Jobs::Split,
            github: choices.ci.contains(&Ci::GitHub),
            scanner: choices.scanner != Scanner::None,
            trivy: TRIVY,
            action: choices.action.uses(),
            checkout: CHECKOUT,
            hosted: RunnerLabel::hosted().to_string(),
            runner: runner.label.to_string(),
            agent: choices
                .runner
                .clone()
                .unwrap_or_else(RunnerLabel::own)
                .to_string(),
            own: runner.own,
            secrets: secrets(choices.target),
            environments: &["staging", "acceptance", "production"],
            ledger: choices.ledger.clone(),
            set: choices.settings.clone(),
        }
    }
}

/// The secrets that a target needs. They are named alike in every environment, and differ by it.
pub(super) fn secrets(target: TargetChoice) -> &'static [&'static str] {
    match target {
        TargetChoice::Local => &[],
        TargetChoice::Command => &["DEPLOY_KEY", "DEPLOY_KNOWN_HOSTS"],
        TargetChoice::Proxmox => &["PROXMOX_TOKEN"],
    }
}
