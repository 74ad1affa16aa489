//! What a step shows on GitHub, through the real adapter: a server on this machine plays GitHub.

use crate::support::project::{PIPELINE, Project};
use crate::support::ran::Ran;
use crate::support::server::Server;

const TRIGGERS: &str = "\
triggers:
  - push: { branches: [develop] }
    environment: staging
";

/// Runs `greenroom run` for a push, as the runner does.
fn step(project: &Project, more: &[(&str, &str)]) -> Ran {
    project.write("greenroom.yaml", format!("{PIPELINE}{TRIGGERS}"));
    project.write("event.json", include_str!("../../fixtures/events/push.json"));
    project.write("output", "");
    let path = |file: &str| project.path(file).to_string_lossy().into_owned();
    let (event, output) = (path("event.json"), path("output"));
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_REF", "refs/heads/develop"),
        ("GITHUB_EVENT_PATH", &event),
        ("GITHUB_OUTPUT", &output),
        ("GITHUB_REPOSITORY", "acme/widgets"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_RUN_ID", "7"),
    ];
    project.with(&["run"], &[&variables[..], more].concat())
}

fn project() -> Project {
    Project::new("  rollback: { watch: 0s }")
}

#[test]
fn a_step_with_a_token_opens_a_deployment_and_gives_its_number_as_an_output() {
    let github = Server::of(|method, path| {
        let part = path.trim_start_matches("/repos/acme/widgets/");
        match (method, part) {
            ("POST", "deployments") => (201, r#"{ "id": 4711, "environment": "staging" }"#),
            ("GET", "deployments/4711") => (200, r#"{ "id": 4711, "environment": "staging" }"#),
            ("POST", "check-runs") => (201, r#"{ "id": 5, "output": { "annotations_count": 0 } }"#),
            ("GET", part) if part.ends_with("/check-runs") => {
                (200, r#"{ "total_count": 0, "check_runs": [] }"#)
            }
            ("GET", _) => (200, "[]"),
            _ => (201, "{}"),
        }
    });
    let project = project();
    let ran = step(
        &project,
        &[
            ("GITHUB_API_URL", &github.url()),
            ("GITHUB_TOKEN", "ghs_swordfish"),
        ],
    );
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let asked = github.asked();
    let count = |wanted: &str| asked.iter().filter(|found| found.ends_with(wanted)).count();
    assert_eq!(count("POST /repos/acme/widgets/deployments"), 1, "{asked:#?}");
    assert_eq!(
        count("POST /repos/acme/widgets/deployments/4711/statuses"),
        2,
        "{asked:#?}"
    );
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    let output = project.read("output");
    let lines: Vec<&str> = output.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.starts_with("github_deployment<<"))
        .unwrap();
    assert_eq!(lines[at + 1], "4711", "{output}");
    // The runner is told what to hide, and nobody else is told anything.
    let mut shown = ran.out.lines().chain(ran.err.lines()).chain(lines);
    assert!(!shown.any(|line| line.contains("swordfish") && !line.starts_with("::add-mask::")));
}

#[test]
fn a_token_that_may_do_nothing_costs_warnings_and_no_deployment() {
    let github = Server::of(|_, _| (403, r#"{ "message": "Resource not accessible by integration" }"#));
    let project = project();
    let ran = step(
        &project,
        &[
            ("GITHUB_API_URL", &github.url()),
            ("GITHUB_TOKEN", "ghs_swordfish"),
        ],
    );
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let warnings: Vec<&str> = ran
        .err
        .lines()
        .filter(|line| line.starts_with("warning: not shown"))
        .collect();
    assert_eq!(warnings.len(), 2, "{}", ran.err);
    for permission in ["deployments: write", "checks: write"] {
        let named = |warning: &&&str| warning.contains("permissions") && warning.contains(permission);
        assert_eq!(
            warnings.iter().filter(named).count(),
            1,
            "{permission}: {}",
            ran.err
        );
    }
    assert!(!project.read("output").contains("github_deployment"));
}

#[test]
fn a_step_without_a_token_says_once_how_to_pass_it() {
    let project = project();
    let ran = step(&project, &[]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let all = format!("{}{}", ran.out, ran.err);
    assert_eq!(
        all.matches("GITHUB_TOKEN: ${{ github.token }}").count(),
        1,
        "{all}"
    );
    assert!(!ran.err.contains("warning"), "{}", ran.err);
}
