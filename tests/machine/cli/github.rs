//! In a job of GitHub Actions: events in; outputs, summary, annotations and masks out.

use crate::support::project::{PIPELINE, Project};
use crate::support::ran::Ran;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TRIGGERS: &str = "\
triggers:
  - push: { branches: [develop] }
    environment: staging
  - label: { name: deploy-to-staging, base: [main] }
    environment: staging
";

fn project() -> Project {
    let project = Project::new("  rollback: { watch: 0s }");
    project.write("greenroom.yaml", format!("{PIPELINE}{TRIGGERS}"));
    project
}

fn push(branch: &str) -> Value {
    let mut event: Value = serde_json::from_str(include_str!("../../fixtures/events/push.json")).unwrap();
    event["ref"] = json!(format!("refs/heads/{branch}"));
    event
}

/// Runs greenroom as the runner does; the step's files are `output` and `summary`.
pub(crate) fn step(project: &Project, name: &str, event: &Value, words: &[&str]) -> Ran {
    for file in ["output", "summary"] {
        project.write(file, "");
    }
    project.write("event.json", serde_json::to_string(event).unwrap());
    let path = |file: &str| project.path(file).to_string_lossy().into_owned();
    project.with(
        words,
        &[
            ("GITHUB_ACTIONS", "true"),
            ("CI", "true"),
            ("GITHUB_EVENT_NAME", name),
            ("GITHUB_EVENT_PATH", &path("event.json")),
            ("GITHUB_OUTPUT", &path("output")),
            ("GITHUB_STEP_SUMMARY", &path("summary")),
            ("GITHUB_SHA", "dddddddddddddddddddddddddddddddddddddddd"),
            ("GITHUB_REPOSITORY_ID", "1001"),
            ("GITHUB_REPOSITORY", "acme/widgets"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_ACTOR", "grace"),
        ],
    )
}

/// Reads the step's outputs as the runner does, which fails the step where the file has another form
/// (actions/runner, `FileCommandManager.cs`).
pub(crate) fn outputs(project: &Project) -> BTreeMap<String, String> {
    let text = project.read("output");
    assert!(
        text.is_empty() || text.ends_with('\n'),
        "the last line is open: {text:?}"
    );
    // Not `lines`: on Linux a carriage return is part of a line.
    let mut lines = text.split_terminator('\n');
    let mut read = BTreeMap::new();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let equals = line.find('=').unwrap_or(usize::MAX);
        let heredoc = line.find("<<").unwrap_or(usize::MAX);
        let (name, value) = if equals < heredoc {
            (&line[..equals], line[equals + 1..].to_owned())
        } else {
            assert_ne!(heredoc, usize::MAX, "no output: {line:?}");
            let end = &line[heredoc + 2..];
            let mut value: Vec<&str> = Vec::new();
            loop {
                match lines.next() {
                    Some(line) if line == end => break,
                    Some(line) => value.push(line),
                    None => panic!("{end:?} is missing: {text:?}"),
                }
            }
            (&line[..heredoc], value.join("\n"))
        };
        assert_eq!(read.insert(name.to_owned(), value), None, "{name} is there twice");
    }
    read
}

