//! A project in a directory of its own, and greenroom run in it as a stranger would.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The pipeline of most tests; `environments/*.yaml` are written by each.
pub(crate) const PIPELINE: &str = "\
service: hello
version: { file: VERSION }
image:
  repository: hello
  build:
    files:
      layers: [{ from: app, to: /app }]
      entrypoint: [python3, server.py]
      workingDirectory: /app
environments: [environments/*.yaml]
suites:
  smoke:
    - { name: health, type: health, http: { path: /health, status: 200, json: { status: ok } }, timeout: 5s }
";

/// Everything that greenroom or its children left running in the directory is stopped on drop, also
/// when the test fails.
pub(crate) struct Project {
    directory: TempDir,
    pub(crate) port: u16,
}

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) status: i32,
    /// Standard output, as it was.
    pub(crate) out: String,
    /// Standard error, as it was.
    pub(crate) err: String,
    shapes: Vec<(String, &'static str)>,
}

impl Project {
    /// A directory with nothing in it.
    pub(crate) fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            port: free_port(),
        }
    }

    /// A project at version 1.0.0 with one environment, `staging`, and `deployment` as its settings.
    pub(crate) fn new(deployment: &str) -> Self {
        let project = Self::empty();
        project.write("greenroom.yaml", PIPELINE);
        project.write("VERSION", "1.0.0\n");
        project.write("app/server.py", include_str!("../../fixtures/service/server.py"));
        project.environment("staging", project.port, deployment);
        project
    }

    /// Adds an environment of two local processes.
    pub(crate) fn environment(&self, name: &str, port: u16, deployment: &str) {
        self.write(
            &format!("environments/{name}.yaml"),
            format!(
                "name: {name}\ntype: staging\nlocal: {{ instances: 2, listen: \"127.0.0.1:{port}\" }}\n\
                 suites: [smoke]\ndeployment:\n  healthCheckInterval: 50ms\n  healthCheckTimeout: 20s\n{deployment}\n"
            ),
        );
    }

    /// Makes the service of the next deployment this version, behaving as `mode` says.
    pub(crate) fn version(&self, version: &str, mode: &str) {
        self.write("VERSION", version);
        self.write("app/mode", mode);
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    /// greenroom with these words, in the project, with nothing of this process's environment but the
    /// search path.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_greenroom"));
        command
            .args(words)
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", std::env!("PATH"))
            .env("USER", "ana")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs greenroom to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        self.finish(self.command(words).output().unwrap())
    }

    /// The same, where it has to succeed.
    pub(crate) fn must(&self, words: &[&str]) -> Ran {
        let ran = self.run(words);
        assert_eq!(ran.status, 0, "{words:?}\n{}\n{}", ran.out, ran.err);
        ran
    }

    pub(crate) fn with(&self, words: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(words);
        command.envs(variables.iter().copied());
        self.finish(command.output().unwrap())
    }

    /// Takes what a child that was started with [`Project::command`] came to.
    pub(crate) fn wait(&self, child: Child) -> Ran {
        self.finish(child.wait_with_output().unwrap())
    }

    pub(crate) fn finish(&self, output: Output) -> Ran {
        Ran {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            shapes: vec![
                (self.directory.path().to_string_lossy().into_owned(), "[DIR]"),
                (format!("127.0.0.1:{}", self.port), "[ADDRESS]"),
            ],
        }
    }

    /// What the service answers to clients: status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        get(self.port, path).unwrap()
    }

    /// How many records of `environment`'s ledger hold `text`.
    pub(crate) fn records(&self, environment: &str, text: &str) -> usize {
        let Ok(entries) = fs::read_dir(self.path(".greenroom/ledger").join(environment)) else {
            return 0;
        };
        let holds = |path: PathBuf| fs::read_to_string(path).is_ok_and(|record| record.contains(text));
        entries.flatten().filter(|entry| holds(entry.path())).count()
    }

    /// Ids of the processes that belong to this project: those that run in its directory or name it.
    pub(crate) fn processes(&self) -> Vec<u32> {
        let directory = self.directory.path();
        let named = directory.to_string_lossy().into_owned();
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
            .filter(|id| *id != std::process::id())
            .filter(|id| {
                let process = Path::new("/proc").join(id.to_string());
                let inside = fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(directory));
                inside || fs::read(process.join("cmdline")).is_ok_and(|words| holds(&words, &named))
            })
            .collect()
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // A process may start another before it ends.
        for _ in 0..100 {
            let running = self.processes();
            if running.is_empty() {
                return;
            }
            for id in running {
                if let Some(process) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) {
                    let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
                }
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Ran {
    /// Status and both streams, with what differs from run to run replaced.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("status {}\n", self.status);
        for (name, text) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !text.is_empty() {
                shown += &format!("-- {name}\n{}", self.steady(text));
            }
        }
        shown
    }

    fn steady(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (found, placeholder) in &self.shapes {
            text = text.replace(found.as_str(), placeholder);
        }
        for (shape, placeholder) in [
            (&*format!("sha256:{}", "H".repeat(64)), "[DIGEST]"),
            ("DDDDDDDD-DDDDDD-HHHHHHHH", "[ID]"),
            ("-DDDDDDDD-DDDDDD", "-[STAMP]"),
            ("DDDD-DD-DDTDD:DD:DD.DDDZ", "[TIME]"),
            ("DDDD-DD-DD DD:DD:DD UTC", "[TIME]"),
            ("HHHHHHHHHHHH)", "[DIGEST])"),
            ("127.0.0.1:DDDDD", "[INSTANCE]"),
        ] {
            text = replace_shape(&text, shape, placeholder);
        }
        let lines: Vec<String> = text.lines().map(replace_durations).collect();
        lines.join("\n") + "\n"
    }
}

/// `D` stands for a digit, `H` for a hexadecimal one, everything else for itself.
fn replace_shape(text: &str, shape: &str, placeholder: &str) -> String {
    let fits = |at: &[u8]| {
        at.len() >= shape.len()
            && shape.bytes().zip(at).all(|(expected, found)| match expected {
                b'D' => found.is_ascii_digit(),
                b'H' => found.is_ascii_digit() || (b'a'..=b'f').contains(found),
                other => other == *found,
            })
    };
    let mut replaced = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        if fits(rest.as_bytes()) {
            replaced += placeholder;
            rest = &rest[shape.len()..];
        } else {
            replaced.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    replaced
}

/// Measured times (`48ms`, `0.4s`) become `[T]`; a whole number of seconds was configured and stays.
fn replace_durations(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let bare = word.trim_matches(|c: char| "(),;:.".contains(c));
        let measured = match (bare.strip_suffix("ms"), bare.strip_suffix('s')) {
            (Some(number), _) => number.parse::<u64>().is_ok(),
            (None, Some(number)) => number.contains('.') && number.parse::<f64>().is_ok(),
            (None, None) => false,
        };
        if measured {
            // The column of the elapsed time is as wide as it needs to be.
            while words.last().is_some_and(String::is_empty) && words.len() > 1 {
                words.pop();
            }
            words.push(word.replace(bare, "[T]"));
        } else {
            words.push(word.to_owned());
        }
    }
    // What took less than a millisecond is told in other words.
    words.join(" ").replace("under [T]", "[T]")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// One request; `None` when nobody answers.
pub(crate) fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Waits for something, at most 20 seconds.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
