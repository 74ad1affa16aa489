//! Who may agree to what, who did, and pull requests: what cannot be read is an error, never an answer.

use crate::forge::comments::pull;
use crate::forge::yard::{COMMIT, HOSTILE, Yard, refused};
use crate::support::github::{Approval, Environment, Fault, Repository, Team};
use greenroom::domain::model::ErrorKind;
use greenroom::ports::{EnvironmentRules, PullRequests as _, Reviews as _};
use serde_json::json;

fn repository() -> Repository {
    let approval = |state: &str, user: &str, comment: &str| Approval {
        state: state.to_owned(),
        user: user.to_owned(),
        environments: vec!["Staging".to_owned(), "production".to_owned()],
        comment: comment.to_owned(),
    };
    let said = vec![
        approval("approved", "alice", "ship it"),
        approval("rejected", "bob", HOSTILE),
        approval("pending", "carol", "hm"),
    ];
    Repository {
        approvals: [(42, said)].into(),
        environments: vec![
            Environment {
                name: "Production / eu".to_owned(),
                reviewers: vec!["alice".to_owned()],
                teams: vec!["ops".to_owned()],
                prevent_self_review: true,
                wait_timer: Some(30),
                protected_branches: true,
            },
            Environment {
                name: "staging".to_owned(),
                ..Environment::default()
            },
        ],
        teams: vec![Team {
            slug: "ops".to_owned(),
            members: vec![
                ("Alice".to_owned(), "active".to_owned()),
                ("dave".to_owned(), "pending".to_owned()),
            ],
        }],
        pulls: vec![pull()],
        ..Repository::default()
    }
}

/// The same with a token that may do only this.
fn allowed(permissions: &[&str]) -> Yard {
    Yard::of(Repository {
        permissions: Some(permissions.iter().map(|one| (*one).to_owned()).collect()),
        ..repository()
    })
}

#[test]
fn what_people_said_about_a_run_is_read_as_they_said_it() {
    let yard = Yard::of(repository());
    let said = yard.github.of_run(42).unwrap();
    let shown: Vec<(&str, bool, &str)> = said
        .iter()
        .map(|review| (review.who.as_str(), review.approved, review.comment.as_str()))
        .collect();
    assert_eq!(shown, [("alice", true, "ship it"), ("bob", false, HOSTILE)]);
    assert_eq!(said[0].environments, ["Staging", "production"]);
    assert!(yard.github.of_run(43).unwrap().is_empty());
}

#[test]
fn approvals_that_cannot_be_read_are_an_error() {
    let yard = allowed(&["deployments: write"]);
    let parts = ["asking who agreed to run 42", "`permissions: { actions: read }`"];
    refused(yard.github.of_run(42), ErrorKind::Denied, &parts);
    let yard = Yard::of(repository());
    for body in [json!({}), json!([{"state": "approved"}]), json!(null)] {
        yard.fails(
            "actions/get-reviews-for-run",
            &[Fault::Answer(200, Vec::new(), body)],
        );
        refused(
            yard.github.of_run(42),
            ErrorKind::Invalid,
            &["something unexpected"],
        );
    }
}

#[test]
fn the_rules_of_an_environment_are_found_however_it_is_spelled() {
    let yard = Yard::of(repository());
    let rules = yard.github.environment_rules("production / EU").unwrap().unwrap();
    let expected = EnvironmentRules {
        reviewers: vec!["alice".to_owned()],
        teams: vec!["ops".to_owned()],
        no_self_review: true,
        restricted_branches: true,
    };
    assert_eq!(rules, expected);
    let none = EnvironmentRules::default();
    assert_eq!(yard.github.environment_rules("staging").unwrap(), Some(none));
    let path = &yard.fake.requests()[0].path;
    assert!(path.ends_with("/environments/production%20%2F%20EU"), "{path}");
}

#[test]
fn an_environment_is_unknown_only_where_the_others_can_be_seen() {
    let yard = Yard::of(repository());
    assert_eq!(yard.github.environment_rules("test").unwrap(), None);
    let hidden = || Fault::Answer(404, Vec::new(), json!({"message": "Not Found"}));
    yard.fails("repos/get-environment", &[hidden()]);
    yard.fails("repos/get-all-environments", &[hidden()]);
    let outcome = yard.github.environment_rules("staging");
    refused(
        outcome,
        ErrorKind::Missing,
        &["reading the rules of the environment staging"],
    );
    let yard = allowed(&[]);
    let outcome = yard.github.environment_rules("staging");
    refused(outcome, ErrorKind::Denied, &["`permissions: { actions: read }`"]);
}

