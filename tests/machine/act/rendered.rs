//! The workflow that `greenroom init` writes for staging, for each kind of event and each cut into jobs.

use crate::act::begun::Begun;
use crate::act::events;
use serde_json::{Value, json};

/// The jobs of the workflow that has one for each part.
const PARTS: [&str; 6] = [
    "check-trigger",
    "validate",
    "build-and-push",
    "deploy",
    "smoke-tests",
    "summary",
];

#[test]
fn a_push_is_deployed_in_one_job() {
    let begun = Begun::with(&["--trigger", "push"]);
    let sha = begun.stage.git(&["rev-parse", "HEAD"]);
    let played = begun.play("deploy-staging", "push", &events::push("develop", &sha));
    played.assert_jobs(&[("deploy", "success")]);
    assert_eq!(played.step("greenroom").output("outcome"), "succeeded");
    assert_eq!(begun.stage.greets(), "hello from 1.0.0\n");
    // A job that does not name the branch does not deploy it either.
    let sha = begun.stage.commit("feature/speed");
    let played = begun.play("deploy-staging", "push", &events::push("feature/speed", &sha));
    assert_eq!(
        played.step("greenroom").output("should_deploy"),
        "false",
        "{}",
        played.log
    );
}

#[test]
fn a_person_deploys_in_a_job_for_each_part() {
    let begun = Begun::with(&["--trigger", "push,dispatch", "--jobs", "split"]);
    let inputs = json!({ "ref": "", "skip_tests": "false" });
    let played = begun.start("deploy-staging", &inputs);
    played.assert_jobs(&PARTS.map(|job| (job, "success")));
    let (built, deployed) = (played.step("build"), played.step("deploy"));
    assert_eq!(
        built.output("digest"),
        deployed.output("digest"),
        "{}",
        played.log
    );
    assert_eq!(deployed.output("outcome"), "succeeded");
    assert_eq!(begun.stage.greets(), "hello from 1.0.0\n");

    begun.stage.version("1.1.0", false);
    let sha = begun.stage.commit("develop");
    let played = begun.play("deploy-staging", "push", &events::push("develop", &sha));
    assert_eq!(
        played.jobs.get("deploy").map(String::as_str),
        Some("failure"),
        "{}",
        played.log
    );
    assert_eq!(played.jobs.get("smoke-tests"), None);
    assert_eq!(begun.stage.greets(), "hello from 1.0.0\n");
    assert_eq!(played.step("deploy").output("outcome"), "rolledBack");
}

#[test]
fn a_label_is_deployed_and_another_is_not() {
    for (jobs, expected) in [("one", &["deploy"][..]), ("split", &PARTS[..])] {
        let begun = Begun::with(&["--trigger", "label", "--jobs", jobs]);
        let play = |event: &Value| begun.play("deploy-staging", "pull_request", event);
        let head = begun.stage.commit("feature/speed");
        begun.stage.pull_request(&head, "deploy-to-staging");
        let event = events::labeled("deploy-to-staging", "feature/speed", &head);
        let expected: Vec<_> = expected.iter().map(|job| (*job, "success")).collect();
        play(&event).assert_jobs(&expected);
        assert_eq!(begun.live()[0], "1.0.0");

        let other = events::labeled("good first issue", "feature/speed", &head);
        play(&other).assert_jobs(&[]);
        let mut fork = event;
        fork["pull_request"]["head"]["repo"] = Value::Null;
        play(&fork).assert_jobs(&[]);
    }
}
