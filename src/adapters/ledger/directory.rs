//! The ledger in a directory: `<root>/<environment>/<seq, 20 digits>.json`.

use super::failure::failure;
use super::head_mark::{self, HeadMark};
use super::raw::{RawChain, RawLedger};
use super::record::{LARGEST, decode, encode};
use crate::domain::model::{Digest, Draft, EnvironmentName, ErrorKind, PortError, Stored};
use crate::host::{files, random};
use crate::ports::Ledger;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// A ledger of plain files. A record becomes visible in one step, durable and complete (a staged
/// file, synced, then linked to its name), so that of several writers exactly one gets a place, on
/// one machine or on a shared file system with hard links.
#[derive(Debug)]
pub struct DirectoryLedger {
    root: PathBuf,
    /// Writers of this process take turns, so that all but one learn cheaply that they came too
    /// late, without syncing a file first. Correctness rests on the link alone. There is no lock
    /// between processes: one that is paused while it holds a lock would stop all others.
    turn: Mutex<()>,
    reads: AtomicU64,
}

impl DirectoryLedger {
    /// The ledger in `root`, which is created with the first record.
    pub fn open(root: PathBuf) -> Self {
        Self {
            root,
            turn: Mutex::new(()),
            reads: AtomicU64::new(0),
        }
    }

    /// How many files and directories were looked up or read since this ledger was opened.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    fn directory(&self, environment: &EnvironmentName) -> PathBuf {
        self.root.join(environment.as_str())
    }

    fn path(&self, environment: &EnvironmentName, seq: u64) -> PathBuf {
        self.directory(environment).join(file_name(seq))
    }

    fn exists(&self, path: &Path) -> Result<bool, PortError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        path.try_exists()
            .map_err(|error| failure("looking for a ledger record", path, &error))
    }

    /// The content of a file of at most [`LARGEST`] bytes, if there is such a file.
    fn content(&self, doing: &str, path: &Path) -> Result<Option<Vec<u8>>, PortError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        match files::read_bounded(path, LARGEST) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(doing, path, &error)),
        }
    }

    /// Sequence numbers of all records, in no order. The one thing here that takes time in
    /// proportion to the history.
    fn listed(&self, environment: &EnvironmentName) -> Result<Vec<u64>, PortError> {
        Ok(self
            .names(environment)?
            .iter()
            .filter_map(|name| seq_of(name))
            .collect())
    }

    fn names(&self, environment: &EnvironmentName) -> Result<Vec<String>, PortError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        names_in(&self.directory(environment))
    }

    fn mark(&self, environment: &EnvironmentName) -> Result<Option<HeadMark>, PortError> {
        let path = self.directory(environment).join(head_mark::FILE);
        let bytes = self.content("reading the head mark of the ledger", &path)?;
        Ok(bytes.as_deref().and_then(HeadMark::decode))
    }

    /// The last record at or after `present`, which is there. Doubles its stride while there are
    /// records, then halves it: two lookups per doubling, and a single one in the usual case.
    fn last_from(&self, environment: &EnvironmentName, present: u64) -> Result<u64, PortError> {
        let mut low = present;
        let mut stride = 1;
        while self.exists(&self.path(environment, low + stride))? {
            low += stride;
            stride *= 2;
        }
        let mut absent = low + stride;
        while absent - low > 1 {
            let middle = low + (absent - low) / 2;
            if self.exists(&self.path(environment, middle))? {
                low = middle;
            } else {
                absent = middle;
            }
        }
        Ok(low)
    }

    /// The record that `mark` names, which must be there unaltered.
    fn marked(&self, environment: &EnvironmentName, mark: &HeadMark) -> Result<Stored, PortError> {
        let found = self.read(environment, mark.seq)?;
        let wrong = match found {
            Some(stored) if stored.hash == mark.hash => return Ok(stored),
            Some(_) => "altered since it was written",
            None => "gone",
        };
        let path = self.directory(environment).join(head_mark::FILE);
        Err(PortError::new(
            ErrorKind::Invalid,
            format!("finding the newest record of {environment}"),
            format!("record {} was the newest and is {wrong}", mark.seq),
        )
        .fix(format!(
            "see `greenroom audit verify`, then restore the ledger from a copy, or accept its present state by \
             deleting {}",
            path.display()
        )))
    }

    /// Refuses a place after a record that is not in this ledger.
    fn confirm(&self, environment: &EnvironmentName, after: &Stored) -> Result<(), PortError> {
        let seq = after.record.seq;
        let doing = format!("appending after record {seq} of {environment}");
        let there = self.content(&doing, &self.path(environment, seq))?;
        match there.map(|bytes| Digest::of(&bytes)) {
            Some(hash) if hash == after.hash => Ok(()),
            Some(_) => Err(PortError::new(
                ErrorKind::Conflict,
                doing,
                "another record stands in its place",
            )),
            None => Err(PortError::new(
                ErrorKind::Missing,
                doing,
                "there is no such record",
            )),
        }
    }

    /// Stores `bytes` at the place of `stored`; of several writers exactly one succeeds.
    fn claim(
        &self,
        environment: &EnvironmentName,
        after: Option<&Stored>,
        stored: &Stored,
        bytes: &[u8],
    ) -> Result<(), PortError> {
        let seq = stored.record.seq;
        let doing = format!("appending record {seq} to the ledger of {environment}");
        let taken = || {
            PortError::new(
                ErrorKind::Conflict,
                doing.as_str(),
                "another writer got this place",
            )
        };
        let path = self.path(environment, seq);
        // Late writers learn it here, before they stage and sync anything.
        if self.exists(&path)? {
            return Err(taken());
        }
        match after {
            Some(after) => self.confirm(environment, after)?,
            None => create_directory(&self.directory(environment))
                .map_err(|error| failure(&doing, &path, &error))?,
        }
        let Err(error) = files::create_new(&path, bytes, files::PUBLIC) else {
            return Ok(());
        };
        // The error may be about a write that happened: the nonce, which is in the hash, tells.
        let there = self.content(&doing, &path)?.map(|bytes| Digest::of(&bytes));
        match there {
            Some(hash) if hash == stored.hash && error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Some(hash) if hash == stored.hash => Err(PortError::new(
                ErrorKind::Ambiguous,
                doing,
                "it is written, but the disk did not confirm it",
            )
            .because(&error)),
            Some(_) => Err(taken()),
            None if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(PortError::new(ErrorKind::Transient, doing, &error))
            }
            None => Err(failure(&doing, &path, &error)),
        }
    }
}

