//! How far a copy has come, and whether it is to stop: shared with whoever shows it, and with the streams
//! that are read.

use crate::ports::{Clock, Interrupted};
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How far a copy has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CopyProgress {
    /// Blobs that are there now.
    pub blobs_done: u64,
    /// Blobs that are known of so far; grows while manifests are read.
    pub blobs_total: u64,
    /// Bytes that were sent.
    pub bytes_sent: u64,
    /// Bytes of the blobs that are there now.
    pub bytes_done: u64,
    /// Bytes of the blobs that are known of so far.
    pub bytes_total: u64,
}

/// Counts what a copy does. Read it from any thread at any time.
pub struct Meter {
    clock: Arc<dyn Clock>,
    stopped: Mutex<Option<Interrupted>>,
    blobs: [AtomicU64; 2],
    bytes: [AtomicU64; 3],
}

impl Meter {
    /// At the beginning; `clock` tells of the signal that ends the copy.
    pub fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            clock,
            stopped: Mutex::new(None),
            blobs: Default::default(),
            bytes: Default::default(),
        })
    }

    /// How far it has come.
    pub fn progress(&self) -> CopyProgress {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CopyProgress {
            blobs_done: read(&self.blobs[0]),
            blobs_total: read(&self.blobs[1]),
            bytes_sent: read(&self.bytes[0]),
            bytes_done: read(&self.bytes[1]),
            bytes_total: read(&self.bytes[2]),
        }
    }

    /// The signal that ends the copy, if one has come.
    pub(super) fn interruption(&self) -> Option<Interrupted> {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if stopped.is_none() {
            *stopped = self.clock.interruption();
        }
        *stopped
    }

    pub(super) fn found_blob(&self, size: u64) {
        self.blobs[1].fetch_add(1, Ordering::Relaxed);
        self.bytes[2].fetch_add(size, Ordering::Relaxed);
    }

    pub(super) fn landed_blob(&self, size: u64) {
        self.blobs[0].fetch_add(1, Ordering::Relaxed);
        self.bytes[1].fetch_add(size, Ordering::Relaxed);
    }
}

/// Passes a stream on, counts it, and ends it when the copy is to stop.
pub(super) struct Counted {
    pub(super) inner: Box<dyn Read + Send>,
    pub(super) meter: Arc<Meter>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(interrupted) = self.meter.interruption() {
            return Err(io::Error::other(interrupted));
        }
        let count = self.inner.read(buffer)?;
        self.meter.bytes[0].fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
