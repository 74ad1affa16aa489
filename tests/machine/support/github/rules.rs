//! What GitHub's description does not say about a request, and which permission it takes.

use super::Asked;
use super::description::{Description, Operation};
use super::server::Request;
use serde_json::Value;

/// The longest description of a state, in characters.
const DESCRIPTION: usize = 140;
/// The longest text of a check and body of a comment, in bytes: GitHub counts characters.
const LONGEST: usize = 65_536;
/// The longest message of an annotation, in bytes.
const LONGEST_MESSAGE: usize = 64 * 1024;

/// Everything that is wrong with a request.
pub(super) fn of_request(
    description: &Description,
    operation: &Operation,
    request: &Request,
    asked: &Asked,
) -> Vec<String> {
    let mut faults = description.request_faults(operation, &asked.body);
    for (name, expected) in [
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", "2022-11-28"),
    ] {
        if request.headers.get(name).map(String::as_str) != Some(expected) {
            faults.push(format!("without {name}: {expected}"));
        }
    }
    let agent = request.headers.get("user-agent");
    if !agent.is_some_and(|agent| agent.starts_with("greenroom/")) {
        faults.push("without a user-agent".to_owned());
    }
    let json = request.headers.get("content-type").map(String::as_str) == Some("application/json");
    if json == request.body.is_empty() {
        faults.push("its content-type says something else than its body".to_owned());
    }
    let known = operation.queries();
    let unknown = asked.query.keys().filter(|name| !known.contains(&name.as_str()));
    faults.extend(unknown.map(|name| format!("its query has {name}, which is none of {known:?}")));
    faults.extend(of_body(&operation.id, &asked.body));
    faults
}

fn of_body(operation: &str, body: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let characters = |pointer: &str| {
        let text = body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        (text.chars().count(), text.len())
    };
    if operation.starts_with("repos/") && characters("/description").0 > DESCRIPTION {
        faults.push(format!("its description is longer than {DESCRIPTION} characters"));
    }
    if operation.starts_with("checks/") {
        for field in ["/output/summary", "/output/text"] {
            if characters(field).1 >= LONGEST {
                faults.push(format!("{field} is longer than GitHub takes"));
            }
        }
        if (body["status"] == "completed") != body["conclusion"].is_string() {
            faults.push("a check is completed if and only if it has a conclusion".to_owned());
        }
        if body["conclusion"].is_string() != body["completed_at"].is_string() {
            faults.push("a check has a conclusion if and only if it says when".to_owned());
        }
        for remark in body
            .pointer("/output/annotations")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let length = |name: &str| remark[name].as_str().unwrap_or_default().len();
            if length("message") == 0 || length("message") > LONGEST_MESSAGE || length("title") > 4 * 255 {
                faults.push("an annotation has no message, or too long a text".to_owned());
            }
            if remark["start_line"].as_u64().unwrap_or(0) == 0 || length("path") == 0 {
                faults.push("an annotation stands nowhere".to_owned());
            }
        }
    }
    if operation.starts_with("issues/") && characters("/body").1 > LONGEST {
        faults.push("the comment is longer than GitHub takes".to_owned());
    }
    if operation == "repos/create-deployment" && body["payload"].pointer("/greenroom/id").is_none() {
        faults.push("a deployment without an id to find it by".to_owned());
    }
    faults
}

/// What an operation needs: the permission and its level.
pub(super) fn permission(operation: &str) -> (&'static str, &'static str) {
    match operation {
        "checks/list-for-ref" => ("checks", "read"),
        "checks/create" | "checks/update" => ("checks", "write"),
        "repos/list-deployments" | "repos/get-deployment" | "repos/list-deployment-statuses" => {
            ("deployments", "read")
        }
        "repos/create-deployment" | "repos/create-deployment-status" => ("deployments", "write"),
        "repos/list-commit-statuses-for-ref" => ("statuses", "read"),
        "repos/create-commit-status" => ("statuses", "write"),
        "code-scanning/get-sarif" => ("security-events", "read"),
        "code-scanning/upload-sarif" => ("security-events", "write"),
        "issues/list-comments" | "pulls/get" => ("pull-requests", "read"),
        "issues/create-comment" | "issues/update-comment" | "issues/remove-label" => {
            ("pull-requests", "write")
        }
        "actions/get-reviews-for-run" | "repos/get-all-environments" | "repos/get-environment" => {
            ("actions", "read")
        }
        "teams/get-by-name" | "teams/get-membership-for-user-in-org" => ("members", "read"),
        "packages/get-all-package-versions-for-package-owned-by-org"
        | "packages/get-all-package-versions-for-package-owned-by-user"
        | "packages/get-package-version-for-organization"
        | "packages/get-package-version-for-user" => ("packages", "read"),
        "packages/delete-package-version-for-org" | "packages/delete-package-version-for-user" => {
            ("packages", "write")
        }
        "users/get-by-username" => ("metadata", "read"),
        other => panic!("say in this table what {other} needs"),
    }
}
