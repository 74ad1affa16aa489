//! A router that runs, and whose state is not where it was looked for.

use crate::domain::model::Explanation;
use crate::host::files;
use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The longest command line that is read, in bytes: one of a router has one path in it.
const LONGEST: u64 = 64 << 10;

/// A process that was started as a router on the same address.
pub(super) struct Stray {
    pid: u32,
    state: PathBuf,
}

impl Stray {
    /// The one that was told to listen on `listen`, by its command line (`/proc/PID/cmdline`, proc(5)),
    /// which proves nothing: it is for words.
    pub(super) fn on(listen: SocketAddr) -> Option<Self> {
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.find_map(|pid| {
            let line = files::read_bounded(format!("/proc/{pid}/cmdline").as_ref(), LONGEST).ok()?;
            Some(Self {
                pid,
                state: state_in(&line, &listen.to_string())?,
            })
        })
    }
}

/// The state directory in the command line of a router on `listen`, as
/// [`BuiltinRouter`](super::BuiltinRouter) starts it.
fn state_in(line: &[u8], listen: &str) -> Option<PathBuf> {
    let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
    match words.as_slice() {
        [_, b"router", b"--listen", address, b"--state", state, ..] if *address == listen.as_bytes() => {
            Some(OsStr::from_bytes(state).into())
        }
        _ => None,
    }
}

impl Stray {
    /// Returns why nothing can listen there, and what to do about it.
    pub(super) fn in_the_way(&self) -> Explanation {
        let (pid, state) = (self.pid, self.state.display());
        let gone = if self.state.exists() {
            ""
        } else {
            ", which is gone"
        };
        Explanation::new(format!(
            "a router (process {pid}) listens there that keeps its state in {state}{gone}"
        ))
        .fix(format!(
            "end it with `kill {pid}`, and the next deployment starts its own; `local.stateDirectory` keeps \
             both in a place that no checkout cleans"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_is_known_by_its_command_line_and_nothing_else_is() {
        let line = |words: &[&str]| words.join("\0").into_bytes();
        let words = [
            "/bin/greenroom",
            "router",
            "--listen",
            "127.0.0.1:80",
            "--state",
            "/var/x y",
            "",
        ];
        assert_eq!(state_in(&line(&words), "127.0.0.1:80"), Some("/var/x y".into()));
        assert_eq!(state_in(&line(&words), "127.0.0.1:8"), None);
        assert_eq!(state_in(&line(&words[..4]), "127.0.0.1:80"), None);
        assert_eq!(state_in(b"", "127.0.0.1:80"), None);
    }

    #[test]
    fn it_says_when_the_state_is_gone_and_how_to_go_on() {
        let words = |state: &str| {
            Stray {
                pid: 7,
                state: state.into(),
            }
            .in_the_way()
            .to_string()
        };
        assert!(words("/").contains("keeps its state in /; end it with `kill 7`"));
        assert!(words("/no/such").contains("/no/such, which is gone; end it"));
    }
}
