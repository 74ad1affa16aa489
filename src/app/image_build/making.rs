//! From the configuration to the builder that is configured.

use super::Yard;
use crate::adapters::builder::command::CommandBuilder;
use crate::adapters::builder::dockerfile::{
    DockerfileBuilder, DockerfileImage, ProvenanceMode, Tool, Workshop,
};
use crate::adapters::builder::files::{Base, FilesBuilder, FilesImage, LayerSource};
use crate::adapters::builder::variables;
use crate::app::error::AppError;
use crate::app::restricted::RestrictedRunner;
use crate::app::template::Templates;
use crate::config::image::{
    Build, BuildCommand, BuilderName, Dockerfile, Files, Image, Provenance as ProvenanceConfig,
};
use crate::domain::model::Artifact;
use crate::host::platform::Platform;
use crate::ports::{BuildRequest, Builder, Command, Runner};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

impl Yard<'_> {
    /// Builds and stores the image; and by which program, where it was not greenroom itself, with what is
    /// worth knowing about that.
    pub(super) fn store(
        &self,
        image: &Image,
        request: &BuildRequest,
    ) -> Result<(Artifact, Option<String>, Option<String>), AppError> {
        match &image.build {
            Build::Files(files) => Ok((self.files(files)?.build(request)?, None, None)),
            Build::Command(command) => {
                let artifact = self.command(command)?.build(request)?;
                Ok((artifact, Some("command".to_owned()), None))
            }
            Build::Dockerfile(dockerfile) => {
                let builder = self.dockerfile(dockerfile)?;
                let artifact = builder.build(request)?;
                let used = builder.used();
                let note = used.and_then(|used| used.note.clone());
                Ok((artifact, used.map(|used| used.tool.to_string()), note))
            }
            Build::None => Err(AppError::project("there is nothing to build")),
        }
    }

    fn files(&self, files: &Files) -> Result<FilesBuilder, AppError> {
        let base = match &files.base {
            Some(base) => base.parse::<Base>()?,
            None => Base::Scratch,
        };
        let platforms: Result<Vec<Platform>, String> =
            files.platforms.iter().map(|platform| platform.parse()).collect();
        let settings = FilesImage {
            base,
            layers: files
                .layers
                .iter()
                .map(|layer| LayerSource {
                    from: self.workspace.root.join(&layer.from),
                    to: layer.to.clone(),
                })
                .collect(),
            entrypoint: files.entrypoint.clone(),
            command: files.command.clone(),
            env: files.env.clone(),
            working_directory: files.working_directory.clone(),
            ports: files.ports.clone(),
            user: files.user.clone(),
            platforms: platforms.map_err(AppError::project)?,
        };
        Ok(FilesBuilder::new(
            settings,
            self.workspace.registry(),
            self.staging.clone(),
        ))
    }

    fn dockerfile(&self, build: &Dockerfile) -> Result<DockerfileBuilder, AppError> {
        let context = self.workspace.root.join(&build.context);
        let image = DockerfileImage {
            file: match &build.file {
                Some(file) => self.workspace.root.join(file),
                None => default_file(&context),
            },
            context,
            target: build.target.clone(),
            platforms: build.platforms.clone(),
            args: build.args.clone(),
            secrets: self.workspace.secrets(&build.secrets)?,
            provenance: match build.provenance {
                ProvenanceConfig::None => ProvenanceMode::None,
                ProvenanceConfig::Min => ProvenanceMode::Min,
                ProvenanceConfig::Max => ProvenanceMode::Max,
            },
            sbom: build.sbom,
            timeout: build.timeout,
        };
        let tool = build.builder.map(|builder| match builder {
            BuilderName::Buildx => Tool::Buildx,
            BuilderName::Docker => Tool::Docker,
            BuilderName::Buildah => Tool::Buildah,
            BuilderName::Podman => Tool::Podman,
        });
        let workshop = Workshop {
            runner: Arc::clone(&self.attended) as Arc<dyn Runner>,
            tell: Arc::clone(&self.lines),
            environment: self.workspace.context.environment.variables().clone(),
            staging: self.staging.clone(),
        };
        Ok(DockerfileBuilder::new(
            image,
            tool,
            workshop,
            self.workspace.registry(),
        ))
    }

    fn command(&self, build: &BuildCommand) -> Result<CommandBuilder, AppError> {
        let environment = self.workspace.context.environment.variables();
        let mut runner: Arc<dyn Runner> = Arc::clone(&self.attended) as Arc<dyn Runner>;
        if let Some(policy) = &self.workspace.project.commands {
            runner = Arc::new(RestrictedRunner::new(runner, policy.clone()));
        }
        let facts = self.facts();
        let templates = Templates::new(
            environment.clone(),
            build.secrets.values().map(|source| &source.value),
        );
        let argv: Result<Vec<String>, _> = build
            .run
            .iter()
            .map(|word| templates.render(word, &facts))
            .collect();
        let mut variables = variables(environment);
        let named = facts.iter().map(|(name, value)| {
            let name = format!("GREENROOM_{}", name.to_uppercase());
            (name, value.clone())
        });
        variables.extend(named);
        Ok(CommandBuilder {
            command: Command {
                argv: argv.map_err(|error| AppError::project(&error))?,
                directory: None,
                variables,
                secrets: self.workspace.secrets(&build.secrets)?,
                timeout: build.timeout,
            },
            digest_file: self.workspace.root.join(&build.digest_file),
            runner,
            tell: Arc::clone(&self.lines),
            registry: self.workspace.registry(),
        })
    }

    /// What the templates of a build command may name.
    fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::from([
            ("service".to_owned(), self.workspace.project.service.clone()),
            ("version".to_owned(), self.identity.version.to_string()),
        ]);
        let image = self.workspace.project.image.as_ref();
        facts.extend(image.map(|image| ("repository".to_owned(), image.repository.clone())));
        let commit = self.identity.commit.as_ref();
        facts.extend(commit.map(|commit| ("commit".to_owned(), commit.to_string())));
        facts
    }
}

/// `Containerfile`, else `Dockerfile`, in the build context.
fn default_file(context: &std::path::Path) -> PathBuf {
    let file = context.join("Containerfile");
    let other = context.join("Dockerfile");
    if !file.is_file() && other.is_file() {
        other
    } else {
        file
    }
}
