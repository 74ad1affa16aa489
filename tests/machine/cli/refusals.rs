//! What greenroom refuses, and that nothing was touched then.

use crate::support::address::free_port;
use crate::support::git;
use crate::support::project::{PIPELINE, Project};
use crate::support::waiting::eventually;
use serde_json::{Value, json};
use std::net::TcpListener;

fn git(project: &Project, words: &[&str]) -> String {
    let ran = git::git(&project.path(""))
        .args(["-c", "init.defaultBranch=main"])
        .args(words)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{words:?}: {}",
        String::from_utf8_lossy(&ran.stderr)
    );
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

#[test]
fn every_gate_that_is_not_met_is_named_at_once() {
    let project = Project::new("  rollback: { watch: 0s }");
    let freeze = "freeze: [{ environments: [staging], from: 2020-01-01T00:00:00Z, until: 2099-01-01T00:00:00Z, reason: holidays }]\n";
    project.write("greenroom.yaml", format!("{PIPELINE}{freeze}"));
    insta::assert_snapshot!(project.run(&["run"]).shown(), @r#"
    status 6
    -- stdout
    deploying: staging is the only environment, and there is no event that says otherwise
    version 1.0.0, [TIME]
    image hello@[DIGEST] as staging-v1.0.0-[STAMP]
    the image gets no tag: it was not let in
    -- stderr
    error: refused, nothing was deployed
      freeze: staging is frozen until [TIME] (holidays)
        fix: wait until then, or change `freeze` in the configuration
    "#);
    let environment = project.read("environments/staging.yaml");
    project.write(
        "environments/staging.yaml",
        format!("{environment}protection: {{ requireApproval: true }}\n")
            .replace("suites: [smoke]\n", "suites: []\n"),
    );
    insta::assert_snapshot!(project.run(&["run"]).shown(), @r#"
    status 6
    -- stdout
    deploying: staging is the only environment, and there is no event that says otherwise
    version 1.0.0, [TIME]
    image hello@[DIGEST] as staging-v1.0.0-[STAMP]
    the image gets no tag: it was not let in
    -- stderr
    error: refused, nothing was deployed
      freeze: staging is frozen until [TIME] (holidays)
        fix: wait until then, or change `freeze` in the configuration
      approval: staging requires approval of 1.0.0: 0 of 1 approvals
        fix: let somebody else approve it: `greenroom approve staging --image [DIGEST] --reason …`, then run this again
    "#);
    assert!(!project.path(".greenroom/local").exists(), "nothing was started");
}

#[test]
fn locks_freezes_approvals_proofs_and_old_commits_are_all_named_in_text_and_json() {
    let project = Project::new("  rollback: { watch: 0s }");
    project.environment("production", free_port(), "  rollback: { watch: 0s }");
    project.write(".gitignore", ".greenroom/\nenvironments/\ngreenroom.yaml\n");
    git(&project, &["init", "-q"]);
    for version in ["1.0.0", "1.1.0"] {
        project.version(version, "");
        git(&project, &["add", "-A"]);
        git(&project, &["commit", "-qm", version]);
    }
    project.must(&["deploy", "-e", "production"]);
    git(&project, &["checkout", "-q", "HEAD~1"]);
    let environment = project.read("environments/production.yaml");
    project.write(
        "environments/production.yaml",
        format!(
            "{environment}protection: {{ requireApproval: true, from: staging, approvals: {{ count: 2 }} }}\n"
        ),
    );
    let holidays = ["--until", "2099-01-01T00:00:00Z", "--reason", "holidays"];
    project.must(&[&["freeze", "-e", "production"][..], &holidays].concat());
    project.must(&["lock", "production", "--reason", "migration"]);
    let records = project.records("production", "");

    let commit = git(&project, &["rev-parse", "--short=7", "HEAD"]);
    let told = project.run(&["deploy", "-e", "production"]);
    insta::assert_snapshot!(told.shown().replace(&commit, "[COMMIT]"), @r#"
    status 6
    -- stdout
    deploying: production was named on the command line
    version 1.0.0 at [COMMIT], [TIME]
    image hello@[DIGEST] as production-v1.0.0-[STAMP]-[COMMIT]
    the image gets no tag: it was not let in
    -- stderr
    error: refused, nothing was deployed
      freeze: production is frozen by "ana" until [TIME] (holidays)
        fix: wait until then, or take it off with `greenroom freeze --lift -e production --reason …`
      lock: production is locked by "ana" since [TIME], until it is taken off (migration)
        fix: ask them, or take it off with `greenroom unlock production --reason …`
      stale: this commit is older than the one live in production: a newer run was faster
        fix: deploy the newest commit; to go back use `greenroom rollback production`, or pass --allow-stale
      approval: production requires approval of 1.0.0: 0 of 2 approvals
        fix: let somebody else approve it: `greenroom approve production --image [DIGEST] --reason …`, then run this again
      promotion: production takes only what succeeded in staging, and of 1.0.0 this image was never deployed to staging
        fix: deploy it to staging first, then `greenroom promote --from staging --to production`
    "#);
    let ran = project.run(&["deploy", "-e", "production", "--format", "json"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(shown["exit"], 6);
    assert_eq!(shown["error"]["kind"], "refused");
    let refusals = shown["error"]["refusals"].as_array().unwrap();
    let gates: Vec<&str> = refusals.iter().map(|one| one["gate"].as_str().unwrap()).collect();
    assert_eq!(gates, ["freeze", "lock", "stale", "approval", "promotion"]);
    for refusal in refusals {
        let word = |name: &str| refusal[name].as_str().unwrap();
        let lines = format!(
            "  {}: {}\n    fix: {}\n",
            word("gate"),
            word("reason"),
            word("fix")
        );
        assert!(told.err.contains(&lines), "{lines}");
    }
    assert_eq!(
        project.records("production", ""),
        records,
        "nothing was written down"
    );
}

#[test]
fn a_commit_older_than_the_live_one_is_stale() {
    let project = Project::new("  rollback: { watch: 0s }");
    project.write(".gitignore", ".greenroom/\n");
    git(&project, &["init", "-q"]);
    for version in ["1.0.0", "1.1.0"] {
        project.version(version, "");
        git(&project, &["add", "-A"]);
        git(&project, &["commit", "-qm", version]);
    }
    project.must(&["run"]);
    git(&project, &["checkout", "-q", "HEAD~1"]);
    let ran = project.run(&["run"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("--allow-stale"), "{}", ran.err);
    assert_eq!(project.get("/").1, "hello from 1.1.0\n");
    project.must(&["run", "--allow-stale"]);
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");
}

#[test]
fn a_port_that_somebody_else_has_is_left_to_them() {
    let project = Project::new("  rollback: { watch: 0s }");
    let somebody = TcpListener::bind(("127.0.0.1", project.port)).unwrap();
    let ran = project.run(&["run"]);
    assert_ne!(ran.status, 0);
    insta::assert_snapshot!(ran.shown(), @r#"
    status 6
    -- stdout
    deploying: staging is the only environment, and there is no event that says otherwise
    version 1.0.0, [TIME]
    image hello@[DIGEST] as staging-v1.0.0-[STAMP]
    the image gets no tag: it was not let in
    -- stderr
    error: refused: starting the router on [ADDRESS]: something that greenroom did not start listens there
      fix: stop it or choose another address
    "#);
    assert_eq!(project.processes(), Vec::<u32>::new());
    assert!(
        !project.path(".greenroom/ledger/staging").exists(),
        "nothing is on record"
    );
    drop(somebody);
    project.must(&["run"]);
}

#[test]
fn a_second_deployment_hears_who_is_at_it() {
    let project = Project::new("  rollback: { watch: 20s }");
    let child = project.command(&["run"]).spawn().unwrap();
    eventually("the plan on record", || project.records("staging", "planned") > 0);
    let ran = project.run(&["deploy", "-e", "staging"]);
    assert_eq!(ran.status, 7, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("ana (local)"), "{}", ran.err);
    assert!(
        project
            .must(&["status"])
            .out
            .contains("is being rolled out by ana (local)")
    );
    let process = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::TERM).unwrap();
    assert_eq!(project.wait(child).status, 130);
}

#[test]
fn an_image_gets_its_tags_when_it_is_let_in_and_not_while_another_run_holds_the_environment() {
    let project = Project::new("  rollback: { watch: 0s }");
    let waits = "touch begun; until [ -e go ]; do sleep 0.05; done";
    project.write(
        "greenroom.yaml",
        format!("{PIPELINE}hooks: {{ beforeDeploy: [{{ name: waits, run: [sh, -c, {waits:?}] }}] }}\n"),
    );
    let tagged = |version: &str| {
        project
            .read(".greenroom/images/hello/index.json")
            .contains(version)
    };
    let first = project.command(&["run"]).spawn().unwrap();
    eventually("the first deployment", || project.path("begun").exists());
    assert!(
        tagged("v1.0.0"),
        "it was let in, and now the rollout is under way"
    );

    project.version("1.1.0", "");
    let ran = project.run(&["run"]);
    assert_eq!(ran.status, 7, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("the image gets no tag"), "{}", ran.out);
    assert!(!tagged("v1.1.0"));

    project.write("go", "");
    assert_eq!(project.wait(first).status, 0);
    project.must(&["run"]);
    assert!(tagged("v1.1.0"));
}

#[test]
fn a_new_tag_for_what_is_live_already_asks_the_gates_too() {
    let project = Project::new("  rollback: { watch: 0s }");
    let tags = || {
        let index: Value = serde_json::from_str(&project.read(".greenroom/images/hello/index.json")).unwrap();
        index["manifests"].as_array().unwrap().len()
    };
    project.must(&["run"]);
    project.must(&["lock", "staging", "--reason", "the disk is full"]);
    let before = tags();
    // The tag has the time in it, in seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let ran = project.must(&["run"]);
    assert!(ran.out.contains("is live in staging already"), "{}", ran.out);
    assert!(ran.out.contains("the image gets no tag"), "{}", ran.out);
    assert_eq!(tags(), before);
    project.must(&["unlock", "staging", "--reason", "there is room again"]);
    let ran = project.must(&["run"]);
    assert!(!ran.out.contains("the image gets no tag"), "{}", ran.out);
    assert!(tags() > before);
}

#[test]
fn an_error_shows_what_caused_it_and_what_to_do_apart_in_text_and_json() {
    let project = Project::new("  rollback: { watch: 0s }");
    let lease = ".greenroom/ledger/.locks/staging/00000000000000000001.json";
    project.write(lease, r#"{ "v": "one" }"#);
    insta::assert_snapshot!(project.run(&["-q", "deploy", "-e", "staging"]).shown(), @r#"
    status 3
    -- stderr
    error: reading the lease of staging: [DIR]/.greenroom/ledger/.locks/staging/00000000000000000001.json is damaged
      caused by: invalid type: string "one", expected u32 at line 1 column 12
      fix: when no rollout is running, empty the file
    "#);
    let ran = project.run(&["-q", "--format", "json", "deploy", "-e", "staging"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    let error = &document["error"];
    assert_eq!(
        (&error["causes"], &error["fix"], &error["kind"]),
        (
            &json!(["invalid type: string \"one\", expected u32 at line 1 column 12"]),
            &json!("when no rollout is running, empty the file"),
            &json!("configuration"),
        ),
        "{}",
        ran.out
    );
    assert!(
        error["message"].as_str().unwrap().ends_with("is damaged"),
        "{}",
        ran.out
    );
}
