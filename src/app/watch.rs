//! Who watches a rollout while it goes on.

use crate::engine::Observer;
use crate::model::{EnvironmentName, Redactor};
use std::sync::Arc;

type Note = dyn Fn(&EnvironmentName, &str) + Send + Sync;
/// Hears each line that a builder writes, without secrets.
pub type Lines = Arc<dyn Fn(&str) + Send + Sync>;
type Make = dyn Fn(&EnvironmentName, &Redactor) -> Vec<Box<dyn Observer>> + Send + Sync;

/// Makes the observers of one environment's rollout.
#[derive(Clone)]
pub struct Watchers {
    make: Arc<Make>,
    note: Arc<Note>,
    lines: Lines,
}

impl Watchers {
    /// Watchers made by `make`.
    pub fn new(
        make: impl Fn(&EnvironmentName, &Redactor) -> Vec<Box<dyn Observer>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Arc::new(make),
            note: Arc::new(|_, _| {}),
            lines: Arc::new(|_| {}),
        }
    }

    /// The same; `note` hears what is worth knowing before a rollout begins.
    #[must_use]
    pub fn noting(self, note: impl Fn(&EnvironmentName, &str) + Send + Sync + 'static) -> Self {
        Self {
            note: Arc::new(note),
            ..self
        }
    }

    /// The same; `lines` hears what a builder writes.
    #[must_use]
    pub fn hearing(self, lines: Lines) -> Self {
        Self { lines, ..self }
    }

    /// Nobody.
    pub fn none() -> Self {
        Self::new(|_, _| Vec::new())
    }

    pub(super) fn of(&self, environment: &EnvironmentName, redactor: &Redactor) -> Vec<Box<dyn Observer>> {
        (self.make)(environment, redactor)
    }

    pub(super) fn lines(&self) -> &Lines {
        &self.lines
    }

    pub(super) fn note(&self, environment: &EnvironmentName, note: &str) {
        (self.note)(environment, note);
    }
}
