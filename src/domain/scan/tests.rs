//! Reading both scanners' reports, and judging them.

use super::{
    Allowance, Assessment, Finding, FindingStatus, FixState, Input, Judgment, Level, Policy, ReadError,
    ScanRecord, ScanReport, ScanResult, ScanSubject, judge, read,
};
use crate::domain::model::{Artifact, Digest, Period, Severity, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TRIVY: &str = include_str!("../../../tests/fixtures/scan/trivy.json");
const GRYPE: &str = include_str!("../../../tests/fixtures/scan/grype.json");

fn digest(digit: &str) -> Digest {
    format!("sha256:{}", digit.repeat(64)).parse().unwrap()
}

fn report(text: &str) -> ScanReport {
    read(text.as_bytes()).unwrap()
}

/// The fixture after `change`.
fn changed(text: &str, change: impl FnOnce(&mut Value)) -> ScanReport {
    let mut value: Value = serde_json::from_str(text).unwrap();
    change(&mut value);
    report(&value.to_string())
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn judged(report: &ScanReport, policy: &Policy, baseline: Option<&BTreeSet<String>>) -> Judgment {
    judge(&Input {
        policy,
        report,
        subject: &ScanSubject::of(digest("0")),
        now: now(),
        baseline,
    })
}

/// Ids of findings with what was decided.
fn standings(judgment: &Judgment) -> Vec<(&str, &FindingStatus)> {
    let all = judgment.findings.iter();
    all.map(|judged| (judged.finding.id.as_str(), &judged.standing))
        .collect()
}

fn allow(id: &str, until: Option<&str>) -> Policy {
    Policy {
        allow: vec![Allowance {
            id: id.to_owned(),
            package: None,
            reason: "not reachable".to_owned(),
            until: until.map(|until| until.parse().unwrap()),
        }],
        ..Policy::default()
    }
}

#[test]
fn a_report_of_trivy_is_read_worst_first() {
    let report = report(TRIVY);
    assert_eq!(report.scanner_name(), "trivy 0.74.0");
    assert_eq!(report.subjects, BTreeSet::from([digest("0"), digest("1")]));
    assert_eq!(report.created, "2026-11-20T06:00:00.123Z".parse().ok());
    assert_eq!(
        (report.packages, report.os_packages, report.looked),
        (Some(4), true, true)
    );
    assert_eq!((report.suppressed, report.others), (1, 1));
    let os = report.os.as_ref().unwrap();
    assert_eq!(
        (os.family.as_str(), os.version.as_str(), os.end_of_life),
        ("debian", "12.8", false)
    );
    let ids: Vec<&str> = report
        .findings
        .iter()
        .map(|finding| finding.id.as_str())
        .collect();
    assert_eq!(
        ids,
        ["CVE-2026-1001", "CVE-2026-1002", "CVE-2026-2001", "CVE-2026-1003"]
    );
    let [openssl, bash, debug, _] = report.findings.as_slice() else {
        panic!("four findings")
    };
    assert_eq!(openssl.key(), "CVE-2026-1001 pkg:deb/debian/libssl3");
    assert_eq!(
        (openssl.severity, openssl.score),
        (Severity::Critical, Some(9.1)),
        "the score of whoever gave the severity"
    );
    assert_eq!(
        (openssl.fix.state, openssl.package.path.as_ref()),
        (FixState::Fixed, None)
    );
    assert!(openssl.layer.as_ref().unwrap().starts_with("sha256:aaaa"));
    assert_eq!((bash.fix.state, bash.fix.versions.len()), (FixState::NotFixed, 0));
    assert_eq!(debug.fix.versions, ["3.1.0", "2.6.9"]);
    assert_eq!(debug.package.path.as_deref(), Some("app/package-lock.json"));
    assert!(debug.is_named("ghsa-AAAA-bbbb-cccc") && debug.is_in("pkg:npm/debug") && !debug.is_in("bash"));
}

#[test]
fn a_report_of_grype_is_read_into_the_same_form() {
    let report = report(GRYPE);
    assert_eq!(report.scanner_name(), "grype 0.116.0");
    assert_eq!(
        report.subjects,
        BTreeSet::from([digest("0"), digest("1"), digest("2")])
    );
    assert_eq!(report.database, "2026-11-19T01:31:43Z".parse().ok());
    assert_eq!(
        (report.packages, report.looked, report.suppressed),
        (None, true, 1)
    );
    let [debug, bash] = report.findings.as_slice() else {
        panic!("two findings")
    };
    assert_eq!(debug.aliases, ["CVE-2026-2001"]);
    assert_eq!(
        (debug.severity, debug.score, debug.epss),
        (Severity::High, Some(7.5), Some(0.03)),
        "CVSS 2 is another scale"
    );
    assert_eq!(debug.layer.as_deref(), Some("sha256:bbbb"));
    assert!(bash.known_exploited && bash.package.path.is_none());
    assert_eq!(bash.fix.state, FixState::WontFix);
}

#[test]
fn the_older_form_of_grypes_database_is_read_and_an_invalid_one_is_noticed() {
    let older = changed(GRYPE, |value| {
        value["descriptor"]["db"] =
            json!({ "built": "2024-01-02T00:00:00Z", "schemaVersion": 5, "error": null });
    });
    assert_eq!(
        (older.database, older.database_problem),
        ("2024-01-02T00:00:00Z".parse().ok(), None)
    );
    let broken = changed(GRYPE, |value| {
        value["descriptor"]["db"]["status"]["valid"] = json!(false);
    });
    let judgment = judged(&broken, &Policy::default(), None);
    assert_eq!(judgment.result, ScanResult::Error);
    assert!(
        judgment.reasons[0].contains("database cannot be used"),
        "{:?}",
        judgment.reasons
    );
}

#[test]
fn what_is_no_whole_report_is_an_error() {
    let read_text = |text: &str| read(text.as_bytes()).unwrap_err();
    assert_eq!(read_text(" \n"), ReadError::Empty);
    for cut in [1, 20, TRIVY.len() / 2, TRIVY.trim_end().len() - 1] {
        assert_eq!(read_text(&TRIVY[..cut]), ReadError::Truncated { bytes: cut });
    }
    for text in ["panic: out of memory", "{\"SchemaVersion\": 2} {}", "\u{feff}{}"] {
        assert!(matches!(read_text(text), ReadError::NotJson { .. }), "{text}");
    }
    for text in [
        "{}",
        "[]",
        "1",
        "{\"SchemaVersion\": 3}",
        "{\"matches\": []}",
        "{\"version\": \"2.1.0\", \"runs\": []}",
        "{\"bomFormat\": \"CycloneDX\"}",
    ] {
        assert!(matches!(read_text(text), ReadError::Unknown { .. }), "{text}");
    }
    for text in [
        "{\"SchemaVersion\": \"2\"}",
        "{\"SchemaVersion\": 2, \"Results\": {}}",
        "{\"SchemaVersion\": 2, \"Results\": [{\"Vulnerabilities\": [{\"PkgName\": \"a\"}]}]}",
        "{\"SchemaVersion\": 2, \"Results\": [{\"Vulnerabilities\": [{\"VulnerabilityID\": \"a\", \"PkgName\": \"a\", \"Severity\": \"SEVERE\"}]}]}",
        "{\"descriptor\": {\"name\": \"grype\"}}",
        "{\"descriptor\": {\"name\": \"grype\"}, \"matches\": [{}], \"source\": {\"target\": {}}}",
    ] {
        assert!(matches!(read_text(text), ReadError::Shape { .. }), "{text}");
    }
    assert!(
        read_text("{\"version\": \"2.1.0\", \"runs\": []}")
            .to_string()
            .contains("SARIF")
    );
}

#[test]
fn critical_and_high_findings_block_and_the_rest_is_told_apart() {
    let judgment = judged(&report(TRIVY), &Policy::default(), None);
    assert_eq!(judgment.result, ScanResult::Blocked);
    assert_eq!(judgment.reasons, ["3 findings count (1 CRITICAL, 2 HIGH)"]);
    assert_eq!((judgment.counts.minor, judgment.counts.suppressed), (1, 1));
    assert_eq!(judgment.notes.len(), 2, "{:?}", judgment.notes);
    let policy = Policy {
        severities: BTreeSet::from([Severity::Critical, Severity::High]),
        ignore_unfixed: true,
        ..Policy::default()
    };
    let judgment = judged(&report(TRIVY), &policy, None);
    assert_eq!(
        standings(&judgment),
        [
            ("CVE-2026-1001", &FindingStatus::Counts),
            ("CVE-2026-1002", &FindingStatus::Unfixed),
            ("CVE-2026-2001", &FindingStatus::Counts),
            ("CVE-2026-1003", &FindingStatus::Hidden),
        ]
    );
}

#[test]
fn nothing_that_counts_is_a_pass() {
    let policy = Policy {
        block: BTreeSet::from([Severity::Medium]),
        ..Policy::default()
    };
    let judgment = judged(&report(TRIVY), &policy, None);
    assert_eq!((judgment.result, judgment.reasons.len()), (ScanResult::Pass, 0));
}

#[test]
fn an_allowance_holds_until_its_end_and_then_says_so() {
    let standing = |until: Option<&str>| {
        let judgment = judged(&report(TRIVY), &allow("cve-2026-1001", until), None);
        (judgment.findings[0].standing.clone(), judgment.counts)
    };
    let (allowed, counts) = standing(None);
    assert!(matches!(&allowed, FindingStatus::Allowed { reason, until: None } if reason == "not reachable"));
    assert_eq!((counts.allowed, counts.total()), (1, 2));
    assert!(matches!(
        standing(Some("2026-11-21T12:00:00.001Z")).0,
        FindingStatus::Allowed { .. }
    ));
    let (expired, counts) = standing(Some("2026-11-21T12:00:00Z"));
    assert!(matches!(expired, FindingStatus::Expired { .. }));
    assert_eq!((counts.expired, counts.total()), (1, 3));
    let mut other = allow("CVE-2026-1001", None);
    other.allow[0].package = Some("libssl1.1".to_owned());
    let judgment = judged(&report(TRIVY), &other, None);
    assert_eq!(
        judgment.findings[0].standing,
        FindingStatus::Counts,
        "another package"
    );
    assert!(judgment.notes[0].contains("not needed"), "{:?}", judgment.notes);
    other.allow[0].package = Some("pkg:deb/debian/libssl3".to_owned());
    assert_eq!(judged(&report(TRIVY), &other, None).counts.allowed, 1);
}

#[test]
fn what_is_exploited_counts_unless_it_is_allowed_for_a_time() {
    let strict = Policy {
        severities: BTreeSet::from([Severity::Critical]),
        block: BTreeSet::from([Severity::Critical]),
        ignore_unfixed: true,
        only_new: true,
        ..Policy::default()
    };
    let report = report(GRYPE);
    let all: BTreeSet<String> = report.findings.iter().map(Finding::key).collect();
    let judgment = judged(&report, &strict, Some(&all));
    assert_eq!(
        standings(&judgment),
        [
            ("GHSA-aaaa-bbbb-cccc", &FindingStatus::Hidden),
            ("CVE-2026-3001", &FindingStatus::Counts)
        ]
    );
    let mut policy = allow("CVE-2026-3001", None);
    policy.block = BTreeSet::from([Severity::Critical]);
    let judgment = judged(&report, &policy, None);
    assert_eq!(judgment.result, ScanResult::Blocked);
    assert!(
        judgment
            .notes
            .iter()
            .any(|note| note.contains("only with an `until`"))
    );
    policy.allow[0].until = "2027-01-01T00:00:00Z".parse().ok();
    assert_eq!(judged(&report, &policy, None).result, ScanResult::Pass);
}

#[test]
fn only_what_the_baseline_does_not_have_counts() {
    let policy = Policy {
        only_new: true,
        ..Policy::default()
    };
    let report = report(TRIVY);
    let judgment = judged(&report, &policy, None);
    assert_eq!(judgment.counts.total(), 3, "without a baseline everything is new");
    assert!(judgment.notes.iter().any(|note| note.contains("no earlier scan")));
    let known = BTreeSet::from([report.findings[0].key(), report.findings[1].key()]);
    let judgment = judged(&report, &policy, Some(&known));
    assert_eq!((judgment.counts.known, judgment.counts.total()), (2, 1));
    // Upgraded, in another layer, and still vulnerable: known.
    let upgraded = changed(TRIVY, |value| {
        let finding = &mut value["Results"][0]["Vulnerabilities"][0];
        finding["InstalledVersion"] = json!("3.0.15-2");
        finding["PkgIdentifier"]["PURL"] = json!("pkg:deb/debian/libssl3@3.0.15-2?arch=arm64");
        finding["Layer"]["Digest"] = json!("sha256:ffff");
    });
    assert_eq!(judged(&upgraded, &policy, Some(&known)).counts.known, 2);
    let ignored = judged(&report, &Policy::default(), Some(&known));
    assert_eq!(ignored.counts.total(), 3, "only where it is asked for");
}

/// What is done to a report, and what the reason for the error says.
type Spoiled = (fn(&mut Value), &'static str);

const TRIVY_SPOILED: &[Spoiled] = &[
    (
        |v| v["Metadata"]["RepoDigests"] = json!([format!("hello@sha256:{}", "5".repeat(64))]),
        "about another image",
    ),
    (|v| v["Metadata"] = json!({}), "does not say which image"),
    (
        |v| v["Metadata"]["OS"]["EOSL"] = json!(true),
        "debian 12.8 is at its end of life",
    ),
    (|v| v["Results"] = json!([]), "no packages were looked at"),
    (|v| v["Results"] = Value::Null, "no packages were looked at"),
    (
        |v| {
            for part in v["Results"].as_array_mut().unwrap() {
                part["Packages"] = json!([]);
            }
        },
        "no packages were looked at",
    ),
    (
        |v| drop(v["Results"].as_array_mut().unwrap().remove(0)),
        "its packages were not looked at",
    ),
    (
        |v| v["CreatedAt"] = json!("2026-11-16T11:59:59Z"),
        "the report was made on 2026-11-16 11:59:59 UTC, more than 5d ago",
    ),
    (
        |v| drop(v.as_object_mut().unwrap().remove("CreatedAt")),
        "nothing says how old",
    ),
    (
        |v| v["CreatedAt"] = json!("2026-11-30T00:00:00Z"),
        "dated in the future",
    ),
];

const GRYPE_SPOILED: &[Spoiled] = &[
    (
        |v| v["descriptor"]["db"]["status"]["built"] = json!("2026-11-01T00:00:00Z"),
        "the scanner's database was built on 2026-11-01",
    ),
    (
        |v| {
            v["matches"] = json!([]);
            v["ignoredMatches"] = json!([]);
            v["distro"] = json!({ "name": "", "version": "", "idLike": null });
        },
        "no packages were looked at",
    ),
    (
        |v| v["alertsByPackage"] = json!([{ "alerts": [{ "type": "distro-eol" }] }]),
        "debian 12 is at its end of life",
    ),
    (
        |v| v["source"] = json!({ "type": "directory", "target": "/src" }),
        "does not say which image",
    ),
];

#[test]
fn a_report_that_says_nothing_about_the_image_is_never_a_pass() {
    let nothing_blocks = Policy {
        block: BTreeSet::new(),
        max_database_age: Some(Period::from_secs(5 * 86_400)),
        ..Policy::default()
    };
    assert_eq!(
        judged(&report(TRIVY), &nothing_blocks, None).result,
        ScanResult::Pass
    );
    let all = TRIVY_SPOILED
        .iter()
        .map(|spoiled| (TRIVY, spoiled))
        .chain(GRYPE_SPOILED.iter().map(|spoiled| (GRYPE, spoiled)));
    for (text, (spoil, expected)) in all {
        let judgment = judged(&changed(text, spoil), &nothing_blocks, None);
        assert_eq!(judgment.result, ScanResult::Error, "{expected}");
        assert!(
            judgment.reasons.iter().any(|reason| reason.contains(expected)),
            "{expected}: {:?}",
            judgment.reasons
        );
    }
}

#[test]
fn a_report_about_a_part_of_the_image_is_about_the_image() {
    let judgment = |subject: ScanSubject| {
        judge(&Input {
            policy: &Policy::default(),
            report: &report(TRIVY),
            subject: &subject,
            now: now(),
            baseline: None,
        })
    };
    let index = ScanSubject {
        digest: digest("7"),
        parts: BTreeSet::from([digest("0"), digest("8")]),
        images: 2,
    };
    let judged = judgment(index);
    assert_eq!(judged.result, ScanResult::Blocked);
    assert_eq!(
        judged.notes[0],
        "the report is about one of the 2 images of the index"
    );
    assert_eq!(judgment(ScanSubject::of(digest("7"))).result, ScanResult::Error);
    // The image id is the digest of the configuration.
    let archive = ScanSubject {
        digest: digest("7"),
        parts: BTreeSet::from([digest("1")]),
        images: 1,
    };
    assert_eq!(judgment(archive).result, ScanResult::Blocked);
}

#[test]
fn a_record_of_very_many_findings_stays_small_and_keeps_the_worst() {
    let mut report = report(TRIVY);
    let one = report.findings[0].clone();
    report.findings = (0..50_000)
        .map(|number| Finding {
            id: format!("CVE-2026-{number:06}"),
            ..one.clone()
        })
        .collect();
    let judgment = judged(&report, &Policy::default(), None);
    let assessment = Assessment {
        image: Artifact {
            repository: "hello".to_owned(),
            digest: digest("0"),
        },
        environment: "production".parse().unwrap(),
        level: Level::Block,
        at: now(),
        live: false,
        report,
        judgment,
    };
    let record = ScanRecord::of(
        &assessment,
        crate::testing::story::plan("d-1", "1.0.0", None).origin,
    );
    assert_eq!(record.counts.total(), 50_000);
    assert!(record.counting.len() > 4_000 && record.counting.first().unwrap().contains("000000"));
    assert!(serde_json::to_vec(&record).unwrap().len() < 1 << 20);
    let read: ScanRecord = serde_json::from_value(serde_json::to_value(&record).unwrap()).unwrap();
    assert_eq!(read, record);
}

#[test]
fn a_package_without_version_and_qualifiers_stays_the_same() {
    let report = report(TRIVY);
    let mut package = report.findings[0].package.clone();
    for (purl, identity) in [
        ("pkg:npm/%40angular/core@1.2.3", "pkg:npm/%40angular/core"),
        ("pkg:npm/@angular/core@1.2.3", "pkg:npm/@angular/core"),
        ("pkg:npm/@angular/core", "pkg:npm/@angular/core"),
        ("pkg:golang/x.org/y@v1.0#sub/path", "pkg:golang/x.org/y"),
        ("pkg:deb/debian/a?arch=amd64", "pkg:deb/debian/a"),
    ] {
        package.purl = Some(purl.to_owned());
        assert_eq!(package.identity(), identity, "{purl}");
    }
    package.purl = None;
    assert_eq!(package.identity(), "debian/libssl3");
}

proptest! {
    #[test]
    fn order_other_findings_and_layers_change_neither_report_nor_fingerprints(
        seed in any::<u64>(),
        layer in "[a-f0-9]{8}",
        removed in 0_usize..3,
    ) {
        let plain = report(TRIVY);
        let shuffled = changed(TRIVY, |value| {
            let parts = value["Results"].as_array_mut().unwrap();
            let found = parts[0]["Vulnerabilities"].as_array_mut().unwrap();
            for at in (1..found.len()).rev() {
                found.swap(at, usize::try_from(seed % (at as u64 + 1)).unwrap());
            }
            for finding in found.iter_mut() {
                finding["Layer"] = json!({ "Digest": format!("sha256:{layer}") });
            }
            parts.reverse();
        });
        let prints = |report: &ScanReport| -> Vec<String> {
            report.findings.iter().map(Finding::fingerprint).collect()
        };
        prop_assert_eq!(prints(&plain), prints(&shuffled));
        let fewer = changed(TRIVY, |value| {
            value["Results"][0]["Vulnerabilities"].as_array_mut().unwrap().remove(removed);
        });
        let all: BTreeSet<String> = prints(&plain).into_iter().collect();
        let left: BTreeSet<String> = prints(&fewer).into_iter().collect();
        prop_assert_eq!(all.len(), plain.findings.len(), "each has its own");
        prop_assert!(left.is_subset(&all) && left.len() + 1 == all.len());
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes).is_err());
    }

    #[test]
    fn a_report_cut_anywhere_is_an_error(cut in 0_usize..1000) {
        let text = TRIVY.trim_end();
        let end = text.len() * cut / 1000;
        prop_assert!(read(&text.as_bytes()[..end]).is_err());
    }
}