/// The commands that the runner sees (actions/runner, `ActionCommand.cs`), by name.
pub(crate) fn commands(text: &str) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    for line in text.lines() {
        let name = match line.trim_start().strip_prefix("::") {
            Some(rest) if rest.contains("::") => rest.split([' ', ':']).next(),
            _ => line
                .split_once("##[")
                .and_then(|(_, rest)| rest.split([']', ' ']).next()),
        };
        if let Some(name) = name {
            *seen.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    seen
}

#[test]
fn a_push_to_the_branch_deploys_and_leaves_outputs_and_a_summary() {
    let project = project();
    let event = push("develop");
    let ran = step(&project, "push", &event, &["run"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let outputs = outputs(&project);
    for (name, value) in [
        ("should_deploy", "true"),
        ("environment", "staging"),
        ("version", "1.0.0"),
        ("outcome", "succeeded"),
        ("ref", "refs/heads/develop"),
    ] {
        assert_eq!(
            outputs.get(name).map(String::as_str),
            Some(value),
            "{name} of {outputs:#?}"
        );
    }
    assert!(outputs["digest"].starts_with("sha256:") && outputs["ledger_head"].starts_with("sha256:"));
    assert_eq!(outputs["tags"].lines().count(), 2);
    let summary = project.read("summary");
    assert!(
        summary.contains("1.0.0") && summary.contains("mermaid"),
        "{summary}"
    );
    let seen = commands(&ran.out);
    assert_eq!(seen.get("group"), seen.get("endgroup"), "{seen:?}");
    assert!(seen["group"] > 3 && seen["notice"] == 1, "{seen:?}");
    assert!(project.must(&["status"]).out.contains("by grace"));
}

#[test]
fn other_events_deploy_nothing_and_a_fork_is_refused() {
    let project = project();
    let ran = step(&project, "push", &push("feature"), &["run"]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert_eq!(outputs(&project)["should_deploy"], "false");
    assert_eq!(
        step(&project, "push", &push("feature"), &["run", "--exit-code"]).status,
        8
    );

    let labeled: Value = serde_json::from_str(include_str!("../../fixtures/events/labeled.json")).unwrap();
    let ran = step(&project, "pull_request", &labeled, &["trigger"]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let values = outputs(&project);
    assert_eq!(
        (values["should_deploy"].as_str(), values["sha"].as_str()),
        ("true", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
    );

    let fork: Value = serde_json::from_str(include_str!("../../fixtures/events/labeled_fork.json")).unwrap();
    for command in ["run", "trigger"] {
        let ran = step(&project, "pull_request", &fork, &[command]);
        assert_eq!(ran.status, 6, "{command}: {}{}", ran.out, ran.err);
        assert_eq!(
            outputs(&project).get("should_deploy").map(String::as_str),
            Some("false"),
            "{command}"
        );
    }
    assert!(!project.path(".greenroom/ledger").exists());
}

#[test]
fn a_failed_deployment_is_annotated_within_githubs_limits() {
    let project = project();
    let checks: String = (0..30)
        .map(|n| {
            format!(
                "    - {{ name: c{n}, type: functional, http: {{ path: /, contains: \"absent {n}\" }} }}\n"
            )
        })
        .collect();
    project.write("greenroom.yaml", format!("{PIPELINE}{checks}{TRIGGERS}"));
    let event = push("develop");
    let ran = step(&project, "push", &event, &["run"]);
    assert_eq!(ran.status, 4, "{}{}", ran.out, ran.err);
    let seen = commands(&ran.out);
    for kind in ["error", "warning", "notice"] {
        assert!(seen.get(kind).copied().unwrap_or(0) <= 10, "{seen:?}");
    }
    assert!(seen["error"] > 1);
    assert_eq!(outputs(&project)["outcome"], "rolledBack");
    for n in 0..30 {
        assert!(project.read("summary").contains(&format!("absent {n}")), "{n}");
    }
}

#[test]
fn checks_alone_are_told_as_checks_and_not_as_a_rollout_that_has_no_end() {
    let project = project();
    project.must(&["deploy", "-e", "staging"]);
    let well = step(&project, "push", &push("develop"), &["verify", "staging"]);
    assert_eq!(well.status, 0, "{}{}", well.out, well.err);
    let summary = project.read("summary");
    assert!(
        summary.contains("## ✅ hello 1.0.0 passes its checks in staging"),
        "{summary}"
    );
    assert!(
        !summary.contains("has not finished") && !summary.contains("resume"),
        "{summary}"
    );
    assert!(!well.out.contains("::error "), "{}", well.out);
    let nowhere = format!("http://127.0.0.1:{}", crate::support::address::free_port());
    let words = ["verify", "staging", "--url", &nowhere];
    let unwell = step(&project, "push", &push("develop"), &words);
    assert_eq!(unwell.status, 9, "{}{}", unwell.out, unwell.err);
    let summary = project.read("summary");
    assert!(
        summary.contains("## ❌ hello 1.0.0 fails its checks in staging"),
        "{summary}"
    );
    assert!(
        unwell.out.contains("::error title=hello 1.0.0 fails its checks"),
        "{}",
        unwell.out
    );
}

#[test]
fn what_was_refused_or_could_not_be_done_stands_in_the_summary() {
    let project = project();
    project.must(&["lock", "staging", "--reason", "the | database <moves>"]);
    assert_eq!(step(&project, "push", &push("develop"), &["run"]).status, 6);
    let summary = project.read("summary");
    assert!(
        summary.starts_with("## ⛔ Refused in staging: 1 condition is not met\n\nNothing was touched.\n"),
        "{summary}"
    );
    assert!(
        summary.contains("the &#124; database &#60;moves&#62;")
            && summary
                .contains("**What to do:** ask them, or take it off with <code>greenroom unlock staging"),
        "{summary}"
    );
    project.write("greenroom.yaml", format!("{PIPELINE}{TRIGGERS}serivce: x\n"));
    let ran = step(&project, "push", &push("develop"), &["run"]);
    assert_eq!(ran.status, 3);
    assert!(
        ran.out.contains("%0Aerror: unknown key `serivce`")
            || ran.out.contains("::error: unknown key `serivce`"),
        "{}",
        ran.out
    );
    let summary = project.read("summary");
    assert!(
        summary.starts_with(
            "## ❌ the configuration has 1 problem(s)\n\n```text\nerror: unknown key `serivce`\n"
        ),
        "{summary}"
    );
}

#[test]
fn a_plan_a_build_and_a_status_stand_in_the_summary() {
    let project = project();
    for (words, shown) in [
        (
            &["plan"][..],
            "## Plan for staging: hello 1.0.0, nothing was touched\n\n```text\nDeploy hello 1.0.0",
        ),
        (
            &["plan", "--format", "json"],
            "## Plan for staging: hello 1.0.0, nothing was touched\n",
        ),
        (
            &["build", "-e", "staging"],
            "## 📦 hello 1.0.0 is built for staging\n",
        ),
        (
            &["status"],
            "## What is live\n\n```text\nstaging: nothing is on record as live\n",
        ),
    ] {
        assert_eq!(
            step(&project, "push", &push("develop"), words).status,
            0,
            "{words:?}"
        );
        let summary = project.read("summary");
        assert!(summary.starts_with(shown), "{words:?}: {summary}");
    }
}

#[test]
fn a_run_with_nothing_to_do_says_so_in_the_summary_and_checks_alone_are_no_rollout() {
    let project = project();
    assert_eq!(step(&project, "push", &push("main"), &["run"]).status, 0);
    let summary = project.read("summary");
    assert!(summary.starts_with("not deploying: "), "{summary}");
    assert_eq!(step(&project, "push", &push("develop"), &["run"]).status, 0);
    let image = outputs(&project).remove("digest").unwrap();
    let again = ["run", "--image", &image];
    assert_eq!(step(&project, "push", &push("develop"), &again).status, 0);
    let summary = project.read("summary");
    assert!(
        summary.starts_with("1.0.0 is live in staging already, so nothing was done"),
        "{summary}"
    );
    assert_eq!(
        step(&project, "push", &push("develop"), &["verify", "staging"]).status,
        0
    );
    let summary = project.read("summary");
    assert!(
        summary.contains("| Version | Environment | Duration | URL |"),
        "{summary}"
    );
    for absent in ["Strategy", "mermaid", "ledger records"] {
        assert!(!summary.contains(absent), "{absent}: {summary}");
    }
}
