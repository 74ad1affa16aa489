//! What a command target remembers of one unit, since commands alone cannot tell.

use crate::domain::model::{Release, ReleaseId, Timestamp, UnitId};
use crate::host::{files, volatile};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const LARGEST: u64 = 1 << 20;

/// A release that was deployed, as far as a command or a message needs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deployed {
    pub(super) release: ReleaseId,
    pub(super) version: String,
    /// The image with its digest; empty where there is none.
    pub(super) image: String,
    /// Its digest alone; empty where there is none.
    pub(super) digest: String,
    pub(super) at: Timestamp,
}

impl Deployed {
    pub(super) fn new(release: &Release, at: Timestamp) -> Self {
        let artifact = release.artifact.as_ref();
        Self {
            release: release.id(),
            version: release.version.to_string(),
            image: artifact.map(ToString::to_string).unwrap_or_default(),
            digest: artifact.map(|a| a.digest.to_string()).unwrap_or_default(),
            at,
        }
    }

    /// Whether a status that prints `line` speaks of this release.
    pub(super) fn is_called(&self, line: &str) -> bool {
        line == self.release.as_str()
            || line == self.version
            || (!line.is_empty() && (line == self.digest || line == self.image))
    }
}

/// What is known of a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What was deployed last with success.
    pub(super) current: Option<Deployed>,
    /// What was there before it.
    pub(super) before: Option<Deployed>,
    /// What is being deployed, or failed to be: kept in a file of its own, which is written before the
    /// command runs and removed after it succeeded.
    #[serde(skip)]
    pub(super) attempted: Option<Deployed>,
    /// The first line that `status` printed after the last deployment.
    pub(super) printed: Option<String>,
}

/// The files of one unit.
pub(super) struct UnitFiles {
    record: PathBuf,
    attempt: PathBuf,
    log: PathBuf,
}

impl UnitFiles {
    pub(super) fn new(state: &Path, unit: &UnitId) -> Self {
        Self {
            record: state.join(format!("{unit}.json")),
            attempt: state.join(format!("{unit}.attempt")),
            log: state.join(format!("{unit}.log")),
        }
    }

    /// The record, if greenroom ever deployed to this unit, or began to.
    pub(super) fn read(&self) -> io::Result<Option<Record>> {
        let record: Option<Record> = match read(&self.record)? {
            Some(bytes) => Some(serde_json::from_slice(&bytes)?),
            None => None,
        };
        let attempted: Option<Deployed> = match read(&self.attempt)? {
            Some(bytes) if !volatile::is_lost(&bytes) => Some(serde_json::from_slice(&bytes)?),
            Some(_) => return Ok(Some(record.unwrap_or_default())),
            None => return Ok(record),
        };
        let mut record = record.unwrap_or_default();
        // It succeeded where only the file is left.
        record.attempted = attempted.filter(|attempted| record.current.as_ref() != Some(attempted));
        Ok(Some(record))
    }

    /// Notes what is attempted. Nothing waits for the disk: the ledger knows of it too.
    pub(super) fn begin(&self, attempted: &Deployed) -> io::Result<()> {
        self.prepare()?;
        volatile::replace(&self.attempt, &serde_json::to_vec(attempted)?)
    }

    /// Makes the record stand; nothing is attempted any more.
    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        self.prepare()?;
        files::replace(&self.record, &serde_json::to_vec_pretty(record)?, files::PRIVATE)?;
        remove(&self.attempt)
    }

    pub(super) fn clear(&self) -> io::Result<()> {
        remove(&self.attempt)?;
        remove(&self.record)
    }

    fn prepare(&self) -> io::Result<()> {
        self.record.parent().map_or(Ok(()), fs::create_dir_all)
    }

    /// Keeps what the last command wrote, with its secrets taken out.
    pub(super) fn write_log(&self, text: &str) -> io::Result<()> {
        self.prepare()?;
        volatile::replace(&self.log, text.as_bytes())
    }

    pub(super) fn read_log(&self) -> io::Result<String> {
        let bytes = read(&self.log)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match files::read_bounded(path, LARGEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_known_until_the_record_stands() {
        let state = tempfile::tempdir().unwrap();
        let unit = UnitFiles::new(state.path(), &"host-1".parse().unwrap());
        let deployed = Deployed {
            release: "0123456789abcdef".parse().unwrap(),
            version: "1".into(),
            image: String::new(),
            digest: String::new(),
            at: Timestamp::from_unix_millis(0),
        };
        assert_eq!(unit.read().unwrap(), None);
        unit.begin(&deployed).unwrap();
        let mut record = unit.read().unwrap().unwrap();
        assert_eq!(
            (record.current.as_ref(), record.attempted.as_ref()),
            (None, Some(&deployed))
        );
        record.current = record.attempted.take();
        unit.write(&record).unwrap();
        assert_eq!(unit.read().unwrap().as_ref(), Some(&record));
        // Ended between the two files.
        unit.begin(&deployed).unwrap();
        assert_eq!(unit.read().unwrap().as_ref(), Some(&record));
        fs::write(&unit.attempt, "").unwrap();
        assert_eq!(unit.read().unwrap(), Some(record));
        unit.clear().unwrap();
        assert_eq!(fs::read_dir(state.path()).unwrap().count(), 0);
    }
}
