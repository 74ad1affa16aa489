//! How a new version takes over.

use super::{Percent, Period};
use serde::{Deserialize, Serialize};

/// How the candidate takes over from the live version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// All units at once, all traffic at once.
    Direct,
    /// Batch after batch; each batch carries traffic before the next one starts.
    Rolling(Rolling),
    /// The candidate stands complete beside the live version; then all traffic moves in one step.
    BlueGreen,
    /// A growing share of traffic, each share judged before the next.
    Canary(Canary),
}

impl Strategy {
    /// The word used in configuration, on the command line and in reports.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Rolling(_) => "rolling",
            Self::BlueGreen => "blue-green",
            Self::Canary(_) => "canary",
        }
    }
}

/// Settings of [`Strategy::Rolling`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolling {
    /// How many units change at a time.
    pub batch: Batch,
    /// How long to wait between batches.
    pub pause: Period,
    /// How many units may fail, and keep their previous version, before the rollout turns back.
    pub max_failures: u32,
}

impl Default for Rolling {
    fn default() -> Self {
        Self {
            batch: Batch::Units(1),
            pause: Period::ZERO,
            max_failures: 0,
        }
    }
}

/// The size of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Batch {
    /// This many units, at least one.
    Units(u32),
    /// This share of all units, rounded up.
    Share(Percent),
}

impl Batch {
    /// The size in units out of `count`, at least one.
    pub fn size(self, count: usize) -> usize {
        match self {
            Self::Units(units) => units as usize,
            Self::Share(share) => share.of(count),
        }
        .max(1)
    }
}

/// Settings of [`Strategy::Canary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Canary {
    /// The shares before 100 %, ascending.
    pub steps: Vec<Percent>,
    /// How long each share is observed.
    pub every: Period,
    /// What the observed traffic must look like.
    pub thresholds: Thresholds,
    /// Take whole units instead of a share of traffic; also what happens where no router can split.
    pub by_units: bool,
}

impl Default for Canary {
    fn default() -> Self {
        let steps = [5, 25, 50]
            .into_iter()
            .filter_map(|share| Percent::try_from(share).ok())
            .collect();
        Self {
            steps,
            every: Period::from_secs(60),
            thresholds: Thresholds::default(),
            by_units: false,
        }
    }
}

/// Bounds on the traffic that reaches a version while it is observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Highest share of failed answers (5xx, cut or timed out), 0 to 1.
    pub error_rate: f64,
    /// Highest 95th percentile of the time to answer, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Period>,
    /// Fewer requests than this say nothing: the verdict is inconclusive.
    pub min_requests: u64,
    /// What an inconclusive verdict leads to.
    pub on_inconclusive: OnInconclusive,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            error_rate: 0.01,
            p95: None,
            min_requests: 20,
            on_inconclusive: OnInconclusive::Pause,
        }
    }
}

/// What follows when too little was seen to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnInconclusive {
    /// Halt with traffic as it is; a person resumes or aborts.
    Pause,
    /// Turn back.
    Rollback,
    /// Go on as if it had passed.
    Promote,
}
