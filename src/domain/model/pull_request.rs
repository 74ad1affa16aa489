//! A pull request on the forge.

use super::CommitId;

/// A pull request as it is now, not as the event said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullState {
    /// Whether it is open.
    pub open: bool,
    /// The newest commit of its branch.
    pub head: CommitId,
    /// Id of the repository that the branch is in; `None` when that was deleted.
    pub head_repository: Option<u64>,
    /// Id of the repository that it goes to.
    pub base_repository: Option<u64>,
    /// Its labels.
    pub labels: Vec<String>,
}
