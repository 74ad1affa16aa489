//! What the ledgers of all environments need. What they do not say for certain counts as not known.

use crate::app::audit;
use crate::app::error::AppError;
use crate::app::record;
use crate::app::workspace::Workspace;
use crate::config::unsupported::Part;
use crate::domain::history;
use crate::domain::history::{DeploymentEntry, Selector};
use crate::domain::model::{Digest, EnvironmentName, Explanation, Record, Release};
use crate::domain::retention::Needed;
use crate::ports::Ledger;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// References of a record, and what the release is that they lead to.
const REFERENCES: [(&str, &str); 3] = [
    ("live", "live in"),
    ("previous", "live before in"),
    ("open", "being rolled out to"),
];

/// The newest record of each environment.
type Heads = BTreeMap<EnvironmentName, Option<Digest>>;

/// What the environments need, read anew only when a ledger has changed.
pub(super) struct Ledgers<'a> {
    workspace: &'a Workspace,
    ledger: Arc<dyn Ledger>,
    /// The chain of the prunes themselves.
    own: EnvironmentName,
    known: Mutex<(Heads, Vec<Needed>)>,
}

impl<'a> Ledgers<'a> {
    /// Reads the ledgers of all environments.
    ///
    /// # Errors
    /// When one cannot be read, is broken, or is of a kind that this version cannot read.
    pub(super) fn read(workspace: &'a Workspace, own: EnvironmentName) -> Result<Self, AppError> {
        let ledger = workspace.ledger()?;
        for environment in workspace.project.environments.values() {
            workspace.require(&[Part::Ledger], Some(environment))?;
        }
        let ledgers = Self {
            workspace,
            ledger,
            own,
            known: Mutex::default(),
        };
        ledgers.needed()?;
        Ok(ledgers)
    }

    /// Whether anything was ever recorded of any environment.
    pub(super) fn is_empty(&self) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.0.values().all(Option::is_none)
    }

    /// What the environments need now.
    ///
    /// # Errors
    /// As [`Ledgers::read`].
    pub(super) fn needed(&self) -> Result<Vec<Needed>, AppError> {
        let heads = self.heads()?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != heads {
            let mut needed = Vec::new();
            for environment in heads.keys() {
                self.of(environment, &mut needed)?;
            }
            *known = (heads, needed);
        }
        Ok(known.1.clone())
    }

    fn heads(&self) -> Result<Heads, AppError> {
        let mut heads = Heads::new();
        let recorded = self.ledger.environments()?.into_iter();
        for environment in recorded.chain(self.workspace.project.environments.keys().cloned()) {
            if environment != self.own && !heads.contains_key(&environment) {
                let head = self.ledger.head(&environment)?;
                heads.insert(environment, head.map(|head| head.hash));
            }
        }
        Ok(heads)
    }

    fn of(&self, environment: &EnvironmentName, needed: &mut Vec<Needed>) -> Result<(), AppError> {
        let (audit, _) = audit::audit(self.workspace, environment, None)?;
        if let Some(finding) = audit.findings.first() {
            return Err(AppError::record(
                Explanation::new(format!("the ledger of {environment} is not whole ({finding})"))
                    .fix(format!("see `greenroom audit verify {environment}`")),
            ));
        }
        let records = record::all(self.ledger.as_ref(), environment)?;
        let timeline = history::timeline(&records);
        if let Some(unreadable) = timeline.unreadable.first() {
            return Err(AppError::record(format!(
                "the ledger of {environment}: {unreadable}"
            )));
        }
        let Some(head) = records.last() else {
            return Ok(());
        };
        // An acceptance deployment of which nothing is left needs nothing, and never goes back.
        if head.kind == history::ACCEPTANCE && history::made_at(head).is_none() {
            return Ok(());
        }
        let mut need = |release: &Release, why: &str| {
            let digest = release.artifact.as_ref().map(|artifact| artifact.digest.clone());
            needed.extend(digest.map(|digest| Needed {
                digest,
                why: format!("{why} {environment}"),
            }));
        };
        for (deployment, why) in referenced(head, &timeline.deployments, environment)? {
            need(&deployment.plan.candidate, why);
            if let Some(previous) = &deployment.plan.previous {
                need(previous, "what a rollback brings back in");
            }
        }
        for (selector, why) in [
            (Selector::Previous, "the previous release of"),
            (Selector::Stable, "the last stable release of"),
        ] {
            // There need be none.
            if let Ok(release) = history::find_release(&timeline.deployments, &selector) {
                need(&release, why);
            }
        }
        Ok(())
    }
}

/// The deployments that the newest record leads to, and what for.
fn referenced<'a>(
    head: &Record,
    deployments: &'a [DeploymentEntry],
    environment: &EnvironmentName,
) -> Result<Vec<(&'a DeploymentEntry, &'static str)>, AppError> {
    let mut found = Vec::new();
    for (name, why) in REFERENCES {
        let Some(seq) = head.refs.get(name) else { continue };
        let deployment = deployments
            .iter()
            .find(|deployment| deployment.planned == *seq)
            .ok_or_else(|| {
                AppError::record(format!(
                    "record {} of {environment} names record {seq} as `{name}`, which holds no plan",
                    head.seq
                ))
            })?;
        found.push((deployment, why));
    }
    Ok(found)
}
