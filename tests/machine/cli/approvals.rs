//! Approvals, locks and freezes: refused, allowed, on record.

use crate::support::address::free_port;
use crate::support::project::Project;
use crate::support::ran::Ran;
use crate::support::waiting::eventually;

/// A project whose environment asks for one approval.
fn guarded() -> Project {
    let project = Project::new("  rollback: { watch: 0s }");
    let environment = project.read("environments/staging.yaml");
    project.write(
        "environments/staging.yaml",
        format!("{environment}protection: {{ requireApproval: true }}\n"),
    );
    project
}

/// greenroom as another person.
fn run_as(project: &Project, user: &str, words: &[&str]) -> Ran {
    let output = project.command(words).env("USER", user).output().unwrap();
    project.finish(output)
}

/// The digest that the refusal of a run names.
fn digest(refused: &Ran) -> String {
    let (_, rest) = refused.err.split_once("--image ").unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_refused_image_goes_out_once_another_person_approves_it() {
    let project = guarded();
    let refused = project.run(&["run"]);
    assert_eq!(refused.status, 6, "{}", refused.err);
    assert!(refused.err.contains("0 of 1 approvals"), "{}", refused.err);
    let image = digest(&refused);
    let approve = ["approve", "staging", "--image", &image, "--reason", "read it"];
    let deploy = ["deploy", "-e", "staging", "--image", &image];

    // One's own approval is kept and does not count.
    assert_eq!(project.run(&approve).status, 0);
    let own = project.run(&deploy);
    assert_eq!(own.status, 6);
    assert!(
        own.err
            .contains("\"ana\" asked for this deployment and does not count"),
        "{}",
        own.err
    );

    // Nothing is written by a dry run.
    let dry = run_as(&project, "bo", &[&approve[..], &["--dry-run"]].concat());
    assert!(dry.out.contains("would be written down"), "{}", dry.out);
    assert_eq!(project.run(&deploy).status, 6);

    // Another person's is withdrawn again, and then stands.
    assert_eq!(run_as(&project, "bo", &approve).status, 0);
    let withdrawn = run_as(
        &project,
        "bo",
        &["approve", "staging", "--revoke", "--reason", "not yet"],
    );
    assert!(withdrawn.out.contains("withdrawn: sha256:"), "{}", withdrawn.out);
    assert_eq!(project.run(&deploy).status, 6);
    assert_eq!(run_as(&project, "bo", &approve).status, 0);
    let listed = project.must(&["approve", "staging", "--list"]);
    assert!(
        listed.out.contains("approved by bo (local) until "),
        "{}",
        listed.out
    );

    let deployed = project.run(&deploy);
    assert_eq!(deployed.status, 0, "{}{}", deployed.out, deployed.err);
    assert!(
        deployed.err.contains("approved by bo (local, record ")
            || deployed.out.contains("approved by bo (local, record ")
    );
    let history = project.must(&["history", "staging"]);
    assert!(history.out.contains("approval withdrawn"), "{}", history.out);
    project.must(&["audit", "verify", "staging"]);

    // Another image is another matter.
    project.version("1.1.0", "");
    let other = project.run(&["run"]);
    assert_eq!(other.status, 6);
    assert_ne!(digest(&other), image);
}

#[test]
fn a_lock_stops_both_ways_and_a_freeze_only_deployments() {
    let project = Project::new("  rollback: { watch: 0s }");
    project.must(&["run"]);
    project.version("1.1.0", "");
    project.must(&["run"]);

    project.must(&["lock", "staging", "--reason", "migration"]);
    let status = project.must(&["status", "staging"]);
    assert!(
        status
            .out
            .contains("until it is taken off by ana (local): migration"),
        "{}",
        status.out
    );
    let back = project.run(&["rollback", "staging"]);
    assert_eq!(back.status, 6);
    assert!(back.err.contains("staging is locked by \"ana\""), "{}", back.err);
    let silent = run_as(&project, "bo", &["unlock", "staging"]);
    assert_eq!(silent.status, 2);
    assert!(silent.err.contains("say with --reason why"), "{}", silent.err);
    assert_eq!(
        run_as(&project, "bo", &["unlock", "staging", "--reason", "done"]).status,
        0
    );
    let again = project.must(&["unlock", "staging"]);
    assert_eq!(again.out, "staging: nothing to do, it is not locked\n");

    project.must(&[
        "freeze",
        "-e",
        "staging",
        "--until",
        "2099-01-01T00:00:00Z",
        "--reason",
        "holidays",
    ]);
    project.version("1.2.0", "");
    let refused = project.run(&["run"]);
    assert_eq!(refused.status, 6);
    assert!(
        refused
            .err
            .contains("staging is frozen by \"ana\" until 2099-01-01"),
        "{}",
        refused.err
    );
    project.must(&["rollback", "staging"]);
    project.must(&["freeze", "-e", "staging", "--lift"]);
    project.must(&["run"]);
    let history = project.must(&["history", "staging"]);
    assert!(history.out.contains("by bo (local): done"), "{}", history.out);
    project.must(&["audit", "verify", "staging"]);
}

#[test]
fn two_people_who_approve_at_once_both_stand() {
    let project = guarded();
    let digest = format!("sha256:{}", "ab".repeat(32));
    let words = ["approve", "staging", "--image", &digest, "--reason", "read it"];
    let started: Vec<_> = ["bo", "cy", "di", "ed"]
        .map(|user| project.command(&words).env("USER", user).spawn().unwrap())
        .into_iter()
        .collect();
    for process in started {
        let ran = project.finish(process.wait_with_output().unwrap());
        assert_eq!(ran.status, 0, "{}", ran.err);
    }
    let listed = project.must(&["approve", "staging", "--list"]);
    for user in ["bo", "cy", "di", "ed"] {
        assert!(
            listed.out.contains(&format!("approved by {user} (local)")),
            "{}",
            listed.out
        );
    }
}

#[test]
fn an_approval_counts_for_one_digest_in_one_environment_for_its_time() {
    let project = guarded();
    let port = free_port();
    project.environment("production", port, "  rollback: { watch: 0s }");
    let refused = project.run(&["deploy", "-e", "staging"]);
    let image = digest(&refused);
    let other = format!("sha256:{}", "ab".repeat(32));
    let deploy = ["deploy", "-e", "staging", "--image", &image];
    let approve = |place: &str, image: &str, more: &[&str]| {
        let words = [
            &["approve", place, "--image", image, "--reason", "read it"][..],
            more,
        ]
        .concat();
        assert_eq!(run_as(&project, "bo", &words).status, 0);
    };
    let refused = || {
        let ran = project.run(&deploy);
        assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("0 of 1 approvals"), "{}", ran.err);
    };
    approve("staging", &other, &[]);
    refused();
    approve("production", &image, &[]);
    refused();
    approve("staging", &image, &["--for", "1s"]);
    eventually("its end", || {
        let listed = project.must(&["approve", "staging", "--list"]).out;
        !listed.contains(&image)
    });
    refused();
    // Given again it replaces the one before, and counts.
    approve("staging", &image, &["--for", "1h"]);
    approve("staging", &image, &[]);
    let listed = project.must(&["approve", "staging", "--list"]).out;
    assert_eq!(listed.matches(&image).count(), 1, "{listed}");
    project.must(&deploy);
}

