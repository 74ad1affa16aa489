//! Pull requests as they are now.

use super::GitHub;
use super::calls::pulls as calls;
use super::talk::Talk;
use crate::domain::model::{CommitId, ErrorKind, Explanation, PortError, PullState};

use serde::Deserialize;

#[derive(Deserialize)]
struct Pull {
    state: String,
    head: Side,
    base: Side,
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Side {
    sha: String,
    /// `null` where it was deleted.
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

/// See [`crate::ports::PullRequests::state`].
pub(super) fn state(github: &GitHub, number: u64) -> Result<PullState, PortError> {
    read(&github.talk(&format!("reading pull request {number}")), number)
}

fn read(talk: &Talk<'_>, number: u64) -> Result<PullState, PortError> {
    let pull: Pull = talk.ask(&calls::pull(number))?;
    let head: CommitId = pull.head.sha.parse().map_err(|error| {
        let why = Explanation::new("GitHub names a head that is no commit").because(&error);
        talk.error(ErrorKind::Invalid, why)
    })?;
    Ok(PullState {
        open: pull.state == "open",
        head,
        head_repository: pull.head.repo.map(|repository| repository.id),
        base_repository: pull.base.repo.map(|repository| repository.id),
        labels: pull.labels.into_iter().map(|label| label.name).collect(),
    })
}

/// See [`crate::ports::PullRequests::remove_label`].
pub(super) fn remove_label(github: &GitHub, number: u64, label: &str) -> Result<(), PortError> {
    let talk = github.talk(&format!("taking the label {label} off pull request {number}"));
    match talk.send(&calls::remove_label(number, label)) {
        Err(missing) if missing.kind == ErrorKind::Missing => {
            // The same words mean that the label is not on it, or that there is no such pull request.
            let pull = read(&talk, number)?;
            let is_on = pull
                .labels
                .iter()
                .any(|on| on.to_lowercase() == label.to_lowercase());
            if is_on { Err(missing) } else { Ok(()) }
        }
        outcome => outcome.map(drop),
    }
}
