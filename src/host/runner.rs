//! Running commands on this machine.

use crate::model::{Period, Redactor};
use crate::ports::{Captured, Command, ErrorKind, Finished, PortError, Runner};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// What is kept of each output.
const KEPT: usize = 64 * 1024;
/// What a command gets to finish in after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// The search path where the environment names none.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Runs commands as children of this process, each in a process group of its own: a Ctrl-C on the
/// terminal reaches greenroom, which then decides, and not the command behind its back.
#[derive(Clone)]
pub struct LocalRunner {
    minimal: BTreeMap<String, String>,
    root: PathBuf,
}

impl LocalRunner {
    /// A runner whose commands see `PATH`, `HOME`, `LANG` and `TMPDIR` of `environment` (as captured
    /// when the process began) and nothing else of it, and run in `root` unless they say otherwise.
    pub fn new(environment: &BTreeMap<String, String>, root: PathBuf) -> Self {
        let mut minimal: BTreeMap<String, String> = ["PATH", "HOME", "LANG", "TMPDIR"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), environment.get(name)?.clone())))
            .collect();
        minimal
            .entry("PATH".into())
            .or_insert_with(|| DEFAULT_PATH.into());
        Self { minimal, root }
    }

    /// Runs a command that reads a few words, at most 4 KiB, from its standard input.
    ///
    /// # Errors
    /// When it cannot be started, or does not take the words.
    pub fn ask(&self, command: &Command, words: &str) -> Result<Finished, PortError> {
        let mut child = self.spawn(command, Stdio::piped())?;
        if let Some(mut stdin) = child.stdin.take() {
            // As much as a pipe holds, so that nobody has to read for it. One that has no use for the
            // words may have closed its end: what it answers says more.
            let _ = stdin.write_all(&words.as_bytes()[..words.len().min(4096)]);
        }
        Ok(finish(child, command, Keep::End)?.finished)
    }

    fn spawn(&self, command: &Command, stdin: Stdio) -> Result<Child, PortError> {
        let doing = doing(command);
        let Some((program, arguments)) = command.argv.split_first() else {
            return Err(PortError::new(
                ErrorKind::Invalid,
                "running a command",
                "it is empty: nothing is written in its list",
            ));
        };
        let directory = self
            .root
            .join(command.directory.as_deref().unwrap_or(Path::new("")));
        let path = command
            .variables
            .get("PATH")
            .or_else(|| self.minimal.get("PATH"))
            .map_or(DEFAULT_PATH, String::as_str);
        let found = find(program, path, &directory)
            .map_err(|message| PortError::new(ErrorKind::Missing, &doing, message))?;
        std::process::Command::new(found)
            .arg0(program)
            .args(arguments)
            .current_dir(&directory)
            .env_clear()
            .envs(&self.minimal)
            .envs(&command.variables)
            .envs(command.secrets.iter().map(|(name, value)| (name, value.expose())))
            .process_group(0)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                // Of everything that was checked above, only the interpreter of a script is left.
                io::ErrorKind::NotFound => PortError::new(
                    ErrorKind::Missing,
                    doing,
                    format!("{program} cannot be run: its interpreter (first line, #!) does not exist"),
                ),
                // Another thread's child may hold a file open that was just written, until its exec.
                io::ErrorKind::ExecutableFileBusy => PortError::new(ErrorKind::Transient, doing, error),
                io::ErrorKind::PermissionDenied => PortError::new(ErrorKind::Denied, doing, error),
                _ => PortError::new(ErrorKind::Invalid, doing, error),
            })
    }
}

impl Runner for LocalRunner {
    fn run(&self, command: &Command) -> Result<Finished, PortError> {
        Ok(finish(self.spawn(command, Stdio::null())?, command, Keep::End)?.finished)
    }

    fn capture(&self, command: &Command, most: usize) -> Result<Captured, PortError> {
        finish(self.spawn(command, Stdio::null())?, command, Keep::Whole(most))
    }
}

