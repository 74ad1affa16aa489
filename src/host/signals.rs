//! SIGINT and SIGTERM as something to wait for.

use crate::ports::Interrupted;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Incoming};
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Catches SIGINT and SIGTERM for as long as it lives, instead of dying of them.
///
/// At most one signal is pending: whoever presses Ctrl-C twice at once, or sits behind a wrapper that
/// passes on what the terminal already sent, means one. After it was [taken](Signals::take) the next
/// one counts again.
#[derive(Debug)]
pub struct Signals {
    pending: Arc<Pending>,
    incoming: Handle,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Pending {
    signal: Mutex<Option<&'static str>>,
    came: Condvar,
}

impl Signals {
    /// Installs the handlers and the thread that listens. Once per process is enough; after the drop
    /// both signals are ignored.
    ///
    /// # Errors
    /// When the system refuses a handler or a thread.
    pub fn install() -> io::Result<Self> {
        let mut incoming = Incoming::new([SIGINT, SIGTERM])?;
        let handle = incoming.handle();
        let pending = Arc::new(Pending::default());
        let shared = Arc::clone(&pending);
        let listener = thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in incoming.forever() {
                shared.arrived(if signal == SIGINT { "SIGINT" } else { "SIGTERM" });
            }
        })?;
        Ok(Self {
            pending,
            incoming: handle,
            listener: Some(listener),
        })
    }

    /// Takes the pending signal, if there is one.
    pub fn take(&self) -> Option<Interrupted> {
        self.pending.lock().take().map(|signal| Interrupted { signal })
    }

    /// Waits for `period`, or until a signal is pending.
    ///
    /// # Errors
    /// The pending signal, which stays pending until it is taken.
    pub fn wait(&self, period: Duration) -> Result<(), Interrupted> {
        let (signal, _) = self
            .pending
            .came
            .wait_timeout_while(self.pending.lock(), period, |signal| signal.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        signal.map_or(Ok(()), |signal| Err(Interrupted { signal }))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.incoming.close();
        if let Some(listener) = self.listener.take() {
            // It can only have ended; a panic in it would have nothing left to say.
            let _ = listener.join();
        }
    }
}

impl Pending {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<&'static str>> {
        self.signal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self, signal: &'static str) {
        self.lock().get_or_insert(signal);
        // Every thread that sleeps must wake.
        self.came.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_signal_while_one_is_pending_is_the_same_wish() {
        let pending = Pending::default();
        pending.arrived("SIGINT");
        pending.arrived("SIGTERM");
        assert_eq!(pending.lock().take(), Some("SIGINT"));
        assert_eq!(pending.lock().take(), None);
        pending.arrived("SIGTERM");
        assert_eq!(pending.lock().take(), Some("SIGTERM"));
    }
}
