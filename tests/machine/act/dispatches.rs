//! Runs that a person starts, and inputs of the action.

use crate::act::events;
use crate::act::player::Played;
use crate::act::stage::Stage;
use crate::act::workflow;
use crate::support::address::free_port;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

/// A check before the build, which is left out only where that is asked for.
const CHECK: &str = "validate:\n  - { name: the check that fails, run: [\"false\"] }\n";

#[test]
fn a_person_says_where_to_and_which_version() {
    let stage = Stage::new();
    let port = free_port();
    stage.environment("production", port);
    let pipeline = stage.project.read("project/greenroom.yaml");
    stage.write("greenroom.yaml", &format!("{pipeline}{CHECK}"));
    stage.commit("develop");
    let inputs = json!({ "environment": "production", "version": "2.0.0", "ref": "", "skip_tests": "true" });
    let played = stage.play("workflow_dispatch", &events::dispatch("develop", &inputs));
    played.assert_jobs(&[("deploy", "success")]);
    let step = played.step("greenroom");
    let said = |name: &str| step.output(name);
    assert_eq!(
        (said("should_deploy"), said("environment")),
        ("true", "production")
    );
    assert_eq!((said("version"), said("outcome")), ("2.0.0", "succeeded"));
    assert_eq!(
        crate::support::address::get(port, "/").unwrap().1,
        "hello from 2.0.0\n"
    );
    assert!(!played.log.contains("the check that fails"), "{}", played.log);

    let inputs = json!({ "environment": "production", "version": "2.1.0", "skip_tests": "false" });
    let played = stage.play("workflow_dispatch", &events::dispatch("develop", &inputs));
    played.assert_jobs(&[("deploy", "failure")]);
    assert!(played.log.contains("the check that fails"), "{}", played.log);
    assert_eq!(
        crate::support::address::get(port, "/").unwrap().1,
        "hello from 2.0.0\n"
    );

    let inputs = json!({ "environment": "nowhere", "skip_tests": "true" });
    let played = stage.play("workflow_dispatch", &events::dispatch("develop", &inputs));
    played.assert_jobs(&[("deploy", "failure")]);
    assert!(played.log.contains("nowhere"), "{}", played.log);
}

/// What a plan for staging says, without what is of one run only.
fn plan(stage: &Stage) -> (Played, String) {
    let played = stage.push("develop");
    let said = played.inner("greenroom").said.clone();
    (played, said)
}

#[test]
fn what_act_gives_a_step_and_github_does_not_changes_nothing() {
    let mut stage = Stage::new();
    stage.workflow(&workflow::using(
        workflow::ACTION,
        "command: plan\nenvironment: staging\nversion: 3.0.0",
    ));
    // The binary as it is, then behind a script that takes the variables away, or gives them other values.
    let scripts = [
        ("plain", ""),
        (
            "without",
            "for name in $(env | sed -n 's/^\\(INPUT_[A-Z_]*\\)=.*/\\1/p'); do unset \"$name\"; done\n",
        ),
        (
            "poisoned",
            "export INPUT_COMMAND=deploy INPUT_ENVIRONMENT=production INPUT_VERSION=6.6.6 INPUT_REF=main INPUT_TOKEN=x\n",
        ),
    ];
    let mut plans = Vec::new();
    for (name, script) in scripts {
        let path = stage.project.path(name);
        let greenroom = env!("CARGO_BIN_EXE_greenroom");
        let text = format!("#!/bin/bash\n{script}exec {greenroom} \"$@\"\n");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        stage.variables = vec![("GREENROOM_BIN".to_owned(), path.display().to_string())];
        let (played, said) = plan(&stage);
        played.assert_jobs(&[("deploy", "success")]);
        assert!(
            said.contains("start 3.0.0 in the blue slot"),
            "{name}: {}",
            played.log
        );
        let lines = said
            .lines()
            .filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()));
        plans.push(lines.map(str::to_owned).collect::<Vec<_>>());
    }
    assert!(!plans[0].is_empty());
    assert_eq!(plans[0], plans[1]);
    assert_eq!(plans[0], plans[2]);
}
