//! Where a build is done: a private directory, and what its commands get and say.

use super::super::credentials::{self, Login};
use super::super::run::{follow, variables};
use super::super::scratch::Scratch;
use super::DockerfileImage;
use crate::domain::model::{ErrorKind, Explanation, InvalidText, Period, PortError, RepositoryName, Secret};
use crate::host::random;
use crate::ports::{BuildRequest, Catalog, Command, Discard, Finished, Runner};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What a question about a program may take: a daemon that does not answer is not there.
const QUESTION: Period = Period::from_secs(20);
/// What builders work with.
#[derive(Clone)]
pub struct Workshop {
    /// Runs their commands.
    pub runner: Arc<dyn Runner>,
    /// Hears each line that they write, without secrets.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
    /// The environment as captured when the process began; they get what is theirs of it.
    pub environment: BTreeMap<String, String>,
    /// Where their private directories lie.
    pub staging: PathBuf,
}

/// One build.
pub(super) struct Bench<'a> {
    pub(super) image: &'a DockerfileImage,
    pub(super) request: &'a BuildRequest,
    pub(super) registry: &'a dyn Catalog,
    /// Names what belongs to this build among what belongs to others.
    pub(super) mark: String,
    host: Option<String>,
    scratch: Scratch,
    workshop: &'a Workshop,
    variables: BTreeMap<String, String>,
}

impl<'a> Bench<'a> {
    pub(super) fn set_up(
        workshop: &'a Workshop,
        image: &'a DockerfileImage,
        request: &'a BuildRequest,
        registry: &'a dyn Catalog,
    ) -> Result<Self, PortError> {
        let failed = |error: io::Error| {
            let doing = format!("making a directory in {}", workshop.staging.display());
            PortError::new(ErrorKind::Invalid, doing, &error)
        };
        let scratch = Scratch::new(&workshop.staging).map_err(failed)?;
        let mut variables = variables(&workshop.environment);
        let repository: RepositoryName = request.repository.parse().map_err(|error: InvalidText| {
            PortError::new(
                ErrorKind::Invalid,
                format!("building {}", request.repository),
                &error,
            )
        })?;
        let host = repository.registry().map(str::to_owned);
        let login = host
            .as_ref()
            .and_then(|host| Login::of(&workshop.environment, host));
        if let (Some(login), Some(host)) = (login, &host) {
            let there = credentials::lay_out(&login, host, &workshop.environment, scratch.path());
            variables.extend(there.map_err(failed)?);
        }
        Ok(Self {
            image,
            request,
            registry,
            host,
            mark: format!("greenroom-{}", random::hex(8).map_err(failed)?),
            scratch,
            workshop,
            variables,
        })
    }

    /// A file or directory that vanishes with the build.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// The registry's host; `None` where the image goes to the embedded store.
    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_deref()
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
        variables.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
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

    /// Takes a tag that nobody wanted out of the registry again; what to know where that cannot be done.
    pub(super) fn untag(&self, tag: &str) -> Option<String> {
        let repository = &self.request.repository;
        let gone = tag
            .parse()
            .map_err(|error: InvalidText| self.error(&error))
            .and_then(|tag| self.registry.discard(repository, &Discard::Tag(tag)));
        let error = gone.err()?;
        Some(format!(
            "docker cannot push without a tag, and {repository}:{tag} could not be taken out again ({}); docker buildx and buildah leave none",
            error.why
        ))
    }

    /// Tidies up; what cannot be removed is left.
    pub(super) fn tidy(&self, argv: &[&str]) {
        let _ = self.ask(argv);
    }

    /// An error about what the builder said.
    pub(super) fn error(&self, why: impl Into<Explanation>) -> PortError {
        PortError::new(
            ErrorKind::Invalid,
            format!("building {}", self.request.repository),
            why,
        )
    }

    fn perform(
        &self,
        argv: Vec<String>,
        variables: BTreeMap<String, String>,
        secrets: BTreeMap<String, Secret>,
    ) -> Result<Finished, PortError> {
        let shown = argv.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
        let command = self.command(argv, variables, secrets, self.image.timeout);
        let finished = follow(
            &self.workshop.runner,
            &command,
            self.workshop.tell.as_ref(),
            &shown,
        );
        finished.map_err(|error| PortError {
            kind: error.kind,
            doing: format!("building {}", self.request.repository),
            why: match error.kind {
                ErrorKind::Missing => error.why.while_doing(&error.doing),
                _ => error.why,
            },
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
