//! Events as they arrive, through the public interface. The payloads are written by hand after
//! GitHub's webhook documentation; every row is one fixture.

use greenroom::domain::model::{CommitId, EnvironmentName};
use greenroom::domain::trigger::{
    ContextFacts, Decision, Filter, Rule, TriggerEvent, When, decide, foreign, manual,
};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;

fn environments() -> Vec<EnvironmentName> {
    vec!["staging".parse().unwrap(), "production".parse().unwrap()]
}

/// Options A, B and C of the staging strategy together.
fn rules() -> Vec<Rule> {
    let staging: Option<EnvironmentName> = "staging".parse().ok();
    vec![
        Rule {
            when: When::Push {
                branches: Filter::parse(&["develop", "develop/**"]).unwrap(),
                paths: Filter::parse(&["src/**", "!src/**/*.md"]).unwrap(),
            },
            environment: staging.clone(),
        },
        Rule {
            when: When::Dispatch,
            environment: None,
        },
        Rule {
            when: When::Label {
                name: "Deploy-To-Staging".into(),
                base: Filter::parse(&["main"]).unwrap(),
            },
            environment: staging,
        },
    ]
}

fn event(fixture: &str) -> TriggerEvent {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/events/{fixture}.json"));
    let payload: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let name = match fixture.split('_').next() {
        Some("push") => "push",
        Some("dispatch") => "workflow_dispatch",
        Some("labeled" | "unlabeled" | "closed") => "pull_request",
        Some("schedule") => "schedule",
        _ => "",
    };
    // What GITHUB_SHA says for all of them: for pull requests a commit that must never be deployed.
    let facts = ContextFacts {
        sha: "d".repeat(40).parse().ok(),
        ..ContextFacts::default()
    };
    TriggerEvent::parse(name, &payload, &facts)
}

fn decided(fixture: &str, changed: Option<&[String]>) -> Decision {
    decide(&event(fixture), &rules(), &environments(), changed)
}

