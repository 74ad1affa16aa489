//! The resolved pipeline: every default applied, every name checked.

use super::defaults;
use super::diagnostic::Diagnostic;
use super::environment::Environment;
use super::image::Image;
use super::place::{Located, Span};
use super::scan::Scan;
use super::unsupported::Unsupported;
use crate::domain::model::{EnvironmentName, Period, SecretSource, Suite, Version};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A resolved project.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// Name of the service.
    pub service: String,
    /// Where its version comes from.
    pub version: VersionSource,
    /// Its image; `None` where the target needs none.
    pub image: Option<Image>,
    /// Events that deploy; a dispatch where nothing is said.
    pub triggers: Vec<Trigger>,
    /// Quick checks before the build.
    pub validate: Vec<ValidateCommand>,
    /// Vulnerability scan of the image.
    pub scan: Option<Scan>,
    /// Every suite by name.
    pub suites: BTreeMap<String, Suite>,
    /// Environments by name. One that only others extend is not among them.
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// Environments in the order of promotion; empty where no order is given.
    pub promotion: Vec<EnvironmentName>,
    /// Which commands hooks may run; `None` allows any.
    pub commands: Option<CommandPolicy>,
    /// Who is told.
    pub notify: Vec<Notify>,
    /// Which images are kept.
    pub retention: Option<Retention>,
    /// Where the record is kept.
    pub ledger: LedgerConfig,
    /// What a run in GitHub Actions shows on GitHub.
    pub github: GitHubConfig,
    /// What parses but cannot be performed by this version, outside of any environment.
    pub unsupported: Vec<Unsupported>,
    /// The same and that of every environment, as notes to show.
    pub notes: Vec<Diagnostic>,
}

/// Where the version of the service comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionSource {
    /// The first version file that is found.
    Detect,
    /// This file, relative to the project.
    File(PathBuf),
    /// The newest git tag that matches this glob.
    Tag(String),
    /// This version.
    Value(Version),
}

/// An event that deploys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A push to a branch.
    Push {
        /// Globs of branch names.
        branches: Vec<String>,
        /// Globs of changed files, one of which must match; any where empty.
        paths: Vec<String>,
        /// Where it deploys.
        environment: EnvironmentName,
    },
    /// A person's request.
    Dispatch {
        /// Where it deploys when the request does not say.
        environment: Option<EnvironmentName>,
    },
    /// A label on a pull request.
    Label {
        /// The label.
        name: String,
        /// Globs of base branches; any where empty.
        base: Vec<String>,
        /// Where it deploys.
        environment: EnvironmentName,
    },
}

/// A quick check before the build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidateCommand {
    /// Shown in reports.
    pub name: String,
    /// The program and its arguments.
    pub run: Vec<String>,
    /// Its time limit.
    pub timeout: Period,
}

/// The restricted command runner: what hooks may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandPolicy {
    /// Commands run in this directory, relative to the project.
    pub directory: Option<PathBuf>,
    /// Programs that may be run, by name, beside those in `directory` (named by a relative path); any
    /// where empty.
    pub allow: Vec<String>,
    /// Longest command line, in bytes, with a blank between arguments.
    pub max_length: u32,
    /// Longest time limit that a command may have.
    pub timeout: Period,
}

/// Where the record is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerConfig {
    /// Nothing is said: in CI a branch of the project's repository where it has a remote, else a
    /// directory.
    Automatic,
    /// A directory, relative to the project.
    Directory(PathBuf),
    /// A branch of the project's repository.
    GitBranch(String),
    /// An object store: `s3://bucket/prefix`.
    ObjectStore(String),
}

/// What a run in GitHub Actions shows on GitHub, beside its own log and summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GitHubConfig {
    /// A deployment for each rollout, and how it stands.
    pub deployments: bool,
    /// A check beside the commit, for each environment.
    pub checks: bool,
    /// A comment on the pull request, for each environment.
    pub comment: bool,
    /// A status of the commit, for each environment.
    pub status: bool,
}

impl GitHubConfig {
    /// Whether anything is shown at all.
    pub fn is_any(self) -> bool {
        self.deployments || self.checks || self.comment || self.status
    }
}

/// Which images are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// At least this many.
    pub keep_last: u32,
    /// Those younger than this.
    pub keep_for: Period,
    /// Those that were pushed less than this ago, whatever else holds.
    pub grace: Period,
}

impl Default for Retention {
    /// What holds where the project says nothing.
    fn default() -> Self {
        Self {
            keep_last: defaults::keep_last(),
            keep_for: defaults::keep_for(),
            grace: defaults::grace(),
        }
    }
}

/// Who is told about what.
#[derive(Debug, Clone, PartialEq)]
pub struct Notify {
    /// Where the message goes.
    pub channel: Channel,
    /// Outcomes it is sent for; all where empty.
    pub on: Vec<Occasion>,
    /// Environments it is sent for; all where empty.
    pub environments: Vec<EnvironmentName>,
    /// What follows when nobody reacts.
    pub escalate: Option<Escalation>,
    /// Where it is written.
    pub place: Span,
}

/// Where a message goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Channel {
    /// A Slack webhook.
    Slack(Located<SecretSource>),
    /// A Discord webhook.
    Discord(Located<SecretSource>),
    /// A Microsoft Teams webhook.
    Teams(Located<SecretSource>),
    /// Any webhook.
    Webhook(Located<SecretSource>),
    /// Mail.
    Email {
        /// `smtp://host:port` or `smtps://host:port`.
        smtp: String,
        /// Sender.
        from: String,
        /// Recipients.
        to: Vec<String>,
    },
}

/// What a message is sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Occasion {
    /// A rollout began.
    Started,
    /// It succeeded.
    Success,
    /// It failed, whatever followed.
    Failure,
    /// The previous release is back.
    RolledBack,
    /// A person is needed.
    Halted,
}

/// What follows when nobody reacts.
#[derive(Debug, Clone, PartialEq)]
pub struct Escalation {
    /// After this time.
    pub after: Period,
    /// These are told.
    pub to: Vec<Channel>,
}
