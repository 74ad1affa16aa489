//! Rollouts that come to an end, whichever.

use crate::announce::project::{COMMIT, Project, rolled_out};
use greenroom::app::announce::Audience;
use greenroom::app::deploy::Done;
use greenroom::app::resume::Direction;
use greenroom::app::rollback::rollback;
use greenroom::domain::history::Selector;
use greenroom::domain::model::{Conclusion, DeploymentState, Digest};

use greenroom::domain::rollout::Outcome;
use std::fs;
use std::time::Duration;

const ALL: &str = "github: { deployments: true, checks: true, comment: true, status: true }";

#[test]
fn a_rollout_tells_how_it_began_and_how_it_ended_in_this_order() {
    let project = Project::new(ALL, "{}");
    let deployed = project.deploy("1.0.0");
    assert_eq!(deployed.outcome, Outcome::Succeeded);
    assert_eq!(
        project.forge.calls(),
        [
            "open_deployment staging",
            "update_deployment staging InProgress",
            "publish_check greenroom / staging None",
            "set_commit_status greenroom/staging None",
            "update_deployment staging Success",
            "publish_check greenroom / staging Some(Success)",
            "set_commit_status greenroom/staging Some(Success)",
        ]
    );
    let shown = &project.forge.deployments()[0];
    assert_eq!(deployed.forge_deployment, Some(shown.number));
    assert_eq!((shown.draft.commit.as_str(), shown.draft.run), (COMMIT, Some(7)));
    assert!(!shown.draft.production && !shown.draft.transient);
    let head = deployed.head.unwrap();
    let last = shown.updates.last().unwrap();
    assert_eq!(
        last.description,
        format!("1.0.0 is live on 1 unit · ledger {head}")
    );
    assert_eq!(
        last.log.as_deref(),
        Some("https://github.com/acme/widgets/actions/runs/7/attempts/1")
    );
    // The head is that of the newest record as it lies in the ledger.
    let newest = format!(
        ".greenroom/ledger/staging/{:020}.json",
        deployed.events.last().unwrap().seq
    );
    assert_eq!(Digest::of(&fs::read(project.path(&newest)).unwrap()), head);
    let check = project.forge.checks().into_values().next().unwrap();
    assert_eq!(check.key, shown.draft.id.as_str());
    assert!(
        check.text.unwrap().contains(head.as_str()),
        "the check has it too"
    );
    assert_eq!((project.warnings(), project.notes()), (vec![], vec![]));
}

#[test]
fn a_version_that_does_not_hold_is_a_failure_that_names_what_serves() {
    let project = Project::new("", "{}");
    project.deploy("1.0.0");
    project.write("broken", "");
    let deployed = project.deploy("2.0.0");
    assert_eq!(deployed.outcome, Outcome::RolledBack);
    let all = project.forge.deployments();
    let last = all[1].updates.last().unwrap();
    assert_eq!(last.state, DeploymentState::Failure);
    assert!(
        last.description
            .starts_with("2.0.0 was taken back: 1.0.0 is serving · ledger sha256:"),
        "{}",
        last.description
    );
    let first = all[0].updates.last().unwrap();
    assert_eq!(first.state, DeploymentState::Success, "what serves stays live");
    let check = &project.forge.checks()[all[1].draft.id.as_str()];
    assert_eq!(check.conclusion, Some(Conclusion::Failure));
    assert!(check.summary.contains("no such column"), "{}", check.summary);
}

#[test]
fn a_rollout_that_halts_is_an_error_and_the_one_that_takes_it_up_speaks_of_the_same_deployment() {
    let project = Project::new("", "{ rollback: { automatic: false } }");
    project.deploy("1.0.0");
    project.write("broken", "");
    let halted = project.deploy("2.0.0");
    assert_eq!(halted.outcome, Outcome::Halted);
    let shown = project.forge.deployments()[1].clone();
    let last = shown.updates.last().unwrap();
    assert_eq!(last.state, DeploymentState::Error);
    assert!(
        last.description.starts_with("2.0.0 halted: a person is needed"),
        "{}",
        last.description
    );
    let check = project.forge.checks()[shown.draft.id.as_str()].clone();
    assert_eq!(check.conclusion, Some(Conclusion::ActionRequired));

    fs::remove_file(project.path("broken")).unwrap();
    let resumed = project.take_up(Direction::Resume);
    assert_eq!(resumed.outcome, Outcome::Succeeded);
    assert_eq!(resumed.forge_deployment, halted.forge_deployment);
    let all = project.forge.deployments();
    assert_eq!(all.len(), 2);
    let states: Vec<DeploymentState> = all[1].updates.iter().map(|update| update.state).collect();
    assert_eq!(
        states,
        [
            DeploymentState::InProgress,
            DeploymentState::Error,
            DeploymentState::InProgress,
            DeploymentState::Success
        ]
    );
    assert_eq!(all[0].updates.last().unwrap().state, DeploymentState::Inactive);
    assert_eq!(project.forge.checks().len(), 2, "the check is the same, too");
}

