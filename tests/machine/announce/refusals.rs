//! Runs that are refused before anything is touched.

use crate::announce::project::{Project, refused};
use greenroom::app::promote::{PromoteOptions, tell_refusal};
use greenroom::app::{AppError, Exit};
use greenroom::domain::model::{Conclusion, DeployOptions};
use greenroom::domain::policy::{Gate, Refusal};

const FROZEN: &str = "freeze: [{ environments: [staging], from: 2026-01-01T00:00:00Z, until: 2027-01-01T00:00:00Z, reason: audit }]";

#[test]
fn a_refusal_is_one_check_with_every_gate_and_no_deployment() {
    let project = Project::new(FROZEN, "{}");
    let text = std::fs::read_to_string(project.path("greenroom.yaml")).unwrap();
    project.write(
        "greenroom.yaml",
        &text.replacen("requireTests: false", "requireTests: true", 1),
    );
    let error = refused(project.run("1.0.0"));
    assert_eq!(error.exit(), Exit::Refused, "{error}");
    let AppError::Refused(gates) = &error else {
        panic!("{error:?}")
    };
    assert_eq!(gates.len(), 2, "{gates:?}");
    assert_eq!(
        project.forge.calls(),
        ["publish_check greenroom / staging Some(Failure)"]
    );
    let check = project.forge.checks().into_values().next().unwrap();
    for gate in gates {
        assert!(
            check.summary.contains(&format!("- **{}**: ", gate.gate)),
            "{}",
            check.summary
        );
    }
    assert_eq!(
        check.title,
        "hello 1.0.0 may not go to staging: 2 conditions are not met"
    );
    assert!(!project.path("live-staging").exists());
}

#[test]
fn a_refusal_beside_a_dead_forge_is_the_same_refusal() {
    let project = Project::new(FROZEN, "{}");
    project.forge.die();
    assert_eq!(refused(project.run("1.0.0")).exit(), Exit::Refused);
    assert_eq!(project.warnings().len(), 1, "{:?}", project.warnings());
}

#[test]
fn a_problem_in_the_configuration_is_remarked_at_its_line() {
    let project = Project::new("", "{}");
    let text = std::fs::read_to_string(project.path("greenroom.yaml")).unwrap();
    let text = text.replacen(
        "    protection:",
        "    secrets: { TOKEN: { env: NOT_SET } }\n    protection:",
        1,
    );
    project.write("greenroom.yaml", &text);
    let error = refused(project.run("1.0.0"));
    assert_eq!(error.exit(), Exit::Configuration, "{error}");
    let check = project.forge.checks().into_values().next().unwrap();
    assert_eq!(check.conclusion, Some(Conclusion::Failure));
    let line = text.lines().position(|line| line.contains("NOT_SET")).unwrap() + 1;
    let places: Vec<(&str, usize)> = check
        .remarks
        .iter()
        .map(|remark| (remark.path.as_str(), remark.line as usize))
        .collect();
    assert_eq!(places, [("greenroom.yaml", line)]);
}

#[test]
fn a_promotion_that_is_refused_is_a_check_of_the_environment_that_it_was_to_go_to() {
    let project = Project::new("", "{}");
    project.deploy("1.0.0");
    let wish = PromoteOptions {
        from: "staging".parse().unwrap(),
        to: "other".parse().unwrap(),
        version: None,
        image: None,
        image_only: false,
        options: DeployOptions::default(),
    };
    let refused = AppError::Refused(vec![Refusal {
        gate: Gate::Promotion,
        reason: "it did not succeed in staging".into(),
        fix: "deploy it there again".into(),
    }]);
    let before = project.forge.calls().len();
    tell_refusal(&project.workspace(), &wish, &refused, &project.audience());
    assert_eq!(
        project.forge.calls()[before..],
        ["publish_check greenroom / other Some(Failure)"]
    );
    let busy = AppError::Project("something else".into());
    tell_refusal(&project.workspace(), &wish, &busy, &project.audience());
    assert_eq!(project.forge.calls().len(), before + 1, "no other error is told");
}
