//! In GitLab CI and Jenkins: variables in; variables, a summary and sections out.

use crate::support::project::{PIPELINE, Project};
use crate::support::ran::Ran;
use std::collections::BTreeMap;

const TRIGGERS: &str = "\
triggers:
  - push: { branches: [develop] }
    environment: staging
  - dispatch: {}
  - label: { name: deploy, base: [main] }
    environment: staging
ledger: { directory: .greenroom/ledger }
";

fn project() -> Project {
    let project = Project::new("  rollback: { watch: 0s }");
    project.write("greenroom.yaml", format!("{PIPELINE}{TRIGGERS}"));
    project
}

/// A job of GitLab CI with these variables besides those that every job has.
pub(crate) fn gitlab(project: &Project, words: &[&str], variables: &[(&str, &str)]) -> Ran {
    let directory = project.path("");
    let mut command = project.command(words);
    command.envs([
        ("GITLAB_CI", "true"),
        ("CI", "true"),
        ("GITLAB_USER_LOGIN", "grace"),
    ]);
    command.env("CI_PROJECT_DIR", directory).env("CI_PROJECT_ID", "7");
    command.envs(variables.iter().copied());
    project.wait(command.spawn().unwrap())
}

/// Reads `greenroom.env` as GitLab does (`parse_dotenv_artifact_service.rb`): every line is a name and a value.
pub(crate) fn dotenv(project: &Project) -> BTreeMap<String, String> {
    let text = project.read("greenroom.env");
    assert!(
        text.len() <= 5_120 && !text.contains(['\r', '\0', '\u{1b}']),
        "{text:?}"
    );
    let mut read = BTreeMap::new();
    for line in text.split_terminator('\n') {
        let (name, value) = line.split_once('=').unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(!name.is_empty() && name.chars().all(plain), "{line}");
        assert_eq!(
            read.insert(name.to_owned(), value.to_owned()),
            None,
            "{name} is there twice"
        );
    }
    read
}

const COMMIT: &str = "dddddddddddddddddddddddddddddddddddddddd";
const PUSH: &[(&str, &str)] = &[
    ("CI_PIPELINE_SOURCE", "push"),
    ("CI_COMMIT_BRANCH", "develop"),
    ("CI_COMMIT_SHA", COMMIT),
];

#[test]
fn a_pipeline_of_gitlab_deploys_and_hands_on_what_it_did() {
    let project = project();
    let ran = gitlab(&project, &["trigger"], PUSH);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let ran = gitlab(&project, &["run"], PUSH);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let values = dotenv(&project);
    for (name, value) in [
        ("should_deploy", "true"),
        ("environment", "staging"),
        ("matrix", r#"["staging"]"#),
        ("ref", "refs/heads/develop"),
        ("outcome", "succeeded"),
        ("version", "1.0.0"),
    ] {
        assert_eq!(
            values.get(name).map(String::as_str),
            Some(value),
            "{name} of {values:#?}"
        );
    }
    assert_eq!(values["tags"].split(',').count(), 2);
    assert_eq!(
        values["summary_file"],
        project.path("greenroom-summary.md").to_string_lossy()
    );
    assert!(project.read("greenroom-summary.md").contains("mermaid"));
    assert!(project.must(&["status"]).out.contains("by grace"));
    // docs.gitlab.com, "Custom collapsible sections".
    let opened = ran.out.matches("\u{1b}[0Ksection_start:").count();
    assert!(
        opened > 3 && opened == ran.out.matches("\u{1b}[0Ksection_end:").count(),
        "{}",
        ran.out
    );
    for line in ran.out.lines().filter(|line| line.contains("section_")) {
        let (_, mark) = line.split_once("section_").unwrap();
        let parts: Vec<&str> = mark.splitn(3, ':').collect();
        assert!(
            parts[1].len() == 10 && parts[1].bytes().all(|b| b.is_ascii_digit()),
            "{line:?}"
        );
        let name = parts[2].split(['[', '\r']).next().unwrap();
        let fit = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        assert!(!name.is_empty() && name.chars().all(fit), "{line:?}");
    }
}

#[test]
fn a_merge_request_from_a_fork_deploys_nothing_whatever_it_is_told() {
    let project = project();
    let fork: &[(&str, &str)] = &[
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_MERGE_REQUEST_IID", "3"),
        ("CI_MERGE_REQUEST_LABELS", "deploy"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "8"),
        ("CI_MERGE_REQUEST_PROJECT_ID", "7"),
        ("CI_COMMIT_SHA", "dddddddddddddddddddddddddddddddddddddddd"),
    ];
    for words in [
        &["run"][..],
        &["trigger"],
        &["deploy", "-e", "staging"],
        &["run", "-e", "staging", "--dry-run"],
        &["acceptance", "run", "-e", "staging"],
    ] {
        let ran = gitlab(&project, words, fork);
        assert_eq!(ran.status, 6, "{words:?}: {}{}", ran.out, ran.err);
        assert!(
            format!("{}{}", ran.out, ran.err).contains("pull request #3 comes from a fork"),
            "{words:?}"
        );
    }
    assert!(!project.path(".greenroom/ledger").exists());
    let other = gitlab(&project, &["run"], &[("CI_PIPELINE_SOURCE", "schedule")]);
    assert_eq!(other.status, 0, "{}{}", other.out, other.err);
    assert_eq!(dotenv(&project)["should_deploy"], "false");
}

#[test]
fn a_build_of_jenkins_deploys_its_branch_and_keeps_a_summary() {
    let project = project();
    let workspace = project.path("").to_string_lossy().into_owned();
    let jenkins: &[(&str, &str)] = &[
        ("JENKINS_URL", "http://ci"),
        ("BUILD_ID", "7"),
        ("WORKSPACE", &workspace),
        ("BRANCH_NAME", "develop"),
        ("GIT_COMMIT", COMMIT),
        ("GREENROOM_INPUT_ENVIRONMENT", ""),
    ];
    let ran = project.with(&["run", "--dotenv", "greenroom.env"], jenkins);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert_eq!(dotenv(&project)["outcome"], "succeeded");
    assert!(
        !ran.out.contains("section_") && !ran.out.contains("::group::"),
        "{}",
        ran.out
    );
    assert!(project.read("greenroom-summary.md").contains("1.0.0"));
    let fork = [jenkins, &[("CHANGE_ID", "3"), ("CHANGE_FORK", "mallory")]].concat();
    let ran = project.with(&["deploy", "-e", "staging"], &fork);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
}
