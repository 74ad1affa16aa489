//! Workflows: what the tools say, and the rules that no tool knows.

use crate::scaffold::combinations::{render, usual, workflows, write_all, yaml};
use crate::support::tools::{content, run};
use greenroom::scaffold::{Approvals, Choices, Jobs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn write_workflows(directory: &Path) -> Vec<String> {
    write_all(
        directory,
        |path| path.starts_with(".github/"),
        |path, at| path.replace(".yml", &format!("-{at}.yml")),
    )
}

#[test]
fn zizmor_finds_nothing_in_any_persona() {
    let directory = tempfile::tempdir().unwrap();
    let names = write_workflows(directory.path());
    for persona in ["regular", "pedantic", "auditor"] {
        let words = ["--offline", "--no-progress", "--persona", persona, "."];
        let shown = content("zizmor", directory.path(), &words);
        assert!(shown.contains("No findings to report"), "{persona}\n{shown}");
        let audited = shown.matches("completed ./.github/workflows/").count();
        assert_eq!(audited, names.len(), "{persona}\n{shown}");
    }
}

#[test]
fn zizmor_would_find_something() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(".github/workflows/a.yml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(
        file,
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps: [{ uses: actions/checkout@v4 }]\n",
    )
    .unwrap();
    let words = ["--offline", "--no-progress", "--persona", "auditor", "."];
    let output = run("zizmor", directory.path(), &words);
    assert!(!output.status.success());
}

#[test]
fn workflows_fit_their_schema_and_every_job_ends_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let names = write_workflows(directory.path());
    assert!(names.len() > 100, "{}", names.len());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for schema in [
        "vendor.github-workflows",
        "custom.github-workflows-require-timeout",
    ] {
        let words = [&["--builtin-schema", schema][..], &names].concat();
        content("check-jsonschema", directory.path(), &words);
    }
}

#[test]
fn act_accepts_the_workflows() {
    let directory = tempfile::tempdir().unwrap();
    write_workflows(directory.path());
    let validate = ["--validate", "--workflows", ".github/workflows"];
    content("act", directory.path(), &validate);
    // A key that it does not know is refused, so that its silence says something.
    let wrong = directory.path().join(".github/workflows/wrong.yml");
    let text = "on: push\njobs:\n  a:\n    runs-on: x\n    concurrency: { group: a, queue: max }\n    steps: [{ run: a }]\n";
    fs::write(wrong, text).unwrap();
    assert!(!run("act", directory.path(), &validate).status.success());
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().unwrap().iter()
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().unwrap().iter()
}

fn has_expression(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.contains("${{"))
}

#[test]
fn nobody_has_a_right_that_is_not_needed_and_each_says_why() {
    for (path, text, workflow) in workflows() {
        assert_eq!(workflow["permissions"], serde_json::json!({}), "{path}");
        for (name, job) in jobs(&workflow) {
            assert!(job["permissions"].is_object(), "{path}: {name}");
            assert!(job["timeout-minutes"].is_number(), "{path}: {name}");
            assert!(job["name"].is_string(), "{path}: {name}");
        }
        let silent = text.lines().find(|line| line.trim_end().ends_with(": write"));
        assert_eq!(silent, None, "{path}: it does not say why");
        assert_eq!(workflow["concurrency"]["cancel-in-progress"], false, "{path}");
        assert!(
            !text.contains("GITHUB_ENV") && !text.contains("GITHUB_PATH"),
            "{path}"
        );
        assert!(
            !text.contains("pull_request_target") && !text.contains("workflow_run"),
            "{path}"
        );
    }
}

#[test]
fn where_somebody_has_to_approve_the_reviews_may_be_read_wherever_approvals_are_kept() {
    for (jobs, approvals) in Jobs::ALL
        .iter()
        .flat_map(|jobs| Approvals::ALL.iter().map(move |kind| (*jobs, *kind)))
    {
        let choices = Choices {
            jobs,
            approvals,
            ..usual()
        };
        let mut deploying = 0;
        for file in render(&choices) {
            let name = file.path.strip_prefix(".github/workflows/");
            if !matches!(name, Some("deploy-production.yml" | "rollback.yml")) {
                continue;
            }
            let workflow = yaml(&file.text);
            for (name, job) in crate::scaffold::workflows::jobs(&workflow) {
                if job["permissions"]["deployments"] == "write" {
                    deploying += 1;
                    let may = job["permissions"]["actions"] == "read";
                    assert_eq!(
                        may,
                        approvals != Approvals::None,
                        "{choices:?} {}: {name}",
                        file.path
                    );
                }
            }
        }
        assert!(deploying >= 2, "{choices:?}");
    }
}

