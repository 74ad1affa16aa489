//! What there is to choose, and which choices do not go together.

use super::action::ActionPin;
use super::ecosystem::Ecosystem;
use super::text::{RunnerLabel, ServiceName};
use super::word::words;
use crate::domain::model::RepositoryName;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

words! {
    /// What starts a deployment to staging.
    TriggerKind, "trigger", {
        /// Each push to `develop`.
        Push = "push",
        /// A person starts the workflow.
        Dispatch = "dispatch",
        /// The label `deploy-to-staging` on a pull request.
        Label = "label",
    }
}

words! {
    /// What asks people before production.
    Approvals, "kind of approval", {
        /// Nobody is asked.
        None = "none",
        /// Reviewers of the environment in GitHub.
        GitHub = "github",
        /// `greenroom approve`, on record in the ledger.
        Ledger = "ledger",
    }
}

words! {
    /// How the workflow of a deployment is cut.
    Jobs, "cut into jobs", {
        /// One job does it all.
        One = "one",
        /// A job for each part, so that each has only the rights that it needs.
        Split = "split",
    }
}

words! {
    /// A CI system that files are written for.
    Ci, "CI system", {
        /// GitHub Actions.
        GitHub = "github",
        /// GitLab CI.
        GitLab = "gitlab",
        /// Jenkins.
        Jenkins = "jenkins",
    }
}

words! {
    /// What scans images for vulnerabilities.
    Scanner, "scanner", {
        /// Trivy, from its own image.
        Trivy = "trivy",
        /// Nothing.
        None = "none",
    }
}

/// Where the service runs. Only what can be deployed to is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetChoice {
    /// Processes on the runner's machine, behind the built-in router.
    Local,
    /// The project's own commands; the ones written bring a compose file to a host over SSH.
    Command,
    /// Guests of a Proxmox VE cluster.
    Proxmox,
}

impl TargetChoice {
    /// Every one, in the order in which they are offered.
    pub const ALL: &[Self] = &[Self::Local, Self::Command, Self::Proxmox];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Command => "command",
            Self::Proxmox => "proxmox",
        }
    }
}

impl FromStr for TargetChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "local" => Ok(Self::Local),
            "command" => Ok(Self::Command),
            "proxmox" => Ok(Self::Proxmox),
            "kubernetes" | "docker" | "compose" | "ecs" => Err(format!(
                "this version cannot deploy to {text} itself: take command, whose script does, or local or proxmox"
            )),
            _ => Err(format!("{text:?} is no target: write local, command or proxmox")),
        }
    }
}

impl std::fmt::Display for TargetChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The machine that the jobs run on which build, deploy and verify.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiRunner {
    /// Its label.
    pub label: RunnerLabel,
    /// Whether it is a machine of one's own, on which files stay from job to job.
    pub own: bool,
}

impl CiRunner {
    /// Hosted machines of GitHub's are named after their systems.
    pub fn of(label: RunnerLabel) -> Self {
        let own = !["ubuntu-", "windows-", "macos-"]
            .iter()
            .any(|system| label.as_str().starts_with(system));
        Self { label, own }
    }
}

/// Files that a project may have already, and that are begun only where it has not: they are never held
/// against ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Begins {
    /// A file that holds the version.
    pub version: bool,
    /// A list of what git ignores.
    pub gitignore: bool,
}

/// Everything that the files depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    /// Name of the service.
    pub service: ServiceName,
    /// What starts a deployment to staging; at least one.
    pub triggers: BTreeSet<TriggerKind>,
    /// Where it runs.
    pub target: TargetChoice,
    /// Where its images are, `None` for the project's own store on the machine that builds.
    pub registry: Option<RepositoryName>,
    /// What it is written in.
    pub ecosystem: Ecosystem,
    /// Who is asked before production.
    pub approvals: Approvals,
    /// How workflows are cut.
    pub jobs: Jobs,
    /// The systems that files are written for; at least one.
    pub ci: BTreeSet<Ci>,
    /// What scans images.
    pub scanner: Scanner,
    /// The machine that deploys, `None` for the one that fits ([`Choices::runner`]).
    pub runner: Option<RunnerLabel>,
    /// greenroom's action.
    pub action: ActionPin,
    /// The branch of the repository that holds the ledger.
    pub ledger: String,
    /// What the project does not have yet.
    pub begins: Begins,
    /// Values for templates of the project's own, by their names: `<< set.NAME >>`.
    pub settings: BTreeMap<String, String>,
}

impl Choices {
    /// Sentences about the choices that do not go together; none when all do.
    pub fn contradictions(&self) -> Vec<String> {
        let mut found = Vec::new();
        if self.triggers.is_empty() {
            found.push("nothing starts a deployment: choose push, dispatch or label (--trigger)".to_owned());
        }
        if self.ci.is_empty() {
            found.push("no CI system is chosen: choose github, gitlab or jenkins (--ci)".to_owned());
        }
        if self.target == TargetChoice::Proxmox && self.registry.is_none() {
            found.push(
                "guests of a Proxmox cluster pull the image from a registry: name one (--registry ghcr.io/OWNER/REPO)"
                    .to_owned(),
            );
        }
        if self.target == TargetChoice::Command && self.registry.is_none() {
            found.push(
                "the host that the script deploys to pulls the image from a registry: name one (--registry \
                 ghcr.io/OWNER/REPO)"
                    .to_owned(),
            );
        }
        if self
            .registry
            .as_ref()
            .is_some_and(|name| name.registry().is_none())
        {
            found.push(
                "the registry has no host: write it in full (ghcr.io/OWNER/REPO), or none for the project's own store"
                    .to_owned(),
            );
        }
        if self.approvals == Approvals::GitHub && !self.ci.contains(&Ci::GitHub) {
            found.push(
                "reviewers in GitHub are asked by GitHub only: choose --approvals ledger, or --ci github as well"
                    .to_owned(),
            );
        }
        if !self.runner().own && (self.registry.is_none() || self.target == TargetChoice::Local) {
            found.push(format!(
                "{} is gone when the job ends, and with it what runs there and the project's own store: name a \
                 runner of your own (--runner LABEL), or choose another target and a registry",
                self.runner().label
            ));
        }
        found
    }

    /// The machine that builds, deploys and verifies: a hosted one where nothing has to stay on it and
    /// nothing private has to be reached, else one of one's own with the label `greenroom`.
    pub fn runner(&self) -> CiRunner {
        let own = self.registry.is_none() || self.target != TargetChoice::Command;
        let usual = || {
            if own {
                RunnerLabel::own()
            } else {
                RunnerLabel::hosted()
            }
        };
        CiRunner::of(self.runner.clone().unwrap_or_else(usual))
    }
}
