//! Commands and who runs them.

use crate::domain::model::{ErrorKind, Period, PortError, Secret};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// A command as data: words, never a shell line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Working directory; the project's root where `None`.
    pub directory: Option<PathBuf>,
    /// Variables added to a minimal environment (`PATH`, `HOME`, `LANG`, `TMPDIR`).
    pub variables: BTreeMap<String, String>,
    /// Secret variables, added likewise and never shown.
    pub secrets: BTreeMap<String, Secret>,
    /// After this the command and all that it started are ended.
    pub timeout: Period,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Whether it was ended because its time was up.
    pub timed_out: bool,
    /// The last 64 KiB of its standard output.
    pub stdout: String,
    /// The last 64 KiB of its standard error.
    pub stderr: String,
    /// How long it ran.
    pub took: Period,
}

/// How a command ended whose standard output is wanted as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// How it ended; its `stdout` is empty.
    pub finished: Finished,
    /// Its standard output, byte for byte.
    pub stdout: Vec<u8>,
    /// Whether it wrote more than was wanted, and was ended for that.
    pub overflowed: bool,
}

/// Runs commands.
pub trait Runner: Send + Sync {
    /// Runs the command to its end. An error means that it could not be started.
    fn run(&self, command: &Command) -> Result<Finished, PortError>;
    /// The same, keeping the whole standard output of at most `most` bytes. A command that writes more
    /// is ended at once. Secrets are not taken out of what is kept. `hear` gets no lines, but `None`
    /// several times a second; when it breaks off, the command and all that it started end.
    /// `Unsupported` where a runner only ever keeps the end.
    fn capture(&self, command: &Command, most: usize, _hear: &mut Hear<'_>) -> Result<Captured, PortError> {
        let program = command.argv.first().map_or("", String::as_str);
        Err(PortError::new(
            ErrorKind::Unsupported,
            format!("running {program}"),
            format!("its output cannot be kept as a whole ({most} bytes) by this runner"),
        ))
    }
    /// The same as [`Runner::run`] for a command that takes long: `hear` gets each line as it is written, without secrets,
    /// and `None` several times a second. When it breaks off, the command and all that it started end.
    fn follow(&self, command: &Command, hear: &mut Hear<'_>) -> Result<Finished, PortError> {
        let finished = self.run(command)?;
        let _ = finished.stdout.lines().try_for_each(|line| hear(Some(line)));
        Ok(finished)
    }
}

/// Hears a command's lines while it runs; a break ends it.
pub type Hear<'a> = dyn FnMut(Option<&str>) -> ControlFlow<()> + 'a;
