//! Acceptance deployments: made beside an environment, tested, and gone again whatever happens.

use crate::support::address::get;
use crate::support::github::{FakeGitHub, Repository};
use crate::support::project::Project;
use crate::support::ran::Ran;
use crate::support::waiting::eventually;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};

const SUITES: &str = "  slow:
    - { name: takes its time, command: [sleep, \"60\"], timeout: 90s }
    - { name: never, tcp: {} }
  variables:
    - { name: sees, command: [python3, seen.py], timeout: 20s }
";

/// A project whose `staging` has a suite of its own and settings of acceptance deployments.
fn project(acceptance: &str) -> Project {
    let project = Project::new("  strategy: blue-green");
    let pipeline = project.read("greenroom.yaml");
    project.write("greenroom.yaml", format!("{pipeline}{SUITES}"));
    let staging = project.read("environments/staging.yaml");
    project.write(
        "environments/staging.yaml",
        format!("{staging}variables: {{ LEVEL: debug }}\n{acceptance}"),
    );
    project
}

/// What is left of acceptance deployments: directories and processes.
fn left(project: &Project) -> Vec<String> {
    let directories = fs::read_dir(project.path(".greenroom/local"))
        .into_iter()
        .flatten();
    let directories = directories
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut left: Vec<String> = directories.filter(|name| name != "staging").collect();
    left.extend(project.processes().iter().map(ToString::to_string));
    left
}

/// Whether the command of the suite `slow` runs.
fn is_testing(project: &Project) -> bool {
    let words = |id: u32| fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    project
        .processes()
        .into_iter()
        .any(|id| words(id).starts_with(b"sleep\0"))
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
}

/// Makes one, and says its id and port.
fn create(project: &Project, words: &[&str]) -> (String, u16) {
    let ran = project.must(
        &[
            &["--format", "json", "acceptance", "create", "-e", "staging"],
            words,
        ]
        .concat(),
    );
    let made = json(&ran);
    let port = made["url"].as_str().unwrap().rsplit(':').next().unwrap();
    (
        made["id"].as_str().unwrap().to_owned(),
        port.trim_end_matches('/').parse().unwrap(),
    )
}

#[test]
fn one_is_made_tested_and_cleaned_up_step_by_step() {
    let project = project("");
    let (id, port) = create(&project, &["--suite", "smoke"]);
    assert!(id.starts_with("acceptance-test-staging-"), "{id}");
    assert_eq!(get(port, "/"), Some((200, "hello from 1.0.0\n".to_owned())));
    assert_eq!(
        get(project.port, "/"),
        None,
        "nothing was deployed to staging itself"
    );
    assert_eq!(
        project.records("staging", ""),
        0,
        "and nothing was recorded there"
    );

    let listed = project.must(&["acceptance", "list"]);
    assert!(
        listed.out.contains(&id) && listed.out.contains("made from staging by ana"),
        "{}",
        listed.out
    );
    let tested = project.must(&["acceptance", "run", &id, "--junit", "acceptance.xml"]);
    assert!(tested.out.contains("1 of 1 checks passed"), "{}", tested.out);
    assert!(project.read("acceptance.xml").contains("health"));
    assert!(get(port, "/").is_some(), "it stays until it is cleaned up");
    // The only one is meant where none is named.
    project.must(&["acceptance", "run", "--suite", "smoke"]);

    project.must(&["acceptance", "cleanup", &id]);
    assert_eq!(left(&project), [""; 0]);
    assert_eq!(
        project.must(&["acceptance", "list"]).out,
        "there is no acceptance deployment\n"
    );
    let again = project.run(&["acceptance", "run", &id]);
    assert_eq!(again.status, 2, "{}", again.err);
    assert!(
        again.err.contains(&format!(
            "there is no acceptance deployment {id}; there are: none"
        )),
        "{}",
        again.err
    );
    let audit = project.must(&["audit", "verify", &id]);
    assert!(audit.out.contains("the chain is whole"), "{}", audit.out);
}

#[test]
fn a_dry_run_shows_what_would_be_made_and_makes_nothing() {
    let project = project("");
    let words = [
        "acceptance",
        "create",
        "-e",
        "staging",
        "--ttl",
        "4h",
        "--dry-run",
    ];
    let ran = project.must(&words);
    assert!(
        ran.out.contains("Deploy hello 1.0.0 to acceptance-test-staging-"),
        "{}",
        ran.out
    );
    let shown = json(&project.must(&[&words[..], &["--format", "json"]].concat()));
    assert_eq!(shown["schema"], "greenroom.plans/1");
    let planned = &shown["plans"][0];
    assert_eq!(planned["plan"]["environment"], planned["environment"]);
    assert!(
        !project.path(".greenroom").exists(),
        "nothing was built, started or recorded"
    );
}

#[test]
fn one_go_leaves_reports_and_nothing_else() {
    let project = project("");
    let ran = project.must(&[
        "acceptance",
        "run",
        "-e",
        "staging",
        "--suite",
        "smoke",
        "--junit",
        "out.xml",
    ]);
    assert!(
        ran.out.contains("1 of 1 checks passed") && ran.out.contains("is removed"),
        "{}",
        ran.out
    );
    assert!(
        !ran.out.contains(" as acceptance"),
        "the image gets no tag: {}",
        ran.out
    );
    assert!(project.read("out.xml").contains("health"));
    assert_eq!(left(&project), [""; 0]);

    // The readiness check passes, the suite does not.
    project.version("1.1.0", "sick");
    let ran = project.run(&[
        "--format",
        "json",
        "acceptance",
        "run",
        "-e",
        "staging",
        "--suite",
        "smoke",
    ]);
    assert_eq!(ran.status, 9, "{}{}", ran.out, ran.err);
    let runs = json(&ran)["runs"].clone();
    assert_eq!(runs[1]["schema"], "greenroom.acceptance/1");
    assert_eq!(
        (&runs[1]["verdict"], &runs[1]["removed"]),
        (&"fail".into(), &true.into())
    );
    assert_eq!(left(&project), [""; 0]);

    // It does not even start.
    project.write("app/server.py", "raise SystemExit(3)");
    let ran = project.run(&["acceptance", "run", "-e", "staging", "--suite", "smoke"]);
    assert_eq!(ran.status, 4, "{}{}", ran.out, ran.err);
    assert_eq!(left(&project), [""; 0]);
}

#[test]
fn an_interrupt_cleans_up_at_once() {
    let project = project("");
    let began = Instant::now();
    let child = project
        .command(&["acceptance", "run", "-e", "staging", "--suite", "slow"])
        .spawn()
        .unwrap();
    eventually("the suite to begin", || is_testing(&project));
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let ran = project.wait(child);
    assert_eq!(ran.status, 130, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("interrupted by SIGINT") && ran.out.contains("is removed"),
        "{}",
        ran.out
    );
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "it took {:?}",
        began.elapsed()
    );
    assert_eq!(left(&project), [""; 0]);
}

#[test]
fn what_a_crash_leaves_is_collected_when_it_is_due_and_nothing_else() {
    let project = project("");
    let mut child = project
        .command(&[
            "acceptance",
            "run",
            "-e",
            "staging",
            "--suite",
            "slow",
            "--ttl",
            "31m",
        ])
        .spawn()
        .unwrap();
    eventually("the suite to begin", || is_testing(&project));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!left(&project).is_empty());
    // What others put there, or greenroom for another purpose, carries no end.
    project.write(".greenroom/local/theirs/data", "precious");
    project.write(
        ".greenroom/local/other/greenroom.json",
        r#"{"v":1,"service":"another","environment":"other","expires":"2020-01-01T00:00:00.000Z"}"#,
    );
    let ran = project.must(&["prune", "guests"]);
    assert!(
        ran.out.contains("nothing is overdue"),
        "it is not due yet: {}",
        ran.out
    );
    // Its own mark says when, and is enough: the ledger may be lost.
    let id = left(&project)
        .into_iter()
        .find(|name| name.starts_with("acceptance-test"))
        .unwrap();
    let marker = format!(".greenroom/local/{id}/greenroom.json");
    let mut mark: Value = serde_json::from_str(&project.read(&marker)).unwrap();
    mark["expires"] = "2020-01-01T00:00:00.000Z".into();
    project.write(&marker, mark.to_string());
    fs::remove_dir_all(project.path(".greenroom/ledger")).unwrap();
    let shown = project.must(&["prune", "guests", "--dry-run"]);
    assert!(
        shown
            .out
            .contains(&format!("would go: {id}  overdue since 2020-01-01 00:00:00 UTC")),
        "{}",
        shown.out
    );
    assert!(project.path(&marker).exists());

    let ran = project.must(&["prune", "guests", "-e", "staging"]);
    assert!(ran.out.contains(&format!("{id} is removed")), "{}", ran.out);
    assert!(!project.path(&format!(".greenroom/local/{id}")).exists());
    assert_eq!(project.read(".greenroom/local/theirs/data"), "precious");
    assert!(project.path(".greenroom/local/other/greenroom.json").exists());
}

