//! Deployments: one for each, whatever happens to the answers, and the states that they had.

use crate::forge::yard::{COMMIT, HOSTILE, MERGE, Yard, refused};
use crate::support::github::{Fault, Repository};
use greenroom::domain::model::{DeploymentDraft, DeploymentState, DeploymentUpdate, ErrorKind};
use greenroom::ports::Forge as _;
use serde_json::json;

pub(crate) fn draft() -> DeploymentDraft {
    DeploymentDraft {
        id: "20261120T120000Z-0a1b2c3d".parse().unwrap(),
        environment: "staging".parse().unwrap(),
        commit: COMMIT.parse().unwrap(),
        run_commit: None,
        run: Some(42),
        service: "hello".to_owned(),
        version: "1.2.3".to_owned(),
        task: "deploy",
        description: "hello 1.2.3 by alice".to_owned(),
        production: false,
        transient: false,
    }
}

pub(crate) fn update(state: DeploymentState) -> DeploymentUpdate {
    DeploymentUpdate {
        state,
        environment: "staging".parse().unwrap(),
        description: "all units are healthy".to_owned(),
        url: Some("https://staging.example.test/".to_owned()),
        log: Some("https://github.com/acme/hello/actions/runs/42".to_owned()),
    }
}

#[test]
fn a_new_deployment_says_everything_and_switches_githubs_own_ideas_off() {
    let yard = Yard::new();
    let mut draft = draft();
    draft.production = true;
    draft.transient = true;
    draft.description = HOSTILE.repeat(9);
    let number = yard.github.open_deployment(&draft).unwrap();
    let made = &yard.fake.deployments()[0];
    assert_eq!(made.id, number);
    assert_eq!(
        (made.sha.as_str(), made.environment.as_str()),
        (COMMIT, "staging")
    );
    assert!(made.production && made.transient);
    let own = json!({"id": draft.id.as_str(), "service": "hello", "version": "1.2.3"});
    assert_eq!(made.payload, json!({ "greenroom": own }));
    let description = made.description.as_ref().unwrap();
    assert_eq!(description.chars().count(), 140);
    assert!(description.ends_with('…') && !description.contains(['\n', '\u{202e}', '\u{0}']));
    let asked = yard.fake.requests();
    let body = &asked.last().unwrap().body;
    assert_eq!(
        (&body["auto_merge"], &body["required_contexts"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(
        yard.github.name(),
        yard.fake.url().replace("http://", "") + " acme/hello"
    );
}

#[test]
fn the_same_draft_twice_is_one_deployment() {
    for payload_as_text in [false, true] {
        let yard = Yard::of(Repository {
            payload_as_text,
            ..Repository::default()
        });
        let first = yard.github.open_deployment(&draft()).unwrap();
        assert_eq!(yard.github.open_deployment(&draft()).unwrap(), first);
        assert_eq!(yard.fake.deployments().len(), 1);
        let mut another = draft();
        another.id = "20261120T130000Z-0a1b2c3d".parse().unwrap();
        assert_ne!(yard.github.open_deployment(&another).unwrap(), first);
        another.environment = "test".parse().unwrap();
        yard.github.open_deployment(&another).unwrap();
        assert_eq!(yard.fake.deployments().len(), 3);
    }
}

#[test]
fn the_deployment_of_the_runs_own_job_is_taken_however_its_environment_is_spelled() {
    let yard = Yard::new();
    yard.fake.job_deployment("staging", COMMIT, 4);
    yard.fake.job_deployment("staging", MERGE, 42);
    yard.fake.job_deployment("production", COMMIT, 42);
    let own = yard.fake.job_deployment("Staging", COMMIT, 42);
    assert_eq!(yard.github.open_deployment(&draft()).unwrap(), own);
    assert_eq!(yard.fake.count("repos/create-deployment"), 0);
}

#[test]
fn a_jobs_deployment_about_the_test_merge_is_the_jobs_all_the_same() {
    let yard = Yard::new();
    let own = yard.fake.job_deployment("staging", MERGE, 42);
    let mut draft = draft();
    draft.run_commit = Some(MERGE.parse().unwrap());
    assert_eq!(yard.github.open_deployment(&draft).unwrap(), own);
    // Without a run none is the run's.
    draft.run = None;
    assert_ne!(yard.github.open_deployment(&draft).unwrap(), own);
}

#[test]
fn a_run_whose_number_only_begins_the_same_is_another() {
    let yard = Yard::new();
    let other = yard.fake.job_deployment("staging", COMMIT, 421);
    assert_ne!(yard.github.open_deployment(&draft()).unwrap(), other);
}

#[test]
fn a_deployment_whose_answer_was_lost_is_found_and_not_made_again() {
    for fault in [Fault::LostAfter, Fault::CutAfter] {
        let yard = Yard::new();
        yard.fails("repos/create-deployment", &[fault]);
        let number = yard.github.open_deployment(&draft()).unwrap();
        assert_eq!(yard.fake.deployments()[0].id, number);
        assert_eq!(yard.fake.deployments().len(), 1);
        assert_eq!(yard.fake.count("repos/create-deployment"), 1);
    }
}

#[test]
fn a_deployment_that_never_was_is_made_again_after_a_look() {
    for fault in [Fault::Page(502), Fault::CutBefore, Fault::Page(500)] {
        let yard = Yard::new();
        yard.fails("repos/create-deployment", &[fault.clone(), fault]);
        yard.github.open_deployment(&draft()).unwrap();
        assert_eq!(yard.fake.deployments().len(), 1);
        let asked: Vec<String> = yard
            .fake
            .requests()
            .into_iter()
            .map(|asked| asked.operation)
            .collect();
        let (list, create) = ("repos/list-deployments", "repos/create-deployment");
        assert_eq!(asked, [list, create, list, create, list, create]);
    }
}

#[test]
fn a_deployment_that_cannot_be_made_is_ambiguous_in_the_end() {
    let yard = Yard::new();
    yard.fails("repos/create-deployment", &[const { Fault::Page(502) }; 4]);
    let outcome = yard.github.open_deployment(&draft());
    refused(
        outcome,
        ErrorKind::Ambiguous,
        &[
            "opening the deployment of hello 1.2.3 to staging",
            "502",
            "is not known",
        ],
    );
    assert_eq!(yard.fake.count("repos/create-deployment"), 4);
    assert!(yard.fake.deployments().is_empty());
}

#[test]
fn what_github_refuses_about_deployments_is_told() {
    let yard = Yard::of(Repository {
        commits: Some(vec![MERGE.to_owned()]),
        ..Repository::default()
    });
    let parts = ["422", "No ref found for: 0123456789abcdef", "push that first"];
    refused(yard.github.open_deployment(&draft()), ErrorKind::Invalid, &parts);
    let merged = json!({"message": "Auto-merged main into topic on deployment."});
    yard.fails(
        "repos/create-deployment",
        &[Fault::Answer(202, Vec::new(), merged)],
    );
    let parts = ["merged the default branch", "run this again"];
    refused(yard.github.open_deployment(&draft()), ErrorKind::Conflict, &parts);
    let conflict = json!({"message": "Conflict: Commit status checks failed for topic."});
    yard.fails(
        "repos/create-deployment",
        &[Fault::Answer(409, Vec::new(), conflict)],
    );
    let parts = ["409", "status checks failed"];
    refused(yard.github.open_deployment(&draft()), ErrorKind::Conflict, &parts);
    let outcome = yard
        .github
        .update_deployment(4, &update(DeploymentState::Success));
    refused(
        outcome,
        ErrorKind::Missing,
        &["404", "showing staging as success"],
    );
}

#[test]
fn a_token_without_the_permission_is_told_which_it_needs() {
    let yard = Yard::allowed(&["checks: write"]);
    let parts = [
        "`permissions: { deployments: write }`",
        "GitHub accepts deployments=read",
    ];
    refused(yard.github.open_deployment(&draft()), ErrorKind::Denied, &parts);
    let yard = Yard::allowed(&["deployments: read"]);
    let parts = [
        "`permissions: { deployments: write }`",
        "GitHub accepts deployments=write",
    ];
    refused(yard.github.open_deployment(&draft()), ErrorKind::Denied, &parts);
    assert_eq!(yard.fake.count("repos/create-deployment"), 1);
}

#[test]
fn every_state_is_shown_once_however_often_it_is_said() {
    let yard = Yard::new();
    let number = yard.github.open_deployment(&draft()).unwrap();
    for state in [
        DeploymentState::InProgress,
        DeploymentState::InProgress,
        DeploymentState::Error,
        DeploymentState::Failure,
        DeploymentState::Success,
        DeploymentState::Success,
        DeploymentState::Inactive,
    ] {
        yard.github.update_deployment(number, &update(state)).unwrap();
    }
    let made = &yard.fake.deployments()[0];
    assert_eq!(
        made.states(),
        ["in_progress", "error", "failure", "success", "inactive"]
    );
    let sent = &made.statuses[0].sent;
    assert_eq!(sent["environment_url"], "https://staging.example.test/");
    assert_eq!(sent["log_url"], "https://github.com/acme/hello/actions/runs/42");
    assert_eq!(sent["auto_inactive"], false);
}

#[test]
fn a_state_with_other_words_is_shown_again_and_long_words_are_cut() {
    let yard = Yard::new();
    let number = yard.github.open_deployment(&draft()).unwrap();
    let mut update = update(DeploymentState::InProgress);
    for description in ["10 %".to_owned(), "50 %".to_owned(), HOSTILE.repeat(30)] {
        update.description = description;
        yard.github.update_deployment(number, &update).unwrap();
        yard.github.update_deployment(number, &update).unwrap();
    }
    let made = &yard.fake.deployments()[0];
    assert_eq!(made.statuses.len(), 3);
    let cut = made.statuses[2].sent["description"].as_str().unwrap();
    assert!(cut.ends_with('…') && cut.chars().count() == 140, "{cut}");
}

#[test]
fn a_state_whose_answer_was_lost_is_not_shown_twice() {
    for (faults, sent) in [
        (vec![Fault::LostAfter], 1),
        (vec![Fault::CutAfter], 1),
        (vec![Fault::Page(502), Fault::LostAfter], 2),
    ] {
        let yard = Yard::new();
        let number = yard.github.open_deployment(&draft()).unwrap();
        yard.fails("repos/create-deployment-status", &faults);
        yard.github
            .update_deployment(number, &update(DeploymentState::Failure))
            .unwrap();
        assert_eq!(yard.fake.deployments()[0].states(), ["failure"]);
        assert_eq!(yard.fake.count("repos/create-deployment-status"), sent);
    }
}

/// A deployment that was there before, with these states.
fn earlier(yard: &Yard, environment: &str, payload: serde_json::Value, states: &[&str]) -> u64 {
    let number = yard.fake.job_deployment(environment, MERGE, 7);
    yard.fake.with(|state| {
        let ids: Vec<u64> = states.iter().map(|_| state.next()).collect();
        let made = state.deployments.last_mut().unwrap();
        made.payload = payload;
        let sent = states
            .iter()
            .map(|word| json!({"state": word, "description": ""}));
        made.statuses = ids
            .into_iter()
            .zip(sent)
            .map(|(id, sent)| crate::support::github::Status { id, sent })
            .collect();
    });
    number
}

#[test]
fn what_was_live_before_becomes_inactive_and_what_failed_keeps_saying_so() {
    let yard = Yard::new();
    let own = || json!({"greenroom": {"id": "20261119T120000Z-0a1b2c3d"}});
    let live = earlier(&yard, "staging", own(), &["in_progress", "success"]);
    let spelled = earlier(&yard, "Staging", json!({}), &["success"]);
    let died = earlier(&yard, "staging", own(), &["in_progress"]);
    let failed = earlier(&yard, "staging", own(), &["failure"]);
    let foreign = earlier(&yard, "staging", json!({}), &["in_progress"]);
    let gone = earlier(&yard, "staging", own(), &["success", "inactive"]);
    let other = earlier(&yard, "production", own(), &["success"]);
    let job = yard.fake.job_deployment("Staging", COMMIT, 42);
    assert_eq!(yard.github.open_deployment(&draft()).unwrap(), job);
    let newer = earlier(&yard, "staging", own(), &["success"]);
    for _ in 0..2 {
        yard.github
            .update_deployment(job, &update(DeploymentState::Success))
            .unwrap();
    }
    let state = |number: u64| {
        let all = yard.fake.deployments();
        let found = all.iter().find(|one| one.id == number).unwrap();
        found.state().to_owned()
    };
    for (number, expected) in [
        (live, "inactive"),
        (spelled, "inactive"),
        (died, "inactive"),
        (failed, "failure"),
        (foreign, "in_progress"),
        (gone, "inactive"),
        (other, "success"),
        (job, "success"),
        (newer, "success"),
    ] {
        assert_eq!(state(number), expected, "{number}");
    }
    // The state itself, and one for each of the three.
    assert_eq!(yard.fake.count("repos/create-deployment-status"), 4);
}

#[test]
fn what_was_settled_long_ago_is_not_looked_at_again() {
    let yard = Yard::new();
    for _ in 0..40 {
        earlier(&yard, "staging", json!({}), &["success", "inactive"]);
    }
    let number = yard.github.open_deployment(&draft()).unwrap();
    let before = yard.fake.count("repos/list-deployment-statuses");
    yard.github
        .update_deployment(number, &update(DeploymentState::Success))
        .unwrap();
    assert!(yard.fake.count("repos/list-deployment-statuses") - before <= 6);
}

#[test]
fn many_that_are_still_live_become_inactive_within_a_bound() {
    let yard = Yard::new();
    for _ in 0..40 {
        earlier(&yard, "staging", json!({}), &["success"]);
    }
    let number = yard.github.open_deployment(&draft()).unwrap();
    yard.github
        .update_deployment(number, &update(DeploymentState::Success))
        .unwrap();
    let inactive = yard
        .fake
        .deployments()
        .iter()
        .filter(|one| one.state() == "inactive")
        .count();
    assert!((29..=30).contains(&inactive), "{inactive}");
}

#[test]
fn what_is_shown_of_an_environment_that_went_away_becomes_inactive_once() {
    let environment = "acceptance-test-staging-0a1b2c3d".parse().unwrap();
    let own = || json!({"greenroom": {"id": "20261119T120000Z-0a1b2c3d"}});
    let yard = Yard::new();
    let live = earlier(&yard, "acceptance-test-staging-0a1b2c3d", own(), &["success"]);
    let died = earlier(&yard, "acceptance-test-staging-0a1b2c3d", own(), &["in_progress"]);
    let failed = earlier(&yard, "acceptance-test-staging-0a1b2c3d", own(), &["failure"]);
    let foreign = earlier(&yard, "acceptance-test-staging-0a1b2c3d", json!({}), &["success"]);
    let other = earlier(&yard, "staging", own(), &["success"]);
    // The first answer is lost: it is found done.
    yard.fails("repos/create-deployment-status", &[Fault::LostAfter]);
    for _ in 0..2 {
        yard.github.retire_environment(&environment, HOSTILE).unwrap();
    }
    let shown = yard.fake.deployments();
    for (number, expected) in [
        (live, "inactive"),
        (died, "inactive"),
        (failed, "failure"),
        (foreign, "success"),
        (other, "success"),
    ] {
        let found = shown.iter().find(|one| one.id == number).unwrap();
        assert_eq!(found.state(), expected, "{number}");
    }
    assert_eq!(yard.fake.count("repos/create-deployment-status"), 2);
    let allowed = Yard::allowed(&["deployments: read"]);
    earlier(&allowed, "acceptance-test-staging-0a1b2c3d", own(), &["success"]);
    refused(
        allowed.github.retire_environment(&environment, "gone"),
        ErrorKind::Denied,
        &[
            "showing that acceptance-test-staging-0a1b2c3d is gone",
            "deployments: write",
        ],
    );
}
