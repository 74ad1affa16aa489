//! A scan of an image, judged for an environment.

use crate::domain::model::{Artifact, EnvironmentName, Timestamp};
use crate::domain::scan::{Assessment, Counts, Judged, Level, Os, ScanResult};
use serde::Serialize;

/// The whole assessment, with every finding and what was decided about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.scan/1", rename_all = "camelCase")]
pub struct ScanDocument<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The image.
    pub image: &'a Artifact,
    /// Whether this very image is live there.
    pub live: bool,
    /// When it was judged.
    pub at: Timestamp,
    /// What it came to.
    pub result: ScanResult,
    /// What findings that count do there.
    pub level: Level,
    /// Whether a deployment may go on.
    pub lets_pass: bool,
    /// Every reason for a result other than a pass.
    pub reasons: &'a [String],
    /// What is worth knowing whatever the result.
    pub notes: &'a [String],
    /// How many findings of each standing there are.
    pub counts: &'a Counts,
    /// What scanned it.
    pub scanner: ScannerRow<'a>,
    /// Every finding, worst first.
    pub findings: Vec<FindingRow<'a>>,
}

/// What scanned an image, and what it looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ScannerRow<'a> {
    /// `trivy` or `grype`.
    pub name: &'a str,
    /// Its version, where the report says.
    pub version: Option<&'a str>,
    /// When the report was made.
    pub created: Option<Timestamp>,
    /// When the database of vulnerabilities was built, where the report says.
    pub database: Option<Timestamp>,
    /// The operating system, where one was recognised.
    pub os: Option<&'a Os>,
    /// How many packages were looked at, where the report lists them.
    pub packages: Option<usize>,
}

/// A finding, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingRow<'a> {
    /// The finding and its standing.
    #[serde(flatten)]
    pub judged: &'a Judged,
    /// What makes it the same finding in another scan.
    pub key: String,
    /// Whether it counts.
    pub counts: bool,
}

impl<'a> ScanDocument<'a> {
    /// Shows the whole assessment.
    pub fn of(assessment: &'a Assessment) -> Self {
        let (report, judgment) = (&assessment.report, &assessment.judgment);
        let findings = judgment.findings.iter().map(|judged| FindingRow {
            judged,
            key: judged.finding.key(),
            counts: judged.standing.counts(),
        });
        Self {
            environment: &assessment.environment,
            image: &assessment.image,
            live: assessment.live,
            at: assessment.at,
            result: judgment.result,
            level: assessment.level,
            lets_pass: assessment.lets_pass(),
            reasons: &judgment.reasons,
            notes: &judgment.notes,
            counts: &judgment.counts,
            scanner: ScannerRow {
                name: &report.scanner,
                version: report.scanner_version.as_deref(),
                created: report.created,
                database: report.database,
                os: report.os.as_ref(),
                packages: report.packages,
            },
            findings: findings.collect(),
        }
    }
}
