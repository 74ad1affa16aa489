//! A loaded project: its configuration, its files, its secrets, its ports.

use super::super::connections::Place;
use super::super::context::Context;
use super::super::error::{AppError, Problems};
use super::super::load;
use super::RecordLocation;
use crate::adapters::registry::layout::LayoutRegistry;
use crate::adapters::registry::oci::{OciSettings, credentials};
use crate::adapters::registry::{Registries, ghcr};
use crate::config::diagnostic::Diagnostic;
use crate::config::environment::Environment;
use crate::config::place::{Located, Sources};
use crate::config::project::Project;
use crate::config::unsupported::{Part, Unsupported};
use crate::domain::model::{
    EnvironmentName, Explanation, Redactor, Release, RepositoryName, Secret, SecretSource,
};
use crate::host::git::{self, Git};
use crate::host::secrets::Secrets;
use crate::ports::{Catalog, Repository};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Name of the pipeline file.
pub const PIPELINE: &str = "greenroom.yaml";
/// Where greenroom keeps what belongs to the project, beside the pipeline file.
pub(super) const STATE: &str = ".greenroom";

/// A loaded project.
pub struct Workspace {
    /// The machine and the caller.
    pub context: Context,
    /// The directory of the pipeline file; every relative path starts here.
    pub root: PathBuf,
    /// The resolved configuration.
    pub project: Project,
    /// The files it was read from.
    pub sources: Sources,
    secrets: Secrets,
    known: OnceLock<Vec<Secret>>,
    /// The forge's token: a runner masks it by itself, so that it is never told to.
    token: Option<Secret>,
    redactor: OnceLock<Redactor>,
    registry: OnceLock<Arc<Registries>>,
    pub(super) record: OnceLock<RecordLocation>,
}

impl Workspace {
    /// Loads the project whose pipeline file is `config`, or `greenroom.yaml` in the working directory
    /// or the nearest directory above that has one.
    ///
    /// # Errors
    /// When there is none, or with everything that is wrong with it.
    pub fn load(context: &Context, config: Option<&Path>) -> Result<Self, AppError> {
        let directory = context.environment.directory();
        let file = match config {
            Some(file) => directory.join(file),
            None => find(directory)?,
        };
        let root = file.parent().unwrap_or(directory).to_path_buf();
        let shown = file.strip_prefix(directory).unwrap_or(&file);
        let loaded = load::load(shown);
        let sources = loaded.sources;
        let project = loaded.outcome.map_err(|problems| {
            AppError::Configuration(Box::new(Problems {
                problems,
                sources: sources.clone(),
            }))
        })?;
        let secrets = Secrets::new(context.environment.variables().clone(), root.clone());
        Ok(Self {
            context: context.clone(),
            root,
            project,
            sources,
            secrets,
            known: OnceLock::new(),
            token: Place::of(&context.environment).token,
            redactor: OnceLock::new(),
            registry: OnceLock::new(),
            record: OnceLock::new(),
        })
    }

    /// The configured environment of this name.
    ///
    /// # Errors
    /// When there is none; names those that there are.
    pub fn environment(&self, name: &EnvironmentName) -> Result<&Environment, AppError> {
        self.project.environments.get(name).ok_or_else(|| {
            let known: Vec<&str> = self
                .project
                .environments
                .keys()
                .map(EnvironmentName::as_str)
                .collect();
            AppError::usage(format!(
                "there is no environment {name}; configured are: {}",
                known.join(", ")
            ))
        })
    }

    /// Takes in an environment that is written nowhere, under its name.
    pub(in crate::app) fn adopt(&mut self, environment: Environment) {
        let name = environment.name.value.clone();
        self.project.environments.insert(name, environment);
    }

    /// A directory below the project's own state.
    pub fn state(&self, part: &str) -> PathBuf {
        self.root.join(STATE).join(part)
    }

    /// Where images are: the embedded store, one OCI layout per repository, and every registry on the
    /// network.
    pub fn registry(&self) -> Arc<dyn Catalog> {
        let made = self.registry.get_or_init(|| {
            let image = self.project.image.as_ref();
            let own = image.and_then(|image| image.repository.parse::<RepositoryName>().ok());
            let own = own.as_ref().and_then(RepositoryName::registry);
            Arc::new(registries(&self.context, &self.root, own))
        });
        Arc::clone(made) as Arc<dyn Catalog>
    }

    /// Where the images of `environment` are; `None` where the project has no image.
    pub fn images_of<'a>(&'a self, environment: &'a Environment) -> Option<&'a str> {
        let own = environment.repository.as_ref().map(|own| own.value.as_str());
        own.or(self.project.image.as_ref().map(|image| image.repository.as_str()))
    }

    /// The directory of a repository in the embedded store, which tools read as an OCI layout; `None`
    /// for a name that it cannot hold.
    pub fn layout(&self, repository: &str) -> Option<PathBuf> {
        LayoutRegistry::open(self.state("images")).path(repository).ok()
    }

    /// Facts from the project's git repository.
    pub fn repository(&self) -> Arc<dyn Repository> {
        Arc::new(self.git())
    }

    /// The same, with what only git itself can tell.
    pub fn git(&self) -> Git {
        Git::new(&self.root)
    }

    /// Where secrets come from.
    pub fn secret_sources(&self) -> &Secrets {
        &self.secrets
    }

