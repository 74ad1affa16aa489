//! A built image started on this machine, to see whether it answers. Whatever happens, its container is
//! removed: when it is dropped, at the latest.

use super::credentials::{self, Login};
use super::run::{follow, variables};
use super::scratch::Scratch;
use crate::domain::model::{Artifact, Endpoint, ErrorKind, InvalidText, Period, PortError, RepositoryName};
use crate::host::random;
use crate::host::url::is_loopback;
use crate::ports::{Command, Finished, Runner};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// The programs that run containers, in the order in which they are looked for.
const PROGRAMS: [&str; 2] = ["docker", "podman"];
/// What a question about a program or container may take.
const QUESTION: Period = Period::from_secs(20);
/// What pulling the image may take.
const PULL: Period = Period::from_secs(600);
/// What ending and removing a container may take.
const REMOVAL: Period = Period::from_secs(60);

/// What containers are run with.
#[derive(Clone)]
pub struct TrialSite {
    /// Runs docker or podman.
    pub runner: Arc<dyn Runner>,
    /// Hears the lines of a pull.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
    /// The environment as captured when the process began; docker and podman get what is theirs of it.
    pub environment: BTreeMap<String, String>,
    /// Where private directories lie.
    pub staging: PathBuf,
}

/// A container that runs a built image.
pub struct ImageTrial {
    ground: TrialSite,
    program: &'static str,
    variables: BTreeMap<String, String>,
    /// Its id; its name, which nothing else has, until that is known.
    container: String,
    address: Option<Endpoint>,
    _scratch: Scratch,
}

impl ImageTrial {
    /// Starts the image by digest, with its `port` on a free port of this machine's loopback address.
    ///
    /// # Errors
    /// `Unsupported` when neither docker nor podman works here, with what is wrong with each; when the
    /// image cannot be pulled or started.
    pub fn start(
        ground: &TrialSite,
        image: &Artifact,
        port: u16,
        given: &BTreeMap<String, String>,
    ) -> Result<Self, PortError> {
        let failed =
            |error: io::Error| PortError::new(ErrorKind::Invalid, format!("starting {image}"), &error);
        let scratch = Scratch::new(&ground.staging).map_err(failed)?;
        let repository: RepositoryName = image.repository.parse().map_err(|error: InvalidText| {
            PortError::new(ErrorKind::Invalid, format!("starting {image}"), &error)
        })?;
        let host = repository.registry().unwrap_or_default();
        let mut variables = variables(&ground.environment);
        if let Some(login) = Login::of(&ground.environment, host) {
            let there = credentials::lay_out(&login, host, &ground.environment, scratch.path());
            variables.extend(there.map_err(failed)?);
        }
        let mut trial = Self {
            ground: ground.clone(),
            program: "docker",
            variables,
            container: format!("greenroom-smoke-{}", random::hex(8).map_err(failed)?),
            address: None,
            _scratch: scratch,
        };
        trial.program = trial.find(image)?;
        trial.create(image, port, given, is_loopback(host))?;
        trial.run_it(image, port)?;
        Ok(trial)
    }

    /// Which program runs it.
    pub fn program(&self) -> &str {
        self.program
    }

    /// Where it listens.
    pub fn address(&self) -> Option<&Endpoint> {
        self.address.as_ref()
    }

    /// Why it has ended; `None` while it runs.
    ///
    /// # Errors
    /// When the program does not answer.
    pub fn ended(&self) -> Result<Option<String>, PortError> {
        let state = self.must(&["inspect", "--format", "{{json .State}}", &self.container])?;
        let state: Value = serde_json::from_str(state.stdout.trim()).unwrap_or_default();
        if state["Running"] == true {
            return Ok(None);
        }
        let code = state["ExitCode"].as_i64().unwrap_or(-1);
        let more = state["Error"].as_str().filter(|error| !error.is_empty());
        let more = more.map_or_else(String::new, |error| format!(": {error}"));
        Ok(Some(format!("it exited with {code}{more}")))
    }

    /// The last `lines` lines that it wrote.
    pub fn logs(&self, lines: usize) -> String {
        let lines = lines.to_string();
        match self.ask(&["logs", "--tail", &lines, &self.container], QUESTION) {
            Ok(said) => format!("{}{}", said.stdout, said.stderr),
            Err(error) => error.to_string(),
        }
    }

