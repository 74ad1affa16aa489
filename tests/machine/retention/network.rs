//! In a real registry, by the command line, with skopeo as the witness.

use crate::retention::project::Project;
use crate::retention::repository::Repository;
use crate::support::daemon::Daemon;
use greenroom::adapters::registry::oci::{OciRegistry, OciSettings};
use greenroom::host::clock::SystemClock;
use greenroom::ports::Clock;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

fn client() -> OciRegistry {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    OciRegistry::new(OciSettings::default(), clock).unwrap()
}

fn scene(registry: &Daemon, builds: usize, days: usize) -> (Project, String, Repository) {
    let name = registry.repository("acme/app");
    let project = Project::new(&name, days);
    let mut repository = Repository::new(SystemClock::new().now(), builds, days);
    repository.push(&client(), &name);
    project.record(&repository.needed);
    (project, name, repository)
}

/// Copies the image with all its platforms out of the registry, which checks every digest.
fn pull(reference: &str) {
    let to = tempfile::tempdir().unwrap();
    let output = Command::new("skopeo")
        .args(["copy", "--all", "--src-tls-verify=false"])
        .arg(format!("docker://{reference}"))
        .arg(format!("dir:{}", to.path().join("image").display()))
        .output()
        .expect("skopeo is needed: apt-get install skopeo");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{reference}: {error}");
}

#[test]
fn of_a_thousand_tags_exactly_the_expected_go_and_the_rest_pulls() {
    let mut registry = Daemon::open();
    let started = Instant::now();
    let (project, name, repository) = scene(&registry, 560, 110);
    assert!(repository.tags() >= 1_000, "{}", repository.tags());
    println!("{} tags pushed in {:?}", repository.tags(), started.elapsed());

    let started = Instant::now();
    let planned = project.prune(&["--format", "json"]);
    assert_eq!(planned.status, 0, "{}", planned.err);
    println!("planned in {:?}", started.elapsed());
    let plan = &planned.json()["repositories"][0];
    let goes = plan["delete"].as_array().unwrap().len();
    assert_eq!(goes, repository.those(false).len());
    assert!(repository.is_untouched(&client(), &name));

    let started = Instant::now();
    let applied = project.prune(&["--apply", "--quiet"]);
    assert_eq!(applied.status, 0, "{}{}", applied.out, applied.err);
    println!("{goes} deleted in {:?}", started.elapsed());
    repository.was_pruned(&client(), &name);
    let again = project.prune(&["--apply", "--format", "json"]).json();
    assert_eq!(again["repositories"][0]["delete"].as_array().unwrap().len(), 0);

    registry.collect_garbage();
    repository.was_pruned(&client(), &name);
    let samples = repository.samples();
    assert_eq!(samples.len(), 5);
    for sample in samples {
        pull(&format!("{name}{sample}"));
    }
    // Live, without a tag.
    pull(&format!("{name}@{}", repository.needed[3]));
}

#[test]
fn a_damaged_manifest_of_what_is_live_keeps_everything() {
    let registry = Daemon::open();
    let (project, name, repository) = scene(&registry, 40, 5);
    // It has no tag: the ledger leads to it.
    let whole = registry.overwrite(&repository.needed[3], None);
    let ran = project.prune(&["--apply"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("nothing is deleted"), "{}", ran.err);
    assert!(ran.err.contains(repository.needed[3].as_str()), "{}", ran.err);
    registry.overwrite(&repository.needed[3], Some(whole));
    assert!(repository.is_untouched(&client(), &name));
}

#[test]
fn a_registry_that_does_not_delete_is_explained() {
    let registry = Daemon::that_deletes_nothing();
    let (project, name, repository) = scene(&registry, 40, 5);
    let ran = project.prune(&["--apply"]);
    assert_eq!(ran.status, 6, "{}{}", ran.out, ran.err);
    assert!(
        ran.out.contains("storage.delete.enabled"),
        "{}{}",
        ran.out,
        ran.err
    );
    assert!(repository.is_untouched(&client(), &name));
}
