//! What greenroom wrote down about one slot, and the lock under which it is changed.

use crate::domain::model::{Explanation, ReleaseId, Slot, Timestamp, UnitId};
use crate::host::files;
use crate::host::process::ProcessIdentity;
use crate::host::volatile;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const RECORD: &str = "instance.json";
const LARGEST_RECORD: u64 = 1 << 20;

/// What stands in a slot. It is written before the process is started, so that a process without a
/// record does not exist; what is known of the process is added after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Format version, 1.
    pub(super) v: u32,
    /// The release it was put with.
    pub(super) release: ReleaseId,
    /// 32 random hex digits, in the environment of every process of this instance.
    pub(super) token: String,
    /// The port it was told to listen on.
    pub(super) port: u16,
    /// When it was started.
    pub(super) started: Timestamp,
    /// File name of its log.
    pub(super) log: String,
    /// Its first process, which leads a process group.
    pub(super) process: Option<ProcessIdentity>,
    /// Whether it was asked to stop.
    pub(super) stopping: bool,
}

/// Who is in a slot.
#[derive(Debug, PartialEq)]
pub(super) enum Occupant {
    /// Nobody.
    None,
    /// An instance of greenroom's, running or not.
    Ours(Box<Record>),
    /// Something else, in words.
    Foreign(Explanation),
}

/// The directory of one slot.
pub(super) struct SlotDirectory {
    path: PathBuf,
    lock: PathBuf,
}

impl SlotDirectory {
    pub(super) fn new(state: &Path, unit: &UnitId, slot: Slot) -> Self {
        let unit = state.join("units").join(unit.as_str());
        Self {
            path: unit.join(slot.as_str()),
            lock: unit.join(format!("{slot}.lock")),
        }
    }

    /// Locks the slot until the lock is dropped, at the latest at the end of this process; `None` while
    /// somebody else holds it.
    pub(super) fn lock(&self) -> io::Result<Option<Lock>> {
        if let Some(unit) = self.lock.parent() {
            fs::create_dir_all(unit)?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.lock)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn occupant(&self) -> io::Result<Occupant> {
        let record = self.path.join(RECORD);
        match files::read_bounded(&record, LARGEST_RECORD) {
            Ok(bytes) if volatile::is_lost(&bytes) => self.without_record(),
            Ok(bytes) => Ok(match serde_json::from_slice::<Record>(&bytes) {
                Ok(record) if record.v == 1 => Occupant::Ours(Box::new(record)),
                Ok(record) => Occupant::Foreign(
                    Explanation::new(format!(
                        "{} has the format {}, written by another greenroom",
                        self.path.display(),
                        record.v
                    ))
                    .fix("use that one to remove it"),
                ),
                Err(error) => Occupant::Foreign(
                    Explanation::new(format!("{} cannot be read", record.display())).because(&error),
                ),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.without_record(),
            Err(error) => Err(error),
        }
    }

    fn without_record(&self) -> io::Result<Occupant> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Occupant::None),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let name = entry?.file_name();
            if name != RECORD && !name.to_string_lossy().starts_with(".stage-") {
                let message = format!(
                    "{} holds {}, which greenroom did not make",
                    self.path.display(),
                    name.display()
                );
                return Ok(Occupant::Foreign(Explanation::new(message).fix("move it away")));
            }
        }
        Ok(Occupant::None)
    }

    pub(super) fn write(&self, record: &Record) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let bytes = serde_json::to_vec_pretty(record)?;
        volatile::replace(&self.path.join(RECORD), &bytes)
    }

    /// Removes the record; of several files the record goes last.
    pub(super) fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".stage-") {
                fs::remove_file(entry.path())?;
            }
        }
        fs::remove_file(self.path.join(RECORD))?;
        fs::remove_dir(&self.path)
    }
}

/// A slot that nobody else changes.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone is not enough: a child that another thread just forked holds a copy of the
        // descriptor until it executes its program, and with it the lock.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// The tokens of every instance on record below `state`.
pub(super) fn tokens(state: &Path) -> io::Result<Vec<String>> {
    let mut tokens = Vec::new();
    let units = match fs::read_dir(state.join("units")) {
        Ok(units) => units,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(tokens),
        Err(error) => return Err(error),
    };
    for unit in units {
        let unit: Option<UnitId> = unit?.file_name().to_str().and_then(|name| name.parse().ok());
        for slot in Slot::BOTH {
            let Some(unit) = &unit else { continue };
            if let Occupant::Ours(record) = SlotDirectory::new(state, unit, slot).occupant()? {
                tokens.push(record.token);
            }
        }
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            v: 1,
            release: "0123456789abcdef".parse().unwrap(),
            token: "a".repeat(32),
            port: 20_000,
            started: Timestamp::from_unix_millis(0),
            log: "x.log".into(),
            process: None,
            stopping: false,
        }
    }

    fn directory(state: &Path) -> SlotDirectory {
        SlotDirectory::new(state, &"web-1".parse().unwrap(), Slot::Blue)
    }

    #[test]
    fn a_slot_is_empty_ours_or_foreign() {
        let state = tempfile::tempdir().unwrap();
        let slot = directory(state.path());
        assert_eq!(slot.occupant().unwrap(), Occupant::None);
        slot.write(&record()).unwrap();
        assert_eq!(slot.occupant().unwrap(), Occupant::Ours(Box::new(record())));
        assert_eq!(tokens(state.path()).unwrap(), ["a".repeat(32)]);
        slot.clear().unwrap();
        assert_eq!(slot.occupant().unwrap(), Occupant::None);

        let path = state.path().join("units/web-1/blue");
        fs::create_dir_all(&path).unwrap();
        assert_eq!(slot.occupant().unwrap(), Occupant::None, "an interrupted write");
        for lost in ["", "\0\0\0\0"] {
            fs::write(path.join(RECORD), lost).unwrap();
            assert_eq!(slot.occupant().unwrap(), Occupant::None, "a power cut");
        }
        for (name, content) in [("theirs", ""), (RECORD, "{\"v\":1}")] {
            fs::write(path.join(name), content).unwrap();
            assert!(matches!(slot.occupant().unwrap(), Occupant::Foreign(_)), "{name}");
        }
    }

    #[test]
    fn a_slot_is_locked_once() {
        let state = tempfile::tempdir().unwrap();
        let first = directory(state.path()).lock().unwrap();
        assert!(directory(state.path()).lock().unwrap().is_none());
        drop(first);
        assert!(directory(state.path()).lock().unwrap().is_some());
    }
}
