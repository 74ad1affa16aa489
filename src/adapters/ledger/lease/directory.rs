//! The lease's port in a directory: one file per acquisition, and the newest decides.

use super::super::directory::file_name;
use super::super::failure::failure;
use super::entry::{Entry, Place, State};
use crate::domain::model::{
    EnvironmentName, ErrorKind, Explanation, Held, Holder, Period, PortError, Tenure,
};
use crate::host::{files, random};
use crate::ports::{Clock, Lease};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest lease file that is read, in bytes.
pub(in crate::adapters::ledger) const LARGEST: u64 = 64 * 1024;

/// A lease of plain files. A holder that dies on this machine is noticed at once, on another
/// machine when the lease expires.
pub struct DirectoryLease {
    locks: PathBuf,
    clock: Arc<dyn Clock>,
}

impl DirectoryLease {
    /// The leases in `root`, the directory of the ledger; created with the first acquisition.
    pub fn open(root: &Path, clock: Arc<dyn Clock>) -> Self {
        Self {
            locks: root.join(".locks"),
            clock,
        }
    }

    fn directory(&self, environment: &EnvironmentName) -> PathBuf {
        self.locks.join(environment.as_str())
    }

    /// Every epoch, ascending.
    fn epochs(&self, environment: &EnvironmentName) -> Result<Vec<u64>, PortError> {
        let directory = self.directory(environment);
        let listing = |error: io::Error| failure("looking for the lease", &directory, &error);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(listing(error)),
        };
        let mut epochs = Vec::new();
        for entry in entries {
            let name = entry.map_err(listing)?.file_name();
            epochs.extend(
                name.to_str()
                    .and_then(|name| name.strip_suffix(".json")?.parse::<u64>().ok()),
            );
        }
        epochs.sort_unstable();
        Ok(epochs)
    }

    /// The acquisition with this epoch; `None` when it is gone or its file was emptied, which is how
    /// a person frees a damaged lease without losing its epoch.
    fn entry(&self, environment: &EnvironmentName, epoch: u64) -> Result<Option<Entry>, PortError> {
        let doing = format!("reading the lease of {environment}");
        let path = self.path(environment, epoch);
        let bytes = match files::read_bounded(&path, LARGEST) {
            Ok(bytes) if bytes.is_empty() => return Ok(None),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failure(&doing, &path, &error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            PortError::new(
                ErrorKind::Invalid,
                doing,
                format!("{} is damaged", path.display()),
            )
            .because(&error)
            .fix("when no rollout is running, empty the file")
        })
    }

    /// The newest epoch, and its acquisition where there is one.
    fn newest(&self, environment: &EnvironmentName) -> Result<(u64, Option<Entry>), PortError> {
        let newest = self.epochs(environment)?.last().copied().unwrap_or(0);
        Ok((newest, self.entry(environment, newest)?))
    }

    fn path(&self, environment: &EnvironmentName, epoch: u64) -> PathBuf {
        self.directory(environment).join(file_name(epoch))
    }

    fn replace(&self, environment: &EnvironmentName, entry: &Entry) -> Result<(), PortError> {
        let path = self.path(environment, entry.epoch);
        let doing = format!("writing the lease of {environment}");
        let bytes = encode(&doing, entry)?;
        files::replace(&path, &bytes, files::PUBLIC).map_err(|error| failure(&doing, &path, &error))
    }

    /// The acquisition that `held` stands for, while it is the newest and was not given back.
    fn own(&self, environment: &EnvironmentName, held: &Held) -> Result<Option<Entry>, PortError> {
        let (_, entry) = self.newest(environment)?;
        Ok(entry.filter(|entry| {
            entry.epoch == held.epoch && entry.nonce == held.nonce && entry.state == State::Held
        }))
    }

    /// Creates the file of a new epoch; of several that try exactly one succeeds.
    fn create(&self, environment: &EnvironmentName, entry: &Entry) -> Result<(), PortError> {
        let doing = format!("acquiring the lease of {environment}");
        let path = self.path(environment, entry.epoch);
        let bytes = encode(&doing, entry)?;
        let directory = self.directory(environment);
        fs::create_dir_all(&directory).map_err(|error| failure(&doing, &directory, &error))?;
        let Err(error) = files::create_new(&path, &bytes, files::PUBLIC) else {
            return Ok(());
        };
        match self.entry(environment, entry.epoch)? {
            Some(there) if there.nonce == entry.nonce => Ok(()),
            Some(there) => Err(PortError::new(ErrorKind::Conflict, doing, there.refusal())),
            None if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(PortError::new(ErrorKind::Transient, doing, &error))
            }
            None => Err(failure(&doing, &path, &error)),
        }
    }

    /// Whether the new acquisition `mine`, taken over from `before`, stands. Looks only after writing.
    fn stands(&self, environment: &EnvironmentName, mine: &Entry, before: u64) -> Result<bool, PortError> {
        let epochs = self.epochs(environment)?;
        let overtaken = epochs.last().is_some_and(|newest| *newest > mine.epoch);
        let renewed = self
            .entry(environment, before)?
            .is_some_and(|entry| entry.is_in_force(&mine.place, mine.acquired));
        if overtaken || renewed {
            return Ok(false);
        }
        for old in epochs.into_iter().filter(|epoch| *epoch < mine.epoch) {
            // Litter only: the newest decides.
            let _ = fs::remove_file(self.path(environment, old));
        }
        Ok(true)
    }
}