fn row(fixture: &str, decision: &Decision) -> String {
    let code = serde_json::to_value(decision.reason_code).unwrap();
    let mut row = format!("{fixture}: {}", code.as_str().unwrap());
    if decision.should_deploy {
        let _ = write!(
            row,
            " → {} {} @ {}",
            decision.environment.as_ref().map_or("?", EnvironmentName::as_str),
            decision.git_ref.as_deref().unwrap_or("?"),
            decision.sha.as_ref().map_or("?", CommitId::short),
        );
    }
    let refused = if decision.reason_code.is_refusal() {
        " REFUSED"
    } else {
        ""
    };
    format!("{row}{refused}\n    {}\n", decision.reason)
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn every_kind_of_event_is_decided_for_a_reason() {
    let mut fixtures: Vec<String> = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/events")
        .read_dir()
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    fixtures.sort();
    let table: String = fixtures
        .iter()
        .map(|name| row(name, &decided(name, None)))
        .collect();
    insta::assert_snapshot!(table, @r###"
    closed_merged: merged → staging refs/heads/develop @ ccccccc
        pull request #7 was merged into "develop" (which files changed is not known, so the paths of the rule were not applied), so staging gets it
    closed_merged_fork: fork REFUSED
        pull request #7 comes from a fork, and runs for forks get neither secrets nor environments
    closed_unmerged: closed-unmerged
        pull request #7 was closed without being merged
    dispatch: dispatch → production refs/heads/main @ ddddddd
        the workflow was started by hand, so production gets it
    dispatch_commit: dispatch → staging cccccccccccccccccccccccccccccccccccccccc @ ccccccc
        the workflow was started by hand, so staging gets it
    dispatch_hostile: invalid-input REFUSED
        the input environment: "../../etc\n::error::x" is not an environment name (1 to 63 letters, digits, '-', '_', '.', starting with a letter or digit)
    dispatch_no_inputs: no-environment REFUSED
        nothing says which environment; name one of staging, production
    dispatch_not_a_boolean: invalid-input REFUSED
        the input skip_tests is "yes", which is neither true nor false
    dispatch_other_ref: dispatch → staging release/1.3 @ ?
        the workflow was started by hand, so staging gets it
    dispatch_unknown_environment: unknown-environment REFUSED
        there is no environment prod; there is staging, production
    empty: no-event
        there is no event here, so nothing says where to deploy; name the environment with -e
    labeled: label → staging feature/speed @ bbbbbbb
        the label "deploy-to-staging" was added to pull request #7, so staging gets it
    labeled_fork: fork REFUSED
        pull request #7 comes from a fork, and runs for forks get neither secrets nor environments
    labeled_head_repo_null: fork REFUSED
        pull request #7 comes from a repository that is gone or not named, so it counts as a fork
    labeled_hostile: other-label
        no label rule is about "deploy-to-staging\"\n##[set-output name=x]<img src=x>"
    labeled_missing_fields: incomplete-event REFUSED
        the event does not say which commit of the pull request to deploy
    labeled_other_base: other-branch
        "deploy-to-staging" deploys pull requests to main only, and pull request #7 goes to "develop"
    labeled_other_label: other-label
        no label rule is about "documentation"
    labeled_within_a_fork: label → staging feature/speed @ bbbbbbb
        the label "deploy-to-staging" was added to pull request #7, so staging gets it
    push: push → staging refs/heads/develop @ bbbbbbb
        a commit was pushed to "develop" (which files changed is not known, so the paths of the rule were not applied), so staging gets it
    push_deleted: branch-deleted
        the branch "develop" was deleted, so there is nothing to deploy
    push_hostile: push → staging refs/heads/develop/$(touch${IFS}x);::set-output-name=a::"%0A`id`-é @ bbbbbbb
        a commit was pushed to "develop/$(touch${IFS}x);::set-output-name=a::\"%0A`id`-é" (which files changed is not known, so the paths of the rule were not applied), so staging gets it
    push_missing_fields: push → staging refs/heads/develop @ ddddddd
        a commit was pushed to "develop" (which files changed is not known, so the paths of the rule were not applied), so staging gets it
    push_new_branch: push → staging refs/heads/develop @ bbbbbbb
        a commit was pushed to "develop" (which files changed is not known, so the paths of the rule were not applied), so staging gets it
    push_other_branch: other-branch
        no push rule is about the branch "feature/speed"
    push_tag: tag-pushed
        a push of the tag "v1.2.3" deploys nothing; push rules are about branches
    schedule: unsupported-event
        the event "schedule" never deploys; push, workflow_dispatch and pull_request do
    unlabeled: unsupported-event
        the action "unlabeled" on pull request #7 never deploys; labeled and closed do
    "###);
}

#[test]
fn the_paths_of_a_push_rule_need_one_changed_file_that_counts() {
    let table = [
        (vec!["src/main.rs", "README.md"], true),
        (vec!["src/docs/guide.md"], false),
        (vec!["README.md"], false),
        (vec![], false),
    ];
    for (files, deploys) in table {
        let files: Vec<String> = files.into_iter().map(str::to_owned).collect();
        for fixture in ["push", "closed_merged"] {
            let decision = decided(fixture, Some(&files));
            assert_eq!(
                decision.should_deploy, deploys,
                "{fixture} {files:?}: {}",
                decision.reason
            );
        }
    }
    assert_eq!(
        decided("push", Some(&[])).reason,
        r#"nothing changed on "develop" among src/**, !src/**/*.md"#
    );
}

#[test]
fn files_are_compared_between_the_commits_that_the_event_names() {
    let span = |fixture: &str| {
        let event = event(fixture);
        event
            .span()
            .map(|(from, to)| format!("{}..{}", from.short(), to.short()))
    };
    assert_eq!(span("push").as_deref(), Some("aaaaaaa..bbbbbbb"));
    assert_eq!(span("closed_merged").as_deref(), Some("aaaaaaa..ccccccc"));
    for none in [
        "push_new_branch",
        "push_deleted",
        "closed_unmerged",
        "dispatch",
        "empty",
    ] {
        assert_eq!(span(none), None, "{none}");
    }
}

#[test]
fn inputs_of_a_dispatch_reach_the_decision() {
    let decision = decided("dispatch", None);
    assert_eq!(decision.version.unwrap().as_str(), "1.4.0");
    assert!(decision.skip_tests);
    assert_eq!(decision.inputs.len(), 1);
    assert_eq!(decision.inputs["reason"], " quarterly release ");
    assert!(!decided("dispatch_other_ref", None).skip_tests);
}

#[test]
fn foreign_text_is_carried_unchanged_and_stays_on_one_line_in_the_reason() {
    let push = decided("push_hostile", None);
    assert_eq!(
        push.git_ref.as_deref(),
        Some("refs/heads/develop/$(touch${IFS}x);::set-output-name=a::\"%0A`id`-é")
    );
    let label = decided("labeled_hostile", None);
    assert!(
        !label.should_deploy && !label.reason.contains('\n'),
        "{}",
        label.reason
    );
}

#[test]
fn a_dispatch_rule_with_an_environment_allows_no_other() {
    let rules = [Rule {
        when: When::Dispatch,
        environment: "staging".parse().ok(),
    }];
    let all = environments();
    assert!(decide(&event("dispatch_other_ref"), &rules, &all, None).should_deploy);
    assert_eq!(
        decide(&event("dispatch"), &rules, &all, None).reason,
        "no dispatch rule deploys to production"
    );
    assert!(decide(&event("dispatch_no_inputs"), &rules, &all, None).should_deploy);
}

#[test]
fn a_person_at_a_laptop_decides_by_naming_the_environment() {
    let decision = manual("staging".parse().unwrap(), Some("feature/speed"));
    assert!(decision.should_deploy);
    assert_eq!(decision.git_ref.as_deref(), Some("feature/speed"));
    assert_eq!(
        row("manual", &decision),
        "manual: manual → staging feature/speed @ ?\n    staging was named on the command line\n"
    );
}

type Variables = &'static [(&'static str, &'static str)];

/// The variables of a job in another CI system, one event each, and what is decided.
const ELSEWHERE: [(&str, Variables, &str); 17] = [
    (
        "gitlab",
        &[
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_BRANCH", "develop"),
            ("CI_COMMIT_BEFORE_SHA", A),
        ],
        "push → staging refs/heads/develop @ ddddddd (aaaaaaa..ddddddd)",
    ),
    (
        "gitlab",
        &[
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_BRANCH", "develop"),
            ("CI_COMMIT_BEFORE_SHA", ZERO),
        ],
        "push → staging refs/heads/develop @ ddddddd",
    ),
    (
        "gitlab",
        &[("CI_PIPELINE_SOURCE", "push"), ("CI_COMMIT_TAG", "v1")],
        "tag-pushed",
    ),
    (
        "gitlab",
        &[
            ("CI_PIPELINE_SOURCE", "web"),
            ("CI_COMMIT_BRANCH", "main"),
            ("ENVIRONMENT", "production"),
        ],
        "dispatch → production refs/heads/main @ ddddddd",
    ),
    (
        "gitlab",
        &[
            ("CI_PIPELINE_SOURCE", "trigger"),
            ("CI_COMMIT_BRANCH", "main"),
            ("ENVIRONMENT", "production"),
            ("environment", "staging"),
        ],
        "dispatch → staging refs/heads/main @ ddddddd",
    ),
    (
        "gitlab",
        &[("CI_PIPELINE_SOURCE", "api"), ("ENVIRONMENT", "production")],
        "no-environment REFUSED",
    ),
    (
        "gitlab",
        &[("CI_PIPELINE_SOURCE", "web"), ("environment", "../x")],
        "invalid-input REFUSED",
    ),
    (
        "gitlab",
        &[
            ("CI_PIPELINE_SOURCE", "schedule"),
            ("CI_COMMIT_BRANCH", "develop"),
        ],
        "unsupported-event",
    ),
    (
        "gitlab",
        &[
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_LABELS", "bug,deploy-to-staging"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", A),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "7"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "7"),
        ],
        "label → staging feature @ aaaaaaa",
    ),
    (
        "gitlab",
        &[
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_LABELS", "deploy-to-staging"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "8"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "7"),
            ("CI_PROJECT_ID", "8"),
        ],
        "fork REFUSED FOREIGN",
    ),
    (
        "gitlab",
        &[
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "7"),
            ("CI_PROJECT_ID", "7"),
        ],
        "other-label",
    ),
    ("gitlab", &[], "no-event"),
    (
        "jenkins",
        &[("BRANCH_NAME", "develop"), ("GIT_PREVIOUS_COMMIT", A)],
        "push → staging refs/heads/develop @ ddddddd (aaaaaaa..ddddddd)",
    ),
    (
        "jenkins",
        &[
            ("GIT_BRANCH", "origin/main"),
            ("environment", "production"),
            ("version", ""),
        ],
        "dispatch → production refs/heads/main @ ddddddd",
    ),
    (
        "jenkins",
        &[("BRANCH_NAME", "v1"), ("TAG_NAME", "v1"), ("version", " ")],
        "tag-pushed",
    ),
    (
        "jenkins",
        &[
            ("BRANCH_NAME", "PR-7"),
            ("CHANGE_ID", "7"),
            ("CHANGE_TARGET", "develop"),
            ("environment", "staging"),
        ],
        "unsupported-event",
    ),
    (
        "jenkins",
        &[
            ("BRANCH_NAME", "PR-7"),
            ("CHANGE_ID", "7"),
            ("CHANGE_FORK", "mallory"),
        ],
        "unsupported-event FOREIGN",
    ),
];
const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const ZERO: &str = "0000000000000000000000000000000000000000";

