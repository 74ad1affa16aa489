//! Scans against real processes, files and servers: what scanners write, what becomes of it, and where it
//! is handed in.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod samples;
mod sarif;
mod scanner;

use greenroom::domain::model::{Artifact, Digest, Timestamp};
use greenroom::domain::scan::{Assessment, Input, Level, Policy, ScanReport, ScanSubject, judge, read};

const TRIVY: &str = include_str!("../fixtures/scan/trivy.json");
const GRYPE: &str = include_str!("../fixtures/scan/grype.json");

/// The digest in the fixtures.
fn digest() -> Digest {
    format!("sha256:{}", "0".repeat(64)).parse().unwrap()
}

fn image() -> Artifact {
    Artifact {
        repository: "ghcr.io/acme/hello".to_owned(),
        digest: digest(),
    }
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn report(text: &str) -> ScanReport {
    read(text.as_bytes()).unwrap()
}

/// A report judged for production.
fn assessment(report: ScanReport, policy: &Policy) -> Assessment {
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
