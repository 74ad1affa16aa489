//! Check runs: found by their key, written anew in place, their remarks in batches.

use super::GitHub;
use super::calls::checks as calls;
use super::talk::Talk;
use crate::domain::model::{CheckReport, ErrorKind, PortError, Remark};
use serde::Deserialize;

#[derive(Deserialize)]
struct Found {
    check_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    output: Output,
}

#[derive(Deserialize)]
struct Output {
    annotations_count: usize,
}

impl Run {
    /// The remarks that it has not got: GitHub adds those of every request to those of the ones before.
    fn missing<'a>(&self, check: &'a CheckReport) -> &'a [Remark] {
        check
            .remarks
            .get(self.output.annotations_count..)
            .unwrap_or_default()
    }
}

/// See [`crate::ports::Forge::publish_check`].
pub(super) fn publish(github: &GitHub, check: &CheckReport) -> Result<(), PortError> {
    let talk = github.talk(&format!("publishing the check {}", check.name));
    let mut run = match find(&talk, check)? {
        // One that another app made under the same key cannot be changed.
        Some(run) => match write(&talk, check, &run) {
            Err(error) if error.kind == ErrorKind::Denied => create(&talk, check)?,
            written => written?,
        },
        None => create(&talk, check)?,
    };
    while !run.missing(check).is_empty() {
        let before = run.output.annotations_count;
        run = write(&talk, check, &run)?;
        if run.output.annotations_count <= before {
            let message = format!(
                "GitHub keeps {before} of the check's {} remarks: the others are in its text",
                check.remarks.len()
            );
            return Err(talk.error(ErrorKind::Invalid, message));
        }
    }
    Ok(())
}

fn find(talk: &Talk<'_>, check: &CheckReport) -> Result<Option<Run>, PortError> {
    let found: Found = talk.ask(&calls::of_commit(&check.commit, &check.name))?;
    let own = found.check_runs.into_iter();
    Ok(own
        .filter(|run| run.external_id.as_deref() == Some(&check.key))
        .max_by_key(|run| run.id))
}

fn create(talk: &Talk<'_>, check: &CheckReport) -> Result<Run, PortError> {
    let first = &check.remarks[..check.remarks.len().min(calls::BATCH)];
    talk.insist(|| find(talk, check), || talk.ask(&calls::create(check, first)))
}

/// Writes the check anew, with the next remarks that it has not got. Where the answer was lost, it shows in
/// their number whether they have arrived.
fn write(talk: &Talk<'_>, check: &CheckReport, run: &Run) -> Result<Run, PortError> {
    let number = run.id;
    let before = run.output.annotations_count;
    let next = run.missing(check);
    let next = &next[..next.len().min(calls::BATCH)];
    talk.insist(
        || {
            // Without remarks the same words change nothing more.
            let again = if next.is_empty() { None } else { find(talk, check)? };
            Ok(again.filter(|run| run.id == number && run.output.annotations_count > before))
        },
        || talk.ask(&calls::update(number, check, next)),
    )
}
