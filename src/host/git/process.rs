//! One run of a command with bounded output and time.

use rustix::process::{Pid, Signal};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How much of its standard error is kept.
const STDERR: u64 = 16 << 10;

/// What a command may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) timeout: Duration,
    /// Most bytes on standard output.
    pub(super) bytes: u64,
}

/// How a command ended.
#[derive(Debug)]
pub(super) struct Output {
    /// Exit code; `None` when a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) stdout: Vec<u8>,
    /// The first 16 KiB: the greeting of a server may come before what matters.
    pub(super) stderr: String,
}

impl Output {
    /// What it wrote, without the line break at the end.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }
}

/// Runs a command to its end.
///
/// # Errors
/// `NotFound` without such a command, `TimedOut` (it and all that it started are ended then),
/// `InvalidData` when it writes too much.
pub(super) fn run(command: Command, limits: Limits) -> io::Result<Output> {
    run_on(command, None, limits)
}

/// The same, with `input` on its standard input.
///
/// # Errors
/// As [`run`].
pub(super) fn run_on(mut command: Command, input: Option<Vec<u8>>, limits: Limits) -> io::Result<Output> {
    let stdin = if input.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    };
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    if let Some((mut pipe, input)) = child.stdin.take().zip(input) {
        // On a thread of its own: it may write before it has read everything. What it does not read shows
        // in how it ends.
        thread::spawn(move || pipe.write_all(&input));
    }
    let stderr = child.stderr.take().map(|pipe| read(pipe, STDERR, true));
    let stdout = child
        .stdout
        .take()
        .map(|pipe| read(pipe, limits.bytes + 1, false));
    let collected = collect(limits, stdout, stderr);
    if collected.is_err() {
        end(&mut child)?;
    }
    let (stdout, stderr) = collected?;
    Ok(Output {
        code: child.wait()?.code(),
        stdout,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

/// Delivers what a pipe held, once.
type Reader = mpsc::Receiver<io::Result<Vec<u8>>>;

/// Both streams, as soon as they are closed.
fn collect(limits: Limits, stdout: Option<Reader>, stderr: Option<Reader>) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let deadline = Instant::now() + limits.timeout;
    let wait = |reader: Option<Reader>| {
        let Some(reader) = reader else {
            return Ok(Vec::new());
        };
        let left = deadline.saturating_duration_since(Instant::now());
        reader.recv_timeout(left).unwrap_or_else(|_| {
            let message = format!("it did not end within {} s", limits.timeout.as_secs_f32());
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        })
    };
    let stdout = wait(stdout)?;
    if stdout.len() as u64 > limits.bytes {
        let message = format!("it wrote more than {} bytes", limits.bytes);
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    Ok((stdout, wait(stderr)?))
}

/// Reads at most `most` bytes on a thread of its own; with `drain`, throws the rest away, so that the
/// writer goes on.
fn read(mut pipe: impl Read + Send + 'static, most: u64, drain: bool) -> Reader {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut result = pipe.by_ref().take(most).read_to_end(&mut bytes);
        if drain && result.is_ok() {
            result = io::copy(&mut pipe, &mut io::sink()).map(|_| 0);
        }
        // Nobody listens any more after a timeout.
        let _ = sender.send(result.map(|_| bytes));
    });
    receiver
}

/// Ends the command with all that it started.
pub(super) fn end(child: &mut Child) -> io::Result<()> {
    // It has not been waited for, so its id is still its own.
    if rustix::process::kill_process_group(Pid::from_child(child), Signal::KILL).is_err() {
        child.kill()?;
    }
    child.wait().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limits: Limits) -> io::Result<Output> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        run(command, limits)
    }

    const ROOMY: Limits = Limits {
        timeout: Duration::from_secs(30),
        bytes: 1 << 20,
    };

    #[test]
    fn output_and_exit_code_come_back() {
        let output = shell("echo out; echo err >&2; exit 3", ROOMY).unwrap();
        assert_eq!((output.text().as_str(), output.stderr.as_str()), ("out", "err\n"));
        assert_eq!(output.code, Some(3));
        assert_eq!(shell("kill -9 $$", ROOMY).unwrap().code, None);
    }

    #[test]
    fn input_of_any_length_is_written_while_output_is_read() {
        let mut command = Command::new("cat");
        command.arg("-");
        let input = vec![b'x'; 900_000];
        let output = run_on(command, Some(input.clone()), ROOMY).unwrap();
        assert_eq!((output.code, output.stdout), (Some(0), input));
    }

    #[test]
    fn a_command_that_hangs_is_ended_with_its_children() {
        let limits = Limits {
            timeout: Duration::from_millis(200),
            ..ROOMY
        };
        let begun = Instant::now();
        let error = shell("sleep 60 & sleep 60", limits).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn endless_output_is_refused_and_endless_errors_are_cut() {
        let limits = Limits { bytes: 1000, ..ROOMY };
        assert_eq!(
            shell("yes", limits).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        let output = shell("yes | head -c 300000 >&2; echo done", limits).unwrap();
        assert_eq!(
            (output.text().as_str(), output.stderr.len() as u64),
            ("done", STDERR)
        );
    }

    #[test]
    fn a_command_that_does_not_exist_is_not_found() {
        let error = run(Command::new("greenroom-no-such-command"), ROOMY).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
