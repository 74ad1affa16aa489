//! Marks beside commits.

use super::GitHub;
use super::calls::statuses as calls;
use super::talk::Talk;
use crate::domain::model::{CommitStatus, PortError};
use serde::Deserialize;

#[derive(Deserialize)]
struct Mark {
    id: u64,
    state: String,
    context: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    target_url: Option<String>,
}

/// See [`crate::ports::Forge::set_commit_status`].
pub(super) fn set(github: &GitHub, status: &CommitStatus) -> Result<(), PortError> {
    let talk = github.talk(&format!(
        "marking {} with {}",
        status.commit.short(),
        status.context
    ));
    talk.settle(
        || Ok(newest(&talk, status)?.filter(|mark| says(mark, status)).map(drop)),
        || talk.send(&calls::create(status)).map(drop),
    )
}

/// The mark that stands now.
fn newest(talk: &Talk<'_>, status: &CommitStatus) -> Result<Option<Mark>, PortError> {
    let marks: Vec<Mark> = talk.ask(&calls::of_commit(&status.commit))?;
    let same = marks
        .into_iter()
        .filter(|mark| mark.context.eq_ignore_ascii_case(&status.context));
    Ok(same.max_by_key(|mark| mark.id))
}

fn says(mark: &Mark, status: &CommitStatus) -> bool {
    mark.state == calls::state(status.conclusion)
        && mark.description.as_deref().unwrap_or_default() == calls::description(status)
        && mark.target_url == status.details
}