#[test]
fn two_approvals_of_one_person_are_one_and_the_way_back_needs_none() {
    let project = guarded();
    let environment = project.read("environments/staging.yaml");
    let two = "requireApproval: true, approvals: { count: 2 }";
    project.write(
        "environments/staging.yaml",
        environment.replace("requireApproval: true", two),
    );
    for version in ["1.0.0", "1.1.0"] {
        project.version(version, "");
        let image = digest(&project.run(&["run"]));
        let deploy = ["deploy", "-e", "staging", "--image", &image];
        let approve = ["approve", "staging", "--image", &image, "--reason", "read it"];
        for user in ["bo", "BO", "bo"] {
            assert_eq!(run_as(&project, user, &approve).status, 0);
            let ran = project.run(&deploy);
            assert_eq!(ran.status, 6, "{user}: {}{}", ran.out, ran.err);
            assert!(ran.err.contains("1 of 2 approvals"), "{}", ran.err);
        }
        assert_eq!(run_as(&project, "cy", &approve).status, 0);
        project.must(&deploy);
    }
    // What was live here was approved then; what all approved is withdrawn since.
    for user in ["bo", "BO", "cy"] {
        let withdraw = ["approve", "staging", "--revoke", "--reason", "gone"];
        assert_eq!(run_as(&project, user, &withdraw).status, 0);
    }
    let plan = project.must(&["rollback", "staging", "--dry-run"]).out;
    assert!(
        plan.contains("1.0.0 was live in staging before: going back to it needs no new approval"),
        "{plan}"
    );
    let told: Vec<&str> = plan
        .lines()
        .filter_map(|line| line.strip_prefix("note: "))
        .collect();
    let preview = project
        .must(&["rollback", "staging", "--dry-run", "--format", "json"])
        .out;
    let preview: serde_json::Value = serde_json::from_str(&preview).unwrap();
    assert_eq!(preview["schema"], "greenroom.plans/1");
    let planned = &preview["plans"][0];
    assert_eq!(planned["environment"], "staging");
    assert_eq!(planned["plan"]["candidate"]["version"], "1.0.0");
    assert_eq!(planned["notes"], serde_json::json!(told));
    project.must(&["rollback", "staging"]);
    assert_eq!(project.get("/").1, "hello from 1.0.0\n");
}

#[test]
fn the_action_approves_in_the_name_of_whoever_started_the_run() {
    let project = guarded();
    let image = digest(&project.run(&["deploy", "-e", "staging"]));
    let act = |image: &str, reason: &str| {
        let mut command = project.command(&["action"]);
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_ACTOR", "ana")
            .env("GITHUB_TRIGGERING_ACTOR", "bo")
            .env("GREENROOM_INPUT_COMMAND", "approve")
            .env("GREENROOM_INPUT_ENVIRONMENT", "staging")
            .env("GREENROOM_INPUT_IMAGE", image)
            .env("GREENROOM_INPUT_REASON", reason);
        project.finish(command.output().unwrap())
    };
    let silent = act(&image, "");
    assert_eq!(silent.status, 2, "{}{}", silent.out, silent.err);
    let unknown = act(&format!("hello@sha256:{}", "ab".repeat(32)), "read it");
    assert_ne!(unknown.status, 0, "{}", unknown.out);
    // The output of an earlier job is the whole name.
    let approved = act(&format!("hello@{image}"), "read it");
    assert_eq!(approved.status, 0, "{}{}", approved.out, approved.err);
    let listed = project.must(&["approve", "staging", "--list"]).out;
    assert!(
        listed.contains(&format!("{image} approved by bo (github")),
        "{listed}"
    );
    project.must(&["deploy", "-e", "staging", "--image", &image]);
}
