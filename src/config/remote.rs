//! Targets on other machines: their blocks are read and checked in full, though this version cannot
//! deploy to them.

use super::defaults;
use crate::domain::model::Period;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A workload of a Kubernetes cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubernetes {
    /// Context of the kubeconfig; the current one where absent.
    #[serde(default)]
    pub context: Option<String>,
    /// Namespace.
    #[serde(default = "defaults::namespace")]
    pub namespace: String,
    /// The Deployment whose image is set; named after the service where absent.
    #[serde(default)]
    pub deployment: Option<String>,
    /// The container in it; the only one where absent.
    #[serde(default)]
    pub container: Option<String>,
}

/// Containers on Docker hosts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Docker {
    /// `unix:///var/run/docker.sock` or `ssh://user@host`; the local one where empty.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Port that the container listens on.
    #[serde(default)]
    pub port: Option<u16>,
    /// Network that it joins.
    #[serde(default)]
    pub network: Option<String>,
}

/// A compose stack on hosts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compose {
    /// `ssh://user@host`; this machine where empty.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The compose file.
    #[serde(default = "defaults::compose_file")]
    pub file: PathBuf,
    /// The service in it that gets the new image; named after the service where absent.
    #[serde(default)]
    pub service: Option<String>,
}

/// An AWS ECS service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ecs {
    /// Region; that of the credentials where absent.
    #[serde(default)]
    pub region: Option<String>,
    /// Cluster.
    pub cluster: String,
    /// Service.
    pub service: String,
    /// Container in its task definition; the only one where absent.
    #[serde(default)]
    pub container: Option<String>,
    /// The longest wait for a deployment.
    #[serde(default)]
    pub timeout: Option<Period>,
}
