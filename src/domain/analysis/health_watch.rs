//! Does a service stay healthy for a while?

use super::percentile::summary;
use super::{CheckFinding, Judgement};
use crate::domain::model::{Period, Timestamp};

/// How a service is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchSettings {
    /// How long.
    pub period: Period,
    /// Time between two samples.
    pub interval: Period,
    /// Failures one after the other that end it; 0 means 1.
    pub failures: u32,
}

impl WatchSettings {
    /// Three failures in a row end it, as with Kubernetes' `failureThreshold`: one alone is noise.
    pub fn new(period: Period, interval: Period) -> Self {
        Self {
            period,
            interval,
            failures: 3,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WatchProgress {
    /// Take another sample.
    Watching {
        /// How long to wait before it.
        next: Period,
    },
    /// It is decided.
    Over(Judgement),
}

/// A service under watch. Fed with findings, it says what to do next.
#[derive(Debug, Clone)]
pub struct HealthWatch {
    settings: WatchSettings,
    began: Timestamp,
    took: Vec<Period>,
    failed: u64,
    failed_in_a_row: u32,
    last_failure: String,
}

impl HealthWatch {
    /// A watch that began at `began`.
    pub fn new(settings: WatchSettings, began: Timestamp) -> Self {
        Self {
            settings,
            began,
            took: Vec::new(),
            failed: 0,
            failed_in_a_row: 0,
            last_failure: String::new(),
        }
    }

    /// Takes in what a sample that ended at `now` and took `took` came to. When the period ends
    /// amidst failures the watch goes on until they have stopped or are enough.
    pub fn observe(&mut self, now: Timestamp, took: Period, finding: &CheckFinding) -> WatchProgress {
        self.took.push(took);
        if finding.passed() {
            self.failed_in_a_row = 0;
        } else {
            self.failed += 1;
            self.failed_in_a_row += 1;
            self.last_failure.clone_from(&finding.reason);
        }
        if self.failed_in_a_row > 0 && self.failed_in_a_row >= self.settings.failures {
            return self.over(CheckFinding::fail(format!(
                "{} health checks failed one after the other, the last one: {}",
                self.failed_in_a_row, self.last_failure
            )));
        }
        let left = self
            .settings
            .period
            .as_duration()
            .saturating_sub(now.since(self.began).as_duration());
        match (left.is_zero(), self.failed_in_a_row) {
            (true, 0) => self.over(CheckFinding::pass(self.passed())),
            (true, _) => WatchProgress::Watching {
                next: self.settings.interval,
            },
            (false, _) => WatchProgress::Watching {
                next: self.settings.interval.min(left.into()),
            },
        }
    }

    fn passed(&self) -> String {
        let (count, period) = (self.took.len(), self.settings.period);
        match self.failed {
            0 => format!("all {count} health checks within {period} passed"),
            failed => format!(
                "{failed} of {count} health checks within {period} failed, fewer than {} in a row; \
                 the last one: {}",
                self.settings.failures, self.last_failure
            ),
        }
    }

    fn over(&self, finding: CheckFinding) -> WatchProgress {
        WatchProgress::Over(Judgement::new(finding, summary(&self.took, self.failed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Verdict;

    /// Feeds one sample per second, `+` holds and `-` does not; says when it was over, and with what.
    fn watch(samples: &str, period: u64) -> Option<(usize, Judgement)> {
        let settings = WatchSettings::new(Period::from_secs(period), Period::from_secs(1));
        let mut watch = HealthWatch::new(settings, Timestamp::from_unix_millis(0));
        for (second, sample) in samples.chars().enumerate() {
            let finding = match sample {
                '+' => CheckFinding::pass("answered 200"),
                _ => CheckFinding::fail("answered 500, expected 2xx"),
            };
            let now = Timestamp::from_unix_millis(i64::try_from(second).unwrap() * 1000);
            if let WatchProgress::Over(judgement) = watch.observe(now, Period::from_millis(7), &finding) {
                return Some((second, judgement));
            }
        }
        None
    }

    #[test]
    fn a_service_that_stays_healthy_passes_at_the_end_of_the_period() {
        let (second, judgement) = watch("+++++++", 4).unwrap();
        assert_eq!((second, judgement.verdict), (4, Verdict::Pass));
        assert_eq!(judgement.reason, "all 5 health checks within 4s passed");
        assert_eq!(judgement.samples.p95, Some(Period::from_millis(7)));
    }

    #[test]
    fn three_failures_in_a_row_end_it_early() {
        let (second, judgement) = watch("+--+---++", 60).unwrap();
        assert_eq!((second, judgement.verdict), (6, Verdict::Fail));
        assert_eq!(
            judgement.reason,
            "3 health checks failed one after the other, the last one: answered 500, expected 2xx"
        );
        assert_eq!((judgement.samples.count, judgement.samples.failed), (7, 5));
    }

    #[test]
    fn single_failures_pass_and_are_told() {
        let (_, judgement) = watch("+-+-+", 4).unwrap();
        assert_eq!(judgement.verdict, Verdict::Pass);
        assert_eq!(
            judgement.reason,
            "2 of 5 health checks within 4s failed, fewer than 3 in a row; the last one: \
             answered 500, expected 2xx"
        );
    }

    #[test]
    fn failures_at_the_very_end_are_followed_up() {
        assert_eq!(watch("+++--", 4), None);
        assert_eq!(watch("+++--+", 4).unwrap().1.verdict, Verdict::Pass);
        let (second, judgement) = watch("+++---", 4).unwrap();
        assert_eq!((second, judgement.verdict), (5, Verdict::Fail));
    }
}
