//! Check runs.

use super::act::{Asking, Outcome};
use super::description::{Description, merge};
use super::state::{APP, Check, State};
use serde_json::{Value, json};

/// Most annotations in one request.
const BATCH: usize = 50;

pub(super) fn done(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    match asking.operation {
        "checks/list-for-ref" => list(description, state, asking),
        "checks/create" => {
            let sha = asking.text("head_sha").to_owned();
            if !state.has(&sha) {
                return Outcome::refusal(422, &format!("No commit found for SHA: {sha}"));
            }
            if let Some(refusal) = refused(asking.body) {
                return refusal;
            }
            let mut check = Check {
                id: state.next(),
                app: APP,
                sha,
                fields: json!({"status": "queued", "output": {}}),
                annotations: Vec::new(),
            };
            write(&mut check, asking.body);
            let answer = shown(description, &check);
            state.checks.push(check);
            Outcome::of(201, answer)
        }
        "checks/update" => {
            let number = asking.number("check_run_id");
            let Some(check) = state.checks.iter_mut().find(|check| check.id == number) else {
                return Outcome::refusal(404, "Not Found");
            };
            if check.app != APP {
                let message = format!(
                    "Invalid app_id `{}` - check run can only be modified by the GitHub App that created it.",
                    check.app
                );
                return Outcome::refusal(403, &message);
            }
            if let Some(refusal) = refused(asking.body) {
                return refusal;
            }
            write(check, asking.body);
            Outcome::of(200, shown(description, check))
        }
        other => panic!("nothing answers {other}"),
    }
}

fn list(description: &Description, state: &State, asking: &Asking<'_>) -> Outcome {
    let (sha, name) = (&asking.names["ref"], asking.query.get("check_name"));
    let all = asking.query.get("filter").is_some_and(|filter| filter == "all");
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for check in state.checks.iter().rev().filter(|check| check.sha == *sha) {
        let own = check.fields["name"].as_str().unwrap_or_default();
        let is_latest = !seen.contains(&(check.app, own));
        seen.push((check.app, own));
        if name.is_none_or(|name| name == own) && (all || is_latest) {
            found.push(shown(description, check));
        }
    }
    let total = found.len();
    asking.page(found, |page| json!({"total_count": total, "check_runs": page}))
}

/// What GitHub refuses although its description does not say so, or says it only in part.
fn refused(body: &Value) -> Option<Outcome> {
    let annotations = body.pointer("/output/annotations").and_then(Value::as_array);
    if annotations.is_some_and(|all| all.len() > BATCH) {
        return Some(Outcome::refusal(
            422,
            "Invalid request.\n\nNo more than 50 items are allowed.",
        ));
    }
    if body["status"] == "completed" && !body["conclusion"].is_string() {
        return Some(Outcome::refusal(
            422,
            "Invalid request.\n\n\"conclusion\" wasn't supplied.",
        ));
    }
    None
}

fn write(check: &mut Check, body: &Value) {
    let mut body = body.clone();
    if let Some(output) = body["output"].as_object_mut()
        && let Some(Value::Array(more)) = output.remove("annotations")
    {
        check.annotations.extend(more);
    }
    if body["status"].is_string() && body["status"] != "completed" {
        // It has begun again.
        merge(
            &mut check.fields,
            json!({"conclusion": null, "completed_at": null}),
        );
    }
    merge(&mut check.fields, body);
}

fn shown(description: &Description, check: &Check) -> Value {
    let fields = &check.fields;
    let mut known = json!({
        "id": check.id,
        "head_sha": check.sha,
        "name": fields["name"],
        "status": fields["status"],
        "conclusion": fields["conclusion"],
        "external_id": fields["external_id"],
        "output": {
            "title": fields["output"]["title"],
            "summary": fields["output"]["summary"],
            "text": fields["output"]["text"],
            "annotations_count": check.annotations.len(),
        },
    });
    for time in ["started_at", "completed_at"] {
        known[time] = fields[time].clone();
    }
    description.sample("check-run", known)
}
