//! `greenroom.yaml`.

use super::super::argv::Argv;
use super::super::defaults;
use super::super::place::Located;
use super::super::project::Occasion;
use super::super::range::within;
use super::{RawCheck, RawEnvironment, RawHooks, RawImage, RawScan};
use crate::domain::model::{EnvironmentName, Period, SecretSource, Timestamp, Version};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The pipeline of one service: what it is, when it deploys, where, and what proves that it works.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "greenroom.yaml", rename = "Pipeline")]
pub(crate) struct RawPipeline {
    /// Name of the service.
    pub(crate) service: Located<String>,
    /// Where its version comes from; the first version file that is found where absent.
    #[serde(default)]
    pub(crate) version: Option<RawVersion>,
    /// Its image.
    #[serde(default)]
    pub(crate) image: Option<Located<RawImage>>,
    /// Events that deploy; a dispatch where absent.
    #[serde(default)]
    pub(crate) triggers: Option<Vec<Located<RawTrigger>>>,
    /// Quick checks before the build.
    #[serde(default)]
    pub(crate) validate: Vec<RawValidate>,
    /// Vulnerability scan of the image.
    #[serde(default)]
    pub(crate) scan: Option<Located<RawScan>>,
    /// Environments: files (globs are allowed) or the environments themselves.
    #[serde(default)]
    #[schemars(with = "Vec<RawEnvironmentEntry>")]
    #[expect(
        dead_code,
        reason = "taken out of the tree before; here for the schema and the known keys"
    )]
    pub(crate) environments: Option<()>,
    /// Environments in the order of promotion.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) promotion: Vec<Located<EnvironmentName>>,
    /// Suites of checks by name.
    #[serde(default)]
    pub(crate) suites: BTreeMap<String, Vec<Located<RawCheck>>>,
    /// Commands around each deployment.
    #[serde(default)]
    pub(crate) hooks: RawHooks,
    /// What hooks may run.
    #[serde(default)]
    pub(crate) commands: Option<Located<RawCommandPolicy>>,
    /// Who is told about what.
    #[serde(default)]
    pub(crate) notify: Vec<Located<RawNotify>>,
    /// Which images are kept.
    #[serde(default)]
    pub(crate) retention: Option<Located<RawRetention>>,
    /// Where the record is kept.
    #[serde(default)]
    pub(crate) ledger: Option<Located<RawLedger>>,
    /// What a run in GitHub Actions shows on GitHub.
    #[serde(default)]
    pub(crate) github: RawGitHub,
    /// Spans of time in which nothing is deployed.
    #[serde(default)]
    pub(crate) freeze: Vec<Located<RawFreeze>>,
}

/// An environment file, or an environment.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "describes the entry in the schema; entries are read from the tree"
)]
pub(crate) enum RawEnvironmentEntry {
    /// Path or glob of files, relative to this file.
    Files(String),
    /// The environment itself.
    Inline(Box<RawEnvironment>),
}

/// Where the version of the service comes from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Version")]
pub(crate) enum RawVersion {
    /// pyproject.toml, Cargo.toml, package.json or a file that holds nothing else.
    File(PathBuf),
    /// The newest git tag that matches this glob.
    Tag(String),
    /// This version.
    Value(#[schemars(with = "String")] Version),
}

/// An event that deploys: exactly one of `push`, `dispatch` and `label`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Trigger")]
pub(crate) struct RawTrigger {
    /// A push to a branch.
    #[serde(default)]
    pub(crate) push: Option<RawPush>,
    /// A person's request, whose inputs say what and where.
    #[serde(default)]
    pub(crate) dispatch: Option<RawDispatch>,
    /// A label on a pull request.
    #[serde(default)]
    pub(crate) label: Option<RawLabel>,
    /// Where it deploys; a dispatch may say so itself.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) environment: Option<Located<EnvironmentName>>,
}

/// A push to a branch.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Push")]
pub(crate) struct RawPush {
    /// Globs of branch names.
    pub(crate) branches: Vec<String>,
    /// Globs of changed files, one of which must match; any where absent.
    #[serde(default)]
    pub(crate) paths: Vec<String>,
}

/// A person's request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Dispatch")]
pub(crate) struct RawDispatch {}

/// A label on a pull request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Label")]
pub(crate) struct RawLabel {
    /// The label.
    pub(crate) name: String,
    /// Globs of base branches; any where absent.
    #[serde(default)]
    pub(crate) base: Vec<String>,
}

/// A quick check before the build.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Validate")]
pub(crate) struct RawValidate {
    /// Shown in reports.
    pub(crate) name: String,
    /// The program and its arguments.
    pub(crate) run: Located<Argv>,
    /// Its time limit; five minutes where absent.
    #[serde(default = "defaults::command_timeout")]
    pub(crate) timeout: Period,
}

/// What hooks may run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "CommandPolicy")]
pub(crate) struct RawCommandPolicy {
    /// Commands run in this directory.
    #[serde(default)]
    pub(crate) directory: Option<PathBuf>,
    /// Programs that may be run, by name, beside those in `directory` (`./migrate.sh`); any where absent.
    #[serde(default)]
    pub(crate) allow: Vec<String>,
    /// Longest command line in bytes.
    #[serde(
        default = "defaults::command_length",
        deserialize_with = "within::<_, _, 1, 131_072>"
    )]
    #[schemars(range(min = 1, max = 131_072))]
    pub(crate) max_length: u32,
    /// Longest time limit that a command may have.
    #[serde(default = "defaults::command_timeout")]
    pub(crate) timeout: Period,
}