    /// The values of these secrets.
    ///
    /// # Errors
    /// A diagnostic for each that is missing.
    pub fn secrets(
        &self,
        sources: &BTreeMap<String, Located<SecretSource>>,
    ) -> Result<BTreeMap<String, Secret>, AppError> {
        let mut values = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, source) in sources {
            match self.secrets.resolve(name, &source.value) {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(error) => problems.push(Diagnostic::error(source.place, error.to_string())),
            }
        }
        if problems.is_empty() {
            Ok(values)
        } else {
            Err(self.problems(problems))
        }
    }

    /// Every secret of the project whose value can be had here, and those for registries. The process
    /// may hold those of environments that are not worked on, too.
    pub fn known_secrets(&self) -> &[Secret] {
        self.known.get_or_init(|| {
            let environments = self.project.environments.values();
            let build = self
                .project
                .image
                .iter()
                .filter_map(|image| image.build.secrets());
            environments
                .map(|environment| &environment.secrets)
                .chain(build)
                .flatten()
                .filter_map(|(name, source)| self.secrets.resolve(name, &source.value).ok())
                .chain(self.tokens())
                .chain(credentials::secrets(self.context.environment.variables()))
                .chain(git::sent_token(&self.context.environment))
                .collect()
        })
    }

    /// The tokens of the environments' clusters, and what is secret in them.
    fn tokens(&self) -> Vec<Secret> {
        let environments = self.project.environments.values();
        let targets = environments.filter_map(|environment| environment.target.as_ref());
        let sources = targets.flat_map(|target| target.secrets());
        let tokens = sources.filter_map(|(key, source)| self.secrets.resolve(key, &source.value).ok());
        tokens
            .flat_map(|token| {
                let (_, secret) = token.expose().split_once('=').unwrap_or_default();
                [Secret::new(secret.to_owned()), token]
            })
            .filter(|secret| !secret.expose().is_empty())
            .collect()
    }

    /// Takes every known secret out of text, and the forge's token.
    pub fn redactor(&self) -> &Redactor {
        self.redactor
            .get_or_init(|| Redactor::new(self.known_secrets().iter().chain(&self.token)))
    }

    /// The same, also for the secrets of `release`: one from the ledger may name other sources than
    /// today's configuration.
    pub fn redactor_for(&self, release: &Release) -> Redactor {
        let configured: Vec<&SecretSource> = self
            .project
            .environments
            .values()
            .flat_map(|environment| environment.secrets.values())
            .map(|source| &source.value)
            .collect();
        let mut others: Vec<Secret> = Vec::new();
        for (name, source) in &release.secrets {
            if !configured.contains(&source)
                && let Ok(secret) = self.secrets.resolve(name, source)
            {
                others.push(secret);
            }
        }
        if others.is_empty() {
            self.redactor().clone()
        } else {
            Redactor::new(self.known_secrets().iter().chain(&self.token).chain(&others))
        }
    }

    /// Refuses when something of these parts is configured that this version cannot do.
    ///
    /// # Errors
    /// With a diagnostic for each.
    pub fn require(&self, parts: &[Part], environment: Option<&Environment>) -> Result<(), AppError> {
        let own = environment.map_or(&[][..], |environment| &environment.unsupported);
        let all: Vec<Unsupported> = self.project.unsupported.iter().chain(own).cloned().collect();
        if all.iter().any(|unsupported| parts.contains(&unsupported.part)) {
            return Err(self.refuse(parts, &all));
        }
        Ok(())
    }

    pub(super) fn refuse(&self, parts: &[Part], unsupported: &[Unsupported]) -> AppError {
        let named = unsupported
            .iter()
            .filter(|unsupported| parts.contains(&unsupported.part));
        self.problems(
            named
                .map(|unsupported| {
                    Diagnostic::error(
                        unsupported.place,
                        format!("{} cannot be used in this version of greenroom", unsupported.what),
                    )
                    .help("take it out to go on without it")
                })
                .collect(),
        )
    }

    /// These problems with the files that they are in.
    pub fn problems(&self, problems: Vec<Diagnostic>) -> AppError {
        AppError::Configuration(Box::new(Problems {
            problems,
            sources: self.sources.clone(),
        }))
    }
}

/// Images without a project: those of registries, and the project's own store where one is found beside
/// `config` or above the working directory.
pub fn catalog(context: &Context, config: Option<&Path>) -> Arc<dyn Catalog> {
    let directory = context.environment.directory();
    let file = config
        .map(|file| directory.join(file))
        .or_else(|| find(directory).ok());
    let root = file.as_deref().and_then(Path::parent).unwrap_or(directory);
    Arc::new(registries(context, root, None))
}

/// The embedded store below the project's directory, and every registry on the network; `own` is the host
/// of the one that the project's images are kept in.
fn registries(context: &Context, root: &Path, own: Option<&str>) -> Registries {
    let variables = context.environment.variables();
    let token = ghcr::token(variables, own);
    let asking = context.clone();
    Registries::new(
        LayoutRegistry::open(root.join(STATE).join("images")),
        OciSettings::of(variables, own),
        Box::new(move || asking.connections().packages(asking.run(), token.clone()?)),
        Arc::clone(&context.clock),
    )
}

/// The nearest pipeline file at or above `directory`.
fn find(directory: &Path) -> Result<PathBuf, AppError> {
    directory
        .ancestors()
        .map(|above| above.join(PIPELINE))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            AppError::usage(
                Explanation::new(format!(
                    "there is no {PIPELINE} in {} or above it",
                    directory.display()
                ))
                .fix("name one with --config"),
            )
        })
}
