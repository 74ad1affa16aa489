//! A project in a directory of its own, and greenroom run in it as a stranger would.

use super::address::{free_port, get};
use super::ran::{Ran, greenroom};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::Duration;
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
        greenroom(self.directory.path(), words)
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
            shapes: vec![
                (self.directory.path().to_string_lossy().into_owned(), "[DIR]"),
                (format!("127.0.0.1:{}", self.port), "[ADDRESS]"),
            ],
            ..Ran::of(output)
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

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