/// Who is told: exactly one channel, and when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Notify")]
pub(crate) struct RawNotify {
    /// A Slack webhook.
    #[serde(default)]
    pub(crate) slack: Option<RawWebhook>,
    /// A Discord webhook.
    #[serde(default)]
    pub(crate) discord: Option<RawWebhook>,
    /// A Microsoft Teams webhook.
    #[serde(default)]
    pub(crate) teams: Option<RawWebhook>,
    /// Any webhook.
    #[serde(default)]
    pub(crate) webhook: Option<RawWebhook>,
    /// Mail.
    #[serde(default)]
    pub(crate) email: Option<RawEmail>,
    /// Outcomes it is sent for; all where absent.
    #[serde(default)]
    pub(crate) on: Vec<Occasion>,
    /// Environments it is sent for; all where absent.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) environments: Vec<Located<EnvironmentName>>,
    /// What follows when nobody reacts.
    #[serde(default)]
    pub(crate) escalate: Option<RawEscalation>,
}

/// Where a message goes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Channel")]
pub(crate) enum RawChannel {
    Slack(RawWebhook),
    Discord(RawWebhook),
    Teams(RawWebhook),
    Webhook(RawWebhook),
    Email(RawEmail),
}

/// A webhook, whose address is a secret.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Webhook")]
pub(crate) struct RawWebhook {
    /// Where the address comes from.
    pub(crate) webhook: Located<SecretSource>,
}

/// Mail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Email")]
pub(crate) struct RawEmail {
    /// `smtp://host:port` or `smtps://host:port`.
    pub(crate) smtp: String,
    /// Sender.
    pub(crate) from: String,
    /// Recipients.
    pub(crate) to: Vec<String>,
}

/// What follows when nobody reacts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Escalation")]
pub(crate) struct RawEscalation {
    /// After this time.
    pub(crate) after: Period,
    /// These are told.
    pub(crate) to: Vec<RawChannel>,
}

/// Which images are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Retention")]
pub(crate) struct RawRetention {
    /// At least this many.
    #[serde(
        default = "defaults::keep_last",
        deserialize_with = "within::<_, _, 1, 10_000>"
    )]
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) keep_last: u32,
    /// Those younger than this.
    #[serde(default = "defaults::keep_for")]
    pub(crate) keep_for: Period,
    /// Those that were pushed less than this ago, whatever else holds.
    #[serde(default = "defaults::grace")]
    pub(crate) grace: Period,
}

/// Where the record is kept. Default: in CI the branch `greenroom-ledger` of the project's repository, where
/// it has a remote, and in clones that have seen that branch; else the directory `.greenroom/ledger`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Ledger")]
pub(crate) enum RawLedger {
    /// A directory, relative to the project.
    Directory(PathBuf),
    /// A branch of the project's repository, on its remote.
    GitBranch(String),
    /// An object store: `s3://bucket/prefix`.
    ObjectStore(String),
}

/// What a run in GitHub Actions shows on GitHub, beside its own log and summary.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "GitHub")]
pub(crate) struct RawGitHub {
    /// A deployment for each rollout, and how it stands (`deployments: write`).
    #[serde(default = "defaults::yes")]
    pub(crate) deployments: bool,
    /// A check beside the commit, for each environment (`checks: write`).
    #[serde(default = "defaults::yes")]
    pub(crate) checks: bool,
    /// A comment on the pull request that the run is about, for each environment (`pull-requests: write`).
    #[serde(default = "defaults::yes")]
    pub(crate) comment: bool,
    /// A status of the commit, for each environment, which rules for branches may ask for
    /// (`statuses: write`).
    #[serde(default)]
    pub(crate) status: bool,
}

impl Default for RawGitHub {
    fn default() -> Self {
        Self {
            deployments: true,
            checks: true,
            comment: true,
            status: false,
        }
    }
}

/// A span of time in which nothing is deployed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Freeze")]
pub(crate) struct RawFreeze {
    /// Environments it holds for; all where absent.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) environments: Vec<Located<EnvironmentName>>,
    /// First instant, RFC 3339.
    #[schemars(with = "String")]
    pub(crate) from: Timestamp,
    /// First instant after it, RFC 3339.
    #[schemars(with = "String")]
    pub(crate) until: Timestamp,
    /// Why.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}
