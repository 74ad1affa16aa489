//! The workflows that `greenroom init` writes for changes, and for what is left behind.

use crate::act::begun::Begun;
use crate::act::events;
use crate::act::player::Played;
use serde_json::{Value, json};

/// Pushes what is there to a branch, and plays the workflow for changes. Images cannot be built and scanned
/// here from nothing: instead of docker, `true` is run.
fn ci(begun: &Begun, branch: &str) -> Played {
    let workflow = ".github/workflows/ci.yml";
    let written = begun.stage.project.read(&format!("project/{workflow}"));
    begun.change(workflow, |text| text.replace("docker ", "true "));
    let sha = begun.stage.commit(branch);
    let played = begun.play("ci", "push", &events::push(branch, &sha));
    begun.stage.write(workflow, &written);
    played
}

#[test]
fn a_change_is_checked_and_on_a_release_branch_its_image_is_pushed() {
    let begun = Begun::site(&["--trigger", "push"]);
    let checks = ["lint", "types", "tests", "image"];
    ci(&begun, "feature/speed").assert_jobs(&checks.map(|job| (job, "success")));
    let refs = begun.stage.refs();
    assert!(!refs.iter().any(|name| name.contains("ledger")), "{refs:?}");

    let played = ci(&begun, "release/1.0");
    let jobs = [&checks[..], &["release"]].concat();
    let jobs: Vec<_> = jobs.into_iter().map(|job| (job, "success")).collect();
    played.assert_jobs(&jobs);
    let built = played.step("build");
    let tag = built.output("tags").lines().next().unwrap();
    assert_eq!(begun.stage.tagged(tag).as_deref(), Some(built.output("digest")));

    begun.change("public/index.html", |text| {
        text.replace("/style.css", "/styles.css")
    });
    let played = ci(&begun, "release/1.1");
    let jobs = checks.map(|job| (job, if job == "types" { "failure" } else { "success" }));
    played.assert_jobs(&jobs);
    assert!(played.log.contains("missing: /styles.css"), "{}", played.log);
}

#[test]
fn what_no_environment_needs_goes_once_a_week_and_a_person_sees_it_before() {
    let begun = Begun::with(&["--trigger", "dispatch"]);
    begun.change("greenroom.yaml", |text| {
        text.replace(
            "keepLast: 10, keepFor: 30d, grace: 48h",
            "keepLast: 1, keepFor: 1s, grace: 0s",
        )
    });
    let greenroom = |words: &str| {
        let ran = begun.greenroom(&format!("{words} -e staging --format json"));
        serde_json::from_str::<Value>(&ran.out).unwrap()
    };
    let tags = ["1.0.0", "1.1.0", "1.2.0"].map(|version| {
        begun.stage.version(version, true);
        begun.stage.commit("develop");
        // Tags tell the newest by the second.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        greenroom("build")["tags"][0].as_str().unwrap().to_owned()
    });
    greenroom(&format!("deploy --image {}", tags[0]));
    let there = || {
        tags.iter()
            .map(|tag| begun.stage.tagged(tag).is_some())
            .collect::<Vec<_>>()
    };
    let both = [("deployments", "success"), ("images", "success")];
    let played = begun.start("cleanup", &json!({ "dry_run": "true" }));
    played.assert_jobs(&both);
    assert!(played.log.contains("2 manifests stay, 1 go"), "{}", played.log);
    assert_eq!(there(), [true, true, true]);
    let played = begun.play("cleanup", "schedule", &json!({ "schedule": "17 3 * * 0" }));
    played.assert_jobs(&both);
    assert_eq!(there(), [true, false, true], "{}", played.log);
    assert_eq!(begun.live()[0], "1.0.0");
}