#[test]
fn whoever_is_at_work_on_it_is_not_disturbed() {
    let project = project("");
    let child = project
        .command(&["acceptance", "run", "-e", "staging", "--suite", "slow"])
        .spawn()
        .unwrap();
    eventually("the suite to begin", || is_testing(&project));
    let listed = json(&project.must(&["--format", "json", "acceptance", "list"]));
    let id = listed["acceptances"][0]["id"].as_str().unwrap().to_owned();
    let ran = project.run(&["acceptance", "cleanup", &id]);
    assert_eq!(ran.status, 7, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("testing it"), "{}", ran.err);
    kill_process(
        Pid::from_raw(child.id().try_into().unwrap()).unwrap(),
        Signal::TERM,
    )
    .unwrap();
    assert_eq!(project.wait(child).status, 130);
    assert_eq!(left(&project), [""; 0]);
}

#[test]
fn it_runs_with_the_configuration_of_another_environment() {
    let project = project("acceptance: { vmNamePrefix: trial, configuration: production }\n");
    project.environment("production", crate::support::address::free_port(), "");
    let production = project.read("environments/production.yaml");
    project.write(
        "environments/production.yaml",
        format!("{production}variables: {{ LEVEL: warn }}\n"),
    );
    // Checks see the variables that the service gets.
    project.write(
        "seen.py",
        "import os; print(os.environ['LEVEL']); raise SystemExit(os.environ['LEVEL'] != 'warn')",
    );
    project.must(&["acceptance", "run", "-e", "staging", "--suite", "variables"]);
    let ran = project.run(&[
        "acceptance",
        "run",
        "-e",
        "staging",
        "--suite",
        "variables",
        "--configuration",
        "staging",
    ]);
    assert_eq!(ran.status, 9, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("acceptance deployment trial-staging-"),
        "{}",
        ran.out
    );
    assert_eq!(left(&project), [""; 0]);
}

