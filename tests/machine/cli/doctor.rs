//! `greenroom doctor` where there is no cluster: the project and what runs on this machine.

use crate::support::project::Project;
use serde_json::Value;
use std::net::TcpListener;

/// What the checks say: area, what and standing, and those that failed with what is found and the fix.
fn examine(project: &Project, words: &[&str]) -> (i32, Vec<(String, String)>, Vec<String>) {
    let ran = project.run(&[&["--format", "json", "doctor"], words].concat());
    let found: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    let checks = found["checks"].as_array().unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    let standings = checks
        .iter()
        .map(|check| {
            (
                format!("{}: {}", text(check, "area"), text(check, "what")),
                text(check, "standing"),
            )
        })
        .collect();
    let failed = checks
        .iter()
        .filter(|check| check["standing"] == "failed")
        .map(|check| {
            assert!(!check["fix"].as_array().unwrap().is_empty(), "{check} has no fix");
            format!(
                "{}: {} (fix: {})",
                text(check, "what"),
                text(check, "found"),
                check["fix"]
            )
        })
        .collect();
    (ran.status, standings, failed)
}

#[test]
fn a_fresh_project_is_well_and_what_is_live_answers() {
    let project = Project::new("");
    let (status, standings, failed) = examine(&project, &[]);
    assert_eq!((status, failed), (0, vec![]));
    let expected = [
        ("project: configuration", "ok"),
        ("project: git repository", "notApplicable"),
        ("project: ledger", "ok"),
        ("project: ledger's heads", "notApplicable"),
        ("project: registry of hello", "ok"),
        ("project: builder", "ok"),
        ("staging: secrets", "notApplicable"),
        ("staging: router", "ok"),
        ("staging: address of the service", "notApplicable"),
    ];
    let expected: Vec<(String, String)> = expected
        .map(|(what, standing)| (what.to_owned(), standing.to_owned()))
        .into();
    assert_eq!(standings, expected);
    assert!(!project.path(".greenroom").exists(), "it changes nothing");

    project.must(&["deploy", "-e", "staging"]);
    let shown = project.must(&["doctor", "-e", "staging"]).out;
    assert!(shown.contains("router: runs with 2 route(s)"), "{shown}");
    assert!(shown.contains("answers 200 to /health"), "{shown}");
    project.must(&["environment", "stop", "staging"]);
    let (status, _, failed) = examine(&project, &[]);
    assert_eq!(status, 6, "{failed:?}");
    assert!(
        failed[0].starts_with("address of the service: http://127.0.0.1:")
            && failed[0].contains("greenroom status staging"),
        "{failed:?}"
    );
}

#[test]
fn what_is_missing_is_named_with_what_makes_it_right() {
    let project = Project::new("secrets: { DB_PASSWORD: { env: NOT_SET } }");
    let pipeline = project.read("greenroom.yaml");
    project.write(
        "greenroom.yaml",
        pipeline.replace("repository: hello", "repository: 127.0.0.1:1/hello")
            + "scan: { run: [no-such-scanner, \"{{ image }}\"] }\n",
    );
    let _somebody = TcpListener::bind(("127.0.0.1", project.port)).unwrap();
    project.write(".greenroom/ledger/staging/head", "{");
    let (status, _, failed) = examine(&project, &[]);
    assert_eq!(status, 3, "{failed:#?}");
    let of = |what: &str| {
        failed
            .iter()
            .find(|line| line.starts_with(what))
            .cloned()
            .unwrap_or_default()
    };
    assert!(of("secrets").contains("NOT_SET is not set"), "{failed:#?}");
    assert!(
        of("scanner").contains("no-such-scanner is not in PATH") && of("scanner").contains("apt-get install"),
        "{failed:#?}"
    );
    assert!(
        of("registry of 127.0.0.1:1/hello").contains("curl -I https://127.0.0.1:1/v2/"),
        "{failed:#?}"
    );

    // What only does not answer is no matter of the configuration.
    let project = Project::new("");
    project.write(
        "greenroom.yaml",
        project
            .read("greenroom.yaml")
            .replace("repository: hello", "repository: 127.0.0.1:1/hello"),
    );
    let (status, _, failed) = examine(&project, &[]);
    assert_eq!((status, failed.len()), (6, 1), "{failed:#?}");
}

#[test]
fn a_ledger_that_cannot_be_written_or_was_altered_is_found() {
    let project = Project::new("");
    project.must(&["deploy", "-e", "staging"]);
    let head: Value = serde_json::from_str(&project.read(".greenroom/ledger/staging/head")).unwrap();
    let newest = format!(
        ".greenroom/ledger/staging/{:020}.json",
        head["seq"].as_u64().unwrap()
    );
    project.write(&newest, project.read(&newest).replace("succeeded", "SUCCEEDED"));
    let (status, _, failed) = examine(&project, &[]);
    assert_eq!(status, 6, "{failed:#?}");
    assert!(
        failed[0].contains("greenroom audit verify staging"),
        "{failed:#?}"
    );

    let project = Project::new("");
    project.write(".greenroom/ledger", "a file");
    let (status, _, failed) = examine(&project, &[]);
    assert_eq!(status, 3, "{failed:#?}");
    assert!(
        failed[0].contains("cannot be written: Not a directory"),
        "{failed:#?}"
    );
}

#[test]
fn programs_of_a_command_target_are_looked_for() {
    let project = Project::new("");
    project.write(
        "environments/hosts.yaml",
        "name: hosts\ntype: test\ncommand: { deploy: [./deploy.sh], status: [no-such-program] }\n",
    );
    project.write("deploy.sh", "#!/bin/sh\n");
    let (status, _, failed) = examine(&project, &["-e", "hosts"]);
    assert_eq!((status, failed.len()), (3, 2), "{failed:#?}");
    assert!(
        failed[0].contains("deploy.sh is not executable") && failed[0].contains("chmod +x './deploy.sh'"),
        "{failed:#?}"
    );
    assert!(
        failed[1].contains("no-such-program is not in PATH"),
        "{failed:#?}"
    );
}
