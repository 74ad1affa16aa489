//! An environment, in a file of its own or inline.

use super::super::argv::Argv;
use super::super::defaults;
use super::super::description::{Infrastructure, Observability, Resources, SecurityPolicy};
use super::super::place::Located;
use super::super::proxmox::Proxmox;
use super::super::range::within;
use super::super::remote::{Compose, Docker, Ecs, Kubernetes};
use super::super::scalar::{Kind, Scalar, VariableName};
use super::{RawAcceptance, RawCommandTarget, RawDeployment, RawLocal, RawSignatures};
use crate::domain::model::{Endpoint, EnvironmentName, Period, SecretSource};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where a service runs, what guards it, and how a new version takes over there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "An environment", rename = "Environment")]
pub(crate) struct RawEnvironment {
    /// Its name.
    #[schemars(with = "String")]
    pub(crate) name: Located<EnvironmentName>,
    /// What it is for. One without is only there for others to extend.
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<Kind>,
    /// In one line.
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Name of an environment whose settings it takes over; its own win, lists replace lists.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[expect(
        dead_code,
        reason = "merged in the tree before; here for the schema and the known keys"
    )]
    pub(crate) extends: Option<String>,
    /// Where remote checks look and clients go.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) url: Option<Endpoint>,
    /// Where its images are, where that is not the project's repository.
    #[serde(default)]
    pub(crate) image: Option<RawEnvironmentImage>,
    /// Its network.
    #[serde(default)]
    pub(crate) network: Option<RawNetwork>,
    /// Runs on this machine, as processes.
    #[serde(default)]
    pub(crate) local: Option<RawLocal>,
    /// Is deployed by commands of the user's.
    #[serde(default)]
    pub(crate) command: Option<RawCommandTarget>,
    /// Runs in guests of a Proxmox host.
    #[serde(default)]
    pub(crate) proxmox: Option<Proxmox>,
    /// Runs in a Kubernetes cluster.
    #[serde(default)]
    pub(crate) kubernetes: Option<Kubernetes>,
    /// Runs on Docker hosts.
    #[serde(default)]
    pub(crate) docker: Option<Docker>,
    /// Runs as a compose stack.
    #[serde(default)]
    pub(crate) compose: Option<Compose>,
    /// Runs as an AWS ECS service.
    #[serde(default)]
    pub(crate) ecs: Option<Ecs>,
    /// What guards it.
    #[serde(default)]
    pub(crate) protection: RawProtection,
    /// Variables handed to the service.
    #[serde(default)]
    pub(crate) variables: BTreeMap<VariableName, Located<Scalar>>,
    /// Secrets handed to the service: where each comes from, never its value.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<VariableName, Located<SecretSource>>,
    /// How a new version takes over.
    #[serde(default)]
    pub(crate) deployment: RawDeployment,
    /// Names of the suites that verify it.
    #[serde(default)]
    pub(crate) suites: Vec<Located<String>>,
    /// Acceptance deployments, made for a time to run a suite on.
    #[serde(default)]
    pub(crate) acceptance: Option<Located<RawAcceptance>>,
    /// Commands around a deployment; the pipeline's where absent.
    #[serde(default)]
    pub(crate) hooks: Option<RawHooks>,
    /// Where its infrastructure is.
    #[serde(default)]
    pub(crate) infrastructure: Option<Infrastructure>,
    /// What it may use.
    #[serde(default)]
    pub(crate) resources: Option<Resources>,
    /// Its security policy.
    #[serde(default)]
    pub(crate) security: Option<SecurityPolicy>,
    /// Its logs, metrics and traces.
    #[serde(default)]
    pub(crate) observability: Option<Observability>,
    /// Feature flags.
    #[serde(default)]
    pub(crate) features: BTreeMap<String, bool>,
}

/// Where an environment's images are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "EnvironmentImage")]
pub(crate) struct RawEnvironmentImage {
    /// Repository without tag: `ghcr.io/acme/production/nextcloud`. What is deployed here is copied there
    /// first, with its signatures and attestations.
    pub(crate) repository: Located<String>,
}

/// A network.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Network")]
pub(crate) struct RawNetwork {
    /// The subnet: `192.168.2.0/24`.
    pub(crate) subnet: Located<String>,
    /// The gateway, an address in it.
    pub(crate) gateway: Located<String>,
    /// Name servers.
    #[serde(default)]
    pub(crate) dns_servers: Vec<Located<String>>,
}

/// What guards an environment.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Protection")]
pub(crate) struct RawProtection {
    /// Whether any of the rest holds; true where absent.
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
    /// Whether a person must approve.
    #[serde(default)]
    pub(crate) require_approval: bool,
    /// Who must.
    #[serde(default)]
    pub(crate) approvals: RawApprovals,
    /// Whether things may be overwritten that greenroom did not make.
    #[serde(default)]
    pub(crate) allow_overwrite: bool,
    /// Whether a digest must have passed its tests in the environment before; true where absent.
    #[serde(default)]
    pub(crate) require_tests: Option<Located<bool>>,
    /// The environment before; the one before in the promotion order where absent.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(crate) from: Option<Located<EnvironmentName>>,
    /// Who has to have signed the image; nobody where absent.
    #[serde(default)]
    pub(crate) signatures: Option<RawSignatures>,
}

/// Who must approve.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Approvals")]
pub(crate) struct RawApprovals {
    /// How many.
    #[serde(default = "defaults::one", deserialize_with = "within::<_, _, 1, 100>")]
    #[schemars(range(min = 1, max = 100))]
    pub(crate) count: u32,
    /// Members of these teams; anyone where absent.
    #[serde(default)]
    pub(crate) teams: Vec<String>,
    /// Whether the person who asks counts.
    #[serde(default)]
    pub(crate) allow_self: bool,
}

impl Default for RawApprovals {
    fn default() -> Self {
        Self {
            count: 1,
            teams: Vec::new(),
            allow_self: false,
        }
    }
}

/// Commands around a deployment.
#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Hooks")]
pub(crate) struct RawHooks {
    /// Before anything is touched.
    #[serde(default)]
    pub(crate) before_deploy: Vec<RawHook>,
    /// After the new version has taken over.
    #[serde(default)]
    pub(crate) after_deploy: Vec<RawHook>,
}

/// A command of the user's.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Hook")]
pub(crate) struct RawHook {
    /// Shown in reports.
    pub(crate) name: String,
    /// The program and its arguments.
    pub(crate) run: Located<Argv>,
    /// Whether going back is still possible once it has begun; true where absent.
    #[serde(default = "defaults::yes")]
    pub(crate) reversible: bool,
    /// Its time limit; five minutes where absent.
    #[serde(default = "defaults::command_timeout")]
    pub(crate) timeout: Period,
}
