//! Reviews of a CI run, through the real adapter: who counts, who refuses, and what is not guessed.

use crate::support::address::free_port;
use crate::support::github::{Approval, Environment, FakeGitHub, Repository, Team};
use crate::support::project::Project;
use crate::support::ran::Ran;

const RUN: u64 = 7;

/// A project whose environment asks for approval as `approvals` says.
fn guarded(approvals: &str) -> Project {
    let project = Project::new("  rollback: { watch: 0s }");
    let environment = project.read("environments/staging.yaml");
    project.write(
        "environments/staging.yaml",
        format!("{environment}protection: {{ requireApproval: true, approvals: {approvals} }}\n"),
    );
    project
}

fn review(user: &str, state: &str, environment: &str) -> Approval {
    Approval {
        state: state.to_owned(),
        user: user.to_owned(),
        environments: vec![environment.to_owned()],
        comment: "::error::looked at it".to_owned(),
    }
}

fn reviewed(reviews: Vec<Approval>) -> Repository {
    Repository {
        approvals: [(RUN, reviews)].into(),
        ..Repository::default()
    }
}

/// Says something else about the run from now on.
fn say(github: &FakeGitHub, reviews: Vec<Approval>) {
    github.with(|state| state.repository.approvals.insert(RUN, reviews));
}

/// Deploys as a job does that zoe started again, after ana had pushed.
fn job(project: &Project, github: &FakeGitHub, more: &[(&str, &str)]) -> Ran {
    let url = github.url();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "acme/hello"),
        ("GITHUB_API_URL", &*url),
        ("GITHUB_TOKEN", "ghs_swordfish"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_ACTOR", "ana"),
        ("GITHUB_TRIGGERING_ACTOR", "zoe"),
    ];
    project.with(&["deploy", "-e", "staging"], &[&variables[..], more].concat())
}

/// That a run was refused, for this.
fn refused(ran: &Ran, reason: &str) {
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains(reason), "{reason}: {}", ran.err);
}

