//! A deployment that a label on a pull request asked for.
//!
//! What is deployed is the commit that the event names, which no push can change any more. The pull request is
//! read again all the same, before the build and before the rollout: a label says yes to what a person saw, and
//! the run may have waited for long. Where GitHub answers that it moved, the run ends. Where it cannot be asked
//! the run goes on with a warning: the commit is pinned by the event, so that nothing gets in that nobody has
//! seen, and a GitHub that is down is no reason not to deploy.

use super::announcer::Forges;
use super::audience::Audience;
use crate::app::error::AppError;
use crate::app::watch::Watchers;
use crate::app::workspace::Workspace;
use crate::domain::model::{CommitId, EnvironmentName};
use crate::domain::policy;
use crate::domain::trigger::{Decision, ReasonCode};
use std::sync::atomic::{AtomicBool, Ordering};

/// The pull request, its label and its commit, as the event says.
pub(in crate::app) struct Labelled {
    number: u64,
    label: String,
    commit: CommitId,
    environment: EnvironmentName,
    /// `None` where it cannot be asked.
    forges: Option<Forges>,
    /// Whether it was said that it cannot be read: it is read more than once.
    warned: AtomicBool,
}

impl Labelled {
    /// What the label asked for; `None` where no label decided.
    pub(in crate::app) fn of(
        workspace: &Workspace,
        decision: &Decision,
        audience: &Audience,
    ) -> Option<Self> {
        if decision.reason_code != ReasonCode::Label {
            return None;
        }
        let announcer = audience.announcer(workspace);
        let environment = decision.environment.clone()?;
        let forges = announcer.forges(&environment, &audience.watchers).cloned();
        let pull = announcer.pull()?;
        Some(Self {
            number: pull.number?,
            label: pull.label.clone()?,
            commit: decision.sha.clone()?,
            environment,
            forges,
            warned: AtomicBool::new(false),
        })
    }

    /// Reads the pull request again.
    ///
    /// # Errors
    /// [`AppError::NotAllowed`] when it is not what the label was put on any more.
    pub(in crate::app) fn check(&self, watchers: &Watchers) -> Result<(), AppError> {
        let Some(forges) = &self.forges else {
            return Ok(());
        };
        match forges.pulls.state(self.number) {
            Ok(now) => match policy::outdated(self.number, &self.commit, &now) {
                Some(why) => Err(AppError::not_allowed(why)),
                None => Ok(()),
            },
            Err(_) if self.warned.swap(true, Ordering::SeqCst) => Ok(()),
            Err(error) => {
                let warning = format!(
                    "whether pull request #{} still stands as the label found it is not known, so {} goes on as \
                     the event said: {error}",
                    self.number,
                    self.commit.short()
                );
                watchers.warn(&self.environment, &warning);
                Ok(())
            }
        }
    }

    /// Takes the label off, so that nothing that is pushed later can ride on it, whatever came of the run.
    pub(in crate::app) fn remove(&self, watchers: &Watchers) {
        let Some(forges) = &self.forges else { return };
        if let Err(error) = forges.pulls.remove_label(self.number, &self.label) {
            let warning = format!(
                "the label is still on pull request #{}; take it off by hand: {error}",
                self.number
            );
            watchers.warn(&self.environment, &warning);
        }
    }
}
