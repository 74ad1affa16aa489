//! The step of the action: inputs in, one command, outputs for later jobs.

use crate::cli::github::{commands, outputs};
use crate::support::project::{PIPELINE, Project};
use crate::support::ran::Ran;
use serde_json::{Value, json};

/// Runs `greenroom action` with these inputs, as `action.yml` hands them over.
fn act(project: &Project, inputs: &[(&str, &str)]) -> Ran {
    project.write("output", "");
    let output = project.path("output");
    let mut command = project.command(&["action"]);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_OUTPUT", &output);
    // Under act, which hands these to a composite action's steps, and GitHub does not.
    command
        .env("INPUT_COMMAND", "deploy")
        .env("INPUT_ENVIRONMENT", "nowhere");
    for (name, value) in inputs {
        let name = name.to_uppercase().replace('-', "_");
        command.env(format!("GREENROOM_INPUT_{name}"), value);
    }
    project.wait(command.spawn().unwrap())
}

#[test]
fn inputs_name_a_command_and_its_words() {
    let project = Project::new("  rollback: { watch: 0s }");
    let ran = act(
        &project,
        &[("command", "plan"), ("environment", "staging"), ("ref", "")],
    );
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let plan = outputs(&project);
    assert_eq!(
        (plan["should_deploy"].as_str(), plan["matrix"].as_str()),
        ("true", r#"["staging"]"#)
    );
    assert!(!plan.contains_key("outcome"));
    let ran = act(
        &project,
        &[
            ("environment", "staging"),
            ("summary", "s.md"),
            ("skip-tests", "false"),
        ],
    );
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let run = outputs(&project);
    assert_eq!(
        (run["outcome"].as_str(), run["summary_file"].as_str()),
        ("succeeded", "s.md")
    );
    assert!(project.read("s.md").contains("1.0.0"));
    // What stands before it holds for the command as well.
    let mut command = project.command(&["--format", "json", "action"]);
    let ran = project.wait(command.env("GREENROOM_INPUT_COMMAND", "check").spawn().unwrap());
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["schema"], "greenroom.check/1");
    let ran = act(&project, &[("command", "status"), ("environment", "--help")]);
    assert_eq!(ran.status, 2, "{}", ran.out);
    assert!(
        ran.err.contains("\"--help\" is not an environment name"),
        "{}",
        ran.err
    );
}

#[test]
fn inputs_that_make_no_sense_are_told_and_are_no_command_to_the_runner() {
    let project = Project::new("");
    for (inputs, said) in [
        (&[("command", "deplyo")][..], "did you mean deploy?"),
        (
            &[("command", "check"), ("reason", "x")],
            "rollback, resume, abort take it",
        ),
        (
            &[("command", "deploy")],
            "the command deploy needs the input environment",
        ),
        (&[("enviroment", "staging")], "did you mean environment?"),
        (
            &[("environment", "staging"), ("skip-tests", "no")],
            "neither true nor false",
        ),
        (
            &[("command", "x\n::add-mask::e ##[error]y")],
            "there is no command",
        ),
        (
            &[
                ("environment", "staging"),
                ("strategy", "x'\n::add-mask::e\n##[error]y"),
            ],
            "invalid value",
        ),
    ] {
        let ran = act(&project, inputs);
        assert_eq!(ran.status, 2, "{inputs:?} {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{inputs:?}: {}", ran.err);
        let mut seen = commands(&format!("{}{}", ran.out, ran.err));
        assert!(
            seen.remove("error").is_none_or(|errors| errors == 1),
            "{inputs:?}: {}",
            ran.out
        );
        assert!(seen.is_empty(), "{inputs:?}: {seen:?}");
        assert_eq!(outputs(&project).len(), 0);
    }
}

#[test]
fn what_one_job_built_the_next_one_scans_and_deploys() {
    let project = Project::new("  rollback: { watch: 0s }");
    project.write(
        "greenroom.yaml",
        format!("{PIPELINE}validate:\n  - {{ name: there, run: [test, -f, VERSION] }}\n"),
    );
    let ran = act(&project, &[("command", "validate")]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("there passed") && ran.out.ends_with("1 of 1 checks passed\n"),
        "{}",
        ran.out
    );
    let ran = act(&project, &[("command", "build"), ("environment", "staging")]);
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    let built = outputs(&project);
    assert_eq!(
        (built["version"].as_str(), built["environment"].as_str()),
        ("1.0.0", "staging")
    );
    assert_eq!(built["image"], format!("hello@{}", built["digest"]));
    // What is checked out now is not what is deployed.
    project.write("app/server.py", "raise SystemExit('built again')\n");
    for image in [&built["image"], &built["digest"]] {
        let inputs = [
            ("command", "deploy"),
            ("environment", "staging"),
            ("image", image),
            ("version", &built["version"]),
        ];
        let ran = act(&project, &inputs);
        assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
        let deployed = outputs(&project);
        assert_eq!(
            (&deployed["digest"], deployed["outcome"].as_str()),
            (&built["digest"], "succeeded")
        );
    }
    let ran = act(
        &project,
        &[
            ("command", "verify"),
            ("environment", "staging"),
            ("report", "r.xml"),
        ],
    );
    assert_eq!(ran.status, 0, "{}{}", ran.out, ran.err);
    assert!(project.read("r.xml").contains("<testsuites"));
}

#[test]
fn a_check_before_the_build_that_fails_touches_nothing_and_ends_with_9() {
    let project = Project::new("");
    assert!(project.must(&["validate"]).out.contains("nothing to check"));
    project.write(
        "greenroom.yaml",
        format!(
            "{PIPELINE}validate:\n  - {{ name: first, run: [\"true\"] }}\n  - {{ name: second, run: [cat, gone] }}\n  \
             - {{ name: third, run: [touch, reached] }}\n"
        ),
    );
    let ran = project.run(&["validate"]);
    assert_eq!(ran.status, 9, "{}{}", ran.out, ran.err);
    assert!(ran.out.starts_with("first passed (") && ran.err.contains("validation second exited with 1"));
    assert!(ran.err.contains("gone: No such file"), "{}", ran.err);
    assert!(!project.path("reached").exists());
    let ran = project.run(&["--format", "json", "validate"]);
    let document: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((ran.status, &document["exit"]), (9, &json!(9)));
    project.write(
        "greenroom.yaml",
        format!("{PIPELINE}validate:\n  - {{ name: first, run: [\"true\"] }}\n"),
    );
    let document: Value = serde_json::from_str(&project.must(&["--format", "json", "validate"]).out).unwrap();
    assert_eq!(document["passed"][0]["name"], "first");
}
