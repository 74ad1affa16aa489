//! Forges: what is told to the place where the project's repository lives, and what is asked of it.
//!
//! Nothing that is told may fail a deployment, and nothing that is asked may be guessed: a forge that cannot
//! be read is an error, never "nobody agreed" and never "nobody objects".

use crate::domain::model::{
    CheckReport, CommitId, CommitStatus, DeploymentDraft, DeploymentUpdate, EnvironmentName, PortError,
    PullComment, PullState, Timestamp,
};

/// Where people see how a deployment goes. Each verb may be said again: the same words change nothing more.
pub trait Forge: Send + Sync {
    /// Name of the forge and the repository, for messages: `github.com acme/app`.
    fn name(&self) -> &str;
    /// The number of the deployment: the one that the forge made for the run's job, the one that has the
    /// draft's id already, or a new one.
    fn open_deployment(&self, draft: &DeploymentDraft) -> Result<u64, PortError>;
    /// Shows how deployment `number` stands. With [`DeploymentState::Success`](crate::domain::model::DeploymentState::Success) those of the same environment
    /// that were live before become inactive.
    fn update_deployment(&self, number: u64, update: &DeploymentUpdate) -> Result<(), PortError>;
    /// Shows that the environment went away: every deployment of greenroom's own that is live or under way there
    /// becomes inactive, with `description`, one line. What failed keeps saying so.
    fn retire_environment(&self, environment: &EnvironmentName, description: &str) -> Result<(), PortError>;
    /// Shows a check, or how it stands now.
    fn publish_check(&self, check: &CheckReport) -> Result<(), PortError>;
    /// Writes the comment, in the place of the one with the same key where there is one.
    fn upsert_comment(&self, comment: &PullComment) -> Result<(), PortError>;
    /// Sets a mark beside a commit.
    fn set_commit_status(&self, status: &CommitStatus) -> Result<(), PortError>;
}

/// Results of a scan on their way to the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SarifUpload {
    /// The commit they are about.
    pub commit: CommitId,
    /// Full name of the ref they belong to: `refs/heads/main`.
    pub reference: String,
    /// SARIF 2.1.0.
    pub sarif: String,
    /// Name of the tool, as it is shown.
    pub tool: String,
    /// When the scan began.
    pub started: Timestamp,
}

/// Where findings in code and images are collected.
pub trait CodeScanning: Send + Sync {
    /// Hands results in; returns the forge's id of the upload. The same results again change nothing.
    fn upload_sarif(&self, upload: &SarifUpload) -> Result<String, PortError>;
}

/// What a person said about a CI run that waited for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReview {
    /// Login of the person.
    pub who: String,
    /// Whether they agreed; `false` for a rejection.
    pub approved: bool,
    /// The environments they spoke about, as the forge spells them.
    pub environments: Vec<String>,
    /// What they wrote: foreign text.
    pub comment: String,
}

/// How an environment is guarded by the forge itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentRules {
    /// Logins of the persons who may agree.
    pub reviewers: Vec<String>,
    /// Slugs of the teams whose members may agree.
    pub teams: Vec<String>,
    /// Whether whoever started the run may not agree.
    pub no_self_review: bool,
    /// Whether only some branches may deploy.
    pub restricted_branches: bool,
}

/// Who agreed to what.
pub trait Reviews: Send + Sync {
    /// What people said about CI run `run`, in no order: the forge keeps no time.
    fn of_run(&self, run: u64) -> Result<Vec<RunReview>, PortError>;
    /// How the forge guards the environment; `None` where it knows none of that name.
    fn environment_rules(&self, environment: &str) -> Result<Option<EnvironmentRules>, PortError>;
    /// Whether `login` belongs to the team. `Denied` where the token may not see teams.
    fn is_member(&self, team: &str, login: &str) -> Result<bool, PortError>;
}

/// Requests to merge.
pub trait PullRequests: Send + Sync {
    /// How it stands now.
    fn state(&self, number: u64) -> Result<PullState, PortError>;
    /// Takes a label off; does nothing where it is not on it.
    fn remove_label(&self, number: u64, label: &str) -> Result<(), PortError>;
}