impl Ledger for DirectoryLedger {
    fn environments(&self) -> Result<Vec<EnvironmentName>, PortError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let mut found = Vec::new();
        for name in names_in(&self.root)? {
            let Ok(environment) = name.parse::<EnvironmentName>() else {
                continue;
            };
            let directory = self.directory(&environment);
            if directory.is_dir()
                && (directory.join(head_mark::FILE).exists() || !self.listed(&environment)?.is_empty())
            {
                found.push(environment);
            }
        }
        found.sort();
        Ok(found)
    }

    fn head(&self, environment: &EnvironmentName) -> Result<Option<Stored>, PortError> {
        let last = match self.mark(environment)? {
            Some(mark) => {
                let marked = self.marked(environment, &mark)?;
                let last = self.last_from(environment, mark.seq)?;
                if last == mark.seq {
                    return Ok(Some(marked));
                }
                Some(last)
            }
            // Listing finds the last record even when one in the middle was removed.
            None => self.listed(environment)?.into_iter().max(),
        };
        last.map_or(Ok(None), |seq| self.read(environment, seq))
    }

    fn read(&self, environment: &EnvironmentName, seq: u64) -> Result<Option<Stored>, PortError> {
        self.content("reading a ledger record", &self.path(environment, seq))?
            .map(|bytes| decode(environment, seq, &bytes))
            .transpose()
    }

    fn append(
        &self,
        environment: &EnvironmentName,
        after: Option<&Stored>,
        draft: &Draft,
    ) -> Result<Stored, PortError> {
        let directory = self.directory(environment);
        let doing = "appending to the ledger";
        let nonce = random::hex(16).map_err(|error| failure(doing, &directory, &error))?;
        let (stored, bytes) = encode(environment, after, draft, nonce)?;
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.claim(environment, after, &stored, &bytes)?;
        let mark = HeadMark {
            seq: stored.record.seq,
            hash: stored.hash.clone(),
        };
        // The record stands: a mark that stays behind costs the next reader a few lookups.
        let _ = mark.write(&directory);
        Ok(stored)
    }
}

impl RawLedger for DirectoryLedger {
    fn raw(&self, environment: &EnvironmentName) -> Result<RawChain<'_>, PortError> {
        let mut places = Vec::new();
        let mut strangers = Vec::new();
        // The mark first: a record appended while this runs is then beyond it, never short of it.
        let head = self.mark(environment)?.map(|mark| (mark.seq, mark.hash));
        for name in self.names(environment)? {
            match seq_of(&name) {
                Some(seq) => places.push(seq),
                None if name == head_mark::FILE => {}
                None => strangers.push(name),
            }
        }
        places.sort_unstable();
        strangers.sort_unstable();
        let environment = environment.clone();
        let records = places.into_iter().map(move |seq| {
            let bytes = self
                .content("reading a ledger record", &self.path(&environment, seq))
                .map_err(|error| error.why.to_string())
                .and_then(|bytes| bytes.ok_or_else(|| "it went away while it was read".to_owned()));
            (seq, bytes)
        });
        Ok(RawChain {
            records: Box::new(records),
            head,
            strangers,
            rewritten: None,
        })
    }
}

/// Creates the directory and makes the names of those that had to be created durable.
fn create_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    for ancestor in directory.ancestors().skip(1).take(2) {
        if !ancestor.as_os_str().is_empty() {
            fs::File::open(ancestor)?.sync_all()?;
        }
    }
    Ok(())
}

/// Name of the file that holds record `seq`.
pub(crate) fn file_name(seq: u64) -> String {
    format!("{seq:020}.json")
}

/// The sequence number in a file name made by [`file_name`].
pub(super) fn seq_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".json")?;
    (digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Names in a directory; none when it does not exist.
fn names_in(directory: &Path) -> Result<Vec<String>, PortError> {
    let listing = |error: io::Error| failure("listing the ledger", directory, &error);
    match fs::read_dir(directory) {
        Ok(entries) => entries
            .map(|entry| {
                entry
                    .map(|entry| entry.file_name().to_string_lossy().into_owned())
                    .map_err(listing)
            })
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(listing(error)),
    }
}

/// Writes a record and the head mark without waiting for the disk and without looking what is there:
/// for the large ledgers of tests and measurements.
pub(crate) fn write_unsynced(root: &Path, stored: &Stored, bytes: &[u8]) -> io::Result<()> {
    let directory = root.join(stored.record.environment.as_str());
    if stored.record.seq == 0 {
        fs::create_dir_all(&directory)?;
    }
    fs::write(directory.join(file_name(stored.record.seq)), bytes)?;
    let mark = HeadMark {
        seq: stored.record.seq,
        hash: stored.hash.clone(),
    };
    mark.write(&directory)
}
