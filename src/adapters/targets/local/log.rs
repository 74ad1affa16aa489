//! The logs of instances: kept for the last few, read from the end.

use crate::domain::model::{SecretSource, Slot, UnitId};
use crate::host::files;
use crate::host::volatile;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Logs kept in each slot.
const KEPT: usize = 5;
/// What is read of a log at most, from its end.
const READ: u64 = 1 << 20;

/// The logs of one slot, oldest first by name.
pub(super) struct Logs {
    directory: PathBuf,
}

impl Logs {
    pub(super) fn new(state: &Path, unit: &UnitId, slot: Slot) -> Self {
        Self {
            directory: state.join("logs").join(unit.as_str()).join(slot.as_str()),
        }
    }

    /// Opens a log for writing at its end, and removes the oldest ones. Beside it is written where the
    /// secrets come from that its writer knows, so that they can be taken out whenever it is shown.
    pub(super) fn open(&self, name: &str, secrets: &BTreeMap<String, SecretSource>) -> io::Result<File> {
        fs::create_dir_all(&self.directory)?;
        if !secrets.is_empty() {
            let sources = serde_json::to_vec(secrets)?;
            volatile::replace(&self.directory.join(beside(name)), &sources)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(self.directory.join(name))?;
        let names = self.names()?;
        for old in names.iter().take(names.len().saturating_sub(KEPT)) {
            fs::remove_file(self.directory.join(old))?;
            let _ = fs::remove_file(self.directory.join(beside(old)));
        }
        Ok(file)
    }

    /// The name of the newest log.
    pub(super) fn newest(&self) -> io::Result<Option<String>> {
        Ok(self.names()?.pop())
    }

    /// Where the secrets come from that the writer of a log knows.
    pub(super) fn secrets(&self, name: &str) -> io::Result<BTreeMap<String, SecretSource>> {
        match files::read_bounded(&self.directory.join(beside(name)), READ) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            read => {
                let bytes = read?;
                if volatile::is_lost(&bytes) {
                    return Ok(BTreeMap::new());
                }
                Ok(serde_json::from_slice(&bytes)?)
            }
        }
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(
                entry?
                    .file_name()
                    .into_string()
                    .ok()
                    .filter(|name| name.ends_with(".log")),
            );
        }
        names.sort();
        Ok(names)
    }

    /// The last `lines` lines of a log, at most a mebibyte.
    pub(super) fn tail(&self, name: &str, lines: usize) -> io::Result<String> {
        let mut file = match File::open(self.directory.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            opened => opened?,
        };
        let size = file.metadata()?.len();
        let start = size.saturating_sub(READ);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(READ).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        // The first line is cut where the log is longer.
        let mut kept: Vec<&str> = text.lines().skip(usize::from(start > 0)).collect();
        let kept = kept.split_off(kept.len().saturating_sub(lines));
        Ok(kept.iter().map(|line| format!("{line}\n")).collect())
    }
}

fn beside(log: &str) -> String {
    format!("{log}.secrets")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_lines_of_the_last_logs_are_kept() {
        let state = tempfile::tempdir().unwrap();
        let logs = Logs::new(state.path(), &"web-1".parse().unwrap(), Slot::Green);
        assert_eq!(logs.newest().unwrap(), None);
        let sources = BTreeMap::from([("S".to_owned(), SecretSource::Env("V".into()))]);
        for index in 0..7 {
            writeln!(
                logs.open(&format!("{index}.log"), &sources).unwrap(),
                "one\ntwo {index}"
            )
            .unwrap();
        }
        assert_eq!(
            logs.names().unwrap(),
            ["2.log", "3.log", "4.log", "5.log", "6.log"]
        );
        assert_eq!(logs.newest().unwrap().as_deref(), Some("6.log"));
        assert_eq!(logs.tail("6.log", 1).unwrap(), "two 6\n");
        assert_eq!(logs.tail("6.log", 9).unwrap(), "one\ntwo 6\n");
        assert_eq!(logs.tail("0.log", 9).unwrap(), "");
        assert_eq!(logs.secrets("6.log").unwrap(), sources);
        assert_eq!(fs::read_dir(&logs.directory).unwrap().count(), 2 * KEPT);
    }

    #[test]
    fn of_a_huge_log_only_the_end_is_read() {
        let state = tempfile::tempdir().unwrap();
        let logs = Logs::new(state.path(), &"web-1".parse().unwrap(), Slot::Blue);
        let mut file = logs.open("1.log", &BTreeMap::new()).unwrap();
        for _ in 0..300 {
            writeln!(file, "{}", "x".repeat(9_999)).unwrap();
        }
        let text = logs.tail("1.log", usize::MAX).unwrap();
        assert!(text.len() as u64 <= READ && text.lines().all(|line| line.len() == 9_999));
    }
}
