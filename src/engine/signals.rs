//! Signals: the first is the machine's to decide about and cuts no retry short, the second stops.

use crate::domain::model::Timestamp;
use crate::ports::{Clock, Interrupted};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A clock on which one waits through the first signal; it is kept until it is taken.
///
/// The clock underneath ends every wait while a signal is pending. A retry or a record that is written
/// meanwhile would then be tried several times in no time, and given up for what may pass.
pub(super) struct Signals {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Come and not yet taken.
    kept: VecDeque<Interrupted>,
    /// How many have come in all.
    come: u32,
    /// The newest.
    last: Option<Interrupted>,
}

impl Signals {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// The second signal, once it has come and was noticed: nothing more may be begun.
    pub(super) fn stop(&self) -> Option<Interrupted> {
        let state = self.state();
        state.last.filter(|_| state.come > 1)
    }

    /// Whether a signal has come that nobody has taken yet.
    pub(super) fn is_pending(&self) -> bool {
        self.collect();
        !self.state().kept.is_empty()
    }

    /// Takes over what the clock has pending.
    fn collect(&self) {
        let mut state = self.state();
        while let Some(signal) = self.clock.interruption() {
            state.kept.push_back(signal);
            state.come += 1;
            state.last = Some(signal);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for Signals {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, period: Duration) -> Result<(), Interrupted> {
        let until = self.clock.monotonic() + period;
        loop {
            self.collect();
            if let Some(signal) = self.stop() {
                return Err(signal);
            }
            let left = until.saturating_sub(self.clock.monotonic());
            if self.clock.sleep(left).is_ok() {
                return Ok(());
            }
        }
    }

    fn interruption(&self) -> Option<Interrupted> {
        self.collect();
        self.state().kept.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FakeClock;

    #[test]
    fn the_first_signal_is_waited_through_and_kept_and_the_second_ends_the_wait() {
        let clock = Arc::new(FakeClock::default());
        let signals = Signals::new(Arc::clone(&clock) as Arc<dyn Clock>);
        clock.interrupt_after(Duration::from_secs(1), "SIGINT");
        assert_eq!(signals.sleep(Duration::from_secs(4)), Ok(()));
        assert_eq!(clock.monotonic(), Duration::from_secs(4));
        assert_eq!(signals.stop(), None);

        let second = Interrupted { signal: "SIGTERM" };
        clock.interrupt_after(Duration::from_secs(1), second.signal);
        assert_eq!(signals.sleep(Duration::from_secs(4)), Err(second));
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
        assert_eq!(signals.sleep(Duration::from_secs(4)), Err(second));
        assert_eq!(signals.stop(), Some(second));
        assert_eq!(signals.interruption(), Some(Interrupted { signal: "SIGINT" }));
        assert_eq!(signals.interruption(), Some(second));
        assert_eq!(signals.interruption(), None);
    }
}
