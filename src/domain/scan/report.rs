//! What a scanner found, in one form for all scanners.

use super::finding::Finding;
use crate::domain::model::{Digest, Timestamp};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The operating system in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Os {
    /// `alpine`.
    pub family: String,
    /// Its version.
    pub version: String,
    /// Whether its distributor writes no more advisories for it: then nothing is found in it.
    pub end_of_life: bool,
}

/// A scanner's report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanReport {
    /// `trivy` or `grype`.
    pub scanner: String,
    /// Its version, where the report says.
    pub scanner_version: Option<String>,
    /// When the report was made.
    pub created: Option<Timestamp>,
    /// What was scanned: `container_image`, `image`, `filesystem`.
    pub kind: String,
    /// Digests that the report gives for what was scanned: of index, manifest, or configuration (the
    /// image id).
    pub subjects: BTreeSet<Digest>,
    /// The operating system, where one was recognised.
    pub os: Option<Os>,
    /// How many packages were looked at, where the report lists them.
    pub packages: Option<usize>,
    /// Whether packages of the distribution were looked at.
    pub os_packages: bool,
    /// Whether anything at all was looked at.
    pub looked: bool,
    /// When the database of vulnerabilities was built, where the report says.
    pub database: Option<Timestamp>,
    /// Why the scanner itself does not trust its database.
    pub database_problem: Option<String>,
    /// Every finding that the scanner did not suppress, worst first; the same report gives the same
    /// order, however its own was.
    pub findings: Vec<Finding>,
    /// Findings that the scanner was told to leave out (ignore files, VEX).
    pub suppressed: usize,
    /// Secrets, misconfigurations and licences, which are not judged.
    pub others: usize,
}

impl ScanReport {
    /// Puts findings into their order and takes out repetitions.
    pub(super) fn sorted(mut self) -> Self {
        self.findings.sort_by_cached_key(|finding| {
            (Reverse(finding.severity), finding.key(), finding.package.clone())
        });
        self.findings
            .dedup_by(|a, b| a.id == b.id && a.package == b.package);
        self
    }

    /// `trivy 0.74.0`.
    pub fn scanner_name(&self) -> String {
        match &self.scanner_version {
            Some(version) => format!("{} {version}", self.scanner),
            None => self.scanner.clone(),
        }
    }
}

/// The image that the report has to be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanSubject {
    /// Digest of its manifest or index.
    pub digest: Digest,
    /// Digests that belong to it: of its configuration, or of the images of an index and their
    /// configurations. A scanner may know an image by one of these.
    pub parts: BTreeSet<Digest>,
    /// How many images an index holds; one for a single image.
    pub images: usize,
}

impl ScanSubject {
    /// An image of which only the digest is known.
    pub fn of(digest: Digest) -> Self {
        Self {
            digest,
            parts: BTreeSet::new(),
            images: 1,
        }
    }
}