#[test]
fn a_review_of_the_run_counts_for_the_environment_that_it_names() {
    let project = guarded("{ count: 1 }");
    let github = FakeGitHub::start(reviewed(vec![review("bo", "approved", "production")]));
    refused(&job(&project, &github, &[]), "0 of 1 approvals");

    say(&github, vec![review("bo", "pending", "staging")]);
    refused(&job(&project, &github, &[]), "0 of 1 approvals");

    let own = [("ana", "approved"), ("Zoe", "approved")];
    say(
        &github,
        own.map(|(who, state)| review(who, state, "staging")).into(),
    );
    let ran = job(&project, &github, &[]);
    refused(&ran, "\"ana\" asked for this deployment and does not count");
    refused(&ran, "\"Zoe\" asked for this deployment and does not count");

    let mixed = [("bo", "approved"), ("cy", "rejected"), ("di", "approved")];
    say(
        &github,
        mixed.map(|(who, state)| review(who, state, "Staging")).into(),
    );
    let ran = job(&project, &github, &[]);
    refused(&ran, "\"cy\" rejected this run");
    assert!(ran.err.contains("talk to them"), "{}", ran.err);

    say(&github, vec![review("bo", "approved", "Staging")]);
    let before = github.count("actions/get-reviews-for-run");
    let ran = job(&project, &github, &[]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let asked = github.count("actions/get-reviews-for-run");
    assert_eq!(asked - before, 1, "tags and rollout go by one and the same word");
    assert!(!ran.out.contains("gets no tag"), "{}", ran.out);
    assert_eq!(
        project.records("staging", "\"review\""),
        1,
        "the plan names the review"
    );
    let history = project.must(&["history", "staging", "--format", "json"]).out;
    assert!(history.contains("\"bo\""), "{history}");
}

#[test]
fn a_review_and_a_record_of_two_people_are_two_and_of_one_person_one() {
    let project = guarded("{ count: 2 }");
    let github = FakeGitHub::start(reviewed(vec![review("bo", "approved", "staging")]));
    let ran = job(&project, &github, &[]);
    refused(&ran, "1 of 2 approvals");
    let (_, rest) = ran.err.split_once("--image ").unwrap();
    let image = rest.split_whitespace().next().unwrap();
    let approve = ["approve", "staging", "--image", image, "--reason", "read it"];
    for (user, status) in [("BO", 6), ("cy", 0)] {
        let given = project.with(&approve, &[("USER", user)]);
        assert_eq!(given.status, 0, "{}", given.err);
        let ran = job(&project, &github, &[]);
        assert_eq!(ran.status, status, "{user}: {}{}", ran.out, ran.err);
    }
    let plan = project.must(&["history", "staging"]);
    assert!(plan.out.contains("1.0.0"), "{}", plan.out);
}

#[test]
fn teams_are_known_by_membership_or_by_the_rules_of_the_environment() {
    let project = guarded("{ teams: [leads] }");
    let github = FakeGitHub::start(Repository {
        teams: vec![Team {
            slug: "leads".to_owned(),
            members: vec![
                ("bo".to_owned(), "active".to_owned()),
                ("di".to_owned(), "pending".to_owned()),
            ],
        }],
        environments: vec![Environment {
            name: "Staging".to_owned(),
            reviewers: vec!["cy".to_owned()],
            teams: vec!["leads".to_owned()],
            ..Environment::default()
        }],
        ..reviewed(["cy", "di"].map(|who| review(who, "approved", "staging")).into())
    });
    let ran = job(&project, &github, &[]);
    refused(&ran, "\"cy\" is in none of the teams (leads) and does not count");
    refused(&ran, "\"di\" is in none of the teams (leads) and does not count");

    // The token of a job may not see members, and here others may review too.
    say(&github, vec![review("bo", "approved", "staging")]);
    let granted = [
        "actions: read",
        "deployments: write",
        "checks: write",
        "statuses: write",
    ];
    let granted = granted.map(str::to_owned).to_vec();
    github.with(|state| state.repository.permissions = Some(granted));
    refused(
        &job(&project, &github, &[]),
        "\"bo\" does not count: the token may not see team leads",
    );
    github.with(|state| state.repository.environments[0].reviewers.clear());
    let ran = job(&project, &github, &[]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn reviews_that_cannot_be_read_stop_the_deployment_whatever_the_ledger_says() {
    let project = guarded("{ count: 1 }");
    let github = FakeGitHub::start(Repository::default());
    let ran = job(&project, &github, &[]);
    let (_, rest) = ran.err.split_once("--image ").unwrap();
    let image = rest.split_whitespace().next().unwrap();
    let approve = ["approve", "staging", "--image", image, "--reason", "read it"];
    assert_eq!(project.with(&approve, &[("USER", "bo")]).status, 0);

    // Without a token a rejection would not be seen.
    let ran = job(&project, &github, &[("GITHUB_TOKEN", "")]);
    refused(
        &ran,
        "the reviews of run 7 were not read, and one may be a rejection",
    );
    refused(&ran, "`env: { GITHUB_TOKEN: ${{ github.token }} }`");
    refused(&ran, "fix: let greenroom read the reviews");
    assert!(!ran.err.contains("0 of 1"), "{}", ran.err);

    // A token that may not read them, and an API that does not answer.
    let granted = ["deployments: write", "checks: write", "statuses: write"];
    let granted = granted.map(str::to_owned).to_vec();
    github.with(|state| state.repository.permissions = Some(granted));
    refused(&job(&project, &github, &[]), "actions: read");
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let ran = job(&project, &github, &[("GITHUB_API_URL", &nobody)]);
    assert_eq!(ran.status, 5, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("asking who agreed to run 7"), "{}", ran.err);
    assert_eq!(project.records("staging", "planned"), 0, "nothing was begun");
    github.with(|state| state.repository.permissions = None);
    let ran = job(&project, &github, &[]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
}
