//! The project's git repository.

use crate::domain::model::{Ancestry, CommitId, PortError, Timestamp};

/// Facts from the project's git repository.
pub trait Repository: Send + Sync {
    /// The commit that is checked out; `None` outside a repository or before the first commit.
    fn head(&self) -> Result<Option<CommitId>, PortError>;
    /// The commit that a branch, tag or id names.
    fn resolve(&self, reference: &str) -> Result<Option<CommitId>, PortError>;
    /// Whether `older` comes before `newer`. `Missing` when a commit is not in the repository and the
    /// clone is complete.
    fn ancestry(&self, older: &CommitId, newer: &CommitId) -> Result<Ancestry, PortError>;
    /// Tags that point at `commit`, sorted.
    fn tags_at(&self, commit: &CommitId) -> Result<Vec<String>, PortError>;
    /// When `commit` was made.
    fn committed_at(&self, commit: &CommitId) -> Result<Timestamp, PortError>;
}