    fn find(&self, image: &Artifact) -> Result<&'static str, PortError> {
        let mut reasons = Vec::new();
        for program in PROGRAMS {
            let words = [program, "version", "--format", "{{json .}}"]
                .map(String::from)
                .to_vec();
            let reason = match self.ground.runner.run(&self.command(words, QUESTION)) {
                Ok(said) if said.code == Some(0) => return Ok(program),
                Ok(said) if said.timed_out => "it does not answer".to_owned(),
                Ok(said) => said
                    .stderr
                    .lines()
                    .next()
                    .unwrap_or("it fails")
                    .chars()
                    .take(300)
                    .collect(),
                Err(error) => error.why.to_string(),
            };
            reasons.push(format!("{program}: {reason}"));
        }
        Err(PortError::new(
            ErrorKind::Unsupported,
            format!("starting {image}"),
            format!(
                "the smoke test needs docker or podman to run a container\n  {}",
                reasons.join("\n  ")
            ),
        )
        .fix("install one of them, or take `smoke` out"))
    }

    fn create(
        &mut self,
        image: &Artifact,
        port: u16,
        given: &BTreeMap<String, String>,
        plain_http: bool,
    ) -> Result<(), PortError> {
        let mut words: Vec<String> = [self.program, "create", "--name", &self.container, "--publish"]
            .map(String::from)
            .to_vec();
        words.push(format!("127.0.0.1::{port}"));
        // docker knows by itself that a registry on this machine speaks plain HTTP.
        if self.program == "podman" && plain_http {
            words.push("--tls-verify=false".to_owned());
        }
        for (name, value) in given {
            words.extend(["--env".to_owned(), format!("{name}={value}")]);
        }
        words.push(image.to_string());
        let shown = format!("{} create", self.program);
        let created = follow(
            &self.ground.runner,
            &self.command(words, PULL),
            self.ground.tell.as_ref(),
            &shown,
        );
        let created = created.map_err(|error| PortError {
            doing: format!("starting {image}"),
            ..error
        })?;
        let id = created.stdout.trim().lines().last().unwrap_or_default();
        if id.len() == 64 && id.chars().all(|c| c.is_ascii_hexdigit()) {
            id.clone_into(&mut self.container);
        }
        Ok(())
    }

    fn run_it(&mut self, image: &Artifact, port: u16) -> Result<(), PortError> {
        self.must(&["start", &self.container])?;
        let said = self.ask(&["port", &self.container, &format!("{port}/tcp")], QUESTION)?;
        let address = said.stdout.lines().next().unwrap_or_default().trim();
        self.address = format!("http://{address}").parse().ok();
        // One that ended at once has no port any more; why it ended is found out by whoever asks.
        if self.address.is_none() && self.ended()?.is_none() {
            return Err(PortError::new(
                ErrorKind::Invalid,
                format!("starting {image}"),
                format!("{} does not say where port {port} is", self.program),
            ));
        }
        Ok(())
    }

    fn ask(&self, words: &[&str], timeout: Period) -> Result<Finished, PortError> {
        let argv = std::iter::once(self.program)
            .chain(words.iter().copied())
            .map(str::to_owned)
            .collect();
        self.ground.runner.run(&self.command(argv, timeout))
    }

    fn must(&self, words: &[&str]) -> Result<Finished, PortError> {
        let said = self.ask(words, QUESTION)?;
        if said.code == Some(0) {
            return Ok(said);
        }
        let shown = format!("{} {}", self.program, words.first().unwrap_or(&""));
        Err(PortError::new(
            ErrorKind::Invalid,
            format!("running {shown}"),
            format!("{shown} failed: {}", said.stderr.trim()),
        ))
    }

    fn command(&self, argv: Vec<String>, timeout: Period) -> Command {
        Command {
            argv,
            directory: None,
            variables: self.variables.clone(),
            secrets: BTreeMap::new(),
            timeout,
        }
    }
}

impl Drop for ImageTrial {
    fn drop(&mut self) {
        let mut words = vec!["rm", "--force", "--volumes"];
        // docker ends it at once; podman would ask first, and wait.
        if self.program == "podman" {
            words.push("--time=0");
        }
        words.push(&self.container);
        // Where it was never made, there is nothing to remove, and the program says so.
        let _ = self.ask(&words, REMOVAL);
    }
}
