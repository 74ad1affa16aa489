//! Payloads of events, as GitHub writes them into the runner's event file.

use serde_json::{Value, json};

fn payload(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// `sha` was pushed to `branch`.
pub(crate) fn push(branch: &str, sha: &str) -> Value {
    let mut event = payload(include_str!("../../fixtures/events/push.json"));
    event["ref"] = json!(format!("refs/heads/{branch}"));
    event["after"] = json!(sha);
    event["head_commit"]["id"] = json!(sha);
    event
}

/// Somebody started the workflow on `branch` with these inputs.
pub(crate) fn dispatch(branch: &str, inputs: &Value) -> Value {
    let mut event = payload(include_str!("../../fixtures/events/dispatch.json"));
    event["ref"] = json!(format!("refs/heads/{branch}"));
    event["inputs"] = inputs.clone();
    event
}

/// Pull request 7, whose head is `sha`, was given the label.
pub(crate) fn labeled(label: &str, branch: &str, sha: &str) -> Value {
    let mut event = payload(include_str!("../../fixtures/events/labeled.json"));
    event["label"]["name"] = json!(label);
    event["pull_request"]["head"]["sha"] = json!(sha);
    event["pull_request"]["head"]["ref"] = json!(branch);
    event
}
