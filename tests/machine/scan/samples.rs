//! Reports of the scanners' own test suites, where they are at hand: the directory that
//! `GREENROOM_SCAN_SAMPLES` names, else `../shared/data/scan` beside the repository.

use crate::scan::assessed::now;
use greenroom::domain::model::Severity;
use greenroom::domain::scan::{
    FixState, Input, Judgment, Policy, ScanReport, ScanResult, ScanSubject, judge, read,
};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The directory; says that it is skipped where it is not there.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test that is skipped says so, and is told by a variable where its samples are"
)]
fn samples() -> Option<PathBuf> {
    let directory = std::env::var_os("GREENROOM_SCAN_SAMPLES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/scan"),
        PathBuf::from,
    );
    if directory.is_dir() {
        return Some(directory);
    }
    println!("skipped: {} is not there", directory.display());
    None
}

fn sample(directory: &Path, name: &str) -> ScanReport {
    read(&fs::read(directory.join(name)).unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Judged as what it says that it is about.
fn judged(report: &ScanReport, policy: &Policy) -> Judgment {
    let about = report.subjects.first().cloned();
    let unknown = || format!("sha256:{}", "0".repeat(64)).parse().unwrap();
    judge(&Input {
        policy,
        report,
        subject: &ScanSubject::of(about.unwrap_or_else(unknown)),
        now: now(),
        baseline: None,
    })
}

fn ids(report: &ScanReport) -> Vec<(&str, Severity, FixState)> {
    let all = report.findings.iter();
    all.map(|finding| (finding.id.as_str(), finding.severity, finding.fix.state))
        .collect()
}

#[test]
fn an_image_at_its_end_of_life_is_an_error_whatever_was_found() {
    let Some(directory) = samples() else { return };
    let report = sample(&directory, "trivy-alpine-310.json");
    let os = report.os.as_ref().unwrap();
    assert_eq!(
        (os.family.as_str(), os.version.as_str(), os.end_of_life),
        ("alpine", "3.10.2", true)
    );
    assert_eq!(report.findings.len(), 4);
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.severity == Severity::Medium)
    );
    let keys: BTreeSet<String> = report
        .findings
        .iter()
        .map(greenroom::domain::scan::Finding::key)
        .collect();
    assert_eq!(
        keys.first().map(String::as_str),
        Some("CVE-2019-1549 pkg:apk/alpine/libcrypto1.1")
    );
    assert_eq!(keys.len(), 4);
    let judgment = judged(&report, &Policy::default());
    assert_eq!(judgment.result, ScanResult::Error);
    assert!(
        judgment.reasons[0].contains("end of life"),
        "{:?}",
        judgment.reasons
    );
}

#[test]
fn packages_of_a_language_alone_are_enough_to_be_judged() {
    let Some(directory) = samples() else { return };
    let report = sample(&directory, "trivy-busybox-with-lockfile.json");
    assert!(report.os.is_none() && report.looked && !report.os_packages);
    assert_eq!(
        ids(&report),
        [
            ("CVE-2019-15542", Severity::High, FixState::Fixed),
            ("CVE-2021-38193", Severity::Medium, FixState::Fixed)
        ]
    );
    assert_eq!(
        report.findings[1].fix.versions,
        [">= 3.1.0", ">= 2.1.3", "< 3.0.0"]
    );
    assert_eq!(report.findings[0].package.path.as_deref(), Some("Cargo.lock"));
    let judgment = judged(&report, &Policy::default());
    assert_eq!(judgment.result, ScanResult::Blocked);
    assert_eq!(judgment.counts.by_severity(), "1 HIGH");
}

#[test]
fn findings_without_a_fix_are_told_apart_and_trivys_own_filter_gives_the_same() {
    let Some(directory) = samples() else { return };
    let whole = sample(&directory, "trivy-debian-buster.json");
    let filtered = sample(&directory, "trivy-debian-buster-ignore-unfixed.json");
    assert_eq!(
        ids(&whole),
        [
            ("CVE-2019-18224", Severity::Critical, FixState::Fixed),
            ("CVE-2019-18276", Severity::Low, FixState::NotFixed)
        ]
    );
    let policy = Policy {
        block: BTreeSet::from(Severity::ALL),
        ignore_unfixed: true,
        ..Policy::default()
    };
    let (ours, theirs) = (judged(&whole, &policy), judged(&filtered, &policy));
    assert_eq!((ours.counts.unfixed, theirs.counts.unfixed), (1, 0));
    assert_eq!((ours.counts.total(), theirs.counts.total()), (1, 1));
    assert_eq!(
        (ours.result, theirs.result),
        (ScanResult::Blocked, ScanResult::Blocked)
    );
}

#[test]
fn a_scan_of_files_is_about_no_image_and_what_was_suppressed_is_counted() {
    let Some(directory) = samples() else { return };
    let report = sample(&directory, "trivy-npm-with-suppressed.json");
    assert_eq!(
        (report.kind.as_str(), report.packages, report.suppressed),
        ("filesystem", Some(2), 1)
    );
    assert_eq!(
        ids(&report),
        [("CVE-2017-20165", Severity::High, FixState::Fixed)]
    );
    let judgment = judged(&report, &Policy::default());
    assert_eq!(judgment.result, ScanResult::Error);
    assert!(
        judgment.reasons[0].contains("does not say which image"),
        "{:?}",
        judgment.reasons
    );
}

#[test]
fn grypes_own_example_has_one_that_is_exploited() {
    let Some(directory) = samples() else { return };
    let report = sample(&directory, "grype-images.json");
    assert_eq!(report.scanner_name(), "grype [not provided]");
    assert_eq!(
        (report.created, report.database, report.subjects.len()),
        (None, None, 2)
    );
    assert_eq!(
        ids(&report),
        [
            ("CVE-1999-0002", Severity::Critical, FixState::Unknown),
            ("CVE-1999-0001", Severity::Low, FixState::Fixed)
        ]
    );
    assert!(report.findings[0].known_exploited && !report.findings[1].known_exploited);
    assert_eq!(
        (report.findings[1].epss, report.findings[1].score),
        (Some(0.03), Some(8.2))
    );
    assert_eq!(report.findings[1].key(), "CVE-1999-0001 rpm/package-1");
    assert_eq!(judged(&report, &Policy::default()).result, ScanResult::Blocked);
}

#[test]
fn sarif_is_refused_as_a_report() {
    let Some(directory) = samples() else { return };
    let error = read(&fs::read(directory.join("trivy-alpine-310.sarif")).unwrap()).unwrap_err();
    assert!(error.to_string().contains("SARIF"), "{error}");
}