#[test]
fn gitlab_and_jenkins_say_in_variables_what_happened() {
    let always = [
        ("CI_COMMIT_SHA", "dddddddddddddddddddddddddddddddddddddddd"),
        ("GIT_COMMIT", "dddddddddddddddddddddddddddddddddddddddd"),
        ("CI_MERGE_REQUEST_IID", "7"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature"),
    ];
    for (system, own, expected) in ELSEWHERE {
        let all = always.iter().chain(own);
        let text = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let (inputs, variables): (Vec<_>, Vec<_>) = all
            .copied()
            .partition(|(name, _)| name.starts_with(|c: char| c.is_ascii_lowercase()));
        let variables = variables.into_iter().map(text).collect();
        let inputs = inputs.into_iter().map(text).collect();
        let event = match system {
            "gitlab" => greenroom::domain::trigger::gitlab::event(&variables, inputs),
            _ => greenroom::domain::trigger::jenkins::event(&variables, inputs),
        };
        let decision = decide(&event, &rules(), &environments(), None);
        let mut found = row("", &decision).lines().next().unwrap()[2..].to_owned();
        if let Some((from, to)) = event.span() {
            found += &format!(" ({}..{})", from.short(), to.short());
        }
        if foreign(&event).is_some() {
            found += " FOREIGN";
        }
        assert_eq!(found, expected, "{system} {own:?}: {}", decision.reason);
    }
}
