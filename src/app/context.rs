//! What a command knows of the machine and of the person who called it.

use crate::host::environment::Environment;
use crate::model::{Actor, CommitId, DeploymentId, Origin, Timestamp};
use crate::ports::{Clock, ErrorKind, PortError};
use std::path::PathBuf;
use std::sync::Arc;

/// Captured once, at the start of the process.
#[derive(Clone)]
pub struct Context {
    /// Variables, working directory, terminals.
    pub environment: Environment,
    /// Time, and the signals that end a wait.
    pub clock: Arc<dyn Clock>,
    /// The greenroom executable, which the router is started from.
    pub binary: PathBuf,
}

impl Context {
    /// Who asked and from where, with the reason that is given.
    pub fn origin(&self, reason: impl Into<String>, commit: Option<CommitId>) -> Origin {
        Origin {
            actor: self.actor(),
            reason: reason.into(),
            run: self.environment.run_url(),
            commit,
        }
    }

    /// Who asked.
    pub fn actor(&self) -> Actor {
        self.environment.actor()
    }

    /// A fresh deployment id: the time, so that ids sort, and eight random digits.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn deployment_id(&self, at: Timestamp) -> Result<DeploymentId, PortError> {
        let failed = |cause: String| PortError::new(ErrorKind::Transient, "naming the deployment", cause);
        let random = crate::host::random::hex(4).map_err(|error| failed(error.to_string()))?;
        format!("{}-{random}", at.compact())
            .parse()
            .map_err(|error| failed(format!("{error}")))
    }
}
