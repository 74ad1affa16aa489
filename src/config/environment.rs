//! The resolved environment: what it extends merged in, every default applied.

use super::acceptance::Acceptance;
use super::description::{Infrastructure, Observability, Resources, SecurityPolicy};
use super::freeze::Freeze;
use super::place::{Located, Span};
use super::target::{TargetConfig, Vendor};
use super::unsupported::Unsupported;
use crate::domain::model::{
    Endpoint, EnvironmentName, EnvironmentType, Period, SecretSource, SignaturePolicy, Strategy, Suite,
    Timestamp,
};
use core::net::IpAddr;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A resolved environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Its name.
    pub name: Located<EnvironmentName>,
    /// What it is for.
    pub kind: EnvironmentType,
    /// In one line.
    pub description: Option<String>,
    /// Where remote checks look and clients go.
    pub url: Option<Endpoint>,
    /// Repository of its images, where that is not the project's.
    pub repository: Option<Located<String>>,
    /// Its network.
    pub network: Option<Network>,
    /// Where it runs; one without can be checked and shown, but not deployed to.
    pub target: Option<TargetConfig>,
    /// What guards it.
    pub protection: Protection,
    /// Variables handed to the service.
    pub variables: BTreeMap<String, String>,
    /// Secrets handed to the service, by name.
    pub secrets: BTreeMap<String, Located<SecretSource>>,
    /// How a new version takes over.
    pub deployment: Deployment,
    /// Suites that verify it, in order.
    pub suites: Vec<Suite>,
    /// How acceptance deployments of it are made.
    pub acceptance: Acceptance,
    /// What is known of one that was made for a time; `None` for every environment that is written.
    pub temporary: Option<Temporary>,
    /// Commands around a deployment.
    pub hooks: Hooks,
    /// Spans of time in which nothing is deployed here.
    pub freeze: Vec<Freeze>,
    /// Where its infrastructure is.
    pub infrastructure: Option<Infrastructure>,
    /// What it may use.
    pub resources: Option<Resources>,
    /// Its security policy.
    pub security: Option<SecurityPolicy>,
    /// Its logs, metrics and traces.
    pub observability: Option<Observability>,
    /// Feature flags.
    pub features: BTreeMap<String, bool>,
    /// What parses but cannot be performed by this version.
    pub unsupported: Vec<Unsupported>,
}

impl Environment {
    /// Returns whether its instances can be asked how they are: a service with an address can.
    pub fn has_health_check(&self) -> bool {
        match (&self.temporary, &self.target) {
            (Some(temporary), _) => temporary.answers,
            (None, Some(target)) => target.is_routed() || (target.answers_at_url() && self.url.is_some()),
            (None, None) => self.url.is_some(),
        }
    }

    /// Returns where clients reach the service: its `url`, else the address of greenroom's own router.
    pub fn address(&self) -> Option<Endpoint> {
        let listens = || self.target.as_ref().and_then(TargetConfig::listens);
        let own = || format!("http://{}", listens()?).parse().ok();
        self.url.clone().or_else(own)
    }

    /// Returns whose API it is run through; `None` where it needs none, or has no target.
    pub fn vendor(&self) -> Option<Vendor<'_>> {
        self.target.as_ref().and_then(TargetConfig::vendor)
    }
}

/// An environment that is written nowhere: it was made for an acceptance test, from another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Temporary {
    /// The environment that it was made from.
    pub of: EnvironmentName,
    /// The environment whose configuration it has, where that is another.
    pub configuration: Option<EnvironmentName>,
    /// The suite that it was made for.
    pub suite: Option<String>,
    /// Begins its name.
    pub prefix: String,
    /// From then on anybody may remove it.
    pub expires: Timestamp,
    /// Whether its instances answer requests, and can so be asked how they are.
    pub answers: bool,
}

/// A network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The subnet, `192.168.2.0/24`.
    pub subnet: Located<IpNet>,
    /// The gateway, an address in it.
    pub gateway: Located<IpAddr>,
    /// Name servers.
    pub dns_servers: Vec<IpAddr>,
}

/// What guards an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// Whether any of the rest holds.
    pub enabled: bool,
    /// Whether a person must approve.
    pub require_approval: bool,
    /// Who must.
    pub approvals: Approvals,
    /// Whether things may be overwritten that greenroom did not make.
    pub allow_overwrite: bool,
    /// Whether a digest must have passed its tests in `from` before.
    pub require_tests: bool,
    /// The environment before: as written, else the one before in the promotion order (whose place is
    /// then that in the order).
    pub from: Option<Located<EnvironmentName>>,
    /// Which signatures an image needs; none where absent.
    pub signatures: Option<SignaturePolicy>,
}

/// Who must approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approvals {
    /// How many.
    pub count: u32,
    /// Members of these teams; anyone where empty.
    pub teams: Vec<String>,
    /// Whether the person who asks counts.
    pub allow_self: bool,
}

/// How a new version takes over.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// How.
    pub strategy: Strategy,
    /// Where the strategy is written, where it is.
    pub strategy_place: Option<Span>,
    /// When an instance counts as ready.
    pub readiness: ReadinessConfig,
    /// Whether it goes to the environment before first.
    pub test_first: bool,
    /// Whether success here is followed by the next environment of the promotion order.
    pub auto_promote: bool,
    /// Whether what a failed deployment left is removed.
    pub cleanup_on_failure: bool,
    /// What is saved before.
    pub backup: BackupMode,
    /// How many backups of each unit are kept, at least one.
    pub keep_backups: u32,
    /// How long a retired instance may take to finish its requests and stop.
    pub drain: Period,
    /// What happens on failure.
    pub rollback: Rollback,
}

/// When an instance counts as ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadinessConfig {
    /// Path and query that answer with 2xx when it is.
    pub path: String,
    /// Time between two samples.
    pub interval: Period,
    /// The longest wait.
    pub timeout: Period,
}

/// What is saved before a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Backup")]
pub enum BackupMode {
    /// Nothing.
    #[default]
    None,
    /// A snapshot.
    Snapshot,
    /// A full backup.
    Full,
}

/// What happens on failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Whether there is a way back at all.
    pub enabled: bool,
    /// Whether it is taken without asking.
    pub automatic: bool,
    /// How long the previous release may take to be ready again.
    pub health_check_timeout: Period,
    /// The longest that the way back may take as a whole.
    pub timeout: Option<Period>,
    /// Which release comes back.
    pub strategy: RollbackStrategy,
    /// How long the new version is watched after it has taken over.
    pub watch: Period,
}

/// Which release comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RollbackStrategy {
    /// The one before.
    #[default]
    Previous,
    /// The newest that succeeded and was not rolled back since.
    Stable,
    /// None by itself: a person decides.
    Manual,
}

/// Commands around a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hooks {
    /// Before anything is touched.
    pub before_deploy: Vec<HookConfig>,
    /// After the new version has taken over.
    pub after_deploy: Vec<HookConfig>,
}

/// A command of the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookConfig {
    /// Shown in reports.
    pub name: String,
    /// The program and its arguments.
    pub run: Vec<String>,
    /// Whether going back is still possible once it has begun.
    pub reversible: bool,
    /// Its time limit.
    pub timeout: Period,
}
