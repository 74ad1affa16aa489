//! A copy shown while it goes on: a status line on a terminal, now and then a line elsewhere.

use super::shell::{Shell, Voice};
use crate::host::terminal::Terminal;
use crate::images::{CopyProgress, Meter};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Time between two lines where there is no terminal: copies that are over before say nothing.
const PAUSE: Duration = Duration::from_secs(5);

/// Shows a copy until it is dropped.
pub(super) struct Transfer {
    _line: Option<Terminal>,
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Transfer {
    /// Shows what `meter` counts.
    pub(super) fn show(shell: &Shell, meter: &Arc<Meter>) -> Self {
        let meter = Arc::clone(meter);
        if shell.style().live && !shell.is_json() {
            let status = move || Some(text(&meter.progress()));
            return Self {
                _line: Some(Terminal::live(Box::new(io::stdout()), Box::new(status))),
                ticker: None,
            };
        }
        let voice = shell.voice();
        let (stop, stopped) = channel();
        // Where no thread can be had, the copy goes on without a word.
        let ticker = thread::Builder::new().name("progress".to_owned()).spawn(move || {
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                tell(&voice, &meter);
            }
        });
        Self {
            _line: None,
            ticker: ticker.ok().map(|thread| (stop, thread)),
        }
    }
}

fn tell(voice: &Voice, meter: &Arc<Meter>) {
    voice.tell(&text(&meter.progress()));
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.ticker.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

fn text(progress: &CopyProgress) -> String {
    format!(
        "copying: {} of {} blobs, {} of {}, {} sent",
        progress.blobs_done,
        progress.blobs_total,
        size(progress.bytes_done),
        size(progress.bytes_total),
        size(progress.bytes_sent)
    )
}

/// Bytes for people: `1.5 MB`.
pub(super) fn size(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // Tenths of a kilobyte fit whatever the size.
    let mut tenths = bytes / 100;
    let mut unit = 0;
    while tenths >= 10_000 && unit + 1 < units.len() {
        tenths /= 1000;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_at_a_glance() {
        for (bytes, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_999, "999.9 kB"),
            (1_500_000, "1.5 MB"),
            (209_715_200, "209.7 MB"),
            (3_200_000_000, "3.2 GB"),
            (u64::MAX, "18446744.0 TB"),
        ] {
            assert_eq!(size(bytes), shown);
        }
    }
}
