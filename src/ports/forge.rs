//! Forges: what is told to the place where the project's repository lives, and what is asked of it.
//!
//! Nothing that is told may fail a deployment, and nothing that is asked may be guessed: a forge that cannot
//! be read is an error, never "nobody agreed" and never "nobody objects".

use super::PortError;
use crate::model::{CommitId, DeploymentId, EnvironmentName, Timestamp};

/// A deployment that is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentDraft {
    /// Greenroom's own id of it: what it is found by when an answer was lost.
    pub id: DeploymentId,
    /// Where.
    pub environment: EnvironmentName,
    /// What is deployed.
    pub commit: CommitId,
    /// The commit that the CI run itself belongs to, where it is another: on pull requests the test merge. The
    /// deployment that the forge makes by itself for a job is about this one.
    pub run_commit: Option<CommitId>,
    /// Number of the CI run, by which the deployment that the forge made for its job is known.
    pub run: Option<u64>,
    /// Name of the service.
    pub service: String,
    /// Version that is deployed.
    pub version: String,
    /// What is done: `deploy` or `rollback`.
    pub task: &'static str,
    /// One line about it.
    pub description: String,
    /// Whether its users are real.
    pub production: bool,
    /// Whether the environment goes away again.
    pub transient: bool,
}

/// How a deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentState {
    /// It is under way.
    InProgress,
    /// It is live.
    Success,
    /// It did not hold; what stands is said in the description.
    Failure,
    /// It could not be carried out, or a person is needed.
    Error,
    /// It is not live any more.
    Inactive,
}

/// A new state of a deployment that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentUpdate {
    /// The state.
    pub state: DeploymentState,
    /// Where it runs.
    pub environment: EnvironmentName,
    /// One line about it; what the forge has no room for is cut off.
    pub description: String,
    /// Web address of what was deployed.
    pub url: Option<String>,
    /// Web address of the run's log.
    pub log: Option<String>,
}

/// How serious a remark in a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemarkLevel {
    /// Good to know.
    Notice,
    /// Needs a look.
    Warning,
    /// Failed.
    Failure,
}

/// A remark at a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// How serious it is.
    pub level: RemarkLevel,
    /// The file, relative to the repository.
    pub path: String,
    /// The line, from 1.
    pub line: u32,
    /// A short heading.
    pub title: String,
    /// What there is to say.
    pub message: String,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// All is well.
    Success,
    /// Something failed.
    Failure,
    /// A person is needed.
    ActionRequired,
    /// It says nothing either way.
    Neutral,
    /// It was interrupted.
    Cancelled,
}

/// A check beside a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// What it is found by when it is published again: the same key is the same check.
    pub key: String,
    /// Its name, unique among the checks of the commit.
    pub name: String,
    /// The commit.
    pub commit: CommitId,
    /// How it ended; `None` while it runs.
    pub conclusion: Option<Conclusion>,
    /// One line.
    pub title: String,
    /// Markdown; what the forge has no room for is cut off.
    pub summary: String,
    /// More Markdown below it.
    pub text: Option<String>,
    /// Web address of the run.
    pub details: Option<String>,
    /// Remarks, published in as many requests as they take.
    pub remarks: Vec<Remark>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub completed: Option<Timestamp>,
}

/// A comment on a pull request that is written anew in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullComment {
    /// Number of the pull request.
    pub pull: u64,
    /// What it is found by: one comment for each key.
    pub key: String,
    /// Markdown.
    pub body: String,
}

/// A mark beside a commit, which rules for branches may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    /// The commit.
    pub commit: CommitId,
    /// What it is about: `greenroom/staging`.
    pub context: String,
    /// How it ended; `None` while it runs.
    pub conclusion: Option<Conclusion>,
    /// One line.
    pub description: String,
    /// Web address of the run.
    pub details: Option<String>,
}

/// Where people see how a deployment goes. Each verb may be said again: the same words change nothing more.
pub trait Forge: Send + Sync {
    /// Name of the forge and the repository, for messages: `github.com acme/app`.
    fn name(&self) -> &str;
    /// The number of the deployment: the one that the forge made for the run's job, the one that has the
    /// draft's id already, or a new one.
    fn open_deployment(&self, draft: &DeploymentDraft) -> Result<u64, PortError>;
    /// Shows how deployment `number` stands. With [`DeploymentState::Success`] those of the same environment
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

/// A pull request as it is now, not as the event said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullState {
    /// Whether it is open.
    pub open: bool,
    /// The newest commit of its branch.
    pub head: CommitId,
    /// Id of the repository that the branch is in; `None` when that was deleted.
    pub head_repository: Option<u64>,
    /// Id of the repository that it goes to.
    pub base_repository: Option<u64>,
    /// Its labels.
    pub labels: Vec<String>,
}

/// Requests to merge.
pub trait PullRequests: Send + Sync {
    /// How it stands now.
    fn state(&self, number: u64) -> Result<PullState, PortError>;
    /// Takes a label off; does nothing where it is not on it.
    fn remove_label(&self, number: u64, label: &str) -> Result<(), PortError>;
}
