//! Acts that go on by themselves once begun: asked about again until each has come to its end.

use super::session::{Broken, DriveError, Session};
use crate::domain::model::{ErrorKind, Period, PortError, UnitId};
use crate::parallel::each;
use crate::ports::Progress;
use std::time::Duration;

/// The shortest time between two looks at what is under way.
const SHORTEST: Duration = Duration::from_millis(20);
/// The longest.
const LONGEST: Duration = Duration::from_secs(1);

/// After so long somebody wants to know what is waited for.
const SILENCE: Duration = Duration::from_secs(3);

/// How one unit's act came out.
type Ended<T> = Result<T, PortError>;

/// The wait before the next look at something that has been under way for so long: a tenth of it, so
/// that what is quick is noticed at once and what is slow is not asked about all the time.
pub(super) fn pause(passed: Duration) -> Duration {
    (passed / 10).clamp(SHORTEST, LONGEST)
}

impl Session<'_> {
    /// Performs `act` for each unit until it is done or has failed; the results are in the units' order.
    /// A signal breaks it off where the machine changes its course by it: what is under way then goes on
    /// by itself, and is found by whatever comes next.
    pub(super) fn pursue<T: Send>(
        &mut self,
        units: &[UnitId],
        act: impl Fn(&Self, &UnitId) -> Result<Progress<T>, PortError> + Sync,
    ) -> Result<Vec<Ended<T>>, Broken> {
        let mut ended: Vec<Option<Ended<T>>> = units.iter().map(|_| None).collect();
        loop {
            let left: Vec<usize> = (0..units.len()).filter(|&at| ended[at].is_none()).collect();
            if left.is_empty() {
                return Ok(ended.into_iter().flatten().collect());
            }
            let results = each(&left, self.parallelism(), |&at| self.follow(&units[at], &act));
            for (at, result) in left.into_iter().zip(results) {
                ended[at] = result;
            }
            if ended.iter().any(Option::is_none) {
                self.heed()?;
                if self.is_lost() {
                    return Err(DriveError::LeaseLost.into());
                }
            }
        }
    }

    /// One unit's act; `None` where it was broken off.
    fn follow<T>(
        &self,
        unit: &UnitId,
        act: &impl Fn(&Self, &UnitId) -> Result<Progress<T>, PortError>,
    ) -> Option<Ended<T>> {
        let began = self.site.clock.monotonic();
        let patience = self.site.target.capabilities().patience;
        let mut told = String::new();
        loop {
            if self.is_called() {
                return None;
            }
            let what = match act(self, unit) {
                Ok(Progress::Done(result)) => return Some(Ok(result)),
                Ok(Progress::Underway(what)) => what,
                Err(error) => return Some(Err(error)),
            };
            let passed = self.site.clock.monotonic().saturating_sub(began);
            if passed >= patience {
                let message = format!("it is not done after {}: {what}", Period::from(patience));
                return Some(Err(PortError::new(
                    ErrorKind::Ambiguous,
                    format!("waiting for {unit}"),
                    message,
                )));
            }
            if passed >= SILENCE && told != what {
                (self.tell)(&(self.site.redact)(&format!("{unit}: {what}")));
                told = what;
            }
            if self.site.clock.sleep(pause(passed)).is_err() {
                return None;
            }
        }
    }
}