#[test]
fn the_environment_says_what_happens_where_the_command_line_does_not() {
    let project = project("acceptance: { cleanupAfterTests: false, testTimeout: 1s, testSuite: slow }\n");
    let ran = project.run(&["acceptance", "run", "-e", "staging"]);
    assert_eq!(ran.status, 9, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("not run: the 1s for all of it were over"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains(" stays until "), "{}", ran.out);
    assert!(!left(&project).is_empty(), "it is kept");
    project.must(&["acceptance", "cleanup", "--all"]);
    assert_eq!(left(&project), [""; 0]);

    // On what runs in the environment itself.
    let staging = project.read("environments/staging.yaml").replace(
        "acceptance: { cleanupAfterTests: false, testTimeout: 1s, testSuite: slow }",
        "acceptance: { createNewVM: false }",
    );
    project.write("environments/staging.yaml", staging);
    project.must(&["deploy", "-e", "staging"]);
    let ran = project.must(&["acceptance", "run", "-e", "staging", "--suite", "smoke"]);
    assert!(
        ran.out.contains("the suite runs on what runs in staging"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("1 of 1 checks passed"), "{}", ran.out);
}

#[test]
fn images_of_removed_ones_are_not_needed_any_more() {
    let project = project("");
    let needed = |project: &Project| {
        let pruned = json(&project.must(&["--format", "json", "prune", "images", "--keep-last", "1"]));
        let keep = pruned["repositories"][0]["keep"].as_array().unwrap().clone();
        let why = keep
            .into_iter()
            .map(|kept| kept["why"].as_str().unwrap().to_owned());
        why.filter(|why| why.contains("acceptance-test")).count()
    };
    let (id, _) = create(&project, &[]);
    assert_eq!(needed(&project), 1, "its image is needed while it stands");
    project.must(&["acceptance", "cleanup", &id]);
    assert_eq!(needed(&project), 0);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_made() {
    let project = project("");
    project.write(
        "environments/hosts.yaml",
        "name: hosts\ntype: test\ncommand: { deploy: [./deploy.sh], status: [./status.sh] }\n",
    );
    for (words, status, says) in [
        (
            &["create", "-e", "staging", "--suite", "nope"][..],
            2,
            "there is no suite nope; configured are:",
        ),
        (
            &["create", "-e", "staging", "--ttl", "0s"],
            2,
            "give --ttl a time such as 2h",
        ),
        (
            &["create", "-e", "staging", "--configuration", "nope"],
            2,
            "there is no environment nope",
        ),
        (&["create", "-e", "hosts"], 3, "runs on the target `command`"),
        (
            &["run"],
            2,
            "there is no acceptance deployment\n  fix: make one with -e ENV",
        ),
        (&["run", "-e", "hosts"], 3, "runs on the target `command`"),
        (
            &["cleanup", "acceptance-test-x"],
            2,
            "there is no acceptance deployment acceptance-test-x",
        ),
        (&["cleanup"], 2, "required arguments"),
    ] {
        let ran = project.run(&[&["acceptance"], words].concat());
        assert_eq!(ran.status, status, "{words:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(says), "{words:?}: {}", ran.err);
    }
    assert!(!project.path(".greenroom/images").exists(), "nothing was built");
}

#[test]
fn what_github_shows_of_one_becomes_inactive_when_it_goes_and_a_github_that_is_down_keeps_nothing() {
    let github = FakeGitHub::start(Repository::default());
    let url = github.url();
    let job = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_REPOSITORY", "acme/hello"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_API_URL", url.as_str()),
        ("GITHUB_TOKEN", "ghs_swordfish"),
    ];
    let project = project("");
    for words in [
        &["init", "--quiet"][..],
        &["add", "greenroom.yaml"],
        &["commit", "--quiet", "--message", "first"],
    ] {
        let mut git = crate::support::git::git(&project.path(""));
        assert!(git.args(words).status().unwrap().success());
    }
    let step = |words: &[&str]| {
        let ran = project.with(words, &job);
        assert_eq!(ran.status, 0, "{words:?}{}{}", ran.out, ran.err);
        assert!(!ran.err.contains("swordfish"), "{}", ran.err);
        ran
    };
    let made = |count: usize| {
        let before = github.deployments().len();
        for _ in 0..count {
            step(&["acceptance", "create", "-e", "staging"]);
        }
        github.deployments().split_off(before)
    };
    let states = || -> Vec<String> {
        let all = github.deployments();
        all.iter().map(|one| one.state().to_owned()).collect()
    };
    let first = made(2);
    assert!(first.iter().all(|one| one.transient && !one.production));
    assert_eq!(states(), ["success", "success"]);
    let ran = step(&["acceptance", "cleanup", &first[0].environment]);
    assert_eq!(states(), ["inactive", "success"], "{}", ran.err);
    let gone = github.deployments()[0].statuses.last().unwrap().sent.clone();
    let description = gone["description"].as_str().unwrap();
    assert!(description.contains(&first[0].environment), "{description}");
    assert_eq!(gone["environment_url"], Value::Null);

    // What cannot be told is a warning, and the deployment is gone all the same.
    github.with(|state| state.repository.permissions = Some(vec!["deployments: read".to_owned()]));
    let ran = step(&["acceptance", "cleanup", "--all"]);
    let warning = "warning: not shown on GitHub: showing that";
    assert!(
        ran.err.contains(warning) && ran.err.contains("deployments: write"),
        "{}",
        ran.err
    );
    assert_eq!(left(&project), [""; 0]);
    assert_eq!(states(), ["inactive", "success"]);

    // Where nothing is to be shown, nothing is asked.
    github.with(|state| state.repository.permissions = None);
    let pipeline = project.read("greenroom.yaml");
    project.write(
        "greenroom.yaml",
        format!("{pipeline}github: {{ deployments: false, checks: false }}\n"),
    );
    let asked = github.requests().len();
    step(&["acceptance", "create", "-e", "staging"]);
    step(&["acceptance", "cleanup", "--all"]);
    assert_eq!(github.requests().len(), asked);
}