#[test]
fn no_script_holds_an_expression() {
    for (path, _, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            for step in steps(job) {
                assert!(!has_expression(&step["run"]), "{path}: {name}: {step}");
            }
        }
    }
}

#[test]
fn the_working_tree_is_checked_out_without_a_ref_and_without_credentials() {
    for (path, _, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            for step in steps(job) {
                let uses = step["uses"].as_str().unwrap_or_default();
                if uses.starts_with("actions/checkout@") {
                    assert_eq!(step["with"]["persist-credentials"], false, "{path}: {name}");
                    assert!(step["with"]["ref"].is_null(), "{path}: {name}");
                }
                let pin = uses.split_once('@').map(|(_, commit)| commit);
                assert!(
                    pin.is_none_or(|commit| commit.len() == 40),
                    "{path}: {name}: {uses}"
                );
            }
        }
    }
}

#[test]
fn secrets_are_only_where_an_environment_guards_them() {
    let mut guarded = 0;
    for (path, _, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            if job.to_string().contains("secrets.") {
                assert!(!job["environment"].is_null(), "{path}: {name}");
                guarded += 1;
            }
        }
    }
    assert!(guarded > 0);
}

#[test]
fn a_label_deploys_only_from_this_repository() {
    let mut labeled = 0;
    for (path, _, workflow) in workflows() {
        if !path.ends_with("deploy-staging.yml") || workflow["on"]["pull_request"].is_null() {
            continue;
        }
        labeled += 1;
        assert_eq!(
            workflow["on"]["pull_request"]["types"],
            serde_json::json!(["labeled"])
        );
        let first: Vec<_> = jobs(&workflow)
            .filter(|(_, job)| job["needs"].is_null())
            .collect();
        assert_eq!(first.len(), 1, "{path}");
        let guard = first[0].1["if"].as_str().unwrap();
        for part in [
            "github.event.label.name == 'deploy-to-staging'",
            "github.event.pull_request.head.repo.full_name == github.repository",
        ] {
            assert!(guard.contains(part), "{guard}");
        }
    }
    assert!(labeled > 0);
}

/// What each command of the action takes, beside `command`.
const INPUTS: &[(&str, &[&str])] = &[
    ("run", &["ref", "skip-tests"]),
    ("trigger", &[]),
    ("validate", &[]),
    ("build", &["environment"]),
    ("scan", &["environment", "image", "upload"]),
    (
        "deploy",
        &["environment", "image", "version", "ref", "skip-tests"],
    ),
    ("verify", &["environment"]),
    ("promote", &["from", "environment", "version", "dry-run"]),
    ("rollback", &["environment", "version", "reason", "dry-run"]),
    ("prune-images", &["dry-run"]),
    ("prune-guests", &["dry-run"]),
    ("check", &[]),
    ("status", &["environment"]),
];

#[test]
fn steps_give_each_command_only_what_it_takes() {
    let mut used = BTreeSet::new();
    for (path, _, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            for step in steps(job).filter(|step| !step["with"]["command"].is_null()) {
                let command = step["with"]["command"].as_str().unwrap();
                let known = INPUTS.iter().find(|(known, _)| *known == command);
                let (command, inputs) = known.unwrap_or_else(|| panic!("{path}: {name}: {command}"));
                used.insert(*command);
                for input in step["with"].as_object().unwrap().keys() {
                    let fits = input == "command" || inputs.contains(&input.as_str());
                    assert!(fits, "{path}: {name}: {command} {input}");
                }
            }
        }
    }
    assert_eq!(used.len(), INPUTS.len());
}

#[test]
fn jobs_name_only_outputs_and_jobs_that_there_are() {
    for (path, text, workflow) in workflows() {
        for (name, job) in jobs(&workflow) {
            let needs: Vec<&str> = job["needs"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            for needed in &needs {
                assert!(
                    workflow["jobs"].get(needed).is_some(),
                    "{path}: {name} needs {needed}"
                );
            }
            let shown = job.to_string();
            for rest in shown.split("needs.").skip(1) {
                let words: Vec<&str> = rest
                    .split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
                    .next()
                    .unwrap()
                    .split('.')
                    .collect();
                assert!(needs.contains(&words[0]), "{path}: {name} names {words:?}");
                if words[1] == "outputs" {
                    let output = &workflow["jobs"][words[0]]["outputs"][words[2]];
                    assert!(output.is_string(), "{path}: {name} names {words:?}\n{text}");
                }
            }
            let ids: Vec<&str> = steps(job).filter_map(|step| step["id"].as_str()).collect();
            for rest in shown.split("steps.").skip(1) {
                let id = rest.split('.').next().unwrap();
                assert!(ids.contains(&id), "{path}: {name} names the step {id}");
            }
        }
    }
}
