//! Approvals, locks and freezes: refused, allowed, on record.

use crate::project::{Project, Ran};

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
