//! Two hundred guests at once: how long it takes, on a clock that moves only when everybody waits.

use super::rollouts::{Case, Ground};
use super::stage::{Stage, vm};
use greenroom::adapters::targets::proxmox::{GuestPlan, GuestSettings};
use greenroom::domain::model::{Period, Timestamp};
use greenroom::domain::rollout::Outcome;
use greenroom::ports::{Clock, Interrupted};
use greenroom::testing::scenario::Scenario;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A thread that is not seen for so long waits for others.
const GRACE: Duration = Duration::from_millis(20);

/// A clock for several threads. Time moves to the next moment for which one of them waits, when all of
/// them wait.
#[derive(Default)]
struct SharedClock {
    state: Mutex<Shared>,
    changed: Condvar,
    /// How many work at the same time when all do.
    threads: usize,
}

#[derive(Default)]
struct Shared {
    now: Duration,
    /// Until when each of those who wait does so.
    waiting: Vec<Duration>,
    /// Counts every look at the clock: who looks does not wait.
    looks: u64,
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_795_176_000_000).plus(Period::from(self.monotonic()))
    }

    fn monotonic(&self) -> Duration {
        let mut state = self.state.lock().unwrap();
        state.looks += 1;
        state.now
    }

    fn sleep(&self, period: Duration) -> Result<(), Interrupted> {
        let mut state = self.state.lock().unwrap();
        state.looks += 1;
        let until = state.now + period;
        state.waiting.push(until);
        while state.now < until {
            if state.waiting.len() == self.threads && self.advance(&mut state) {
                continue;
            }
            let looks = state.looks;
            let (next, waited) = self.changed.wait_timeout(state, GRACE).unwrap();
            state = next;
            // The others have nothing more to do, or wait for this one.
            if waited.timed_out() && state.looks == looks && state.now < until {
                self.advance(&mut state);
            }
        }
        let own = state.waiting.iter().position(|other| *other == until).unwrap();
        state.waiting.swap_remove(own);
        Ok(())
    }

    fn interruption(&self) -> Option<Interrupted> {
        None
    }
}

impl SharedClock {
    /// Moves time on, unless somebody who was woken has not left yet.
    fn advance(&self, state: &mut Shared) -> bool {
        let now = state.now;
        let next = state.waiting.iter().min().copied().filter(|next| *next > now);
        if let Some(next) = next {
            state.now = next;
            state.looks += 1;
            self.changed.notify_all();
        }
        next.is_some()
    }
}

/// How long it takes to make so many guests, with clones of 20 seconds and starts of 10, and how many were
/// cloned at once.
fn takes(guests: usize, parallelism: usize, clones: usize) -> (Duration, usize) {
    let clock = Arc::new(SharedClock {
        threads: parallelism,
        ..SharedClock::default()
    });
    let stage = Arc::new(Stage::with_clock(clock.clone()));
    stage.cluster.takes("qmclone", Duration::from_secs(20));
    stage.cluster.takes("qmstart", Duration::from_secs(10));
    let mut scenario = Scenario::blue_green(guests);
    scenario.has_previous = false;
    scenario.routed = false;
    let case = Case {
        name: "many",
        scenario,
    };
    let mut guest = vm(None);
    if let GuestPlan::Vm(vm) = &mut guest {
        vm.disk = None;
    }
    let settings = GuestSettings {
        ids: 2000..=2000 + 2 * u32::try_from(guests).unwrap(),
        parallelism,
        clones_per_template: clones,
        timeout: Duration::from_secs(3600),
        ..stage.settings(guest, guests)
    };
    let most = Arc::new(Mutex::new(0));
    let (seen, finished) = (most.clone(), Arc::new(Mutex::new(Duration::ZERO)));
    let (last, shared) = (finished.clone(), clock.clone());
    stage.cluster.between(move |cluster, request| {
        if request.path.ends_with("/clone") {
            let there = cluster.guests();
            let cloning = there.iter().filter(|guest| guest.lock.is_some()).count() + 1;
            let mut seen = seen.lock().unwrap();
            *seen = cloning.max(*seen);
        }
        if request.path.ends_with("/status/start") {
            *last.lock().unwrap() = shared.monotonic() + Duration::from_secs(10);
        }
    });
    let ground = Ground::over(&case, stage, settings);
    assert_eq!(ground.run().unwrap(), Outcome::Succeeded);
    assert_eq!(ground.held().len(), guests);
    let (finished, most) = (*finished.lock().unwrap(), *most.lock().unwrap());
    (finished, most)
}

#[test]
fn two_hundred_guests_take_little_longer_than_they_must() {
    // As many as may be worked on at once decide, then as many as may be cloned.
    for (guests, parallelism, clones, ideal) in [(200, 8, 6, 200 * 30 / 8), (40, 8, 2, 40 * 20 / 2 + 10)] {
        let (took, most) = takes(guests, parallelism, clones);
        let ideal = Duration::from_secs(ideal);
        println!("{guests} guests, {parallelism} at once: {took:?}, ideal {ideal:?}");
        assert!(took <= ideal.mul_f64(1.3), "{took:?} instead of {ideal:?}");
        assert!(
            took >= ideal.mul_f64(0.99),
            "{took:?} is less than there is to do"
        );
        assert!(most <= clones, "{most} clones at the same time");
    }
}
