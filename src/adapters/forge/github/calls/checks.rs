//! Check runs.

use super::{Call, segment, without_nulls};
use crate::adapters::forge::github::text;
use crate::domain::model::{CheckReport, CommitId, Conclusion, Remark, RemarkLevel, one_line};

use serde_json::{Value, json};

const NEEDS: &str = "checks: write";
/// Most annotations in one request (REST API, "Create a check run").
pub const BATCH: usize = 50;
/// The longest summary and text. GitHub counts characters; bytes are never fewer.
const LONGEST_TEXT: usize = 65_535;
/// The longest message of an annotation, in bytes (64 KB).
const LONGEST_MESSAGE: usize = 64_000;
/// The longest title, in characters.
const LONGEST_TITLE: usize = 255;

/// The checks of that name beside a commit, those of earlier attempts too.
pub fn of_commit(commit: &CommitId, name: &str) -> Call {
    let name = segment(name);
    Call::get(
        NEEDS,
        format!("commits/{commit}/check-runs?check_name={name}&filter=all&per_page=100"),
    )
}

/// A new check with the first of its remarks.
pub fn create(check: &CheckReport, remarks: &[Remark]) -> Call {
    let mut body = fields(check, remarks);
    if let Some(fields) = body.as_object_mut() {
        fields.insert("head_sha".to_owned(), check.commit.as_str().into());
    }
    Call::post(NEEDS, "check-runs".to_owned(), body)
}

/// Writes check `number` anew; the remarks come on top of those that it has.
pub fn update(number: u64, check: &CheckReport, remarks: &[Remark]) -> Call {
    Call::patch(NEEDS, format!("check-runs/{number}"), fields(check, remarks))
}

fn fields(check: &CheckReport, remarks: &[Remark]) -> Value {
    // GitHub refuses a check that is completed without a conclusion or without the time.
    let completed = check.conclusion.map(|_| check.completed.unwrap_or(check.started));
    let mut output = json!({
        "title": title(&check.title),
        "summary": text::fitted(&check.summary, LONGEST_TEXT),
        "text": check.text.as_deref().map(|more| text::fitted(more, LONGEST_TEXT)),
    });
    if !remarks.is_empty()
        && let Some(fields) = output.as_object_mut()
    {
        fields.insert(
            "annotations".to_owned(),
            remarks.iter().take(BATCH).map(annotation).collect(),
        );
    }
    without_nulls(json!({
        "name": check.name,
        "external_id": check.key,
        "status": if check.conclusion.is_some() { "completed" } else { "in_progress" },
        "conclusion": check.conclusion.map(conclusion),
        "started_at": check.started.to_string(),
        "completed_at": completed.map(|at| at.to_string()),
        "details_url": check.details,
        "output": without_nulls(output),
    }))
}

fn annotation(remark: &Remark) -> Value {
    let level = match remark.level {
        RemarkLevel::Notice => "notice",
        RemarkLevel::Warning => "warning",
        RemarkLevel::Failure => "failure",
    };
    let line = remark.line.max(1);
    let title = title(&remark.title);
    // GitHub takes no annotation that says nothing.
    let message = match remark.message.trim() {
        "" => title.clone(),
        _ => text::fitted(&remark.message, LONGEST_MESSAGE),
    };
    json!({
        "path": remark.path,
        "start_line": line,
        "end_line": line,
        "annotation_level": level,
        "title": title,
        "message": message,
    })
}

/// A heading: GitHub takes none that is empty.
fn title(title: &str) -> String {
    let title = one_line(title, LONGEST_TITLE);
    if title.is_empty() {
        "greenroom".to_owned()
    } else {
        title
    }
}

fn conclusion(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Success => "success",
        Conclusion::Failure => "failure",
        Conclusion::ActionRequired => "action_required",
        Conclusion::Neutral => "neutral",
        Conclusion::Cancelled => "cancelled",
    }
}
