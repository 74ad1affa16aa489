//! Labels on pull requests.

use crate::act::events;
use crate::act::stage::Stage;
use serde_json::json;

/// What nobody should ever see carried out.
const EVIL: &str =
    "a\n::set-output name=outcome::owned\n##[add-mask]e`touch owned`${{ github.token }}$(touch owned)";

#[test]
fn a_label_deploys_the_head_of_its_pull_request() {
    let stage = Stage::new();
    stage.git(&["push", "--quiet", "origin", "HEAD:refs/heads/main"]);
    stage.version("1.1.0", true);
    let head = stage.commit("feature/speed");
    stage.pull_request(&head, "deploy-to-staging");
    let event = events::labeled("deploy-to-staging", "feature/speed", &head);
    let played = stage.play("pull_request", &event);
    played.assert_jobs(&[("deploy", "success")]);
    let step = played.step("greenroom");
    assert_eq!(
        (step.output("outcome"), step.output("sha")),
        ("succeeded", &*head)
    );
    assert_eq!(stage.greets(), "hello from 1.1.0\n");

    stage.version("1.2.0", false);
    let head = stage.commit("feature/speed");
    stage.pull_request(&head, "deploy-to-staging");
    let event = events::labeled("deploy-to-staging", "feature/speed", &head);
    let played = stage.play("pull_request", &event);
    played.assert_jobs(&[("deploy", "failure")]);
    assert_eq!(played.inner("greenroom").status, Some(4), "{}", played.log);
    assert_eq!(stage.greets(), "hello from 1.1.0\n");
}

#[test]
fn a_hostile_label_and_branch_are_only_text() {
    let stage = Stage::new();
    let pipeline = stage.project.read("project/greenroom.yaml");
    stage.write("greenroom.yaml", &pipeline.replace("[develop]", "[\"**\"]"));
    let sha = stage.commit("develop");
    let mut event = events::push("develop", &sha);
    event["ref"] = json!(format!("refs/heads/{EVIL}"));
    event["head_commit"]["message"] = json!(EVIL);
    event["pusher"]["name"] = json!(EVIL);
    let played = stage.play("push", &event);
    unharmed(&stage, &played);

    let mut event = events::labeled(EVIL, EVIL, &sha);
    event["sender"]["login"] = json!(EVIL);
    stage.pull_request(&sha, EVIL);
    let played = stage.play("pull_request", &event);
    unharmed(&stage, &played);
    assert_eq!(
        played.step("greenroom").output("should_deploy"),
        "false",
        "{}",
        played.log
    );
}

/// No command that is not greenroom's own, no output that it does not have, nothing run.
fn unharmed(stage: &Stage, played: &crate::act::player::Played) {
    let inner = played.inner("greenroom");
    for (command, text) in &inner.commands {
        let own = ["group", "endgroup", "notice", "warning", "error", "add-mask"].contains(&command.as_str());
        assert!(
            own && !text.starts_with("e`touch"),
            "{command}: {text}\n{}",
            played.log
        );
    }
    assert_ne!(inner.output("outcome"), "owned", "{}", played.log);
    assert!(
        !played.log.contains("::set-output:: outcome=owned"),
        "{}",
        played.log
    );
    assert!(!stage.root().join("owned").exists());
    assert!(
        !played.log.contains("ghs_swordfish"),
        "the token is masked, and shown nowhere"
    );
}
