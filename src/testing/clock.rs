//! A clock that stands still until it is told otherwise.

use crate::domain::model::{Period, Timestamp};
use crate::ports::{Clock, Interrupted};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time that moves only by [`advance`](FakeClock::advance) and by sleeping, and signals that come at
/// a given moment of it.
#[derive(Debug)]
pub struct FakeClock {
    start: Timestamp,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    passed: Duration,
    /// How far the time of day was set back.
    set_back: Duration,
    /// Signals to come, each with its moment.
    signals: Vec<(Duration, Interrupted)>,
}

impl FakeClock {
    /// A clock that shows `start`.
    pub fn at(start: Timestamp) -> Self {
        Self {
            start,
            state: Mutex::default(),
        }
    }

    /// Moves it on.
    pub fn advance(&self, period: Duration) {
        self.state().passed += period;
    }

    /// Sets the time of day back; the time that has passed stays what it is.
    pub fn set_back(&self, period: Duration) {
        self.state().set_back += period;
    }

    /// Lets `signal` come `delay` from now; with no delay it is pending at once.
    pub fn interrupt_after(&self, delay: Duration, signal: &'static str) {
        let mut state = self.state();
        let moment = state.passed + delay;
        state.signals.push((moment, Interrupted { signal }));
        state.signals.sort_by_key(|(moment, _)| *moment);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for FakeClock {
    /// 2026-11-20T12:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp::from_unix_millis(1_795_176_000_000))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        let state = self.state();
        let shown = self.start.plus(Period::from(state.passed)).unix_millis();
        let set_back = i64::try_from(state.set_back.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_unix_millis(shown.saturating_sub(set_back))
    }

    fn monotonic(&self) -> Duration {
        self.state().passed
    }

    fn sleep(&self, period: Duration) -> Result<(), Interrupted> {
        let mut state = self.state();
        let until = state.passed + period;
        match state.signals.first().copied() {
            Some((moment, signal)) if moment <= until => {
                state.passed = state.passed.max(moment);
                Err(signal)
            }
            _ => {
                state.passed = until;
                Ok(())
            }
        }
    }

    fn interruption(&self) -> Option<Interrupted> {
        let mut state = self.state();
        let due = state
            .signals
            .first()
            .is_some_and(|(moment, _)| *moment <= state.passed);
        due.then(|| state.signals.remove(0).1)
    }
}

/// Another clock for a driver, which looks at the time and never waits.
#[derive(Debug, Default)]
pub struct WaitlessClock<C>(pub C);

impl<C: Clock> Clock for WaitlessClock<C> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, _: Duration) -> Result<(), Interrupted> {
        unreachable!("a driver never sleeps")
    }

    fn interruption(&self) -> Option<Interrupted> {
        self.0.interruption()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_moves_time_until_a_signal_that_stays_pending_until_it_is_taken() {
        let clock = FakeClock::default();
        let start = clock.now();
        clock.interrupt_after(Duration::from_secs(5), "SIGTERM");
        assert_eq!(clock.sleep(Duration::from_secs(4)), Ok(()));
        assert_eq!(clock.interruption(), None);
        let signal = Interrupted { signal: "SIGTERM" };
        assert_eq!(clock.sleep(Duration::from_secs(4)), Err(signal));
        assert_eq!(clock.sleep(Duration::from_secs(4)), Err(signal));
        assert_eq!(clock.now().since(start), Period::from_secs(5));
        assert_eq!(clock.interruption(), Some(signal));
        assert_eq!(clock.sleep(Duration::from_secs(4)), Ok(()));
        assert_eq!(clock.monotonic(), Duration::from_secs(9));
    }
}
