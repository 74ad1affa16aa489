//! Tasks that were begun and not yet seen to end.

use crate::adapters::proxmox::{Api, TaskState, Upid};
use crate::domain::model::PortError;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tasks by what they are for. A process that dies forgets them: what they did is found all the same.
#[derive(Default)]
pub(super) struct Tasks(Mutex<BTreeMap<String, Upid>>);

/// How the task for something stands.
pub(super) enum Task {
    /// None was begun, as far as this process knows.
    None,
    /// It runs.
    Running,
    /// It has done what it was for.
    Done,
}

impl Tasks {
    pub(super) fn remember(&self, what: &str, task: Upid) {
        self.all().insert(what.to_owned(), task);
    }

    /// How the task for `what` stands. One that has ended is forgotten.
    ///
    /// # Errors
    /// When it has failed, or cannot be asked about.
    pub(super) fn look(&self, api: &Api, what: &str, doing: &str) -> Result<Task, PortError> {
        let Some(task) = self.all().get(what).cloned() else {
            return Ok(Task::None);
        };
        match api.task(&task)? {
            TaskState::Running => Ok(Task::Running),
            TaskState::Ended(exit) => {
                self.all().remove(what);
                match exit.fault(&task, doing) {
                    None => Ok(Task::Done),
                    Some(fault) => Err(fault.into()),
                }
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Upid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
