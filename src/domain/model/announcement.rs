//! What a run tells the forge: deployments, checks, comments and the status of a commit.

use super::{CommitId, DeploymentId, EnvironmentName, Timestamp};

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
