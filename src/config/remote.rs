//! Targets on other machines: their blocks are read and checked in full, though this version cannot
//! deploy to them.

use super::argv::Argv;
use super::defaults;
use super::place::Located;
use super::range::within;
use crate::model::{Period, SecretSource};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// Guests of a Proxmox host.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proxmox {
    /// Address or URL: `192.168.1.100`, `https://pve.example:8006`.
    pub host: String,
    /// File with the certificate authority that the host is checked against.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// sha256 fingerprint of the host's certificate.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Do not check the host's certificate.
    #[serde(default)]
    pub insecure: bool,
    /// Node that guests are made on.
    pub node: String,
    /// Storage that they are put on.
    pub storage: String,
    /// Ids that guests may have.
    pub vm_id_range: Located<VmIdRange>,
    /// How many guests.
    #[serde(default = "defaults::one", deserialize_with = "within::<_, _, 1, 1000>")]
    #[schemars(range(min = 1, max = 1000))]
    pub count: u32,
    /// API token: `user@realm!id=secret`.
    #[serde(default)]
    pub token: Option<Located<SecretSource>>,
    /// What a guest is.
    #[serde(default)]
    pub guest: Option<Guest>,
    /// What splits the traffic.
    #[serde(default)]
    pub router: Option<RemoteRouter>,
}

/// Ids that guests may have, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VmIdRange {
    /// First id, at least 100.
    #[serde(deserialize_with = "within::<_, _, 100, 999_999_999>")]
    #[schemars(range(min = 100, max = 999_999_999))]
    pub start: u32,
    /// Last id, not below `start`.
    #[serde(deserialize_with = "within::<_, _, 100, 999_999_999>")]
    #[schemars(range(min = 100, max = 999_999_999))]
    pub end: u32,
}

/// What a guest is.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Guest {
    /// A virtual machine.
    Vm(VirtualMachine),
    /// A container.
    Container(GuestContainer),
}

/// A virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VirtualMachine {
    /// Id of the template that is cloned.
    #[serde(deserialize_with = "within::<_, _, 100, 999_999_999>")]
    #[schemars(range(min = 100, max = 999_999_999))]
    pub template: u32,
    /// Processor cores.
    #[serde(default = "defaults::one", deserialize_with = "within::<_, _, 1, 1024>")]
    #[schemars(range(min = 1, max = 1024))]
    pub cores: u32,
    /// Memory in MiB.
    #[serde(
        default = "defaults::memory",
        deserialize_with = "within::<_, _, 16, 67_108_864>"
    )]
    #[schemars(range(min = 16, max = 67_108_864))]
    pub memory: u32,
    /// What runs in it; the template's own where absent.
    #[serde(default)]
    pub workload: Option<Workload>,
}

/// What runs in a virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Workload {
    /// The image, by the guest's own Docker.
    Docker(DockerWorkload),
    /// A command, through the guest agent.
    Command(Argv),
}

/// The image, by the guest's own Docker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DockerWorkload {
    /// Port that it listens on.
    #[serde(deserialize_with = "within::<_, _, 1, 65_535>")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
}

/// A container that is a guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GuestContainer {
    /// The service's own image (Proxmox VE 9.1).
    #[serde(rename = "ociImage")]
    OciImage(OciGuest),
    /// A volume of templates: `local:vztmpl/debian-12.tar.zst`.
    Template(String),
}

/// The service's own image as a guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OciGuest {}

/// What splits the traffic between guests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RemoteRouter {
    /// `HAProxy`, through its runtime interface.
    Haproxy(Haproxy),
}

/// `HAProxy`, through its runtime interface.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Haproxy {
    /// Where the interface is: `tcp://192.168.2.2:9999`, `unix:///run/haproxy.sock`.
    pub runtime: String,
    /// The backend whose servers the guests are.
    pub backend: String,
}

/// A workload of a Kubernetes cluster.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
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
