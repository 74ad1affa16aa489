//! The options that choices are made with, here and in `render`.

use crate::app::AppError;
use crate::app::init::ProjectSurroundings;
use crate::domain::model::{Explanation, RepositoryName};
use crate::scaffold::{
    ActionPin, Approvals, Choices, Ci, Ecosystem, Jobs, RunnerLabel, Scanner, ServiceName, Setting,
    TargetChoice, TriggerKind,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The registry that is none, or one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct RegistryChoice(pub(in crate::cli) Option<RepositoryName>);

impl std::str::FromStr for RegistryChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self(None));
        }
        let name: RepositoryName = text.parse().map_err(|error| format!("{error}"))?;
        Ok(Self(Some(name)))
    }
}

/// The options that choices are made with. What is not given is asked for, or has a default.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct ChoiceArgs {
    /// Name of the service; after the directory where none is given
    #[arg(long, value_name = "NAME")]
    pub(super) service: Option<ServiceName>,
    /// What starts a deployment to staging: push (A), dispatch (B), label (C); default push and dispatch
    #[arg(long = "trigger", value_name = "TRIGGER", value_delimiter = ',')]
    pub(super) triggers: Vec<TriggerKind>,
    /// Where it runs: local (default), command, proxmox
    #[arg(long, value_name = "TARGET")]
    pub(super) target: Option<TargetChoice>,
    /// Where its images are: ghcr.io/OWNER/REPO, or none for the project's own store (default)
    #[arg(long, value_name = "REPOSITORY")]
    pub(super) registry: Option<RegistryChoice>,
    /// What it is written in: python, node, rust, go, static; found by its files
    #[arg(long, value_name = "ECOSYSTEM")]
    pub(super) ecosystem: Option<Ecosystem>,
    /// Who is asked before production: none (default), github (reviewers), ledger (greenroom approve)
    #[arg(long, value_name = "WHO")]
    pub(super) approvals: Option<Approvals>,
    /// How workflows are cut: one job (default), or split into a job for each part
    #[arg(long, value_name = "CUT")]
    pub(super) jobs: Option<Jobs>,
    /// The systems to write for: github (default), gitlab, jenkins
    #[arg(long = "ci", value_name = "CI", value_delimiter = ',')]
    pub(super) ci: Vec<Ci>,
    /// What scans images: trivy, none; default trivy where there is a registry
    #[arg(long, value_name = "SCANNER")]
    pub(super) scanner: Option<Scanner>,
    /// The machine that builds and deploys; default ubuntu-24.04, or your own `greenroom` where one is needed
    #[arg(long, value_name = "LABEL")]
    pub(super) runner: Option<RunnerLabel>,
    /// greenroom's action, by its commit
    #[arg(long, value_name = "OWNER/REPO@COMMIT#VERSION")]
    pub(super) action: Option<ActionPin>,
    /// Your own templates, by the names of `render --list`; default greenroom-templates, where it is there
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) templates: Option<PathBuf>,
    /// A value for your own templates, which read it as << set.KEY >>; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) settings: Vec<Setting>,
}

impl ChoiceArgs {
    /// What was chosen, with defaults for the rest.
    ///
    /// # Errors
    /// When nothing says what the service is written in.
    pub(in crate::cli) fn choices(&self, surroundings: &ProjectSurroundings) -> Result<Choices, AppError> {
        let found = surroundings.ecosystem.map(|(ecosystem, _)| ecosystem);
        let Some(ecosystem) = self.ecosystem.or(found) else {
            let known: Vec<_> = Ecosystem::ALL.iter().map(|one| one.as_str()).collect();
            return Err(AppError::usage(
                Explanation::new("no file here says what the service is written in")
                    .fix(format!("name it with --ecosystem {}", known.join("|"))),
            ));
        };
        let registry = self.registry.as_ref().and_then(|choice| choice.0.clone());
        let usual_scanner = if registry.is_some() {
            Scanner::Trivy
        } else {
            Scanner::None
        };
        Ok(Choices {
            service: self.service.clone().unwrap_or_else(|| surroundings.name.clone()),
            triggers: or_default(&self.triggers, &[TriggerKind::Push, TriggerKind::Dispatch]),
            target: self.target.unwrap_or(TargetChoice::Local),
            registry,
            ecosystem,
            approvals: self.approvals.unwrap_or(Approvals::None),
            jobs: self.jobs.unwrap_or(Jobs::One),
            ci: or_default(&self.ci, &[Ci::GitHub]),
            scanner: self.scanner.unwrap_or(usual_scanner),
            runner: self.runner.clone(),
            action: self.action.clone().unwrap_or_default(),
            ledger: surroundings.ledger.clone(),
            begins: surroundings.begins(ecosystem),
            settings: by_name(&self.settings)?,
        })
    }
}

/// The values by their names.
///
/// # Errors
/// When one is given twice: nothing says which is meant.
fn by_name(settings: &[Setting]) -> Result<BTreeMap<String, String>, AppError> {
    let mut all = BTreeMap::new();
    for Setting { key, value } in settings {
        if all.insert(key.clone(), value.clone()).is_some() {
            return Err(AppError::usage(
                Explanation::new(format!("--set {key}=… is given twice")).fix("leave one out"),
            ));
        }
    }
    Ok(all)
}

fn or_default<T: Copy + Ord>(given: &[T], usual: &[T]) -> std::collections::BTreeSet<T> {
    let chosen = if given.is_empty() { usual } else { given };
    chosen.iter().copied().collect()
}
