//! Guests of a Proxmox VE cluster as a target.

use super::argv::Argv;
use super::defaults;
use super::place::Located;
use super::range::{maybe_within, within};
use crate::domain::model::{Period, SecretSource};
use core::net::{IpAddr, SocketAddr};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Guests of a Proxmox host.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proxmox {
    /// Address or URL: `192.168.1.100`, `https://pve.example:8006`.
    pub host: String,
    /// Other hosts of the same cluster, asked in turn where the one before cannot be reached.
    #[serde(default)]
    pub fallback_hosts: Vec<String>,
    /// File with the certificate authority that the hosts are checked against
    /// (`/etc/pve/pve-root-ca.pem`).
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// sha256 fingerprint of the certificate, which all of the hosts have to show: each node makes one of its
    /// own. It changes when the certificate is renewed, at least every two years.
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
    /// The pool that guests are put into. With one, a guest outside of it is never touched.
    #[serde(default)]
    pub pool: Option<Located<String>>,
    /// Bridge of new containers' network; virtual machines keep that of their template. `vmbr0` where
    /// absent.
    #[serde(default = "defaults::bridge")]
    pub bridge: String,
    /// VLAN tag of new containers' network.
    #[serde(default, deserialize_with = "maybe_within::<_, _, 1, 4094>")]
    #[schemars(range(min = 1, max = 4094))]
    pub vlan: Option<u16>,
    /// Addresses that guests may have, in the environment's subnet; all of it but the gateway where
    /// absent.
    #[serde(default)]
    #[schemars(with = "Option<AddressRange>")]
    pub addresses: Option<Located<AddressRange>>,
    /// Port that the service listens on in a guest; that of the workload, else 80 where absent.
    #[serde(default, deserialize_with = "maybe_within::<_, _, 1, 65_535>")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: Option<u16>,
    /// What a guest is.
    #[serde(default)]
    pub guest: Option<Guest>,
    /// What moves the traffic from guest to guest.
    #[serde(default)]
    pub router: Option<RemoteRouter>,
    /// Storage of full backups; `storage` where absent.
    #[serde(default)]
    pub backup_storage: Option<String>,
    /// The longest that one guest may take to be made, backed up or removed; ten minutes where absent.
    #[serde(default = "defaults::guest_timeout")]
    pub timeout: Period,
    /// How many guests are worked on at the same time; 4 where absent.
    #[serde(
        default = "defaults::parallelism",
        deserialize_with = "within::<_, _, 1, 256>"
    )]
    #[schemars(range(min = 1, max = 256))]
    pub parallelism: u32,
    /// How many of them may be cloned from the template at the same time; 2 where absent.
    #[serde(default = "defaults::clones", deserialize_with = "within::<_, _, 1, 64>")]
    #[schemars(range(min = 1, max = 64))]
    pub clones_per_template: u32,
}

/// Ids that guests may have, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
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

/// Addresses that guests may have, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddressRange {
    /// First address: `192.168.2.50`.
    pub start: IpAddr,
    /// Last address, not below `start`.
    pub end: IpAddr,
}

/// What a guest is.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Guest {
    /// A virtual machine.
    Vm(VirtualMachine),
    /// A container.
    Container(Located<GuestContainer>),
}

/// A virtual machine, cloned from a template.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VirtualMachine {
    /// Id of the template that is cloned.
    #[serde(deserialize_with = "within::<_, _, 100, 999_999_999>")]
    #[schemars(range(min = 100, max = 999_999_999))]
    pub template: u32,
    /// Copy the template's disks instead of building upon them.
    #[serde(default)]
    pub full: bool,
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
    /// The disk that is grown and what it grows to.
    #[serde(default)]
    pub disk: Option<GrownDisk>,
    /// The user that cloud-init makes.
    #[serde(default)]
    pub user: Option<String>,
    /// Public keys that may log in as this user.
    #[serde(default)]
    pub ssh_keys: Vec<String>,
    /// What runs in it; the template's own where absent.
    #[serde(default)]
    pub workload: Option<Workload>,
}

