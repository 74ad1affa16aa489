//! A forge in memory that refuses what a real one refuses, and fails or hangs on demand.

use crate::domain::model::{
    CheckReport, CommitStatus, DeploymentDraft, DeploymentState, DeploymentUpdate, EnvironmentName,
    ErrorKind, PortError, PullComment, PullState,
};
use crate::ports::{Forge, PullRequests};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bounds of GitHub's API (OpenAPI): a deployment's description in characters, a check's texts in bytes.
const DESCRIPTION: usize = 140;
const TEXT: usize = 65_535;

/// One deployment as it is shown.
#[derive(Debug, Clone)]
pub struct ShownDeployment {
    /// Its number.
    pub number: u64,
    /// What it was opened with.
    pub draft: DeploymentDraft,
    /// Its states, the newest last.
    pub updates: Vec<DeploymentUpdate>,
}

#[derive(Default)]
struct State {
    calls: Vec<String>,
    deployments: Vec<ShownDeployment>,
    checks: BTreeMap<String, CheckReport>,
    comments: BTreeMap<(u64, String), Vec<PullComment>>,
    statuses: Vec<CommitStatus>,
    pulls: BTreeMap<u64, PullState>,
    failing: BTreeSet<String>,
    dead: bool,
    held: bool,
}

/// The forge. Every call is noted when it begins, also one that fails or hangs.
#[derive(Default)]
pub struct MemoryForge {
    state: Mutex<State>,
    changed: Condvar,
}

impl MemoryForge {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets every call fail from now on.
    pub fn die(&self) {
        self.state().dead = true;
    }

    /// Lets every call of `verb` (`publish_check`) be refused for a missing permission from now on.
    pub fn refuse(&self, verb: &str) {
        self.state().failing.insert(verb.to_owned());
    }

    /// Lets every call work again.
    pub fn recover(&self) {
        let mut state = self.state();
        (state.dead, state.failing) = (false, BTreeSet::new());
    }

    /// Lets every call hang until [`MemoryForge::release`].
    pub fn hold(&self) {
        self.state().held = true;
    }

    /// Lets what hangs go on.
    pub fn release(&self) {
        self.state().held = false;
        self.changed.notify_all();
    }

    /// Sets how a pull request stands.
    pub fn set_pull(&self, number: u64, pull: PullState) {
        self.state().pulls.insert(number, pull);
    }

    /// How a pull request stands.
    pub fn pull(&self, number: u64) -> Option<PullState> {
        self.state().pulls.get(&number).cloned()
    }

    /// Every call so far: the verb and what it was about.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// Every deployment, the oldest first.
    pub fn deployments(&self) -> Vec<ShownDeployment> {
        self.state().deployments.clone()
    }

    /// Every check as it stands, by its key.
    pub fn checks(&self) -> BTreeMap<String, CheckReport> {
        self.state().checks.clone()
    }

    /// Every comment as it stands, with how often it was written.
    pub fn comments(&self) -> Vec<(PullComment, usize)> {
        let state = self.state();
        let written = state.comments.values();
        written
            .filter_map(|all| Some((all.last()?.clone(), all.len())))
            .collect()
    }

    /// Every status of a commit, the newest last.
    pub fn statuses(&self) -> Vec<CommitStatus> {
        self.state().statuses.clone()
    }

    /// Notes a call, and waits or fails as it was told to.
    fn call(&self, verb: &str, about: &str, permission: &str) -> Result<MutexGuard<'_, State>, PortError> {
        let mut state = self.state();
        state.calls.push(format!("{verb} {about}"));
        while state.held {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.dead {
            return Err(PortError::new(
                ErrorKind::Transient,
                doing(verb, about),
                "no answer",
            ));
        }
        if state.failing.contains(verb) {
            let advice = format!("give the job `permissions: {{ {permission} }}`");
            let error = PortError::new(ErrorKind::Denied, doing(verb, about), "GitHub answered 403");
            return Err(error.fix(advice));
        }
        Ok(state)
    }
}

fn doing(verb: &str, about: &str) -> String {
    format!("{} {about}", verb.replace('_', " "))
}

fn invalid(verb: &str, why: impl Into<String>) -> PortError {
    PortError::new(ErrorKind::Invalid, verb, why.into())
}

/// Refuses a text that is empty, too long for `most`, or not one line where it has to be.
fn line(verb: &str, text: &str, most: usize) -> Result<(), PortError> {
    if text.is_empty() || text.chars().count() > most || text.chars().any(char::is_control) {
        return Err(invalid(
            verb,
            format!("{text:?} is not one line of at most {most} characters"),
        ));
    }
    Ok(())
}

fn address(verb: &str, address: Option<&String>) -> Result<(), PortError> {
    match address {
        Some(found) if !found.starts_with("https://") && !found.starts_with("http://") => {
            Err(invalid(verb, format!("{found:?} is no web address")))
        }
        Some(_) | None => Ok(()),
    }
}

