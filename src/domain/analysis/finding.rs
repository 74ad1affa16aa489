//! What judging comes to.

use crate::domain::model::{Period, Verdict};

/// What one sample or check came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckFinding {
    /// The verdict; [`Verdict::Inconclusive`] only where nothing was measured.
    pub verdict: Verdict,
    /// Why, with the measured and the expected value.
    pub reason: String,
}

impl CheckFinding {
    /// It holds.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Pass,
            reason: reason.into(),
        }
    }

    /// It does not hold.
    pub fn fail(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Fail,
            reason: reason.into(),
        }
    }

    /// It cannot be said.
    pub fn inconclusive(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Inconclusive,
            reason: reason.into(),
        }
    }

    /// Whether it holds.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Pass
    }
}

/// The samples behind a verdict, in figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many there were.
    pub count: u64,
    /// How many of them did not meet the expectation.
    pub failed: u64,
    /// Median of the time each took.
    pub p50: Option<Period>,
    /// 95th percentile of the time each took.
    pub p95: Option<Period>,
}

/// A verdict about many samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, with the measured and the allowed values.
    pub reason: String,
    /// The samples behind it.
    pub samples: Summary,
}

impl Judgement {
    /// A finding with its figures.
    pub fn new(finding: CheckFinding, samples: Summary) -> Self {
        Self {
            verdict: finding.verdict,
            reason: finding.reason,
            samples,
        }
    }
}
