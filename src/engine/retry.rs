//! Retries: transient errors a bounded number of times, ambiguous ones never blindly.

use crate::domain::model::{ErrorKind, PortError};
use crate::ports::Clock;
use std::time::Duration;

/// How often an act is tried in all.
const TRIES: u32 = 5;
/// How often a change of the routes is: 6.3 to 9.5 s, since a router may first wait for a health check of
/// its own, which comes every two seconds where nothing else is set (`HAProxy`'s `inter`).
const TRIES_OF_ROUTES: u32 = 7;
/// The wait after the first failure; it doubles each time.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// Performs `act` until it succeeds, fails for good, or has failed transiently too often.
///
/// After an ambiguous error `settled` looks whether it happened: `Some` is its result, `None` means
/// that it did not and may be tried again.
pub(super) fn attempt<T>(
    clock: &dyn Clock,
    act: impl FnMut() -> Result<T, PortError>,
    settled: impl FnMut() -> Result<Option<T>, PortError>,
) -> Result<T, PortError> {
    attempt_often(clock, TRIES, act, settled)
}

/// The same for a change of the routes, with more patience.
pub(super) fn attempt_routes<T>(
    clock: &dyn Clock,
    act: impl FnMut() -> Result<T, PortError>,
    settled: impl FnMut() -> Result<Option<T>, PortError>,
) -> Result<T, PortError> {
    attempt_often(clock, TRIES_OF_ROUTES, act, settled)
}

fn attempt_often<T>(
    clock: &dyn Clock,
    most: u32,
    mut act: impl FnMut() -> Result<T, PortError>,
    mut settled: impl FnMut() -> Result<Option<T>, PortError>,
) -> Result<T, PortError> {
    let mut wait = FIRST_WAIT;
    let mut tries = 1;
    loop {
        let error = match act() {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        if error.kind == ErrorKind::Ambiguous {
            if let Some(result) = look(clock, &mut settled)? {
                return Ok(result);
            }
        } else if error.kind != ErrorKind::Transient {
            return Err(error);
        }
        pause(clock, (&mut tries, most), &mut wait, error)?;
    }
}

/// Waits before the next try; the error where there is none any more.
fn pause(
    clock: &dyn Clock,
    (tries, most): (&mut u32, u32),
    wait: &mut Duration,
    mut error: PortError,
) -> Result<(), PortError> {
    if *tries == most || clock.sleep(*wait + jitter(clock, *wait)).is_err() {
        error.why.message.push_str(&format!(" (tried {tries} times)"));
        return Err(error);
    }
    *tries += 1;
    *wait *= 2;
    Ok(())
}

/// The same for something that only looks: it can be repeated without care.
pub(super) fn look<T>(
    clock: &dyn Clock,
    mut look: impl FnMut() -> Result<T, PortError>,
) -> Result<T, PortError> {
    let mut wait = FIRST_WAIT;
    let mut tries = 1;
    loop {
        let error = match look() {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        if !matches!(error.kind, ErrorKind::Transient | ErrorKind::Ambiguous) {
            return Err(error);
        }
        pause(clock, (&mut tries, TRIES), &mut wait, error)?;
    }
}

/// Up to half of `wait`, so that many waiters do not come back at the same moment. The clock's low
/// digits are random enough for that.
fn jitter(clock: &dyn Clock, wait: Duration) -> Duration {
    wait.mul_f64(f64::from(clock.monotonic().subsec_nanos() % 1_000) / 2_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Timestamp;
    use crate::ports::Interrupted;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Time passes only by sleeping.
    struct Slept(AtomicU64);

    impl Clock for Slept {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_millis(0)
        }
        fn monotonic(&self) -> Duration {
            Duration::from_nanos(self.0.load(Ordering::Relaxed))
        }
        fn sleep(&self, period: Duration) -> Result<(), Interrupted> {
            self.0
                .fetch_add(u64::try_from(period.as_nanos()).unwrap(), Ordering::Relaxed);
            Ok(())
        }
        fn interruption(&self) -> Option<Interrupted> {
            None
        }
    }

    fn error(kind: ErrorKind) -> PortError {
        PortError::new(kind, "asking", "no")
    }

    #[test]
    fn a_transient_error_is_tried_five_times_with_growing_waits() {
        let clock = Slept(AtomicU64::new(0));
        let mut tries = 0;
        let result: Result<(), _> = look(&clock, || {
            tries += 1;
            Err(error(ErrorKind::Transient))
        });
        assert_eq!(result.unwrap_err().to_string(), "asking: no (tried 5 times)");
        assert_eq!(tries, 5);
        let slept = clock.monotonic();
        assert!(
            slept >= Duration::from_millis(1_500) && slept < Duration::from_millis(2_251),
            "{slept:?}"
        );
    }

    #[test]
    fn every_other_error_is_final() {
        for kind in [
            ErrorKind::Denied,
            ErrorKind::Missing,
            ErrorKind::Conflict,
            ErrorKind::Invalid,
            ErrorKind::Unsupported,
        ] {
            let mut tries = 0;
            let result: Result<(), _> = look(&Slept(AtomicU64::new(0)), || {
                tries += 1;
                Err(error(kind))
            });
            assert_eq!((result.unwrap_err().kind, tries), (kind, 1));
        }
    }

    #[test]
    fn an_ambiguous_error_is_settled_by_looking() {
        let clock = Slept(AtomicU64::new(0));
        let mut acts = 0;
        let happened = attempt(
            &clock,
            || {
                acts += 1;
                Err(error(ErrorKind::Ambiguous))
            },
            || Ok(Some("there")),
        );
        assert_eq!(
            (happened.unwrap(), acts),
            ("there", 1),
            "what happened is not repeated"
        );

        let mut acts = 0;
        let repeated = attempt(
            &clock,
            || {
                acts += 1;
                if acts == 1 {
                    Err(error(ErrorKind::Ambiguous))
                } else {
                    Ok("done")
                }
            },
            || Ok(None),
        );
        assert_eq!((repeated.unwrap(), acts), ("done", 2));
    }
}
