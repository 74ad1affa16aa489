//! `greenroom check`: everything that is wrong, at once, where it is and how to fix it.

use crate::support::project::{PIPELINE, Project};
use serde_json::Value;
use std::fs::File;

#[test]
fn a_valid_project_says_so_and_its_notes() {
    let project = Project::new("");
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 0
    -- stdout
    greenroom.yaml is valid: service hello, 1 environment(s)
    "#);
    project.write(
        "greenroom.yaml",
        format!("{PIPELINE}notify:\n  - slack: {{ webhook: {{ env: SLACK }} }}\n    on: [failure]\n"),
    );
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 0
    -- stdout
    note: `notify` is not part of this version of greenroom: it has no effect
      --> greenroom.yaml:15:5
       |
    15 |   - slack: { webhook: { env: SLACK } }
       |     ^

    greenroom.yaml is valid: service hello, 1 environment(s), 1 note(s)
    "#);
    let json: Value = serde_json::from_str(&project.must(&["--format", "json", "check"]).out).unwrap();
    assert_eq!(json["valid"], true);
}

#[test]
fn problems_of_several_files_are_shown_at_once() {
    let project = Project::new("  stratgy: rolling");
    project.write("greenroom.yaml", format!("{PIPELINE}servce: x\n"));
    project.environment("second", 1, "  healthCheckTimeout: soon");
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 3
    -- stderr
    error: unknown key `servce`
      --> greenroom.yaml:14:1
       |
    14 | servce: x
       | ^^^^^^
       |
       = help: did you mean `service`?

    error: the key `healthCheckTimeout` is written twice
     --> environments/second.yaml:8:3
      |
    8 |   healthCheckTimeout: soon
      |   ^^^^^^^^^^^^^^^^^^ the second one
      |
      = help: keep one of the two

    error: unknown key `stratgy`
     --> environments/staging.yaml:8:3
      |
    8 |   stratgy: rolling
      |   ^^^^^^^
      |
      = help: did you mean `strategy`?
    "#);
    let ran = project.run(&["--format", "json", "check"]);
    assert_eq!(ran.status, 3);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&json["error"]["kind"], &json["exit"]),
        (&"configuration".into(), &3.into())
    );
    // The same problems in every command that reads the configuration.
    for words in [
        &["run"][..],
        &["plan"],
        &["status"],
        &["tag"],
        &["deploy", "-e", "staging"],
    ] {
        assert_eq!(project.run(words).status, 3, "{words:?}");
    }
    assert!(!project.path(".greenroom").exists());
}

#[test]
fn a_key_written_twice_and_files_made_to_hurt_are_refused() {
    let project = Project::new("");
    project.write("greenroom.yaml", format!("{PIPELINE}service: again\n"));
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 3
    -- stderr
    error: the key `service` is written twice
      --> greenroom.yaml:14:1
       |
    14 | service: again
       | ^^^^^^^ the second one
       |
       = help: keep one of the two
    "#);
    let bomb: String = (1..40).fold(
        "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(),
        |text, level| {
            let before = level - 1;
            let again = vec![format!("*a{before}"); 9].join(", ");
            text + &format!("a{level}: &a{level} [{again}]\n")
        },
    );
    project.write("greenroom.yaml", bomb);
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 3
    -- stderr
    error: the file grows beyond all bounds when it is read
     --> greenroom.yaml:6:10
      |
    6 | a5: &a5 [*a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4, *a4]
      |          ^^^
      |
      = help: use fewer aliases and less nesting
    "#);
    File::create(project.path("greenroom.yaml"))
        .unwrap()
        .set_len(50 * 1024 * 1024)
        .unwrap();
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 3
    -- stderr
    error: cannot read greenroom.yaml: the file is larger than 1 MiB
     |
     = help: name the file with --config, or run greenroom where greenroom.yaml is
    "#);
}

#[test]
fn environments_that_extend_each_other_in_a_circle_or_overlap_are_named() {
    let project = Project::new("");
    project.write("environments/staging.yaml", "name: staging\nextends: second\n");
    project.write("environments/second.yaml", "name: second\nextends: staging\n");
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 3
    -- stderr
    error: environments extend each other in a circle: second → staging → second
     --> environments/second.yaml:2:10
      |
    2 | extends: staging
      |          ^^^^^^^
      |
     ::: environments/staging.yaml:2:10
      |
    2 | extends: second
      |          ^^^^^^ and here
      |
      = help: take out one `extends`
    "#);

    let project = Project::empty();
    project.write(
        "greenroom.yaml",
        include_str!("../../fixtures/config/seeds/greenroom.yaml"),
    );
    let staging = include_str!("../../fixtures/config/seeds/staging.yaml");
    project.write("staging.yaml", staging);
    project.write("test.yaml", include_str!("../../fixtures/config/seeds/test.yaml"));
    project.write(
        "production.yaml",
        include_str!("../../fixtures/config/seeds/production.yaml"),
    );
    insta::assert_snapshot!(project.run(&["environment", "list"]).shown(), @r#"
    status 0
    -- stdout
    NAME             TYPE         TARGET      STRATEGY    DESCRIPTION
    production       production   proxmox     direct      Live production environment
    staging          staging      proxmox     direct      Pre-production validation environment
    test             test         proxmox     direct      Development and feature testing environment
    "#);
    project.write("staging.yaml", staging.replace("start: 2000", "start: 1050"));
    insta::assert_snapshot!(project.run(&["check"]).shown(), @r#"
    status 3
    -- stderr
    error: the range of VM ids of `test` (1000-1099) overlaps that of `staging` (1050-2099)
      --> test.yaml:13:5
       |
    13 |     start: 1000
       |     ^ `test`
       |
      ::: staging.yaml:12:5
       |
    12 |     start: 1050
       |     ^ `staging`
       |
       = help: give each environment one of its own
    "#);
}

#[test]
fn a_secret_without_a_value_is_named_before_anything_is_touched() {
    let project = Project::new("");
    let environment = project.read("environments/staging.yaml");
    project.write("environments/staging.yaml", format!("{environment}secrets: {{ DB_PASSWORD: {{ env: STAGING_DB_PASSWORD }}, KEY: {{ file: key.pem }} }}\n"));
    insta::assert_snapshot!(project.run(&["run", "-q"]).shown(), @r#"
    status 3
    -- stderr
    error: secret DB_PASSWORD: the environment variable STAGING_DB_PASSWORD is not set; set it where greenroom runs (in CI: as a secret handed to the step)
     --> environments/staging.yaml:9:25
      |
    9 | secrets: { DB_PASSWORD: { env: STAGING_DB_PASSWORD }, KEY: { file: key.pem } }
      |                         ^

    error: secret KEY: cannot read the file [DIR]/key.pem: No such file or directory (os error 2)
     --> environments/staging.yaml:9:60
      |
    9 | secrets: { DB_PASSWORD: { env: STAGING_DB_PASSWORD }, KEY: { file: key.pem } }
      |                                                            ^
    "#);
    assert!(!project.path(".greenroom/local").exists(), "nothing was started");
}
