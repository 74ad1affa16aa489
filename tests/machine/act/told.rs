//! What GitHub is told while a job goes on: deployments, checks, the comment, the label.

use crate::act::events;
use crate::act::stage::Stage;

#[test]
fn a_deployment_and_a_check_end_as_the_rollout_did() {
    let stage = Stage::new();
    let played = stage.push("develop");
    let sha = stage.git(&["rev-parse", "HEAD"]);
    played.assert_jobs(&[("deploy", "success")]);
    let deployments = stage.github.deployments();
    assert_eq!(deployments.len(), 1, "{deployments:?}\n{}", played.log);
    assert_eq!(
        (&*deployments[0].environment, &*deployments[0].sha),
        ("staging", &*sha)
    );
    assert_eq!(deployments[0].states().first(), Some(&"in_progress"));
    assert_eq!(deployments[0].state(), "success");
    let checks = stage.github.checks();
    assert_eq!(checks.len(), 1, "{checks:?}");
    assert_eq!(checks[0].fields["conclusion"], "success", "{checks:?}");

    stage.version("1.1.0", false);
    let played = stage.push("develop");
    played.assert_jobs(&[("deploy", "failure")]);
    assert_eq!(played.inner("greenroom").status, Some(4), "{}", played.log);
    let deployments = stage.github.deployments();
    let failed = deployments.last().unwrap();
    assert_eq!(
        (deployments.len(), failed.state()),
        (2, "failure"),
        "{deployments:?}"
    );
    let told = failed.statuses.last().unwrap().sent["description"]
        .as_str()
        .unwrap();
    assert!(told.contains("1.0.0"), "what serves now is said: {told}");
    let checks = stage.github.checks();
    assert_eq!(
        checks.last().unwrap().fields["conclusion"],
        "failure",
        "{checks:?}"
    );
}

#[test]
fn the_label_goes_and_one_comment_says_how_it_ended() {
    let stage = Stage::new();
    stage.git(&["push", "--quiet", "origin", "HEAD:refs/heads/main"]);
    for (version, works, result) in [("1.1.0", true, "success"), ("1.2.0", false, "failure")] {
        stage.version(version, works);
        let head = stage.commit("feature/speed");
        stage.pull_request(&head, "deploy-to-staging");
        let event = events::labeled("deploy-to-staging", "feature/speed", &head);
        let played = stage.play("pull_request", &event);
        played.assert_jobs(&[("deploy", result)]);
        assert_eq!(stage.labels(), [] as [&str; 0], "{}", played.log);
        let comments = stage.github.comments(7);
        assert_eq!(comments.len(), 1, "{comments:?}\n{}", played.log);
        assert!(comments[0].body.contains(version), "{comments:?}");
        let deployments = stage.github.deployments();
        assert_eq!(deployments.last().unwrap().state(), result, "{deployments:?}");
    }
}

#[test]
fn the_deployment_that_the_job_has_already_is_used() {
    let stage = Stage::new();
    let sha = stage.commit("develop");
    let own = stage
        .github
        .job_deployment("staging", &sha, crate::act::stage::RUN);
    stage
        .play("push", &events::push("develop", &sha))
        .assert_jobs(&[("deploy", "success")]);
    let deployments = stage.github.deployments();
    assert_eq!(
        (deployments.len(), deployments[0].id),
        (1, own),
        "{deployments:?}"
    );
    assert_eq!(deployments[0].state(), "success");
}
