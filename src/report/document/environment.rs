//! Environments: as they are resolved, side by side, created, switched, stopped.

use crate::domain::history::{Live, Switched};
use crate::domain::model::{
    DeploymentId, Endpoint, EnvironmentName, EnvironmentType, Period, Strategy, Timestamp, Version,
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Every configured environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.environments/1", rename_all = "camelCase")]
pub struct EnvironmentsDocument<'a> {
    /// Each, by name.
    pub environments: Vec<EnvironmentDocument<'a>>,
}

/// What matters about one environment as it is resolved, with every default applied. Secrets only by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentDocument<'a> {
    /// Its name.
    pub name: &'a EnvironmentName,
    /// What it is for.
    #[serde(rename = "type")]
    pub kind: EnvironmentType,
    /// In one line.
    pub description: Option<&'a str>,
    /// Where remote checks look and clients go.
    pub url: Option<&'a Endpoint>,
    /// The word for its target; `None` for one that can only be checked and shown.
    pub target: Option<&'a str>,
    /// Its network.
    pub network: Option<EnvironmentNetwork>,
    /// What guards it.
    pub protection: EnvironmentProtection<'a>,
    /// How a new version takes over.
    pub deployment: EnvironmentDeployment<'a>,
    /// Names of the suites that verify it, in order.
    pub suites: Vec<&'a str>,
    /// Variables handed to the service.
    pub variables: &'a BTreeMap<String, String>,
    /// Names of the secrets handed to the service.
    pub secrets: Vec<&'a str>,
    /// Feature flags.
    pub features: &'a BTreeMap<String, bool>,
    /// What it may use, as it is configured.
    pub resources: Value,
    /// Where its infrastructure is, as it is configured.
    pub infrastructure: Value,
    /// Its security policy, as it is configured.
    pub security: Value,
    /// Its logs, metrics and traces, as they are configured.
    pub observability: Value,
    /// The target's own block, under its word, as it is configured.
    #[serde(flatten)]
    pub target_block: Map<String, Value>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentNetwork {
    /// The subnet, `192.168.2.0/24`.
    pub subnet: String,
    /// The gateway, an address in it.
    pub gateway: String,
    /// Name servers.
    pub dns_servers: Vec<String>,
}

/// What guards an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentProtection<'a> {
    /// Whether any of the rest holds.
    pub enabled: bool,
    /// Whether a person must approve.
    pub require_approval: bool,
    /// Whether things may be overwritten that greenroom did not make.
    pub allow_overwrite: bool,
    /// Whether an image must have passed its tests in `from` before.
    pub require_tests: bool,
    /// The environment before.
    pub from: Option<&'a EnvironmentName>,
    /// Which signatures an image needs; `None` where it needs none.
    pub signatures: Option<EnvironmentSignatures>,
    /// Who switched it; left out where nobody did, and in lists of environments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switched: Option<SwitchRow>,
}

/// Which signatures an image needs, in words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentSignatures {
    /// Every one of these.
    pub all: Vec<String>,
    /// At least one of these.
    pub any: Vec<String>,
}

/// Who switched the protection of an environment.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwitchRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What vouches for the name.
    pub via: String,
    /// Why.
    pub reason: String,
}

impl SwitchRow {
    /// Shows who made a switch.
    pub fn of(switched: &Switched) -> Self {
        let origin = &switched.body.origin;
        Self {
            at: switched.at,
            by: origin.actor.name.clone(),
            via: origin.actor.via.clone(),
            reason: origin.reason.clone(),
        }
    }
}

/// How a new version takes over.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentDeployment<'a> {
    /// How.
    pub strategy: &'a Strategy,
    /// Path and query that answer with 2xx when an instance is ready.
    pub health_check_path: &'a str,
    /// Time between two looks at it.
    pub health_check_interval: Period,
    /// The longest wait until it is ready.
    pub health_check_timeout: Period,
    /// Whether success here is followed by the next environment of the promotion order.
    pub auto_promote: bool,
    /// Whether what a failed deployment left is removed.
    pub cleanup_on_failure: bool,
    /// What happens on failure.
    pub rollback: EnvironmentRollback,
}

/// What happens on failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentRollback {
    /// Whether there is a way back at all.
    pub enabled: bool,
    /// Whether it is taken without asking.
    pub automatic: bool,
    /// How long the new version is watched after it has taken over.
    pub watch: Period,
}

/// Two environments side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.comparison/1", rename_all = "camelCase")]
pub struct ComparisonDocument<'a> {
    /// Both.
    pub environments: [ComparedRow<'a>; 2],
    /// Every setting that differs, by its name.
    pub differences: Vec<DifferenceRow<'a>>,
    /// How many settings are the same.
    pub same: usize,
}

/// One of two environments.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComparedRow<'a> {
    /// Its name.
    pub environment: &'a EnvironmentName,
    /// What is live there by its ledger.
    pub live: Option<LiveRow<'a>>,
}

/// What is live.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LiveRow<'a> {
    /// The version.
    pub version: &'a Version,
    /// The image, `REPOSITORY@DIGEST`; `None` where the target has none.
    pub image: Option<String>,
    /// When it became the version on record.
    pub since: Timestamp,
    /// The deployment that brought it.
    pub deployment: &'a DeploymentId,
}

impl<'a> ComparedRow<'a> {
    /// Shows what is live in `environment`.
    pub fn of(environment: &'a EnvironmentName, live: Option<&'a Live>) -> Self {
        Self {
            environment,
            live: live.map(|live| LiveRow {
                version: &live.release.version,
                image: live.release.artifact.as_ref().map(ToString::to_string),
                since: live.since,
                deployment: &live.deployment,
            }),
        }
    }
}

/// A setting that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DifferenceRow<'a> {
    /// Its name, as it is written in an environment's file: `deployment.strategy`.
    pub setting: &'a str,
    /// Its resolved values in the first and the second; null where it has none.
    pub values: &'a [Value; 2],
}

/// An environment that was created, or would be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(
    tag = "schema",
    rename = "greenroom.environment.created/1",
    rename_all = "camelCase"
)]
pub struct EnvironmentCreatedDocument<'a> {
    /// Its name.
    pub environment: &'a EnvironmentName,
    /// Its file.
    pub file: &'a std::path::Path,
    /// Whether the file was written.
    pub written: bool,
    /// Whether the pool that it needs is there.
    pub pool_made: bool,
    /// What is in the file, or would be.
    pub text: &'a str,
    /// Commands that give it its rights, for an administrator; none where it needs none.
    pub commands: Vec<String>,
    /// The variable that holds its token; `None` where it needs none.
    pub token_variable: Option<&'a str>,
}

/// The protection of an environment that was switched, or stood so already.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "schema", rename = "greenroom.protection/1", rename_all = "camelCase")]
pub struct ProtectionDocument<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// Whether this command changed anything.
    pub changed: bool,
    /// The switch that stands now.
    pub switch: &'a Switched,
}

/// The environment that a machine is in.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DetectionDocument<'a> {
    /// Its name.
    pub environment: &'a str,
    /// What decided, in one sentence.
    pub reason: String,
}

/// An environment of this machine that was stopped.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStoppedDocument<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// Instances and routers that were stopped.
    pub stopped: usize,
    /// Instances that still run.
    pub left: usize,
}
