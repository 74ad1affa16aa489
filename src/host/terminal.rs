//! The place where lines for people are printed: plain, or on a terminal with a status line below
//! them that is drawn again ten times a second.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Time between two drawings of the status line.
const TICK: Duration = Duration::from_millis(100);
/// Back to the first column, and erase the line (ECMA-48 EL).
const ERASE: &str = "\r\u{1b}[2K";
/// Without automatic wrapping a status line wider than the screen stays one line (DECAWM).
const WRAP_OFF: &str = "\u{1b}[?7l";
const WRAP_ON: &str = "\u{1b}[?7h";

/// What the place that output goes to can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ability {
    /// The cursor can be moved: a status line is possible.
    pub live: bool,
    /// ANSI colours.
    pub colour: bool,
    /// Characters outside ASCII.
    pub unicode: bool,
}

impl Ability {
    /// Judges by whether it is a terminal and by the variables `NO_COLOR` (no-color.org: any value
    /// but the empty one), `TERM`, and the first that is set of `LC_ALL`, `LC_CTYPE` and `LANG`.
    /// What is no terminal gets no control characters at all; files and logs of CI are UTF-8.
    pub fn of(is_terminal: bool, no_color: Option<&str>, term: Option<&str>, locale: Option<&str>) -> Self {
        let live = is_terminal && !matches!(term, None | Some("" | "dumb"));
        let utf8 = |locale: &str| locale.to_ascii_lowercase().replace('-', "").contains("utf8");
        Self {
            live,
            colour: live && no_color.is_none_or(str::is_empty),
            unicode: !is_terminal || locale.is_some_and(utf8),
        }
    }
}

/// Whether standard output is a terminal.
pub fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Says what the status line shows now; `None` for no status line.
pub type StatusLine = Box<dyn Fn() -> Option<String> + Send>;

/// Prints lines. Once nobody reads them any more (a closed pipe) it prints nothing: a deployment does
/// not stop because its output is cut off.
pub struct Terminal {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

struct Shared {
    screen: Mutex<Screen>,
    stop: Condvar,
}

struct Screen {
    out: Box<dyn Write + Send>,
    /// The status line that stands below the last line, if one does.
    drawn: Option<String>,
    closed: bool,
    stopping: bool,
}

impl Terminal {
    /// Prints plain lines.
    pub fn plain(out: Box<dyn Write + Send>) -> Self {
        let screen = Screen {
            out,
            drawn: None,
            closed: false,
            stopping: false,
        };
        Self {
            shared: Arc::new(Shared {
                screen: Mutex::new(screen),
                stop: Condvar::new(),
            }),
            ticker: None,
        }
    }

    /// Prints lines with a status line below them, until it is dropped. `status` is asked from
    /// another thread, never while lines are printed.
    pub fn live(out: Box<dyn Write + Send>, status: StatusLine) -> Self {
        let mut terminal = Self::plain(out);
        let shared = Arc::clone(&terminal.shared);
        // Where no thread can be had, lines are printed without a status line.
        terminal.ticker = thread::Builder::new()
            .name("status line".to_owned())
            .spawn(move || shared.tick(&status))
            .ok();
        terminal
    }

    /// Prints these lines, each followed by a line break, in one piece.
    pub fn print(&self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let mut text = lines.join("\n");
        text.push('\n');
        let mut screen = self.shared.screen();
        let erase = if screen.drawn.take().is_some() { ERASE } else { "" };
        screen.write(&format!("{erase}{text}"));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.shared.screen().stopping = true;
        self.shared.stop.notify_all();
        if let Some(ticker) = self.ticker.take() {
            // A ticker that panicked has nothing to clean up.
            let _ = ticker.join();
        }
        let mut screen = self.shared.screen();
        if screen.drawn.take().is_some() {
            screen.write(ERASE);
        }
    }
}

impl Shared {
    fn screen(&self) -> MutexGuard<'_, Screen> {
        // A thread that panicked while it printed left at most half a line behind.
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self, status: &StatusLine) {
        loop {
            let screen = self.screen();
            let waited = self
                .stop
                .wait_timeout_while(screen, TICK, |screen| !screen.stopping);
            let (screen, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if screen.stopping || screen.closed {
                return;
            }
            // Not asked under the lock: whoever holds what it needs may be about to print.
            drop(screen);
            let wanted = status();
            self.screen().draw(wanted);
        }
    }
}

impl Screen {
    fn draw(&mut self, wanted: Option<String>) {
        if self.stopping || wanted == self.drawn {
            return;
        }
        let line = wanted.as_deref().map(|line| format!("{WRAP_OFF}{line}{WRAP_ON}"));
        self.write(&format!("{ERASE}{}", line.unwrap_or_default()));
        self.drawn = wanted;
    }

