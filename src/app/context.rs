//! What a command knows of the machine and of the person who called it.

use super::connections::{Connections, Run};
use crate::domain::model::{
    Actor, CommitId, DeploymentId, ErrorKind, Explanation, InvalidText, Origin, PortError, Timestamp,
};
use crate::host::environment::ProcessEnvironment;
use crate::ports::Clock;
use std::path::PathBuf;
use std::sync::Arc;

/// Captured once, at the start of the process.
#[derive(Clone)]
pub struct Context {
    /// Variables, working directory, terminals.
    pub environment: ProcessEnvironment,
    /// Time, and the signals that end a wait.
    pub clock: Arc<dyn Clock>,
    /// The greenroom executable, which the router is started from.
    pub binary: PathBuf,
    connections: Arc<Connections>,
}

impl Context {
    /// Returns what is known at the start of the process: its `environment`, its `clock`, and the path of the
    /// executable.
    pub fn new(environment: ProcessEnvironment, clock: Arc<dyn Clock>, binary: PathBuf) -> Self {
        Self {
            environment,
            clock,
            binary,
            connections: Arc::default(),
        }
    }

    /// Returns the connections to the forge, for its repository and for its packages alike.
    pub(super) fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Returns what a connection is made from.
    pub(super) fn run(&self) -> Run<'_> {
        Run {
            environment: &self.environment,
            clock: &self.clock,
        }
    }

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
        let failed = |why: Explanation| PortError::new(ErrorKind::Transient, "naming the deployment", why);
        let random = crate::host::random::hex(4).map_err(|error| failed((&error).into()))?;
        format!("{}-{random}", at.compact())
            .parse()
            .map_err(|error: InvalidText| failed((&error).into()))
    }
}
