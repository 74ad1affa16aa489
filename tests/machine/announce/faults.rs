//! A forge that is dead, slow, or refuses: the rollout goes its way.

use crate::announce::project::Project;
use crate::support::waiting::eventually;
use greenroom::app::Hold;
use greenroom::app::announce::{Announcer, Audience};
use greenroom::app::record;
use greenroom::domain::model::DeploymentState;
use greenroom::domain::rollout::Outcome;
use greenroom::ports::Clock as _;
use std::thread;

const ALL: &str = "github: { status: true }";

#[test]
fn a_dead_forge_changes_nothing_and_is_warned_of_once_for_each_verb() {
    let project = Project::new(ALL, "{}").labelled().committed();
    project.forge.die();
    let run = project.run_in("1.0.0", &["staging", "other"]).unwrap();
    for (_, done) in &run.results {
        assert!(done.is_ok());
    }
    assert_eq!(run.results.len(), 2, "the first one counts as a success");
    let warnings = project.warnings();
    let about = |what: &str| warnings.iter().filter(|found| found.contains(what)).count();
    for verb in [
        "open deployment",
        "publish check",
        "set commit status",
        "upsert comment",
    ] {
        assert_eq!(about(verb), 1, "{verb}: {warnings:#?}");
    }
    assert_eq!(warnings.len(), 4, "{warnings:#?}");
}

#[test]
fn a_failed_rollout_fails_the_same_way_beside_a_dead_forge() {
    let project = Project::new("", "{}");
    project.deploy("1.0.0");
    project.write("broken", "");
    project.forge.die();
    let deployed = project.deploy("2.0.0");
    assert_eq!(deployed.outcome, Outcome::RolledBack);
    assert_eq!(deployed.forge_deployment, None);
    assert_eq!(project.warnings().len(), 2, "{:?}", project.warnings());
}

#[test]
fn a_permission_that_is_missing_is_named_and_costs_nothing_else() {
    let project = Project::new(ALL, "{}");
    project.forge.refuse("publish_check");
    let deployed = project.deploy("1.0.0");
    assert_eq!(deployed.outcome, Outcome::Succeeded);
    let warnings = project.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("permissions: { checks: write }"),
        "{warnings:?}"
    );
    let shown = &project.forge.deployments()[0];
    assert_eq!(shown.updates.last().unwrap().state, DeploymentState::Success);
    assert_eq!(project.forge.statuses().len(), 2);
}

/// Every call hangs until the test lets it go, which it does after the rollout has returned: what waited for the
/// forge would never return.
#[test]
fn a_forge_that_hangs_is_not_waited_for_and_costs_the_rollout_no_time() {
    let silent = Project::new(ALL, "{ rollback: { watch: 60s } }");
    let took = |project: &Project, audience: &Audience| {
        let before = project.clock.monotonic();
        let run = project
            .run_before(audience, &project.workspace(), "1.0.0", &[])
            .unwrap();
        assert!(run.results.iter().all(|(_, done)| done.is_ok()));
        project.clock.monotonic() - before
    };
    let alone = took(&silent, &Audience::with(silent.watchers(), Announcer::silent()));

    let project = Project::new(ALL, "{ rollback: { watch: 60s } }").impatient();
    project.forge.hold();
    assert_eq!(took(&project, &project.audience()), alone);
    assert!(project.forge.deployments().is_empty(), "it still hangs");
    let warnings = project.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("did not take everything in time (0s)"),
        "{warnings:?}"
    );
    project.forge.release();
}

#[test]
fn the_environment_is_free_again_while_a_forge_is_waited_for() {
    let project = Project::new("", "{}");
    project.forge.hold();
    thread::scope(|scope| {
        let run = scope.spawn(|| project.deploy("1.0.0"));
        let workspace = project.workspace();
        let staging = "staging".parse().unwrap();
        eventually("the rollout to be over", || {
            let all = workspace
                .ledger()
                .and_then(|ledger| record::all(ledger.as_ref(), &staging));
            all.is_ok_and(|all| {
                all.iter()
                    .any(|record| record.body.to_string().contains("finished"))
            })
        });
        let origin = workspace.context.origin("next in line", None);
        eventually("the environment to be free", || {
            Hold::take(&workspace, &staging, &origin, "waiting".into()).is_ok()
        });
        assert!(project.forge.deployments().is_empty(), "the forge still hangs");
        assert!(!run.is_finished());
        project.forge.release();
        assert_eq!(run.join().unwrap().forge_deployment, Some(100));
    });
}

#[test]
fn what_could_not_be_opened_at_the_beginning_is_opened_at_the_end() {
    let project = Project::new("", "{ rollback: { automatic: false } }");
    project.deploy("1.0.0");
    project.write("broken", "");
    project.forge.die();
    assert_eq!(project.deploy("2.0.0").outcome, Outcome::Halted);
    assert_eq!(project.forge.deployments().len(), 1);
    project.forge.recover();
    let resumed = project.take_up(greenroom::app::resume::Direction::Abort);
    assert_eq!(
        resumed.forge_deployment,
        Some(project.forge.deployments()[1].number)
    );
}
