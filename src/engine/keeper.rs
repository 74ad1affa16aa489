//! Keeps a lease alive while work goes on under it.

use crate::domain::model::{EnvironmentName, ErrorKind, Held, Period};
use crate::ports::Lease;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// Renews a lease at every quarter of its time; gives it back when dropped.
pub struct LeaseKeeper {
    lease: Arc<dyn Lease>,
    environment: EnvironmentName,
    held: Held,
    ttl: Period,
    lost: Arc<AtomicBool>,
    renewed: Arc<Mutex<Instant>>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LeaseKeeper {
    /// Keeps `held`, which was acquired for `ttl` just now.
    pub fn keep(lease: Arc<dyn Lease>, environment: EnvironmentName, held: Held, ttl: Period) -> Self {
        let (stop, stopped) = channel();
        let lost = Arc::new(AtomicBool::new(false));
        let renewed = Arc::new(Mutex::new(Instant::now()));
        let thread = std::thread::spawn({
            let (lease, environment, mut held) = (Arc::clone(&lease), environment.clone(), held.clone());
            let (lost, renewed) = (Arc::clone(&lost), Arc::clone(&renewed));
            move || {
                while stopped.recv_timeout(ttl.as_duration() / 4) == Err(RecvTimeoutError::Timeout) {
                    let asked = Instant::now();
                    match lease.renew(&environment, &held, ttl) {
                        Ok(again) => {
                            held = again;
                            *renewed.lock().unwrap_or_else(PoisonError::into_inner) = asked;
                        }
                        // Another holder's word is final; anything else may pass before time is up.
                        Err(error) if error.kind == ErrorKind::Conflict => lost.store(true, Ordering::SeqCst),
                        Err(_) => {}
                    }
                }
            }
        });
        Self {
            lease,
            environment,
            held,
            ttl,
            lost,
            renewed,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// The epoch under which records are written.
    pub fn epoch(&self) -> u64 {
        self.held.epoch
    }

    /// Whether the lease may be another's by now: nothing more may be touched.
    pub fn is_lost(&self) -> bool {
        let renewed = *self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        // Without a renewal for two thirds of its time nobody else can have it yet, whatever the clocks
        // say; this holds too while a renewal hangs.
        self.lost.load(Ordering::SeqCst) || renewed.elapsed() > self.ttl.as_duration() * 2 / 3
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // Whoever comes next finds it free, or expired should this fail.
        let _ = self.lease.release(&self.environment, &self.held);
    }
}
