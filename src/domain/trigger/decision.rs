//! The decision and its reason.

use crate::domain::model::{CommitId, EnvironmentName, Version};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Why it was decided so. The words are stable: scripts may compare them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// A push to a branch that deploys.
    Push,
    /// A pull request was merged into a branch that deploys.
    Merged,
    /// A label that deploys was added.
    Label,
    /// A person started the workflow.
    Dispatch,
    /// A person asked on the command line.
    Manual,
    /// There is no event.
    NoEvent,
    /// Events of this kind never deploy.
    UnsupportedEvent,
    /// No rule is about events of this kind.
    NoRule,
    /// The branch deploys nothing.
    OtherBranch,
    /// The push changed no file that matters.
    OtherPaths,
    /// The label deploys nothing.
    OtherLabel,
    /// A tag was pushed; push rules are about branches.
    TagPushed,
    /// The branch was deleted.
    BranchDeleted,
    /// The pull request was closed without being merged.
    ClosedUnmerged,
    /// Refused: the pull request comes from another repository, or from one that was deleted.
    Fork,
    /// Refused: the event does not say enough to deploy the right commit.
    IncompleteEvent,
    /// Refused: an input has no valid value.
    InvalidInput,
    /// Refused: nothing says which environment.
    NoEnvironment,
    /// Refused: there is no such environment, or it may not be deployed to like this.
    UnknownEnvironment,
}

impl ReasonCode {
    /// Whether somebody wanted a deployment and does not get it, as opposed to an event that simply
    /// is not about deploying.
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::Fork
                | Self::IncompleteEvent
                | Self::InvalidInput
                | Self::NoEnvironment
                | Self::UnknownEnvironment
        )
    }
}

/// Whether, where and what to deploy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether to deploy.
    pub should_deploy: bool,
    /// Where to; always there when something is deployed.
    pub environment: Option<EnvironmentName>,
    /// What to deploy, as a branch, tag or commit id. Foreign text. Without it, what is checked out.
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    /// The commit, where the event names it; otherwise [`Decision::git_ref`] is to be resolved.
    pub sha: Option<CommitId>,
    /// The version that a person asked for.
    pub version: Option<Version>,
    /// Whether the checks before the build are skipped.
    pub skip_tests: bool,
    /// The user's own inputs.
    pub inputs: BTreeMap<String, String>,
    /// Why, in one sentence on one line; foreign text in it is quoted and escaped.
    pub reason: String,
    /// Why, as a stable word.
    pub reason_code: ReasonCode,
}

impl Decision {
    pub(super) fn yes(reason_code: ReasonCode, environment: EnvironmentName, why: impl fmt::Display) -> Self {
        Self {
            should_deploy: true,
            reason: format!("{why}, so {environment} gets it"),
            environment: Some(environment),
            ..Self::from(No(reason_code, String::new()))
        }
    }

    pub(super) fn of(self, git_ref: Option<&str>, sha: Option<&CommitId>) -> Self {
        Self {
            git_ref: git_ref.map(str::to_owned),
            sha: sha.cloned(),
            ..self
        }
    }
}

/// The decision of a person at the command line: deploy `git_ref`, or what is checked out.
pub fn manual(environment: EnvironmentName, git_ref: Option<&str>) -> Decision {
    Decision {
        reason: format!("{environment} was named on the command line"),
        ..Decision::yes(ReasonCode::Manual, environment, "").of(git_ref, None)
    }
}

/// Nothing is deployed, and why.
pub(super) struct No(pub(super) ReasonCode, pub(super) String);

impl From<No> for Decision {
    fn from(No(reason_code, reason): No) -> Self {
        Self {
            should_deploy: false,
            environment: None,
            git_ref: None,
            sha: None,
            version: None,
            skip_tests: false,
            inputs: BTreeMap::new(),
            reason,
            reason_code,
        }
    }
}
