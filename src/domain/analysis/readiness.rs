//! Has an instance become ready, and until when may it?

use super::CheckFinding;
use crate::domain::model::{Period, Timestamp};

/// When an instance counts as ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadinessSettings {
    /// Samples that must hold one after the other; 0 means 1.
    pub successes: u32,
    /// Time between two samples. After one that does not hold it is only as long as was waited already, so that
    /// what starts at once is not waited for, but at least a sixteenth of this.
    pub interval: Period,
    /// The longest wait.
    pub timeout: Period,
}

impl ReadinessSettings {
    /// Ready at the first sample that holds.
    pub fn new(interval: Period, timeout: Period) -> Self {
        Self {
            successes: 1,
            interval,
            timeout,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadinessProgress {
    /// Take another sample.
    Waiting {
        /// How long to wait before it.
        next: Period,
    },
    /// It is ready.
    Ready {
        /// How long that took, counted from the start.
        after: Period,
    },
    /// It will not become ready.
    Failed {
        /// Why, with what the last sample saw.
        reason: String,
    },
}

/// One instance on its way to being ready. Fed with findings, it says what to do next.
#[derive(Debug, Clone)]
pub struct ReadinessWatch {
    settings: ReadinessSettings,
    started: Timestamp,
    in_a_row: u32,
    last_failure: Option<String>,
}

impl ReadinessWatch {
    /// An instance that was started at `started`.
    pub fn new(settings: ReadinessSettings, started: Timestamp) -> Self {
        Self {
            settings,
            started,
            in_a_row: 0,
            last_failure: None,
        }
    }

    /// Takes in what a sample that ended at `now` came to. A sample that holds counts even when it
    /// ended after the deadline: the instance is ready then.
    pub fn observe(&mut self, now: Timestamp, finding: &CheckFinding) -> ReadinessProgress {
        let waited = now.since(self.started);
        if finding.passed() {
            self.in_a_row += 1;
            if self.in_a_row >= self.settings.successes {
                return ReadinessProgress::Ready { after: waited };
            }
        } else {
            self.in_a_row = 0;
            self.last_failure = Some(finding.reason.clone());
        }
        let left = self
            .settings
            .timeout
            .as_duration()
            .saturating_sub(waited.as_duration());
        if left.is_zero() {
            return ReadinessProgress::Failed {
                reason: format!("not ready after {waited}: {}", self.missing()),
            };
        }
        ReadinessProgress::Waiting {
            next: self.pause(waited).min(left.into()),
        }
    }

    /// The time until the next sample, when `waited` has passed.
    fn pause(&self, waited: Period) -> Period {
        let interval = self.settings.interval;
        if self.in_a_row > 0 {
            return interval;
        }
        let shortest = Period::from(interval.as_duration() / 16);
        waited.clamp(shortest, interval)
    }

    /// Takes in that the instance has ended: waiting on would be in vain. `note` is what the target
    /// knows about it ("exited with status 1 after 0.2 s").
    pub fn ended(&self, now: Timestamp, note: Option<&str>) -> ReadinessProgress {
        let waited = now.since(self.started);
        let note = note.map(|note| format!(": {note}")).unwrap_or_default();
        let seen = match &self.last_failure {
            Some(last) => format!("; last sample: {last}"),
            None => String::new(),
        };
        ReadinessProgress::Failed {
            reason: format!("ended after {waited}, before it was ready{note}{seen}"),
        }
    }

    fn missing(&self) -> String {
        match (&self.last_failure, self.in_a_row) {
            (Some(last), 0) => format!("last sample: {last}"),
            (_, in_a_row) => format!("{in_a_row} of {} samples in a row held", self.settings.successes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1000)
    }

    fn readiness(successes: u32) -> ReadinessWatch {
        ReadinessWatch::new(
            ReadinessSettings {
                successes,
                interval: Period::from_secs(2),
                timeout: Period::from_secs(5),
            },
            at(100),
        )
    }

    fn refused() -> CheckFinding {
        CheckFinding::fail("connection refused by 127.0.0.1:1")
    }

    fn wait(seconds: u64) -> ReadinessProgress {
        ReadinessProgress::Waiting {
            next: Period::from_secs(seconds),
        }
    }

    #[test]
    fn the_first_success_is_enough_by_default() {
        let mut readiness = readiness(1);
        assert_eq!(readiness.observe(at(102), &refused()), wait(2));
        assert_eq!(
            readiness.observe(at(103), &CheckFinding::pass("answered 200")),
            ReadinessProgress::Ready {
                after: Period::from_secs(3)
            }
        );
    }

    #[test]
    fn at_first_it_is_asked_often() {
        let mut readiness = readiness(1);
        let mut now = 100_000;
        let mut waits = Vec::new();
        while let ReadinessProgress::Waiting { next } =
            readiness.observe(Timestamp::from_unix_millis(now), &refused())
        {
            waits.push(next.as_millis());
            now += i64::try_from(next.as_millis()).unwrap();
        }
        assert_eq!(waits, [125, 125, 250, 500, 1000, 2000, 1000]);
    }

    #[test]
    fn successes_must_come_in_a_row() {
        let mut readiness = readiness(2);
        assert_eq!(readiness.observe(at(100), &CheckFinding::pass("")), wait(2));
        assert_eq!(readiness.observe(at(101), &refused()), wait(1));
        assert_eq!(readiness.observe(at(102), &CheckFinding::pass("")), wait(2));
        assert!(matches!(
            readiness.observe(at(103), &CheckFinding::pass("")),
            ReadinessProgress::Ready { .. }
        ));
    }

    #[test]
    fn the_last_wait_ends_at_the_deadline_and_the_reason_names_the_last_failure() {
        let mut readiness = readiness(1);
        assert_eq!(readiness.observe(at(104), &refused()), wait(1));
        assert_eq!(
            readiness.observe(at(105), &CheckFinding::fail("answered 503, expected 2xx")),
            ReadinessProgress::Failed {
                reason: "not ready after 5s: last sample: answered 503, expected 2xx".to_owned()
            }
        );
    }

    #[test]
    fn too_few_successes_at_the_deadline_are_counted_in_the_reason() {
        let mut readiness = readiness(3);
        readiness.observe(at(104), &CheckFinding::pass(""));
        assert_eq!(
            readiness.observe(at(105), &CheckFinding::pass("")),
            ReadinessProgress::Failed {
                reason: "not ready after 5s: 2 of 3 samples in a row held".to_owned()
            }
        );
    }

    #[test]
    fn an_instance_that_ended_fails_at_once() {
        let mut readiness = readiness(1);
        readiness.observe(at(101), &refused());
        assert_eq!(
            readiness.ended(at(102), Some("exited with status 1")),
            ReadinessProgress::Failed {
                reason: "ended after 2s, before it was ready: exited with status 1; \
                         last sample: connection refused by 127.0.0.1:1"
                    .to_owned()
            }
        );
    }

    #[test]
    fn a_clock_that_goes_back_only_prolongs_the_wait() {
        let mut readiness = readiness(1);
        let shortest = ReadinessProgress::Waiting {
            next: Period::from_millis(125),
        };
        assert_eq!(readiness.observe(at(50), &refused()), shortest);
    }
}
