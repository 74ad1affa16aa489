//! The machine's clock.

use super::signals::Signals;
use crate::domain::model::Timestamp;
use crate::ports::{Clock, Interrupted};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The machine's clock, with signals that end a wait where they are asked for.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
    signals: Option<Signals>,
}

impl SystemClock {
    /// A clock whose waits nothing ends. Costs nothing; for commands that are over at once.
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
            signals: None,
        }
    }

    /// A clock whose waits end on SIGINT and SIGTERM. From here on neither ends the process by itself.
    ///
    /// # Errors
    /// When the system refuses a handler.
    pub fn with_signals() -> io::Result<Self> {
        Ok(Self {
            origin: Instant::now(),
            signals: Some(Signals::install()?),
        })
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the others get")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix_millis(i64::try_from(since_epoch.as_millis()).unwrap_or_default())
    }

    fn monotonic(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, period: Duration) -> Result<(), Interrupted> {
        let Some(signals) = &self.signals else {
            #[expect(clippy::disallowed_methods, reason = "there is no signal to wait for")]
            std::thread::sleep(period);
            return Ok(());
        };
        signals.wait(period)
    }

    fn interruption(&self) -> Option<Interrupted> {
        self.signals.as_ref()?.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_without_signals_tells_the_time_and_waits() {
        let clock = SystemClock::new();
        assert!(clock.now() > "2026-01-01T00:00:00Z".parse().unwrap());
        let before = clock.monotonic();
        clock.sleep(Duration::from_millis(5)).unwrap();
        assert!(clock.monotonic() - before >= Duration::from_millis(5));
        assert_eq!(clock.interruption(), None);
    }
}