#[test]
fn a_rollout_that_somebody_aborts_is_a_failure_of_the_same_deployment() {
    let project = Project::new("", "{ rollback: { automatic: false } }");
    project.deploy("1.0.0");
    project.write("broken", "");
    project.deploy("2.0.0");
    let aborted = project.take_up(Direction::Abort);
    assert_eq!(aborted.outcome, Outcome::RolledBack);
    let all = project.forge.deployments();
    let last = all[1].updates.last().unwrap();
    assert_eq!((all.len(), last.state), (2, DeploymentState::Failure));
}

#[test]
fn what_a_signal_ends_is_told_all_the_same() {
    let project = Project::new("", "{ rollback: { watch: 60s } }");
    project.deploy("1.0.0");
    project.clock.interrupt_after(Duration::from_secs(10), "SIGTERM");
    let deployed = project.deploy("2.0.0");
    assert!(deployed.interrupted);
    let all = project.forge.deployments();
    let last = all[1].updates.last().unwrap();
    assert_eq!(last.state, DeploymentState::Failure);
    assert!(
        last.description
            .starts_with("2.0.0 was interrupted: 1.0.0 is serving"),
        "{}",
        last.description
    );
    let check = &project.forge.checks()[all[1].draft.id.as_str()];
    assert_eq!(check.conclusion, Some(Conclusion::Cancelled));
}

#[test]
fn each_environment_of_a_run_has_its_own() {
    let project = Project::new("", "{}").committed();
    let run = project.run_in("1.0.0", &["staging", "other"]).unwrap();
    assert_eq!(run.results.len(), 2);
    let all = project.forge.deployments();
    let shown: Vec<(&str, bool)> = all
        .iter()
        .map(|found| (found.draft.environment.as_str(), found.draft.production))
        .collect();
    assert_eq!(shown, [("staging", false), ("other", true)]);
    let mut names: Vec<String> = project
        .forge
        .checks()
        .into_values()
        .map(|check| check.name)
        .collect();
    names.sort();
    assert_eq!(names, ["greenroom / other", "greenroom / staging"]);
}

#[test]
fn what_is_live_already_and_what_is_switched_off_is_not_told() {
    let project = Project::new("", "{}");
    project.deploy("1.0.0");
    let before = project.forge.calls();
    project.run("1.0.0").unwrap();
    assert_eq!(project.forge.calls(), before);

    let off = Project::new(
        "github: { deployments: false, checks: false, comment: false }",
        "{}",
    );
    assert_eq!(off.deploy("1.0.0").forge_deployment, None);
    assert_eq!(off.forge.calls(), Vec::<String>::new());

    let checks = Project::new("github: { deployments: false }", "{}");
    checks.deploy("1.0.0");
    assert_eq!(
        checks.forge.calls(),
        [
            "publish_check greenroom / staging None",
            "publish_check greenroom / staging Some(Success)"
        ]
    );
}

#[test]
fn a_job_without_a_token_is_told_once_how_to_pass_it() {
    let project = Project::new("", "{}");
    let audience = Audience::of(project.watchers());
    let run = project
        .run_before(&audience, &project.workspace(), "1.0.0", &["staging", "other"])
        .unwrap();
    assert_eq!(rolled_out(run).outcome, Outcome::Succeeded);
    let notes = project.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(
        notes[0].contains("env: { GITHUB_TOKEN: ${{ github.token }} }"),
        "{notes:?}"
    );
    assert_eq!(project.warnings(), Vec::<String>::new());

    let elsewhere = Project::new("", "{}");
    let workspace = elsewhere.bare(&[("GITHUB_ACTIONS", "false")]);
    let audience = Audience::of(elsewhere.watchers());
    elsewhere
        .run_before(&audience, &workspace, "1.0.0", &["staging"])
        .unwrap();
    assert_eq!(elsewhere.notes(), Vec::<String>::new());
}

#[test]
fn a_rollback_is_a_deployment_of_its_own_kind() {
    let project = Project::new("", "{}");
    project.deploy("1.0.0");
    project.deploy("2.0.0");
    let workspace = project.workspace();
    let origin = workspace.context.origin("it is slow", None);
    let staging = "staging".parse().unwrap();
    let back = rollback(
        &workspace,
        &staging,
        &Selector::Previous,
        origin,
        &project.audience(),
    );
    assert!(matches!(back, Ok(Done::Deployed(_))));
    let all = project.forge.deployments();
    let shown: Vec<(&str, &str, DeploymentState)> = all
        .iter()
        .map(|found| {
            let last = found.updates.last().unwrap();
            (found.draft.task, found.draft.version.as_str(), last.state)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("deploy", "1.0.0", DeploymentState::Inactive),
            ("deploy", "2.0.0", DeploymentState::Inactive),
            ("rollback", "1.0.0", DeploymentState::Success)
        ]
    );
}
