//! A repository, and who speaks to it.

use super::connection::Connection;
use super::talk::Talk;
use crate::domain::model::PortError;
use crate::host::github::GitHubRepository;
use std::sync::Arc;

/// A repository on GitHub, or on a GitHub Enterprise server.
pub struct GitHub {
    pub(super) connection: Arc<Connection>,
    pub(super) repository: GitHubRepository,
    pub(super) name: String,
}

impl GitHub {
    /// The repository `owner/name`.
    ///
    /// # Errors
    /// As [`GitHubRepository::new`].
    pub fn new(connection: Arc<Connection>, repository: &str) -> Result<Self, PortError> {
        Ok(Self {
            repository: GitHubRepository::new(repository)?,
            name: format!("{} {repository}", connection.host()),
            connection,
        })
    }

    /// Begins a verb: what is done, without where.
    pub(super) fn talk(&self, doing: &str) -> Talk<'_> {
        let doing = format!("{doing} on {}", self.name);
        Talk::new(&self.connection, Some(&self.repository), doing)
    }

    /// Whose repository it is.
    pub(super) fn owner(&self) -> &str {
        self.repository.name().split('/').next().unwrap_or_default()
    }
}
