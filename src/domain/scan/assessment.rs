//! A scan of one image, judged for one environment.

use super::judge::{Judged, Judgment, ScanResult};
use super::report::ScanReport;
use crate::domain::model::{Artifact, EnvironmentName, Timestamp};
use serde::{Deserialize, Serialize};

/// What findings that count do to a deployment. An error stops it at every level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// They are shown.
    Warn,
    /// They stop it.
    Block,
}

/// A scan of one image, judged for one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// The image.
    pub image: Artifact,
    /// The environment.
    pub environment: EnvironmentName,
    /// What findings that count do there.
    pub level: Level,
    /// When it was judged.
    pub at: Timestamp,
    /// Whether this very image is live there.
    pub live: bool,
    /// What the scanner found.
    pub report: ScanReport,
    /// What it means here.
    pub judgment: Judgment,
}

impl Assessment {
    /// Whether a deployment may go on.
    pub fn lets_pass(&self) -> bool {
        match (self.judgment.result, self.level) {
            (ScanResult::Pass, _) | (ScanResult::Blocked, Level::Warn) => true,
            (ScanResult::Blocked, Level::Block) | (ScanResult::Error, _) => false,
        }
    }

    /// The findings that count, worst first.
    pub fn counting(&self) -> impl Iterator<Item = &Judged> {
        self.judgment
            .findings
            .iter()
            .filter(|judged| judged.standing.counts())
    }

    /// How it stands, in one clause: `2 findings count against hello@sha256:… in production (1 CRITICAL, 1
    /// HIGH)`.
    pub fn headline(&self) -> String {
        let (image, environment, counts) = (&self.image, &self.environment, &self.judgment.counts);
        match self.judgment.result {
            ScanResult::Pass => format!("nothing counts against {image} in {environment}"),
            ScanResult::Blocked => format!(
                "{} {} against {image} in {environment} ({})",
                counts.total(),
                if counts.total() == 1 {
                    "finding counts"
                } else {
                    "findings count"
                },
                counts.by_severity()
            ),
            ScanResult::Error => format!("the scan of {image} for {environment} says nothing"),
        }
    }
}