/// A disk of the template that is grown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GrownDisk {
    /// Its name: `scsi0`, `virtio0`.
    pub name: String,
    /// Its size in GiB, not below the template's.
    #[serde(deserialize_with = "within::<_, _, 1, 1_048_576>")]
    #[schemars(range(min = 1, max = 1_048_576))]
    pub size: u32,
}

/// What runs in a virtual machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Workload {
    /// The image, by the guest's own Docker, started through the guest agent.
    Docker(DockerWorkload),
    /// A command, through the guest agent. Variables and secrets come on its standard input, one
    /// `NAME=value` to a line.
    Command(Argv),
}

/// The image, by the guest's own Docker.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DockerWorkload {
    /// Port that it listens on.
    #[serde(deserialize_with = "within::<_, _, 1, 65_535>")]
    #[schemars(range(min = 1, max = 65_535))]
    pub port: u16,
}

/// A container that is a guest: exactly one of `ociImage`, `template` and `clone`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuestContainer {
    /// The service's own image (Proxmox VE 9.1).
    #[serde(default)]
    pub oci_image: Option<OciGuest>,
    /// A volume of templates: `local:vztmpl/debian-12.tar.zst`.
    #[serde(default)]
    pub template: Option<String>,
    /// Id of the container that is cloned.
    #[serde(default, deserialize_with = "maybe_within::<_, _, 100, 999_999_999>")]
    #[schemars(range(min = 100, max = 999_999_999))]
    pub clone: Option<u32>,
    /// Processor cores.
    #[serde(default = "defaults::one", deserialize_with = "within::<_, _, 1, 1024>")]
    #[schemars(range(min = 1, max = 1024))]
    pub cores: u32,
    /// Memory in MiB; 512 where absent.
    #[serde(
        default = "defaults::container_memory",
        deserialize_with = "within::<_, _, 16, 67_108_864>"
    )]
    #[schemars(range(min = 16, max = 67_108_864))]
    pub memory: u32,
    /// Root disk in GiB; 4 where absent.
    #[serde(
        default = "defaults::container_disk",
        deserialize_with = "within::<_, _, 1, 65_536>"
    )]
    #[schemars(range(min = 1, max = 65_536))]
    pub disk: u32,
}

/// The service's own image as a guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OciGuest {
    /// Storage that the image's archive is uploaded to, with content type `vztmpl`; `local` where absent.
    #[serde(default = "defaults::template_storage")]
    pub storage: String,
    /// Let the node pull the image from its registry, which must be open to it, by the tag of the release's
    /// version, which must point at the release's digest; otherwise greenroom uploads it by digest.
    #[serde(default)]
    pub pull: bool,
}

/// What moves the traffic from guest to guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RemoteRouter {
    /// `HAProxy`, through its runtime interface.
    Haproxy(Haproxy),
    /// The service's own address, which moves to the guest that serves.
    Address(ServiceAddress),
}

/// `HAProxy`, through its runtime interface.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Haproxy {
    /// Where the interface is: `tcp://192.168.2.2:9999`, `unix:///run/haproxy.sock`.
    pub runtime: String,
    /// The backend whose servers the guests are.
    pub backend: String,
}

/// An address that moves from guest to guest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ServiceAddress {
    /// The address and the service's port: `192.168.2.10:80`. The address lies in the environment's
    /// subnet and belongs to no guest.
    pub listen: SocketAddr,
}

impl Proxmox {
    /// The port that the service listens on in a guest.
    pub fn service_port(&self) -> u16 {
        let workload = match &self.guest {
            Some(Guest::Vm(VirtualMachine {
                workload: Some(Workload::Docker(docker)),
                ..
            })) => Some(docker.port),
            _ => None,
        };
        self.port.or(workload).unwrap_or(80)
    }
}
