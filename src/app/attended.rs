//! Commands that a person waits for: Ctrl-C ends them, and not only greenroom.

use crate::domain::model::{ErrorKind, PortError};
use crate::ports::{Captured, Clock, Command, Finished, Hear, Interrupted, Runner};
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

/// Runs commands until a signal comes; then the command, and all that it started, is ended.
pub(super) struct Attended {
    runner: Arc<dyn Runner>,
    clock: Arc<dyn Clock>,
    interrupted: OnceLock<Interrupted>,
}

impl Attended {
    /// Runs through `runner`; the signals are those that end a wait of `clock`.
    pub(super) fn new(runner: Arc<dyn Runner>, clock: Arc<dyn Clock>) -> Self {
        Self {
            runner,
            clock,
            interrupted: OnceLock::new(),
        }
    }

    /// The signal that came while a command ran.
    pub(super) fn interrupted(&self) -> Option<Interrupted> {
        self.interrupted.get().copied()
    }

    /// Breaks off with the signal that came.
    fn signal(&self, now: &mut Option<Interrupted>) -> ControlFlow<()> {
        *now = self.clock.interruption();
        now.map_or(ControlFlow::Continue(()), |_| ControlFlow::Break(()))
    }

    /// An error where a signal ended the command. What tidies up after this runs to its end: the signal is
    /// taken.
    fn unless(&self, now: Option<Interrupted>, command: &Command) -> Result<(), PortError> {
        let Some(signal) = now else {
            return Ok(());
        };
        let _ = self.interrupted.set(signal);
        let program = command.argv.first().map_or("", String::as_str);
        let doing = format!("running {program}");
        Err(PortError::new(ErrorKind::Transient, doing, &signal))
    }
}

impl Runner for Attended {
    fn run(&self, command: &Command) -> Result<Finished, PortError> {
        self.follow(command, &mut |_| ControlFlow::Continue(()))
    }

    fn follow(&self, command: &Command, hear: &mut Hear<'_>) -> Result<Finished, PortError> {
        let mut now = None;
        let finished = self.runner.follow(command, &mut |line| {
            self.signal(&mut now)?;
            hear(line)
        })?;
        self.unless(now, command).map(|()| finished)
    }

    fn capture(&self, command: &Command, most: usize, hear: &mut Hear<'_>) -> Result<Captured, PortError> {
        let mut now = None;
        let captured = self.runner.capture(command, most, &mut |line| {
            self.signal(&mut now)?;
            hear(line)
        })?;
        self.unless(now, command).map(|()| captured)
    }
}
