//! The workflows that `greenroom init` writes for the way to production and back.

use crate::act::begun::Begun;
use crate::act::player::Played;
use serde_json::json;

/// Starts the workflows that bring what is on the branch to staging and acceptance.
fn to_acceptance(begun: &Begun) {
    let inputs = json!({ "ref": "", "skip_tests": "false" });
    for (workflow, inputs) in [
        ("deploy-staging", inputs),
        ("deploy-acceptance", json!({ "version": "" })),
    ] {
        let played = begun.start(workflow, &inputs);
        let well = played.jobs.values().all(|result| result == "success");
        assert!(well && !played.jobs.is_empty(), "{}", played.log);
    }
}

/// Starts the workflow that brings what is live in acceptance to production. Between the two looks at it there,
/// the job runs this command instead of waiting for minutes.
fn to_production(begun: &Begun, between: &str) -> Played {
    let workflow = ".github/workflows/deploy-production.yml";
    let written = begun.stage.project.read(&format!("project/{workflow}"));
    begun.change(workflow, |text| {
        text.replace("run: sleep 300", &format!("run: {between}"))
    });
    let played = begun.start("deploy-production", &json!({ "version": "" }));
    begun.stage.write(workflow, &written);
    played
}

/// Somebody else approves what is live in acceptance for production, in a clone that is not CI's.
fn approve(begun: &Begun) {
    begun.greenroom("approve production --reason seen");
}

/// The states of every deployment to production that GitHub was told of, the oldest first.
fn told(begun: &Begun) -> Vec<String> {
    let deployments = begun.stage.github.deployments();
    let production = deployments.iter().filter(|told| told.environment == "production");
    production.map(|told| told.state().to_owned()).collect()
}

/// Commits version 1.1.0, which is well until something happens; the command that lets it happen.
fn version_that_breaks_later(begun: &Begun) -> String {
    let broken = begun.stage.project.path("broken");
    begun.stage.version("1.1.0", true);
    begun.change("app/server.py", |text| {
        let says = format!("\"down\" if os.path.exists({broken:?}) else \"ok\"");
        text.replace("\"ok\"", &says)
    });
    begun.stage.commit("develop");
    format!("touch {}", broken.display())
}

#[test]
fn a_version_goes_all_the_way_once_it_is_approved_and_what_shows_later_brings_the_one_before_back() {
    let begun = Begun::with(&["--trigger", "dispatch", "--approvals", "ledger"]);
    to_acceptance(&begun);
    assert_eq!(begun.live(), ["1.0.0", "1.0.0", ""]);
    let played = to_production(&begun, "true");
    played.assert_jobs(&[("deploy", "failure")]);
    assert!(played.log.contains("0 of 1 approvals"), "{}", played.log);
    assert_eq!(begun.live()[2], "");

    approve(&begun);
    to_production(&begun, "true").assert_jobs(&[("deploy", "success")]);
    assert_eq!(begun.live(), ["1.0.0", "1.0.0", "1.0.0"]);
    assert_eq!(told(&begun), ["success"]);

    let breaks = version_that_breaks_later(&begun);
    to_acceptance(&begun);
    approve(&begun);
    let played = to_production(&begun, &breaks);
    played.assert_jobs(&[("deploy", "failure")]);
    let deployed = played.step("deploy");
    let deployed = (deployed.output("version"), deployed.output("outcome"));
    assert_eq!(deployed, ("1.1.0", "succeeded"), "{}", played.log);
    assert_eq!(begun.live(), ["1.1.0", "1.1.0", "1.0.0"], "{}", played.log);
    assert_eq!(told(&begun), ["inactive", "inactive", "success"]);

    let back = |dry_run: &str| {
        let inputs = json!({
            "environment": "staging", "version": "", "reason": "orders are lost", "dry_run": dry_run,
        });
        let played = begun.start("rollback", &inputs);
        played.assert_jobs(&[("rollback", "success")]);
        played
    };
    let played = back("true");
    assert!(played.log.contains("1.0.0"), "{}", played.log);
    assert_eq!(begun.live()[0], "1.1.0");
    let played = back("false");
    assert_eq!(
        played.step("rollback").output("version"),
        "1.0.0",
        "{}",
        played.log
    );
    assert_eq!(begun.live()[0], "1.0.0");
    let shown = begun.greenroom("history staging");
    assert!(shown.out.contains("orders are lost"), "{}", shown.out);
}

#[test]
fn in_a_job_for_each_part_the_last_one_runs_only_when_what_was_deployed_does_not_keep_well() {
    let begun = Begun::with(&["--trigger", "dispatch", "--jobs", "split"]);
    let well = ["pre-deployment", "deploy", "verify", "monitor"];
    to_acceptance(&begun);
    to_production(&begun, "true").assert_jobs(&well.map(|job| (job, "success")));
    assert_eq!(begun.live(), ["1.0.0", "1.0.0", "1.0.0"]);

    let breaks = version_that_breaks_later(&begun);
    to_acceptance(&begun);
    let played = to_production(&begun, &breaks);
    let mut expected = well.map(|job| (job, "success")).to_vec();
    expected[3].1 = "failure";
    expected.push(("roll-back", "success"));
    played.assert_jobs(&expected);
    assert_eq!(begun.live(), ["1.1.0", "1.1.0", "1.0.0"], "{}", played.log);
}
