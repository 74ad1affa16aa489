//! Which earlier release a rollback brings back.

use super::timeline::DeploymentEntry;
use crate::domain::model::{Release, Version};
use crate::domain::rollout::Kind;
use std::collections::BTreeSet;
use thiserror::Error;

/// Which release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// What was live before the release that is live now.
    Previous,
    /// The newest that was live and that nobody rolled back from.
    Stable,
    /// The newest that was live with this version.
    Version(Version),
}

/// There is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("choosing the release to go back to: {reason}; {}", list(.available))]
pub struct NoSuchRelease {
    /// What is missing.
    pub reason: String,
    /// Versions that could be chosen, newest first.
    pub available: Vec<Version>,
}

fn list(available: &[Version]) -> String {
    if available.is_empty() {
        return "nothing else was ever live here".to_owned();
    }
    let names: Vec<&str> = available.iter().take(10).map(Version::as_str).collect();
    format!("available, newest first: {}", names.join(", "))
}

/// The release that `selector` names in `deployments`, oldest first.
///
/// # Errors
/// When there is none; says which versions there are.
pub fn find_release(deployments: &[DeploymentEntry], selector: &Selector) -> Result<Release, NoSuchRelease> {
    let mut was_live: Vec<&DeploymentEntry> = deployments.iter().filter(|d| d.live_since.is_some()).collect();
    was_live.reverse();
    let live = was_live.first().map(|deployment| &deployment.plan.candidate);
    let earlier = || {
        was_live
            .iter()
            .map(|deployment| &deployment.plan.candidate)
            .filter(|release| Some(*release) != live)
    };
    let found = match selector {
        Selector::Previous => earlier().next(),
        Selector::Stable => {
            let left = rolled_back_from(&was_live);
            earlier().find(|release| !left.contains(release.id().as_str()))
        }
        Selector::Version(version) => earlier().find(|release| release.version == *version),
    };
    found.cloned().ok_or_else(|| {
        let mut seen = BTreeSet::new();
        NoSuchRelease {
            reason: reason(selector, live),
            available: earlier()
                .map(|release| release.version.clone())
                .filter(|version| seen.insert(version.clone()))
                .collect(),
        }
    })
}

/// Releases that a person went back from, by id.
fn rolled_back_from(was_live: &[&DeploymentEntry]) -> BTreeSet<String> {
    was_live
        .iter()
        .filter(|deployment| deployment.plan.kind == Kind::Rollback)
        .filter_map(|deployment| deployment.plan.previous.as_ref())
        .map(|release| release.id().to_string())
        .collect()
}

fn reason(selector: &Selector, live: Option<&Release>) -> String {
    match selector {
        Selector::Version(version) if live.is_some_and(|live| live.version == *version) => {
            format!("{version} is live already")
        }
        Selector::Version(version) => format!("{version} was never live here"),
        Selector::Previous => "nothing was live before the present release".to_owned(),
        Selector::Stable => "there is no earlier release that was not rolled back from".to_owned(),
    }
}
