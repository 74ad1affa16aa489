//! The workflows that `greenroom init` writes, as they are: only the values that are every project's own
//! (the address, how long it watches) are filled in.

use crate::act::Played;
use crate::events;
use crate::stage::Stage;
use crate::workflow;
use serde_json::{Value, json};

/// A project begun by `greenroom init` with these options, whose service is the quickstart's.
fn begun(options: &[&str]) -> Stage {
    let stage = Stage::empty();
    stage.service();
    let registry = stage.registry.repository("acme/hello");
    let action = format!("{}#v0.1.0", workflow::ACTION);
    let words = [
        "--config",
        "project/greenroom.yaml",
        "init",
        "--yes",
        "--service",
        "hello",
        "--ecosystem",
        "python",
        "--target",
        "local",
        "--scanner",
        "none",
        "--registry",
        &registry,
        "--action",
        &action,
    ];
    stage.project.must(&[&words[..], options].concat());
    let staging = stage.project.read("project/environments/staging.yaml");
    let staging = staging
        .replace("127.0.0.1:8081", &format!("127.0.0.1:{}", stage.project.port))
        .replace("watch: 30s", "watch: 0s");
    stage.write("environments/staging.yaml", &staging);
    // A broken version says so, which a check of the status alone does not read.
    let pipeline = stage.project.read("project/greenroom.yaml");
    let reads = "http: { path: /health, json: { status: ok } }";
    stage.write(
        "greenroom.yaml",
        &pipeline.replace("http: { path: /health }", reads),
    );
    stage.commit("develop");
    stage.git(&["push", "--quiet", "origin", "develop:main"]);
    stage
}

/// Plays an event with the workflow that `init` wrote for deployments to staging.
fn play(stage: &Stage, event: &'static str, payload: &Value) -> Played {
    let workflow = ".github/workflows/deploy-staging.yml";
    stage.act(event, payload, workflow).play(&stage.root())
}

#[test]
fn a_push_is_deployed_in_one_job() {
    let stage = begun(&["--trigger", "push"]);
    let sha = stage.git(&["rev-parse", "HEAD"]);
    let played = play(&stage, "push", &events::push("develop", &sha));
    played.assert_jobs(&[("deploy", "success")]);
    assert_eq!(played.step("greenroom").output("outcome"), "succeeded");
    assert_eq!(stage.greets(), "hello from 1.0.0\n");
    // A job that does not name the branch does not deploy it either.
    let sha = stage.commit("feature/speed");
    let played = play(&stage, "push", &events::push("feature/speed", &sha));
    assert_eq!(
        played.step("greenroom").output("should_deploy"),
        "false",
        "{}",
        played.log
    );
}

#[test]
fn a_person_deploys_in_a_job_for_each_part() {
    let stage = begun(&["--trigger", "push,dispatch", "--jobs", "split"]);
    let inputs = json!({ "ref": "", "skip_tests": "false" });
    let played = play(&stage, "workflow_dispatch", &events::dispatch("develop", &inputs));
    let every = [
        "check-trigger",
        "validate",
        "build-and-push",
        "deploy",
        "smoke-tests",
        "summary",
    ];
    played.assert_jobs(&every.map(|job| (job, "success")));
    let (built, deployed) = (played.step("build"), played.step("deploy"));
    assert_eq!(
        built.output("digest"),
        deployed.output("digest"),
        "{}",
        played.log
    );
    assert_eq!(deployed.output("outcome"), "succeeded");
    assert_eq!(stage.greets(), "hello from 1.0.0\n");

    stage.version("1.1.0", false);
    let sha = stage.commit("develop");
    let played = play(&stage, "push", &events::push("develop", &sha));
    assert_eq!(
        played.jobs.get("deploy").map(String::as_str),
        Some("failure"),
        "{}",
        played.log
    );
    assert_eq!(played.jobs.get("smoke-tests"), None);
    assert_eq!(stage.greets(), "hello from 1.0.0\n");
    assert_eq!(played.step("deploy").output("outcome"), "rolledBack");
}

#[test]
fn a_label_is_deployed_and_another_is_not() {
    let stage = begun(&["--trigger", "label"]);
    let head = stage.commit("feature/speed");
    stage.pull_request(&head, "deploy-to-staging");
    let event = events::labeled("deploy-to-staging", "feature/speed", &head);
    let played = play(&stage, "pull_request", &event);
    played.assert_jobs(&[("deploy", "success")]);
    assert_eq!(stage.greets(), "hello from 1.0.0\n");

    let other = events::labeled("good first issue", "feature/speed", &head);
    play(&stage, "pull_request", &other).assert_jobs(&[]);
    let mut fork = events::labeled("deploy-to-staging", "feature/speed", &head);
    fork["pull_request"]["head"]["repo"] = Value::Null;
    play(&stage, "pull_request", &fork).assert_jobs(&[]);
}
