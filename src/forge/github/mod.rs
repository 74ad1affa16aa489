//! GitHub's REST API, version 2022-11-28: of GitHub itself, or of a GitHub Enterprise server.
//!
//! `calls/` makes every request, `connection.rs` sends it, `talk.rs` sends it again where that is right, `wait.rs`
//! says when, `fault.rs` tells what a refusal means; the other files hold one group of verbs each.

pub mod calls;
mod checks;
mod code_scanning;
mod comments;
mod connection;
mod deployments;
mod fault;
mod outcome;
mod packages;
mod pages;
mod pulls;
mod reviews;
mod session;
mod statuses;
mod talk;
mod text;
mod transport;
mod wait;

pub use connection::Connection;
pub use packages::GitHubPackages;

use crate::host::github::GitHubRepository;
use crate::model::EnvironmentName;
use crate::ports::{
    CheckReport, CodeScanning, CommitStatus, DeploymentDraft, DeploymentUpdate, EnvironmentRules, Forge,
    PortError, PullComment, PullRequests, PullState, Reviews, RunReview, SarifUpload,
};
use std::sync::Arc;
use talk::Talk;

/// A repository on GitHub, or on a GitHub Enterprise server.
pub struct GitHub {
    connection: Arc<Connection>,
    repository: GitHubRepository,
    name: String,
}

impl GitHub {
    /// The repository `owner/name`.
    ///
    /// # Errors
    /// As [`GitHubRepository::new`].
    pub fn new(connection: Arc<Connection>, repository: &str) -> Result<Self, PortError> {
        Ok(Self {
            repository: GitHubRepository::new(repository)?,
            name: format!("{} {repository}", connection.host()),
            connection,
        })
    }

    /// Begins a verb: what is done, without where.
    fn talk(&self, doing: &str) -> Talk<'_> {
        let doing = format!("{doing} on {}", self.name);
        Talk::new(&self.connection, Some(&self.repository), doing)
    }

    /// Whose repository it is.
    fn owner(&self) -> &str {
        self.repository.name().split('/').next().unwrap_or_default()
    }
}

impl Forge for GitHub {
    fn name(&self) -> &str {
        &self.name
    }

    fn open_deployment(&self, draft: &DeploymentDraft) -> Result<u64, PortError> {
        deployments::open(self, draft)
    }

    fn update_deployment(&self, number: u64, update: &DeploymentUpdate) -> Result<(), PortError> {
        deployments::update(self, number, update)
    }

    fn retire_environment(&self, environment: &EnvironmentName, description: &str) -> Result<(), PortError> {
        deployments::retire_environment(self, environment, description)
    }

    fn publish_check(&self, check: &CheckReport) -> Result<(), PortError> {
        checks::publish(self, check)
    }

    fn upsert_comment(&self, comment: &PullComment) -> Result<(), PortError> {
        comments::upsert(self, comment)
    }

    fn set_commit_status(&self, status: &CommitStatus) -> Result<(), PortError> {
        statuses::set(self, status)
    }
}

impl CodeScanning for GitHub {
    fn upload_sarif(&self, upload: &SarifUpload) -> Result<String, PortError> {
        code_scanning::upload(self, upload)
    }
}

impl Reviews for GitHub {
    fn of_run(&self, run: u64) -> Result<Vec<RunReview>, PortError> {
        reviews::of_run(self, run)
    }

    fn environment_rules(&self, environment: &str) -> Result<Option<EnvironmentRules>, PortError> {
        reviews::environment_rules(self, environment)
    }

    fn is_member(&self, team: &str, login: &str) -> Result<bool, PortError> {
        reviews::is_member(self, team, login)
    }
}

impl PullRequests for GitHub {
    fn state(&self, number: u64) -> Result<PullState, PortError> {
        pulls::state(self, number)
    }

    fn remove_label(&self, number: u64, label: &str) -> Result<(), PortError> {
        pulls::remove_label(self, number, label)
    }
}
