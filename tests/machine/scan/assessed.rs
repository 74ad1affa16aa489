//! The reports in the fixtures, read and judged.

use greenroom::domain::model::{Artifact, Digest, Timestamp};
use greenroom::domain::scan::{Assessment, Input, Level, Policy, ScanReport, ScanSubject, judge, read};

pub(crate) const TRIVY: &str = include_str!("../../fixtures/scan/trivy.json");
pub(crate) const GRYPE: &str = include_str!("../../fixtures/scan/grype.json");

/// The digest in the fixtures.
pub(crate) fn digest() -> Digest {
    format!("sha256:{}", "0".repeat(64)).parse().unwrap()
}

pub(crate) fn image() -> Artifact {
    Artifact {
        repository: "ghcr.io/acme/hello".to_owned(),
        digest: digest(),
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(crate) fn report(text: &str) -> ScanReport {
    read(text.as_bytes()).unwrap()
}

/// A report judged for production.
pub(crate) fn assessment(report: ScanReport, policy: &Policy) -> Assessment {
    let judgment = judge(&Input {
        policy,
        report: &report,
        subject: &ScanSubject::of(digest()),
        now: now(),
        baseline: None,
    });
    Assessment {
        image: image(),
        environment: "production".parse().unwrap(),
        level: Level::Block,
        at: now(),
        live: false,
        report,
        judgment,
    }
}
