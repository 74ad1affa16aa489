//! The server that plays GitHub notices what is wrong with a request, and with its own answers.

use crate::forge::yard::COMMIT;
use crate::support::github::{Description, FakeGitHub, Fault, Repository};
use greenroom::host::http::{Client, HttpRequest, HttpSettings};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Sends something as a client would that is not careful; its status and body.
fn send(fake: &FakeGitHub, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let headers = [
        ("accept", "application/vnd.github+json"),
        ("authorization", "Bearer ghs_swordfish"),
        ("content-type", "application/json"),
        ("x-github-api-version", "2022-11-28"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut headers = BTreeMap::from(headers);
    let bytes = (!body.is_null()).then(|| body.to_string().into_bytes());
    if bytes.is_none() {
        headers.remove("content-type");
    }
    let answer = Client::new(&HttpSettings::default())
        .unwrap()
        .send(&HttpRequest {
            method,
            url: &format!("{}/repos/acme/hello/{path}", fake.url()),
            headers: &headers,
            body: bytes.as_deref(),
            timeout: Duration::from_secs(10),
        })
        .unwrap();
    (
        answer.status,
        serde_json::from_slice(&answer.body).unwrap_or_default(),
    )
}

/// Path and body of a request, the status of its answer, and what is noticed.
type Mistake = (&'static str, Value, u16, &'static str);

fn deployment(change: Value) -> Value {
    let mut body = json!({
        "ref": COMMIT, "auto_merge": false, "required_contexts": [], "payload": {"greenroom": {"id": "x"}},
    });
    crate::support::github::merge(&mut body, change);
    body
}

fn check(change: Value) -> Value {
    let mut body = json!({"name": "x", "head_sha": COMMIT, "output": {"title": "x", "summary": "x"}});
    crate::support::github::merge(&mut body, change);
    body
}

fn mistakes_about_deployments() -> Vec<Mistake> {
    let at = "deployments";
    let without_id = json!({"payload": {"greenroom": null}});
    let long = json!({"description": "x".repeat(141)});
    vec![
        (
            at,
            deployment(json!({"colour": "red"})),
            201,
            "not one of GitHub's fields",
        ),
        (at, deployment(without_id), 201, "without an id"),
        (at, deployment(json!({"ref": 4})), 201, "4 is not of type"),
        (at, deployment(long), 201, "longer than 140"),
    ]
}

fn mistakes_about_checks() -> Vec<Mistake> {
    let at = "check-runs";
    let note =
        json!({"path": "a", "start_line": 1, "end_line": 1, "annotation_level": "notice", "message": "x"});
    let many = json!({"output": {"annotations": vec![note; 51]}});
    let half = json!({"output": {"annotations": [{"path": "a"}]}});
    let long = json!({"output": {"summary": "x".repeat(65_536)}});
    vec![
        (
            at,
            check(json!({"status": "completed"})),
            422,
            "if and only if it has a conclusion",
        ),
        (at, check(json!({"conclusion": "fine"})), 201, "is not one of"),
        (at, check(many), 422, "more than 50"),
        (at, check(half), 201, "is a required property"),
        (at, check(long), 201, "65535"),
    ]
}

#[test]
fn what_is_wrong_with_a_request_is_noticed() {
    let fake = FakeGitHub::start(Repository::default());
    let (_, made) = send(&fake, "POST", "deployments", &deployment(json!({})));
    assert!(fake.violations().is_empty());
    let findings = json!({"commit_sha": "abc", "ref": "main", "sarif": ""});
    let mut mistakes = mistakes_about_deployments();
    mistakes.extend(mistakes_about_checks());
    mistakes.push(("code-scanning/sarifs", findings, 400, "does not match"));
    mistakes.push(("git/refs", json!({}), 404, "no such operation"));
    for (path, body, status, noticed) in mistakes {
        assert_eq!(send(&fake, "POST", path, &body).0, status, "{path} {noticed}");
        let violations = fake.violations().join("\n");
        assert!(violations.contains(noticed), "{noticed} is not in: {violations}");
    }
    let statuses = format!("deployments/{}/statuses", made["id"]);
    assert_eq!(
        send(&fake, "POST", &statuses, &json!({"state": "running"})).0,
        422
    );
    assert!(fake.violations()[0].contains("is not one of"));
    send(&fake, "GET", "deployments?colour=red", &Value::Null);
    assert!(fake.violations()[0].contains("its query has colour"));
}

#[test]
fn a_violation_fails_the_test_that_made_it() {
    let fake = FakeGitHub::start(Repository::default());
    send(&fake, "GET", "nothing", &Value::Null);
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(fake)));
    assert!(failed.is_err());
}

#[test]
fn github_merges_and_waits_unless_it_is_told_not_to() {
    let fake = FakeGitHub::start(Repository::default());
    let own = json!({"greenroom": {"id": "x"}});
    let (status, _) = send(
        &fake,
        "POST",
        "deployments",
        &json!({"ref": COMMIT, "payload": own}),
    );
    assert_eq!(status, 202);
    let body = json!({"ref": COMMIT, "payload": own, "auto_merge": false});
    assert_eq!(send(&fake, "POST", "deployments", &body).0, 409);
    assert!(fake.deployments().is_empty());
}

#[test]
fn github_retires_others_by_itself_unless_it_is_told_not_to() {
    let fake = FakeGitHub::start(Repository::default());
    for (environment, expected) in [("staging", "inactive"), ("production", "success")] {
        let first = fake.job_deployment(environment, COMMIT, 1);
        let second = fake.job_deployment(environment, COMMIT, 2);
        for number in [first, second] {
            send(
                &fake,
                "POST",
                &format!("deployments/{number}/statuses"),
                &json!({"state": "success"}),
            );
        }
        let all = fake.deployments();
        assert_eq!(all.iter().find(|one| one.id == first).unwrap().state(), expected);
    }
}

#[test]
fn every_answer_of_its_own_is_one_that_github_describes() {
    // The smallest bodies that fit are what every answer is made of.
    let description = Description::read();
    for name in [
        "deployment",
        "deployment-status",
        "check-run",
        "issue-comment",
        "pull-request",
        "environment",
    ] {
        let made = description.sample(name, json!({}));
        assert!(made.is_object(), "{name}");
    }
    // One that does not fit is noticed.
    let operation = description
        .operations()
        .iter()
        .find(|one| one.id == "checks/create")
        .unwrap();
    let made = description.sample("check-run", json!({"status": "running"}));
    let faults = description.answer_faults(operation, 201, &made);
    assert!(faults[0].contains("is not one of"), "{faults:?}");
}

#[test]
fn faults_wait_for_their_own_operation_one_request_each() {
    let fake = FakeGitHub::start(Repository::default());
    fake.fail_next("repos/list-deployments", Fault::Page(502));
    assert_eq!(send(&fake, "GET", "environments", &Value::Null).0, 200);
    assert_eq!(send(&fake, "GET", "deployments", &Value::Null).0, 502);
    assert_eq!(send(&fake, "GET", "deployments", &Value::Null).0, 200);
    assert_eq!(fake.count("repos/list-deployments"), 2);
}
