//! Events whose every text was written by somebody who means harm: nothing but text comes of it.

use crate::cli::elsewhere::{dotenv, gitlab};
use crate::cli::github::{commands, outputs, step};
use crate::support::project::{PIPELINE, Project};
use crate::support::ran::Ran;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

/// Commands of the runner in both forms, ends of heredocs, marks of Markdown, HTML and shells, sections of GitLab,
/// and line breaks of every kind.
const EVIL: &str = "a\n::set-output name=outcome::owned\n  ::add-mask::e\n##[add-mask]f\r\n##[set-output name=sha]g\n\
    b ##[error]h\n::stop-commands::i\noutcome=owned\nshould_deploy<<EOF\ntrue\nEOF\nghadelimiter_0123456789abcdef\n\
    # heading\n| a | b |\n|---|---|\n```\n</details><!-- <script> -->\n`id` $(id) ${{ secrets.X }} {{ env.PATH }}\n\
    \u{1b}[0Ksection_start:1700000000:x\r\u{1b}[0Ky\n\u{2028}::warning::j\u{202e}--help";

const MORE: &str = "  there:
    - { name: there, type: health, command: [\"true\"] }
triggers:
  - push: { branches: [\"**\"] }
    environment: staging
  - dispatch: {}
  - label: { name: deploy, base: [\"**\"] }
    environment: staging
ledger: { directory: .greenroom/ledger }
";

/// Deploys by a command that writes down how it was called.
fn project() -> Project {
    let project = Project::empty();
    project.write("greenroom.yaml", format!("{PIPELINE}{MORE}"));
    project.write("VERSION", "1.0.0\n");
    project.write("app/server.py", "");
    project.write(
        "deploy.sh",
        "#!/bin/sh\n{ printf '<%s>\\n' \"$@\"; env -0 | cut -z -d= -f1 | sort -z | tr '\\0' '\\n'; } >> calls\n",
    );
    project.write("status.sh", "#!/bin/sh\ntest -f calls\n");
    for script in ["deploy.sh", "status.sh"] {
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(project.path(script), mode).unwrap();
    }
    project.write(
        "environments/staging.yaml",
        "name: staging\ntype: staging\ndeployment: { strategy: direct, rollback: { watch: 0s } }\n\
         command: { deploy: [./deploy.sh, \"{{ version }}\", \"{{ environment }}\"], status: [./status.sh] }\nsuites: [there]\n",
    );
    project
}

/// What a run leaves, without what differs from run to run.
#[derive(Debug, PartialEq)]
struct Left {
    /// Names of the outputs, and those values that nobody but greenroom decides about.
    outputs: BTreeMap<String, Option<String>>,
    /// How often each command to the runner was given; GitHub's is the only one that takes any.
    commands: BTreeMap<String, usize>,
    /// How often each mark of structure stands in the summary.
    summary: [usize; 7],
    /// How the deployment was called.
    calls: String,
    /// How many sections of GitLab's log were opened and closed.
    sections: usize,
}

fn left(project: &Project, ran: &Ran, values: BTreeMap<String, String>, summary: &str) -> Left {
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert_eq!(ran.err, "");
    let own = [
        "outcome",
        "should_deploy",
        "environment",
        "version",
        "matrix",
        "sha",
    ];
    let outputs = values
        .into_iter()
        .map(|(name, value)| (name.clone(), own.contains(&name.as_str()).then_some(value)));
    let marks = ["<details>", "</details>", "```", "\n|", "\n#", "<!--", "\n- "];
    Left {
        outputs: outputs.collect(),
        commands: BTreeMap::new(),
        summary: marks.map(|mark| summary.matches(mark).count()),
        calls: project.read("calls"),
        sections: ran.out.matches("\u{1b}[0Ksection_").count(),
    }
}

/// Runs greenroom for an event of GitHub's.
fn github(name: &str, event: &Value) -> Left {
    let project = project();
    let ran = step(&project, name, event, &["run"]);
    Left {
        commands: commands(&ran.out),
        ..left(&project, &ran, outputs(&project), &project.read("summary"))
    }
}

fn fixture(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Pointers to every text in a document.
fn texts(value: &Value, at: &str) -> Vec<String> {
    // RFC 6901.
    let inner = |key: &str, value: &Value| {
        let key = key.replace('~', "~0").replace('/', "~1");
        texts(value, &format!("{at}/{key}"))
    };
    match value {
        Value::String(_) => vec![at.to_owned()],
        Value::Object(fields) => fields.iter().flat_map(|(key, value)| inner(key, value)).collect(),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .flat_map(|(index, item)| inner(&index.to_string(), item))
                .collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// The event with evil in every text but those at `kept`.
fn poisoned(event: &Value, kept: &[&str]) -> Value {
    let mut event = event.clone();
    for pointer in texts(&event.clone(), "") {
        if !kept.contains(&pointer.as_str()) {
            *event.pointer_mut(&pointer).unwrap() = json!(EVIL);
        }
    }
    event
}

#[test]
fn a_hostile_push_label_or_dispatch_deploys_as_a_tame_one_does() {
    let push = fixture(include_str!("../../fixtures/events/push.json"));
    let mut evil = poisoned(&push, &["/after"]);
    evil["ref"] = json!(format!("refs/heads/{EVIL}"));
    evil["commits"] = json!([{ "message": EVIL, "added": [EVIL] }]);
    assert_eq!(github("push", &evil), github("push", &push));

    let mut labeled = fixture(include_str!("../../fixtures/events/labeled.json"));
    labeled["label"]["name"] = json!("deploy");
    let kept = ["/action", "/pull_request/head/sha", "/label/name"];
    assert_eq!(
        github("pull_request", &poisoned(&labeled, &kept)),
        github("pull_request", &labeled)
    );

    let mut dispatch = fixture(include_str!("../../fixtures/events/dispatch.json"));
    dispatch["inputs"] = json!({ "environment": "staging", "version": "1.4.0", "reason": "x", EVIL: "y" });
    let kept = ["/inputs/environment", "/inputs/version"];
    assert_eq!(
        github("workflow_dispatch", &poisoned(&dispatch, &kept)),
        github("workflow_dispatch", &dispatch)
    );
}

#[test]
fn evil_in_any_one_text_is_no_command_and_no_output() {
    let project = project();
    for (name, event) in [
        ("push", include_str!("../../fixtures/events/push.json")),
        ("pull_request", include_str!("../../fixtures/events/labeled.json")),
        (
            "pull_request",
            include_str!("../../fixtures/events/closed_merged.json"),
        ),
        (
            "workflow_dispatch",
            include_str!("../../fixtures/events/dispatch.json"),
        ),
    ] {
        let event = fixture(event);
        let every = texts(&event, "");
        for pointer in &every {
            let kept: Vec<&str> = every
                .iter()
                .filter(|other| *other != pointer)
                .map(String::as_str)
                .collect();
            for words in [&["trigger"][..], &["plan"]] {
                let ran = step(&project, name, &poisoned(&event, &kept), words);
                let said = format!("{}{}", ran.out, ran.err);
                let seen = commands(&said);
                // Whatever was refused is told in one annotation.
                let allowed = usize::from(!matches!(ran.status, 0 | 6));
                let errors = seen.get("error").copied().unwrap_or_default();
                assert!(
                    errors <= allowed.max(1) && seen.len() <= usize::from(errors > 0),
                    "{pointer}: {said}"
                );
                let known = outputs(&project);
                let declared = greenroom::report::outputs::NAMES;
                assert!(
                    known.keys().all(|name| declared.contains(&name.as_str())),
                    "{pointer}: {known:?}"
                );
                assert!(!known.contains_key("outcome"), "{pointer}: {known:?}");
                assert!(known["should_deploy"] == "true" || known["should_deploy"] == "false");
            }
        }
    }
    assert!(!project.path("calls").exists());
}

#[test]
fn a_hostile_name_of_an_event_is_only_text() {
    let project = project();
    let ran = step(&project, EVIL, &json!({}), &["run"]);
    assert_eq!((ran.status, commands(&ran.out).len()), (0, 0), "{}", ran.out);
    assert_eq!(outputs(&project)["should_deploy"], "false");
}

/// Runs greenroom in GitLab CI.
fn pipeline(variables: &[(&str, &str)]) -> Left {
    let project = project();
    let ran = gitlab(&project, &["run"], variables);
    let summary = project.read("greenroom-summary.md");
    left(&project, &ran, dotenv(&project), &summary)
}

#[test]
fn hostile_variables_of_gitlab_are_only_text() {
    let commit = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    let push = |text| {
        pipeline(&[
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_COMMIT_SHA", commit),
            ("CI_COMMIT_BRANCH", text),
            ("CI_COMMIT_BEFORE_SHA", text),
            ("CI_COMMIT_MESSAGE", text),
            ("GITLAB_USER_LOGIN", text),
        ])
    };
    assert_eq!(push(EVIL), push("main"));
    let merge = |text| {
        let labels = format!("{text},deploy");
        pipeline(&[
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("CI_COMMIT_SHA", commit),
            ("CI_MERGE_REQUEST_IID", text),
            ("CI_MERGE_REQUEST_LABELS", &labels),
            ("CI_MERGE_REQUEST_TITLE", text),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", text),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", text),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "7"),
        ])
    };
    assert_eq!(merge(EVIL), merge("main"));
    let web = |text| {
        pipeline(&[
            ("CI_PIPELINE_SOURCE", "web"),
            ("CI_COMMIT_SHA", commit),
            ("CI_COMMIT_BRANCH", text),
            ("ENVIRONMENT", "staging"),
            ("GREENROOM_INPUT_REASON", text),
        ])
    };
    assert_eq!(web(EVIL), web("main"));
}

#[test]
fn hostile_variables_of_jenkins_are_only_text() {
    let build = |text| {
        let project = project();
        let workspace = project.path("").to_string_lossy().into_owned();
        let variables = [
            ("JENKINS_URL", "http://ci"),
            ("BUILD_ID", text),
            ("BUILD_USER_ID", text),
            ("WORKSPACE", &workspace),
            ("BRANCH_NAME", text),
            ("GIT_PREVIOUS_COMMIT", text),
            ("GIT_COMMIT", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"),
        ];
        let ran = project.with(&["run", "--dotenv", "greenroom.env"], &variables);
        let summary = project.read("greenroom-summary.md");
        left(&project, &ran, dotenv(&project), &summary)
    };
    assert_eq!(build(EVIL), build("main"));
}