    fn write(&mut self, text: &str) {
        if self.closed {
            return;
        }
        let written = self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush());
        self.closed = written.is_err();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Keeps what is written, and breaks after a number of bytes.
    #[derive(Clone)]
    struct Paper {
        text: Arc<Mutex<Vec<u8>>>,
        room: usize,
    }

    impl Paper {
        fn new(room: usize) -> Self {
            Self {
                text: Arc::default(),
                room,
            }
        }

        fn text(&self) -> String {
            String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut text = self.text.lock().unwrap();
            if text.len() + bytes.len() > self.room {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            text.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn abilities_follow_the_surroundings() {
        for (surroundings, live, colour, unicode) in [
            ((true, None, Some("xterm"), Some("en_GB.UTF-8")), true, true, true),
            (
                (true, Some("1"), Some("xterm"), Some("C.utf8")),
                true,
                false,
                true,
            ),
            ((true, Some(""), Some("xterm"), Some("C")), true, true, false),
            ((true, None, Some("dumb"), None), false, false, false),
            ((true, None, None, Some("C.UTF-8")), false, false, true),
            ((false, None, Some("xterm"), None), false, false, true),
        ] {
            let (tty, no_color, term, locale) = surroundings;
            let ability = Ability::of(tty, no_color, term, locale);
            assert_eq!(
                ability,
                Ability {
                    live,
                    colour,
                    unicode
                },
                "{surroundings:?}"
            );
        }
    }

    #[test]
    fn plain_output_has_no_control_characters() {
        let paper = Paper::new(1_000);
        let terminal = Terminal::plain(Box::new(paper.clone()));
        terminal.print(&["one".into(), "two".into()]);
        terminal.print(&[]);
        drop(terminal);
        assert_eq!(paper.text(), "one\ntwo\n");
    }

    #[test]
    fn the_status_line_never_mixes_with_lines_and_is_gone_at_the_end() {
        let paper = Paper::new(1_000_000);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let status: StatusLine =
            Box::new(move || Some(format!("working {}", count.fetch_add(1, Ordering::SeqCst))));
        let terminal = Terminal::live(Box::new(paper.clone()), status);
        for line in 0..4 {
            let before = asked.load(Ordering::SeqCst);
            terminal.print(&[format!("line {line}")]);
            while asked.load(Ordering::SeqCst) < before + 2 {
                thread::yield_now();
            }
        }
        drop(terminal);
        let after = asked.load(Ordering::SeqCst);
        let text = paper.text();
        assert_eq!(after, asked.load(Ordering::SeqCst), "nobody asks after the end");
        assert!(text.contains(WRAP_OFF) && text.ends_with(ERASE), "{text:?}");
        // What stays on the screen: of each physical line what follows its last erasure.
        let kept: Vec<&str> = text
            .split('\n')
            .map(|line| line.rsplit(ERASE).next().unwrap())
            .collect();
        assert_eq!(kept, ["line 0", "line 1", "line 2", "line 3", ""]);
    }

    #[test]
    fn a_closed_pipe_ends_the_output_and_nothing_else() {
        let paper = Paper::new(4);
        let terminal = Terminal::plain(Box::new(paper.clone()));
        terminal.print(&["one".into()]);
        terminal.print(&["two".into()]);
        terminal.print(&["x".into()]);
        drop(terminal);
        assert_eq!(paper.text(), "one\n");
    }
}
