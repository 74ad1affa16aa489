//! Deployments that a label on a pull request asked for.

use crate::announce::project::{COMMIT, Project, pull, refused};
use greenroom::app::Exit;
use greenroom::domain::model::PullState;
use greenroom::domain::rollout::Outcome;

fn labels(project: &Project) -> Vec<String> {
    project.forge.pull(7).unwrap().labels
}

#[test]
fn the_commit_of_the_event_is_deployed_the_comment_written_and_the_label_taken_off() {
    let project = Project::new("", "{}").labelled();
    let deployed = project.deploy("1.0.0");
    assert_eq!(deployed.outcome, Outcome::Succeeded);
    let shown = &project.forge.deployments()[0];
    assert_eq!(shown.draft.commit.as_str(), COMMIT);
    assert_eq!(
        shown
            .draft
            .run_commit
            .as_ref()
            .map(|commit| &commit.as_str()[..4]),
        Some("cccc"),
        "the run itself is about the test merge"
    );
    assert_eq!(labels(&project), ["urgent"]);
    let calls = project.forge.calls();
    let reads = calls.iter().filter(|call| *call == "pull_state 7").count();
    assert_eq!(reads, 2, "before the build and before the rollout: {calls:?}");
    assert_eq!(calls.last().unwrap(), "remove_label 7 deploy-to-staging");
    let comments = project.forge.comments();
    let [(comment, 1)] = comments.as_slice() else {
        panic!("{comments:?}")
    };
    assert_eq!(comment.pull, 7);
    assert!(comment.body.contains("(staging, its 1st)"), "{}", comment.body);
}

#[test]
fn the_comment_is_written_anew_in_place() {
    let project = Project::new("", "{}").labelled();
    project.deploy("1.0.0");
    project.write("broken", "");
    project.deploy("2.0.0");
    let comments = project.forge.comments();
    let [(comment, 2)] = comments.as_slice() else {
        panic!("{comments:?}")
    };
    assert!(comment.body.contains("was taken back"), "{}", comment.body);
    assert!(comment.body.contains("(staging, its 2nd)"), "{}", comment.body);
    assert_eq!(labels(&project), ["urgent"], "also after a failure");
}

#[test]
fn a_pull_request_that_moved_was_closed_or_is_not_from_here_is_refused_and_loses_its_label() {
    for (change, words) in [
        (
            (|now| now.head = "d".repeat(40).parse().unwrap()) as fn(&mut PullState),
            "moved from bbbbbbb to ddddddd",
        ),
        (|now| now.open = false, "was closed"),
        (|now| now.head_repository = Some(6), "another repository"),
    ] {
        let project = Project::new("", "{}").labelled();
        let mut now = pull();
        change(&mut now);
        project.forge.set_pull(7, now);
        let error = refused(project.run("1.0.0"));
        assert_eq!(error.exit(), Exit::Refused);
        assert!(error.to_string().contains(words), "{error}");
        assert!(project.forge.deployments().is_empty());
        let check = project.forge.checks().into_values().next().unwrap();
        assert!(check.summary.contains("pull request"), "{}", check.summary);
        assert_eq!(labels(&project), ["urgent"]);
        assert!(!project.path("live-staging").exists());
    }
}

#[test]
fn a_pull_request_that_cannot_be_read_goes_on_with_a_warning() {
    let project = Project::new("", "{}").labelled();
    project.forge.refuse("pull_state");
    project.forge.refuse("remove_label");
    assert_eq!(project.deploy("1.0.0").outcome, Outcome::Succeeded);
    let warnings = project.warnings();
    assert!(warnings[0].contains("goes on as the event said"), "{warnings:?}");
    assert!(
        warnings[0].contains("permissions: { pull-requests: read }"),
        "{warnings:?}"
    );
    assert!(
        warnings.last().unwrap().contains("take it off by hand"),
        "{warnings:?}"
    );
    assert!(
        warnings
            .last()
            .unwrap()
            .contains("permissions: { pull-requests: write }"),
        "{warnings:?}"
    );
    assert_eq!(warnings.len(), 2, "once for each: {warnings:?}");
}

#[test]
fn a_push_and_a_label_that_does_not_decide_ask_nothing_of_pull_requests() {
    let project = Project::new("", "{}");
    project.deploy("1.0.0");
    let named = Project::new("", "{}").labelled();
    named.run_in("1.0.0", &["staging"]).unwrap();
    for found in [&project, &named] {
        let calls = found.forge.calls();
        assert!(
            !calls
                .iter()
                .any(|call| call.starts_with("pull_state") || call.starts_with("remove_label")),
            "{calls:?}"
        );
    }
    assert_eq!(labels(&named), ["deploy-to-staging", "urgent"]);
}
