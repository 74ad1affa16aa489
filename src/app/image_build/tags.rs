//! The tags of a built image, until it may have them.

use super::{Built, tag};
use crate::app::error::AppError;
use crate::app::workspace::Workspace;
use std::sync::atomic::{AtomicBool, Ordering};

/// The tags of the image of a run, which are those of the first environment: written when every gate and the
/// scan let the image in there, under that environment's lease, and never before.
pub(in crate::app) struct Tags<'a> {
    workspace: &'a Workspace,
    built: &'a Built,
    written: AtomicBool,
}

impl<'a> Tags<'a> {
    /// Those of `built`; `None` where it was not made in this run, or is to have none.
    pub(in crate::app) fn of(workspace: &'a Workspace, built: &'a Built) -> Option<Self> {
        (built.made.is_some() && !built.tags.is_empty()).then(|| Self {
            workspace,
            built,
            written: AtomicBool::new(false),
        })
    }

    /// Gives the image its tags.
    ///
    /// # Errors
    /// When the registry does not take them.
    pub(in crate::app) fn write(&self) -> Result<(), AppError> {
        tag(self.workspace, self.built)?;
        self.written.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the image has none of them.
    pub(in crate::app) fn are_missing(&self) -> bool {
        !self.written.load(Ordering::Relaxed)
    }
}