#[test]
fn rules_of_a_kind_that_is_not_known_guard_nothing_by_themselves() {
    let yard = Yard::of(repository());
    let environment = json!({
        "protection_rules": [
            {"id": 1, "type": "security_scan"},
            {"id": 2, "type": "required_reviewers", "reviewers": [{"type": "Robot", "reviewer": {}}]},
        ],
        "deployment_branch_policy": null,
    });
    yard.fails(
        "repos/get-environment",
        &[Fault::Answer(200, Vec::new(), environment)],
    );
    // Somebody may agree of whom nothing is known: that is not "nobody has to".
    let outcome = yard.github.environment_rules("staging");
    refused(outcome, ErrorKind::Invalid, &["something unexpected"]);
}

#[test]
fn members_are_those_who_have_joined() {
    let yard = Yard::of(repository());
    for (login, expected) in [("alice", true), ("dave", false), ("mallory", false)] {
        assert_eq!(yard.github.is_member("ops", login).unwrap(), expected, "{login}");
        assert_eq!(
            yard.github.is_member("acme/ops", login).unwrap(),
            expected,
            "{login}"
        );
    }
}

#[test]
fn a_team_that_may_not_be_seen_has_no_answer() {
    let yard = allowed(&["actions: read"]);
    let parts = [
        "asking whether alice belongs to ops",
        "sees no teams",
        "`members: read`",
    ];
    refused(yard.github.is_member("ops", "alice"), ErrorKind::Denied, &parts);
    // A token of a person is told that there is no such team.
    let yard = Yard::of(repository());
    refused(
        yard.github.is_member("secret", "alice"),
        ErrorKind::Denied,
        &["404"],
    );
    refused(
        yard.github.is_member("other/ops", "alice"),
        ErrorKind::Denied,
        &["404"],
    );
}

#[test]
fn a_pull_request_is_read_as_it_is_now() {
    let yard = Yard::of(repository());
    let state = yard.github.state(7).unwrap();
    assert!(state.open);
    assert_eq!(state.head.as_str(), COMMIT);
    assert_eq!(
        (state.head_repository, state.base_repository),
        (Some(4711), Some(4711))
    );
    assert_eq!(state.labels, ["Deploy to: staging/eu", "other"]);
    yard.fake.with(|state| {
        let pull = &mut state.repository.pulls[0];
        pull.open = false;
        pull.head_repository = None;
    });
    let state = yard.github.state(7).unwrap();
    assert!(!state.open && state.head_repository.is_none());
    refused(
        yard.github.state(8),
        ErrorKind::Missing,
        &["reading pull request 8", "404"],
    );
}

#[test]
fn a_label_is_taken_off_and_none_is_no_mistake() {
    let yard = Yard::of(repository());
    for _ in 0..2 {
        yard.github.remove_label(7, "deploy to: staging/eu").unwrap();
    }
    assert_eq!(yard.github.state(7).unwrap().labels, ["other"]);
    let asked = yard.fake.requests();
    assert!(
        asked[0].path.ends_with("/labels/deploy%20to%3A%20staging%2Feu"),
        "{}",
        asked[0].path
    );
    refused(yard.github.remove_label(8, "x"), ErrorKind::Missing, &["404"]);
    // It says that it is not there, and it is.
    let hidden = Fault::Answer(404, Vec::new(), json!({"message": "Not Found"}));
    yard.fails("issues/remove-label", &[hidden]);
    refused(yard.github.remove_label(7, "other"), ErrorKind::Missing, &["404"]);
    let yard = allowed(&["pull-requests: read"]);
    let parts = [
        "taking the label other off",
        "`permissions: { pull-requests: write }`",
    ];
    refused(yard.github.remove_label(7, "other"), ErrorKind::Denied, &parts);
}

#[test]
fn a_label_whose_removal_had_no_answer_is_taken_off_again() {
    for fault in [
        Fault::LostAfter,
        Fault::CutAfter,
        Fault::Page(502),
        Fault::CutBefore,
    ] {
        let yard = Yard::of(repository());
        yard.fails("issues/remove-label", &[fault]);
        yard.github.remove_label(7, "other").unwrap();
        assert_eq!(yard.github.state(7).unwrap().labels.len(), 1);
        assert_eq!(yard.fake.count("issues/remove-label"), 2);
    }
}