impl Lease for DirectoryLease {
    fn acquire(
        &self,
        environment: &EnvironmentName,
        holder: &Holder,
        ttl: Period,
    ) -> Result<Held, PortError> {
        let doing = format!("acquiring the lease of {environment}");
        let busy = |cause: Explanation| PortError::new(ErrorKind::Conflict, doing.as_str(), cause);
        let local = |error: io::Error| failure(&doing, &self.locks, &error);
        let place = Place::current().map_err(local)?;
        let now = self.clock.now();
        let (before, found) = self.newest(environment)?;
        if let Some(entry) = found.filter(|entry| entry.is_in_force(&place, now)) {
            return Err(busy(entry.refusal()));
        }
        let mut mine = Entry {
            v: 1,
            epoch: before + 1,
            state: State::Held,
            nonce: random::hex(16).map_err(local)?,
            holder: holder.clone(),
            acquired: now,
            expires: now.plus(ttl),
            place,
        };
        self.create(environment, &mine)?;
        if self.stands(environment, &mine, before)? {
            return Ok(as_held(&mine));
        }
        mine.state = State::Free;
        self.replace(environment, &mine)?;
        Err(busy("another took or renewed it at the same moment".into()))
    }

    fn renew(&self, environment: &EnvironmentName, held: &Held, ttl: Period) -> Result<Held, PortError> {
        let lost = || {
            PortError::new(
                ErrorKind::Conflict,
                format!("renewing the lease of {environment}"),
                format!("it was lost: epoch {} is no longer the one in force", held.epoch),
            )
        };
        let mut entry = self.own(environment, held)?.ok_or_else(lost)?;
        entry.expires = self.clock.now().plus(ttl);
        self.replace(environment, &entry)?;
        let newest = self.epochs(environment)?.last().copied();
        if newest == Some(held.epoch) {
            Ok(as_held(&entry))
        } else {
            Err(lost())
        }
    }

    fn release(&self, environment: &EnvironmentName, held: &Held) -> Result<(), PortError> {
        let Some(mut entry) = self.own(environment, held)? else {
            return Ok(());
        };
        entry.state = State::Free;
        self.replace(environment, &entry)
    }

    fn holder(&self, environment: &EnvironmentName) -> Result<Option<Tenure>, PortError> {
        let place = Place::current().map_err(|error| {
            failure(
                &format!("reading the lease of {environment}"),
                &self.locks,
                &error,
            )
        })?;
        let (_, entry) = self.newest(environment)?;
        let now = self.clock.now();
        Ok(entry
            .filter(|entry| entry.is_in_force(&place, now))
            .map(|entry| entry.tenure()))
    }
}

/// What its holder gets.
pub(in crate::adapters::ledger) fn as_held(entry: &Entry) -> Held {
    Held {
        epoch: entry.epoch,
        nonce: entry.nonce.clone(),
        expires: entry.expires,
    }
}

/// The bytes that are stored.
pub(in crate::adapters::ledger) fn encode(doing: &str, entry: &Entry) -> Result<Vec<u8>, PortError> {
    serde_json::to_vec_pretty(entry).map_err(|error| PortError::new(ErrorKind::Invalid, doing, &error))
}
