//! What every story of the demo needs: its listener, what it has claimed so far, and the project.

use super::clients::{Clients, Count};
use crate::app::announce::Audience;
use crate::app::deploy::{Deployed, Done};
use crate::app::pipeline::{self, RunOptions};
use crate::app::{AppError, Context, Workspace};
use crate::domain::model::{Endpoint, EnvironmentName};
use crate::host::http::{Client, HttpSettings};
use std::path::PathBuf;

/// One part of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chapter {
    /// What is about to happen.
    pub title: String,
    /// Why it is worth seeing.
    pub why: String,
}

/// Who listens to the story.
pub trait Teller {
    /// A part begins.
    fn chapter(&mut self, chapter: &Chapter);
    /// Something turned out as it should, or not.
    fn check(&mut self, holds: bool, what: &str);
    /// Text to read.
    fn text(&mut self, text: &str);
}

/// A story that is being told.
pub(super) struct Stage<'a> {
    pub(super) context: &'a Context,
    pub(super) audience: &'a Audience,
    pub(super) teller: &'a mut dyn Teller,
    /// The pipeline file of the project.
    pub(super) pipeline: PathBuf,
    /// Whether everything has been as it should.
    pub(super) holds: bool,
}

impl Stage<'_> {
    pub(super) fn chapter(&mut self, title: &str, why: &str) {
        self.teller.chapter(&Chapter {
            title: title.to_owned(),
            why: why.to_owned(),
        });
    }

    pub(super) fn check(&mut self, holds: bool, what: &str) {
        self.holds &= holds;
        self.teller.check(holds, what);
    }

    pub(super) fn workspace(&self) -> Result<Workspace, AppError> {
        Workspace::load(self.context, Some(&self.pipeline))
    }

    /// Deploys the project as it stands.
    pub(super) fn deploy(&mut self) -> Result<Deployed, AppError> {
        let workspace = self.workspace()?;
        let wish = RunOptions {
            environments: vec![environment()?],
            ..RunOptions::default()
        };
        let run = pipeline::run(&workspace, &wish, self.audience, &mut |_| {})?;
        match run.results.into_iter().next() {
            Some((_, Ok(Done::Deployed(deployed)))) => Ok(*deployed),
            Some((_, Err(error))) => Err(error),
            Some((_, Ok(Done::AlreadyLive(_)))) | None => Err(AppError::record("nothing was deployed")),
        }
    }

    /// The same while clients keep asking `url`.
    pub(super) fn deploy_under_load(&mut self, url: &Endpoint) -> Result<(Deployed, Count), AppError> {
        let clients = Clients::start(url);
        let deployed = self.deploy();
        let count = clients.stop();
        Ok((deployed?, count))
    }

    /// Checks which version answers at `url`.
    pub(super) fn serves(&mut self, url: &Endpoint, version: &str) -> Result<(), AppError> {
        let client = Client::new(&HttpSettings::default()).map_err(|error| AppError::record(&error))?;
        let found = super::clients::ask(&client, &url.join("/"));
        let said = found.as_deref().unwrap_or("nothing");
        self.check(
            found.as_deref() == Some(version),
            &format!("{url} answers \"hello from {said}\""),
        );
        Ok(())
    }
}

/// The one environment.
pub(super) fn environment() -> Result<EnvironmentName, AppError> {
    Ok("demo".parse()?)
}

/// How many answers came from which version.
pub(super) fn by_version(count: &Count) -> String {
    let each: Vec<String> = count
        .versions
        .iter()
        .map(|(version, count)| format!("{count} by {version}"))
        .collect();
    each.join(", ")
}
