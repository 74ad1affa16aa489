//! Runs one command, with its time limit and its output bounded.

use super::output::{Keep, Output};
use crate::domain::model::{ErrorKind, Explanation, Period, PortError, Redactor};
use crate::ports::{Captured, Command, Finished, Hear, Runner};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// What a command gets to finish in after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How often whoever follows a command is asked whether it is to go on.
const TICK: Duration = Duration::from_millis(100);
/// What of a line is told.
const LONGEST_LINE: usize = 4 * 1024;
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
        Ok(finish(child, command, Keep::End, None)?.finished)
    }

    /// The file that `program` names: itself where it holds a slash, else the first one on the search path.
    ///
    /// # Errors
    /// Says why there is none, and how to get one.
    pub fn locate(&self, program: &str) -> Result<PathBuf, Explanation> {
        let path = self.minimal.get("PATH").map_or(DEFAULT_PATH, String::as_str);
        find(program, path, &self.root)
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
        let found =
            find(program, path, &directory).map_err(|why| PortError::new(ErrorKind::Missing, &doing, why))?;
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
                io::ErrorKind::ExecutableFileBusy => PortError::new(ErrorKind::Transient, doing, &error),
                io::ErrorKind::PermissionDenied => PortError::new(ErrorKind::Denied, doing, &error),
                _ => PortError::new(ErrorKind::Invalid, doing, &error),
            })
    }
}

impl Runner for LocalRunner {
    fn run(&self, command: &Command) -> Result<Finished, PortError> {
        Ok(finish(self.spawn(command, Stdio::null())?, command, Keep::End, None)?.finished)
    }

    fn capture(&self, command: &Command, most: usize, hear: &mut Hear<'_>) -> Result<Captured, PortError> {
        let child = self.spawn(command, Stdio::null())?;
        finish(child, command, Keep::Whole(most), Some(hear))
    }

    fn follow(&self, command: &Command, hear: &mut Hear<'_>) -> Result<Finished, PortError> {
        let child = self.spawn(command, Stdio::null())?;
        Ok(finish(child, command, Keep::End, Some(hear))?.finished)
    }
}

