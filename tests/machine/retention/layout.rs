//! In the project's own image directory, by the command line.

use crate::retention::project::Project;
use crate::retention::repository::Repository;
use greenroom::adapters::ledger::DirectoryLease;
use greenroom::adapters::registry::layout::LayoutRegistry;
use greenroom::domain::model::{Digest, EnvironmentName, Holder, Period};
use greenroom::host::clock::SystemClock;
use greenroom::ports::{Clock, Lease as _};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const BUILDS: usize = 60;

/// A project with a generated repository, all of which was pushed long ago but what is in flight.
fn scene() -> (Project, LayoutRegistry, Repository) {
    let project = Project::new("acme/app", 5);
    let registry = LayoutRegistry::open(project.path(".greenroom/images"));
    let mut repository = Repository::new(SystemClock::new().now(), BUILDS, 5);
    repository.push(&registry, "acme/app");
    make_old(
        &project.path(".greenroom/images/acme/app/blobs/sha256"),
        &repository.in_flight,
    );
    (project, registry, repository)
}

fn make_old(blobs: &Path, but: &BTreeSet<Digest>) {
    let long_ago = SystemTime::now() - Duration::from_secs(200 * 86_400);
    for entry in fs::read_dir(blobs).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !but.iter().any(|digest| digest.hex() == name) {
            fs::File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(long_ago)
                .unwrap();
        }
    }
}

fn digests(images: &Value) -> BTreeSet<Digest> {
    let images = images.as_array().unwrap().iter();
    images
        .map(|image| image["digest"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn exactly_the_expected_goes_and_a_second_run_has_nothing_to_do() {
    let (project, registry, repository) = scene();
    project.record(&repository.needed);

    let planned = project.prune(&["--format", "json"]);
    assert_eq!(planned.status, 0, "{}", planned.err);
    let plan = planned.json();
    assert_eq!(plan["schema"], "greenroom.prune/1");
    let plan = &plan["repositories"][0];
    assert_eq!(digests(&plan["delete"]), repository.those(false));
    assert_eq!(digests(&plan["keep"]), repository.those(true));
    assert!(plan["applied"].is_null() && plan["freed"].as_u64().unwrap() > 0);
    assert!(
        repository.is_untouched(&registry, "acme/app"),
        "a plan touches nothing"
    );

    let shown = project.prune(&[]);
    for part in [
        "live in production",
        "live before in production",
        "being rolled out to production",
        "live in staging",
        "one of the last 10 of staging",
        "built for staging less than 5d ago",
        "pushed less than 2d ago",
        "has a tag that was not made by a build",
        "nothing was deleted: run again with --apply",
    ] {
        assert!(shown.out.contains(part), "{part}\n{}", shown.out);
    }

    let applied = project.prune(&["--apply", "--format", "json"]);
    assert_eq!(applied.status, 0, "{}{}", applied.out, applied.err);
    let applied = &applied.json()["repositories"][0]["applied"];
    assert_eq!(digests(&applied["deleted"]), repository.those(false));
    assert_eq!(applied["failed"].as_array().unwrap().len(), 0);
    repository.was_pruned(&registry, "acme/app");

    let again = project.prune(&["--apply", "--format", "json"]).json();
    assert_eq!(again["repositories"][0]["delete"].as_array().unwrap().len(), 0);
    let records = fs::read_dir(project.path(".greenroom/ledger/greenroom-prune")).unwrap();
    let first = project.path(".greenroom/ledger/greenroom-prune/00000000000000000000.json");
    let record: Value = serde_json::from_slice(&fs::read(first).unwrap()).unwrap();
    assert_eq!(
        records.count(),
        2,
        "one record, for the run that deleted something, and the head"
    );
    assert_eq!(record["kind"], "prune");
    assert_eq!(record["body"]["origin"]["actor"]["name"], "ana");
    let deleted = record["body"]["deleted"].as_object().unwrap();
    assert_eq!(deleted.len(), repository.those(false).len());
}

#[test]
fn without_a_whole_ledger_nothing_goes() {
    let (project, registry, repository) = scene();
    let untouched = |words: &[&str], status: i32, message: &str| {
        let ran = project.prune(words);
        assert_eq!(ran.status, status, "{}", ran.err);
        assert!(ran.err.contains(message), "{}", ran.err);
        assert!(repository.is_untouched(&registry, "acme/app"));
    };
    untouched(&["--apply"], 6, "no record of any environment");
    untouched(&["--no-ledger"], 0, "");
    untouched(
        &["--apply", "--repository", "acme/other"],
        2,
        "which are: acme/app",
    );

    project.record(&repository.needed);
    let record = project.path(".greenroom/ledger/production/00000000000000000003.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(
        &record,
        text.replace("ann", "eve").replacen("\"at\":\"2", "\"at\":\"3", 1),
    )
    .unwrap();
    untouched(&["--apply"], 6, "the ledger of production is not whole");
    fs::remove_file(&record).unwrap();
    untouched(&["--apply"], 6, "the ledger of production is not whole");
}

#[test]
fn what_cannot_be_read_keeps_everything() {
    let (project, registry, repository) = scene();
    project.record(&repository.needed);
    // The image that has lost its tag, and is live in staging.
    let blob = project
        .path(".greenroom/images/acme/app/blobs/sha256")
        .join(repository.needed[3].hex());
    let bytes = fs::read(&blob).unwrap();
    fs::write(&blob, b"{}").unwrap();
    let ran = project.prune(&["--apply"]);
    assert_eq!(ran.status, 6, "{}", ran.out);
    assert!(
        ran.err.contains("nothing is deleted") && ran.err.contains("damaged"),
        "{}",
        ran.err
    );
    fs::write(&blob, bytes).unwrap();
    assert!(repository.is_untouched(&registry, "acme/app"));
}

#[test]
fn of_two_prunes_at_once_one_waits_for_another_day() {
    let (project, registry, repository) = scene();
    project.record(&repository.needed);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let lease = DirectoryLease::open(&project.path(".greenroom/ledger"), clock);
    let name: EnvironmentName = "greenroom-prune".parse().unwrap();
    let holder = Holder {
        who: "ben".to_owned(),
        run: None,
        purpose: "pruning images".to_owned(),
    };
    let held = lease.acquire(&name, &holder, Period::from_secs(60)).unwrap();
    let ran = project.prune(&["--apply"]);
    assert_eq!(ran.status, 7, "{}", ran.out);
    assert!(ran.err.contains("ben"), "{}", ran.err);
    assert!(repository.is_untouched(&registry, "acme/app"));
    assert_eq!(project.prune(&[]).status, 0, "looking is free");
    lease.release(&name, &held).unwrap();
    assert_eq!(project.prune(&["--apply"]).status, 0);
    repository.was_pruned(&registry, "acme/app");
}
