//! What an environment file may say about its surroundings: the blocks `infrastructure`, `resources`,
//! `security`, `observability` and `features`. Every field may be left out.

use super::range::{days, maybe_share, replicas};
use crate::domain::model::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where the infrastructure of an environment is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Infrastructure {
    /// Who provides it.
    #[serde(default)]
    pub provider: Option<Provider>,
    /// Region of the provider.
    #[serde(default)]
    pub region: Option<String>,
    /// Virtual private cloud.
    #[serde(default)]
    pub vpc_id: Option<String>,
    /// Subnets of it.
    #[serde(default)]
    pub subnet_ids: Vec<String>,
    /// The cluster.
    #[serde(default)]
    pub kubernetes: Option<Cluster>,
}

/// Who provides the infrastructure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    Gcp,
    /// One's own machines.
    OnPremise,
}

/// A Kubernetes cluster by name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cluster {
    /// Name of the cluster.
    pub cluster_name: String,
    /// Namespace in it.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Pool of nodes.
    #[serde(default)]
    pub node_pool: Option<String>,
}

/// What an environment may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resources {
    /// The part that runs a fixed number of times.
    #[serde(default)]
    pub orchestrator: Option<Orchestrator>,
    /// The part that grows and shrinks.
    #[serde(default)]
    pub workers: Option<Workers>,
    /// The database.
    #[serde(default)]
    pub database: Option<Database>,
    /// Monitoring.
    #[serde(default)]
    pub monitoring: Option<Monitoring>,
}

/// The part that runs a fixed number of times.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Orchestrator {
    /// How often it runs, 0 to 1000.
    #[serde(default, deserialize_with = "replicas")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: Option<u32>,
    /// Processor share of each.
    #[serde(default)]
    pub cpu: Option<Quantity>,
    /// Memory of each.
    #[serde(default)]
    pub memory: Option<Quantity>,
    /// Storage of each.
    #[serde(default)]
    pub storage: Option<Quantity>,
}

/// The part that grows and shrinks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Workers {
    /// Fewest, 0 to 1000.
    #[serde(default, deserialize_with = "replicas")]
    #[schemars(range(min = 0, max = 1000))]
    pub min_replicas: Option<u32>,
    /// Most, 0 to 1000, not less than `minReplicas`.
    #[serde(default, deserialize_with = "replicas")]
    #[schemars(range(min = 0, max = 1000))]
    pub max_replicas: Option<u32>,
    /// Processor share of each.
    #[serde(default)]
    pub cpu: Option<Quantity>,
    /// Memory of each.
    #[serde(default)]
    pub memory: Option<Quantity>,
    /// Storage of each.
    #[serde(default)]
    pub storage: Option<Quantity>,
}

/// The database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Database {
    /// Size of the instance, in the provider's words.
    #[serde(default)]
    pub instance_size: Option<String>,
    /// Storage.
    #[serde(default)]
    pub storage: Option<Quantity>,
    /// How long backups are kept, in days, 0 to 3650.
    #[serde(default, deserialize_with = "days")]
    #[schemars(range(min = 0, max = 3650))]
    pub backup_retention: Option<u32>,
}

/// Monitoring.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Monitoring {
    /// Whether there is any.
    #[serde(default)]
    pub enabled: bool,
    /// How long its data is kept, in days, 0 to 3650.
    #[serde(default, deserialize_with = "days")]
    #[schemars(range(min = 0, max = 3650))]
    pub retention: Option<u32>,
    /// Whether it alerts.
    #[serde(default)]
    pub alerting: bool,
}

/// Security policy of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecurityPolicy {
    /// Who may reach it.
    #[serde(default)]
    pub network_policy: Option<NetworkPolicy>,
    /// How users prove who they are.
    #[serde(default)]
    pub authentication: Option<Authentication>,
    /// What is encrypted.
    #[serde(default)]
    pub encryption: Option<Encryption>,
    /// What it complies with.
    #[serde(default)]
    pub compliance: Option<Compliance>,
}

/// Who may reach an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkPolicy {
    /// Anyone.
    Open,
    /// Those who are named.
    Restricted,
    /// Nobody from outside.
    Private,
}

/// How users prove who they are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authentication {
    /// The method.
    pub method: AuthenticationMethod,
    /// Who vouches.
    #[serde(default)]
    pub providers: Vec<String>,
}

/// A method of authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthenticationMethod {
    /// OAuth.
    Oauth,
    /// SAML.
    Saml,
    /// Keys.
    ApiKeys,
}

/// What is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Encryption {
    /// Data that is stored.
    #[serde(default)]
    pub at_rest: bool,
    /// Data on its way.
    #[serde(default)]
    pub in_transit: bool,
    /// Who keeps the keys.
    #[serde(default)]
    pub key_management: Option<String>,
}

/// What an environment complies with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compliance {
    /// Standards: SOC2, ISO27001, GDPR.
    #[serde(default)]
    pub standards: Vec<String>,
    /// Whether accesses are logged.
    #[serde(default)]
    pub audit_logging: bool,
    /// How long data is kept, in days, 0 to 3650.
    #[serde(default, deserialize_with = "days")]
    #[schemars(range(min = 0, max = 3650))]
    pub data_retention: Option<u32>,
}

/// Logs, metrics and traces of an environment.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Observability {
    /// Logs.
    #[serde(default)]
    pub logging: Option<Logging>,
    /// Metrics.
    #[serde(default)]
    pub metrics: Option<Metrics>,
    /// Traces.
    #[serde(default)]
    pub tracing: Option<Tracing>,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Logging {
    /// The least important message that is kept.
    #[serde(default)]
    pub level: Option<LogLevel>,
    /// Where they go.
    #[serde(default)]
    pub destination: Option<String>,
    /// How they look.
    #[serde(default)]
    pub format: Option<LogFormat>,
}

/// Importance of a log message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For those who look for a fault.
    Debug,
    /// What happened.
    Info,
    /// What is odd.
    Warn,
    /// What failed.
    Error,
}

/// Form of log messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For machines.
    Json,
    /// For people.
    Pretty,
}

/// Metrics.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metrics {
    /// Whether there are any.
    #[serde(default)]
    pub enabled: bool,
    /// Where they are.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Time between two measurements.
    #[serde(default)]
    pub interval: Option<Period>,
    /// How long they are kept, in days, 0 to 3650.
    #[serde(default, deserialize_with = "days")]
    #[schemars(range(min = 0, max = 3650))]
    pub retention: Option<u32>,
}

/// Traces.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tracing {
    /// Whether there are any.
    #[serde(default)]
    pub enabled: bool,
    /// Where they go.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// Share of requests that is traced, 0 to 1.
    #[serde(default, deserialize_with = "maybe_share")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub sample_rate: Option<f64>,
}

/// An amount as Kubernetes writes it: `500m`, `2`, `512Mi`, `10Gi`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$"))]
pub struct Quantity(String);

impl Quantity {
    const SUFFIXES: [&str; 14] = [
        "", "m", "k", "Ki", "M", "Mi", "G", "Gi", "T", "Ti", "P", "Pi", "E", "Ei",
    ];

    /// The text, as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Quantity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let number_ends = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, suffix) = text.split_at(number_ends);
        let known = Self::SUFFIXES.contains(&suffix);
        let counts = number.chars().all(|c| c.is_ascii_digit() || c == '.') && number.parse::<f64>().is_ok();
        if known && counts {
            Ok(Self(text))
        } else {
            Err(format!(
                "{:?} is not an amount (500m, 2, 512Mi, 10Gi)",
                text.chars().take(80).collect::<String>()
            ))
        }
    }
}
