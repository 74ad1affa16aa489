//! Deployments, their states, and marks beside commits.

use super::act::{Asking, Outcome};
use super::description::Description;
use super::state::{Deployment, Mark, State, Status};
use serde_json::{Value, json};

pub(super) fn done(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    match asking.operation {
        "repos/list-deployments" => {
            let wanted =
                |name: &str, value: &str| asking.query.get(name).is_none_or(|wanted| wanted == value);
            let found = state.deployments.iter().rev().filter(|one| {
                wanted("sha", &one.sha)
                    && wanted("environment", &one.environment)
                    && wanted("task", &one.task)
            });
            let shown = found.map(|one| shown(description, state, one)).collect();
            asking.page(shown, Value::Array)
        }
        "repos/create-deployment" => create(description, state, asking),
        "repos/list-commit-statuses-for-ref" => {
            let sha = &asking.names["ref"];
            let found = state.marks.iter().rev().filter(|mark| mark.sha == *sha);
            let shown = found.map(|mark| mark_shown(description, mark)).collect();
            asking.page(shown, Value::Array)
        }
        "repos/create-commit-status" => mark(description, state, asking),
        _ => one(description, state, asking),
    }
}

fn create(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    let body = asking.body;
    let reference = asking.text("ref");
    if !state.has(reference) {
        let message = format!("No ref found for: {reference}");
        return Outcome::of(
            422,
            json!({"message": message, "documentation_url": "https://docs.github.com/rest"}),
        );
    }
    if body["auto_merge"] != false {
        let message = "Auto-merged main into topic on deployment.";
        return Outcome::of(202, json!({ "message": message }));
    }
    if body["required_contexts"] != json!([]) {
        let mut conflict = Outcome::refusal(409, "Conflict: Commit status checks failed for topic.");
        // It is described without a body.
        conflict.body["status"] = json!("409");
        return conflict;
    }
    let environment = body["environment"].as_str().unwrap_or("production").to_owned();
    let id = state.next();
    let made = Deployment {
        id,
        sha: reference.to_owned(),
        task: body["task"].as_str().unwrap_or("deploy").to_owned(),
        payload: body["payload"].clone(),
        description: body["description"].as_str().map(str::to_owned),
        transient: body["transient_environment"] == true,
        production: body["production_environment"]
            .as_bool()
            .unwrap_or(environment == "production"),
        environment,
        statuses: Vec::new(),
    };
    let answer = shown(description, state, &made);
    state.deployments.push(made);
    Outcome::of(201, answer)
}

/// What is asked of one deployment.
fn one(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    let number = asking.number("deployment_id");
    let Some(place) = state.deployments.iter().position(|one| one.id == number) else {
        return Outcome::refusal(404, "Not Found");
    };
    match asking.operation {
        "repos/get-deployment" => Outcome::of(200, shown(description, state, &state.deployments[place])),
        "repos/list-deployment-statuses" => {
            let deployment = &state.deployments[place];
            let newest = deployment.statuses.iter().rev();
            let shown = newest
                .map(|status| status_shown(description, deployment, status))
                .collect();
            asking.page(shown, Value::Array)
        }
        "repos/create-deployment-status" => {
            let word = asking.text("state");
            let known = [
                "error",
                "failure",
                "inactive",
                "in_progress",
                "queued",
                "pending",
                "success",
            ];
            if !known.contains(&word) {
                return Outcome::invalid("DeploymentStatus", "state", "state is not included in the list");
            }
            if word == "success" && asking.body["auto_inactive"] != false {
                retire_others(state, place);
            }
            let status = Status {
                id: state.next(),
                sent: asking.body.clone(),
            };
            let deployment = &mut state.deployments[place];
            deployment.statuses.push(status.clone());
            Outcome::of(201, status_shown(description, deployment, &status))
        }
        other => panic!("nothing answers {other}"),
    }
}

/// What GitHub does by itself unless it is told not to: production and transient environments are left out.
fn retire_others(state: &mut State, place: usize) {
    let environment = state.deployments[place].environment.clone();
    for other in 0..state.deployments.len() {
        let deployment = &state.deployments[other];
        let left_out = deployment.transient || deployment.production || other == place;
        if left_out || deployment.environment != environment || deployment.state() != "success" {
            continue;
        }
        let status = Status {
            id: state.next(),
            sent: json!({"state": "inactive", "description": ""}),
        };
        state.deployments[other].statuses.push(status);
    }
}

fn mark(description: &Description, state: &mut State, asking: &Asking<'_>) -> Outcome {
    let sha = &asking.names["sha"];
    if !state.has(sha) {
        return Outcome::of(
            422,
            json!({"message": format!("No commit found for SHA: {sha}"), "documentation_url": "https://docs.github.com/rest"}),
        );
    }
    let mark = Mark {
        id: state.next(),
        sha: sha.clone(),
        sent: asking.body.clone(),
    };
    let answer = mark_shown(description, &mark);
    state.marks.push(mark);
    Outcome::of(201, answer)
}

fn shown(description: &Description, state: &State, one: &Deployment) -> Value {
    let payload = if state.repository.payload_as_text {
        json!(one.payload.to_string())
    } else {
        one.payload.clone()
    };
    description.sample(
        "deployment",
        json!({
            "id": one.id,
            "sha": one.sha,
            "ref": one.sha,
            "task": one.task,
            "environment": one.environment,
            "original_environment": one.environment,
            "payload": payload,
            "description": one.description,
            "transient_environment": one.transient,
            "production_environment": one.production,
        }),
    )
}

fn status_shown(description: &Description, deployment: &Deployment, status: &Status) -> Value {
    let text = |name: &str| status.sent[name].as_str().unwrap_or_default().to_owned();
    let mut known = json!({
        "id": status.id,
        "state": text("state"),
        "description": text("description"),
        "environment": deployment.environment,
    });
    for field in ["environment_url", "log_url"] {
        if !text(field).is_empty() {
            known[field] = json!(text(field));
        }
    }
    // The two are one to GitHub.
    if !text("log_url").is_empty() {
        known["target_url"] = json!(text("log_url"));
    }
    description.sample("deployment-status", known)
}

fn mark_shown(description: &Description, mark: &Mark) -> Value {
    description.sample(
        "status",
        json!({
            "id": mark.id,
            "state": mark.sent["state"],
            "context": mark.sent["context"].as_str().unwrap_or("default"),
            "description": mark.sent["description"],
            "target_url": mark.sent["target_url"],
        }),
    )
}
