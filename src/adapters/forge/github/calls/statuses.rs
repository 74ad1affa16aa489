//! Marks beside commits.

use super::{Call, without_nulls};
use crate::domain::model::{CommitId, CommitStatus, Conclusion, one_line};

use serde_json::json;

const NEEDS: &str = "statuses: write";
/// The longest description, in characters.
const DESCRIPTION: usize = 140;

/// The newest marks beside a commit, newest first.
pub fn of_commit(commit: &CommitId) -> Call {
    Call::get(NEEDS, format!("commits/{commit}/statuses?per_page=100"))
}

/// A new mark, in the place of the one with the same context.
pub fn create(status: &CommitStatus) -> Call {
    let body = json!({
        "state": state(status.conclusion),
        "context": status.context,
        "description": description(status),
        "target_url": status.details,
    });
    Call::post(NEEDS, format!("statuses/{}", status.commit), without_nulls(body))
}

/// GitHub's word for how it ended. It has none for "says nothing": a rule that asks for the mark is
/// satisfied by it, as by a neutral check.
pub fn state(conclusion: Option<Conclusion>) -> &'static str {
    match conclusion {
        None => "pending",
        Some(Conclusion::Success | Conclusion::Neutral) => "success",
        Some(Conclusion::Failure) => "failure",
        Some(Conclusion::ActionRequired | Conclusion::Cancelled) => "error",
    }
}

/// The description as it is sent.
pub fn description(status: &CommitStatus) -> String {
    one_line(&status.description, DESCRIPTION)
}
