//! Where the project's record is kept: a directory, or a branch of its git repository.

use super::{STATE, Workspace};
use crate::adapters::ledger::{
    DirectoryLease, DirectoryLedger, GitBranch, GitLease, GitLedger, RawLedger, usual_branch,
};
use crate::app::error::AppError;
use crate::config::project::LedgerConfig;
use crate::config::unsupported::Part;
use crate::domain::model::{ErrorKind, Period, PortError};
use crate::host::git::Store;
use crate::ports::{Lease, Ledger};
use std::path::PathBuf;
use std::sync::Arc;

/// Where the record is.
pub enum RecordLocation {
    /// Files in a directory.
    Directory(PathBuf),
    /// A branch, and the ledger on it.
    Branch(Arc<GitBranch>, Arc<GitLedger>),
}

impl RecordLocation {
    fn branch(branch: Arc<GitBranch>) -> Self {
        let ledger = Arc::new(GitLedger::open(Arc::clone(&branch)));
        Self::Branch(branch, ledger)
    }
}

impl Workspace {
    /// The ledger.
    ///
    /// # Errors
    /// When the configured kind of ledger is not available in this version, or there is no repository for
    /// its branch.
    pub fn ledger(&self) -> Result<Arc<dyn Ledger>, AppError> {
        Ok(match self.record()? {
            RecordLocation::Directory(directory) => Arc::new(DirectoryLedger::open(directory.clone())),
            RecordLocation::Branch(_, ledger) => Arc::clone(ledger) as _,
        })
    }

    /// The same, for those who check its very bytes.
    ///
    /// # Errors
    /// As [`Workspace::ledger`].
    pub fn raw_ledger(&self) -> Result<Arc<dyn RawLedger>, AppError> {
        Ok(match self.record()? {
            RecordLocation::Directory(directory) => Arc::new(DirectoryLedger::open(directory.clone())),
            RecordLocation::Branch(_, ledger) => Arc::clone(ledger) as _,
        })
    }

    /// The leases that keep rollouts of one environment apart.
    ///
    /// # Errors
    /// As [`Workspace::ledger`].
    pub fn lease(&self) -> Result<Arc<dyn Lease>, AppError> {
        let clock = Arc::clone(&self.context.clock);
        Ok(match self.record()? {
            RecordLocation::Directory(directory) => Arc::new(DirectoryLease::open(directory, clock)),
            RecordLocation::Branch(branch, _) => Arc::new(GitLease::open(Arc::clone(branch), clock)),
        })
    }

    /// For how long a lease is taken. It is renewed at every quarter of it, which over a network is a push
    /// each; whoever died elsewhere keeps others waiting for as long.
    ///
    /// # Errors
    /// As [`Workspace::ledger`].
    pub fn lease_period(&self) -> Result<Period, AppError> {
        Ok(match self.record()? {
            RecordLocation::Directory(_) => Period::from_secs(30),
            RecordLocation::Branch(..) => Period::from_secs(120),
        })
    }

    /// Where the record is kept.
    ///
    /// # Errors
    /// As [`Workspace::ledger`].
    pub fn record(&self) -> Result<&RecordLocation, AppError> {
        if let Some(place) = self.record.get() {
            return Ok(place);
        }
        let place = match &self.project.ledger {
            LedgerConfig::Automatic => self.automatic()?,
            LedgerConfig::Directory(directory) => RecordLocation::Directory(self.root.join(directory)),
            LedgerConfig::GitBranch(branch) => {
                let store = Store::open(&self.root, &self.context.environment)?;
                RecordLocation::branch(Arc::new(GitBranch::new(store, branch.clone())))
            }
            LedgerConfig::ObjectStore(_) => {
                return Err(self.refuse(&[Part::Ledger], &self.project.unsupported));
            }
        };
        Ok(self.record.get_or_init(|| place))
    }

    /// The same for people: `the directory .greenroom/ledger`, `branch greenroom-ledger of origin`.
    ///
    /// # Errors
    /// As [`Workspace::ledger`].
    pub fn record_place(&self) -> Result<String, AppError> {
        Ok(match self.record()? {
            RecordLocation::Directory(directory) => {
                let shown = directory.strip_prefix(&self.root).unwrap_or(directory);
                format!("the directory {}", shown.display())
            }
            RecordLocation::Branch(branch, _) => branch.place(),
        })
    }

    /// A branch of the repository, where it has a remote: in CI, where disks do not last, and elsewhere when
    /// the clone knows that CI has one there. A ledger that is in the directory already stays there: no
    /// history is split in two.
    fn automatic(&self) -> Result<RecordLocation, AppError> {
        let directory = self.root.join(STATE).join("ledger");
        if directory.exists() {
            return Ok(RecordLocation::Directory(directory));
        }
        let ci = self.context.environment.is_ci();
        match self.branch_of_repository(ci) {
            Ok(Some(place)) => Ok(place),
            // There is no git here, or no repository.
            Err(error) if error.kind == ErrorKind::Missing => Ok(RecordLocation::Directory(directory)),
            // A repository that git does not trust has a remote all the same: the record of a job would be
            // lost on its disk.
            Err(error) if ci => Err(error.into()),
            Ok(None) | Err(_) => Ok(RecordLocation::Directory(directory)),
        }
    }

    /// The usual branch on the remote, if there is one: `begin` it, or only where the clone has seen it there.
    fn branch_of_repository(&self, begin: bool) -> Result<Option<RecordLocation>, PortError> {
        let store = Store::open(&self.root, &self.context.environment)?;
        if store.remote().is_none() {
            return Ok(None);
        }
        let branch = usual_branch(&store.prefix()?);
        let branch = Arc::new(GitBranch::new(store, branch));
        let is_there = begin || branch.is_known()?;
        Ok(is_there.then(|| RecordLocation::branch(branch)))
    }
}