/// Waits for a command that has just been started, and ends it when its time is up or it writes more
/// than is to be kept.
fn finish(child: Child, command: &Command, keep: Keep) -> Result<Captured, PortError> {
    let begun = Instant::now();
    let failed = |error| PortError::new(ErrorKind::Ambiguous, doing(command), error);
    let mut running = Running::new(child, keep).map_err(failed)?;
    let until = begun + command.timeout.as_duration();
    let done = running
        .watch(until, |running| running.exited || running.stdout.overflowed)
        .map_err(failed)?;
    if !done || (running.stdout.overflowed && !running.exited) {
        running.end().map_err(failed)?;
    }
    let status = running.finish().map_err(failed)?;
    let redactor = Redactor::new(command.secrets.values());
    let (stdout, whole) = match keep {
        Keep::End => (redactor.redact(&running.stdout.text()).into_owned(), Vec::new()),
        Keep::Whole(_) => (String::new(), std::mem::take(&mut running.stdout.kept)),
    };
    Ok(Captured {
        finished: Finished {
            code: status.code(),
            timed_out: !done,
            stdout,
            stderr: redactor.redact(&running.stderr.text()).into_owned(),
            took: Period::from(begun.elapsed()),
        },
        stdout: whole,
        overflowed: running.stdout.overflowed,
    })
}

fn doing(command: &Command) -> String {
    format!("running {}", command.argv.first().map_or("", String::as_str))
}

/// The file that `program` names: itself where it holds a slash, else the first one on the path.
fn find(program: &str, path: &str, directory: &Path) -> Result<PathBuf, String> {
    if !directory.is_dir() {
        return Err(format!("the directory {} does not exist", directory.display()));
    }
    let executable = |file: &Path| {
        file.metadata()
            .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        let file = directory.join(program);
        return if executable(&file) {
            Ok(file)
        } else if file.is_file() {
            Err(format!(
                "{} is not executable; make it so with chmod +x",
                file.display()
            ))
        } else {
            Err(format!("{} does not exist", file.display()))
        };
    }
    path.split(':')
        .map(|folder| directory.join(folder).join(program))
        .find(|file| executable(file))
        .ok_or_else(|| format!("{program} is not in PATH ({path}); install it or write its full path"))
}

/// A child with its outputs. Dropped before its end, it is ended.
struct Running {
    child: Child,
    ends: OwnedFd,
    exited: bool,
    reaped: bool,
    stdout: Output,
    stderr: Output,
}

impl Running {
    fn new(mut child: Child, keep: Keep) -> io::Result<Self> {
        let stdout = Output::new(child.stdout.take().map(OwnedFd::from), keep);
        let stderr = Output::new(child.stderr.take().map(OwnedFd::from), Keep::End);
        let ends = pid(&child)
            .ok_or(io::ErrorKind::InvalidData.into())
            .and_then(|pid| Ok(pidfd_open(pid, PidfdFlags::empty())?));
        match (ends, stdout, stderr) {
            (Ok(ends), Ok(stdout), Ok(stderr)) => Ok(Self {
                child,
                ends,
                exited: false,
                reaped: false,
                stdout,
                stderr,
            }),
            (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                signal_group(&child, Signal::KILL);
                let _ = child.wait();
                Err(error)
            }
        }
    }

    fn has_closed_and_exited(&self) -> bool {
        self.exited && self.stdout.pipe.is_none() && self.stderr.pipe.is_none()
    }

    /// Reads what comes until `done` (true) or the time is up (false).
    fn watch(&mut self, until: Instant, done: impl Fn(&Self) -> bool) -> io::Result<bool> {
        while !done(self) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let mut waiting = Vec::with_capacity(3);
            if !self.exited {
                waiting.push(PollFd::new(&self.ends, PollFlags::IN));
            }
            for output in [&self.stdout, &self.stderr] {
                if let Some(pipe) = &output.pipe {
                    waiting.push(PollFd::new(pipe, PollFlags::IN));
                }
            }
            let limit = Timespec::try_from(left).ok();
            match poll(&mut waiting, limit.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let exited = !self.exited && waiting.first().is_some_and(|end| !end.revents().is_empty());
            self.exited |= exited;
            self.stdout.read()?;
            self.stderr.read()?;
        }
        Ok(true)
    }

