//! What a command writes: its end, or all of it, and its lines as they come.

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// What is kept of each output.
pub(super) const KEPT: usize = 64 * 1024;

/// What is kept of an output.
#[derive(Clone, Copy)]
pub(super) enum Keep {
    /// Its last [`KEPT`] bytes.
    End,
    /// All of it, up to so many bytes.
    Whole(usize),
}

/// One output of a command.
pub(super) struct Output {
    pub(super) pipe: Option<OwnedFd>,
    keep: Keep,
    pub(super) kept: Vec<u8>,
    cut: bool,
    /// What was read and not told as a line yet.
    pub(super) untold: Vec<u8>,
    /// There was more than could be kept of it as a whole.
    pub(super) overflowed: bool,
}

impl Output {
    pub(super) fn new(pipe: Option<OwnedFd>, keep: Keep) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(Self {
            pipe,
            keep,
            kept: Vec::new(),
            cut: false,
            untold: Vec::new(),
            overflowed: false,
        })
    }

    /// Takes what is there, at most once the buffer; whether there may be more.
    pub(super) fn read(&mut self) -> io::Result<bool> {
        let Some(pipe) = &self.pipe else {
            return Ok(false);
        };
        let mut buffer = [0; 16 * 1024];
        match rustix::io::read(pipe.as_fd(), &mut buffer) {
            Ok(0) => {
                self.pipe = None;
                Ok(false)
            }
            Ok(count) => {
                self.take(&buffer[..count]);
                self.untold.extend_from_slice(&buffer[..count]);
                // Where nobody listens, or nothing ever ends a line, the end is as good as all of it.
                if self.untold.len() > 2 * KEPT {
                    self.untold.drain(..KEPT);
                }
                Ok(true)
            }
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        match self.keep {
            Keep::End => {
                self.kept.extend_from_slice(bytes);
                if self.kept.len() > 2 * KEPT {
                    self.keep_end();
                }
            }
            Keep::Whole(most) => {
                let room = most - self.kept.len();
                self.overflowed |= bytes.len() > room;
                self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
            }
        }
    }

    /// Takes what the command left in the pipe. Something that it started may hold the other end open,
    /// and may go on writing: nobody waits for that, and the reading is bounded by what a pipe holds.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        for _ in 0..64 {
            if !self.read()? {
                break;
            }
        }
        self.keep_end();
        Ok(())
    }

    /// The whole lines among what was not told yet. What was written over itself on a terminal (a
    /// progress bar) comes as it was last.
    pub(super) fn lines(&mut self) -> Vec<String> {
        let Some(end) = self.untold.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let whole: Vec<u8> = self.untold.drain(..=end).collect();
        let lines = whole.split(|byte| *byte == b'\n').map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let last = line.rsplit(|byte| *byte == b'\r').next().unwrap_or(line);
            String::from_utf8_lossy(last).into_owned()
        });
        let mut lines: Vec<String> = lines.collect();
        lines.pop();
        lines
    }

    fn keep_end(&mut self) {
        if matches!(self.keep, Keep::End) && self.kept.len() > KEPT {
            self.kept.drain(..self.kept.len() - KEPT);
            self.cut = true;
        }
    }

    pub(super) fn text(&self) -> String {
        // A cut may have gone through a character.
        let start = if self.cut {
            self.kept.iter().position(|byte| byte & 0xC0 != 0x80).unwrap_or(0)
        } else {
            0
        };
        String::from_utf8_lossy(&self.kept[start..]).into_owned()
    }
}
