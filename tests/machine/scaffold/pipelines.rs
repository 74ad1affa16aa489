//! GitLab, Jenkins and compose files.

use crate::scaffold::combinations::{texts, write_all, yaml};
use crate::support::tools::{content, run};
use std::fs;

#[test]
fn gitlab_pipelines_fit_their_schema() {
    let directory = tempfile::tempdir().unwrap();
    let names = write_all(
        directory.path(),
        |path| path == ".gitlab-ci.yml",
        |_, at| format!("{at}.yml"),
    );
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(names.len() > 20, "{}", names.len());
    let words = [&["--builtin-schema", "vendor.gitlab-ci"][..], &names].concat();
    content("check-jsonschema", directory.path(), &words);
    fs::write(
        directory.path().join("wrong.yml"),
        "a: { script: { b: c }, when: never }\n",
    )
    .unwrap();
    let wrong = run(
        "check-jsonschema",
        directory.path(),
        &["--builtin-schema", "vendor.gitlab-ci", "wrong.yml"],
    );
    assert!(!wrong.status.success());
}

#[test]
fn compose_files_fit_their_schema() {
    let directory = tempfile::tempdir().unwrap();
    let names = write_all(
        directory.path(),
        |path| path.starts_with("compose"),
        |path, at| format!("{at}-{path}"),
    );
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let words = [&["--builtin-schema", "vendor.compose-spec"][..], &names].concat();
    content("check-jsonschema", directory.path(), &words);
    for text in &texts()["compose.production.yaml"] {
        let app = &yaml(text)["services"]["app"];
        assert_eq!(app["cap_drop"], serde_json::json!(["ALL"]));
        assert_eq!(app["read_only"], true);
        assert!(app["deploy"]["resources"]["limits"]["memory"].is_string());
        assert!(app["build"].is_null(), "what was tested is what runs");
    }
}

#[test]
fn gitlab_jobs_that_deploy_wait_for_each_other_and_refuse_forks() {
    for text in &texts()[".gitlab-ci.yml"] {
        let pipeline = yaml(text);
        for job in ["staging", "acceptance", "production"] {
            assert_eq!(pipeline[job]["resource_group"], job, "{text}");
            assert_eq!(pipeline[job]["environment"]["name"], job, "{text}");
        }
        for rule in pipeline["staging"]["rules"].as_array().unwrap() {
            let when = rule["if"].as_str().unwrap();
            let of_this_project = when.contains("$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID");
            assert!(!when.contains("merge_request_event") || of_this_project, "{when}");
        }
    }
}

/// The texts in quotes of a Jenkinsfile, and whether its brackets close. Comments are passed over.
fn read_groovy(text: &str) -> (Vec<String>, String) {
    let mut quoted = Vec::new();
    let mut open = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            continue;
        }
        let mark = ["'''", "\"\"\"", "'", "\""]
            .into_iter()
            .find(|mark| rest.starts_with(mark));
        if let Some(mark) = mark {
            let (inside, after) = rest[mark.len()..]
                .split_once(mark)
                .unwrap_or_else(|| panic!("{mark} is not closed: {rest}"));
            quoted.push(format!("{mark}{inside}"));
            rest = after;
            continue;
        }
        match c {
            '{' | '(' | '[' => open.push(c),
            '}' | ')' | ']' => {
                let opened = open.pop();
                let pair = matches!(
                    (opened, c),
                    (Some('{'), '}') | (Some('('), ')') | (Some('['), ']')
                );
                assert!(pair, "{c} closes {opened:?}: {rest}");
            }
            _ => {}
        }
        rest = &rest[c.len_utf8()..];
    }
    (quoted, open)
}

#[test]
fn a_jenkinsfile_closes_what_it_opens_and_puts_nothing_into_commands() {
    let all = &texts()["Jenkinsfile"];
    assert!(all.len() > 20, "{}", all.len());
    for text in all {
        let (quoted, open) = read_groovy(text);
        assert_eq!(open, "", "{text}");
        // Groovy puts values into double quotes, where they would be read by the shell.
        assert!(quoted.iter().all(|text| text.starts_with('\'')), "{quoted:?}");
        for environment in ["staging", "acceptance", "production"] {
            assert!(
                text.contains(&format!("stage('Deploy to {environment}')")),
                "{text}"
            );
        }
        assert_eq!(text.matches("lock('shop-").count(), 3, "{text}");
        let mut stages: Vec<&str> = text
            .split("stage('")
            .skip(1)
            .filter_map(|rest| rest.split('\'').next())
            .collect();
        let before = stages.len();
        stages.sort_unstable();
        stages.dedup();
        assert_eq!(stages.len(), before, "{text}");
        assert!(text.contains("disableConcurrentBuilds()") && text.contains("timeout(time:"));
    }
}
