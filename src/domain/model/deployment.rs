//! Deployments: who started one, and from where.

use super::text::{is_name, text_noun};
use super::{CommitId, Strategy};
use serde::{Deserialize, Serialize};

text_noun!(
    /// The id of one deployment: sortable by time, unique, safe as a path segment
    /// (`20261120-235019-1f0c9a2e`).
    DeploymentId,
    "a deployment id (1 to 63 letters, digits and '-')",
    |text| is_name(text, 63, "-")
);

/// Who asked for a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// A login or user name.
    pub name: String,
    /// What vouches for the name: `github`, `gitlab`, `jenkins`, or `local` for the operating system.
    pub via: String,
}

/// From where a deployment was started: enough to find the run and the change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Who asked.
    pub actor: Actor,
    /// Why, in one sentence.
    pub reason: String,
    /// Web address of the CI run, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The commit that is deployed, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
}

/// How one deployment is done, where that is not left to the configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DeployOptions {
    /// Another strategy than the configured one.
    pub strategy: Option<Strategy>,
    /// Deploy a commit older than the live one.
    pub allow_stale: bool,
    /// Pass over the checks before the build; the record and every report say so.
    pub skip_tests: bool,
    /// Deploy even what is live already.
    pub force: bool,
}