impl Forge for MemoryForge {
    fn name(&self) -> &'static str {
        "memory acme/app"
    }

    fn open_deployment(&self, draft: &DeploymentDraft) -> Result<u64, PortError> {
        let verb = "open_deployment";
        let mut state = self.call(verb, draft.environment.as_str(), "deployments: write")?;
        line(verb, &draft.description, DESCRIPTION)?;
        if draft.run_commit.as_ref() == Some(&draft.commit) {
            return Err(invalid(
                verb,
                "the run's commit is only named where it is another",
            ));
        }
        if let Some(found) = state.deployments.iter().find(|found| found.draft.id == draft.id) {
            return Ok(found.number);
        }
        let number = 100 + state.deployments.len() as u64;
        state.deployments.push(ShownDeployment {
            number,
            draft: draft.clone(),
            updates: Vec::new(),
        });
        Ok(number)
    }

    fn update_deployment(&self, number: u64, update: &DeploymentUpdate) -> Result<(), PortError> {
        let verb = "update_deployment";
        let about = format!("{} {:?}", update.environment, update.state);
        let mut state = self.call(verb, &about, "deployments: write")?;
        line(verb, &update.description, DESCRIPTION)?;
        address(verb, update.url.as_ref())?;
        address(verb, update.log.as_ref())?;
        let all = &mut state.deployments;
        let Some(at) = all.iter().position(|found| found.number == number) else {
            return Err(PortError::new(
                ErrorKind::Missing,
                verb,
                format!("there is no {number}"),
            ));
        };
        if update.state == DeploymentState::Success {
            for earlier in &mut all[..at] {
                let was_live = earlier
                    .updates
                    .last()
                    .is_some_and(|last| last.state == DeploymentState::Success);
                if was_live && earlier.draft.environment == update.environment {
                    earlier.updates.push(DeploymentUpdate {
                        state: DeploymentState::Inactive,
                        ..update.clone()
                    });
                }
            }
        }
        all[at].updates.push(update.clone());
        Ok(())
    }

    fn retire_environment(&self, environment: &EnvironmentName, description: &str) -> Result<(), PortError> {
        let verb = "retire_environment";
        let mut state = self.call(verb, environment.as_str(), "deployments: write")?;
        line(verb, description, DESCRIPTION)?;
        let all = state.deployments.iter_mut();
        for shown in all.filter(|shown| shown.draft.environment == *environment) {
            let Some(last) = shown.updates.last() else {
                continue;
            };
            if matches!(last.state, DeploymentState::Success | DeploymentState::InProgress) {
                let gone = DeploymentUpdate {
                    state: DeploymentState::Inactive,
                    description: description.to_owned(),
                    ..last.clone()
                };
                shown.updates.push(gone);
            }
        }
        Ok(())
    }

    fn publish_check(&self, check: &CheckReport) -> Result<(), PortError> {
        let verb = "publish_check";
        let about = format!("{} {:?}", check.name, check.conclusion);
        let mut state = self.call(verb, &about, "checks: write")?;
        line(verb, &check.title, 255)?;
        line(verb, &check.name, 255)?;
        address(verb, check.details.as_ref())?;
        let text = check.text.as_ref().map_or(0, String::len);
        if check.summary.is_empty() || check.summary.len() > TEXT || text > TEXT {
            return Err(invalid(
                verb,
                "the summary or the text is too long, or there is none",
            ));
        }
        if check.conclusion.is_some() != check.completed.is_some() {
            return Err(invalid(
                verb,
                "a check that has a conclusion has an end, and no other has",
            ));
        }
        if check.completed.is_some_and(|end| end < check.started) {
            return Err(invalid(verb, "it ends before it begins"));
        }
        if check
            .remarks
            .iter()
            .any(|remark| remark.line == 0 || remark.path.starts_with('/'))
        {
            return Err(invalid(
                verb,
                "a remark is at a line, from 1, of a file of the repository",
            ));
        }
        let other = state.checks.get(&check.key);
        if other.is_some_and(|found| (&found.name, &found.commit) != (&check.name, &check.commit)) {
            return Err(invalid(verb, format!("{} is another check's key", check.key)));
        }
        state.checks.insert(check.key.clone(), check.clone());
        Ok(())
    }

    fn upsert_comment(&self, comment: &PullComment) -> Result<(), PortError> {
        let verb = "upsert_comment";
        let mut state = self.call(verb, &comment.key, "pull-requests: write")?;
        if comment.body.is_empty() || comment.body.len() > TEXT {
            return Err(invalid(verb, "the comment is too long, or empty"));
        }
        let key = (comment.pull, comment.key.clone());
        state.comments.entry(key).or_default().push(comment.clone());
        Ok(())
    }

    fn set_commit_status(&self, status: &CommitStatus) -> Result<(), PortError> {
        let verb = "set_commit_status";
        let about = format!("{} {:?}", status.context, status.conclusion);
        let mut state = self.call(verb, &about, "statuses: write")?;
        line(verb, &status.description, DESCRIPTION)?;
        address(verb, status.details.as_ref())?;
        state.statuses.push(status.clone());
        Ok(())
    }
}

impl PullRequests for MemoryForge {
    fn state(&self, number: u64) -> Result<PullState, PortError> {
        let state = self.call("pull_state", &number.to_string(), "pull-requests: read")?;
        state
            .pulls
            .get(&number)
            .cloned()
            .ok_or_else(|| PortError::new(ErrorKind::Missing, "pull_state", format!("there is no {number}")))
    }

    fn remove_label(&self, number: u64, label: &str) -> Result<(), PortError> {
        let verb = "remove_label";
        let mut state = self.call(verb, &format!("{number} {label}"), "pull-requests: write")?;
        match state.pulls.get_mut(&number) {
            Some(pull) => {
                pull.labels.retain(|found| found != label);
                Ok(())
            }
            None => Err(PortError::new(
                ErrorKind::Missing,
                verb,
                format!("there is no {number}"),
            )),
        }
    }
}
