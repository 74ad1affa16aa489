//! Who watches a rollout while it goes on.

use crate::domain::model::{EnvironmentName, Redactor};
use crate::engine::Observer;
use std::sync::Arc;

type Note = dyn Fn(&EnvironmentName, &str) + Send + Sync;
/// Hears each line that a builder writes, or what is waited for, without secrets.
pub type Lines = Arc<dyn Fn(&str) + Send + Sync>;
type Make = dyn Fn(&EnvironmentName, &Redactor) -> Vec<Box<dyn Observer>> + Send + Sync;

/// Makes the observers of one environment's rollout.
#[derive(Clone)]
pub struct Watchers {
    make: Arc<Make>,
    note: Arc<Note>,
    warn: Arc<Note>,
    waiting: Arc<Note>,
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
            warn: Arc::new(|_, _| {}),
            waiting: Arc::new(|_, _| {}),
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

    /// The same; `warn` hears what went wrong without changing how a rollout ends.
    #[must_use]
    pub fn warning(self, warn: impl Fn(&EnvironmentName, &str) + Send + Sync + 'static) -> Self {
        Self {
            warn: Arc::new(warn),
            ..self
        }
    }

    /// The same; `waiting` hears what a step that takes its time is waiting for.
    #[must_use]
    pub fn waiting(self, waiting: impl Fn(&EnvironmentName, &str) + Send + Sync + 'static) -> Self {
        Self {
            waiting: Arc::new(waiting),
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

    /// Who hears what is waited for in `environment`.
    pub(super) fn waiter(&self, environment: &EnvironmentName) -> Lines {
        let (waiting, environment) = (Arc::clone(&self.waiting), environment.clone());
        Arc::new(move |what| waiting(&environment, what))
    }

    pub(super) fn lines(&self) -> &Lines {
        &self.lines
    }

    pub(super) fn note(&self, environment: &EnvironmentName, note: &str) {
        (self.note)(environment, note);
    }

    pub(super) fn warn(&self, environment: &EnvironmentName, warning: &str) {
        (self.warn)(environment, warning);
    }
}