    /// Ends the whole process group: asks, waits a little, insists.
    fn end(&mut self) -> io::Result<()> {
        signal_group(&self.child, Signal::TERM);
        self.watch(Instant::now() + GRACE, Self::has_closed_and_exited)?;
        // The leader is not reaped yet, so that the group's id still means this group.
        signal_group(&self.child, Signal::KILL);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<std::process::ExitStatus> {
        let status = self.child.wait()?;
        self.reaped = true;
        self.stdout.drain()?;
        self.stderr.drain()?;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            signal_group(&self.child, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn pid(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

fn signal_group(child: &Child, signal: Signal) {
    if let Some(pid) = pid(child) {
        let _ = kill_process_group(pid, signal);
    }
}

/// What is kept of an output.
#[derive(Clone, Copy)]
enum Keep {
    /// Its last [`KEPT`] bytes.
    End,
    /// All of it, up to so many bytes.
    Whole(usize),
}

/// One output of a command.
struct Output {
    pipe: Option<OwnedFd>,
    keep: Keep,
    kept: Vec<u8>,
    cut: bool,
    /// There was more than could be kept of it as a whole.
    overflowed: bool,
}

impl Output {
    fn new(pipe: Option<OwnedFd>, keep: Keep) -> io::Result<Self> {
        if let Some(pipe) = &pipe {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
        }
        Ok(Self {
            pipe,
            keep,
            kept: Vec::new(),
            cut: false,
            overflowed: false,
        })
    }

    /// Takes what is there, at most once the buffer; whether there may be more.
    fn read(&mut self) -> io::Result<bool> {
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
    fn drain(&mut self) -> io::Result<()> {
        for _ in 0..64 {
            if !self.read()? {
                break;
            }
        }
        self.keep_end();
        Ok(())
    }

    fn keep_end(&mut self) {
        if matches!(self.keep, Keep::End) && self.kept.len() > KEPT {
            self.kept.drain(..self.kept.len() - KEPT);
            self.cut = true;
        }
    }

    fn text(&self) -> String {
        // A cut may have gone through a character.
        let start = if self.cut {
            self.kept.iter().position(|byte| byte & 0xC0 != 0x80).unwrap_or(0)
        } else {
            0
        };
        String::from_utf8_lossy(&self.kept[start..]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    fn shell(script: &str, timeout: &str) -> Command {
        Command {
            argv: ["sh", "-c", script].map(String::from).to_vec(),
            directory: None,
            variables: BTreeMap::new(),
            secrets: BTreeMap::new(),
            timeout: timeout.parse().unwrap(),
        }
    }

    fn runner() -> LocalRunner {
        let environment = [
            ("PATH".into(), DEFAULT_PATH.into()),
            ("HUSH".into(), "do not pass on".into()),
        ];
        LocalRunner::new(&environment.into(), std::env::temp_dir())
    }

    fn run(script: &str, timeout: &str) -> Finished {
        runner().run(&shell(script, timeout)).unwrap()
    }

    #[test]
    fn both_outputs_and_the_exit_code_are_kept() {
        let finished = run("echo out; echo err >&2; exit 7", "5s");
        assert_eq!(
            (
                finished.code,
                finished.timed_out,
                finished.stdout.as_str(),
                finished.stderr.as_str()
            ),
            (Some(7), false, "out\n", "err\n")
        );
    }

    #[test]
    fn of_a_flood_the_end_is_kept_and_nothing_blocks() {
        let finished = run("seq 1 200000; seq 1 200000 >&2", "20s");
        assert!(finished.stdout.len() <= KEPT && finished.stderr.len() <= KEPT);
        assert!(finished.stdout.ends_with("199999\n200000\n"));
        assert!(finished.stderr.ends_with("199999\n200000\n"));
    }

    #[test]
    fn a_whole_output_is_kept_byte_for_byte_up_to_its_bound() {
        let capture = |script: &str, most| runner().capture(&shell(script, "20s"), most).unwrap();
        let whole = capture("seq 1 50000; printf '\\377'; exit 3", 1 << 20);
        assert_eq!((whole.finished.code, whole.overflowed), (Some(3), false));
        assert!(whole.stdout.starts_with(b"1\n2\n") && whole.stdout.ends_with(b"50000\n\xff"));
        assert!(whole.stdout.len() > 4 * KEPT && whole.finished.stdout.is_empty());
        let exact = capture("printf abcd", 4);
        assert_eq!((exact.stdout.as_slice(), exact.overflowed), (&b"abcd"[..], false));
    }

    #[test]
    fn a_command_that_writes_too_much_is_ended_at_once() {
        let begun = Instant::now();
        let captured = runner()
            .capture(&shell("trap '' PIPE; yes; sleep 60", "60s"), 1000)
            .unwrap();
        assert_eq!((captured.stdout.len(), captured.overflowed), (1000, true));
        assert!(!captured.finished.timed_out && begun.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_timeout_ends_all_that_was_started() {
        let begun = Instant::now();
        let finished = run(
            "sleep 60 & echo $!; trap '' TERM; while true; do sleep 60; done",
            "200ms",
        );
        assert!(finished.timed_out && finished.code.is_none());
        assert!(begun.elapsed() < Duration::from_secs(10));
        let pid: u32 = finished.stdout.trim().parse().unwrap();
        let alive = || crate::host::process::ProcessIdentity::of(pid).is_ok_and(|p| p.is_alive());
        while alive() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{pid} still runs");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_grandchild_that_holds_the_pipe_open_is_not_waited_for() {
        let finished = run("sleep 30 & echo $!", "20s");
        assert!(!finished.timed_out && finished.took < Period::from_secs(5));
        let pid = finished
            .stdout
            .trim()
            .parse()
            .ok()
            .and_then(Pid::from_raw)
            .unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }

    #[test]
    fn the_environment_is_minimal_and_secrets_are_masked_in_the_output() {
        let mut command = shell("env; echo the token is $TOKEN", "5s");
        command.variables.insert("COLOUR".into(), "green".into());
        command
            .secrets
            .insert("TOKEN".into(), Secret::new("swordfish".into()));
        let out = runner().run(&command).unwrap().stdout;
        assert!(out.contains("COLOUR=green") && out.contains("the token is ***"));
        assert!(!out.contains("HUSH") && !out.contains("swordfish"));
    }

    #[test]
    fn what_cannot_be_started_says_how_to_fix_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("plain"), "").unwrap();
        let error = |argv: &[&str], folder: &str| {
            let mut command = shell("", "5s");
            command.argv = argv.iter().map(|word| (*word).to_owned()).collect();
            command.directory = Some(directory.path().join(folder));
            let error = runner().run(&command).unwrap_err();
            let text = error
                .to_string()
                .replace(directory.path().to_str().unwrap(), "DIR");
            format!("{:?} {text}", error.kind)
        };
        insta::assert_snapshot!(error(&["no-such-tool"], ""), @"Missing running no-such-tool: no-such-tool is not in PATH (/usr/local/bin:/usr/bin:/bin); install it or write its full path");
        insta::assert_snapshot!(error(&["./plain"], ""), @"Missing running ./plain: DIR/./plain is not executable; make it so with chmod +x");
        insta::assert_snapshot!(error(&["./absent"], ""), @"Missing running ./absent: DIR/./absent does not exist");
        insta::assert_snapshot!(error(&["sh"], "gone"), @"Missing running sh: the directory DIR/gone does not exist");
        insta::assert_snapshot!(error(&[], ""), @"Invalid running a command: it is empty: nothing is written in its list");
    }

    #[test]
    fn two_hundred_commands_cost_little_more_than_themselves() {
        let begun = Instant::now();
        for _ in 0..200 {
            assert_eq!(run("exit 0", "5s").code, Some(0));
        }
        // A shell alone takes about 1 ms; a coarse poll would take 10 ms each.
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
}
