//! Commits that are pushed.

use crate::act::stage::Stage;
use crate::act::workflow;

#[test]
fn a_push_to_develop_is_built_deployed_and_told() {
    let stage = Stage::new();
    let sha = stage.git(&["rev-parse", "HEAD"]);
    let played = stage.push("develop");
    let sha_after = stage.git(&["rev-parse", "HEAD"]);
    assert_ne!(sha, sha_after);
    played.assert_jobs(&[("deploy", "success")]);
    let step = played.step("greenroom");
    let said = |name: &str| step.output(name);
    assert_eq!(said("should_deploy"), "true", "{}", played.log);
    assert_eq!((said("environment"), said("version")), ("staging", "1.0.0"));
    assert_eq!((said("outcome"), said("sha")), ("succeeded", &*sha_after));
    let tags: Vec<&str> = said("tags").lines().collect();
    assert_eq!(tags.len(), 2, "{tags:?}");
    assert!(
        tags[0].starts_with("staging-v1.0.0-") && tags[0].ends_with(&sha_after[..7]),
        "{tags:?}"
    );
    for tag in tags {
        assert_eq!(stage.tagged(tag).as_deref(), Some(said("digest")), "{tag}");
    }
    assert!(said("image").ends_with(said("digest")), "{}", said("image"));
    assert_eq!(stage.greets(), "hello from 1.0.0\n");
    let summary = &played.inner("greenroom").summary;
    for part in [
        "## ✅ hello 1.0.0 is live in staging",
        said("deployment_id"),
        said("ledger_head"),
    ] {
        assert!(summary.contains(part), "{part}: {summary}");
    }
    assert!(
        stage.refs().contains(&"refs/heads/greenroom-ledger".to_owned()),
        "{:?}",
        stage.refs()
    );
    // What a later step of the same job sees.
    let seen = &played.step("seen").said;
    let expected = format!(
        "outcome=success\nshould_deploy=true\nimage={}\nversion=1.0.0\n",
        said("image")
    );
    assert_eq!(*seen, expected);
}

#[test]
fn a_version_that_fails_is_taken_back_and_fails_the_job() {
    let stage = Stage::new();
    stage.push("develop").assert_jobs(&[("deploy", "success")]);
    stage.version("1.1.0", false);
    let played = stage.push("develop");
    played.assert_jobs(&[("deploy", "failure")]);
    let inner = played.inner("greenroom");
    assert_eq!(
        (&*inner.result, inner.status),
        ("failure", Some(4)),
        "{}",
        played.log
    );
    let said = |name: &str| inner.output(name);
    assert_eq!((said("outcome"), said("rolled_back_to")), ("rolledBack", "1.0.0"));
    assert_eq!(stage.greets(), "hello from 1.0.0\n", "the version before serves");
    assert!(
        inner.summary.contains("1.1.0") && inner.summary.contains("1.0.0"),
        "{}",
        inner.summary
    );
    let errors = inner.commands.iter().filter(|(name, _)| name == "error").count();
    assert!((1..=10).contains(&errors), "{:?}", inner.commands);
    assert!(
        played
            .step("seen")
            .said
            .starts_with("outcome=failure\nshould_deploy=true\n")
    );

    stage.version("1.2.0", true);
    stage.push("develop").assert_jobs(&[("deploy", "success")]);
    assert_eq!(stage.greets(), "hello from 1.2.0\n");
}

#[test]
fn a_push_to_another_branch_touches_nothing() {
    let stage = Stage::new();
    let played = stage.push("feature/speed");
    played.assert_jobs(&[("deploy", "success")]);
    let inner = played.inner("greenroom");
    assert_eq!(inner.output("should_deploy"), "false");
    assert_eq!(inner.outputs.get("image"), None, "{:?}", inner.outputs);
    assert!(
        played.step("seen").said.contains("should_deploy=false\nimage=\n"),
        "{}",
        played.log
    );
    assert_eq!(stage.github.deployments(), []);
    assert_eq!(stage.github.checks(), []);
    assert_eq!(stage.refs(), ["refs/heads/develop", "refs/heads/feature/speed"]);
    assert_eq!(stage.tagged("staging-latest"), None);
    assert_eq!(stage.project.processes(), [] as [u32; 0]);
    assert_eq!(std::fs::read_dir(stage.project.path("kept")).unwrap().count(), 0);
}

#[test]
fn the_action_works_from_the_repository_that_holds_it() {
    let stage = Stage::new();
    stage.workflow(&workflow::using("./", "command: plan\nenvironment: staging"));
    for file in ["action.yml", "install.sh"] {
        let text = stage.project.read(&format!("action/{file}"));
        stage.write(file, &text);
    }
    let played = stage.push("develop");
    played.assert_jobs(&[("deploy", "success")]);
    let inner = played.inner("greenroom");
    assert!(
        inner.said.contains("start 1.0.0 in the blue slot"),
        "{}",
        played.log
    );
    assert_eq!(stage.project.processes(), [] as [u32; 0]);
}
