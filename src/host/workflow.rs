//! The files through which a step talks to the GitHub Actions runner.

use super::random;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The most that a step's summary may hold; the runner drops a larger one as a whole.
const SUMMARY: u64 = 1_048_576;
/// The most that a job's outputs may hold.
const OUTPUTS: u64 = 1_000_000;

/// The files that `GITHUB_OUTPUT` and `GITHUB_STEP_SUMMARY` name; outside of GitHub there are none,
/// and nothing is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowFiles {
    /// Step outputs.
    pub outputs: Option<PathBuf>,
    /// Step summary.
    pub summary: Option<PathBuf>,
}

impl WorkflowFiles {
    /// Adds outputs. Returns whether there was a file for them.
    ///
    /// # Errors
    /// `FileTooLarge` when the file would hold more than GitHub keeps; nothing is written then. Else
    /// those of the file system.
    pub fn add_outputs(&self, text: &str) -> io::Result<bool> {
        append(self.outputs.as_deref(), text, OUTPUTS)
    }

    /// Adds to the summary. Returns whether there was a file for it.
    ///
    /// # Errors
    /// `FileTooLarge` when the summary would be dropped for its size; nothing is written then. Else
    /// those of the file system.
    pub fn add_summary(&self, markdown: &str) -> io::Result<bool> {
        append(self.summary.as_deref(), markdown, SUMMARY)
    }

    /// How many bytes may still be added to the summary.
    pub fn summary_room(&self) -> usize {
        let used = self.summary.as_deref().map_or(0, length);
        // One byte for the line break that parts it from what is there.
        usize::try_from(SUMMARY.saturating_sub(used + 1)).unwrap_or(0)
    }
}

/// A delimiter for outputs that nobody can guess.
///
/// # Errors
/// When the operating system gives no randomness.
pub fn delimiter() -> io::Result<String> {
    Ok(format!("ghadelimiter_{}", random::hex(16)?))
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Appends in one write, after a line break where something is there already: another command of
/// the same step may have left its last line open.
fn append(path: Option<&Path>, text: &str, most: u64) -> io::Result<bool> {
    let Some(path) = path else {
        return Ok(false);
    };
    let used = length(path);
    let addition = if used == 0 {
        text.to_owned()
    } else {
        format!("\n{text}")
    };
    if used.saturating_add(addition.len() as u64) > most {
        let message = format!(
            "{} would hold more than the {most} bytes that GitHub keeps",
            path.display()
        );
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)?
        .write_all(addition.as_bytes())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path) -> WorkflowFiles {
        WorkflowFiles {
            outputs: Some(directory.join("output")),
            summary: Some(directory.join("summary")),
        }
    }

    #[test]
    fn without_files_nothing_is_written() {
        let none = WorkflowFiles::default();
        assert!(!none.add_outputs("a=b\n").unwrap());
        assert!(!none.add_summary("# x\n").unwrap());
    }

    #[test]
    fn what_is_there_stays_and_an_open_line_is_ended() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        fs::write(files.outputs.as_ref().unwrap(), "open=line").unwrap();
        assert!(files.add_outputs("a<<D\n1\nD\n").unwrap());
        let text = fs::read_to_string(files.outputs.as_ref().unwrap()).unwrap();
        assert_eq!(text, "open=line\na<<D\n1\nD\n");
    }

    #[test]
    fn a_summary_that_would_be_dropped_is_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let files = files(directory.path());
        assert!(files.add_summary("before").unwrap());
        let room = files.summary_room();
        let error = files.add_summary(&"x".repeat(room + 1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert!(files.add_summary(&"x".repeat(room)).unwrap());
        assert_eq!(length(files.summary.as_ref().unwrap()), SUMMARY);
        assert_eq!(files.summary_room(), 0);
    }

    #[test]
    fn delimiters_differ() {
        assert_ne!(delimiter().unwrap(), delimiter().unwrap());
    }
}