/// Waits for a command that has just been started, and ends it when its time is up, when it writes more
/// than is to be kept, or when whoever hears its lines breaks off.
fn finish(
    child: Child,
    command: &Command,
    keep: Keep,
    mut hear: Option<&mut Hear<'_>>,
) -> Result<Captured, PortError> {
    let begun = Instant::now();
    let failed = |error: io::Error| PortError::new(ErrorKind::Ambiguous, doing(command), &error);
    let mut running = Running::new(child, keep).map_err(failed)?;
    let redactor = Redactor::new(command.secrets.values());
    let until = begun + command.timeout.as_duration();
    let mut broken = false;
    while !running.is_done() && !broken && Instant::now() < until {
        // Whoever listens also wants to break off where nothing is written.
        let next = match hear {
            Some(_) => until.min(Instant::now() + TICK),
            None => until,
        };
        running.watch(next, Running::is_done).map_err(failed)?;
        if let Some(hear) = &mut hear {
            broken = match keep {
                Keep::End => running.tell(&redactor, *hear),
                Keep::Whole(_) => hear(None),
            }
            .is_break();
        }
    }
    let timed_out = !running.is_done() && !broken;
    if !running.exited {
        running.end().map_err(failed)?;
    }
    let status = running.finish().map_err(failed)?;
    if let (Some(hear), Keep::End) = (&mut hear, keep)
        && !broken
    {
        let _ = running.tell(&redactor, *hear);
        let _ = running.tell_rests(&redactor, *hear);
    }
    let (stdout, whole) = match keep {
        Keep::End => (redactor.redact(&running.stdout.text()).into_owned(), Vec::new()),
        Keep::Whole(_) => (String::new(), std::mem::take(&mut running.stdout.kept)),
    };
    Ok(Captured {
        finished: Finished {
            code: status.code(),
            timed_out,
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
fn find(program: &str, path: &str, directory: &Path) -> Result<PathBuf, Explanation> {
    if !directory.is_dir() {
        return Err(format!("the directory {} does not exist", directory.display()).into());
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
            Err(Explanation::new(format!("{} is not executable", file.display()))
                .fix("make it so with chmod +x"))
        } else {
            Err(format!("{} does not exist", file.display()).into())
        };
    }
    path.split(':')
        .map(|folder| directory.join(folder).join(program))
        .find(|file| executable(file))
        .ok_or_else(|| {
            Explanation::new(format!("{program} is not in PATH ({path})"))
                .fix("install it or write its full path")
        })
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

    /// Whether there is nothing left to wait for.
    fn is_done(&self) -> bool {
        self.exited || self.stdout.overflowed
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

    /// Tells the whole lines that came since the last time.
    fn tell(&mut self, redactor: &Redactor, hear: &mut Hear<'_>) -> ControlFlow<()> {
        for output in [&mut self.stdout, &mut self.stderr] {
            for line in output.lines() {
                // A line is cut after its secrets are gone: half a secret is not recognised.
                let line = redactor.redact(&line);
                hear(Some(&line[..line.floor_char_boundary(LONGEST_LINE)]))?;
            }
        }
        hear(None)
    }

    /// Tells what came after the last line break.
    fn tell_rests(&mut self, redactor: &Redactor, hear: &mut Hear<'_>) -> ControlFlow<()> {
        for output in [&mut self.stdout, &mut self.stderr] {
            let rest = std::mem::take(&mut output.untold);
            if !rest.is_empty() {
                hear(Some(&redactor.redact(&String::from_utf8_lossy(&rest))))?;
            }
        }
        ControlFlow::Continue(())
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

#[cfg(test)]
mod tests {
    use super::super::output::KEPT;
    use super::*;
    use crate::domain::model::Secret;

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
        let on = &mut |_: Option<&str>| ControlFlow::Continue(());
        let mut capture = |script: &str, most| runner().capture(&shell(script, "20s"), most, on).unwrap();
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
            .capture(&shell("trap '' PIPE; yes; sleep 60", "60s"), 1000, &mut |_| {
                ControlFlow::Continue(())
            })
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
    fn lines_are_heard_as_they_come_and_without_secrets() {
        let mut command = shell(
            "echo one; echo a $TOKEN >&2; printf 'x\\ry\\n'; sleep 0.3; printf rest",
            "5s",
        );
        command
            .secrets
            .insert("TOKEN".into(), Secret::new("swordfish".into()));
        let (mut heard, mut before_the_end) = (Vec::new(), 0);
        let finished = runner()
            .follow(&command, &mut |line| {
                match line {
                    Some(line) => heard.push(line.to_owned()),
                    None => before_the_end = before_the_end.max(heard.len()),
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(finished.code, Some(0));
        heard.sort();
        assert_eq!(heard, ["a ***", "one", "rest", "y"]);
        assert!(before_the_end >= 3, "nothing was heard while it ran");
    }

    #[test]
    fn whoever_breaks_off_ends_all_that_was_started() {
        let begun = Instant::now();
        let mut pid = None;
        let finished = runner()
            .follow(
                &shell("sleep 60 & echo $!; wait", "60s"),
                &mut |line| match line {
                    Some(line) => {
                        pid = line.parse::<u32>().ok();
                        ControlFlow::Continue(())
                    }
                    None if pid.is_some() => ControlFlow::Break(()),
                    None => ControlFlow::Continue(()),
                },
            )
            .unwrap();
        assert!(finished.code.is_none() && !finished.timed_out);
        let alive = |pid| crate::host::process::ProcessIdentity::of(pid).is_ok_and(|p| p.is_alive());
        while alive(pid.unwrap()) {
            assert!(begun.elapsed() < Duration::from_secs(10), "{pid:?} still runs");
            std::thread::yield_now();
        }
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
