//! Every request that can be made, held against GitHub's own description.

use crate::forge::checks::{check, remarks};
use crate::forge::comments::comment;
use crate::forge::deployments::{draft, update};
use crate::forge::marks::status;
use crate::forge::packages::package;
use crate::forge::scanning::upload;
use crate::forge::yard::{COMMIT, HOSTILE};
use crate::support::github::Description;
use greenroom::adapters::forge::github::calls::{
    Call, checks, comments, deployments, packages, people, pulls, repositories, scanning, statuses,
};
use greenroom::domain::model::{CommitId, Conclusion, DeploymentState};

use std::collections::BTreeSet;

fn of_packages() -> Vec<Call> {
    let package = package(HOSTILE, HOSTILE);
    let mut calls = vec![packages::account(HOSTILE)];
    for account in [packages::Account::Organization, packages::Account::User] {
        calls.push(packages::versions(account, &package, 1));
        calls.push(packages::version(account, &package, 1));
        calls.push(packages::delete(account, &package, 1));
    }
    calls
}

/// All of them, with plain and with hostile texts.
fn all() -> Vec<Call> {
    let commit: CommitId = COMMIT.parse().unwrap();
    let mut calls = vec![
        deployments::of_commit(&commit),
        deployments::of_environment("staging", 30),
        deployments::of_environment(HOSTILE, 30),
        deployments::deployment(1),
        deployments::statuses(1),
        deployments::create(&draft()),
        deployments::retire(1, HOSTILE),
        checks::of_commit(&commit, HOSTILE),
        checks::create(&check(), &[]),
        checks::create(&check(), &remarks(200)),
        checks::update(1, &check(), &remarks(50)),
        comments::page(7, 1),
        comments::create(&comment(HOSTILE)),
        comments::update(1, &comment(&HOSTILE.repeat(9000))),
        statuses::of_commit(&commit),
        statuses::create(&status(None)),
        scanning::upload(&upload(), "H4sIAAAA"),
        scanning::status("47177e22-5596-11eb-80a1-c1e54ef945c6"),
        people::approvals(42),
        people::environment(HOSTILE),
        people::environments(),
        people::membership("acme", "ops", HOSTILE),
        people::team("acme", "ops"),
        pulls::pull(7),
        pulls::remove_label(7, HOSTILE),
    ];
    calls.extend(of_packages());
    for state in [
        DeploymentState::InProgress,
        DeploymentState::Success,
        DeploymentState::Failure,
        DeploymentState::Error,
        DeploymentState::Inactive,
    ] {
        let mut update = update(state);
        calls.push(deployments::show(1, &update));
        update.url = None;
        update.log = None;
        update.description = HOSTILE.repeat(20);
        calls.push(deployments::show(1, &update));
    }
    for conclusion in [
        Conclusion::Success,
        Conclusion::Failure,
        Conclusion::ActionRequired,
        Conclusion::Neutral,
        Conclusion::Cancelled,
    ] {
        let mut check = check();
        check.conclusion = Some(conclusion);
        check.text = Some(HOSTILE.repeat(9000));
        check.summary = HOSTILE.repeat(9000);
        calls.push(checks::create(&check, &[]));
        calls.push(checks::update(1, &check, &[]));
        calls.push(statuses::create(&status(Some(conclusion))));
    }
    calls
}

#[test]
fn every_request_is_one_that_github_describes() {
    let description = Description::read();
    let mut seen = BTreeSet::new();
    for call in all() {
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        let path = match path.strip_prefix('/') {
            Some(_) => path.to_owned(),
            None => format!("/repos/acme/hello/{path}"),
        };
        let method = call.method.as_str();
        let (operation, _) = description
            .find(method, &path)
            .unwrap_or_else(|| panic!("GitHub has no {method} {path}"));
        seen.insert(operation.id.clone());
        let body = call.body.clone().unwrap_or_default();
        let faults = description.request_faults(operation, &body);
        assert!(faults.is_empty(), "{}: {faults:?}: {body}", operation.id);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap();
            assert!(operation.queries().contains(&name), "{}: {name}", operation.id);
            assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{value}");
        }
    }
    let described: BTreeSet<String> = description
        .operations()
        .iter()
        .map(|one| one.id.clone())
        .collect();
    assert_eq!(
        seen, described,
        "each operation of the description is used, and no other"
    );
}

#[test]
fn only_where_a_redirect_leads_to_is_written_down_nowhere() {
    let call = repositories::numbered(4711);
    assert_eq!(
        (call.method.as_str(), call.path.as_str()),
        ("GET", "/repositories/4711")
    );
    let described = Description::read();
    assert!(described.find(call.method.as_str(), &call.path).is_none());
}

#[test]
fn every_file_that_makes_requests_is_listed_here() {
    let sources = [
        (
            "checks",
            include_str!("../../../src/adapters/forge/github/calls/checks.rs"),
        ),
        (
            "comments",
            include_str!("../../../src/adapters/forge/github/calls/comments.rs"),
        ),
        (
            "deployments",
            include_str!("../../../src/adapters/forge/github/calls/deployments.rs"),
        ),
        (
            "packages",
            include_str!("../../../src/adapters/forge/github/calls/packages.rs"),
        ),
        (
            "people",
            include_str!("../../../src/adapters/forge/github/calls/people.rs"),
        ),
        (
            "pulls",
            include_str!("../../../src/adapters/forge/github/calls/pulls.rs"),
        ),
        (
            "repositories",
            include_str!("../../../src/adapters/forge/github/calls/repositories.rs"),
        ),
        (
            "scanning",
            include_str!("../../../src/adapters/forge/github/calls/scanning.rs"),
        ),
        (
            "statuses",
            include_str!("../../../src/adapters/forge/github/calls/statuses.rs"),
        ),
    ];
    let own = include_str!("calls.rs");
    for (module, source) in sources {
        for line in source
            .lines()
            .filter(|line| line.ends_with("-> Call {") && line.starts_with("pub fn"))
        {
            let name = line.trim_start_matches("pub fn ").split('(').next().unwrap();
            assert!(
                own.contains(&format!("{module}::{name}(")),
                "{module}::{name} is not made in a test"
            );
        }
    }
}
