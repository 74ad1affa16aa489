//! Where a build is done: a private directory, and what its commands get and say.

use super::super::host;
use super::super::run::{follow, variables};
use super::DockerfileImage;
use super::credentials::{self, Login};
use crate::host::process::ProcessIdentity;
use crate::host::random;
use crate::model::{Period, Secret};
use crate::ports::{BuildRequest, Command, ErrorKind, Finished, PortError, Registry, Runner};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a question about a program may take: a daemon that does not answer is not there.
const QUESTION: Period = Period::from_secs(20);
/// How the names of private directories begin.
const PREFIX: &str = "build-";
/// What builders work with.
#[derive(Clone)]
pub struct Workshop {
    /// Runs their commands.
    pub runner: Arc<dyn Runner>,
    /// Hears each line that they write, without secrets.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
    /// The environment as captured when the process began; they get what is theirs of it.
    pub environment: BTreeMap<String, String>,
    /// Who they push as; whoever their own settings name where `None`.
    pub login: Option<Login>,
    /// Where their private directories lie.
    pub staging: PathBuf,
}

/// One build.
pub(super) struct Bench<'a> {
    pub(super) image: &'a DockerfileImage,
    pub(super) request: &'a BuildRequest,
    pub(super) registry: &'a dyn Registry,
    /// Names what belongs to this build among what belongs to others.
    pub(super) mark: String,
    scratch: Scratch,
    workshop: &'a Workshop,
    variables: BTreeMap<String, String>,
}

impl<'a> Bench<'a> {
    pub(super) fn set_up(
        workshop: &'a Workshop,
        image: &'a DockerfileImage,
        request: &'a BuildRequest,
        registry: &'a dyn Registry,
    ) -> Result<Self, PortError> {
        let failed = |error: io::Error| {
            let doing = format!("making a directory in {}", workshop.staging.display());
            PortError::new(ErrorKind::Invalid, doing, error)
        };
        let scratch = Scratch::new(&workshop.staging).map_err(failed)?;
        let mut variables = variables(&workshop.environment);
        if let (Some(login), Some(host)) = (&workshop.login, host(&request.repository)) {
            variables.extend(credentials::lay_out(login, host, &workshop.environment, &scratch.0).map_err(failed)?);
        }
        Ok(Self {
            image,
            request,
            registry,
            mark: format!("greenroom-{}", random::hex(8).map_err(failed)?),
            scratch,
            workshop,
            variables,
        })
    }

    /// A file or directory that vanishes with the build.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.scratch.0.join(name)
    }

    /// The registry's host; `None` where the image goes to the embedded store.
    pub(super) fn host(&self) -> Option<&str> {
        host(&self.request.repository)
    }

    /// When the image says that it was made, in seconds since 1970.
    pub(super) fn epoch(&self) -> String {
        (self.request.created.unix_millis() / 1000).to_string()
    }

    /// Asks a program something that costs nothing; its output is not shown.
    pub(super) fn ask(&self, argv: &[&str]) -> Result<Finished, PortError> {
        let argv = argv.iter().map(|word| (*word).to_owned()).collect();
        self.workshop
            .runner
            .run(&self.command(argv, BTreeMap::new(), BTreeMap::new(), QUESTION))
    }

    /// Builds: the command gets arguments and secrets.
    pub(super) fn build(&self, argv: Vec<String>, more: &[(&str, &str)]) -> Result<Finished, PortError> {
        let mut variables = self.image.args.clone();
        variables.insert("SOURCE_DATE_EPOCH".to_owned(), self.epoch());
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let secrets = self.image.secrets.iter();
        let secrets = secrets
            .enumerate()
            .map(|(place, (_, secret))| (secret_variable(place), secret.clone()))
            .collect();
        self.perform(argv, variables, secrets)
    }

    /// Does anything else that may take its time.
    pub(super) fn run(&self, argv: Vec<String>) -> Result<Finished, PortError> {
        self.perform(argv, BTreeMap::new(), BTreeMap::new())
    }

    /// Tidies up; what cannot be removed is left.
    pub(super) fn tidy(&self, argv: &[&str]) {
        let _ = self.ask(argv);
    }

    /// An error about what the builder said.
    pub(super) fn error(&self, cause: impl std::fmt::Display) -> PortError {
        PortError::new(ErrorKind::Invalid, format!("building {}", self.request.repository), cause)
    }

    fn perform(
        &self,
        argv: Vec<String>,
        variables: BTreeMap<String, String>,
        secrets: BTreeMap<String, Secret>,
    ) -> Result<Finished, PortError> {
        let shown = argv.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
        let command = self.command(argv, variables, secrets, self.image.timeout);
        let finished = follow(&self.workshop.runner, &command, self.workshop.tell.as_ref(), &shown);
        finished.map_err(|error| PortError {
            doing: format!("building {}", self.request.repository),
            message: match error.kind {
                ErrorKind::Missing => format!("{}: {}", error.doing, error.message),
                _ => error.message,
            },
            ..error
        })
    }

    fn command(
        &self,
        argv: Vec<String>,
        variables: BTreeMap<String, String>,
        secrets: BTreeMap<String, Secret>,
        timeout: Period,
    ) -> Command {
        let mut all = self.variables.clone();
        all.extend(variables);
        Command {
            argv,
            directory: None,
            variables: all,
            secrets,
            timeout,
        }
    }
}

/// The variable that carries the secret at this place.
pub(super) fn secret_variable(place: usize) -> String {
    format!("GREENROOM_BUILD_SECRET_{place}")
}

/// A private directory that is removed with everything in it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(staging: &Path) -> io::Result<Self> {
        fs::create_dir_all(staging)?;
        // Programs run in the project's directory, wherever greenroom was started.
        let staging = staging.canonicalize()?;
        sweep(&staging);
        let me = ProcessIdentity::current()?;
        let path = staging.join(format!("{PREFIX}{}-{}-{}", me.pid, me.started, random::hex(4)?));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what builds that were killed left behind.
fn sweep(staging: &Path) {
    for entry in fs::read_dir(staging).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(owner) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let mut parts = owner.split('-');
        let alive = parts
            .next()
            .and_then(|pid| pid.parse().ok())
            .and_then(|pid| ProcessIdentity::of(pid).ok())
            .is_some_and(|now| parts.next() == Some(&now.started.to_string()));
        if !alive {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_directory_vanishes_and_one_of_the_dead_is_swept() {
        let staging = tempfile::tempdir().unwrap();
        let dead = staging.path().join("build-1-1-abcd");
        let other = staging.path().join("else");
        for directory in [&dead, &other] {
            fs::create_dir(directory).unwrap();
        }
        let scratch = Scratch::new(staging.path()).unwrap();
        assert!(!dead.exists() && other.exists() && scratch.0.exists());
        let second = Scratch::new(staging.path()).unwrap();
        assert!(scratch.0.exists(), "one that is in use was swept");
        drop((scratch, second));
        assert_eq!(fs::read_dir(staging.path()).unwrap().count(), 1);
    }
}
