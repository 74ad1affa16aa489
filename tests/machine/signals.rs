//! Signals that end a wait. One test in a process of its own: a signal goes to the whole process.

use greenroom::host::clock::SystemClock;
use greenroom::ports::{Clock, Interrupted};
use rustix::process::{Signal, getpid, kill_process};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);
const SIGINT: Interrupted = Interrupted { signal: "SIGINT" };
const SIGTERM: Interrupted = Interrupted { signal: "SIGTERM" };

fn raise(signal: Signal) {
    kill_process(getpid(), signal).unwrap();
}

#[test]
fn a_signal_ends_every_wait_until_it_is_taken_and_the_next_one_counts_again() {
    let clock = Arc::new(SystemClock::with_signals().unwrap());
    assert_eq!(clock.interruption(), None);
    assert_eq!(clock.sleep(Duration::from_millis(1)), Ok(()));
    let began = Instant::now();

    // Every thread that waits is woken.
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let clock = Arc::clone(&clock);
            thread::spawn(move || clock.sleep(LONG))
        })
        .collect();
    raise(Signal::INT);
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), Err(SIGINT));
    }

    // It stays pending until it is taken.
    assert_eq!(clock.sleep(LONG), Err(SIGINT));
    assert_eq!(clock.interruption(), Some(SIGINT));
    assert_eq!(clock.interruption(), None);
    assert_eq!(clock.sleep(Duration::from_millis(1)), Ok(()));

    // The next one is seen again.
    raise(Signal::TERM);
    assert_eq!(clock.sleep(LONG), Err(SIGTERM));
    assert_eq!(clock.interruption(), Some(SIGTERM));
    assert_eq!(clock.interruption(), None);
    assert!(began.elapsed() < LONG / 2);
}
